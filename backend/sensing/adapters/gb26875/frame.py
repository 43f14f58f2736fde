"""GB/T 26875.3-2011 on the wire: cutting frames out of a TCP stream, and building answers. Pure.

A frame is cut by its length field, never by searching for the end mark: ``23 23`` and ``40 40``
may stand inside the data. A segment may hold half a frame or ten. What is no frame is skipped to
the next start mark and named; no peer can make us keep more than ``MAX_WAITING`` bytes.

Layout (1-based): 1–2 ``40 40`` · 3–4 serial · 5–6 version main, user · 7–12 time (second, minute,
hour, day, month, year − 2000, each one binary byte) · 13–18 source · 19–24 destination · 25–26
length of the data ≤ 1024 · 27 command · data · sum of bytes 3 … end of data, low 8 bits · ``23
23``. Numbers are little-endian.
"""

from datetime import datetime

import msgspec

START = b"\x40\x40"
END = b"\x23\x23"
HEAD = 27
SMALLEST = 30
MAX_DATA = 1024
MAX_FRAME = SMALLEST + MAX_DATA
MAX_WAITING = MAX_FRAME
"""Bytes of an unfinished frame that are kept between two segments."""

CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY = 1, 2, 3, 4, 5, 6
NO_START = ("bad-start", "no start mark 40 40")
OTHER_PROTOCOL = (
    "look-alike",
    "our marks around another header: this gateway needs its own profile",
)
KNOWN_COMMANDS = frozenset({CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY})


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One frame as it was sent. ``sent`` holds the six time bytes in order of sending."""

    serial: int
    version: tuple[int, int]
    sent: tuple[int, int, int, int, int, int]
    source: int
    destination: int
    command: int
    data: bytes
    checksum_ok: bool
    raw: bytes

    @property
    def type(self) -> int | None:
        """The type of the data unit; a heartbeat or an answer has none."""
        return self.data[0] if self.data else None

    @property
    def repeat_key(self) -> tuple[int, int, tuple[int, ...], int, bytes]:
        """The same for a frame that is sent again because our confirmation was lost."""
        return (self.source, self.serial, self.sent, self.command, self.data)


class Junk(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are no frame, with the reason (see ``reading.Rejected``)."""

    reason: str
    detail: str
    raw: bytes


def checksum(frame: bytes) -> int:
    """Low 8 bits of the sum from the serial number to the end of the data."""
    return sum(frame[2:-3]) & 0xFF


class Cutter:
    """Takes segments as they come and gives frames and junk in order. Holds no clock, no socket."""

    def __init__(self) -> None:
        self._waiting = b""

    @property
    def waiting(self) -> int:
        """Bytes of a frame that has begun and is not complete."""
        return len(self._waiting)

    def feed(self, segment: bytes) -> list[Frame | Junk]:
        """What became complete with this segment."""
        return self._cut(self._waiting + segment, last=False)

    def finish(self) -> list[Frame | Junk]:
        """The peer is gone: what waits is no frame any more."""
        return self._cut(self._waiting, last=True)

    def _cut(self, stream: bytes, *, last: bool) -> list[Frame | Junk]:
        found: list[Frame | Junk] = []
        at = lost = 0
        why = NO_START
        while at < len(stream):
            here = stream[at : at + MAX_FRAME]
            if here[:2] != START[: len(here)]:
                at = _next_start(stream, at)
                continue
            size = _size(here)
            if size is None or (size <= MAX_FRAME and len(here) < size):
                if not last:
                    break
                wrong = _unfinished(here)
            elif size > MAX_FRAME:
                wrong = _too_long(here, size)
            elif here[size - 2 : size] == END:
                if lost < at:
                    found.append(_junk(stream[lost:at], why))
                found.append(_frame(here[:size]))
                at = lost = at + size
                why = NO_START
                continue
            else:
                wrong = _no_end(here, size)
            if lost == at:
                why = wrong
            at = _next_start(stream, at + 1)
            if stream[lost:at].endswith(END):
                found.append(_junk(stream[lost:at], why))
                lost, why = at, NO_START
        if lost < at:
            found.append(_junk(stream[lost:at], why))
        self._waiting = stream[at:]
        return found


def _next_start(stream: bytes, at: int) -> int:
    """Where the next start mark is, or may begin with the last byte; else the end."""
    found = stream.find(START, at)
    if found >= 0:
        return found
    return len(stream) - (len(stream) > at and stream.endswith(START[:1]))


def _size(here: bytes) -> int | None:
    """Bytes of the frame that begins here, by its length field; None while that is not here."""
    return None if len(here) < HEAD else SMALLEST + int.from_bytes(here[24:26], "little")


def _is_time(sent: bytes) -> bool:
    second, minute, hour, day, month, year = sent
    return not any(sent) or (
        second < 60 and minute < 60 and hour < 24 and 1 <= day <= 31 and 1 <= month <= 12
        and year < 100
    )  # fmt: skip


def _too_long(here: bytes, size: int) -> tuple[str, str]:
    if not _is_time(here[6:12]):
        return OTHER_PROTOCOL
    return "bad-length", f"length field {size - SMALLEST}, at most {MAX_DATA}"


def _no_end(here: bytes, size: int) -> tuple[str, str]:
    if not _is_time(here[6:12]):
        return OTHER_PROTOCOL
    return "bad-end", f"no end mark 23 23 after {size} bytes"


def _unfinished(rest: bytes) -> tuple[str, str]:
    if rest.endswith(END) or (len(rest) >= 12 and not _is_time(rest[6:12])):
        return OTHER_PROTOCOL
    return "incomplete", f"{len(rest)} bytes of a frame that never ended"


def _junk(raw: bytes, why: tuple[str, str]) -> Junk:
    return Junk(reason=why[0], detail=why[1], raw=raw)


def _frame(raw: bytes) -> Frame:
    second, minute, hour, day, month, year = raw[6:12]
    return Frame(
        serial=int.from_bytes(raw[2:4], "little"),
        version=(raw[4], raw[5]),
        sent=(second, minute, hour, day, month, year),
        source=int.from_bytes(raw[12:18], "little"),
        destination=int.from_bytes(raw[18:24], "little"),
        command=raw[26],
        data=raw[27:-3],
        checksum_ok=raw[-3] == checksum(raw),
        raw=raw,
    )


def build(
    *,
    serial: int,
    sent: tuple[int, int, int, int, int, int],
    source: int,
    destination: int,
    command: int,
    data: bytes = b"",
    version: tuple[int, int] = (1, 1),
) -> bytes:
    """A frame ready to send.

    Raises:
        ValueError, OverflowError: a number does not fit its field, or the data is too long.
    """
    if len(data) > MAX_DATA:
        raise ValueError(f"{len(data)} bytes of data, at most {MAX_DATA}")
    body = (
        serial.to_bytes(2, "little")
        + bytes(version)
        + bytes(sent)
        + source.to_bytes(6, "little")
        + destination.to_bytes(6, "little")
        + len(data).to_bytes(2, "little")
        + bytes([command])
        + data
    )
    return START + body + bytes([sum(body) & 0xFF]) + END


def answer(frame: Frame, now: datetime, *, confirm: bool) -> bytes:
    """Confirm (3) or deny (6) a frame: its own serial number, the addresses the other way round.

    Args:
        frame: the one that is answered.
        now: in the gateway's time zone.
        confirm: only after what it says is stored; False is a denial.
    """
    return build(
        serial=frame.serial,
        version=frame.version,
        sent=(now.second, now.minute, now.hour, now.day, now.month, now.year % 100),
        source=frame.destination,
        destination=frame.source,
        command=CONFIRM if confirm else DENY,
    )
