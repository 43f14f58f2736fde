"""A push service of our own for the bench, in a process of its own: it takes its time.

Every request is answered with 201 after the same latency, however many are under way. It keeps
when each one came by the machine's monotonic clock, which both processes share.
"""

import asyncio
import multiprocessing
import os
import sys
import time
from multiprocessing.connection import Connection
from typing import Any, ClassVar

import uvloop

_TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
_HEAD_END = b"\r\n\r\n"


class PostOffice:
    """Runs the process.

    Args:
        latency_s: between a request's last byte and the answer.
    """

    def __init__(self, latency_s: float) -> None:
        # A fresh interpreter: a fork would share our sockets and our loop.
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        # Read where it lies: to ask the other process would hold up the loop that is measured.
        self._count = spawning.Value("q", 0, lock=False)
        self._child = spawning.Process(
            target=_serve, args=(theirs, self._count, latency_s), daemon=True
        )
        self._child.start()
        theirs.close()
        self.port: int = self._pipe.recv()

    def came(self) -> dict[str, list[float]]:
        """Path → when requests for it came, seconds of ``time.monotonic``."""
        self._pipe.send(None)
        found: dict[str, list[float]] = self._pipe.recv()
        return found

    def count(self) -> int:
        """How many requests came so far."""
        return int(self._count.value)

    def close(self) -> None:
        """End the process."""
        self._child.terminate()
        self._child.join(5)


class _Door(asyncio.Protocol):
    """HTTP/1.1 with keep-alive: just enough of it for one POST after the other."""

    came: ClassVar[dict[str, list[float]]] = {}
    count: ClassVar[Any]
    latency_s = 0.0

    def __init__(self) -> None:
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(_HEAD_END)) >= 0:
            head = self._read[:end].decode("latin-1")
            names = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
            whole = end + len(_HEAD_END) + int(names.get("content-length", "0"))
            if len(self._read) < whole:
                return
            self._read = self._read[whole:]
            if names.get("content-encoding") != "aes128gcm" or "authorization" not in names:
                self._transport.abort()  # type: ignore[attr-defined]
                return
            self.came.setdefault(head.split(" ", 2)[1], []).append(time.monotonic())
            self.count.value += 1
            asyncio.get_running_loop().call_later(self.latency_s, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_TAKEN)  # type: ignore[attr-defined]


def _serve(pipe: Connection, count: Any, latency_s: float) -> None:
    _Door.latency_s, _Door.count = latency_s, count
    uvloop.run(_run(pipe))


async def _run(pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Door, "127.0.0.1", 0, backlog=1024)
    pipe.send(server.sockets[0].getsockname()[1])

    def asked() -> None:
        try:
            pipe.recv()
        except EOFError:
            sys.exit(0)
        os.set_blocking(pipe.fileno(), True)  # the loop undid that; the answer is long
        pipe.send(_Door.came)

    loop.add_reader(pipe.fileno(), asked)
    await asyncio.Event().wait()
