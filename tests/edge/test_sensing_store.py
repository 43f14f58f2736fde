"""A batch of messages in the database: once, whole, and nothing lost without a word."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from backend.devices import service as devices
from backend.sensing import service as sensing
from backend.sensing.deliveries import Superseded
from backend.sensing.rules import RuleBook, defaults
from backend.shared.db import OPERATIONS
from tests.edge import detectors
from tests.edge.detectors import count, message, outbox, plant, store_of
from tests.plugin.world import World


async def test_an_alarm_is_a_reading_a_state_and_an_outbox_row_in_one_transaction(
    world: World,
) -> None:
    await plant(world)
    store = await store_of(world)
    stored = await store.write([message(world, {"smoke": True, "smoke_density": 9})])
    assert (stored.readings, stored.signals) == (2, 1)
    async with sensing.take_alerts() as alerts:
        [alert] = alerts
    assert (alert.type, alert.kind, alert.quantity, alert.value) == ("raised", "smoke", "smoke", 1)
    assert alert.detector_id == detectors.detector_id(0)
    assert alert.flags == ("alarm",)
    assert alert.emitted_at == world.clock.now()
    assert UUID(alert.body["episode"]) == alert.alert_id
    found = {x.quantity: x for x in await sensing.latest([alert.detector_id], RuleBook(defaults()))}
    assert found["smoke"].alarming
    assert (found["smoke_density"].value, found["smoke_density"].alarming) == (9, False)
    series = await sensing.series([alert.detector_id], world.clock.now() - timedelta(hours=1))
    assert {(p.quantity, p.value) for p in series} == {("smoke_density", 9), ("smoke", 1)}


async def test_a_batch_that_fails_half_way_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plant(world)
    store = await store_of(world)

    async def fails(*_: Any) -> None:
        raise asyncpg.ConnectionDoesNotExistError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(type(world.telemetry), "notify", fails)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await store.write([message(world, {"smoke": True}, mid=1)])
    assert await count(world, "reading") == await count(world, "alert_outbox") == 0
    await store.write([message(world, {"smoke": True}, mid=1, dup=True)])
    assert (await count(world, "reading"), await outbox(world)) == (1, ["raised"])


async def test_a_redelivery_of_what_was_stored_counts_once_even_in_a_new_process(
    world: World,
) -> None:
    await plant(world)
    first = [message(world, {"smoke": True}, mid=n) for n in (7, 8)]
    await (await store_of(world)).write(first)
    again = [message(world, {"smoke": True}, mid=n, dup=True) for n in (7, 8)]
    stored = await (await store_of(world)).write([*again, message(world, {"smoke": True}, mid=9)])
    assert (stored.repeats, stored.readings) == (2, 1)
    assert await count(world, "reading") == 3
    assert await outbox(world) == ["raised"]


async def test_a_state_in_memory_that_somebody_else_has_changed_is_judged_anew(
    world: World,
) -> None:
    await plant(world)
    kept = await store_of(world, "kept", states_kept=10)
    await kept.write([message(world, {"smoke": True})])
    other = await store_of(world, "other")
    for _ in range(2):
        world.clock.forward(seconds=60)
        await other.write([message(world, {"smoke": False})])
    assert await outbox(world) == ["raised", "normal", "normal", "cleared"]
    await kept.write([message(world, {"smoke": True})])
    assert await outbox(world) == ["raised", "normal", "normal", "cleared", "raised"]
    assert await count(world, "reading") == 4


async def test_states_beyond_the_bound_are_read_anew(world: World) -> None:
    await plant(world, 3)
    store = await store_of(world, "small", states_kept=1)
    for _ in range(2):
        await store.write([message(world, {"smoke": True}, f"zigbee2mqtt/d{n}") for n in range(3)])
    assert len(store._held) == 1
    assert await outbox(world) == ["raised"] * 3


async def test_a_batch_whose_commit_was_not_answered_is_stored_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plant(world)
    store = await store_of(world, "doubt", states_kept=10)
    batch = [message(world, {"smoke_density": 5}, mid=1)]
    remember = store._deliveries.remember

    def dies(_packed: bytes) -> None:
        raise ConnectionResetError("the database died after its commit")

    with monkeypatch.context() as broken:
        broken.setattr(store._deliveries, "remember", dies)
        with pytest.raises(ConnectionResetError):
            await store.write(batch, b"token")
    assert store._deliveries.remember == remember
    assert (await store.write(batch, b"token", again=True)).repeats == 1
    assert await count(world, "reading") == 1


async def test_who_was_superseded_stores_nothing(world: World) -> None:
    await plant(world)
    old = await store_of(world, "lane")
    await store_of(world, "lane")
    with pytest.raises(Superseded):
        await old.write([message(world, {"smoke": True}, mid=1)])
    assert await count(world, "reading") == 0
    await old.start()
    await old.write([message(world, {"smoke": True}, mid=1)])
    assert await count(world, "reading") == 1


async def test_another_message_under_an_old_packet_id_is_stored(world: World) -> None:
    await plant(world)
    store = await store_of(world)
    await store.write([message(world, {"smoke": False}, mid=7)])
    stored = await store.write([message(world, {"smoke": True}, mid=7, dup=True)])
    assert (stored.repeats, stored.readings) == (0, 1)


async def test_the_same_device_timed_reading_sent_twice_counts_once_in_any_order(
    world: World,
) -> None:
    await plant(world)
    store = await store_of(world)
    now = world.clock.now()
    one, two = (
        message(world, {"smoke_density": n}, seen=now + timedelta(seconds=n)) for n in (1, 2)
    )
    await store.write([one, one, two])
    await store.write([one, two])
    await store.write([two, one])
    assert await detectors.stored_values(world, "smoke_density") == [1, 2]


async def test_an_unknown_device_is_kept_raw_and_is_one_ticket_a_day(world: World) -> None:
    store = await store_of(world)
    for _ in range(3):
        await store.write([message(world, {"smoke": True}, "zigbee2mqtt/nobody")] * 2)
    assert await count(world, "raw_message") == 6
    assert await outbox(world) == ["ticket"]
    assert await count(world, "reading") == 0
    world.clock.forward(days=1)
    await store.write([message(world, {"smoke": True}, "zigbee2mqtt/nobody")])
    assert await outbox(world) == ["ticket", "ticket"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff\x00\x01", "not-utf8"),
        (b"[" * 30_000, "too-deep"),
        (b"x" * 200_000, "too-big"),
        (b'{"smoke": "\\u0000"}', "bad-value"),
    ],
)
async def test_what_cannot_be_decoded_is_kept_byte_for_byte_with_its_reason(
    world: World, payload: bytes, reason: str
) -> None:
    await plant(world)
    await (await store_of(world)).write([message(world, payload)])
    row = await world.telemetry.fetch_one("SELECT payload, reason FROM raw_message")
    assert row is not None
    assert (row["payload"], row["reason"]) == (payload, reason)
    assert await outbox(world) == ["ticket"]


async def test_a_topic_nobody_speaks_is_kept_and_ticketed(world: World) -> None:
    await (await store_of(world)).write([message(world, b"?", "tele/x/SENSOR")])
    assert await world.telemetry.fetch_value("SELECT reason FROM raw_message") == "no-adapter"


async def test_a_ticket_row_opens_one_ticket_however_often_it_is_taken(world: World) -> None:
    await plant(world)
    await (await store_of(world)).write([message(world, {"battery": 4, "battery_low": True})])

    async def open_and_die() -> None:
        async with sensing.take_alerts() as alerts:
            [alert] = alerts
            body = alert.body
            await devices.open_ticket(
                source=alert.alert_id,
                kind=body["kind"],
                address=body["address"],
                reason=body["reason"],
                detail=body["detail"],
                opened_at=alert.emitted_at,
                detector_id=alert.detector_id,
            )
            raise RuntimeError("the worker dies before it is marked")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await open_and_die()
    [ticket] = await devices.tickets()
    assert (ticket.kind, ticket.times, ticket.label) == ("battery", 1, "烟感 0")


@pytest.mark.parametrize(
    ("topic", "payload", "kind"),
    [
        ("zigbee2mqtt/bridge/state", {"state": "offline"}, "bridge-offline"),
        ("zigbee2mqtt/d0", {"smoke": False, "tamper": True}, "tamper"),
        ("zigbee2mqtt/d0", {"battery": 14}, "battery"),
    ],
)
async def test_what_a_technician_must_see_to_is_a_ticket_and_no_alert(
    world: World, topic: str, payload: object, kind: str
) -> None:
    await plant(world)
    await (await store_of(world)).write([message(world, payload, topic)])
    async with sensing.take_alerts() as alerts:
        assert [(a.type, a.body["kind"]) for a in alerts] == [("ticket", kind)]


async def test_alerts_that_were_taken_do_not_come_again(world: World) -> None:
    await plant(world)
    await (await store_of(world)).write([message(world, {"smoke": True})])
    async with sensing.take_alerts() as first:
        assert len(first) == 1
    async with sensing.take_alerts() as second:
        assert second == []


async def test_time_alone_raises_gas_and_clears_smoke(world: World) -> None:
    await plant(world, 2)
    store = await store_of(world)
    await store.write([message(world, {"gas": True}, "zigbee2mqtt/d1")])
    await store.write([message(world, {"smoke": True})])
    for _ in range(2):
        world.clock.forward(seconds=1)
        await store.write([message(world, {"smoke": False})])
    assert await outbox(world) == ["raised", "normal", "normal"]
    world.clock.forward(seconds=8)
    await (await store_of(world)).elapse()
    assert await outbox(world, "raised") == ["raised", "raised"]
    world.clock.forward(seconds=60)
    assert await store.elapse() == 1
    assert await store.elapse() == 0
    assert await outbox(world, "cleared") == ["cleared"]


async def test_a_retained_alarm_after_a_restart_raises_nothing_new(world: World) -> None:
    await plant(world)
    now = world.clock.now()
    await (await store_of(world)).write([message(world, {"smoke": True}, seen=now)])
    world.clock.forward(seconds=5)
    again = message(world, {"smoke": True}, seen=now, retained=True)
    await (await store_of(world)).write([again])
    untimed = message(world, {"smoke": True}, retained=True)
    await (await store_of(world)).write([untimed])
    assert await outbox(world) == ["raised"]


async def test_a_detector_registered_later_is_known_within_seconds(world: World) -> None:
    store = await store_of(world)
    register = devices.Register(retry_s=0)
    store = type(store)(register, RuleBook(defaults()), world.clock, "test")
    await store.write([message(world, {"smoke": False})])
    await plant(world)
    await store.write([message(world, {"smoke": False})])
    assert await count(world, "reading") == 1


async def test_a_change_of_the_register_reaches_its_cache(world: World) -> None:
    await plant(world)
    listener = world.ctx.operations_listener
    register = devices.Register(listener, retry_s=3600)
    changed = listener.event("devices")
    await listener.start()
    try:
        await changed.wait(5)
        assert await register.find({"zigbee2mqtt/d0"})
        await OPERATIONS.execute("UPDATE detector SET state = 'retired'")
        assert await changed.wait(5)
        assert await register.find({"zigbee2mqtt/d0"}) == {}
    finally:
        await listener.stop()


async def test_readings_go_into_the_partition_of_their_day(world: World) -> None:
    await plant(world)
    store = await store_of(world)
    await store.write([message(world, {"smoke": False})])
    day = f"reading_{world.clock.now():%Y%m%d}"
    assert await world.telemetry.fetch_value("SELECT tableoid::regclass::text FROM reading") == day


async def test_a_place_is_told_to_the_door(world: World) -> None:
    await plant(world, 2)
    place = await devices.place_of(detectors.detector_id(0))
    assert place.address == "平江路 12号 潘宅 东厢"
    assert (place.floor, place.room) == ("1", "101")
    assert place.lane_width_m == pytest.approx(2.4)
    assert place.household_id == detectors.HOUSEHOLD
    near = await devices.detectors_near(detectors.BUILDING)
    assert [d.label for d in near] == ["烟感 0", "烟感 1"]
    assert await devices.detectors_of([detectors.detector_id(1), UUID(int=5)]) == near[1:]


async def test_the_map_is_sent_once_while_it_is_unchanged(world: World) -> None:
    await world.operations.execute(
        "INSERT INTO area (name, geojson, etag) VALUES ('a', $1, 'e1')",
        {"type": "FeatureCollection", "features": []},
    )
    async with world.client() as stranger:
        assert (await stranger.get("/api/map")).status_code == 401
    async with world.client("field") as client:
        first = await client.get("/api/map")
        assert first.json() == {"type": "FeatureCollection", "features": []}
        again = await client.get("/api/map", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.get("/api/tickets")).status_code == 403
    async with world.client("technician") as client:
        assert (await client.get("/api/tickets")).json() == []
