"""Signing in over HTTP: what goes wrong first, then what goes right."""

import asyncio
from datetime import timedelta

import pytest

from backend.access import accounts, sessions
from backend.access.problems import AccountRefused
from tests.plugin.world import PASSWORD, World


async def test_no_account_exists_until_somebody_makes_one(world: World) -> None:
    assert await accounts.listed() == []
    async with world.client() as client:
        answer = await client.post("/api/session", json={"login": "admin", "password": "admin"})
    assert answer.status_code == 401


async def test_an_unknown_login_a_wrong_password_and_a_disabled_account_answer_alike(
    world: World,
) -> None:
    await world.account("desk")
    await world.account("field")
    await accounts.disable("field", actor="test", at=world.clock.now())
    bodies = []
    async with world.client() as client:
        for login, password in (("nobody", PASSWORD), ("desk", "wrong"), ("field", PASSWORD)):
            answer = await client.post("/api/session", json={"login": login, "password": password})
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
            bodies.append(answer.json())
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["type"] == "urn:jiean:problem:wrong-credentials"


@pytest.mark.parametrize("login", ["desk", "nobody"])
async def test_five_failures_lock_a_login_known_or_not(world: World, login: str) -> None:
    await world.account("desk")
    async with world.client() as client:
        for _ in range(5):
            wrong = {"login": login, "password": "wrong"}
            assert (await client.post("/api/session", json=wrong)).status_code == 401
        right = {"login": login, "password": PASSWORD}
        locked = await client.post("/api/session", json=right)
        assert locked.status_code == 423
        assert locked.json()["type"] == "urn:jiean:problem:locked-out"
        assert 890 <= int(locked.headers["retry-after"]) <= 901
        world.clock.forward(minutes=15, seconds=1)
        expected = 200 if login == "desk" else 401
        assert (await client.post("/api/session", json=right)).status_code == expected


async def test_the_spelling_of_a_login_does_not_buy_more_guesses(world: World) -> None:
    await world.account("desk")
    async with world.client() as client:
        for login in ("desk", "DESK", " desk", "ｄｅｓｋ", "Desk "):
            wrong = {"login": login, "password": "wrong"}
            assert (await client.post("/api/session", json=wrong)).status_code == 401
        answer = await client.post("/api/session", json={"login": "desk", "password": PASSWORD})
    assert answer.status_code == 423


async def test_many_guesses_at_once_get_no_more_than_five(world: World) -> None:
    await world.account("desk")

    async def guess() -> int:
        async with world.client() as client:
            wrong = {"login": "desk", "password": "wrong"}
            return (await client.post("/api/session", json=wrong)).status_code

    answers = await asyncio.gather(*(guess() for _ in range(12)))
    assert sorted(answers) == [401] * 5 + [423] * 7


async def test_a_right_password_forgets_the_failures_before_it(world: World) -> None:
    await world.account("desk")
    async with world.client() as client:
        for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4 + [PASSWORD]:
            answer = await client.post("/api/session", json={"login": "desk", "password": password})
            assert answer.status_code == (200 if password == PASSWORD else 401)


async def test_a_lock_does_not_throw_out_who_is_already_in(world: World) -> None:
    async with world.client("desk") as inside, world.client() as outside:
        for _ in range(6):
            await outside.post("/api/session", json={"login": "desk", "password": "wrong"})
        assert (await inside.get("/api/session")).status_code == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    await world.account("desk")
    async with world.client() as client:
        answer = await client.post("/api/session", json={"login": "desk", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("jiean_session=")
    for part in ("httponly", "samesite=strict", "path=/"):
        assert part in cookie
    token = client.cookies["jiean_session"]
    stored = await world.operations.fetch("SELECT token_sha256 FROM session")
    assert len(stored) == 1
    assert token not in stored[0]["token_sha256"]


async def test_who_signs_in_is_told_who_they_are(world: World) -> None:
    async with world.client("desk", name="王芳", exercise=True) as client:
        me = (await client.get("/api/session")).json()
    assert me == {
        "accountId": me["accountId"],
        "name": "王芳",
        "roles": ["desk"],
        "staffId": None,
        "officeId": None,
        "exercise": True,
    }


@pytest.mark.parametrize("token", ["", "garbage", "a" * 5000, "é", "0" * 43, "..\x01"])
async def test_a_garbage_cookie_is_nobody(world: World, token: str) -> None:
    async with world.client() as client:
        raw = [(b"cookie", f"jiean_session={token}".encode())]
        answer = await client.get("/api/session", headers=raw)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:jiean:problem:not-signed-in"


async def test_a_token_used_again_after_signing_out_is_nobody(world: World) -> None:
    async with world.client("desk") as client:
        token = client.cookies["jiean_session"]
        assert (await client.delete("/api/session")).status_code == 204
        client.cookies.set("jiean_session", token, domain="127.0.0.1")
        assert (await client.get("/api/session")).status_code == 401
        assert (await client.delete("/api/session")).status_code == 204


async def test_a_session_unused_for_the_idle_time_has_ended(world: World) -> None:
    idle = timedelta(minutes=world.settings.access.session_idle_min)
    async with world.client("desk") as client:
        for _ in range(3):
            world.clock.forward(seconds=(idle - timedelta(seconds=1)).total_seconds())
            assert (await client.get("/api/session")).status_code == 200
        world.clock.forward(seconds=idle.total_seconds())
        assert (await client.get("/api/session")).status_code == 401


async def test_a_session_ends_after_its_life_however_busy(world: World) -> None:
    async with world.client("desk") as client:
        for _ in range(int(sessions.LIFE / timedelta(hours=11))):
            world.clock.forward(hours=11)
            assert (await client.get("/api/session")).status_code == 200
        world.clock.forward(hours=11)
        assert (await client.get("/api/session")).status_code == 401


async def test_an_account_disabled_meanwhile_is_out_at_the_next_request(world: World) -> None:
    async with world.client("desk") as client:
        await accounts.disable("desk", actor="test", at=world.clock.now())
        assert (await client.get("/api/session")).status_code == 401


async def test_a_session_of_a_disabled_account_opens_nothing_even_if_it_was_left(
    world: World,
) -> None:
    async with world.client("desk") as client:
        await world.operations.execute("UPDATE account SET disabled_at = now()")
        assert (await client.get("/api/session")).status_code == 401


async def test_a_new_password_ends_every_session_and_the_lock(world: World) -> None:
    async with world.client("desk") as client:
        for _ in range(5):
            await client.post("/api/session", json={"login": "desk", "password": "wrong"})
        assert await accounts.set_password(
            "desk", "Other-word-77", actor="test", at=world.clock.now()
        )
        assert (await client.get("/api/session")).status_code == 401
        again = {"login": "desk", "password": "Other-word-77"}
        assert (await client.post("/api/session", json=again)).status_code == 200


async def test_the_last_use_is_written_at_most_once_a_minute(world: World) -> None:
    seen = "SELECT seen_at FROM session"
    async with world.client("desk") as client:
        start = await world.operations.fetch_value(seen)
        world.clock.forward(seconds=59)
        await client.get("/api/session")
        assert await world.operations.fetch_value(seen) == start
        world.clock.forward(seconds=1)
        await client.get("/api/session")
        assert await world.operations.fetch_value(seen) == world.clock.now()


@pytest.mark.parametrize("header", [{}, {"X-Jiean": "0"}, {"X-Jiean": "yes"}])
async def test_a_change_without_our_header_is_refused_as_cross_site(
    world: World, header: dict[str, str]
) -> None:
    await world.account("desk")
    async with world.client() as client:
        del client.headers["X-Jiean"]
        for call in (
            client.post(
                "/api/session", json={"login": "desk", "password": PASSWORD}, headers=header
            ),
            client.delete("/api/session", headers=header),
            client.put("/api/evidence/" + "0" * 64, content=b"x", headers=header),
        ):
            answer = await call
            assert answer.status_code == 403
            assert answer.json()["type"] == "urn:jiean:problem:cross-site"
        assert (await client.get("/api/session")).status_code == 401


@pytest.mark.parametrize(
    ("login", "password", "roles", "fault"),
    [
        ("desk", "short-1A", ["desk"], "too_short"),
        ("desk", "alllowercase1", ["desk"], "too_plain"),
        ("wangfang", "WangFang-2026", ["desk"], "has_login"),
        ("desk", PASSWORD, [], "none"),
        ("desk", PASSWORD, ["king"], "unknown:king"),
        ("desk", PASSWORD, ["desk", "audit_admin"], "not_together"),
        ("x", PASSWORD, ["system_admin", "audit_admin"], "not_together"),
        ("   ", PASSWORD, ["desk"], "bad_login"),
        ("x" * 65, PASSWORD, ["desk"], "bad_login"),
    ],
)
async def test_an_account_that_breaks_a_rule_is_not_made(
    world: World, login: str, password: str, roles: list[str], fault: str
) -> None:
    with pytest.raises(AccountRefused) as refused:
        await accounts.create(
            login=login, name="x", password=password, roles=roles, actor="t", at=world.clock.now()
        )
    assert fault in refused.value.facts["faults"]
    assert await accounts.listed() == []


async def test_a_taken_login_is_refused_in_any_spelling(world: World) -> None:
    await world.account("desk")
    with pytest.raises(AccountRefused):
        await world.account("desk", login="DESK")
    assert len(await accounts.listed()) == 1


async def test_no_audit_row_holds_a_password_a_token_or_the_login_typed(world: World) -> None:
    async with world.client("desk", login="zhangsan") as client:
        token = client.cookies["jiean_session"]
        await client.post("/api/session", json={"login": "lisi-typed", "password": "Typed-secret1"})
        rows = await world.operations.fetch(
            "SELECT row_to_json(e)::text AS text FROM audit_entry e"
        )
    text = "".join(row["text"] for row in rows)
    assert len(rows) == 3
    for secret in (token, PASSWORD, "Typed-secret1", "lisi-typed", "zhangsan"):
        assert secret not in text
