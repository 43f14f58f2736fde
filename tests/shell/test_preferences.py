"""4.1-f: how somebody wants to be reached, who may say it, and what the ladder makes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from backend.access import links
from backend.directory import Directory
from backend.messages.carrier import Carrier, Unreached
from backend.offices import service as offices
from backend.offices.schemas import Office
from backend.residents import service as residents
from backend.residents.schemas import NewContact
from backend.shared.ids import uuid7
from push.message import Audience
from push.port import Reach
from tests.plugin.world import World
from tests.shell.test_messages_carrier import FakeDoor, idle, say

GRANNY, DAUGHTER = "13800000001", "13800000002"


class Home:
    """A flat in a community's area, and one that is in nobody's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.id, self.elsewhere = uuid7(), uuid7()
        self.granny, self.daughter, self.stranger = uuid7(), uuid7(), uuid7()
        self.community, self.street = uuid7(), uuid7()

    async def build(self) -> "Home":
        world, now, area = self.world, self.world.clock.now(), uuid7()
        for building, home in ((area, self.id), (uuid7(), self.elsewhere)):
            await world.operations.execute(
                "INSERT INTO building (id, street, number, lat, lon)"
                " VALUES ($1, '平江路', '12', 31, 120)",
                building,
            )
            await world.operations.execute(
                "INSERT INTO household (id, building_id, door, lat, lon)"
                " VALUES ($1, $2, '201', 31, 120)",
                home,
                building,
            )
        for office, kind in ((self.community, "community"), (self.street, "street")):
            await offices.register(
                Office(id=office, name=kind, kind=kind, phone="0512-65000000"),  # type: ignore[arg-type]
                buildings=[area],
                actor="test",
                role="system",
                at=now,
            )
        people = [
            (self.granny, self.id, "陈阿婆", GRANNY),
            (self.daughter, self.id, "陈红", DAUGHTER),
            (self.stranger, self.elsewhere, "李强", "13900000000"),
        ]
        await residents.register(
            [
                NewContact(
                    id=id_, household_id=home, name=name, relation="", phone=phone, position=at
                )
                for at, (id_, home, name, phone) in enumerate(people)
            ],
            actor="test",
            role="system",
            at=now,
        )
        return self

    @asynccontextmanager
    async def page(self) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
        """The household's own page: a client without an account, and the path of its wishes."""
        token = await links.mint(
            "household", self.id, timedelta(days=1), actor="test", at=self.world.clock.now()
        )
        async with self.world.client() as client:
            yield client, f"/api/link/{token}/preferences"

    def wish(self, person: UUID, **changes: Any) -> dict[str, Any]:
        wish = {"way": "text", "largeText": True, "language": "zh", "consent": True}
        return {"contactId": str(person), **wish, **changes}

    async def audited(self) -> list[dict[str, Any]]:
        rows = await self.world.identity.fetch(
            "SELECT action, role, subject, before, after, e::text AS whole FROM audit_entry e"
            " WHERE action LIKE 'residents.preference%' ORDER BY at, id"
        )
        return [dict(row) for row in rows]


@pytest.fixture
async def home(world: World) -> Home:
    return await Home(world).build()


@pytest.mark.clause("4.1-f")
async def test_a_deaf_resident_gets_texts_and_never_a_call_and_the_family_is_called(
    world: World, home: Home
) -> None:
    doors = [FakeDoor(name, Reach.INTERNET) for name in ("sms", "voice", "family")]
    told: list[str] = []

    async def tell(found: Unreached) -> None:
        told.append(found.address)

    carrier = Carrier(world.ctx, doors, directory=Directory(world.ctx.settings), on_unreached=tell)
    async with home.page() as (page, path):
        assert (await page.put(path, json=home.wish(home.granny))).status_code == 200
    address = f"household:{home.id}"
    await say(world, address, audience=Audience.RESIDENT, ttl_s=600)
    for _ in range(12):
        await idle(carrier)
        world.clock.forward(seconds=5)
    text, call, family = ([to for to, _ in door.sent] for door in doors)
    assert (text, call, family) == ([GRANNY], [], [DAUGHTER])
    assert told == [address]  # and when nobody answers there either, the desk is told


async def test_who_says_nothing_is_called_after_the_text_and_then_the_family(
    world: World, home: Home
) -> None:
    doors = [FakeDoor(name, Reach.INTERNET) for name in ("sms", "voice", "family")]
    carrier = Carrier(world.ctx, doors, directory=Directory(world.ctx.settings))
    await say(world, f"household:{home.id}", audience=Audience.RESIDENT, ttl_s=600)
    await idle(carrier)
    order = [[to for to, _ in door.sent] for door in doors]
    assert order == [[GRANNY], [], []]
    world.clock.forward(seconds=6)
    await idle(carrier)
    assert [to for to, _ in doors[1].sent] == [GRANNY]
    world.clock.forward(seconds=46)
    await idle(carrier)
    assert [to for to, _ in doors[2].sent] == [DAUGHTER]


@pytest.mark.clause("4.1-f")
async def test_a_household_sees_its_wishes_masked_changes_them_and_takes_them_back(
    world: World, home: Home
) -> None:
    async with home.page() as (page, path):
        granny, daughter = (await page.get(path)).json()
        assert (granny["name"], granny["phone"], granny["way"]) == ("陈**", "138****0001", "call")
        assert granny["consentAt"] is None
        wish = home.wish(home.granny, language="en")
        granny, again = (await page.put(path, json=wish)).json()
        assert (granny["way"], granny["largeText"], granny["language"]) == ("text", True, "en")
        assert (granny["consentAt"] is not None, again) == (True, daughter)
        assert await residents.languages([home.id]) == {home.id: "en"}
        granny, _ = (await page.put(path, json=home.wish(home.granny, consent=False))).json()
        assert (granny["way"], granny["consentAt"]) == ("call", None)
    assert await residents.languages([home.id]) == {}
    changed, forgotten = await home.audited()
    assert (changed["action"], changed["role"]) == ("residents.preference_changed", "household")
    assert forgotten["action"] == "residents.preference_forgotten"
    assert GRANNY not in changed["whole"] + forgotten["whole"]


async def test_nobody_speaks_for_another_household(world: World, home: Home) -> None:
    async with home.page() as (page, path):
        assert (await page.put(path, json=home.wish(home.stranger))).status_code == 404
        for wrong in ({"way": "shout"}, {"language": "fr"}, {"consent": "maybe"}, {"more": True}):
            answer = await page.put(path, json=home.wish(home.granny, **wrong))
            assert answer.status_code == 400, wrong
        assert (await page.get("/api/link/guess/preferences")).status_code == 404
    assert await home.audited() == []


@pytest.mark.clause("4.1-f")
async def test_the_community_writes_down_what_somebody_of_its_area_said(
    world: World, home: Home
) -> None:
    async with world.client("office", office_id=home.community) as office:
        found = (await office.get("/api/office/preferences", params={"place": "平江路 201"})).json()
        assert [each["householdId"] for each in found] == [str(home.id)]
        assert (
            await office.get("/api/office/preferences", params={"place": "观前街"})
        ).json() == []
        body = {"householdId": str(home.id), "preference": home.wish(home.granny, way="family")}
        answer = await office.put("/api/office/preferences", json=body)
        assert answer.json()[0]["way"] == "family"
        elsewhere = {
            "householdId": str(home.elsewhere),
            "preference": home.wish(home.stranger),
        }
        refused = await office.put("/api/office/preferences", json=elsewhere)
        assert refused.status_code == 404
    [row] = await home.audited()
    assert (row["role"], row["subject"]) == ("office", str(home.granny))


async def test_another_office_has_no_business_with_it(world: World, home: Home) -> None:
    async with world.client("office", office_id=home.street) as office:
        assert (await office.get("/api/office/preferences")).status_code == 403
    async with world.client("desk") as desk:
        assert (await desk.get("/api/office/preferences")).status_code == 403


async def test_each_office_has_a_room_of_its_own_whose_key_is_never_shown_or_audited(
    world: World, home: Home
) -> None:
    room = "dingtalk://SECsecret@" + "b" * 64
    async with world.client("manager") as manager:
        path = f"/api/offices/{home.community}/room"
        assert (await manager.put(path, json={"room": room})).status_code == 204
        assert (await manager.put(path, json={"room": "https://x"})).status_code == 400
        missing = f"/api/offices/{uuid7()}/room"
        assert (await manager.put(missing, json={"room": room})).status_code == 404
    found = await Directory(world.ctx.settings)([f"office:{home.community}"])
    assert found[f"office:{home.community}"]["rooms"] == room
    [row] = await world.operations.fetch(
        "SELECT after, e::text AS whole FROM audit_entry e WHERE action = 'offices.room_changed'"
    )
    assert "SECsecret" not in row["whole"]
    assert '"dingtalk"' in row["after"]
