"""The live socket, over a real port: hello, news, messages, receipts, and who may stay."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from backend.access import links
from backend.access.principal import Principal
from backend.app import create_app
from backend.messages import ledger, service
from backend.messages.carrier import Carrier
from backend.messages.hooks import SocketHooks
from backend.screens.socket import Broadcaster
from backend.shared.ids import uuid7
from tests.plugin.world import World
from tests.push.world import a_message

INCIDENT = uuid7()


@contextlib.asynccontextmanager
async def screen(
    world: World, url: str, role: str = "desk", **headers: str
) -> AsyncIterator[tuple[ClientConnection, dict[str, Any]]]:
    """An open socket of an account with that role, after its hello; and its Me."""
    async with httpx.AsyncClient(base_url=url, headers={"X-Jiean": "1"}) as client:
        me = await world.login(client, role)
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        async with connect(
            url.replace("http", "ws") + "/ws",
            additional_headers={"Cookie": cookie, **headers},
            proxy=None,
        ) as socket:
            assert (await frame(socket))["t"] == "hello"
            yield socket, me


async def frame(socket: ClientConnection) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 10))
    return read


async def closed(socket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            await asyncio.wait_for(socket.recv(), 10)
    return ended.value.rcvd.code if ended.value.rcvd else None


async def an_incident(world: World, cursor: int) -> None:
    await world.operations.execute(
        "INSERT INTO incident (id, no, kind, handling, urgency, state, alert_active, version,"
        " emitted_at, detector_ids, cursor, board)"
        " VALUES ($1, $2, 'smoke', 'actual', 'emergency', 'raised', true, 1, $3, '{}', $4, '{}')",
        uuid7(),
        str(cursor),
        world.clock.now(),
        cursor,
    )


async def test_nobody_connects_without_a_session(world: World) -> None:
    async with world.serving() as url:
        with pytest.raises(InvalidStatus):
            async with connect(url.replace("http", "ws") + "/ws", proxy=None):
                pass


async def test_a_page_of_another_site_is_not_let_in_with_our_cookie(world: World) -> None:
    async with world.serving() as url:
        with pytest.raises(InvalidStatus):
            async with screen(world, url, Origin="https://elsewhere.example.invalid"):
                pass


async def test_a_screen_hears_where_the_board_is_and_when_it_moves(world: World) -> None:
    await an_incident(world, 7)
    broadcaster = Broadcaster(world.ctx)
    async with world.serving() as url, screen(world, url) as (socket, _):
        await an_incident(world, 9)
        await broadcaster.news()
        assert await frame(socket) == {"t": "news", "cursor": 9}
        await broadcaster.ping()
        assert await frame(socket) == {"t": "ping", "now": "2026-03-02T08:00:00Z"}


async def test_a_committed_change_is_told_by_itself(world: World) -> None:
    stop = asyncio.Event()
    broadcaster = Broadcaster(world.ctx)
    await world.ctx.operations_listener.start()
    running = asyncio.create_task(broadcaster.run(stop))
    try:
        async with world.serving() as url, screen(world, url) as (socket, _):
            async with world.operations.transaction():
                await an_incident(world, 3)
                await world.operations.notify("news", "3")
            while (heard := await frame(socket))["cursor"] != 3:
                pass  # listening starts with one wake-up of its own
            assert heard == {"t": "news", "cursor": 3}
    finally:
        stop.set()
        await running
        await world.ctx.operations_listener.stop()


async def test_a_message_comes_on_the_screen_and_its_receipt_is_kept(world: World) -> None:
    async with world.serving() as url, screen(world, url) as (socket, me):
        message = a_message(id=uuid7(), sent_at=world.clock.now())
        await service.enqueue(message, f"account:{me['accountId']}", incident_id=INCIDENT)
        await Carrier(world.ctx, (world.ctx.live,)).step()
        shown = await frame(socket)
        assert (shown["t"], shown["message"]["id"]) == ("message", str(message.id))
        for _ in range(2):
            await socket.send(
                json.dumps(
                    {
                        "t": "receipt",
                        "messageId": str(message.id),
                        "kind": "delivered",
                        "at": "2026-03-02T08:00:00.5Z",
                    }
                )
            )
        await _answered(socket)
    line = (await ledger.of_incident(INCIDENT))[0]
    assert [(each.kind, each.door) for each in line.receipts] == [("delivered", "live")]


async def test_only_a_desk_presents_and_the_hook_is_told_who(world: World) -> None:
    heard: list[tuple[UUID, str]] = []

    async def on_presented(incident_id: UUID, who: Principal) -> None:
        heard.append((incident_id, who.name))

    world._app = create_app(world.ctx, hooks=SocketHooks(on_presented=on_presented))
    said = json.dumps({"t": "presented", "incidentId": str(INCIDENT), "version": 1})
    async with world.serving() as url:
        for role in ("technician", "desk"):
            async with screen(world, url, role) as (socket, _):
                await socket.send(said)
                await _answered(socket)
    assert heard == [(INCIDENT, "desk")]


async def test_a_hook_that_fails_does_not_close_the_socket(world: World) -> None:
    async def on_presented(_incident_id: UUID, _who: Principal) -> None:
        raise RuntimeError("no such incident")

    world._app = create_app(world.ctx, hooks=SocketHooks(on_presented=on_presented))
    async with world.serving() as url, screen(world, url) as (socket, _):
        await socket.send(json.dumps({"t": "presented", "incidentId": str(INCIDENT)}))
        await _answered(socket)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"t": 1}',
        '{"t": "receipt"}',
        '{"t": "receipt", "messageId": "x", "kind": "seen", "at": "2026-03-02T08:00:00Z"}',
        '{"t": "presented", "incidentId": null}',
        "[" * 60_000,
        b"\xff\xfe",
    ],
)
async def test_a_malformed_frame_is_answered_and_ignored(world: World, said: str | bytes) -> None:
    async with world.serving() as url, screen(world, url) as (socket, _):
        await socket.send(said)
        assert await frame(socket) == {"t": "problem", "type": "urn:jiean:problem:malformed"}
        await socket.send('{"t": "pong"}')
        await socket.send('{"t": "from the future", "x": 1}')
        await _answered(socket)


async def test_a_frame_that_is_too_large_closes_the_socket(world: World) -> None:
    async with world.serving() as url, screen(world, url) as (socket, _):
        await socket.send('{"t": "' + "x" * 65_000 + '"}')
        assert await closed(socket) == 1009


async def test_the_socket_closes_at_the_next_ping_once_the_account_is_disabled(
    world: World,
) -> None:
    broadcaster = Broadcaster(world.ctx)
    async with world.serving() as url, screen(world, url) as (socket, me):
        await broadcaster.ping()
        assert (await frame(socket))["t"] == "ping"
        await world.operations.execute(
            "UPDATE account SET disabled_at = $1 WHERE id = $2",
            world.clock.now(),
            UUID(me["accountId"]),
        )
        await broadcaster.ping()
        assert await closed(socket) == 4401


async def test_a_link_hears_news_until_it_is_revoked(world: World) -> None:
    household, broadcaster = uuid7(), Broadcaster(world.ctx)
    at = world.clock.now()
    token = await links.mint("household", household, timedelta(days=1), actor="system", at=at)
    async with (
        world.serving() as url,
        connect(f"{url.replace('http', 'ws')}/ws/link/{token}", proxy=None) as socket,
    ):
        assert (await frame(socket))["t"] == "hello"
        assert world.ctx.live.is_connected(f"household:{household}")
        await broadcaster.ping()
        assert (await frame(socket))["t"] == "ping"
        await links.revoke("household", household, actor="system", at=at)
        await broadcaster.ping()
        assert await closed(socket) == 4401


async def test_an_unknown_link_is_closed_with_its_own_code(world: World) -> None:
    async with (
        world.serving() as url,
        connect(f"{url.replace('http', 'ws')}/ws/link/nobody", proxy=None) as socket,
    ):
        assert await closed(socket) == 4404


async def _answered(socket: ClientConnection) -> None:
    """Everything sent before was taken, none of it was a problem, and the socket lives."""
    await socket.send("not json")
    assert (await frame(socket))["t"] == "problem"
