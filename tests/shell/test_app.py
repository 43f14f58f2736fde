"""Every refusal is a problem on the wire, and the web app's files have the right headers."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest
from litestar import get, post
from litestar.params import JSONBody

from backend import app as face
from backend.shared.context import Ctx
from backend.shared.problems import Problem
from tests.plugin.world import World


class Thing(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A body of this file only."""

    how_many: int
    inside: list[object]


class Gone(Problem):
    """A problem of this file only."""

    slug, status, title = "gone-for-this-test", 410, "Gone"


@post("/api/thing", status_code=200)
async def thing(data: JSONBody[Thing], ctx: Ctx) -> dict[str, str]:
    return {"now": ctx.clock.now().isoformat(), "how": str(data.how_many)}


@get("/api/refused")
async def refused() -> None:
    raise Gone("it went", missing=["a"], retryAfterS=3)


@get("/api/mistake")
async def mistake() -> None:
    raise KeyError("a secret of the server")


@get("/api/away")
async def away() -> None:
    raise asyncpg.CannotConnectNowError("starting up")


@pytest.fixture(autouse=True)
def routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face, "ROUTES", [face.health, thing, refused, mistake, away])


@asynccontextmanager
async def visitor(world: World, dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    door = httpx.ASGITransport(app=face.create_app(world.ctx, dist=dist))  # type: ignore[arg-type]
    headers = {"X-Jiean": "1"}
    async with httpx.AsyncClient(
        transport=door, base_url="http://127.0.0.1", headers=headers
    ) as client:
        yield client


@pytest.fixture
async def client(world: World, dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(world, dist) as made:
        yield made


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A tiny built web app."""
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    for role in ("desk", "field", "office", "resident", "report", "login"):
        (root / f"{role}.html").write_text(f"<!doctype html><title>{role}</title>")
    (root / "assets" / "desk-abc123.js").write_text("console.log('desk')\n" * 100)
    (root / "sw.js").write_text("self.x = 1")
    (tmp_path / "secret.txt").write_text("outside")
    return root


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["type"] == f"urn:jiean:problem:{slug}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


async def test_an_unknown_api_address_is_a_problem_not_a_page(client: httpx.AsyncClient) -> None:
    for path in ("/api", "/api/", "/api/nope", "/api/nope/deeper"):
        problem(await client.get(path), 404, "not-found")


async def test_a_wrong_method_is_a_problem(client: httpx.AsyncClient) -> None:
    problem(await client.put("/api/thing"), 405, "method-not-allowed")


async def test_a_good_body_passes_and_the_clock_is_the_worlds(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/thing", json={"howMany": 2, "inside": []})
    assert answer.json() == {"now": "2026-03-02T08:00:00+00:00", "how": "2"}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"howMany": 1, "inside": [], "more": 1}',
        b'{"howMany": "many", "inside": []}',
        b'{"howMany": 1.5, "inside": []}',
        b'{"howMany": 1, "inside": ["\xff\xfe"]}',
        b'{"howMany": 1, "inside": ' + b"[" * 200_000,
        b"[" * 200_000,
        b"\x00",
        b"null",
    ],
)
async def test_a_body_that_cannot_be_read_is_the_senders_400(
    client: httpx.AsyncClient, body: bytes
) -> None:
    headers = {"content-type": "application/json"}
    problem(await client.post("/api/thing", content=body, headers=headers), 400, "malformed")


async def test_a_wrong_field_is_named_on_the_wire(client: httpx.AsyncClient) -> None:
    told = problem(
        await client.post("/api/thing", json={"howMany": "x", "inside": []}), 400, "malformed"
    )
    assert told["fields"] == [{"field": "howMany", "why": "Expected `int`, got `str`"}]


async def test_a_body_that_is_too_long_is_413_with_and_without_its_length(
    client: httpx.AsyncClient,
) -> None:
    long = b" " * (1_048_576 + 1)
    problem(await client.post("/api/thing", content=long), 413, "too-large")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65_536

    problem(await client.post("/api/thing", content=pieces()), 413, "too-large")


async def test_a_problem_carries_its_facts_and_when_to_come_back(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/refused")
    told = problem(answer, 410, "gone-for-this-test")
    assert (told["detail"], told["missing"]) == ("it went", ["a"])
    assert answer.headers["retry-after"] == "3"


async def test_our_own_mistake_is_a_500_that_tells_nothing(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/api/mistake")
    problem(answer, 500, "unexpected")
    assert "secret" not in answer.text
    assert "a secret of the server" in caplog.text


async def test_a_database_that_is_away_is_a_503_to_try_again(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/away")
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_health_is_good_with_all_four_databases_and_503_without_one(
    client: httpx.AsyncClient, world: World
) -> None:
    good = await client.get("/api/health")
    assert (good.status_code, good.json()["status"]) == (200, "ok")
    await world.records.stop()
    world.records.configure({**world.server.where.app["records"], "port": 1})
    bad = await client.get("/api/health")
    assert bad.status_code == 503
    assert bad.json()["databases"]["records"] is False
    assert bad.json()["databases"]["operations"] is True


@pytest.mark.parametrize("role", ["desk", "field", "office", "resident", "report", "login"])
async def test_each_group_of_users_has_its_page_also_below_its_address(
    client: httpx.AsyncClient, role: str
) -> None:
    for path in (f"/{role}", f"/{role}/", f"/{role}/incidents/7"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert f"<title>{role}</title>" in answer.text
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["cache-control"] == "no-cache"


async def test_pages_carry_the_headers_that_keep_strangers_out(client: httpx.AsyncClient) -> None:
    for path in ("/desk", "/api/health", "/api/nope", "/assets/desk-abc123.js"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:"
        )
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_a_hashed_file_is_kept_for_ever_and_a_page_is_asked_for_again(
    client: httpx.AsyncClient, dist: Path
) -> None:
    asset = await client.get("/assets/desk-abc123.js", headers={"accept-encoding": "identity"})
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"].startswith("text/javascript")
    assert asset.content == (dist / "assets" / "desk-abc123.js").read_bytes()
    worker = await client.get("/sw.js")
    assert worker.headers["cache-control"] == "no-cache"
    assert worker.headers["service-worker-allowed"] == "/"
    page = await client.get("/desk")
    again = await client.get("/desk", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_file_goes_out_compressed_to_whoever_can_read_it(
    client: httpx.AsyncClient, dist: Path
) -> None:
    request = client.build_request(
        "GET", "/assets/desk-abc123.js", headers={"accept-encoding": "gzip"}
    )
    answer = await client.send(request, stream=True)
    raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == (dist / "assets" / "desk-abc123.js").read_bytes()


async def test_a_page_built_anew_is_served_at_once(client: httpx.AsyncClient, dist: Path) -> None:
    assert "desk" in (await client.get("/desk")).text
    (dist / "desk.html").write_text("<!doctype html><title>a newer build</title>")
    assert "a newer build" in (await client.get("/desk")).text


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets", "/nope", "/a%00b"],
)
async def test_nothing_outside_the_web_app_is_served(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(path), 404, "not-found")


async def test_robots_are_told_to_stay_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/robots.txt")
    assert answer.text == "User-agent: *\nDisallow: /\n"


async def test_without_a_built_web_app_a_plain_page_says_so(world: World, tmp_path: Path) -> None:
    async with visitor(world, tmp_path / "absent") as client:
        for path in ("/", "/desk"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert "尚未构建" in answer.text
        assert (await client.get("/api/health")).status_code == 200


async def test_behind_https_browsers_are_told_to_stay_there(tmp_path: Path, world: World) -> None:
    assert "strict-transport-security" not in (await _health(world, tmp_path)).headers
    secure = msgspec.structs.replace(
        world.settings, http=msgspec.structs.replace(world.settings.http, cookie_secure=True)
    )
    world.ctx.settings = secure
    assert "strict-transport-security" in (await _health(world, tmp_path)).headers


async def _health(world: World, dist: Path) -> httpx.Response:
    async with visitor(world, dist) as client:
        return await client.get("/api/health")
