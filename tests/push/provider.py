"""A push service on 127.0.0.1 that speaks the real protocol, and misbehaves on demand.

It checks what Mozilla's and Apple's check (VAPID token, audience, expiry, headers, content
encoding), decrypts what it gets as the browser would, and keeps it.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import http_ece
import jwt
import msgspec
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from push.vapid import from_base64url, to_base64url
from push.webpush import Keys, Subscription

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Browser:
    """The receiving end: keys of its own, and a subscription to hand out."""

    def __init__(self, endpoint: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = Keys(p256dh=to_base64url(point), auth=to_base64url(self.auth))
        self.address = msgspec.json.encode(Subscription(endpoint=endpoint, keys=keys)).decode()

    def read(self, sealed: bytes) -> dict[str, Any]:
        plain = http_ece.decrypt(
            sealed, private_key=self.key, auth_secret=self.auth, version="aes128gcm"
        )
        shown: dict[str, Any] = json.loads(plain)
        return shown


class PushService:
    """An ASGI application; ``behave`` decides what the next requests get."""

    def __init__(self, vapid_public: str) -> None:
        self.vapid_public = vapid_public
        self.origin = ""
        self.browser = Browser("")
        self.shown: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status, self.answer_headers = 201, {"location": "/m/1"}
        self.arrived, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self.endless_body = False

    def answers(self, status: int, **headers: str) -> None:
        self.status = status
        self.answer_headers = {k.replace("_", "-"): v for k, v in headers.items()}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {k.decode().lower(): v.decode() for k, v in scope["headers"]}
        self.headers.append(headers)
        self.arrived.set()
        await self.go_on.wait()
        status = self.status if self.is_vapid(headers) else 401
        if status == 201:
            self.shown.append(self.browser.read(body))
        answer = [(k.encode(), v.encode()) for k, v in self.answer_headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": answer})
        while self.endless_body:
            await send({"type": "http.response.body", "body": b"x" * 8192, "more_body": True})
            await asyncio.sleep(0)  # once the other side has left, sending waits for nothing
        await send({"type": "http.response.body", "body": b""})

    def is_vapid(self, headers: dict[str, str]) -> bool:
        """RFC 8292: signed by the key the browser subscribed with, for this origin, not stale."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid" or parts["k"] != self.vapid_public:
            return False
        key = ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), from_base64url(parts["k"])
        )
        try:
            claims = jwt.decode(parts["t"], key, algorithms=["ES256"], audience=self.origin)
        except jwt.PyJWTError:
            return False
        return str(claims["sub"]).startswith("mailto:") and headers["ttl"].isdigit()


class _Server(uvicorn.Server):
    """uvicorn that leaves the test's signal handlers alone and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def push_service(vapid_public: str) -> AsyncIterator[PushService]:
    """Run a push service on a free port of 127.0.0.1."""
    service = PushService(vapid_public)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        service.origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        service.browser = Browser(f"{service.origin}/push/abc")
        config = uvicorn.Config(
            service,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        server = _Server(config)
        running = asyncio.create_task(server.serve([listener]))
        await server.listening.wait()
        try:
            yield service
        finally:
            service.endless_body = False
            service.go_on.set()
            server.should_exit = True
            await running


@asynccontextmanager
async def broken_service(fault: str) -> AsyncIterator[str]:
    """Something on 127.0.0.1 that is no push service.

    Args:
        fault: ``hanging`` reads and never answers; ``half-closed`` sends half an answer and
            ends; ``garbage`` answers in no protocol; ``slammed`` closes at once.

    Yields:
        Its origin.
    """
    over = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if fault != "slammed":
            await reader.read(10)
        if fault == "hanging":
            await over.wait()
        elif fault == "half-closed":
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Len")
            await writer.drain()
        elif fault == "garbage":
            writer.write(bytes(range(256)) * 8)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()
        await server.wait_closed()


def elsewhere(address: str, origin: str) -> str:
    """The same browser's subscription at another push service."""
    subscription = msgspec.json.decode(address, type=Subscription)
    path = urlsplit(subscription.endpoint).path
    moved = msgspec.structs.replace(subscription, endpoint=origin + path)
    return msgspec.json.encode(moved).decode()
