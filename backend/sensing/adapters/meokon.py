"""MEOKON wireless pressure terminals (hydrants): ``A5 5A … CRC 55 AA``, big-endian. Pure.

Layout: mark 2 · command 1 (0 upload) · length of the whole frame 2 · device 12 characters · power 1
(bit 7 external; bits 4–0 × 5 %) · signal 1 (signed, dBm) · recording interval 2 (s) · number of
records 2 · type and unit 1 · alarm bits 1 · low and high limit of each value · present values · UTC
seconds 4, time of the **last** record · records, the **oldest first** · CRC16-MODBUS over all
before it · end mark 2. Every value has 2 bytes. A terminal keeps what nobody answered and sends it
again with the next.

Alarm bits: 0 low · 1 high · 2 battery · 3 sensor · 4 hardware; of hydrants also 7 water drawn,
and (type 24) 6 tilted, 5 struck.

Types 0, 1, 2 and 34 are the maker's own text. That 24 has pressure and tilt side by side, the other
units, and the answer's layout are known from one public program only; a frame whose length does not
fit its type is refused.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backend.sensing.cutting import StreamCutter
from backend.sensing.measure import When, kept, measured, printable, scaled, when
from backend.sensing.reading import Decoded, Event, Rejected

START, END = b"\xa5\x5a", b"\x55\xaa"
HEAD, TAIL = 25, 4
SMALLEST, LONGEST = 27, 8 * 1024
UPLOAD, ANSWERED, REPLY = 0x00, 0xFF, 0x04
LOW_OR_HIGH, SENSOR_OR_HARDWARE = 0b11, 0b11000
MAX_RECORDS = 600
MPA_PER_LSB = {
    0: 0.0001, 1: 0.001, 2: 0.001, 3: 0.000689476, 4: 0.000001, 5: 0.0001, 6: 0.000980665,
    24: 0.001, 34: 0.001, 61: 0.01,
}  # fmt: skip
"""Types: 0 in 0.1 kPa, 1 in 0.001 MPa, 2 in 0.01 bar, 3 in 0.1 psi, 4 in Pa, 5 in mbar, 6 in 0.01
kgf/cm², 24 hydrant with tilt, 34 hydrant (as 1), 61 in 0.01 MPa."""
HYDRANT, HYDRANT_TILT = 34, 24
VALUES = {HYDRANT_TILT: 2}
"""Values side by side, where there is more than the pressure."""


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
    if (refused := wrong(payload)) is not None:
        return (refused,)
    device = printable(payload[5:17].decode("ascii", errors="replace").strip("\0 "))
    if not device:
        return (Rejected(reason="bad-layout", detail="no device number"),)
    if payload[2] == REPLY:
        facts: dict[str, object] = {"hex": payload[17:-TAIL].hex()[:200]}
        return (Event(name="command_response", at=received_at, device=device, facts=facts),)
    if len(payload) < HEAD + TAIL:
        detail = f"{len(payload)} bytes of an upload"
        return (Rejected(reason="bad-layout", detail=detail, device=device),)
    return kept(_said(payload, device, received_at), retained)


def acknowledge(device: bytes, now: datetime) -> bytes:
    """The answer that lets a terminal forget what it sent.

    Args:
        device: the 12 bytes of its number, as they came.
        now: UTC; the terminal sets its clock by it.
    """
    body = START + bytes((ANSWERED,)) + SMALLEST.to_bytes(2, "big") + device[:12].ljust(12, b"\0")
    body += int(now.timestamp()).to_bytes(4, "big") + bytes(2)
    return body + crc16(body).to_bytes(2, "big") + END


def wrong(frame: bytes) -> Rejected | None:
    """Why these bytes are no frame of a terminal, if so."""
    found = _wrong(frame)
    if found is None and frame[2] not in (UPLOAD, REPLY):
        return Rejected(reason="unknown-command", detail=f"command {frame[2]}")
    return found


def _wrong(frame: bytes) -> Rejected | None:
    if frame[:2] != START:
        return Rejected(reason="bad-start", detail="no A5 5A")
    length = int.from_bytes(frame[3:5], "big")
    if len(frame) < length or len(frame) < SMALLEST:
        return Rejected(reason="incomplete", detail=f"{len(frame)} bytes of {length}")
    if len(frame) != length:
        return Rejected(reason="bad-length", detail=f"{len(frame)} bytes, {length} announced")
    if frame[-2:] != END:
        return Rejected(reason="bad-end", detail="no 55 AA")
    found, wanted = int.from_bytes(frame[-4:-2], "big"), crc16(frame[:-4])
    if found != wanted:
        return Rejected(reason="bad-checksum", detail=f"CRC {found:#06x}, {wanted:#06x} computed")
    return None


def _said(frame: bytes, device: str, received_at: datetime) -> Iterator[Decoded]:
    kind, bits = frame[23], frame[24]
    values = VALUES.get(kind, 1)
    clock = HEAD + 6 * values  # behind limits and present values
    sent = int.from_bytes(frame[clock : clock + 4], "big")
    at = when(datetime.fromtimestamp(sent, UTC), received_at)
    yield _battery(frame, device, at, bits)
    yield from _bits(kind, bits, device, at, received_at)
    factor = MPA_PER_LSB.get(kind)
    if factor is None:
        detail = f"terminal type {kind}: layout not known"
        yield Rejected(reason="unknown-type", detail=detail, device=device)
        return
    interval, records = int.from_bytes(frame[19:21], "big"), int.from_bytes(frame[21:23], "big")
    body = frame[clock + 4 : -TAIL]
    if records > MAX_RECORDS or len(body) != 2 * values * records:
        detail = f"{records} records announced, {len(body)} bytes of them"
        yield Rejected(reason="bad-layout", detail=detail, device=device)
        return
    limits = {"low_limit": scaled(_signed(frame, HEAD), factor),
              "high_limit": scaled(_signed(frame, HEAD + 2), factor),
              "interval_s": interval, "records": records, "type": kind}  # fmt: skip
    yield Event(name="settings", at=at.at, device=device, facts=limits)
    flags = ["fault"] if bits & SENSOR_OR_HARDWARE else []
    for place in range(records):
        before = timedelta(seconds=interval * (records - 1 - place))
        past = when(at.at - before, received_at) if at.timed else at
        value = scaled(_signed(body, 2 * values * place), factor)
        yield measured(device, "pressure", value, past, received_at, flags)
    alarm = ["alarm"] if bits & LOW_OR_HIGH else []
    present = HEAD + 4 * values
    value = scaled(_signed(frame, present), factor)
    yield measured(device, "pressure", value, at, received_at, [*alarm, *flags])
    if kind == HYDRANT_TILT:
        facts: dict[str, object] = {"degrees": _signed(frame, present + 2)}
        yield Event(name="tilt", at=at.at, device=device, facts=facts)


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


def _bits(kind: int, bits: int, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    """What the alarm bits say beside the value."""
    for of, bit, quantity in (
        (HYDRANT, 128, "hydrant_opened"),
        (HYDRANT_TILT, 128, "hydrant_opened"),
        (HYDRANT_TILT, 64, "hydrant_tilted"),
    ):
        if kind == of:
            yield measured(device, quantity, bool(bits & bit), at, received_at)
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


class Cutter(StreamCutter[bytes]):
    """Whole frames out of a terminal's line; whether one is right is asked of ``wrong``."""

    start, end, smallest, longest = START, END, SMALLEST, LONGEST

    def size(self, here: bytes) -> int | None:
        return None if len(here) < 5 else int.from_bytes(here[3:5], "big")

    def whole(self, raw: bytes) -> bytes:
        return raw

    def unfinished(self, rest: bytes, /) -> tuple[str, str]:
        return "incomplete", f"{len(rest)} bytes of a frame that never ended"

    def wrong_length(self, _here: bytes, size: int, /) -> tuple[str, str]:
        return "bad-length", f"length field {size}, {SMALLEST} to {LONGEST}"

    def no_end(self, _here: bytes, size: int, /) -> tuple[str, str]:
        return "bad-end", f"no end mark 55 AA after {size} bytes"
