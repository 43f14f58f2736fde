"""The live socket: an open screen hears at once that there is something new, and answers.

What a frame says is only a hint, or a message that is a row as well: a lost one is harmless,
because the screen pulls after every ``hello`` and ``news``.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import WebSocket, websocket
from litestar.handlers import WebsocketRouteHandler
from litestar.params import FromPath

from backend.access import links, sessions
from backend.access.guards import signed_in
from backend.access.middleware import COOKIE
from backend.access.principal import Principal
from backend.access.problems import LinkNotValid
from backend.access.tokens import fingerprint
from backend.messages import addresses, service
from backend.messages.hooks import Hooks, SocketHooks
from backend.messages.schemas import DeviceTime
from backend.shared import tasks
from backend.shared.context import Context, Ctx
from backend.shared.db import OPERATIONS
from backend.shared.listen import AWAY
from push.live import SESSION_ENDED, Socket
from push.port import ReceiptKind

log = logging.getLogger("jiean.socket")

AnySocket = WebSocket[Any, Any, Any]

PING_S = 5.0
"""A screen takes itself for disconnected after 12 s without a frame."""
GATHER_S = 0.05
"""News of one burst are told together."""
FRAME_MAX_BYTES = 64_000
TOO_BIG, TRY_LATER, SIGN_IN, NO_LINK = 1009, 1013, 4401, 4404
"""Codes with which a socket is closed."""

DESK = frozenset({"desk", "desk_lead"})


class ReceiptFrame(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="receipt"):
    """How far a message got on this screen."""

    message_id: UUID
    kind: ReceiptKind
    at: DeviceTime


class PresentedFrame(msgspec.Struct, frozen=True, rename="camel", tag_field="t", tag="presented"):
    """An incident's card is on this desk's screen now; the server's clock says when."""

    incident_id: UUID
    version: int | None = None


class PongFrame(msgspec.Struct, frozen=True, tag_field="t", tag="pong"):
    """The screen heard a ping."""


class Kind(msgspec.Struct, frozen=True):
    """What any frame must say of itself."""

    t: str


_kind = msgspec.json.Decoder(Kind)
_frame = msgspec.json.Decoder(ReceiptFrame | PresentedFrame | PongFrame)
KNOWN = frozenset({"receipt", "presented", "pong"})


@websocket("/ws", guards=[signed_in])
async def live(socket: AnySocket, ctx: Ctx, hooks: Hooks) -> None:
    """The socket of a signed-in account."""
    who: Principal = socket.user
    session = f"session:{fingerprint(socket.cookies.get(COOKIE, ''))}"
    await _keep(socket, ctx, hooks, addresses.address_of(who), session, who)


@websocket("/ws/link/{token:str}")
async def live_by_link(socket: AnySocket, token: FromPath[str], ctx: Ctx, hooks: Hooks) -> None:
    """The socket of a page opened by a link; closed with 4404 when the link is not valid."""
    try:
        opened = await links.resolve(token, at=ctx.clock.now())
    except LinkNotValid:
        await socket.accept()  # before that, no code would reach the page
        await socket.close(code=NO_LINK)
        return
    await _keep(socket, ctx, hooks, addresses.link(opened), f"link:{fingerprint(token)}", None)


ROUTES: list[WebsocketRouteHandler] = [live, live_by_link]


async def _keep(
    socket: AnySocket,
    ctx: Context,
    hooks: SocketHooks,
    address: str,
    session: str,
    who: Principal | None,
) -> None:
    """Register the screen, greet it and read until either side has had enough."""
    await socket.accept()

    async def close() -> None:
        await socket.close(code=SIGN_IN if screen.why == SESSION_ENDED else TRY_LATER)

    async with ctx.live.connected(address, socket.send_text, close, session=session) as screen:
        # Registered first: what happens while the cursor is read is told as news.
        screen.put(_hello(await cursor(), ctx.clock.now()))
        reading = tasks.spawn(_read(socket, screen, ctx, hooks, who), name="socket")
        dropped = tasks.spawn(screen.dropped.wait(), name="socket dropped")
        try:
            await asyncio.wait({reading, dropped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.stop(reading, dropped)


async def _read(
    socket: AnySocket, screen: Socket, ctx: Context, hooks: SocketHooks, who: Principal | None
) -> None:
    while True:
        event = await socket.receive()
        if event["type"] != "websocket.receive":
            return
        text = event.get("text") or ""
        if len(text.encode()) > FRAME_MAX_BYTES or len(event.get("bytes") or b"") > FRAME_MAX_BYTES:
            await socket.close(code=TOO_BIG)
            return
        try:
            if _kind.decode(text).t in KNOWN:
                await _take(_frame.decode(text), screen, ctx, hooks, who)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            screen.put(_problem("malformed"))
        except AWAY as away:
            log.warning("a frame is lost, the database is away: %s", away)
            screen.put(_problem("unavailable"))


async def _take(
    frame: ReceiptFrame | PresentedFrame | PongFrame,
    screen: Socket,
    ctx: Context,
    hooks: SocketHooks,
    who: Principal | None,
) -> None:
    match frame:
        case ReceiptFrame(message_id, kind, at):
            await service.take_receipts(
                screen.address,
                [(message_id, kind, at)],
                door=ctx.live.name,
                now=ctx.clock.now(),
                on_receipt=hooks.on_receipt,
            )
        case PresentedFrame(incident_id) if who is not None and who.roles & DESK:
            try:
                await hooks.on_presented(incident_id, who)
            except AWAY:
                raise
            except Exception:
                # A desk that names an unknown incident, or a rule that refuses: the screen
                # has nothing to do about it, and its socket must live on.
                log.exception("presented %s", incident_id)


async def cursor() -> int:
    """The board's newest cursor."""
    newest: int = await OPERATIONS.fetch_value("SELECT coalesce(max(cursor), 0) FROM incident")
    return newest


def _hello(newest: int, now: datetime) -> str:
    return msgspec.json.encode({"t": "hello", "cursor": newest, "now": now}).decode()


def _problem(slug: str) -> str:
    return msgspec.json.encode({"t": "problem", "type": f"urn:jiean:problem:{slug}"}).decode()


class Broadcaster:
    """Tells every open screen of this process what every screen must know.

    One per process, on every node: it listens to the database, not to other processes.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._wake = ctx.operations_listener.event("news")

    async def run(self, stop: asyncio.Event) -> None:
        """Tell news as they come and ping every five seconds, until ``stop``."""
        telling = tasks.spawn(self._tell(), name="news")
        pinging = tasks.spawn(self._ping(), name="pings")
        try:
            await stop.wait()
        finally:
            await tasks.stop(telling, pinging)

    async def news(self) -> None:
        """Tell every screen how far the board is."""
        frame = msgspec.json.encode({"t": "news", "cursor": await cursor()}).decode()
        self._ctx.live.publish_all(frame)

    async def ping(self) -> None:
        """Drop the sockets whose session or link has ended, and ping the others."""
        now = self._ctx.clock.now()
        try:
            await self._end_sessions(now)
        except AWAY as away:
            log.warning("sessions of sockets not looked at: %s", away)
        frame = msgspec.json.encode({"t": "ping", "now": now}).decode()
        self._ctx.live.publish_all(frame)

    async def _end_sessions(self, now: datetime) -> None:
        here = self._ctx.live.sessions()
        by_kind: dict[str, set[str]] = {"session": set(), "link": set()}
        for each in here:
            kind, _, key = each.partition(":")
            by_kind.setdefault(kind, set()).add(key)
        idle = timedelta(minutes=self._ctx.settings.access.session_idle_min)
        good: set[str] = set()
        if by_kind["session"]:
            found = await sessions.still_open(by_kind["session"], idle=idle, now=now)
            good |= {f"session:{key}" for key in found}
        if by_kind["link"]:
            found = await links.still_open(by_kind["link"], at=now)
            good |= {f"link:{key}" for key in found}
        for ended in here - good:
            self._ctx.live.end_session(ended)

    async def _tell(self) -> None:
        while True:
            await self._wake.wait()
            try:
                await self.news()
            except AWAY as away:
                # A listener that reconnects wakes everybody, so nothing is missed for good.
                log.warning("news wait for the database: %s", away)
                self._wake.wake()
            await asyncio.sleep(GATHER_S)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            await self.ping()
