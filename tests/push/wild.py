"""Something behind TLS on 127.0.0.1 that breaks the protocol which it has just agreed on."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from tests.push.serving import identity

SETTINGS = bytes.fromhex("000000040000000000")
PING = bytes.fromhex("000008060000000000") + bytes(8)

FAULTS = ("hanging", "dripping", "half-closed", "garbage", "slammed", "goaway")


@asynccontextmanager
async def wild(
    fault: str,
    *,
    tls: bool = True,
    first: bytes = b"HTTP/1.1 200 OK\r\nX-Slow: ",
    arrived: asyncio.Event | None = None,
) -> AsyncIterator[str]:
    """Run it for one test.

    Args:
        fault: ``hanging`` reads and never answers; ``dripping`` sends a byte now and then and
            never ends; ``half-closed`` begins an answer and ends; ``garbage`` is no protocol;
            ``slammed`` closes at once; ``goaway`` tells an HTTP/2 client that its request was
            not looked at, and closes for any other.
        tls: false for plain HTTP/1.1.
        first: how something dripping begins.
        arrived: set when something has come.

    Yields:
        Its origin.
    """
    over = asyncio.Event()
    talking: set[asyncio.Task[None] | None] = set()
    us = identity()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.add(asyncio.current_task())
        second = _is_http2(writer)
        try:
            if fault != "slammed" and first.startswith(b"HTTP"):  # mail speaks first
                await reader.read(10)
            if arrived is not None:
                arrived.set()
            if fault == "hanging":
                await over.wait()
            elif fault == "dripping":
                writer.write(SETTINGS if second else first)
                while not over.is_set():
                    writer.write(PING if second else b"a")
                    await writer.drain()
                    await asyncio.sleep(0.01)
            elif fault == "half-closed":
                half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
                writer.write(SETTINGS if second else half)
                await writer.drain()
            elif fault == "garbage":
                writer.write(bytes(range(256)) * 8)
                await writer.drain()
            elif fault == "goaway" and second:
                writer.write(SETTINGS + goaway())
                await writer.drain()
        except OSError:
            return  # the door has hung up, as it should
        finally:
            await hang_up(writer)

    context = us.server("h2", "http/1.1") if tls else None
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()
        await server.wait_closed()
        await over_with(talking)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close to the end, so that nothing of it outlives the test."""
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            await writer.wait_closed()
    writer.transport.abort()
    await asyncio.sleep(0)


async def over_with(talking: set[asyncio.Task[None] | None]) -> None:
    """Wait for every conversation, also for one that was accepted at the last moment."""
    known = -1
    while known != len(talking):
        known = len(talking)
        await asyncio.gather(*(task for task in talking if task is not None))
        for _ in range(20):
            await asyncio.sleep(0)


def goaway() -> bytes:
    """ "No request of yours was looked at; go": the last stream is 0, and it is no error."""
    return bytes.fromhex("000008070000000000") + bytes(8)


class Leaving:
    """An HTTP/2 server that answers 200 and says goodbye, after which only a new line will do."""

    def __init__(self) -> None:
        self.lines = 0
        self.answered = 0
        self.talking: set[asyncio.Task[None] | None] = set()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talking.add(asyncio.current_task())
        self.lines += 1
        line = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        line.initiate_connection()
        writer.write(line.data_to_send())
        try:
            while data := await reader.read(65_536):
                for event in line.receive_data(data):
                    if isinstance(event, h2.events.StreamEnded):
                        line.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
                        line.close_connection(last_stream_id=event.stream_id)
                        self.answered += 1
                writer.write(line.data_to_send())
                await writer.drain()
        except (OSError, h2.exceptions.ProtocolError):
            return  # it goes on talking after the goodbye; so would Apple hang up
        finally:
            await hang_up(writer)


@asynccontextmanager
async def leaving() -> AsyncIterator[tuple[Leaving, str, ssl.SSLContext]]:
    """Run a ``Leaving``; yields it, its origin and who to trust."""
    there, us = Leaving(), identity()
    server = await asyncio.start_server(there.talk, "127.0.0.1", 0, ssl=us.server("h2"))
    try:
        yield there, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", us.trust
    finally:
        server.close()
        await server.wait_closed()
        await over_with(there.talking)


def _is_http2(writer: asyncio.StreamWriter) -> bool:
    tls = writer.get_extra_info("ssl_object")
    return tls is not None and tls.selected_alpn_protocol() == "h2"
