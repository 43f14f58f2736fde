"""Receipts and subscriptions over HTTP, and the check that a duty starts."""

from datetime import date
from typing import Any
from uuid import UUID

from backend.messages import service
from backend.messages.carrier import Carrier
from backend.shared.ids import uuid7
from backend.staff import service as staff
from backend.staff.schemas import NewPerson
from tests.plugin.shifts import always_on
from tests.plugin.world import World
from tests.push.world import a_message

SUBSCRIPTION = {
    "endpoint": "https://push.example.invalid/1",
    "keys": {"p256dh": "B" * 87, "auth": "A" * 22},
    "deviceId": "phone-1",
}


async def a_person(world: World) -> UUID:
    person = NewPerson(
        id=uuid7(),
        name="王志明",
        badge="GS-012",
        post="field",
        phone="000",
        qualified_from=date(2020, 1, 1),
    )
    await staff.register(person, actor="test", role="test", at=world.clock.now())
    await always_on(person.id, at=world.clock.now())
    return person.id


async def subscriptions(world: World) -> list[dict[str, Any]]:
    rows = await world.operations.fetch("SELECT address, device_id, gone_at FROM subscription")
    return [dict(row) for row in rows]


async def test_a_duty_checks_the_phone_and_its_receipt_opens_the_door(world: World) -> None:
    person = await a_person(world)
    async with world.client("field", staff_id=person) as phone:
        answer = await phone.post("/api/field/duty", json={"on": True, "deviceId": "p"})
        assert answer.status_code == 200, answer.text
        before = await staff.reach_of(person)
        assert before.test_message_id is not None
        assert not before.live_ok
        await _shown_live(world, f"staff:{person}")
        receipt = {
            "messageId": str(before.test_message_id),
            "kind": "delivered",
            "at": "2026-03-02T08:00:01Z",
        }
        answer = await phone.post("/api/receipts", json={"receipts": [receipt]})
        assert answer.status_code == 204, answer.text
    after = await staff.reach_of(person)
    assert after.live_ok
    assert not after.push_ok
    assert after.last_receipt_at == world.clock.now()


async def test_a_test_message_says_so_and_replaces_the_one_before(world: World) -> None:
    person = await a_person(world)
    async with world.client("field", staff_id=person) as phone:
        for device in ("a", "b"):
            await phone.post("/api/field/duty", json={"on": True, "deviceId": device})
    rows = await world.operations.fetch(
        "SELECT body -> 'data' ->> 'kind' AS kind, body ->> 'lockTitle' AS title, ended"
        " FROM message ORDER BY ended NULLS LAST"
    )
    assert [tuple(row) for row in rows] == [
        ("test", "通信测试", "withdrawn"),
        ("test", "通信测试", None),
    ]


async def test_a_receipt_for_anothers_message_changes_nothing(world: World) -> None:
    message = a_message(id=uuid7(), sent_at=world.clock.now())
    await service.enqueue(message, "staff:somebody-else", incident_id=None)
    async with world.client("desk") as desk:
        receipt = {"messageId": str(message.id), "kind": "acted", "at": "2026-03-02T08:00:00Z"}
        answer = await desk.post("/api/receipts", json={"receipts": [receipt]})
        assert answer.status_code == 204
    assert await world.operations.fetch_value("SELECT count(*) FROM receipt") == 0


async def test_receipts_need_a_session_and_a_time_zone(world: World) -> None:
    receipt = {"messageId": str(uuid7()), "kind": "seen", "at": "2026-03-02T08:00:00"}
    async with world.client() as nobody:
        answer = await nobody.post("/api/receipts", json={"receipts": [receipt]})
        assert answer.status_code == 401
    async with world.client("desk") as desk:
        answer = await desk.post("/api/receipts", json={"receipts": [receipt]})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:jiean:problem:malformed")


async def test_a_browser_subscribes_once_and_it_is_audited_without_its_address(
    world: World,
) -> None:
    async with world.client("desk") as desk:
        key = (await desk.get("/api/push/key")).json()["key"]
        assert len(key) == 87
        for _ in range(2):
            answer = await desk.post("/api/push/subscriptions", json=SUBSCRIPTION)
            assert answer.status_code == 204, answer.text
        assert [each["gone_at"] for each in await subscriptions(world)] == [None]
        answer = await desk.request(
            "DELETE", "/api/push/subscriptions", json={"endpoint": SUBSCRIPTION["endpoint"]}
        )
        assert answer.status_code == 204
    assert (await subscriptions(world))[0]["gone_at"] is not None
    rows = await world.operations.fetch(
        "SELECT action, to_jsonb(audit_entry)::text AS whole FROM audit_entry"
        " WHERE action LIKE 'messages.%' ORDER BY id"
    )
    assert [row["action"] for row in rows] == [
        "messages.subscription_added",
        "messages.subscription_removed",
    ]
    assert not any("push.example" in row["whole"] for row in rows)


async def test_a_shared_phone_belongs_to_whoever_signed_in_last(world: World) -> None:
    for login in ("one", "two"):
        async with world.client("desk", login=login) as desk:
            await desk.post("/api/push/subscriptions", json=SUBSCRIPTION)
            mine = (await desk.get("/api/session")).json()["accountId"]
    assert [each["address"] for each in await subscriptions(world)] == [f"account:{mine}"]


async def test_nobody_unsubscribes_another_account(world: World) -> None:
    async with world.client("desk", login="one") as desk:
        await desk.post("/api/push/subscriptions", json=SUBSCRIPTION)
    async with world.client("desk", login="two") as other:
        await other.request(
            "DELETE", "/api/push/subscriptions", json={"endpoint": SUBSCRIPTION["endpoint"]}
        )
    assert (await subscriptions(world))[0]["gone_at"] is None


async def test_the_eleventh_browser_takes_the_place_of_the_oldest(world: World) -> None:
    async with world.client("desk") as desk:
        for n in range(11):
            world.clock.forward(seconds=1)
            changed = SUBSCRIPTION | {"endpoint": f"https://push.example.invalid/{n}"}
            await desk.post("/api/push/subscriptions", json=changed)
    gone = await world.operations.fetch(
        "SELECT endpoint FROM subscription WHERE gone_at IS NOT NULL"
    )
    assert [row["endpoint"] for row in gone] == ["https://push.example.invalid/0"]


async def _shown_live(world: World, address: str) -> None:
    """The carrier puts the waiting messages on an open screen."""

    async def write(_frame: str) -> None:
        pass

    async def close() -> None:
        pass

    async with world.ctx.live.connected(address, write, close):
        await Carrier(world.ctx, (world.ctx.live,)).step()
