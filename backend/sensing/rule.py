"""What one rule of raising and clearing is. The rules themselves are in ``rules.py``.

Several rules may watch one quantity: a note before the alarm, a low and a high limit, a rate beside
a limit. Limits are in the unit of ``quantities.py``, or in hours where time itself is measured. A
rule for the device's own alarm flag (smoke, gas) holds for every detector; a rule with a limit
holds only for detectors registered for its kind: the temperature of a smoke detector is no cable
temperature.
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


class Of(StrEnum):
    """What is held against the limit."""

    VALUE = "value"
    """The reading itself."""
    CHANGE = "change"
    """The reading less the detector's baseline; with a window, the median of that window."""
    RATE = "rate"
    """The change within the window: against every sample of it, or median against the median of
    the window before where ``smooth``."""
    USED = "used"
    """What a counter rose by within the window."""
    UNUSED = "unused"
    """Awake hours in which a counter rose by less than ``least``."""
    RUNNING = "running"
    """Hours in which a counter never stood still for half an hour."""
    STILL = "still"
    """Hours since a flag last had the value 0 (a door: since it was last open)."""


HOURS = frozenset({Of.UNUSED, Of.RUNNING, Of.STILL})
"""What is measured in hours, whatever the quantity's own unit."""


class Stage(StrEnum):
    """What a raise does: a note is a notice for desk and technician, an alarm is an incident."""

    NOTE = "note"
    ALARM = "alarm"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.

    ``normals`` fresh normal readings in a row release; ``times`` readings in a row over the limit
    raise, once ``on_delay_s`` (at night ``night_on_delay_s``) has passed. ``confirmed_by`` is a
    quantity that, when above zero, makes the on-delay unnecessary. ``learn_s`` is how long a new
    detector's baseline is learned; until then, and without history where ``zero``, the value
    counts from zero. ``first`` marks the rule whose memory stands under the quantity's own name.
    ``off`` raises nothing, but an alarm that is on still ends by it. ``version`` is the version of
    the book. ``ours`` marks a number that we chose (▲); ``source`` names only what was verified.
    """

    code: str
    kind: str
    quantity: str
    form: Form
    raise_at: float
    clear_at: float = 0.0
    on_delay_s: float = 0.0
    night_on_delay_s: float | None = None
    off_delay_s: float = 60.0
    normals: int = 2
    times: int = 1
    of: Of = Of.VALUE
    window_s: float = 0.0
    smooth: bool = False
    least: float = 0.0
    learn_s: float = 0.0
    zero: bool = False
    stage: Stage = Stage.ALARM
    confirmed_by: str | None = None
    any_kind: bool = False
    first: bool = True
    off: bool = False
    ours: bool = True
    source: str = "▲"
    version: int = 0
    key: str = ""
    span_s: float = 0.0

    def __post_init__(self) -> None:
        """Derive where the memory stands and how far it must reach back, once per rule."""
        key = self.quantity if self.first else f"{self.quantity}/{self.code}"
        reach = self.window_s * (2 if self.smooth and self.of is Of.RATE else 1)
        msgspec.structs.force_setattr(self, "key", key)
        msgspec.structs.force_setattr(self, "span_s", max(reach, self.learn_s))

    @property
    def unit(self) -> str | None:
        """The unit of the limit."""
        return "h" if self.of in HOURS else QUANTITIES[self.quantity].unit

    @property
    def limit(self) -> float | None:
        """The number to draw and to tell; a flag has none."""
        return None if self.form is Form.FLAG else self.raise_at

    @property
    def alarms(self) -> bool:
        """It opens an incident."""
        return self.stage is Stage.ALARM
