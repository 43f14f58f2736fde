"""Puts who is asking on every request and socket, from the session cookie."""

from datetime import timedelta
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from backend.access import sessions
from backend.access.principal import Connection
from backend.shared.context import Context

COOKIE = "jiean_session"
OURS = ("/api/", "/ws", "/d/")
"""Only here is a session looked up; pages and files need none. /d/ is what a label opens."""


class SessionMiddleware(ASGIMiddleware):
    """Sets ``scope["user"]`` to a Principal, or None when nobody is signed in.

    A socket opened by a page of another site counts as signed out: browsers send cookies
    with sockets, older ones whatever SameSite says, and no guard sees a header there.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Look the cookie up, once per connection, then go on."""
        scope["user"] = scope["auth"] = None
        if scope["path"].startswith(OURS):
            connection: Connection = ASGIConnection(scope)
            token = connection.cookies.get(COOKIE)
            if token and _from_our_page(connection):
                context: Context = connection.app.state["context"]
                scope["user"] = await sessions.recognise(
                    token,
                    idle=timedelta(minutes=context.settings.access.session_idle_min),
                    now=context.clock.now(),
                )
        await next_app(scope, receive, send)


def _from_our_page(connection: Connection) -> bool:
    origin = connection.headers.get("origin")
    if connection.scope["type"] != ScopeType.WEBSOCKET or origin is None:
        return True  # requests are judged by ``guards.not_cross_site``
    context: Context = connection.app.state["context"]
    ours = {connection.headers.get("host", ""), urlsplit(context.settings.http.public_url).netloc}
    return urlsplit(origin).netloc in ours - {""}
