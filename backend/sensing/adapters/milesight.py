"""Milesight LoRaWAN payloads: channel, type, value; little-endian. Pure.

The same channel means different things in different models (``03 00`` is a door in WS301 and a
leak in WS303), so the model is asked for; without it only what all models share is read.

Choices: a history block (``20 CE``) is from the past and every value in it is ``late``; a value of
a test alarm of the smoke detector GS524N is flagged ``test``; ``FFFF`` and a failed read are no
value; humidity and a plain temperature are no hazard of ours and go into ``climate`` and
``temperature``.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from backend.sensing.body import MAX_ITEMS, Refused
from backend.sensing.measure import When, kept, measured, named, scaled, when
from backend.sensing.reading import Decoded, Event, Rejected

MODELS = (
    "GS524N", "GS101", "EM300-MCS", "EM300-SLD", "EM300-ZLD", "EM300-TH", "EM310-TILT", "EM500-PP",
    "WS301", "WS303", "CT101", "CT103", "CT105",
)  # fmt: skip
MAX_BYTES = 512


def model_of(text: str) -> str | None:
    """The model that a device profile, a tag or a file names, e.g. ``GS524N (smoke)``."""
    found = text.upper().replace("_", "-")
    return next((model for model in MODELS if model in found), None)


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what a payload means; ``topic`` is ``milesight/<model>[/<device>]``."""
    _, _, rest = (topic or "").partition("/")
    model, _, device = rest.partition("/")
    at = When(received_at)
    return kept(read(payload, model_of(model), device or "unknown", at, received_at), retained)


def read(
    data: bytes, model: str | None, device: str, at: When, received_at: datetime
) -> tuple[Decoded, ...]:
    """All that one payload says.

    Args:
        data: the application payload.
        model: one of ``MODELS``; None when nobody said.
        device: address, for the readings.
        at: time of the uplink.
        received_at: UTC.
    """
    if not data or len(data) > MAX_BYTES:
        detail = f"{len(data)} bytes, 1 to {MAX_BYTES} expected"
        return (Rejected(reason="bad-length", detail=detail, device=device),)
    if model == "GS524N" or (model is None and _looks_like_smoke(data)):
        return tuple(_smoke(data, device, at, received_at))
    said: list[Decoded] = []
    try:
        for item in _channels(data, model, device, at, received_at):
            said.append(item)
            if len(said) >= MAX_ITEMS:
                break
    except Refused as refused:
        said.append(named(refused, device))
    return tuple(said) or (Event(name="heartbeat", at=at.at, device=device),)


# ---- GS524N: six bytes of its own ----------------------------------------------------------------

SMOKE_MESSAGES = {
    1: "alarm", 2: "silent", 4: "low_battery", 5: "failover", 7: "normal", 10: "removed",
    11: "installed", 14: "test_alarm", 15: "test_alarm_low_battery",
}  # fmt: skip


def _looks_like_smoke(data: bytes) -> bool:
    return len(data) == 6 and sum(data) % 256 == 0 and data[1] >> 4 == 1


def _smoke(data: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    if len(data) != 6 or sum(data) % 256:
        detail = "6 bytes with the sum 0 expected"
        yield Rejected(reason="bad-checksum", detail=detail, device=device)
        return
    message = SMOKE_MESSAGES.get(data[1] & 15)
    if data[1] >> 4 != 1 or message is None:
        detail = f"sensor type {data[1] >> 4}, message {data[1] & 15}"
        yield Rejected(reason="unknown-type", detail=detail, device=device)
        return
    tested = message.startswith("test")
    flags = ("test",) if tested else ()
    if message == "failover":
        flags = (*flags, "fault")
    temperature = data[4] - 256 if data[4] > 127 else data[4]
    yield measured(device, "smoke_density", data[3], at, received_at, flags)
    # a muted detector still has its smoke; a removed one sees nothing
    if message != "removed":
        smoke = message in ("alarm", "silent") or tested
        yield measured(device, "smoke", smoke, at, received_at, flags)
    yield measured(device, "temperature", temperature, at, received_at, flags)
    low = message in ("low_battery", "test_alarm_low_battery")
    facts: dict[str, object] = {"battery": data[2], "battery_low": low}
    yield Event(name="battery", at=at.at, device=device, facts=facts)
    name = {"removed": "tamper", "failover": "fault", "silent": "muted"}.get(message, message)
    if name not in ("normal", "alarm", "low_battery"):
        shown = "test" if tested else name
        yield Event(name=shown, at=at.at, device=device, facts={"message": message})


# ---- channels ------------------------------------------------------------------------------------

Read = Callable[[bytes, str, When, datetime], Iterator[Decoded]]


def _u16(data: bytes) -> int:
    return int.from_bytes(data[:2], "little")


def _i16(data: bytes) -> int:
    return int.from_bytes(data[:2], "little", signed=True)


def _battery(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    yield Event(name="battery", at=at.at, device=device, facts={"battery": v[0]})


def _temperature(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    if _u16(v) in (0xFFFF, 0xFFFD):
        yield _nothing(device, "temperature")
    else:
        yield measured(device, "temperature", scaled(_i16(v), 0.1), at, received_at)


def _humidity(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    if v[0] != 0xFF:
        facts = {"humidity": v[0] / 2}
        yield Event(name="climate", at=at.at, device=device, facts=facts)


def _door(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    yield measured(device, "contact", v[0] == 0, at, received_at)


def _leak(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    if v[0] == 0xFF:
        yield _nothing(device, "water_leak")
    else:
        yield measured(device, "water_leak", v[0] != 0, at, received_at)


def _mounted(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    """The maker's papers say both of 1: installed, and not. So the byte is told, no ticket made."""
    facts: dict[str, object] = {"tamper_byte": v[0]}
    if v[0] == 1:
        facts["tamper_status"] = "installed"
    yield Event(name="health", at=at.at, device=device, facts=facts)


def _tilt(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    for place, name in enumerate(("angle_x", "angle_y", "angle_z")):
        flags = ("alarm",) if v[6] >> place & 1 else ()
        value = scaled(_i16(v[2 * place :]), 0.01)
        yield measured(device, name, value, at, received_at, flags)


def _pressure(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    if _u16(v) >= 0xFFFD:
        yield _nothing(device, "pressure")
    else:
        yield measured(device, "pressure", scaled(_u16(v), 0.001), at, received_at)


def _current(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    if _u16(v) == 0xFFFF:
        yield _nothing(device, "current")
        yield Event(name="fault", at=at.at, device=device, facts={"current": "read failed"})
    else:
        yield measured(device, "current", scaled(_u16(v), 0.01), at, received_at)


def _current_alarm(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    alarm = v[6]
    names = {0: "threshold", 1: "threshold_released", 2: "over_range", 3: "over_range_released"}
    said = {name: True for bit, name in names.items() if alarm >> bit & 1}
    flags = ("alarm",) if alarm & 0b101 else ()
    facts = {"current_max": scaled(_u16(v), 0.01), "current_min": scaled(_u16(v[2:]), 0.01)}
    if _u16(v[4:]) == 0xFFFF:
        yield _nothing(device, "current")
    else:
        yield measured(device, "current", scaled(_u16(v[4:]), 0.01), at, received_at, flags)
    yield Event(name="current_alarm", at=at.at, device=device, facts={**facts, **said})


def _total_current(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    total = scaled(int.from_bytes(v[:4], "little"), 0.01)
    yield Event(name="total_current", at=at.at, device=device, facts={"ampere_hours": total})


def _gas(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    yield measured(device, "gas", v[0] != 0, at, received_at)


def _valve(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    yield Event(name="valve", at=at.at, device=device, facts={"valve": v[0]})


def _relay(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    yield Event(name="valve", at=at.at, device=device, facts={"relay": v[0]})


def _life(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    seconds = int.from_bytes(v[:4], "little")
    yield Event(name="health", at=at.at, device=device, facts={"life_remaining_s": seconds})


GAS_EVENTS = {
    0: ("mains_fault", "power off"), 1: ("mains_restored", "power on"), 2: ("fault", "sensor"),
    3: ("fault_recovered", "sensor"), 4: ("fault", "sensor will be invalid soon"),
    5: ("fault", "device invalid"),
}  # fmt: skip


def _gas_alarm(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    name, what = GAS_EVENTS.get(v[0], ("unmapped", f"alarm {v[0]}"))
    yield Event(name=name, at=at.at, device=device, facts={"what": what})


def _history(kind: str) -> Read:
    def read_history(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
        past = when(datetime.fromtimestamp(int.from_bytes(v[:4], "little"), UTC), received_at)
        flags = dict.fromkeys((*past.flags, "late", "history"))
        past = When(past.at, timed=True, flags=tuple(flags))
        if kind == "pressure":
            yield from _pressure(v[4:], device, past, received_at)
            return
        yield from _temperature(v[4:], device, past, received_at)
        yield from _humidity(v[6:], device, past, received_at)
        if kind == "door":
            yield from _door(v[7:], device, past, received_at)
        elif kind == "leak":
            yield from _leak(v[7:], device, past, received_at)

    return read_history


def _hardware(v: bytes, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    yield Event(name="health", at=at.at, device=device, facts={"about": v.hex()})


SHARED: dict[tuple[int, int], tuple[int, Read]] = {
    (0x01, 0x75): (1, _battery),
    (0xFF, 0x01): (1, _hardware),
    (0xFF, 0x08): (6, _hardware),
    (0xFF, 0x09): (2, _hardware),
    (0xFF, 0x0A): (2, _hardware),
    (0xFF, 0x0B): (1, _hardware),
    (0xFF, 0x0F): (1, _hardware),
    (0xFF, 0x16): (8, _hardware),
    (0xFF, 0xFF): (2, _hardware),
}
CLIMATE: dict[tuple[int, int], tuple[int, Read]] = {
    (0x03, 0x67): (2, _temperature),
    (0x04, 0x68): (1, _humidity),
}
CURRENT: dict[tuple[int, int], tuple[int, Read]] = {
    (0x03, 0x97): (4, _total_current),
    (0x04, 0x98): (2, _current),
    (0x84, 0x98): (7, _current_alarm),
    (0x09, 0x67): (2, _temperature),
}
OF_MODEL: dict[str, dict[tuple[int, int], tuple[int, Read]]] = {
    "GS101": {
        (0x05, 0x8E): (1, _gas), (0x06, 0x01): (1, _valve), (0x07, 0x01): (1, _relay),
        (0x08, 0x90): (4, _life), (0xFF, 0x3F): (1, _gas_alarm),
    },
    "EM300-TH": {**CLIMATE},
    "EM300-MCS": {**CLIMATE, (0x06, 0x00): (1, _door), (0x20, 0xCE): (8, _history("door"))},
    "EM300-SLD": {**CLIMATE, (0x05, 0x00): (1, _leak), (0x20, 0xCE): (8, _history("leak"))},
    "EM300-ZLD": {**CLIMATE, (0x05, 0x00): (1, _leak), (0x20, 0xCE): (8, _history("leak"))},
    "EM310-TILT": {(0x03, 0xCF): (7, _tilt)},
    "EM500-PP": {(0x03, 0x7B): (2, _pressure), (0x20, 0xCE): (6, _history("pressure"))},
    "WS301": {(0x03, 0x00): (1, _door), (0x04, 0x00): (1, _mounted)},
    "WS303": {(0x03, 0x00): (1, _leak)},
    "CT101": CURRENT,
    "CT103": CURRENT,
    "CT105": CURRENT,
}  # fmt: skip


def _channels(
    data: bytes, model: str | None, device: str, at: When, received_at: datetime
) -> Iterator[Decoded]:
    at_byte = 0
    while at_byte < len(data):
        key = (data[at_byte], data[at_byte + 1] if at_byte + 1 < len(data) else -1)
        size, reader = _reader(key, model, data)
        value = data[at_byte + 2 : at_byte + 2 + size]
        if len(value) < size:
            raise Refused("incomplete", f"channel {key[0]:02x} needs {size} bytes")
        yield from reader(value, device, at, received_at)
        at_byte += 2 + size


def _reader(key: tuple[int, int], model: str | None, data: bytes) -> tuple[int, Read]:
    """Length and meaning of a channel; without a model, only what has one meaning everywhere."""
    if key in SHARED:
        return SHARED[key]
    if model is not None:
        if key in OF_MODEL[model]:
            return OF_MODEL[model][key]
        raise Refused("unknown-type", f"{model}: channel {key[0]:02x} {max(key[1], 0):02x}")
    if b"\x04\x00" in data and key in OF_MODEL["WS301"]:  # a door of WS301 says tamper too
        return OF_MODEL["WS301"][key]
    found = {of[key] for of in OF_MODEL.values() if key in of}
    if len(found) == 1:
        return found.pop()
    detail = f"channel {key[0]:02x} {max(key[1], 0):02x} means {len(found)} things: name the model"
    raise Refused("unknown-model" if found else "unknown-type", detail)


def _nothing(device: str, quantity: str) -> Rejected:
    detail = f"{quantity}: the sensor has no value"
    return Rejected(reason="no-value", detail=detail, device=device)
