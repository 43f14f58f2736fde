"""The event stream of a camera: an answer that never ends, with one part per event. Pure.

``multipart/mixed`` or ``multipart/x-mixed-replace``; the boundary is told in the header or is its
own first line. A part with a length is given as soon as it is whole, so that an alarm does not
wait for the next heartbeat; one without ends at the next boundary, at the end of its XML, or when
the camera falls quiet (``flush``). Some cameras send no parts at all, only the events' text.
Pictures are counted past, never kept; of a text that is too long the beginning is given, so that
it is refused by name.
"""

import re

MAX_TEXT = 128 * 1024
MAX_HEAD = 8 * 1024
MARK = re.compile(rb"(?:^|\n)(--[^\r\n]{1,100})\r?\n")
XML_END = b"</EventNotificationAlert>"
LENGTH = re.compile(rb"content-length:\s*(\d{1,10})", re.I)


def boundary_of(content_type: str) -> bytes | None:
    """The boundary that a Content-Type names, with its dashes."""
    found = re.search(r'boundary="?([^";,\s]{1,100})', content_type, re.I)
    if found is None:
        return None
    name = found[1].encode("ascii", errors="ignore")
    return name if name.startswith(b"--") else b"--" + name


class EventStream:
    """Takes bytes as they come, gives the texts of whole parts. Holds no clock, no socket."""

    def __init__(self, boundary: bytes | None = None) -> None:
        self._mark = boundary
        self._bare = False
        self._data = b""
        self._in_body = False
        self._text = True
        self._length: int | None = None
        self._skip = 0

    @property
    def waiting(self) -> int:
        """Bytes that are kept."""
        return len(self._data)

    def feed(self, data: bytes) -> list[bytes]:
        """The texts that became whole."""
        if self._skip:
            past = min(self._skip, len(data))
            self._skip -= past
            data = data[past:]
        self._data += data
        found: list[bytes] = []
        while self._step(found):
            pass
        return found

    def flush(self) -> list[bytes]:
        """The camera is quiet: a text whose end nothing marks is whole."""
        whole = self._in_body and self._text and self._length is None
        text = self._data.strip()
        if not text or not (whole or (self._bare and not self._in_body)):
            return []
        if self._mark is not None and text.startswith(self._mark):
            return []
        self._end(b"")
        return [text]

    def _step(self, found: list[bytes]) -> bool:
        """Make one step; whether another may follow."""
        if self._in_body:
            return self._body(found)
        if self._mark is None:
            return self._first(found)
        at = self._data.find(self._mark)
        if at < 0:
            if self._bare:
                return self._naked(found)
            self._data = self._data[-len(self._mark) :]
            return False
        rest = self._data[at + len(self._mark) :]
        head, gap, body = _split(rest)
        if not gap:
            self._data = self._data[at:] if len(rest) <= MAX_HEAD else b""
            return False
        length = LENGTH.search(head)
        self._length = int(length[1]) if length else None
        self._text = b"image/" not in head.lower()
        self._in_body, self._data = True, body
        return True

    def _first(self, found: list[bytes]) -> bool:
        """Until it is known whether there are parts at all."""
        if mark := MARK.search(self._data):
            self._mark, self._bare = mark[1], False
            return True
        if self._data.lstrip()[:1] not in (b"-", b""):
            self._bare = True
            return self._naked(found)
        self._data = self._data[-MAX_HEAD:]
        return False

    def _naked(self, found: list[bytes]) -> bool:
        """Text without parts."""
        at = self._data.find(XML_END)
        if at >= 0:
            found.append(self._data[: at + len(XML_END)].strip())
            self._data = self._data[at + len(XML_END) :]
            return bool(self._data)
        if len(self._data) > MAX_TEXT:
            found.append(self._data[:MAX_TEXT])
            self._data = b""
        return False

    def _body(self, found: list[bytes]) -> bool:
        mark = self._mark or b"--"
        at = self._data.find(b"\n" + mark)
        if self._length is not None and (at < 0 or at >= self._length):
            return self._measured(found, self._length)
        if at >= 0:  # also where a declared length says more: it is not believed
            if self._text:
                found.append(self._data[:at].strip())
            self._end(self._data[at + 1 :])
            return True
        if not self._text:
            self._data = self._data[-len(mark) - 1 :]
            return False
        end = self._data.find(XML_END)
        if end >= 0:
            found.append(self._data[: end + len(XML_END)].strip())
            self._end(self._data[end + len(XML_END) :])
            return True
        if len(self._data) > MAX_TEXT:
            found.append(self._data[:MAX_TEXT])
            self._end(b"")
        return False

    def _measured(self, found: list[bytes], length: int) -> bool:
        """A body of a declared length, of which all that is here belongs to it."""
        have = len(self._data)
        if self._text and have < length:
            if have <= MAX_TEXT:
                return False
            found.append(self._data[:MAX_TEXT])
        elif self._text:
            found.append(self._data[:length].strip())
        self._skip = max(0, length - have)
        self._end(self._data[length:])
        return bool(self._data)

    def _end(self, rest: bytes) -> None:
        self._in_body, self._length, self._data = False, None, rest


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Header, gap and body; whichever empty line comes first."""
    places = [(data.find(gap), gap) for gap in (b"\r\n\r\n", b"\n\n")]
    at, gap = min(((at, gap) for at, gap in places if at >= 0), default=(-1, b""))
    return (data[:at], gap, data[at + len(gap) :]) if at >= 0 else (data, b"", b"")
