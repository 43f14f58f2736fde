"""Zigbee2MQTT: ``zigbee2mqtt/<friendly name>`` with one JSON object. Pure.

Choices, each of which a captured message made necessary:

- A reading's quantity is the payload's own field name and its value the payload's own value, so
  what is stored can be compared with what was sent. ``contact: false`` therefore stays ``false``
  and carries the flag ``open``; ``smoke``, ``gas``, ``water_leak``, ``carbon_monoxide``: ``true``
  carries ``alarm``.
- ``voltage`` beside ``battery`` is the cell in millivolts (event ``battery``); without it, the
  mains in volts (quantity ``mains_voltage``).
- ``device_temperature`` is the temperature of the radio chip: device health, not a reading.
- ``last_seen`` comes as ISO 8601 or as milliseconds, by the bridge's setting; one that cannot be
  read leaves the time of arrival and the flag ``clock``.
- ``null`` is "not known yet" after a restart of the bridge: event ``no_value``, never a reading.
- A friendly name may hold spaces and slashes. ``bridge/…`` is never a reading.
- With the output ``attribute`` each property has a topic of its own, ``…/<name>/smoke`` with the
  bare value: a value that is no object, under a property's name, is read as that property.
- Some devices say their state as a word (``smoke_state: alarm``); a flag beside it wins.
- ``test: true`` (the button on the device) flags every reading of the message.
- What we do not map is named in the event ``unmapped``, so nothing is lost without a word.
"""

from collections.abc import Iterator
from datetime import datetime

from backend.sensing.body import Refused, instant_of, name_of, parse, value_of
from backend.sensing.quantities import QUANTITIES
from backend.sensing.reading import (
    MAX_NAME,
    Decoded,
    Event,
    Reading,
    Rejected,
    plain,
    time_flags,
)

READINGS = {
    # densities first: a rule for the flag may ask what the same message measured
    name: QUANTITIES[name]
    for name in (
        *("smoke_density", "smoke_density_dbm", "smoke_concentration", "smoke"),
        *("gas_density", "gas_value", "gas", "co", "carbon_monoxide"),
        *("water_leak", "contact"),
        *("vibration", "strength", "angle", "angle_x", "angle_y", "angle_z"),
        *("angle_x_absolute", "angle_y_absolute"),
        *("temperature", "power", "current", "energy", "residual_current", "leakage_current"),
    )
}
ORDER = {name: place for place, name in enumerate(READINGS)}
ALARM_WHEN_TRUE = frozenset({"smoke", "gas", "water_leak", "carbon_monoxide"})
BATTERY = frozenset({"battery", "battery_low", "battery_state"})
HEALTH = frozenset({"linkquality", "device_temperature", "power_outage_count", "update_available"})
VALVE = frozenset({"state", "valve", "valve_state", "valve_status", "position"})
TEST = frozenset({"test", "self_test"})
FAULT = frozenset({"fault", "fault_alarm", "trouble"})
WORDS = {
    "smoke_state": "smoke", "gas_state": "gas", "water_leak_state": "water_leak",
    "carbon_monoxide_state": "carbon_monoxide",
}  # fmt: skip
"""State words, and the flag that they stand for."""
MEANS = {"alarm": True, "alarming": True, "normal": False, "clear": False}
SILENT = frozenset({"last_seen", "tamper", "update", "elapsed", "device", "voltage", "action"})
"""Used above or below, or meta data of the bridge about itself."""
PROPERTIES = READINGS.keys() | BATTERY | HEALTH | VALVE | TEST | FAULT | WORDS.keys() | SILENT
"""What may stand alone under a topic of its own."""

BRIDGE_EVENTS = {"device_announce": "announce", "device_joined": "joined", "device_leave": "left"}
LEGACY_EVENTS = {
    "device_announced": "announce", "device_connected": "joined", "device_removed": "left",
    "device_force_removed": "left",
}  # fmt: skip
"""Of the topic ``bridge/log`` before version 1.17."""


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one message means; see ``reading.Adapter``."""
    where = "zigbee2mqtt/unknown" if topic is None else topic
    _, _, path = where.partition("/")
    path = path or where
    try:
        if path.startswith("bridge/"):
            return (_bridge(path.removeprefix("bridge/"), payload, received_at),)
        if path.endswith("/availability"):
            return (_availability(path.removesuffix("/availability"), payload, received_at),)
        if path.endswith(("/set", "/get")):
            device = name_of(path[:-4])
            return (Event(name="command", at=received_at, device=device, facts={"path": path}),)
        return _device(name_of(path), payload, received_at, retained)
    except Refused as refused:
        return (_named(refused, path),)


def _named(refused: Refused, device: str) -> Rejected:
    shown = "".join(letter if letter.isprintable() else "�" for letter in device[:200])
    return Rejected(
        reason=refused.rejected.reason, detail=refused.rejected.detail, device=shown or None
    )


def _state(payload: bytes) -> object:
    """``online``, ``"online"`` and ``{"state": "online"}`` are all in use."""
    if payload in (b"online", b"offline"):
        return payload.decode()
    found = parse(payload)
    return found.get("state") if isinstance(found, dict) else found


def _availability(device: str, payload: bytes, at: datetime) -> Event:
    facts = {"state": plain(_state(payload))}
    return Event(name="availability", at=at, device=name_of(device), facts=facts)


def _bridge(path: str, payload: bytes, at: datetime) -> Event:
    """The bridge speaks about itself: state, log, and devices that come and go."""
    if path == "state":
        return Event(name="bridge_state", at=at, facts={"state": plain(_state(payload))})
    if path == "event":
        found = parse(payload)
        body = found if isinstance(found, dict) else {}
        data = body.get("data")
        facts = {k: plain(v) for k, v in data.items()} if isinstance(data, dict) else {}
        kind = str(plain(body.get("type")))
        device = facts.get("friendly_name")
        return Event(
            name=BRIDGE_EVENTS.get(kind, "bridge_event"),
            at=at,
            device=device if isinstance(device, str) else None,
            facts={"type": kind, **facts},
        )
    if path in ("logging", "log"):
        found = parse(payload)
        facts = {k: plain(v) for k, v in found.items()} if isinstance(found, dict) else {}
        if isinstance(found, dict) and (name := LEGACY_EVENTS.get(str(facts.get("type")))):
            about = found.get("meta")
            own = about.get("friendly_name") if isinstance(about, dict) else found.get("message")
            device = name_of(own) if isinstance(own, str) and own else None
            return Event(name=name, at=at, device=device, facts={"type": facts["type"]})
        return Event(name="bridge_log", at=at, facts=facts)
    if path == "health":
        return Event(name="heartbeat", at=at, facts={"path": plain(f"bridge/{path}")})
    return Event(name="bridge", at=at, facts={"path": plain(f"bridge/{path}")})


def _device(
    device: str, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    if not payload:
        return (Event(name="retained_cleared", at=received_at, device=device),)
    above, _, last = device.rpartition("/")
    single = bool(above) and last in PROPERTIES
    try:
        body = parse(payload)
    except Refused:
        if not single or len(payload) > MAX_NAME:
            raise
        body = payload.decode(errors="replace")  # a bare word such as ON
    if body is None:
        return (Event(name="retained_cleared", at=received_at, device=device),)
    if single and not isinstance(body, dict | list):
        device, body = above, {last: _bare(body)}
    if not isinstance(body, dict):
        raise Refused("not-an-object", f"an object expected, got {type(body).__name__}")
    measured_at, timed, flags = _when(body.get("last_seen"), received_at)
    action = body.get("action")
    tested = any(body.get(name) is True for name in TEST) or (
        isinstance(action, str) and action in TEST
    )
    for raised, flag in (
        (retained, "retained"),
        (tested, "test"),
        (body.get("tamper") is True, "tamper"),
        (any(body.get(name) is True for name in FAULT), "fault"),
    ):
        if raised:
            flags = (*flags, flag)
    for word, name in WORDS.items():
        state = body.get(word)
        if name not in body and isinstance(state, str) and state.lower() in MEANS:
            body = {**body, name: MEANS[state.lower()]}
    said: list[Decoded] = []
    for name in sorted(READINGS.keys() & body.keys(), key=ORDER.__getitem__):
        found, quantity = body[name], READINGS[name]
        if found is None:
            continue
        try:
            value = value_of(name, found, quantity)
        except Refused as refused:
            said.append(_named(refused, device))
            continue
        if value is True and name in ALARM_WHEN_TRUE:
            own: tuple[str, ...] = ("alarm", *flags)
        elif value is False and name == "contact":
            own = ("open", *flags)
        else:
            own = flags
        said.append(
            Reading(
                device=device,
                kind=quantity.kind,
                quantity=name,
                value=value,
                unit=quantity.unit,
                measured_at=measured_at,
                received_at=received_at,
                timed=timed,
                flags=own,
            )
        )
    said.extend(_voltage(device, body, measured_at, received_at, timed, flags))
    said.extend(_events(device, body, measured_at))
    return tuple(said) or (Event(name="heartbeat", at=measured_at, device=device),)


def _bare(found: object) -> object:
    """A value of the output ``attribute``: also ``true`` and numbers may come as text."""
    if not isinstance(found, str):
        return found
    told: dict[str, object] = {"true": True, "false": False, "null": None, "": None}
    return told.get(found.lower(), found)


def _when(found: object, received_at: datetime) -> tuple[datetime, bool, tuple[str, ...]]:
    """The device's own time, whether it gave one, and what is odd about it."""
    if found is None:
        return received_at, False, ()
    try:
        at = instant_of(found)
    except Refused:
        return received_at, False, ("clock",)
    return at, True, time_flags(at, received_at)


def _voltage(
    device: str,
    body: dict[str, object],
    measured_at: datetime,
    received_at: datetime,
    timed: bool,
    flags: tuple[str, ...],
) -> Iterator[Decoded]:
    """The battery's facts in one event, or the mains voltage as a reading."""
    facts = {name: plain(body[name]) for name in BATTERY if body.get(name) is not None}
    voltage = body.get("voltage")
    if facts:
        if voltage is not None:
            facts["voltage_mv"] = plain(voltage)
        yield Event(name="battery", at=measured_at, device=device, facts=facts)
    elif voltage is not None:
        quantity = QUANTITIES["mains_voltage"]
        try:
            value = value_of("voltage", voltage, quantity)
        except Refused as refused:
            yield _named(refused, device)
            return
        yield Reading(
            device=device,
            kind=quantity.kind,
            quantity="mains_voltage",
            value=value,
            unit=quantity.unit,
            measured_at=measured_at,
            received_at=received_at,
            timed=timed,
            flags=flags,
        )


def _events(device: str, body: dict[str, object], at: datetime) -> Iterator[Event]:
    """All that the message says beside its measurements."""
    action = body.get("action")
    if action not in (None, ""):
        yield Event(name="action", at=at, device=device, facts={"action": plain(action)})
    groups: dict[str, dict[str, object]] = {}
    for name, found in body.items():
        if name in READINGS:
            if found is None:
                groups.setdefault("no_value", {})[name] = None
        elif name in HEALTH:
            groups.setdefault("health", {})[name] = plain(found)
        elif name in VALVE:
            groups.setdefault("valve", {})[name] = plain(found)
        elif name in TEST or name in FAULT:
            if found is True:
                groups.setdefault("test" if name in TEST else "fault", {})[name] = True
        elif name not in BATTERY and name not in SILENT and len(groups.get("unmapped", ())) < 40:
            groups.setdefault("unmapped", {})[str(plain(name))] = plain(found)
    if body.get("tamper") is True:
        groups["tamper"] = {"tamper": True}
    for name, facts in groups.items():
        yield Event(name=name, at=at, device=device, facts=facts)
