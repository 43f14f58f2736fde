"""The rules of raising and clearing, as data. ``ours`` marks a number that we chose (▲).

One rule watches one quantity. Limits are in the unit of ``quantities.py``. A rule for the device's
own alarm flag (smoke, gas) holds for every detector; a rule with a limit holds only for detectors
registered for its kind: the temperature of a smoke detector is no cable temperature.
"""

from enum import StrEnum

import msgspec

from backend.sensing.quantities import QUANTITIES


class Form(StrEnum):
    """How a value is held against the limit."""

    FLAG = "flag"
    ABOVE = "above"
    BELOW = "below"
    BEYOND = "beyond"
    """Either direction: the amount without its sign."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. ``normals`` is how many fresh normal readings in a row a release needs (▲ 2;
    gas 3); ``confirmed_by`` is a quantity that, when above zero, makes the on-delay unnecessary."""

    code: str
    kind: str
    quantity: str
    form: Form
    raise_at: float
    clear_at: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 60.0
    normals: int = 2
    confirmed_by: str | None = None
    any_kind: bool = False
    ours: bool = True
    source: str = "▲"

    @property
    def unit(self) -> str | None:
        """The unit of the limit."""
        return QUANTITIES[self.quantity].unit

    @property
    def limit(self) -> float | None:
        """The number to draw and to tell; a flag has none."""
        return None if self.form is Form.FLAG else self.raise_at


def defaults(*, smoke_clear_s: float = 60.0) -> tuple[Rule, ...]:
    """The rules of a new installation.

    Args:
        smoke_clear_s: seconds of no smoke before smoke counts as cleared.
    """
    flag, above, below, beyond = Form.FLAG, Form.ABOVE, Form.BELOW, Form.BEYOND
    return (
        Rule(code="S1", kind="smoke", quantity="smoke", form=flag, raise_at=1,
             off_delay_s=smoke_clear_s, any_kind=True, source="device flag, at once"),
        # gas: true with density 0 is a known state after power-up, hence the persistence
        Rule(code="G1", kind="gas", quantity="gas", form=flag, raise_at=1, on_delay_s=10,
             off_delay_s=120, normals=3, confirmed_by="gas_density", any_kind=True,
             source="device flag; GB 15322 alarm time 15–60 s, ours at most 15 s"),
        Rule(code="G2", kind="gas", quantity="gas_value", form=above, raise_at=8, clear_at=5,
             off_delay_s=120, normals=3, source="GB 15322.2-2019: set 5–25 %LEL"),
        Rule(code="G3", kind="gas", quantity="carbon_monoxide", form=flag, raise_at=1,
             off_delay_s=120, normals=3, any_kind=True, source="device flag"),
        Rule(code="E1", kind="electric", quantity="residual_current", form=above, raise_at=500,
             clear_at=400, on_delay_s=30, ours=False, source="GB 50116 9.2.3: 300–500 mA"),
        Rule(code="E2", kind="electric", quantity="leakage_current", form=above, raise_at=500,
             clear_at=400, on_delay_s=30, ours=False, source="GB 50116 9.2.3: 300–500 mA"),
        Rule(code="E3", kind="electric", quantity="temperature", form=above, raise_at=80,
             clear_at=75, on_delay_s=30, source="▲ 80 °C; products 55–140 °C"),
        Rule(code="E4", kind="electric", quantity="arc", form=above, raise_at=14, clear_at=9,
             source="GB 31252-2014: alarm within 30 s"),
        Rule(code="E5", kind="electric", quantity="load", form=above, raise_at=130, clear_at=100,
             on_delay_s=60),
        Rule(code="E6", kind="electric", quantity="short_circuit", form=flag, raise_at=1),
        Rule(code="E7", kind="electric", quantity="electric_alarm", form=flag, raise_at=1,
             any_kind=True, source="device flag of an electric-fire detector"),
        Rule(code="B1", kind="structure", quantity="tilt_horizontal", form=beyond, raise_at=7,
             clear_at=6, source="▲ change from baseline; dangerous above 20–30 mm/m"),
        Rule(code="B2", kind="structure", quantity="tilt_vertical", form=beyond, raise_at=7,
             clear_at=6, source="▲ change from baseline; dangerous above 20–30 mm/m"),
        Rule(code="B3", kind="structure", quantity="settlement", form=beyond, raise_at=4,
             clear_at=3),
        Rule(code="B4", kind="structure", quantity="displacement", form=beyond, raise_at=5,
             clear_at=4),
        Rule(code="B5", kind="structure", quantity="crack", form=above, raise_at=1, clear_at=0.9),
        Rule(code="H1", kind="hydrant", quantity="pressure", form=below, raise_at=0.10,
             clear_at=0.15, on_delay_s=120, off_delay_s=300, ours=False,
             source="GB 55036-2022 3.0.3: 0.14 MPa, 0.10 MPa in a fire"),
        Rule(code="W1", kind="water", quantity="water_leak", form=flag, raise_at=1),
        Rule(code="D1", kind="door", quantity="contact", form=flag, raise_at=0, on_delay_s=600,
             off_delay_s=0, normals=1, source="▲ open longer than 10 min"),
    )  # fmt: skip


class RuleBook:
    """The rules in force, found by detector kind and quantity without a search."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        kinds = {rule.kind for rule in rules}
        self._by_kind: dict[str, dict[str, Rule]] = {
            kind: {r.quantity: r for r in rules if r.any_kind or r.kind == kind} for kind in kinds
        }
        self._any = {r.quantity: r for r in rules if r.any_kind}

    def of(self, kind: str) -> dict[str, Rule]:
        """By quantity, the rules that hold for a detector registered as ``kind``."""
        return self._by_kind.get(kind, self._any)
