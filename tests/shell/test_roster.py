"""The roster over HTTP: what is refused, what is warned of, swaps, gaps, and duty that ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from backend.incidents.service import Incidents
from backend.pipeline import Pipeline
from backend.screens.shift_watch import Watch
from backend.staff import service as staff
from backend.staff.schemas import NewPerson
from tests.plugin.world import World

LANES = UUID(int=50)
LI, WANG, SHEN, NEW = (UUID(int=n) for n in (61, 62, 63, 64))
NAMES = {LI: "李明", WANG: "王芳", SHEN: "沈静", NEW: "新人"}


class Place:
    """Three who passed, one who did not, a manager at a desk, and a clock."""

    def __init__(self, world: World, stack: AsyncExitStack, boss: httpx.AsyncClient) -> None:
        self.world, self.stack, self.boss = world, stack, boss
        incidents: Incidents = Pipeline(world.ctx).incidents
        self.watch = Watch(world.ctx, incidents)

    def at(self, hours: float) -> datetime:
        """So many hours from now."""
        return self.world.clock.now() + timedelta(hours=hours)

    async def phone(self, person: UUID) -> httpx.AsyncClient:
        client = await self.stack.enter_async_context(self.world.client())
        await self.world.login(
            client, "field", login=f"p{person.int}", name=NAMES[person], staff_id=person
        )
        return client

    async def writes(
        self, person: UUID, from_h: float, hours: float, *, shift: UUID | None = None, **more: Any
    ) -> httpx.Response:
        role = more.pop("role", "desk" if person == SHEN else "field")
        body = {
            "personId": str(person), "role": role, "areaId": str(LANES),
            "fromAt": self.at(from_h).isoformat(), "untilAt": self.at(from_h + hours).isoformat(),
        }  # fmt: skip
        return await self.boss.put(f"/api/roster/shifts/{shift or uuid4()}", json={**body, **more})

    async def has(self, person: UUID, from_h: float, hours: float, **more: Any) -> UUID:
        shift = uuid4()
        answer = await self.writes(person, from_h, hours, shift=shift, insist=True, **more)
        assert answer.status_code == 200, answer.text
        return shift

    async def roster(self, **more: Any) -> dict[str, Any]:
        answer = await self.boss.get("/api/roster", params={"from": "2026-03-02", **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def told(self, address: str = "") -> list[str]:
        rows = await self.world.operations.fetch(
            "SELECT body -> 'data' ->> 'about' AS about FROM message WHERE $1 IN ('', address)"
            " AND body -> 'data' ->> 'kind' = 'roster' ORDER BY created_at, id",
            address,
        )
        return [row["about"] for row in rows]

    async def duty(self, client: httpx.AsyncClient, on: bool = True, **more: Any) -> httpx.Response:
        return await client.post("/api/field/duty", json={"on": on, "deviceId": "p", **more})


@pytest.fixture
async def place(world: World) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        boss = await stack.enter_async_context(world.client("manager", name="薛平"))
        at = world.clock.now()
        for person, name in NAMES.items():
            one = NewPerson(
                id=person, name=name, badge=f"G{person.int}", phone="13800000000",
                post="desk" if person == SHEN else "field",
                qualified_from=None if person == NEW else date(2025, 1, 1),
            )  # fmt: skip
            await staff.register(one, actor="t", role="system", at=at)
        area = {"name": "平江路", "fieldMin": 1, "deskMin": 1}
        answer = await boss.put(f"/api/roster/areas/{LANES}", json=area)
        assert answer.status_code == 204, answer.text
        yield Place(world, stack, boss)


def codes(answer: httpx.Response) -> list[str]:
    return [fault["code"] for fault in answer.json()["faults"]]


@pytest.mark.clause("4.2.4.2")
async def test_what_may_not_be_is_refused_and_what_is_unwise_needs_a_second_word(
    place: Place,
) -> None:
    await place.has(LI, 2, 8)
    overlap = await place.writes(LI, 5, 8, insist=True)
    assert (overlap.status_code, codes(overlap)) == (422, ["overlap"])
    unqualified = await place.writes(NEW, 5, 8, insist=True)
    assert (unqualified.status_code, codes(unqualified)) == (422, ["unqualified"])
    long = await place.writes(WANG, 5, 13)
    assert (long.status_code, codes(long)) == (409, ["too_long"])
    assert (await place.writes(WANG, 5, 13, insist=True, reason="顶班")).status_code == 200
    newest = (await place.roster())["history"][0]
    assert (newest["what"], newest["actorName"]) == ("added", "薛平")
    assert newest["body"]["reason"] == "顶班"
    assert newest["body"]["inSpiteOf"] == ["too_long"]
    audited = await place.world.operations.fetch_value(
        "SELECT count(*) FROM audit_entry WHERE action = 'roster.added'"
    )
    assert audited == 2


@pytest.mark.clause("4.1-c")
async def test_striking_a_shift_that_leaves_a_gap_needs_a_second_word_and_is_remembered(
    place: Place,
) -> None:
    shift = await place.has(LI, 2, 8)
    before = (await place.roster())["gaps"]
    struck = await place.boss.request("DELETE", f"/api/roster/shifts/{shift}", json={})
    assert (struck.status_code, codes(struck)) == (409, ["gap"])
    insisted = {"insist": True, "reason": "生病"}
    struck = await place.boss.request("DELETE", f"/api/roster/shifts/{shift}", json=insisted)
    assert struck.status_code == 204
    now = await place.roster()
    assert (now["shifts"], now["history"][0]["what"]) == ([], "struck")
    field = [gap for gap in before if gap["kind"] == "field"]
    assert [(gap["have"], gap["need"]) for gap in field] == [(0, 1), (0, 1)]
    assert field[0]["untilAt"] == place.at(2).isoformat().replace("+00:00", "Z")
    assert field[1]["fromAt"] == place.at(10).isoformat().replace("+00:00", "Z")
    with pytest.raises(asyncpg.PostgresError, match=r"insert-only|denied"):
        await place.world.operations.execute("DELETE FROM roster_change")


async def test_of_a_shift_that_has_begun_only_the_end_can_be_moved(place: Place) -> None:
    shift = await place.has(LI, 1, 8)
    place.world.clock.forward(hours=2)
    later = await place.writes(LI, 0, 7, shift=shift, insist=True)
    assert (later.status_code, codes(later)) == (422, ["begun"])
    assert (await place.writes(LI, -1, 4, shift=shift, insist=True)).status_code == 200
    struck = await place.boss.request(
        "DELETE", f"/api/roster/shifts/{shift}", json={"insist": True}
    )
    assert (struck.status_code, codes(struck)) == (422, ["begun"])


async def test_patterns_copies_and_sheets_show_a_plan_before_they_write(place: Place) -> None:
    nights = {
        "personId": str(LI), "role": "field", "areaId": str(LANES), "weekdays": [0, 2, 4],
        "fromMin": 1200, "lengthMin": 720, "firstOn": "2026-03-02",
    }  # fmt: skip
    assert (await place.boss.put(f"/api/roster/patterns/{uuid4()}", json=nights)).is_success
    period = {"fromOn": "2026-03-02", "toOn": "2026-03-08"}
    preview = (await place.boss.post("/api/roster/generate", json=period)).json()
    assert [line["outcome"] for line in preview["lines"]] == ["new", "new", "new"]
    assert (await place.roster())["shifts"] == []
    made = await place.boss.post("/api/roster/generate", json={**period, "apply": True})
    assert made.json()["applied"]
    again = (await place.boss.post("/api/roster/generate", json=period)).json()
    assert [line["outcome"] for line in again["lines"]] == ["there", "there", "there"]
    copy = {"fromWeek": "2026-03-02", "toWeek": "2026-03-09", "apply": True}
    copied = (await place.boss.post("/api/roster/copy", json=copy)).json()
    assert len(copied["lines"]) == 3
    text = """工号,岗位,片区,日期,开始,结束
G62,现场,平江路,2026-03-03,08:00,20:00
G9,现场,,2026-03-03,08:00,20:00
"""
    sheet = (await place.boss.post("/api/roster/import", json={"text": text})).json()
    assert [(line["line"], line["outcome"]) for line in sheet["lines"]] == [
        (2, "new"), (3, "refused"),
    ]  # fmt: skip
    wrong = await place.boss.post("/api/roster/import", json={"text": "a,b\n1,2"})
    assert wrong.status_code == 422
    assert len((await place.roster(days=14))["shifts"]) == 6


async def test_a_swap_goes_to_the_colleague_then_to_the_lead_and_hands_the_shift_on(
    place: Place,
) -> None:
    li, wang = await place.phone(LI), await place.phone(WANG)
    shift = await place.has(LI, 20, 8)
    swap = f"/api/my/swaps/{uuid4()}"
    wish = {"mine": str(shift), "colleague": str(WANG), "note": "孩子家长会"}
    for _ in range(2):  # the same tap twice
        assert (await li.put(swap, json=wish)).json()["stand"] == "asked"
    assert await place.told(f"staff:{WANG}") == ["swap"]
    busy = await li.put(f"/api/my/swaps/{uuid4()}", json=wish)
    assert (busy.status_code, codes(busy)) == (422, ["swap_open"])
    assert (await li.post(swap, json={"step": "accept"})).status_code == 422
    assert (await wang.post(swap, json={"step": "accept"})).json()["stand"] == "accepted"
    assert (await wang.get("/api/my/shifts")).json()["shifts"] == []
    boss_id = (await place.boss.get("/api/session")).json()["accountId"]
    assert await place.told(f"account:{boss_id}") == ["swap_waits"]
    [waiting] = (await place.roster())["swaps"]
    decided = await place.boss.post(f"/api/roster/swaps/{waiting['id']}", json={"approve": True})
    assert decided.json()["stand"] == "done"
    [mine] = (await wang.get("/api/my/shifts")).json()["shifts"]
    assert mine["id"] == str(shift)
    assert (await li.get("/api/my/shifts")).json()["shifts"] == []
    happened = [line["what"] for line in (await place.roster())["history"]]
    assert happened[:4] == ["swap_done", "swapped", "swap_accepted", "swap_asked"]
    again = await place.boss.post(f"/api/roster/swaps/{waiting['id']}", json={"approve": True})
    assert (again.status_code, codes(again)) == (422, ["swap_over"])


@pytest.mark.clause("4.2.4.2")
async def test_a_swap_to_somebody_unqualified_or_busy_is_refused_when_it_is_asked(
    place: Place,
) -> None:
    li = await place.phone(LI)
    shift = await place.has(LI, 20, 8)
    await place.has(WANG, 22, 8)
    for colleague, why in ((NEW, "unqualified"), (WANG, "overlap")):
        wish = {"mine": str(shift), "colleague": str(colleague)}
        answer = await li.put(f"/api/my/swaps/{uuid4()}", json=wish)
        assert answer.status_code == 422
        assert why in codes(answer)


async def test_a_swap_that_became_impossible_is_refused_at_the_last_step(place: Place) -> None:
    li, wang = await place.phone(LI), await place.phone(WANG)
    shift, swap = await place.has(LI, 20, 8), f"/api/my/swaps/{uuid4()}"
    await li.put(swap, json={"mine": str(shift), "colleague": str(WANG)})
    await place.has(WANG, 20, 8)
    answer = await wang.post(swap, json={"step": "accept"})
    assert (answer.status_code, codes(answer)) == (422, ["overlap"])
    place.world.clock.forward(hours=21)
    await place.watch.look()
    stand = await place.world.operations.fetch_value("SELECT stand FROM shift_swap")
    assert stand == "expired"


@pytest.mark.clause("4.1-c")
async def test_the_manager_hears_of_a_gap_a_day_before_and_the_lead_when_it_is_there(
    place: Place,
) -> None:
    await place.world.account("desk_lead")
    await place.has(LI, 0, 24, role="field")
    await place.has(SHEN, 0, 24, role="desk")
    await place.has(WANG, 24, 12)
    await place.has(SHEN, 24, 24, role="desk")
    await place.has(LI, 46, 12)
    for _ in range(2):
        await place.watch.look()
    assert await place.told() == []
    place.world.clock.forward(hours=13)
    for _ in range(2):  # many look, one is told once
        await place.watch.look()
    assert await place.told() == ["roster_gap"]
    place.world.clock.forward(hours=23.5)
    await place.watch.look()
    place.world.clock.forward(minutes=20)
    await place.watch.look()
    assert (await place.told()).count("roster_gap_now") == 2  # lead and manager, once each


async def test_duty_outside_the_shift_needs_a_reason_and_is_seen_as_extra(place: Place) -> None:
    li = await place.phone(LI)
    await place.has(LI, 3, 8)
    refused = await place.duty(li)
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("outside-shift")
    assert refused.json()["nextAt"] == place.at(3).isoformat()
    extra = await place.duty(li, reason="王芳临时请假")
    assert extra.json()["extra"] == "王芳临时请假"
    assert (await place.roster())["history"][0]["what"] == "duty_extra"
    await place.duty(li, on=False)
    place.world.clock.forward(hours=2.6)  # within half an hour of the shift
    within = (await place.duty(li)).json()
    assert (within["extra"], within["over"]) == (None, False)
    assert within["until"] == place.at(8.4).isoformat().replace("+00:00", "Z")


@pytest.mark.clause("4.1-c")
async def test_after_the_shift_nothing_new_comes_and_forgotten_duty_ends_with_its_position(
    place: Place,
) -> None:
    li = await place.phone(LI)
    await place.has(LI, 0, 8)
    spot = {"lat": 31.3, "lon": 120.6, "accuracyM": 8, "at": place.at(0).isoformat()}
    assert (await place.duty(li, position=spot)).status_code == 200
    assert [one.on_shift for one in await staff.on_duty_people(place.at(0))] == [True]
    place.world.clock.forward(hours=8, minutes=10)
    await place.watch.look()
    assert [one.on_shift for one in await staff.on_duty_people(place.at(0))] == [False]
    assert (await li.get("/api/field/home")).json()["duty"]["over"]
    place.world.clock.forward(minutes=25)
    await place.watch.look()
    assert await staff.on_duty_people(place.at(0)) == []
    assert await place.world.operations.fetch_value("SELECT count(*) FROM position") == 0
    answer = await li.post("/api/field/position", json={**spot, "at": place.at(0).isoformat()})
    assert answer.status_code == 409
    assert (await place.roster())["history"][0]["what"] == "duty_ended"


@pytest.mark.clause("4.2.3")
async def test_too_few_field_staff_for_the_homes_is_a_warning_of_the_area(place: Place) -> None:
    await place.world.operations.execute(
        "INSERT INTO building (id, street, number, lat, lon)"
        " VALUES ($1, '平江路', '1', 31.3, 120.6)",
        UUID(int=7),
    )
    await place.world.operations.execute(
        "INSERT INTO household (id, building_id, door, lat, lon)"
        " SELECT gen_random_uuid(), $1, n::text, 31.3, 120.6 FROM generate_series(1, 401) n",
        UUID(int=7),
    )
    await place.has(LI, 1, 8)
    [one] = (await place.roster())["strengths"]
    assert (one["staff"], one["homes"], one["wanted"], one["enough"]) == (1, 401, 2, False)
    await place.has(WANG, 9, 8)
    [two] = (await place.roster())["strengths"]
    assert two["enough"]


@pytest.mark.parametrize("role", ["field", "technician", "office", "system_admin"])
async def test_only_leads_change_the_roster(place: Place, role: str) -> None:
    async with place.world.client(role) as client:
        answer = await client.post("/api/roster/copy", json={})
        assert answer.status_code == 403
        assert (await client.get("/api/roster", params={"from": "2026-03-02"})).status_code == 403
