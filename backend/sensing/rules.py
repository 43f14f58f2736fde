"""The rules of raising and clearing, and the book in which those in force are found.

Several rules may watch one quantity: a note before the alarm, a low and a high limit, a rate beside
a limit. A rule for the device's own alarm flag (smoke, gas) holds for every detector; a rule with a
limit holds only for detectors registered for its kind: the temperature of a smoke detector is no
cable temperature. ``docs/thresholds.md`` is compared with this table.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec

from backend.sensing.changes import Change, applied
from backend.sensing.rule import Form, Of, Rule, Stage

DAY = 86_400.0

GB_50116 = "GB 50116 9.2.3: 300–500 mA"
GB_55036 = "GB 55036-2022 3.0.3"
GB_55036_INDOOR = "GB 55036-2022"
NEWS = "city services in the news"


def defaults(*, smoke_clear_s: float = 60.0) -> tuple[Rule, ...]:
    """The rules of a new installation, each quantity's gravest last.

    Args:
        smoke_clear_s: seconds of no smoke before smoke counts as cleared.
    """
    flag, above, below, beyond = Form.FLAG, Form.ABOVE, Form.BELOW, Form.BEYOND
    note, change, rate = Stage.NOTE, Of.CHANGE, Of.RATE
    return (
        Rule(code="S2", kind="smoke", quantity="smoke_density_dbm", form=above, raise_at=0.1,
             clear_at=0.05, on_delay_s=30, stage=note),
        Rule(code="S1", kind="smoke", quantity="smoke", form=flag, raise_at=1,
             off_delay_s=smoke_clear_s, any_kind=True),
        # gas: true with density 0 is a known state after power-up, hence the persistence
        Rule(code="G1", kind="gas", quantity="gas", form=flag, raise_at=1, on_delay_s=10,
             off_delay_s=120, normals=3, confirmed_by="gas_density", any_kind=True),
        Rule(code="G2", kind="gas", quantity="gas_value", form=above, raise_at=8, clear_at=5,
             off_delay_s=120, normals=3),
        Rule(code="G4", kind="gas", quantity="gas_value", form=above, raise_at=20, clear_at=5,
             off_delay_s=120, normals=3, first=False),
        Rule(code="G3", kind="gas", quantity="carbon_monoxide", form=flag, raise_at=1,
             off_delay_s=120, normals=3, any_kind=True),
        Rule(code="E1n", kind="electric", quantity="residual_current", form=above, raise_at=300,
             clear_at=240, on_delay_s=30, stage=note, first=False, ours=False, source=GB_50116),
        Rule(code="E1", kind="electric", quantity="residual_current", form=above, raise_at=500,
             clear_at=400, on_delay_s=30, ours=False, source=GB_50116),
        Rule(code="E2n", kind="electric", quantity="leakage_current", form=above, raise_at=300,
             clear_at=240, on_delay_s=30, stage=note, first=False, ours=False, source=GB_50116),
        Rule(code="E2", kind="electric", quantity="leakage_current", form=above, raise_at=500,
             clear_at=400, on_delay_s=30, ours=False, source=GB_50116),
        Rule(code="E3n", kind="electric", quantity="temperature", form=above, raise_at=65,
             clear_at=60, on_delay_s=30, stage=note, first=False),
        Rule(code="E3r", kind="electric", quantity="temperature", form=above, raise_at=10,
             clear_at=5, of=rate, window_s=300, times=2, first=False),
        Rule(code="E3", kind="electric", quantity="temperature", form=above, raise_at=80,
             clear_at=75, on_delay_s=30),
        Rule(code="E4", kind="electric", quantity="arc", form=above, raise_at=14, clear_at=9),
        Rule(code="E8", kind="electric", quantity="load", form=above, raise_at=105, clear_at=99,
             on_delay_s=600, first=False),
        Rule(code="E5", kind="electric", quantity="load", form=above, raise_at=130, clear_at=100,
             on_delay_s=60),
        Rule(code="E6", kind="electric", quantity="short_circuit", form=flag, raise_at=1),
        Rule(code="E7", kind="electric", quantity="electric_alarm", form=flag, raise_at=1,
             any_kind=True),
        *_tilt("B1", "tilt_horizontal"),
        *_tilt("B2", "tilt_vertical"),
        Rule(code="B3n", kind="structure", quantity="settlement", form=beyond, raise_at=2,
             clear_at=1.5, of=rate, window_s=30 * DAY, zero=True, stage=note, first=False),
        Rule(code="B3", kind="structure", quantity="settlement", form=beyond, raise_at=4,
             clear_at=3, of=rate, window_s=30 * DAY, zero=True),
        Rule(code="B4", kind="structure", quantity="displacement", form=beyond, raise_at=5,
             clear_at=4, of=change, learn_s=7 * DAY),
        Rule(code="B5n", kind="structure", quantity="crack", form=above, raise_at=0.3,
             clear_at=0.2, of=rate, window_s=7 * DAY, stage=note, first=False),
        Rule(code="B5", kind="structure", quantity="crack", form=above, raise_at=1, clear_at=0.9,
             of=change, learn_s=7 * DAY),
        Rule(code="H2", kind="hydrant", quantity="pressure", form=above, raise_at=0.7,
             clear_at=0.65, on_delay_s=120, off_delay_s=300, first=False, off=True, ours=False,
             source=GB_55036_INDOOR),
        Rule(code="H1n", kind="hydrant", quantity="pressure", form=below, raise_at=0.14,
             clear_at=0.15, on_delay_s=600, off_delay_s=300, stage=note, first=False, ours=False,
             source=GB_55036),
        Rule(code="H1", kind="hydrant", quantity="pressure", form=below, raise_at=0.10,
             clear_at=0.15, on_delay_s=120, off_delay_s=300, ours=False, source=GB_55036),
        Rule(code="H3", kind="hydrant", quantity="hydrant_tilted", form=flag, raise_at=1),
        Rule(code="H4", kind="hydrant", quantity="hydrant_opened", form=flag, raise_at=1,
             stage=note),
        Rule(code="W1", kind="water", quantity="water_leak", form=flag, raise_at=1),
        Rule(code="W4", kind="water", quantity="water_used", form=above, raise_at=24,
             of=Of.RUNNING, off_delay_s=0, normals=1, first=False, ours=False, source=NEWS),
        Rule(code="W3", kind="water", quantity="water_used", form=above, raise_at=2, clear_at=1.8,
             of=Of.USED, window_s=DAY, off_delay_s=0, first=False, ours=False, source=NEWS),
        Rule(code="W2", kind="water", quantity="water_used", form=above, raise_at=12,
             of=Of.UNUSED, least=0.01, off_delay_s=0, normals=1, ours=False, source=NEWS),
        Rule(code="D2", kind="door", quantity="contact", form=above, raise_at=48, of=Of.STILL,
             off_delay_s=0, normals=1, first=False),
        Rule(code="D1", kind="door", quantity="contact", form=flag, raise_at=0, on_delay_s=600,
             night_on_delay_s=300, off_delay_s=0, normals=1),
    )  # fmt: skip


def _tilt(code: str, quantity: str) -> tuple[Rule, ...]:
    """The three rules of an inclination in mm/m: a note, a rate, and the limit itself.

    Note and rate are judged by medians over a day, so that the sun on a wall raises nothing; the
    limit is held against the reading itself, for what falls does not wait for a median.
    """
    made = Rule(
        code=code, kind="structure", quantity=quantity, form=Form.BEYOND, raise_at=7, clear_at=6,
        of=Of.CHANGE, learn_s=7 * DAY,
    )  # fmt: skip
    change = msgspec.structs.replace
    return (
        change(made, code=f"{code}n", raise_at=3, clear_at=2.5, window_s=DAY, stage=Stage.NOTE,
               first=False),
        change(made, code=f"{code}r", raise_at=1, clear_at=0.8, of=Of.RATE, window_s=DAY,
               smooth=True, learn_s=0, first=False),
        made,
    )  # fmt: skip


def _hydrants() -> tuple[Change, ...]:
    """What is normal at an indoor hydrant depends on where it hangs: never one limit for all."""
    least = {
        "indoor_static_07": 0.07, "indoor_static_10": 0.10, "indoor_static_15": 0.15,
        "indoor_outlet_25": 0.25, "indoor_outlet_35": 0.35, "low_pressure_system": 0.60,
    }  # fmt: skip
    made = []
    for group, low in least.items():
        clear = round(low * 1.05, 4)
        made.append(Change(code="H1", group=group, raise_at=low, clear_at=clear))
        made.append(Change(code="H1n", group=group, off=True))
        if group.startswith("indoor_outlet"):
            made.append(Change(code="H2", group=group, off=False))
    return tuple(made)


GROUPS = {
    "municipal": "hydrant", "indoor_static_07": "hydrant", "indoor_static_10": "hydrant",
    "indoor_static_15": "hydrant", "indoor_outlet_25": "hydrant", "indoor_outlet_35": "hydrant",
    "low_pressure_system": "hydrant", "lives_alone": "door",
}  # fmt: skip
"""Rule groups that a detector may be put in, and the kind of which each is."""

SCOPED = (*_hydrants(), Change(code="D2", group="lives_alone", raise_at=24))
"""Changes of groups that a new installation begins with; a version's changes come after them."""


class Limit(NamedTuple):
    """One line to draw beside readings: in the quantity's own unit."""

    limit: float
    stage: Stage
    direction: Form
    source: str


ByQuantity = Mapping[str, tuple[Rule, ...]]
"""Of one detector: the rules of each quantity, the gravest last."""


class RuleBook:
    """The rules in force, found without a search; ``replace`` puts others in their place.

    ``own`` are the detectors with numbers of their own, ``groups`` the groups with some.
    """

    def __init__(
        self, rules: tuple[Rule, ...], changes: tuple[Change, ...] = (), version: int = 0
    ) -> None:
        self.replace(rules, changes, version)

    def replace(
        self, rules: tuple[Rule, ...], changes: tuple[Change, ...] = (), version: int = 0
    ) -> None:
        """Other rules from now on, for everybody who holds this book.

        Args:
            rules: of the installation, each quantity's gravest last.
            changes: of it, of groups and of single detectors.
            version: stamped on every rule, and so on everything that it raises.
        """
        self.version = version
        self.rules = rules
        self.changes = changes
        self._of: dict[tuple[str, str | None, UUID | None], ByQuantity] = {}
        self.own = frozenset(c.detector for c in changes if c.detector is not None)
        self.groups = frozenset(c.group for c in (*SCOPED, *changes) if c.group is not None)

    async def refresh(self) -> None:
        """Take up a new version, where there is something to take it from; here there is not."""

    def of(self, kind: str, group: str | None = None, detector: UUID | None = None) -> ByQuantity:
        """By quantity, the rules that hold for a detector.

        Args:
            kind: that it is registered as.
            group: its rule group within the kind, such as a hydrant's class.
            detector: its id, for a change of its own.
        """
        key = (
            kind,
            group if group in self.groups else None,
            detector if detector in self.own else None,
        )
        found = self._of.get(key)
        if found is None:
            found = self._of[key] = self._made(*key)
        return found

    def _made(self, kind: str, group: str | None, detector: UUID | None) -> ByQuantity:
        ours = sorted(
            (
                change
                for change in self.changes
                if change.group in (None, group) and change.detector in (None, detector)
            ),
            key=lambda change: (change.detector is not None, change.group is not None),
        )
        given = [c for c in SCOPED if c.group == group]
        made: dict[str, tuple[Rule, ...]] = {}
        for rule in self.rules:
            if rule.any_kind or rule.kind == kind:
                before = applied(rule, given)
                held = applied(before, ours)
                held = msgspec.structs.replace(
                    held, ours=before.ours or held != before, version=self.version
                )
                made[rule.quantity] = (*made.get(rule.quantity, ()), held)
        return made

    def limits_of(
        self, kind: str, quantity: str, group: str | None = None, detector: UUID | None = None
    ) -> list[Limit]:
        """The lines to draw beside a quantity's readings; none for flags, rates and hours.

        Args: see ``of``. A change from a baseline is drawn as it is: the caller adds the baseline.
        """
        return [
            Limit(rule.raise_at, rule.stage, rule.form, rule.source)
            for rule in self.of(kind, group, detector).get(quantity, ())
            if rule.limit is not None and rule.of in (Of.VALUE, Of.CHANGE) and not rule.off
        ]
