"""Runs an ASGI application on 127.0.0.1 as a provider, and the ways in which it misbehaves."""

import asyncio
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn

from tests.push.provider import Receive, Send, _Server

App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class Provider:
    """An ASGI application whose ``answer`` a subclass writes; keeps what came, waits if told.

    ``said`` replaces the answer of the next requests: (status, headers, body).
    """

    def __init__(self) -> None:
        self.origin = ""
        self.shown: list[dict[str, Any]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.said: tuple[int, dict[str, str], bytes] | None = None
        self.arrived, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self.endless = False

    def says(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.said = status, {k.replace("_", "-"): v for k, v in headers.items()}, body

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        raise NotImplementedError

    def is_said(self, path: str) -> bool:
        """Whether ``said`` answers this path."""
        return True

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while True:
                event = (await receive())["type"]
                await send({"type": f"{event}.complete"})
                if event == "lifespan.shutdown":
                    return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {k.decode().lower(): v.decode() for k, v in scope["headers"]}
        path = scope["path"] + ("?" + q if (q := scope["query_string"].decode()) else "")
        self.requests.append((path, headers, body))
        self.arrived.set()
        await self.go_on.wait()
        if self.said is not None and self.is_said(path):
            status, extra, said = self.said
        else:
            status, said = self.answer(path, headers, body)
            extra = {"content-type": "application/json"}
        wire = [(k.encode(), v.encode()) for k, v in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": wire})
        while self.endless:
            await send({"type": "http.response.body", "body": b" " * 8192, "more_body": True})
            await asyncio.sleep(0)  # once the other side has left, sending waits for nothing
        await send({"type": "http.response.body", "body": said})


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[str]:
    """HTTP/1.1 without TLS on a free port; yields the origin."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        provider.origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            provider,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        server = _Server(config)
        running = asyncio.create_task(server.serve([listener]))
        await server.listening.wait()
        try:
            yield provider.origin
        finally:
            provider.go_on.set()
            server.should_exit = True
            await running


class Identity:
    """A certificate for 127.0.0.1 of an authority of our own, and who trusts it."""

    def __init__(self) -> None:
        import trustme

        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        self._certificate = certificate
        self._folder = tempfile.TemporaryDirectory()
        self.key, self.chain = (str(Path(self._folder.name, name)) for name in ("key", "chain"))
        certificate.private_key_pem.write_to_path(self.key)
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(self.chain, append=True)

    def server(self, *protocols: str) -> ssl.SSLContext:
        """For a listener that offers these protocols, the best first."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._certificate.configure_cert(context)
        context.set_alpn_protocols(list(protocols))
        return context


@cache
def identity() -> Identity:
    """One for the whole run: making keys takes long."""
    return Identity()


@asynccontextmanager
async def serving_http2(
    provider: Provider, *protocols: str
) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """HTTP over TLS with a certificate of its own; yields the origin and who to trust.

    ``protocols``: in ALPN's words, the best first; HTTP/2 alone when none is named.
    """
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    us = identity()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        probe.listen()
        port = probe.getsockname()[1]
        config = Config()
        config.bind = [f"fd://{probe.fileno()}"]
        config.certfile, config.keyfile = us.chain, us.key
        config.alpn_protocols = list(protocols or ("h2",))
        config.graceful_timeout = 0.5
        config.accesslog = config.errorlog = None
        over = asyncio.Event()
        running = asyncio.create_task(serve(provider, config, shutdown_trigger=over.wait))  # type: ignore[arg-type]
        provider.origin = f"https://127.0.0.1:{port}"
        try:
            yield provider.origin, us.trust
        finally:
            provider.endless = False
            provider.go_on.set()
            over.set()
            await running
            probe.detach()
