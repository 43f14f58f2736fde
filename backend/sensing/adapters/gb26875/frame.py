"""GB/T 26875.3-2011 on the wire: cutting frames out of a TCP stream, and building answers. Pure.

How a stream is cut is told in ``cutting``; no peer can make us keep more than ``MAX_WAITING``
bytes.

Layout (1-based): 1–2 ``40 40`` · 3–4 serial · 5–6 version main, user · 7–12 time (second, minute,
hour, day, month, year − 2000, each one binary byte) · 13–18 source · 19–24 destination · 25–26
length of the data ≤ 1024 · 27 command · data · sum of bytes 3 … end of data, low 8 bits · ``23
23``. Numbers are little-endian.
"""

from datetime import datetime

import msgspec

from backend.sensing.cutting import Junk as Junk
from backend.sensing.cutting import StreamCutter

START = b"\x40\x40"
END = b"\x23\x23"
HEAD = 27
SMALLEST = 30
MAX_DATA = 1024
MAX_FRAME = SMALLEST + MAX_DATA
MAX_WAITING = MAX_FRAME
"""Bytes of an unfinished frame that are kept between two segments."""

CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY = 1, 2, 3, 4, 5, 6
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


def checksum(frame: bytes) -> int:
    """Low 8 bits of the sum from the serial number to the end of the data."""
    return sum(frame[2:-3]) & 0xFF


class Cutter(StreamCutter[Frame]):
    """Takes segments as they come and gives frames and junk in order. Holds no clock, no socket."""

    start, end, smallest, longest = START, END, SMALLEST, MAX_FRAME

    def size(self, here: bytes) -> int | None:
        return None if len(here) < HEAD else SMALLEST + int.from_bytes(here[24:26], "little")

    def whole(self, raw: bytes) -> Frame:
        return _frame(raw)

    def unfinished(self, rest: bytes, /) -> tuple[str, str]:
        if rest.endswith(END) or (len(rest) >= 12 and not _is_time(rest[6:12])):
            return OTHER_PROTOCOL
        return "incomplete", f"{len(rest)} bytes of a frame that never ended"

    def wrong_length(self, here: bytes, size: int, /) -> tuple[str, str]:
        if not _is_time(here[6:12]):
            return OTHER_PROTOCOL
        return "bad-length", f"length field {size - SMALLEST}, at most {MAX_DATA}"

    def no_end(self, here: bytes, size: int, /) -> tuple[str, str]:
        if not _is_time(here[6:12]):
            return OTHER_PROTOCOL
        return "bad-end", f"no end mark 23 23 after {size} bytes"


def _is_time(sent: bytes) -> bool:
    second, minute, hour, day, month, year = sent
    return not any(sent) or (
        second < 60 and minute < 60 and hour < 24 and 1 <= day <= 31 and 1 <= month <= 12
        and year < 100
    )  # fmt: skip


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


def set_clock(frame: Frame, serial: int, now: datetime) -> bytes:
    """Control (1), type 90: the right time for the gateway that sent ``frame``.

    Args:
        frame: any of its frames, for the addresses.
        serial: ours, counting up.
        now: in the gateway's time zone.
    """
    six = (now.second, now.minute, now.hour, now.day, now.month, now.year % 100)
    return build(
        serial=serial & 0xFFFF,
        version=frame.version,
        sent=six,
        source=frame.destination,
        destination=frame.source,
        command=CONTROL,
        data=bytes((90, 1, *six)),
    )
