"""MEOKON wireless pressure terminals (hydrants): ``A5 5A … CRC 55 AA``, big-endian. Pure.

Layout: mark 2 · command 1 (0 upload) · length of the whole frame 2 · device 12 characters · power 1
(bit 7 external; bits 4–0 × 5 %) · signal 1 (signed, dBm) · recording interval 2 (s) · number of
records 2 · type and unit 1 · alarm bits 1 · low and high limit 2 + 2 · present value 2 · UTC
seconds 4, time of the **last** record · records 2 each, the **oldest first** · CRC16-MODBUS over
all before it · end mark 2. A terminal keeps what nobody answered and sends it again with the next.

Alarm bits: 0 low · 1 high · 2 battery · 3 sensor · 4 hardware; of hydrants also 7 water drawn,
and (type 24) 6 tilted, 5 struck. Of type 24 the value's layout is not published: its bits are
read and its values refused.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backend.sensing.measure import When, kept, measured, printable, scaled, when
from backend.sensing.reading import Decoded, Event, Rejected

START, END = b"\xa5\x5a", b"\x55\xaa"
HEAD, TAIL = 35, 4
LOW_OR_HIGH, SENSOR_OR_HARDWARE = 0b11, 0b11000
MAX_RECORDS = 600
MPA_PER_LSB = {0: 0.0001, 1: 0.001, 2: 0.001, 34: 0.001}
"""Types: 0 in 0.1 kPa, 1 in 0.001 MPa, 2 in 0.01 bar, 34 hydrant (as 1)."""
HYDRANT, HYDRANT_TILT = 34, 24


def crc16(data: bytes) -> int:
    """CRC16-MODBUS: start 0xFFFF, polynomial 0xA001, the low bit first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one frame means; see ``reading.Adapter``."""
    wrong = _wrong(payload)
    if wrong is not None:
        return (wrong,)
    device = printable(payload[5:17].decode("ascii", errors="replace").strip("\0 "))
    if not device:
        return (Rejected(reason="bad-layout", detail="no device number"),)
    return kept(_said(payload, device, received_at), retained)


def sent_at(payload: bytes) -> datetime | None:
    """The time of the newest record, if these bytes reach that far."""
    if len(payload) < HEAD or payload[:2] != START:
        return None
    return datetime.fromtimestamp(int.from_bytes(payload[31:35], "big"), UTC)


def _wrong(frame: bytes) -> Rejected | None:
    if frame[:2] != START:
        return Rejected(reason="bad-start", detail="no A5 5A")
    length = int.from_bytes(frame[3:5], "big")
    if len(frame) < length or len(frame) < HEAD + TAIL:
        return Rejected(reason="incomplete", detail=f"{len(frame)} bytes of {length}")
    if len(frame) != length:
        return Rejected(reason="bad-length", detail=f"{len(frame)} bytes, {length} announced")
    if frame[-2:] != END:
        return Rejected(reason="bad-end", detail="no 55 AA")
    found, wanted = int.from_bytes(frame[-4:-2], "big"), crc16(frame[:-4])
    if found != wanted:
        return Rejected(reason="bad-checksum", detail=f"CRC {found:#06x}, {wanted:#06x} computed")
    if frame[2]:
        return Rejected(reason="unknown-command", detail=f"command {frame[2]}")
    return None


def _said(frame: bytes, device: str, received_at: datetime) -> Iterator[Decoded]:
    kind, bits = frame[23], frame[24]
    at = when(sent_at(frame), received_at)
    yield _battery(frame, device, at, bits)
    yield from _bits(kind, bits, device, at)
    factor = MPA_PER_LSB.get(kind)
    if factor is None:
        detail = f"terminal type {kind}: layout not known"
        yield Rejected(reason="unknown-type", detail=detail, device=device)
        return
    interval, records = int.from_bytes(frame[19:21], "big"), int.from_bytes(frame[21:23], "big")
    body = frame[HEAD:-TAIL]
    if records > MAX_RECORDS or len(body) != 2 * records:
        detail = f"{records} records announced, {len(body)} bytes of them"
        yield Rejected(reason="bad-layout", detail=detail, device=device)
        return
    limits = {"low_limit": scaled(_signed(frame, 25), factor),
              "high_limit": scaled(_signed(frame, 27), factor),
              "interval_s": interval, "records": records, "type": kind}  # fmt: skip
    yield Event(name="settings", at=at.at, device=device, facts=limits)
    flags = ["fault"] if bits & SENSOR_OR_HARDWARE else []
    for place in range(records):
        before = timedelta(seconds=interval * (records - 1 - place))
        past = when(at.at - before, received_at) if at.timed else at
        value = scaled(_signed(body, 2 * place), factor)
        yield measured(device, "pressure", value, past, received_at, flags)
    alarm = ["alarm"] if bits & LOW_OR_HIGH else []
    present = scaled(_signed(frame, 29), factor)
    yield measured(device, "pressure", present, at, received_at, [*alarm, *flags])


def _signed(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big", signed=True)


def _battery(frame: bytes, device: str, at: When, bits: int) -> Event:
    power = frame[17]
    facts: dict[str, object] = {
        "battery": min(100, (power & 31) * 5),
        "battery_low": bool(bits & 4),
        "external_power": bool(power & 128),
        "rssi": int.from_bytes(frame[18:19], signed=True),
    }
    return Event(name="battery", at=at.at, device=device, facts=facts)


def _bits(kind: int, bits: int, device: str, at: When) -> Iterator[Event]:
    """What the alarm bits say beside the value."""
    if bits & LOW_OR_HIGH:
        level = {1: "low", 2: "high"}.get(bits & LOW_OR_HIGH, "low and high")
        facts = {"alarm": level, "alarm_bits": bits}
        yield Event(name="pressure_alarm", at=at.at, device=device, facts=facts)
    if bits & SENSOR_OR_HARDWARE:
        what = "sensor" if bits & 8 else "hardware"
        yield Event(name="fault", at=at.at, device=device, facts={"fault": what})
    if kind in (HYDRANT, HYDRANT_TILT) and bits & 128:
        yield Event(name="water_released", at=at.at, device=device, facts={"alarm_bits": bits})
    if kind == HYDRANT_TILT:
        for bit, name in ((64, "tilted"), (32, "impact")):
            if bits & bit:
                yield Event(name=name, at=at.at, device=device, facts={"alarm_bits": bits})
