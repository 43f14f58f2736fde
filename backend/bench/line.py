"""A weak line between a phone and the service: slow, far away, and torn when told.

A TCP relay of our own, so that nothing of the machine's network has to be changed. All
connections share one token bucket per direction (full duplex, as a radio's two channels are);
every byte arrives half a round trip later than it left, and opening a connection costs a whole
one. What a segment's headers would weigh is reckoned and counted.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

HEADERS_BYTES, SEGMENT_BYTES = 40, 1448
"""IPv4 and TCP headers of one full segment."""
CHUNK_BYTES = 4096
SOCKET_BYTES = 16_384
"""What the relay's own sockets may hold back: little, or a tear would lose nothing."""

COMMANDS, PHOTO = b"POST /api/commands", b"PUT /api/evidence/"


class Way:
    """One direction: who may send next, and how much went through."""

    def __init__(self) -> None:
        self.bits_per_s = 0.0
        self.bytes = 0
        self._free_at = 0.0

    async def take(self, count: int) -> float:
        """Wait until ``count`` bytes have left; the instant at which they had."""
        weight = count + HEADERS_BYTES * -(-count // SEGMENT_BYTES)
        self.bytes += weight
        now = time.monotonic()
        self._free_at = max(now, self._free_at)
        if self.bits_per_s:
            self._free_at += weight * 8 / self.bits_per_s
        left_at = self._free_at
        if left_at > now:
            await asyncio.sleep(left_at - now)
        return left_at


class Line:
    """Relays to ``127.0.0.1:port``. Free and whole until ``weaken``, ``down`` and the like.

    Args:
        port: of the service.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self.up, self.back = Way(), Way()
        self.rtt_s = 0.0
        self.tears = self.replies_lost = 0
        self.asked_at: dict[bytes, float] = {}
        """When the first byte of the first such request came, by ``time.monotonic``."""
        self.story: list[tuple[float, str]] = []
        """What happened to the commands, by ``time.monotonic``."""
        self._lose: list[bytes] = []
        self._tear_at: list[tuple[bytes, int]] = []
        self._sent: dict[bytes, int] = {COMMANDS: 0, PHOTO: 0}
        self._pairs: set[asyncio.StreamWriter] = set()
        self._down = False
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Listen; the port."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=CHUNK_BYTES, backlog=64
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
        self.down()

    def weaken(self, *, bits_per_s: float, rtt_s: float) -> None:
        """From now on this slow, in each direction, and this far."""
        self.up.bits_per_s = self.back.bits_per_s = bits_per_s
        self.rtt_s = rtt_s

    def down(self) -> None:
        """No network: everything that is open breaks, and nothing opens."""
        self._down = True
        for writer in list(self._pairs):
            writer.transport.abort()

    def mend(self) -> None:
        """The network is there again."""
        self._down = False

    def tear_after(self, asking: bytes, count: int) -> None:
        """Tear the line once requests of this kind have sent so many bytes from now on."""
        self._tear_at.append((asking, self._sent[asking] + count))

    def lose_reply(self, asking: bytes) -> None:
        """The next reply to such a request never arrives: the line tears when it comes."""
        self._lose.append(asking)

    def _tell(self, asking: bytes, what: str) -> None:
        if asking == COMMANDS:
            self.story.append((time.monotonic(), what))

    def _tear(self, for_s: float = 0.25) -> None:
        """As when a phone changes its cell: everything breaks, and a moment later opens again."""
        self.down()
        asyncio.get_running_loop().call_later(for_s, self.mend)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            writer.transport.abort()
            return
        self._pairs.add(writer)
        asking = b""

        def told(chunk: bytes) -> bool:
            """Uplink: note what is asked; False where the line tears."""
            nonlocal asking
            for kind in (COMMANDS, PHOTO):
                if chunk.startswith(kind):
                    asking = kind
                    self.asked_at.setdefault(kind, time.monotonic())
                    self._tell(asking, "asked")
                    break
            else:
                if chunk[:5] in (b"GET /", b"POST ", b"PUT /"):
                    asking = b""
            if asking:
                self._sent[asking] += len(chunk)
            due = [one for one in self._tear_at if one[0] == asking and self._sent[asking] > one[1]]
            if due:
                self._tear_at.remove(due[0])
                self.tears += 1
                self._tell(asking, "torn")
                self._tear()
            return not due

        def answered(chunk: bytes) -> bool:
            """Downlink: False where this reply is one that gets lost."""
            if chunk.startswith(b"HTTP/"):
                self._tell(asking, "lost reply" if asking in self._lose else "answered")
            if asking not in self._lose:
                return True
            self._lose.remove(asking)
            self.replies_lost += 1
            self._tear()
            return False

        await asyncio.sleep(self.rtt_s)  # SYN, SYN-ACK
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", self._to, limit=CHUNK_BYTES
            )
            self._pairs.add(far_writer)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._carry(reader, far_writer, self.up, told))
                    both.create_task(self._carry(far_reader, writer, self.back, answered))
            except* OSError:
                pass
            finally:
                self._pairs.discard(far_writer)
                far_writer.transport.abort()
        self._pairs.discard(writer)
        writer.transport.abort()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        way: Way,
        look: Callable[[bytes], bool],
    ) -> None:
        """Everything one way, late and slow."""
        loop = asyncio.get_running_loop()
        while chunk := await reader.read(CHUNK_BYTES):
            if not look(chunk):
                raise ConnectionResetError("torn")
            left_at = await way.take(len(chunk))
            # monotonic clocks of asyncio and time are the same one
            loop.call_at(left_at + self.rtt_s / 2, _write, writer, chunk)
        loop.call_later(self.rtt_s / 2, writer.close)


def _write(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    if not writer.is_closing():
        writer.write(chunk)
