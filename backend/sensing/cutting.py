"""Frames out of a stream of bytes, for protocols that mark start and end and tell the length. Pure.

A frame is cut by its length field, never by searching for the end mark: both marks may stand
inside the data. A segment may hold half a frame or ten. What is no frame is skipped to the next
start mark and named; no peer can make us keep more than one longest frame.
"""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import msgspec

Whole = TypeVar("Whole")


class Junk(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are no frame, with the reason (see ``reading.Rejected``)."""

    reason: str
    detail: str
    raw: bytes


class StreamCutter(ABC, Generic[Whole]):
    """Takes segments as they come and gives frames and junk in order. Holds no clock, no socket."""

    start: bytes
    end: bytes
    smallest: int
    longest: int

    def __init__(self) -> None:
        self._waiting = b""

    @abstractmethod
    def size(self, here: bytes) -> int | None:
        """Bytes of the frame that begins here, by its length field; None while that is not here."""

    @abstractmethod
    def whole(self, raw: bytes) -> Whole:
        """One frame, from its start mark to its end mark. Its sum is not looked at yet."""

    @abstractmethod
    def unfinished(self, rest: bytes, /) -> tuple[str, str]:
        """Reason and detail for a frame whose peer is gone."""

    @abstractmethod
    def wrong_length(self, here: bytes, size: int, /) -> tuple[str, str]:
        """The same for a length field that no frame can have."""

    @abstractmethod
    def no_end(self, here: bytes, size: int, /) -> tuple[str, str]:
        """The same where no end mark stands at the end."""

    @property
    def waiting(self) -> int:
        """Bytes of a frame that has begun and is not complete."""
        return len(self._waiting)

    def feed(self, segment: bytes) -> list[Whole | Junk]:
        """What became complete with this segment."""
        return self._cut(self._waiting + segment, last=False)

    def finish(self) -> list[Whole | Junk]:
        """The peer is gone: what waits is no frame any more."""
        return self._cut(self._waiting, last=True)

    def _cut(self, stream: bytes, *, last: bool) -> list[Whole | Junk]:
        nothing = ("bad-start", f"no start mark {self.start.hex(' ')}")
        found: list[Whole | Junk] = []
        at = lost = 0
        why = nothing
        while at < len(stream):
            here = stream[at : at + self.longest]
            if here[:2] != self.start[: len(here)]:
                at = self._next_start(stream, at)
                continue
            size = self.size(here)
            if size is None or (self.smallest <= size <= self.longest and len(here) < size):
                if not last:
                    break
                wrong = self.unfinished(here)
            elif not self.smallest <= size <= self.longest:
                wrong = self.wrong_length(here, size)
            elif here[size - 2 : size] == self.end:
                if lost < at:
                    found.append(_junk(stream[lost:at], why))
                found.append(self.whole(here[:size]))
                at = lost = at + size
                why = nothing
                continue
            else:
                wrong = self.no_end(here, size)
            if lost == at:
                why = wrong
            at = self._next_start(stream, at + 1)
            if stream[lost:at].endswith(self.end):
                found.append(_junk(stream[lost:at], why))
                lost, why = at, nothing
        if lost < at:
            found.append(_junk(stream[lost:at], why))
        self._waiting = stream[at:]
        return found

    def _next_start(self, stream: bytes, at: int) -> int:
        """Where the next start mark is, or may begin with the last byte; else the end."""
        found = stream.find(self.start, at)
        if found >= 0:
            return found
        return len(stream) - (len(stream) > at and stream.endswith(self.start[:1]))


def _junk(raw: bytes, why: tuple[str, str]) -> Junk:
    return Junk(reason=why[0], detail=why[1], raw=raw)
