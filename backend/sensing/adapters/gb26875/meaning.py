"""What a frame of GB/T 26875.3 says, as readings and events. Pure.

Choices, each of which a captured frame or the standard made necessary:

- The first thing said of a frame is the event ``frame``: serial, command, type, source,
  destination, whether its sum is right. What follows comes from a frame with a right sum only.
- A device is ``<source>``, ``<source>/<system type>.<system no>`` or
  ``<source>/<system type>.<system no>/<component address, 8 hex digits>``.
- bit 0 = 0 means "test", but real alarms are written with 0x0002: such an alarm counts as real
  and is flagged ``test_bit``. A person who tests opens a test session.
- Fire on a gas part is ``gas``, on an electric-fire part ``electric_alarm``, on anything else
  ``smoke`` (flags ``manual``, ``heat``, ``flame`` where the part says so).
- Reset and mute are operations, never a normal reading. A shielded or faulty part without fire
  says nothing about its surroundings: no normal reading comes from it.
- Time: binary bytes in the gateway's zone. A fire is never called late for its time alone; its
  clock may be wrong, its smoke is not. A measurement is late when it is ten minutes older than
  the frame that carries it, by the gateway's own clock.
- An analog type of the maker's own range (128–255) is refused a unit until a profile gives one:
  the raw number is kept under the part's quantity, flagged ``unscaled``, and raises nothing.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

from backend.sensing.adapters.gb26875 import codes
from backend.sensing.adapters.gb26875.frame import (
    ANSWER,
    KNOWN_COMMANDS,
    SEND,
    Cutter,
    Frame,
    Junk,
)
from backend.sensing.adapters.gb26875.profile import STANDARD_ANALOG, STRICT, Profile, Scale
from backend.sensing.measure import When, kept, measured, scaled
from backend.sensing.quantities import QUANTITIES
from backend.sensing.reading import (
    CLOCK_TOLERANCE,
    Adapter,
    Decoded,
    Event,
    Reading,
    Rejected,
    plain,
)

MAX_RAW = 32767
REFUSED = "gb26875/refused/"
"""Behind it in a topic stands why the door refused a frame; see ``profile.Gateways.refuses``."""


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what the frames of ``payload`` mean under the strict profile; see ``reading.Adapter``."""
    return reader(lambda _: STRICT)(topic, payload, received_at, retained)


def reader(profile_of: Callable[[int], Profile]) -> Adapter:
    """The adapter for gateways whose profile is found by their source address.

    What a door refused comes under a topic that says why, and is a rejection by that name.
    """

    def read(
        topic: str | None, payload: bytes, received_at: datetime, retained: bool
    ) -> tuple[Decoded, ...]:
        said: list[Decoded] = []
        cutter = Cutter()
        refused = (topic or "").partition(REFUSED)[2]
        for piece in (*cutter.feed(payload), *cutter.finish()):
            if isinstance(piece, Junk):
                said.append(rejected(piece))
            elif refused:
                device, detail = str(piece.source), f"gateway {piece.source} may not call"
                said.append(Rejected(reason=refused[:40], detail=detail, device=device))
            else:
                said.extend(meaning(piece, received_at, profile_of(piece.source)))
        return kept(said, retained) or (Rejected(reason="incomplete", detail="no bytes"),)

    return read


def rejected(junk: Junk) -> Rejected:
    """Bytes that were no frame, by name."""
    return Rejected(reason=junk.reason, detail=f"{junk.detail}: {junk.raw[:24].hex()}")


def sent_at(frame: Frame, profile: Profile = STRICT) -> datetime | None:
    """The frame's own time; None when its bytes are none."""
    return _time(bytes(frame.sent), profile)


def meaning(frame: Frame, received_at: datetime, profile: Profile = STRICT) -> tuple[Decoded, ...]:
    """All that one frame says, the event ``frame`` first."""
    first = Event(
        name="frame",
        at=received_at,
        device=str(frame.source),
        facts={
            "serial": frame.serial,
            "command": frame.command,
            "type": frame.type,
            "source": frame.source,
            "destination": frame.destination,
            "checksum_ok": frame.checksum_ok,
            "version": f"{frame.version[0]}.{frame.version[1]}",
            "length": len(frame.data),
            "sent_at": _text(sent_at(frame, profile)),
        },
    )
    wrong = _wrong(frame)
    if wrong is not None:
        return (first, wrong)
    if frame.command not in (SEND, ANSWER):
        return (first,)
    if not frame.data:
        return (first, Event(name="heartbeat", at=received_at, device=str(frame.source)))
    return (first, *_unit(frame, received_at, profile))


def _wrong(frame: Frame) -> Rejected | None:
    """Why a frame is denied, if it is."""
    device = str(frame.source)
    if not frame.checksum_ok:
        return Rejected(reason="bad-checksum", detail=f"sum {frame.raw[-3]:#04x}", device=device)
    if frame.command not in KNOWN_COMMANDS:
        detail = f"command {frame.command}"
        return Rejected(reason="unknown-command", detail=detail, device=device)
    return None


def _unit(frame: Frame, received_at: datetime, profile: Profile) -> Iterator[Decoded]:
    """The data unit: type, number of objects, objects."""
    data, device = frame.data, str(frame.source)
    kind, count = data[0], data[1] if len(data) > 1 else 0
    body = data[2:]
    read = OBJECTS.get(kind)
    if kind in codes.TEXTS:
        head = 3 if kind == 6 else 1
        text = body[head : head + body[head - 1]] if len(body) >= head else b""
        yield Event(name="configuration", at=received_at, device=device, facts={"text": _gb(text)})
        return
    if kind not in codes.SIZES or read is None:
        yield Rejected(reason="unknown-type", detail=f"data type {kind}", device=device)
        return
    size, most = codes.SIZES[kind]
    if kind == codes.COMPONENT_STATUS:
        size += profile.extra_bytes
    if not count or count > most or len(body) != size * count:
        detail = f"type {kind}: {count} objects of {size} bytes expected, {len(body)} bytes came"
        yield Rejected(reason="bad-layout", detail=detail, device=device)
        return
    for place in range(count):
        yield from read(frame, body[place * size : (place + 1) * size], received_at, profile)


def _system(frame: Frame, o: bytes, received_at: datetime, profile: Profile) -> Iterator[Decoded]:
    device = f"{frame.source}/{o[0]}.{o[1]}"
    status = int.from_bytes(o[2:4], "little")
    bits = codes.said(status, codes.SYSTEM_BITS)
    at = _time(o[4:10], profile)
    facts = {"system_type": o[0], "system_address": o[1], "status": status, **bits}
    yield from _hazard(frame, device, None, bits, at, received_at, profile)
    yield Event(name="system_status", at=at or received_at, device=device, facts=facts)
    yield from _health(device, bits, at or received_at)


def _component(
    frame: Frame, o: bytes, received_at: datetime, profile: Profile
) -> Iterator[Decoded]:
    extra = profile.extra_bytes
    device = f"{frame.source}/{o[0]}.{o[1]}/{o[3:7].hex()}"
    status = int.from_bytes(o[7 + extra : 9 + extra], "little")
    bits = codes.said(status, codes.COMPONENT_BITS)
    at = _time(o[-6:], profile)
    facts = {
        "system_type": o[0],
        "system_address": o[1],
        "component_type": o[2],
        "component_address": o[3:7].hex(),
        "zone": int.from_bytes(o[3:5], "little"),
        "loop": int.from_bytes(o[5:7], "little"),
        "status": status,
        **bits,
        "text": _gb(o[9 + extra : 40 + extra]),
    }
    yield from _hazard(frame, device, o[2], bits, at, received_at, profile)
    yield Event(name="component_status", at=at or received_at, device=device, facts=facts)
    yield from _health(device, bits, at or received_at)


def _hazard(
    frame: Frame,
    device: str,
    component: int | None,
    bits: dict[str, bool],
    at: datetime | None,
    received_at: datetime,
    profile: Profile,
) -> Iterator[Decoded]:
    """Fire, or its absence where the status can vouch for it."""
    fire = "fire" in bits
    if not fire and bits.keys() & {"fault", "power_fault", "bus_fault", "shielded", "reset"}:
        return
    flags = []
    if "normal" not in bits:
        flags.append("test_bit")
    for name, types in (("manual", codes.MANUAL), ("heat", codes.HEAT), ("flame", codes.FLAME)):
        if component in types:
            flags.append(name)
    quantity = "smoke"
    if component in codes.GAS:
        quantity = "gas"
    elif component in codes.ELECTRIC:
        quantity = "electric_alarm"
    when = _when(frame, at, received_at, profile, urgent=fire)
    yield measured(device, quantity, fire, when, received_at, flags)


def _health(device: str, bits: dict[str, bool], at: datetime) -> Iterator[Event]:
    """Faults for a technician, lost coverage, and what operators did."""
    for name in (*FAULTS, "shielded", "reset"):
        if name in bits:
            yield Event(name=name, at=at, device=device, facts={name: True})


FAULTS = (
    "fault", "mains_fault", "backup_fault", "bus_fault", "power_fault", "centre_link_fault",
    "line_fault",
)  # fmt: skip


def _analog(frame: Frame, o: bytes, received_at: datetime, profile: Profile) -> Iterator[Decoded]:
    device = f"{frame.source}/{o[0]}.{o[1]}/{o[3:7].hex()}"
    component, kind = o[2], o[7]
    raw = int.from_bytes(o[8:10], "little", signed=True)
    at = _time(o[10:16], profile)
    facts: dict[str, object] = {
        "system_type": o[0],
        "system_address": o[1],
        "component_type": component,
        "component_address": o[3:7].hex(),
        "analog_type": kind,
        "analog_value": raw,
    }
    yield Event(name="analog", at=at or received_at, device=device, facts=facts)
    when = _when(frame, at, received_at, profile)
    scale = _scale(profile, component, kind)
    if scale is None:
        yield from _unscaled(device, component, kind, raw, when, received_at)
        return
    if scale.channel:
        device = f"{device}#{kind}"
    cold = scale.quantity == "temperature" and raw == -1
    if abs(raw) >= MAX_RAW or (raw == -1 and not cold) or raw in scale.no_value:
        detail = f"{scale.quantity}: raw {raw} means that there is no value"
        yield Rejected(reason="no-value", detail=detail, device=device)
        return
    yield measured(device, scale.quantity, scaled(raw, scale.factor), when, received_at)


def _scale(profile: Profile, component: int, kind: int) -> Scale | None:
    if kind in profile.analog and (not profile.analog_of or component in profile.analog_of):
        return profile.analog[kind]
    if kind == 9 and component == 17:  # 0.1 A of residual current
        return Scale(quantity="residual_current", factor=100.0)
    return STANDARD_ANALOG.get(kind)


def _unscaled(
    device: str, component: int, kind: int, raw: int, when: When, received_at: datetime
) -> Iterator[Decoded]:
    """The maker's own type: kept raw where the part says what it measures, and a technician asked.

    Types of the standard that serve none of our functions (a tank's height) are the event alone.
    """
    if kind < 128:
        return
    quantity = {17: "residual_current", 18: "temperature"}.get(component)
    if quantity is not None:
        yield Reading(
            device=f"{device}#{kind}",
            kind=QUANTITIES[quantity].kind,
            quantity=quantity,
            value=raw,
            unit=None,
            measured_at=when.at,
            received_at=received_at,
            timed=when.timed,
            flags=("unscaled", *when.flags),
        )
    facts = {"analog_type": kind, "component_type": component}
    yield Event(name="profile_needed", at=when.at, device=device, facts=facts)


def _operation(
    frame: Frame, o: bytes, received_at: datetime, profile: Profile
) -> Iterator[Decoded]:
    unit = len(o) == 8
    device = str(frame.source) if unit else f"{frame.source}/{o[0]}.{o[1]}"
    flags, operator = (o[0], o[1]) if unit else (o[2], o[3])
    names = codes.UNIT_OPERATIONS if unit else codes.SYSTEM_OPERATIONS
    at = _time(o[-6:], profile) or received_at
    facts = {"operations": flags, **codes.said(flags, names), "operator": operator}
    yield Event(name="operation", at=at, device=device, facts=facts)


def _unit_status(
    frame: Frame, o: bytes, received_at: datetime, profile: Profile
) -> Iterator[Decoded]:
    device, bits = str(frame.source), codes.said(o[0], codes.UNIT_BITS)
    at = _time(o[1:7], profile)
    if "fire" in bits or bits.keys() == {"normal"}:
        yield from _hazard(frame, device, None, bits, at, received_at, profile)
    facts = {"status": o[0], **bits}
    yield Event(name="unit_status", at=at or received_at, device=device, facts=facts)
    yield from _health(device, bits, at or received_at)


def _version(frame: Frame, o: bytes, received_at: datetime, profile: Profile) -> Iterator[Decoded]:
    version = f"{o[-2]}.{o[-1]}"
    device = str(frame.source) if len(o) == 2 else f"{frame.source}/{o[0]}.{o[1]}"
    yield Event(name="version", at=received_at, device=device, facts={"version": version})


def _clock(frame: Frame, o: bytes, received_at: datetime, profile: Profile) -> Iterator[Decoded]:
    facts = {"clock": _text(_time(o[-6:], profile))}
    yield Event(name="clock", at=received_at, device=str(frame.source), facts=facts)


def _part(frame: Frame, o: bytes, received_at: datetime, profile: Profile) -> Iterator[Decoded]:
    facts = {"component_type": o[2], "component_address": o[3:7].hex(), "text": _gb(o[7:38])}
    device = f"{frame.source}/{o[0]}.{o[1]}/{o[3:7].hex()}"
    yield Event(name="configuration", at=received_at, device=device, facts=facts)


OBJECTS: dict[int, Callable[[Frame, bytes, datetime, Profile], Iterator[Decoded]]] = {
    codes.SYSTEM_STATUS: _system,
    codes.COMPONENT_STATUS: _component,
    codes.ANALOG: _analog,
    codes.OPERATION: _operation,
    5: _version,
    7: _part,
    8: _clock,
    codes.UNIT_STATUS: _unit_status,
    codes.UNIT_OPERATION: _operation,
    25: _version,
    28: _clock,
}


def _when(
    frame: Frame,
    at: datetime | None,
    received_at: datetime,
    profile: Profile,
    *,
    urgent: bool = False,
) -> When:
    """The object's time against arrival (``clock``) and against its own frame's time (``late``)."""
    if at is None:
        return When(received_at, flags=("clock",))
    flags = []
    if abs(received_at - at) > CLOCK_TOLERANCE:
        flags.append("clock")
        sent = sent_at(frame, profile) or received_at
        if not urgent and sent - at > CLOCK_TOLERANCE:
            flags.append("late")
    return When(at, timed=True, flags=tuple(flags))


def _time(six: bytes, profile: Profile) -> datetime | None:
    """Second, minute, hour, day, month, year − 2000 in the gateway's zone; None when it is none."""
    second, minute, hour, day, month, year = six
    try:
        zone = timezone(timedelta(hours=profile.hours_east))
        at = datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return at.astimezone(UTC) if year < 200 else None


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _gb(raw: bytes) -> object:
    """GB 18030 text, padded with zeros or spaces."""
    return plain(raw.decode("gb18030", errors="replace").strip("\0 \t\r\n"))
