"""Guards on routes and sockets: who is turned away, and how."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from litestar import Request, WebSocket, get, websocket
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from backend import app
from backend.access import accounts
from backend.access.flow import ROLES
from backend.access.guards import requires, signed_in
from backend.access.principal import principal_of
from tests.plugin.world import World


@get("/api/desk-only", guards=[requires("desk", "desk_lead")], sync_to_thread=False)
def desk_only(request: Request[Any, Any, Any]) -> str:
    return str(request.user.name)


@get("/api/anybody", guards=[signed_in], sync_to_thread=False)
def anybody() -> str:
    return "in"


@websocket("/ws/field-only", guards=[requires("field")])
async def field_only(socket: WebSocket[Any, Any, Any]) -> None:
    principal = principal_of(socket)
    assert principal is not None
    await socket.accept()
    await socket.send_text(principal.name)
    await socket.close()


@pytest.fixture(autouse=True)
def routes_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "ROUTES", [*app.ROUTES, desk_only, anybody, field_only])


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_a_guard_lets_in_its_roles_and_nobody_else(world: World, role: str) -> None:
    async with world.client(role) as client:
        answer = await client.get("/api/desk-only")
        assert (await client.get("/api/anybody")).status_code == 200
    if role in {"desk", "desk_lead"}:
        assert answer.text == role
    else:
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:jiean:problem:wrong-role"
        assert answer.json()["needs"] == ["desk", "desk_lead"]


async def test_nobody_is_let_in_without_a_session(world: World) -> None:
    async with world.client() as client:
        for path in ("/api/desk-only", "/api/anybody"):
            assert (await client.get(path)).status_code == 401


async def test_roles_taken_away_hold_from_the_next_request_on(world: World) -> None:
    async with world.client("desk") as client:
        assert (await client.get("/api/desk-only")).status_code == 200
        await world.operations.execute("UPDATE account SET roles = '{technician}'")
        assert (await client.get("/api/desk-only")).status_code == 403


OPEN = {
    "GET /d/{tag:str}",
    "GET /api/health",
    "GET /api/evidence/keys",
    "POST /api/session",
    "DELETE /api/session",
    "GET /api/link/{token:str}",
    "GET /api/link/{token:str}/rulebook",
    "GET /api/link/{token:str}/map",
    "GET /api/link/{token:str}/photos",
    "GET /api/link/{token:str}/preferences",
    "PUT /api/link/{token:str}/preferences",
    "GET /api/link/{token:str}/absences",
    "POST /api/link/{token:str}/absences",
    "DELETE /api/link/{token:str}/absences/{absence_id:uuid}",
    "GET /api/link/{token:str}/photos/{sha256:str}",
    "POST /api/link/{token:str}/commands",
    "POST /api/phone/commands",
    "/ws/link/{token:str}",
}
"""Who has no account comes in here: to sign in, with a link's token, or with a
phone's own signature."""


def test_every_route_says_who_may_call_it() -> None:
    unguarded = {
        f"{method} {path}".strip()
        for handler in app.ROUTES
        if isinstance(handler, HTTPRouteHandler | WebsocketRouteHandler)
        if not handler.guards
        for method in getattr(handler, "http_methods", [""])
        for path in handler.paths
    }
    assert unguarded == OPEN


def test_a_guard_for_a_role_that_does_not_exist_is_no_guard() -> None:
    for wrong in ((), ("king",), ("desk", "Desk")):
        with pytest.raises(ValueError):
            requires(*wrong)


def test_a_guard_is_called_by_its_roles() -> None:
    assert requires("desk_lead", "desk").__name__ == "requires desk, desk_lead"


async def first_word(url: str, cookie: str | None, origin: str | None) -> str:
    """What a socket says first, or the status with which it was refused."""
    place = url.replace("http", "ws", 1) + "/ws/field-only"
    headers = {} if cookie is None else {"Cookie": f"jiean_session={cookie}"}
    try:
        async with connect(place, additional_headers=headers, origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
            return str(await socket.recv())
    except InvalidStatus as refused:
        return str(refused.response.status_code)


async def test_a_socket_knows_who_opened_it_and_refuses_the_rest(world: World) -> None:
    async with world.serving() as url:
        cookies: dict[str, str] = {}
        for role in ("field", "desk"):
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                client.headers["X-Jiean"] = "1"
                await world.login(client, role)
                cookies[role] = client.cookies["jiean_session"]
        ours, theirs = url, "https://evil.example"
        assert await first_word(url, cookies["field"], ours) == "field"
        assert await first_word(url, cookies["field"], None) == "field"
        assert await first_word(url, cookies["field"], theirs) == "403"
        assert await first_word(url, cookies["field"], "null") == "403"
        near = f"http://{urlsplit(url).hostname}.evil.example"
        assert await first_word(url, cookies["field"], near) == "403"
        assert await first_word(url, cookies["desk"], ours) == "403"
        assert await first_word(url, "garbage", ours) == "403"
        assert await first_word(url, None, ours) == "403"
        await accounts.disable("field", actor="test", at=world.clock.now())
        assert await first_word(url, cookies["field"], ours) == "403"
