"""Duty and position: refusals first."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from backend.shared.ids import uuid7
from backend.staff import service
from backend.staff.duty import DutyRules
from backend.staff.problems import FixFromFuture, NotOnDuty
from backend.staff.schemas import Fix, NewPerson
from tests.plugin.shifts import always_on
from tests.plugin.world import World

LI = UUID(int=71)


async def registered(world: World, person_id: UUID = LI, **more: Any) -> UUID:
    person = NewPerson(
        **{
            "id": person_id,
            "name": "李明",
            "badge": f"G-{person_id.int % 1000}",
            "post": "field",
            "phone": "13800000000",
            "qualified_from": date(2020, 1, 1),
            **more,
        }
    )
    await service.register(person, actor="test", role="system", at=world.clock.now())
    await always_on(person_id, at=world.clock.now())
    return person_id


def fix(world: World, *, ago_s: float = 0, lat: float = 31.3, lon: float = 120.6) -> Fix:
    at = world.clock.now() - timedelta(seconds=ago_s)
    return Fix(lat=lat, lon=lon, accuracy_m=8, at=at, battery_pct=80)


async def on_duty(world: World, person_id: UUID = LI, device_id: str = "phone") -> None:
    await service.set_duty(
        person_id, on=True, device_id=device_id, actor="t", role="field", now=world.clock.now()
    )


def sent(world: World, **changed: Any) -> dict[str, Any]:
    at = world.clock.now().isoformat()
    body = {"lat": 31.3, "lon": 120.6, "accuracyM": 8, "at": at, "batteryPct": 80}
    return body | changed


@pytest.mark.parametrize("role", ["desk", "office", "technician", "system_admin", None])
async def test_only_field_staff_go_on_duty_and_send_positions(
    world: World, role: str | None
) -> None:
    async with world.client(role) as client:
        duty = await client.post("/api/field/duty", json={"on": True, "deviceId": "x"})
        position = await client.post("/api/field/position", json=sent(world))
    expected = 401 if role is None else 403
    assert duty.status_code == position.status_code == expected


async def test_an_account_without_a_staff_record_has_no_duty(world: World) -> None:
    async with world.client("field") as client:
        answer = await client.post("/api/field/duty", json={"on": True, "deviceId": "x"})
        assert answer.json()["type"] == "urn:jiean:problem:no-staff-record"
    async with world.client("field", login="ghost", staff_id=uuid7()) as client:
        answer = await client.post("/api/field/duty", json={"on": True, "deviceId": "x"})
        assert answer.json()["type"] == "urn:jiean:problem:no-staff-record"


@pytest.mark.parametrize(
    "wrong",
    [
        {"lat": 91},
        {"lat": "north"},
        {"lon": -181},
        {"accuracyM": -1},
        {"batteryPct": 101},
        {"at": "2026-03-02T08:00:00"},
        {"at": "yesterday"},
        {"speed": 3},
        {"lat": None},
    ],
)
async def test_a_position_out_of_bounds_is_malformed(world: World, wrong: dict[str, Any]) -> None:
    await registered(world)
    await on_duty(world)
    async with world.client("field", staff_id=LI) as client:
        answer = await client.post("/api/field/position", json=sent(world, **wrong))
    assert answer.status_code == 400
    assert (await service.on_duty_people(world.clock.now()))[0].at is None


async def test_off_duty_nobody_is_followed(world: World) -> None:
    await registered(world)
    async with world.client("field", staff_id=LI) as client:
        answer = await client.post("/api/field/position", json=sent(world))
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:jiean:problem:not-on-duty"
        await on_duty(world)
        assert (await client.post("/api/field/position", json=sent(world))).status_code == 204
        off = await client.post("/api/field/duty", json={"on": False, "deviceId": "phone"})
        assert (off.json()["on"], off.json()["since"]) == (False, None)
    assert await world.operations.fetch_value("SELECT count(*) FROM position") == 0


async def test_who_came_on_early_is_on_shift_from_as_early_as_the_roster_allows(
    world: World,
) -> None:
    await registered(world)
    now = world.clock.now()
    begins, ends = now + timedelta(minutes=80), now + timedelta(hours=9)
    await world.operations.execute("UPDATE shift SET from_at = $1, until_at = $2", begins, ends)
    rules = DutyRules(early_min=90)
    await service.set_duty(
        LI, on=True, device_id="phone", actor="t", role="field", now=now, rules=rules
    )
    for minutes, on_shift in ((30, False), (90, True)):
        (person,) = await service.on_duty_people(now, early=timedelta(minutes=minutes))
        assert person.on_shift is on_shift


async def test_a_position_from_the_future_is_refused_and_a_fast_clock_is_cut(world: World) -> None:
    await registered(world)
    await on_duty(world)
    with pytest.raises(FixFromFuture):
        await service.save_position(LI, fix(world, ago_s=-601), now=world.clock.now())
    assert await service.save_position(LI, fix(world, ago_s=-599), now=world.clock.now())
    (person,) = await service.on_duty_people(world.clock.now())
    assert person.at == world.clock.now()


async def test_an_older_position_changes_nothing(world: World) -> None:
    await registered(world)
    await on_duty(world)
    now = world.clock.now()
    assert await service.save_position(LI, fix(world, ago_s=10, lat=31.1), now=now)
    assert not await service.save_position(LI, fix(world, ago_s=20, lat=31.2), now=now)
    assert not await service.save_position(LI, fix(world, ago_s=10, lat=31.3), now=now)
    assert (await service.on_duty_people(now))[0].lat == 31.1
    assert await service.save_position(LI, fix(world, ago_s=9, lat=31.4), now=now)
    assert (await service.on_duty_people(now))[0].lat == 31.4


async def test_an_unknown_person_has_no_position(world: World) -> None:
    with pytest.raises(NotOnDuty):
        await service.save_position(uuid7(), fix(world), now=world.clock.now())


async def test_a_phone_whose_clock_is_wrong_keeps_nobody_off_duty(world: World) -> None:
    await registered(world)
    duty = await service.set_duty(
        LI,
        on=True,
        device_id="phone",
        position=fix(world, ago_s=-3600),
        actor="t",
        role="field",
        now=world.clock.now(),
    )
    assert duty.on
    (person,) = await service.on_duty_people(world.clock.now())
    assert person.at is None


async def test_going_on_duty_twice_keeps_the_first_hour_and_the_last_phone(world: World) -> None:
    await registered(world)
    await on_duty(world)
    start = world.clock.now()
    world.clock.forward(minutes=30)
    await on_duty(world)
    await on_duty(world, device_id="another")
    assert (await service.duty_of(LI)).since == start
    rows = await world.operations.fetch("SELECT action FROM audit_entry WHERE action LIKE '%duty%'")
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("begins", "ends", "qualified"),
    [
        (None, None, False),
        (None, date(2030, 1, 1), False),
        (date(2020, 1, 1), None, True),
        (date(2026, 3, 3), None, False),
        (date(2020, 1, 1), date(2026, 3, 1), False),
        (date(2026, 3, 2), date(2026, 3, 2), True),
    ],
)
async def test_qualified_is_what_the_certificate_says_today(
    world: World, begins: date | None, ends: date | None, qualified: bool
) -> None:
    await registered(world, qualified_from=begins, qualified_until=ends)
    await on_duty(world)
    (person,) = await service.on_duty_people(world.clock.now())
    assert person.qualified is qualified


async def test_today_is_the_day_in_suzhou(world: World) -> None:
    await registered(world, qualified_from=date(2026, 3, 3))
    await on_duty(world)
    world.clock.forward(hours=7, minutes=59)
    assert not (await service.on_duty_people(world.clock.now()))[0].qualified
    world.clock.forward(minutes=1)
    assert (await service.on_duty_people(world.clock.now()))[0].qualified


async def test_only_those_on_duty_are_listed_with_all_that_dispatch_needs(world: World) -> None:
    await registered(world, post_lat=31.31, post_lon=120.63)
    await registered(world, UUID(int=72), name="王芳")
    await on_duty(world)
    now = world.clock.now()
    await service.save_position(LI, fix(world), now=now)
    await service.receipt_came(LI, uuid7(), door=None, at=now)
    (person,) = await service.on_duty_people(now)
    assert (person.person_id, person.name, person.badge) == (LI, "李明", "G-71")
    assert (person.lat, person.lon, person.accuracy_m, person.at) == (31.3, 120.6, 8, now)
    assert (person.post_lat, person.post_lon, person.battery_pct) == (31.31, 120.63, 80)
    assert (person.on_since, person.last_receipt_at) == (now, now)


async def test_only_a_receipt_of_the_test_message_opens_a_door(world: World) -> None:
    await registered(world)
    test, now = uuid7(), world.clock.now()
    await service.test_sent(LI, test, at=now)
    await service.receipt_came(LI, uuid7(), door="live", at=now)
    assert not (await service.reach_of(LI)).live_ok
    await service.receipt_came(LI, test, door="live", at=now)
    await service.receipt_came(LI, test, door="push", at=now - timedelta(minutes=1))
    reach = await service.reach_of(LI)
    assert (reach.live_ok, reach.push_ok, reach.last_receipt_at) == (True, True, now)
    await service.test_sent(LI, uuid7(), at=now)
    reach = await service.reach_of(LI)
    assert (reach.live_ok, reach.push_ok, reach.last_receipt_at) == (False, False, now)
