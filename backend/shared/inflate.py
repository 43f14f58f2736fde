"""Requests whose body came gzipped, as a phone's batch over a weak line does.

The browser packs what it sends only when our own page asks for it; what reaches the routes is the
plain body, bounded before it is whole.
"""

import zlib

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPRequestEvent, Receive, Scope, Send

from backend.shared.context import Context
from backend.shared.problems import Malformed, TooLarge

GZIP = 31
"""zlib's word for gzip with its header and checksum."""
OURS = "/api/"


class InflateMiddleware(ASGIMiddleware):
    """Unpacks ``Content-Encoding: gzip`` of requests; everything else passes untouched.

    Raises:
        Malformed: it is no gzip, or ends too early.
        TooLarge: more than ``http.body_max_bytes``, packed or unpacked.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Unpack the body if it is packed, then go on."""
        packed = dict(scope["headers"]).get(b"content-encoding", b"").strip().lower() == b"gzip"
        if not packed or not scope["path"].startswith(OURS):
            await next_app(scope, receive, send)
            return
        context: Context = ASGIConnection(scope).app.state["context"]
        plain = await _inflated(receive, at_most=context.settings.http.body_max_bytes)
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name not in (b"content-encoding", b"content-length", b"transfer-encoding")
        ]
        scope["headers"] = [*kept, (b"content-length", str(len(plain)).encode())]
        whole: HTTPRequestEvent = {"type": "http.request", "body": plain, "more_body": False}
        waiting = [whole]

        async def given() -> HTTPRequestEvent | object:
            return waiting.pop() if waiting else await receive()

        await next_app(scope, given, send)  # type: ignore[arg-type]


async def _inflated(receive: Receive, *, at_most: int) -> bytes:
    """The whole body, unpacked; never more than ``at_most`` bytes are held."""
    stream = zlib.decompressobj(GZIP)
    plain = bytearray()
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise Malformed("the body ended too early")
        more = event.get("more_body", False)
        try:
            plain += stream.decompress(event.get("body", b""), at_most - len(plain) + 1)
        except zlib.error as wrong:
            raise Malformed(f"not gzip: {wrong}") from wrong
        if len(plain) > at_most or stream.unconsumed_tail:
            raise TooLarge("解压后太大 Too large when unpacked", bytes_max=at_most)
    if not stream.eof:
        raise Malformed("the body ended too early")
    return bytes(plain)
