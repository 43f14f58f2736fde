"""Our own documented JSON (docs/protocol-jiean.md). Pure and strict.

``jiean/<device>/reading`` carries one object or a list of at most 500:
``{"quantity", "value", "unit", "measuredAt", "flags"}``. ``jiean/<device>/event`` carries
``{"name", …facts}``. An unknown field, quantity or unit is refused by name: whoever writes to a
documented interface is better served by a clear no than by a guess.
"""

from datetime import datetime

from backend.sensing.body import MAX_ITEMS, Refused, instant_of, name_of, parse, value_of
from backend.sensing.quantities import QUANTITIES
from backend.sensing.reading import Decoded, Event, Reading, Rejected, plain, time_flags

FIELDS = frozenset({"quantity", "value", "unit", "measuredAt", "flags"})
FLAGS = frozenset({"alarm", "test", "tamper", "fault"})
ALARM_WHEN_TRUE = frozenset({"smoke", "gas", "water_leak", "carbon_monoxide", "short_circuit"})


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one message means; see ``reading.Adapter``. No topic: a reading of ``unknown``."""
    where = "jiean/unknown/reading" if topic is None else topic
    device = "unknown"
    try:
        path, _, part = where.rpartition("/")
        device = name_of(path.partition("/")[2])
        if not payload:
            return (Event(name="retained_cleared", at=received_at, device=device),)
        if part == "event":
            return (_event(device, parse(payload), received_at),)
        if part != "reading":
            raise Refused("bad-topic", f"…/reading or …/event expected, got {part!r}")
        found = parse(payload)
    except Refused as refused:
        return (_named(refused, device),)
    items = found if isinstance(found, list) else [found]
    if len(items) > MAX_ITEMS:
        return (_named(Refused("too-many", f"{len(items)} readings, at most {MAX_ITEMS}"), device),)
    said: list[Decoded] = []
    for item in items:
        try:
            said.append(_reading(device, item, received_at, retained))
        except Refused as refused:
            said.append(_named(refused, device))
    return tuple(said) or (Event(name="heartbeat", at=received_at, device=device),)


def _named(refused: Refused, device: str) -> Rejected:
    return Rejected(reason=refused.rejected.reason, detail=refused.rejected.detail, device=device)


def _event(device: str, body: object, at: datetime) -> Event:
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        raise Refused("not-an-object", 'an object with "name" expected')
    facts = {str(plain(k)): plain(v) for k, v in list(body.items())[:40] if k != "name"}
    return Event(name=str(plain(body["name"])), at=at, device=device, facts=facts)


def _reading(device: str, body: object, received_at: datetime, retained: bool) -> Reading:
    if not isinstance(body, dict):
        raise Refused("not-an-object", f"an object expected, got {type(body).__name__}")
    if strange := sorted(set(body) - FIELDS):
        raise Refused("bad-value", f"unknown fields: {', '.join(strange)}")
    name = body.get("quantity")
    quantity = QUANTITIES.get(name) if isinstance(name, str) else None
    if quantity is None or not isinstance(name, str):
        raise Refused("unknown-quantity", f"{name!r}")
    if body.get("unit") != quantity.unit:
        raise Refused("wrong-unit", f"{name} is in {quantity.unit}, got {body.get('unit')!r}")
    flags = body.get("flags", [])
    if not isinstance(flags, list) or not all(isinstance(f, str) and f in FLAGS for f in flags):
        raise Refused("bad-value", f"flags: a list out of {sorted(FLAGS)} expected")
    value = value_of(name, body.get("value"), quantity)
    said = dict.fromkeys(flags)
    if value is True and name in ALARM_WHEN_TRUE:
        said["alarm"] = None
    if value is False and name == "contact":
        said["open"] = None
    measured_at, timed = received_at, body.get("measuredAt") is not None
    if timed:
        measured_at = instant_of(body["measuredAt"])
        said.update(dict.fromkeys(time_flags(measured_at, received_at)))
    if retained:
        said["retained"] = None
    return Reading(
        device=device,
        kind=quantity.kind,
        quantity=name,
        value=value,
        unit=quantity.unit,
        measured_at=measured_at,
        received_at=received_at,
        timed=timed,
        flags=tuple(said),
    )
