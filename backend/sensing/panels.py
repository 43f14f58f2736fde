"""The door for GB/T 26875.3 gateways: TCP lines that stay open, frames confirmed once stored.

A frame that is stored is confirmed; one with a wrong sum, an unknown command or of a gateway that
may not call is kept and denied; one that came before is confirmed again without a second reading.
A gateway that falls silent is a link fault for a technician, never an alarm. When the database is
away nothing is confirmed and the line is closed: the gateway repeats. Lines: see ``lines``.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from backend.sensing import heard
from backend.sensing.adapters.gb26875.frame import (
    ANSWER,
    CONFIRM,
    DENY,
    KNOWN_COMMANDS,
    SEND,
    Cutter,
    Frame,
    Junk,
    answer,
    set_clock,
)
from backend.sensing.adapters.gb26875.meaning import sent_at
from backend.sensing.adapters.gb26875.profile import Gateways
from backend.sensing.deliveries import Arrived
from backend.sensing.intake import Intake
from backend.sensing.lines import Allowance, Took
from backend.shared import tasks
from backend.shared.clock import Clock
from backend.shared.listen import AWAY

log = logging.getLogger("jiean.gb26875")

Key = TypeVar("Key")
Value = TypeVar("Value")

PROTOCOL = "gb26875"
LOOK_EVERY_S = 5.0
WRITE_EVERY = timedelta(seconds=30)
"""▲ So often is written down who was heard."""
GATEWAYS = 10_000
"""Gateways whose silence is noticed."""
NEW_PER_HOUR = 100
"""▲ Gateways of one network address that begin to be waited for; nobody can fill the list."""
REPEATS = 10_000
"""Frames remembered, over all gateways, to know a repeat."""
BEAT_EVERY = timedelta(seconds=10)
"""▲ A heartbeat that comes sooner is confirmed and not stored."""
CLOCK_OFF = timedelta(seconds=60)
CLOCK_AGAIN = timedelta(hours=1)
"""▲ A gateway whose clock is this wrong is told the time, this often at most, if it may be."""


class Panels:
    """What is said on the lines of gateways; see ``lines.Talk``."""

    def __init__(self, intake: Intake, clock: Clock, gateways: Gateways, silence_s: float) -> None:
        self._intake = intake
        self._clock = clock
        self._gateways = gateways
        self._silence = timedelta(seconds=silence_s)
        self._seen: OrderedDict[object, None] = OrderedDict()
        self._heard: OrderedDict[int, datetime] = OrderedDict()
        self._beats: OrderedDict[int, datetime] = OrderedDict()
        self._back: OrderedDict[int, None] = OrderedDict()
        self._set: OrderedDict[int, datetime] = OrderedDict()
        self._allowance = Allowance()
        self._newcomers = Allowance(NEW_PER_HOUR, "new gateways")
        self._serial = 0
        self._written_at: datetime | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to notice silence; also of gateways that were heard before we were away."""
        now = self._clock.now()
        for door in reversed(await heard.recall(PROTOCOL, now, GATEWAYS)):
            source = door.partition("/")[2]
            if source.isdecimal():
                self._heard[int(source)] = now
        self._watching = tasks.spawn(self._watch(), name="silent gateways")

    async def stop(self) -> None:
        """End."""
        await tasks.stop(self._watching)

    def cutter(self) -> Cutter:
        """A fresh one for a new line."""
        return Cutter()

    async def take(self, pieces: Sequence[Frame | Junk], address: str) -> Took:
        """Store what came, then say what to answer."""
        now = self._clock.now()
        fresh: list[Arrived] = []
        out = bytearray()
        good: list[Frame] = []
        for piece in pieces:
            if isinstance(piece, Junk):
                if self._allowance.spend(address, now):
                    fresh.append(_arrived(piece, "unknown", now))
                continue
            refused = self._gateways.refuses(piece.source, address)
            if refused or not piece.checksum_ok or piece.command not in KNOWN_COMMANDS:
                if self._allowance.spend(address, now):
                    of = f"refused/{refused}" if refused else str(piece.source)
                    fresh.append(_arrived(piece, of, now))
                out += self._answer(piece, now, confirm=False)
                continue
            good.append(piece)
            if self._is_new(piece, now):
                fresh.append(_arrived(piece, str(piece.source), now))
            if piece.command not in (CONFIRM, DENY, ANSWER):
                out += self._answer(piece, now, confirm=piece.command == SEND)
        await self._intake.take(fresh)
        for frame in good:
            self._remember(frame, address, now)
            out += self._right_time(frame, now)
        return Took(answer=bytes(out), good=len(good), bad=len(pieces) - len(good))

    def _is_new(self, frame: Frame, now: datetime) -> bool:
        """Whether a good frame says something that is not stored; a heartbeat does so seldom."""
        if frame.data:
            return frame.repeat_key not in self._seen
        before = self._beats.get(frame.source)
        if before is not None and now - before < BEAT_EVERY:
            return False
        _put(self._beats, frame.source, now, GATEWAYS)
        return True

    def _zone(self, frame: Frame) -> timezone:
        return timezone(timedelta(hours=self._gateways.of(frame.source).hours_east))

    def _answer(self, frame: Frame, now: datetime, *, confirm: bool) -> bytes:
        return answer(frame, now.astimezone(self._zone(frame)), confirm=confirm)

    def _remember(self, frame: Frame, address: str, now: datetime) -> None:
        new = frame.source not in self._heard  # to this process, or back from silence
        if not new or self._newcomers.spend(address, now):
            _put(self._heard, frame.source, now, GATEWAYS)
            if new:
                _put(self._back, frame.source, None, GATEWAYS)
        if frame.data:  # a heartbeat says nothing that could be doubled
            _put(self._seen, frame.repeat_key, None, REPEATS)

    def _right_time(self, frame: Frame, now: datetime) -> bytes:
        """The command that sets the gateway's clock, if it is wrong and the gateway takes it."""
        profile = self._gateways.of(frame.source)
        if not profile.set_clock or frame.command != SEND:
            return b""
        theirs, told = sent_at(frame, profile), self._set.get(frame.source)
        if (theirs is not None and abs(theirs - now) < CLOCK_OFF) or (
            told is not None and now - told < CLOCK_AGAIN
        ):
            return b""
        _put(self._set, frame.source, now, GATEWAYS)
        self._serial += 1
        log.info("gateway %s has a wrong clock (%s): it is told the time", frame.source, theirs)
        return set_clock(frame, self._serial, now.astimezone(self._zone(frame)))

    async def look_for_silence(self) -> list[int]:
        """Ask a technician for each gateway that missed three heartbeats, on a line or off it.

        For one that is heard again the question is taken back.
        """
        tell = self._intake.store.ask_technician
        for source in list(self._back):
            await tell("offline", f"{PROTOCOL}/{source}", "link-fault", over=True)
            del self._back[source]
        now = self._clock.now()
        silent = [source for source, at in self._heard.items() if at < now - self._silence]
        for source in silent:
            await tell("offline", f"{PROTOCOL}/{source}", "link-fault")
            del self._heard[source]
        await self._write_down(silent, now)
        return silent

    async def _write_down(self, silent: Sequence[int], now: datetime) -> None:
        """Who is waited for, in case we are restarted."""
        if silent:
            await heard.forget([f"{PROTOCOL}/{source}" for source in silent])
        if self._written_at is not None and now - self._written_at < WRITE_EVERY:
            return
        fresh = {
            f"{PROTOCOL}/{source}": at
            for source, at in self._heard.items()
            if self._written_at is None or at >= self._written_at
        }
        if fresh:
            await heard.save(fresh)
        self._written_at = now

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look_for_silence()
            except AWAY as away:
                log.info("link faults wait, the database is away: %s", away)


def _arrived(piece: Frame | Junk, of: str, now: datetime) -> Arrived:
    return Arrived(topic=f"{PROTOCOL}/{of}", payload=piece.raw, received_at=now)


def _put(kept: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
