"""为什么没收到 over HTTP: one's own, everybody's masked, dead letters and providers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from backend.messages import ledger, service, upkeep
from backend.messages.carrier import Carrier
from backend.shared.ids import uuid7
from backend.staff import service as staff
from backend.staff.schemas import NewPerson
from push.message import Message, Urgency
from push.port import Outcome, Reach, Result
from tests.plugin.world import World
from tests.push.world import a_message
from tests.shell.test_messages_carrier import FakeDoor, browser_of, idle

LI, WANG = UUID(int=71), UUID(int=72)
ROOF = "烟雾·紧急 平江路 12 号"


class Town:
    """Two people, a technician, and one provider that does what it is told."""

    def __init__(self, world: World, stack: AsyncExitStack) -> None:
        self.world, self._stack = world, stack
        self.push = FakeDoor("webpush")
        self.carrier = Carrier(world.ctx, (world.ctx.live, self.push))

    async def person(self, staff_id: UUID, name: str) -> httpx.AsyncClient:
        now = self.world.clock.now()
        person = NewPerson(
            id=staff_id, name=name, badge=f"G-{staff_id.int}", post="field", phone=""
        )
        await staff.register(person, actor="test", role="system", at=now)
        await self.world.account("field", login=name, staff_id=staff_id)
        return await self.client("field", login=name)

    async def client(self, role: str, **more: Any) -> httpx.AsyncClient:
        return await self._stack.enter_async_context(self.world.client(role, **more))

    async def say(self, staff_id: UUID, **changes: Any) -> Message:
        given = {
            "id": uuid7(),
            "sent_at": self.world.clock.now(),
            "collapse_key": "",
            "title": ROOF,
            "lock_title": "烟雾警情·紧急",
            "urgency": Urgency.EMERGENCY,
            "actions": (),
        }
        message = a_message(**(given | changes))
        await service.enqueue(message, f"staff:{staff_id}", incident_id=None)
        return message

    async def dead(self, staff_id: UUID) -> Message:
        """A message that no door ever took."""
        message = await self.say(staff_id)
        await idle(self.carrier)
        self.world.clock.forward(seconds=message.ttl_s + 1)
        await idle(self.carrier)
        return message


@pytest.fixture
async def town(world: World) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield Town(world, stack)


async def audited(world: World) -> list[str]:
    rows = await world.operations.fetch("SELECT action FROM audit_entry ORDER BY id")
    return [row["action"] for row in rows if row["action"].startswith("messages.")]


async def test_everybody_sees_what_was_said_to_themselves_and_nobody_elses(town: Town) -> None:
    li, wang = await town.person(LI, "li"), await town.person(WANG, "wang")
    await town.dead(LI)
    (line,) = (await li.get("/api/my/messages")).json()
    assert line["title"] == ROOF
    assert line["cause"]["code"] == "off_duty"
    assert line["rungs"][0]["steps"][0]["said"]["zh"] == "应用没有打开"
    assert {one["skipped"] for one in line["rungs"][1:]} == {"not_opened", "no_address"}
    assert (await wang.get("/api/my/messages")).json() == []
    assert (await wang.get("/api/messages")).status_code == 403


async def test_a_token_that_its_provider_gave_up_is_the_cause(town: Town) -> None:
    li = await town.person(LI, "li")
    await browser_of(town.world, f"staff:{LI}")
    town.push.result = Result(Outcome.FORGET_DEVICE, None, "410")
    await town.dead(LI)
    (line,) = (await li.get("/api/my/messages")).json()
    assert line["cause"]["code"] == "token_gone"


async def test_the_technician_sees_all_masked_until_they_say_why(town: Town) -> None:
    await town.person(LI, "li")
    message = await town.dead(LI)
    technician = await town.client("technician")
    (line,) = (await technician.get("/api/messages?failed=true")).json()
    assert (line["masked"], line["title"], line["to"]) == (True, "烟雾警情·紧急", "G-71")
    assert ROOF not in (await technician.get(f"/api/messages?staff={LI}")).text
    answer = await technician.post(f"/api/messages/{message.id}/look", json={"reason": "投诉"})
    assert (answer.json()["title"], answer.json()["to"]) == (ROOF, "li")
    assert (await audited(town.world))[-1] == "messages.looked_at"
    none = await technician.post(f"/api/messages/{uuid7()}/look", json={"reason": "x"})
    assert none.status_code == 404


async def test_a_dead_letter_is_sent_again_once_with_a_reason(town: Town) -> None:
    await town.person(LI, "li")
    message = await town.dead(LI)
    technician = await town.client("technician")
    (letter,) = (await technician.get("/api/dead-letters")).json()
    assert (letter["to"], letter["title"]) == ("G-71", "烟雾警情·紧急")
    assert letter["lastError"]["zh"]
    assert (await technician.get("/api/reach/counts")).json()["deadLetters"] == 1
    path = f"/api/dead-letters/{message.id}/again"
    assert (await technician.post(path, json={"reason": ""})).status_code == 400
    first = await technician.post(path, json={"reason": "换了手机"})
    second = await technician.post(path, json={"reason": "换了手机"})
    assert first.json() == second.json()
    assert (await technician.get("/api/reach/counts")).json()["deadLetters"] == 0
    assert (await audited(town.world)).count("messages.dead_letter_requeued") == 1


async def test_a_dead_letter_is_given_up_once_with_a_reason(town: Town) -> None:
    await town.person(LI, "li")
    message = await town.dead(LI)
    technician = await town.client("technician")
    path = f"/api/dead-letters/{message.id}/give-up"
    assert (await technician.post(path, json={"reason": "已电话告知"})).status_code == 204
    assert (await technician.post(path, json={"reason": "已电话告知"})).status_code == 404
    assert (await technician.get("/api/dead-letters")).json() == []
    assert (await audited(town.world))[-1] == "messages.dead_letter_given_up"
    again = await technician.post(f"/api/dead-letters/{message.id}/again", json={"reason": "x"})
    assert again.status_code == 404


async def failing_provider(town: Town) -> str:
    """A provider that said no until it was left alone; its name."""
    town.push.reach = Reach.INTERNET
    town.carrier = Carrier(town.world.ctx, (town.world.ctx.live, town.push))
    await town.person(LI, "li")
    await browser_of(town.world, f"staff:{LI}")
    town.push.result = Result(Outcome.RETRY, None, "503")
    for _ in range(6):
        await town.say(LI)
    await idle(town.carrier)
    (state,) = await ledger.providers(now=town.world.clock.now())
    return state.name


async def test_a_provider_that_is_left_alone_says_since_when_and_why(town: Town) -> None:
    name = await failing_provider(town)
    technician = await town.client("technician")
    (found,) = (await technician.get("/api/providers")).json()["providers"]
    assert (found["provider"], found["state"]) == (name, "open")
    assert found["lastError"]["zh"] == "服务商故障（503）"
    assert found["attempts"] >= 5
    assert found["taken"] == 0
    assert found["p99S"] >= found["p50S"] >= 0
    assert (await technician.get("/api/reach/counts")).json()["openBreakers"] == 1


async def test_somebody_may_let_the_next_message_through_at_once(town: Town) -> None:
    name = await failing_provider(town)
    knocked = len(town.push.sent)
    technician = await town.client("technician")
    assert (await technician.post(f"/api/providers/{name}/try")).status_code == 204
    assert (await audited(town.world))[-1] == "messages.provider_tried"
    (found,) = (await technician.get("/api/providers")).json()["providers"]
    assert found["state"] == "half_open"
    town.carrier.try_again(name)
    town.push.result = Result(Outcome.SENT, None, "201")
    await town.say(LI)
    await idle(town.carrier)
    assert len(town.push.sent) > knocked
    (found,) = (await technician.get("/api/providers")).json()["providers"]
    assert found["state"] == "closed"
    assert (await technician.post("/api/providers/nobody/try")).status_code == 404


async def test_who_only_works_at_the_desk_counts_but_does_not_look(town: Town) -> None:
    desk = await town.client("desk")
    assert (await desk.get("/api/reach/counts")).status_code == 200
    for path in ("/api/messages", "/api/dead-letters", "/api/providers"):
        assert (await desk.get(path)).status_code == 403


async def test_messages_older_than_two_days_are_not_shown(town: Town) -> None:
    li = await town.person(LI, "li")
    await town.dead(LI)
    town.world.clock.forward(seconds=timedelta(days=2).total_seconds())
    await town.world.login(li, "field", login="li")
    assert (await li.get("/api/my/messages")).json() == []
    assert await upkeep.recent(since=town.world.clock.now(), failed=False, at_most=9) == []
