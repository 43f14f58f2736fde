"""The live-socket door: screens that are open and signed in, reached within milliseconds.

Each socket has its own short queue and its own writer, so one screen that has stopped
reading never delays another. When its queue is full the socket is dropped, not the message:
the ladder sees no receipt and climbs on, and the screen connects again and pulls what it
missed. Nothing here is truth; it may all vanish with the process.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import msgspec

from push.message import Message, TooLargeError, encode
from push.port import Outcome, Reach, Receipt, ReceiptKind, Result

log = logging.getLogger(__name__)

Write = Callable[[str], Awaitable[None]]
Close = Callable[[], Awaitable[None]]
OnReceipt = Callable[[Receipt], Awaitable[None]]

_SOCKET_MAX_BYTES = 64_000
SESSION_ENDED = "its session ended"


class Socket:
    """One open screen. Made by ``LiveSockets.connected``.

    ``dropped`` is set once the door has given it up, ``why`` says for what; the route then ends.
    """

    def __init__(
        self, owner: "LiveSockets", address: str, write: Write, close: Close, session: str
    ) -> None:
        self.address, self.session = address, session
        self.dropped, self.why = asyncio.Event(), ""
        self._owner, self._write, self._close = owner, write, close
        self._frames: asyncio.Queue[str] = asyncio.Queue(owner.queue_limit)
        self._writer = asyncio.create_task(self._run())

    def put(self, frame: str) -> bool:
        """Queue one frame, in order. False, and the socket is dropped, when its queue is full."""
        if self.dropped.is_set():
            return False
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self._drop("its queue is full")
            return False
        return True

    async def receipt(self, message_id: UUID, kind: ReceiptKind, at: datetime) -> Receipt:
        """Take a receipt that came in on this socket and pass it on.

        Args:
            message_id: what the screen says it got. Whether it was ever sent to this address
                is for the delivery ledger to check.
            kind: how far it got.
            at: UTC, the screen's time.
        """
        taken = Receipt(message_id=message_id, kind=kind, at=at, address=self.address)
        await self._owner.on_receipt(taken)
        return taken

    async def _run(self) -> None:
        try:
            while True:
                frame = await self._frames.get()
                async with asyncio.timeout(self._owner.write_timeout_s):
                    await self._write(frame)
        except TimeoutError:
            self._drop("it does not read")
        except Exception as broken:
            # Whatever the web server raises for a broken connection ends this socket only.
            self._drop(type(broken).__name__)

    def _drop(self, why: str) -> None:
        if self.dropped.is_set():
            return
        log.info("a live socket is dropped: %s", why)
        self.why = why
        self.dropped.set()
        self._owner.forget(self)
        self._owner.close_later(self._close)
        if self._writer is not asyncio.current_task():
            self._writer.cancel()

    async def end(self) -> None:
        """Stop writing; called when the connection is over."""
        self.dropped.set()
        self._owner.forget(self)
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)


async def _nobody_listens(_: Receipt) -> None:
    """The default for receipts: they are dropped."""


class LiveSockets:
    """Every open screen of this process, by address; the ``live`` door.

    Args:
        on_receipt: awaited for each receipt, on the socket's own task.
        queue_limit: frames that may wait for one socket.
        write_timeout_s: the longest that one frame may take.
        most_per_address: sockets of one address; the oldest is dropped for a new one.

    An address is any text, such as ``account:<uuid>``; all its sockets get each message.
    """

    name = "live"
    reach = Reach.LOOPBACK

    def __init__(
        self,
        on_receipt: OnReceipt = _nobody_listens,
        *,
        queue_limit: int = 64,
        write_timeout_s: float = 5.0,
        most_per_address: int = 8,
    ) -> None:
        self.on_receipt = on_receipt
        self.queue_limit, self.write_timeout_s = queue_limit, write_timeout_s
        self._most = most_per_address
        self._sockets: dict[str, list[Socket]] = {}
        self.changed = asyncio.Event()
        """Set when an address got its first screen or lost its last; whoever watches clears it."""
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def connected(
        self, address: str, write: Write, close: Close, *, session: str = ""
    ) -> AsyncIterator[Socket]:
        """Keep a connection registered while its route runs.

        Args:
            address: whose screen.
            write: sends one text frame; may be slow, may raise.
            close: closes the connection so that the route's reading ends; may raise.
            session: by what right it is open, any text; see ``end_session``.
        """
        socket = Socket(self, address, write, close, session)
        here = self._sockets.setdefault(address, [])
        here.append(socket)
        if len(here) == 1:
            self.changed.set()
        if len(here) > self._most:
            here[0]._drop("a newer one took its place")
        try:
            yield socket
        finally:
            await socket.end()

    async def send(self, address: str, message: Message) -> Result:
        """Queue the message for every open screen of ``address``; see ``push.port.Door``."""
        if not self._sockets.get(address):
            return Result(Outcome.RETRY, None, "not-connected")
        try:
            body = msgspec.Raw(encode(message, max_bytes=_SOCKET_MAX_BYTES))
        except TooLargeError:
            return Result(Outcome.REJECTED, None, "too-large")
        frame = msgspec.json.encode({"t": "message", "message": body}).decode()
        if self.publish(address, frame) == 0:
            return Result(Outcome.RETRY, None, "too-slow")
        return Result(Outcome.SENT, None, "queued")

    def publish(self, address: str, frame: str) -> int:
        """Queue any frame for one address; how many of its sockets took it."""
        return sum(socket.put(frame) for socket in tuple(self._sockets.get(address, ())))

    def publish_all(self, frame: str) -> int:
        """Queue any frame for everybody; how many sockets took it."""
        return sum(self.publish(address, frame) for address in tuple(self._sockets))

    def is_connected(self, address: str) -> bool:
        """Whether at least one screen of ``address`` is open here."""
        return bool(self._sockets.get(address))

    def addresses(self) -> frozenset[str]:
        """Everybody with an open screen here."""
        return frozenset(self._sockets)

    def sessions(self) -> frozenset[str]:
        """By what rights the sockets here are open."""
        return frozenset(socket.session for here in self._sockets.values() for socket in here)

    def end_session(self, session: str) -> None:
        """Drop every socket that is open by this right; their ``why`` is ``SESSION_ENDED``."""
        for here in tuple(self._sockets.values()):
            for socket in tuple(here):
                if socket.session == session:
                    socket._drop(SESSION_ENDED)

    async def aclose(self) -> None:
        """Drop every socket and wait until each is closed or has had its time."""
        for here in tuple(self._sockets.values()):
            for socket in tuple(here):
                socket._drop("the server stops")
        await asyncio.gather(*self._closing, return_exceptions=True)

    def forget(self, socket: Socket) -> None:
        """Take a socket off the register; harmless when it is off already."""
        here = self._sockets.get(socket.address, [])
        if socket in here:
            here.remove(socket)
        if not here and self._sockets.pop(socket.address, None) is not None:
            self.changed.set()

    def close_later(self, close: Close) -> None:
        """Close a connection without making anybody wait for it."""

        async def closing() -> None:
            try:
                async with asyncio.timeout(self.write_timeout_s):
                    await close()
            except Exception as broken:
                # It was broken before; there is nothing left to do for it.
                log.debug("closing a live socket: %s", type(broken).__name__)

        task = asyncio.create_task(closing())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
