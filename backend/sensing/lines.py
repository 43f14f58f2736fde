"""TCP lines on which gateways and terminals send frames: one server for every such protocol.

A line is read in small pieces and nothing of it is kept but one unfinished frame. Whoever sends no
whole frame in time, or too much that is none, or does not read what we answer, is cut off. Lines
are bounded in all and per address, and may be limited to networks by name. What is no message is
kept raw, but of one address only so much an hour, so that nobody can fill the disk.

What frames mean, how they are stored and what is answered is the protocol's: see ``Talk``.
"""

import asyncio
import contextlib
import logging
import socket
from collections import Counter, OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Protocol

import msgspec

from backend.sensing.batches import AWAY, BUSY
from backend.sensing.deliveries import Superseded
from backend.sensing.intake import Full

log = logging.getLogger("jiean.lines")

CHUNK = 4096
UNREAD = 16 * 1024
"""Bytes of answers that wait for a peer to read them."""
MAX_BAD = 20
"""▲ Pieces that are no message beyond those that are, after which a line is closed."""
KEPT_RAW_PER_HOUR = 200
"""▲ Pieces of one address that are no message and are kept as they came; more is only counted."""
ADDRESSES = 10_000
"""Addresses whose hour is remembered."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When a line is refused or cut off; times in seconds.

    ``silence_s`` without a whole message, ``unfinished_s`` for one that began, ``linger_s`` after
    one was answered (None: as silence), ``unread_s`` for an answer that the peer does not take.
    ``allow`` are networks that may open a line; empty: all. More than ``per_s`` messages a second
    are read no faster than that, so that no line keeps others waiting.
    """

    connections_max: int
    per_address_max: int
    silence_s: float
    unfinished_s: float
    linger_s: float | None = None
    unread_s: float = 10.0
    per_s: float = 200.0
    allow: tuple[str, ...] = ()


class Cutting(Protocol):
    """Cuts one line's bytes into messages; see ``cutting.StreamCutter``."""

    @property
    def waiting(self) -> int: ...
    def feed(self, segment: bytes) -> Sequence[Any]: ...
    def finish(self) -> Sequence[Any]: ...


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some pieces: what to send back, and how many were messages or none."""

    answer: bytes = b""
    good: int = 0
    bad: int = 0


class Talk(Protocol):
    """One protocol spoken on lines."""

    def cutter(self) -> Cutting:
        """A fresh one for a new line."""
        ...

    async def take(self, pieces: Sequence[Any], address: str) -> Took:
        """Store what came, then say what to answer.

        Raises:
            Exception: nothing of it was stored; the line is closed and the peer comes again.
        """
        ...


class Allowance:
    """How much of something one address may cause within an hour."""

    def __init__(
        self, per_hour: int = KEPT_RAW_PER_HOUR, what: str = "bytes that are no message"
    ) -> None:
        self._per_hour, self._what = per_hour, what
        self._spent: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def spend(self, address: str, now: datetime) -> bool:
        """Whether one more may be kept."""
        since, spent = self._spent.get(address, (now, 0))
        if now - since >= timedelta(hours=1):
            since, spent = now, 0
        self._spent[address] = (since, spent + 1)
        self._spent.move_to_end(address)
        while len(self._spent) > ADDRESSES:
            self._spent.popitem(last=False)
        if spent == self._per_hour:
            log.warning("%s: no more %s are taken note of this hour", address, self._what)
        return spent < self._per_hour


class Pace:
    """How long a line waits before more of it is read; a second's worth may come at once."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._free_at = 0.0

    def wait_s(self, now_s: float, messages: int) -> float:
        """Seconds to wait after so many messages at this time of the loop."""
        self._free_at = max(self._free_at, now_s) + messages / self._per_s
        return max(0.0, self._free_at - now_s - 1.0)


class Lines:
    """A listening port and its lines."""

    def __init__(self, talk: Talk, limits: Limits) -> None:
        self._talk = talk
        self._limits = limits
        self._allow = tuple(ip_network(name, strict=False) for name in limits.allow)
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._open: Counter[str] = Counter()
        self.cut_off = 0
        """Lines ended because nobody read what we answered."""

    @property
    def port(self) -> int:
        """The port that is listened on; 0 while closed."""
        return self._server.sockets[0].getsockname()[1] if self._server else 0

    async def start(self, host: str, port: int) -> None:
        """Open the door.

        Raises:
            OSError: the port is taken or the address is not ours.
        """
        self._server = await asyncio.start_server(self._line, host, port, limit=2 * CHUNK)

    async def stop(self) -> None:
        """Close the door and every line."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        lines = list(self._lines)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        await server.wait_closed()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = asyncio.current_task()
        assert here is not None
        address = _address(writer)
        self._lines.add(here)
        self._open[address] += 1
        try:
            if self._may(address):
                _prepare(writer)
                await self._listen(reader, writer, address)
        except asyncio.CancelledError:
            if self._server is not None:
                raise
        except (*AWAY, *BUSY, Full, Superseded) as gone:
            # the peer is gone, or nothing can be stored just now: it comes again
            log.info("line of %s ended: %s %s", address, type(gone).__name__, gone)
        except Exception:
            log.exception("line of %s closed: what it sent could not be stored", address)
        finally:
            self._lines.discard(here)
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
            await _close(writer)

    def _may(self, address: str) -> bool:
        """Whether one more line of this address may stay open."""
        why = ""
        if len(self._lines) > self._limits.connections_max:
            why = "too many lines are open"
        elif self._open[address] > self._limits.per_address_max:
            why = "too many lines of this address"
        elif self._allow and not _within(address, self._allow):
            why = "not one of the networks that may"
        if why:
            log.warning("line of %s refused: %s", address, why)
        return not why

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> None:
        loop, limits, cutter = asyncio.get_running_loop(), self._limits, self._talk.cutter()
        pace = Pace(limits.per_s)
        bad = 0
        began = loop.time()
        end = began + limits.silence_s
        while bad < MAX_BAD:
            until = min(end, began + limits.unfinished_s) if cutter.waiting else end
            try:
                async with asyncio.timeout_at(until):
                    segment = await reader.read(CHUNK)
            except TimeoutError:
                await self._talk.take(cutter.finish(), address)
                return
            waited = bool(cutter.waiting)
            pieces = cutter.feed(segment) if segment else cutter.finish()
            if pieces or not waited:
                began = loop.time()
            took = await self._talk.take(pieces, address) if pieces else Took()
            bad = max(0, bad + took.bad - took.good)
            if took.good:
                end = loop.time() + (limits.linger_s or limits.silence_s)
            if took.answer:
                writer.write(took.answer)
                try:
                    async with asyncio.timeout(limits.unread_s):
                        await writer.drain()
                except TimeoutError:
                    self.cut_off += 1
                    log.info("line of %s cut off: it does not read what it is answered", address)
                    return
            if not segment:
                return
            if wait_s := pace.wait_s(loop.time(), len(pieces)):
                end, began = end + wait_s, began + wait_s
                await asyncio.sleep(wait_s)


def _address(writer: asyncio.StreamWriter) -> str:
    """The peer's address; of IPv6 its /64, which is one customer."""
    peer = writer.get_extra_info("peername")
    try:
        found = ip_address(str(peer[0]).partition("%")[0])
    except (ValueError, TypeError, IndexError):
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((int(found), 64), strict=False).network_address)
    return str(found)


def _within(address: str, networks: Sequence[Any]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _prepare(writer: asyncio.StreamWriter) -> None:
    """A peer that vanished is noticed by the system, too, and little of ours waits for it."""
    writer.transport.set_write_buffer_limits(high=UNREAD)
    own = writer.get_extra_info("socket")
    if own is not None:
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD)


async def _close(writer: asyncio.StreamWriter) -> None:
    """End a line; what the peer does not take within a second is thrown away."""
    writer.close()
    try:
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    except (TimeoutError, OSError):
        writer.transport.abort()
