"""Something behind TLS on 127.0.0.1 that breaks the protocol which it has just agreed on."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h2.config
import h2.connection
import h2.events

from tests.push.serving import identity

SETTINGS = bytes.fromhex("000000040000000000")
PING = bytes.fromhex("000008060000000000") + bytes(8)

FAULTS = ("hanging", "dripping", "half-closed", "garbage", "slammed", "goaway")


@asynccontextmanager
async def wild(fault: str, *, tls: bool = True) -> AsyncIterator[str]:
    """Run it for one test.

    Args:
        fault: ``hanging`` reads and never answers; ``dripping`` sends a byte now and then and
            never ends; ``half-closed`` begins an answer and ends; ``garbage`` is no protocol;
            ``slammed`` closes at once; ``goaway`` tells an HTTP/2 client that its request was
            not looked at, and closes for any other.
        tls: false for plain HTTP/1.1.

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
            if fault != "slammed":
                await reader.read(10)
            if fault == "hanging":
                await over.wait()
            elif fault == "dripping":
                writer.write(SETTINGS if second else b"HTTP/1.1 200 OK\r\nX-Slow: ")
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
            writer.close()

    context = us.server("h2", "http/1.1") if tls else None
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*(task for task in talking if task is not None))


def goaway() -> bytes:
    """ "No request of yours was looked at; go": the last stream is 0, and it is no error."""
    return bytes.fromhex("000008070000000000") + bytes(8)


class Leaving:
    """An HTTP/2 server that answers 200 and says goodbye, after which only a new line will do."""

    def __init__(self) -> None:
        self.lines = 0
        self.answered = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
        except OSError:
            return
        finally:
            writer.close()


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


def _is_http2(writer: asyncio.StreamWriter) -> bool:
    tls = writer.get_extra_info("ssl_object")
    return tls is not None and tls.selected_alpn_protocol() == "h2"
