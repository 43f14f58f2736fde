"""What a device says about itself that is work for a technician, and when it says that it is well.

Pure. Power, battery, radio and the sensor's own fault never open an incident (5.1.1.2-c); each is
one matter that opens once, is said again on another day while it lasts, and closes by itself when
the device says that it is well. What is open stands in ``health["open"]``: matter → [reason, day].
"""

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from backend.sensing.reading import Event

OPEN = "open"

BATTERY_LOW, BATTERY_CRITICAL, BATTERY_WELL = 15, 5, 25
"""Per cent, ▲. Well is higher than low, so that a battery at the edge is told once."""
LINK_WEAK, LINK_WELL = 20, 40
"""Zigbee link quality of 255, ▲."""
RSSI_WEAK, RSSI_WELL = -118, -110
"""dBm, ▲: near the limit of LoRa and NB-IoT radios."""

BY_NAME = {"mains_fault": "mains", "power_fault": "mains", "backup_fault": "backup",
           "profile_needed": "profile"}  # fmt: skip
"""Events that are a matter of their own; the other faults share ``fault``."""
FAULTS = frozenset(
    {"fault", "mains_fault", "backup_fault", "bus_fault", "power_fault", "centre_link_fault",
     "line_fault", "shielded", "profile_needed"}
)  # fmt: skip
"""Events after which somebody has to look at the device."""
SENSOR = frozenset({"fault", "sensor-fault"})
"""Reasons that a good reading of the same detector ends."""
RECOVERED = {"mains_restored": ("mains",), "fault_recovered": ("fault",)}
"""Events that say which matters are over."""
STATUS = frozenset({"system_status", "component_status", "unit_status"})
"""Events that hold every fault of a part: what is not in them is over."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One matter that opens, goes on another day, or (``over``) is over."""

    matter: str
    reason: str
    over: bool = False


def works(health: Mapping[str, object], item: Event, today: date) -> tuple[Work, ...]:
    """What an event changes.

    Args:
        health: of the detector before it, with what is open.
        item: what it says of itself.
        today: UTC, of the arrival.
    """
    standing = opened(health)
    day = today.isoformat()
    found: list[Work] = []
    for matter, reason in _said(health, item):
        known = standing.get(matter)
        if reason is None:
            if known is not None:
                found.append(Work(matter=matter, reason=known[0], over=True))
        elif known is None or known[1] != day or (matter == "battery" and known[0] != reason):
            found.append(Work(matter=matter, reason=reason))
    return tuple(found)


def taken(health: Mapping[str, object], found: tuple[Work, ...], today: date) -> dict[str, object]:
    """The health with these matters opened or closed."""
    standing: dict[str, tuple[str, str]] = {**opened(health)}
    for work in found:
        if work.over:
            standing.pop(work.matter, None)
        else:
            standing[work.matter] = (work.reason, today.isoformat())
    kept = {name: fact for name, fact in health.items() if name != OPEN}
    return {**kept, OPEN: standing} if standing else kept


def opened(health: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    """Open matters of a detector: reason, and the day on which it was last told."""
    found = health.get(OPEN)
    if not isinstance(found, dict):
        return {}
    return {str(matter): (str(one[0]), str(one[1])) for matter, one in found.items()}


def sensor(health: Mapping[str, object], *, faulty: bool, today: date) -> tuple[Work, ...]:
    """What a fresh reading says of its sensor: it flags its own fault, or is good again."""
    known = opened(health).get("fault")
    if faulty:
        if known is not None and known[1] == today.isoformat():
            return ()
        return (Work(matter="fault", reason="sensor-fault"),)
    if known is None or known[0] not in SENSOR:
        return ()
    return (Work(matter="fault", reason=known[0], over=True),)


def says_away(item: Event) -> bool:
    """Its bridge or network says that the device is away."""
    return item.name == "availability" and item.facts.get("state") == "offline"


def _said(health: Mapping[str, object], item: Event) -> Iterator[tuple[str, str | None]]:
    """Matter and reason of what an event says; reason None: it says that the matter is over."""
    name, facts = item.name, item.facts
    if name in FAULTS:
        yield BY_NAME.get(name, "fault"), name
    elif name in RECOVERED:
        yield from ((matter, None) for matter in RECOVERED[name])
    elif name in STATUS:
        # the faults that are set come as events of their own beside this one
        set_now = {BY_NAME.get(bit, "fault") for bit in FAULTS & facts.keys()}
        yield from (
            (matter, None) for matter in ("mains", "backup", "fault") if matter not in set_now
        )
    elif name == "tamper":
        yield "tamper", "tamper"
    elif name in ("battery", "health", "heartbeat"):
        yield from _battery(facts, opened(health).get("battery"))
        yield from _radio(facts)
        if facts.get("external_power") is True:
            yield "mains", None


def _battery(
    facts: Mapping[str, object], known: tuple[str, str] | None
) -> Iterator[tuple[str, str | None]]:
    level = facts.get("battery")
    per_cent = float(level) if isinstance(level, int | float) and level is not True else None
    said_low = facts.get("battery_low")
    if per_cent is not None and 0 <= per_cent < BATTERY_CRITICAL:
        yield "battery", "battery-critical"
    elif said_low is True or (per_cent is not None and 0 <= per_cent < BATTERY_LOW):
        yield "battery", "battery-low"
    elif per_cent is not None and per_cent < BATTERY_WELL and known is not None:
        return  # between: what stands goes on
    elif per_cent is not None or said_low is False:
        yield "battery", None


def _radio(facts: Mapping[str, object]) -> Iterator[tuple[str, str | None]]:
    for name, weak, well in (("linkquality", LINK_WEAK, LINK_WELL), ("rssi", RSSI_WEAK, RSSI_WELL)):
        found = facts.get(name)
        if not isinstance(found, int | float) or isinstance(found, bool):
            continue
        if found < weak:
            yield "signal", "signal-weak"
        elif found >= well:
            yield "signal", None
