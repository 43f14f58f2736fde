"""Who can be reached: heartbeats, communication tests, being left out and coming back."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from backend.reach import service as reach
from backend.reach.flow.checks import Plan
from backend.screens.reachability import Reachability
from backend.staff import service as staff
from backend.staff.schemas import NewPerson
from push.message import Message
from tests.plugin.world import World

LI, WANG = UUID(int=71), UUID(int=72)
LI_ADDRESS = f"staff:{LI}"


class Phone:
    """A phone on duty: an open screen that answers what it hears, as long as it is awake."""

    def __init__(self, world: World, client: httpx.AsyncClient, staff_id: UUID) -> None:
        self.world, self.client, self.staff_id = world, client, staff_id
        self.heard: list[dict[str, Any]] = []

    async def says(self, **changes: Any) -> httpx.Response:
        grants = changes.pop("permissions", {})
        phone = {
            "at": self.world.clock.now().isoformat(),
            "deviceId": "phone",
            "permissions": {"notification": "granted", "location": "granted", "camera": "granted"}
            | grants,
            "batteryPct": 80,
            "version": "1",
            "current": True,
        } | changes
        position = phone.pop("position", None)
        body = {"phone": phone, "position": position}
        return await self.client.post("/api/field/heartbeat", json=body)

    async def answers(self, message_id: str) -> None:
        receipt = {
            "messageId": message_id,
            "kind": "delivered",
            "at": self.world.clock.now().isoformat(),
        }
        answer = await self.client.post("/api/receipts", json={"receipts": [receipt]})
        assert answer.status_code == 204


class Town:
    """Two people on duty, a lead at the desk, and what the outbox says to whom."""

    def __init__(self, world: World, stack: AsyncExitStack, lead: UUID) -> None:
        self.world, self._stack, self.lead = world, stack, lead
        self.reach = Reachability(world.ctx)

    async def phone(self, staff_id: UUID, name: str) -> Phone:
        person = NewPerson(
            id=staff_id, name=name, badge=f"G-{staff_id.int}", post="field", phone="13800000000"
        )
        await staff.register(person, actor="test", role="system", at=self.world.clock.now())
        await self.world.account("field", login=name, staff_id=staff_id)
        client = await self._stack.enter_async_context(self.world.client("field", login=name))
        found = Phone(self.world, client, staff_id)
        duty = await client.post(
            "/api/field/duty", json={"on": True, "deviceId": "phone", "reason": "t"}
        )
        assert duty.status_code == 200, duty.text
        return found

    async def said_to(self, address: str) -> list[Message]:
        rows = await self.world.operations.fetch(
            "SELECT body FROM message WHERE address = $1 ORDER BY created_at, id", address
        )
        return [msgspec.json.decode(row["body"], type=Message) for row in rows]

    async def tests_of(self, staff_id: UUID) -> list[Message]:
        said = await self.said_to(f"staff:{staff_id}")
        return [one for one in said if one.data["kind"] == "test"]

    async def lead_heard(self) -> list[str]:
        return [one.title for one in await self.said_to(f"account:{self.lead}")]

    async def after(self, seconds: float) -> None:
        self.world.clock.forward(seconds=seconds)
        await self.reach.sweep()


@pytest.fixture
async def town(world: World) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield Town(world, stack, await world.account("desk_lead", login="lead"))


async def test_a_shift_begins_with_one_test_however_many_nodes_look(town: Town) -> None:
    li = await town.phone(LI, "li")
    for node in (town.reach, Reachability(town.world.ctx)):
        await node.sweep()
    (test,) = await town.tests_of(LI)
    assert test.data["quiet"] is True
    only = await town.world.operations.fetch_value("SELECT only_doors FROM message")
    assert not {"sms", "voice"} & set(only)  # nobody's telephone rings for it
    await li.answers(str(test.id))
    (trial,) = await reach.trials_of(LI, since=town.world.clock.now(), at_most=9)
    assert (trial.why, trial.answered_at) == ("start", town.world.clock.now())


async def test_a_test_comes_every_four_hours_and_once_on_two_nodes(town: Town) -> None:
    await town.phone(LI, "li")
    other = Reachability(town.world.ctx)
    for _ in range(3):
        await town.after(4 * 3600)
        await other.sweep()
    assert len(await town.tests_of(LI)) == 4
    await town.after(60)
    assert len(await town.tests_of(LI)) == 4


async def test_tests_of_a_night_without_a_server_are_not_made_up_for(town: Town) -> None:
    await town.phone(LI, "li")
    await town.after(20 * 3600)
    assert len(await town.tests_of(LI)) == 2


async def test_the_same_phone_on_duty_again_is_not_tested_twice_another_one_is(town: Town) -> None:
    li = await town.phone(LI, "li")
    await li.client.post("/api/field/duty", json={"on": True, "deviceId": "phone"})
    assert len(await town.tests_of(LI)) == 1
    await li.client.post("/api/field/duty", json={"on": True, "deviceId": "spare"})
    assert len(await town.tests_of(LI)) == 2


async def test_who_misses_a_test_is_left_out_and_lead_and_person_are_told_once(
    town: Town,
) -> None:
    li = await town.phone(LI, "li")
    await town.after(80)
    assert await reach.unreachable() == {}
    await town.after(60)
    await town.after(10)
    assert (await reach.unreachable())[LI].why == "test_missed"
    assert await town.lead_heard() == ["联系不上：li（G-71）"]
    warnings = [one for one in await town.said_to(LI_ADDRESS) if one.data["kind"] == "lost"]
    assert len(warnings) == 1
    assert "li" not in warnings[0].lock_title
    board = await li.client.get("/api/field/reach")
    assert board.json()["person"]["lost"]["why"] == "test_missed"


async def test_the_first_receipt_brings_somebody_back_at_once(town: Town) -> None:
    li = await town.phone(LI, "li")
    await town.after(200)
    assert LI in await reach.unreachable()
    warning = (await town.said_to(LI_ADDRESS))[-1]
    await li.answers(str(warning.id))
    assert await reach.unreachable() == {}
    assert (await town.lead_heard())[-1] == "已恢复：li（G-71）"
    await town.after(10)
    assert await reach.unreachable() == {}
    assert [(one.reachable, one.why) for one in await reach.changes_of(LI)] == [
        (True, "receipt"),
        (False, "test_missed"),
    ]


async def test_a_receipt_that_comes_late_still_answers_its_test(town: Town) -> None:
    li = await town.phone(LI, "li")
    (test,) = await town.tests_of(LI)
    await town.after(500)
    await li.answers(str(test.id))
    await town.after(10)
    assert await reach.unreachable() == {}


async def test_who_goes_off_duty_is_neither_tested_nor_lost(town: Town) -> None:
    li = await town.phone(LI, "li")
    await town.after(200)
    await li.client.post("/api/field/duty", json={"on": False, "deviceId": "phone"})
    await town.after(5 * 3600)
    assert await reach.unreachable() == {}
    assert len(await town.tests_of(LI)) == 1
    assert len(await town.lead_heard()) == 1  # nobody is told that somebody went home


async def test_a_number_under_the_threshold_leaves_somebody_out(town: Town) -> None:
    li = await town.phone(LI, "li")
    (test,) = await town.tests_of(LI)
    await li.answers(str(test.id))
    await reach.set_plan(
        LI, Plan(every_s=None), actor=WANG, role="manager", at=town.world.clock.now()
    )
    denied = {"notification": "denied", "location": "denied", "camera": "denied"}
    assert (await li.says(permissions=denied, batteryPct=3)).status_code == 204
    await town.after(600)
    assert await reach.unreachable() == {}  # the receipt is fresh: that proves more
    await town.after(13 * 3600)
    assert (await reach.unreachable())[LI].why == "below_threshold"


async def test_a_report_said_offline_changes_nothing_when_a_newer_one_is_known(town: Town) -> None:
    li = await town.phone(LI, "li")
    early = town.world.clock.now().isoformat()
    town.world.clock.forward(seconds=60)
    await li.says(batteryPct=50)
    await li.says(batteryPct=90, at=early)
    kept = (await reach.known_of([LI]))[LI].report
    assert kept is not None
    assert kept.battery_pct == 50


async def test_only_the_phone_on_duty_speaks_for_the_person(town: Town) -> None:
    li = await town.phone(LI, "li")
    await li.says(deviceId="tablet", batteryPct=5)
    assert (await reach.known_of([LI]))[LI].report is None
    await li.client.post("/api/field/duty", json={"on": False, "deviceId": "phone"})
    assert (await li.says()).status_code == 409


async def test_a_heartbeat_carries_the_position_too(town: Town) -> None:
    li = await town.phone(LI, "li")
    at = town.world.clock.now().isoformat()
    here = {"lat": 31.3, "lon": 120.6, "accuracyM": 9, "at": at}
    assert (await li.says(position=here)).status_code == 204
    person = await staff.person_of(LI, town.world.clock.now())
    assert person is not None
    assert (person.lat, person.accuracy_m) == (31.3, 9)


async def test_the_board_shows_the_worst_first_and_what_each_part_is_worth(town: Town) -> None:
    await town.phone(LI, "li")
    wang = await town.phone(WANG, "wang")
    (test,) = await town.tests_of(WANG)
    await wang.answers(str(test.id))
    await town.after(200)
    async with town.world.client("desk_lead", login="lead") as lead:
        board = (await lead.get("/api/reach")).json()
        names = [one["name"] for one in board["people"]]
        assert names == ["li", "wang"]
        assert board["people"][0]["lost"]["why"] == "test_missed"
        for one in board["people"]:
            assert one["number"] == sum(part["points"] for part in one["parts"])
        detail = (await lead.get(f"/api/reach/{LI}")).json()
        assert detail["trials"][0]["missedAt"]
    assert (await wang.client.get("/api/reach")).status_code == 403


async def test_the_desk_may_ask_for_a_test_now(town: Town) -> None:
    li = await town.phone(LI, "li")
    (first,) = await town.tests_of(LI)
    async with town.world.client("desk_lead", login="lead") as lead:
        assert (await lead.post(f"/api/reach/{LI}/test")).status_code == 202
    second = (await town.tests_of(LI))[-1]
    await town.after(95)
    assert (await reach.trials_of(LI, since=first.sent_at, at_most=9))[-1].missed_at is None
    await li.answers(str(second.id))
    await town.after(100)
    assert await reach.unreachable() == {}


async def test_the_plan_of_one_person_is_theirs_and_is_audited(town: Town) -> None:
    await town.phone(LI, "li")
    plan = {"everyS": 3600, "atStart": True, "sound": "day"}
    async with town.world.client("desk_lead", login="lead") as lead:
        wrong = await lead.post(f"/api/reach/{LI}/plan", json={"plan": {**plan, "everyS": 5}})
        assert wrong.status_code == 400
        right = await lead.post(f"/api/reach/{LI}/plan", json={"plan": plan})
        assert right.status_code == 204
        detail = (await lead.get(f"/api/reach/{LI}")).json()
        assert (detail["plan"], detail["ownPlan"]) == (plan, True)
    rows = await town.world.operations.fetch(
        "SELECT subject FROM audit_entry WHERE action = 'reach.plan_set'"
    )
    assert [row["subject"] for row in rows] == [str(LI)]
    await town.after(3600)
    second = (await town.tests_of(LI))[-1]
    assert second.data["quiet"] is False  # 17:00 in the area, and they want to hear it


async def test_a_receipt_of_somebody_else_answers_nothing(town: Town) -> None:
    await town.phone(LI, "li")
    wang = await town.phone(WANG, "wang")
    (test,) = await town.tests_of(LI)
    await wang.answers(str(test.id))
    await town.after(200)
    assert LI in await reach.unreachable()
