"""The door for GB/T 26875.3 gateways: TCP lines that stay open, frames confirmed once stored.

A line is read in small pieces and nothing of it is kept but one unfinished frame. A frame that is
stored is confirmed; one with a wrong sum or an unknown command is kept and denied; one that came
before is confirmed again without a second reading. Whoever sends no whole frame in time, or too
much that is none, is cut off. A gateway that falls silent is a link fault for a technician, never
an alarm. When the database is away nothing is confirmed and the line is closed: the gateway
repeats.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import asyncpg

from backend.sensing.adapters.gb26875 import meaning
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
)
from backend.sensing.adapters.gb26875.profile import Gateways
from backend.sensing.adapters.gb26875.profile import read as read_profiles
from backend.sensing.deliveries import Arrived
from backend.sensing.rules import RuleBook, defaults
from backend.sensing.store import Register, Store
from backend.shared import tasks
from backend.shared.context import Context

log = logging.getLogger("jiean.gb26875")

CHUNK = 4096
MAX_JUNK = 20
"""Pieces that are no frame, after which a line is closed."""
LOOK_EVERY_S = 5.0
GATEWAYS = 10_000
"""Gateways whose silence is noticed."""
REPEATS = 10_000
"""Frames remembered, over all gateways, to know a repeat."""


class PanelDoor:
    """Listens while the platform runs; closed when the port is 0."""

    def __init__(self, context: Context, register: Register) -> None:
        self._settings = context.settings.gb26875
        self._clock = context.clock
        path = self._settings.profiles
        self._gateways = read_profiles(Path(path)) if path else Gateways()
        rules = RuleBook(defaults(smoke_clear_s=context.settings.sensing.smoke_clear_s))
        read = meaning.reader(self._gateways.of)
        self._store = Store(
            register, rules, context.clock, "gb26875", {"gb26875": ("gb26875", read)}
        )
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._seen: OrderedDict[object, None] = OrderedDict()
        self._heard: OrderedDict[int, datetime] = OrderedDict()
        self._watching: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; 0 while closed."""
        return self._server.sockets[0].getsockname()[1] if self._server else 0

    async def start(self, port: int | None = None) -> None:
        """Open the door, if it has a port."""
        wanted = self._settings.port if port is None else port
        if port is None and not wanted:
            return
        await self._store.start()
        self._server = await asyncio.start_server(
            self._line, self._settings.host, wanted, limit=2 * CHUNK
        )
        self._watching = tasks.spawn(self._watch(), name="silent gateways")

    async def stop(self) -> None:
        """Close the door and every line."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._watching is not None:
            await tasks.stop(self._watching)
        lines = list(self._lines)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        await server.wait_closed()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = asyncio.current_task()
        assert here is not None
        self._lines.add(here)
        try:
            if len(self._lines) <= self._settings.connections_max:
                await self._talk(reader, writer)
        except (OSError, TimeoutError) as gone:
            log.info("line ended: %s", gone)
        except Exception:
            log.exception("line closed: what it sent could not be stored")
        finally:
            self._lines.discard(here)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop, cutter = asyncio.get_running_loop(), Cutter()
        junk = 0
        heard = began = loop.time()
        while junk < MAX_JUNK:
            until = heard + self._settings.silence_s
            if cutter.waiting:
                until = min(until, began + self._settings.unfinished_s)
            try:
                async with asyncio.timeout_at(until):
                    segment = await reader.read(CHUNK)
            except TimeoutError:
                await self._take(cutter.finish(), writer)
                return
            waited = bool(cutter.waiting)
            pieces = cutter.feed(segment) if segment else cutter.finish()
            if pieces or not waited:
                began = loop.time()
            if any(isinstance(piece, Frame) for piece in pieces):
                heard = loop.time()
            junk += await self._take(pieces, writer)
            if not segment:
                return

    async def _take(self, pieces: list[Frame | Junk], writer: asyncio.StreamWriter) -> int:
        """Store what came, then answer it; how much of it was no frame."""
        now = self._clock.now()
        fresh = [piece for piece in pieces if not self._repeat(piece)]
        if fresh:
            await self._store.write(
                [
                    Arrived(topic=f"gb26875/{_of(piece)}", payload=piece.raw, received_at=now)
                    for piece in fresh
                ]
            )
        for piece in pieces:
            if not isinstance(piece, Frame):
                continue
            good = piece.checksum_ok and piece.command in KNOWN_COMMANDS
            if good:
                self._remember(piece, now)
            if piece.command in (CONFIRM, DENY, ANSWER) and good:
                continue
            zone = timezone(timedelta(hours=self._gateways.of(piece.source).hours_east))
            accepted = good and piece.command == SEND
            writer.write(answer(piece, now.astimezone(zone), confirm=accepted))
        await writer.drain()
        return sum(isinstance(piece, Junk) for piece in pieces)

    def _repeat(self, piece: Frame | Junk) -> bool:
        """A frame that was stored before; a heartbeat says nothing that could be doubled."""
        return isinstance(piece, Frame) and piece.checksum_ok and piece.repeat_key in self._seen

    def _remember(self, frame: Frame, now: datetime) -> None:
        self._heard[frame.source] = now
        self._heard.move_to_end(frame.source)
        while len(self._heard) > GATEWAYS:
            self._heard.popitem(last=False)
        if not frame.data:
            return
        self._seen[frame.repeat_key] = None
        while len(self._seen) > REPEATS:
            self._seen.popitem(last=False)

    async def look_for_silence(self) -> list[int]:
        """Ask a technician for each gateway that missed three heartbeats, on a line or off it."""
        since = self._clock.now() - timedelta(seconds=self._settings.silence_s)
        silent = [source for source, heard in self._heard.items() if heard < since]
        for source in silent:
            await self._store.ask_technician("offline", f"gb26875/{source}", "link-fault")
            del self._heard[source]
        return silent

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look_for_silence()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as away:
                log.info("link faults wait, the database is away: %s", away)


def _of(piece: Frame | Junk) -> str:
    return str(piece.source) if isinstance(piece, Frame) else "unknown"
