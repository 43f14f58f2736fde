"""Names of properties that cloud platforms use, and what they mean to us. Data, and one reader.

A property that is not here is told in the event ``unmapped`` and can be given a meaning by a
mapping template (``templates.py``); a number without a known unit is never made a reading.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from backend.sensing.measure import When, measured
from backend.sensing.reading import Decoded, Event, plain


class Flag(NamedTuple):
    """A state property: which values say that all is well; every other whole number alarms."""

    quantity: str
    normal: tuple[int, ...] = (0,)


FLAGS = {
    "smoke_state": Flag("smoke"),
    "smokestate": Flag("smoke"),
    "smoke_alarm": Flag("smoke"),
    "alarm_status": Flag("smoke"),
    "gas_sensor_state": Flag("gas"),
    "gas_state": Flag("gas"),
    "gas_alarm": Flag("gas"),
    "water_leak_state": Flag("water_leak"),
    "waterleak": Flag("water_leak"),
}
NUMBERS = {"smoke_value": "smoke_density", "gas_value_lel": "gas_value"}
BATTERY = frozenset({"battery_level", "battery_percentage", "battery_value", "batterylevel",
                     "battery"})  # fmt: skip
MAX_FACTS = 40


def properties(
    device: str, found: Mapping[object, object], at: When, received_at: datetime
) -> Iterator[Decoded]:
    """What a set of named properties says."""
    rest: dict[str, object] = {}
    battery: object = None
    for name, value in list(found.items())[:500]:
        key = str(name).lower()
        whole = isinstance(value, int) and not isinstance(value, bool)
        if key in FLAGS and (whole or isinstance(value, bool)):
            flag = FLAGS[key]
            yield measured(device, flag.quantity, value not in flag.normal, at, received_at)
        elif key in NUMBERS:
            yield measured(device, NUMBERS[key], value, at, received_at)
        elif key in BATTERY and isinstance(value, int | float) and not isinstance(value, bool):
            battery = plain(value)
        elif len(rest) < MAX_FACTS:
            rest[str(plain(str(name)))] = plain(value)
    if battery is not None:
        yield Event(name="battery", at=at.at, device=device, facts={"battery": battery})
    if rest:
        yield Event(name="unmapped", at=at.at, device=device, facts=rest)
