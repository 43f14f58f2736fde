"""During a maintenance window or a test session readings are kept and raise nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from backend.devices.register import Register
from backend.sensing.rules import RuleBook, defaults
from backend.sensing.store import Store
from tests.edge import detectors
from tests.edge.detectors import message, outbox, plant
from tests.plugin.world import World

MINUTE = timedelta(minutes=1)


async def pause(world: World, flag: str = "maintenance", after_min: int = 0, **of: object) -> None:
    begins = world.clock.now() + after_min * MINUTE
    [(column, value)] = of.items()
    await world.operations.execute(
        f"INSERT INTO pause (flag, {column}, begins_at, ends_at, reason, by_account, by_name,"
        " made_at) VALUES ($1, $2, $3, $4, '换电池', $5, '李工', $3)",
        flag, value, begins, begins + 30 * MINUTE, uuid4(),
    )  # fmt: skip


async def store_of(world: World) -> Store:
    register = Register(clock=world.clock)
    made = Store(register, RuleBook(defaults()), world.clock, "test")
    await made.start()
    return made


async def flags(world: World) -> list[list[str]]:
    rows = await world.telemetry.fetch("SELECT flags FROM reading ORDER BY received_at")
    return [list(row["flags"]) for row in rows]


@pytest.mark.parametrize(
    "of",
    [{"detector_id": detectors.detector_id(0)}, {"building_id": detectors.BUILDING},
     {"gateway": "zigbee2mqtt"}],
    ids=["detector", "building", "gateway"],
)  # fmt: skip
async def test_a_reading_in_a_maintenance_window_is_stored_and_raises_nothing(
    world: World, of: dict[str, Any]
) -> None:
    await plant(world)
    await pause(world, **of)
    store = await store_of(world)
    await store.write([message(world, {"smoke": True})])
    assert await outbox(world) == []
    assert await flags(world) == [["alarm", "maintenance"]]


async def test_a_window_begins_and_ends_by_itself(world: World) -> None:
    await plant(world)
    store = await store_of(world)
    await pause(world, after_min=10, detector_id=detectors.detector_id(0))
    await store.write([message(world, {"smoke": False})])
    world.clock.forward(minutes=11)
    await store.write([message(world, {"smoke": True})])
    assert await outbox(world, "raised") == []
    world.clock.forward(minutes=30)
    await store.write([message(world, {"smoke": True})])
    assert await outbox(world, "raised") == ["raised"]
    assert await flags(world) == [[], ["alarm", "maintenance"], ["alarm"]]


async def test_who_said_alarm_last_in_a_window_and_then_no_more_raises_at_its_end(
    world: World,
) -> None:
    await plant(world, 2)
    store = await store_of(world)
    await pause(world, building_id=detectors.BUILDING)
    smoke, clean = ({"smoke": True}, {"smoke": False})
    for says, n in ((smoke, 0), (smoke, 1), (clean, 1)):
        world.clock.forward(seconds=5)
        await store.write([message(world, says, f"zigbee2mqtt/d{n}")])
    world.clock.forward(minutes=29)
    await store.elapse()
    assert await outbox(world) == []
    world.clock.forward(minutes=1)
    await store.elapse()
    assert await outbox(world) == ["raised"]


async def test_a_window_that_ends_early_lets_the_next_message_raise(world: World) -> None:
    await plant(world)
    store = await store_of(world)
    await pause(world, detector_id=detectors.detector_id(0))
    await store.write([message(world, {"smoke": True})])
    await world.operations.execute("UPDATE pause SET ends_at = $1", world.clock.now() + MINUTE)
    world.clock.forward(minutes=2)
    store = await store_of(world)
    await store.write([message(world, {"smoke": True})])
    assert await outbox(world) == ["raised"]


@pytest.mark.clause("5.1.2.1-d")
async def test_a_test_button_in_a_session_is_seen_and_counts_for_nothing(world: World) -> None:
    await plant(world, 2)
    await pause(world, "test", detector_id=detectors.detector_id(0))
    await pause(world, "maintenance", building_id=detectors.BUILDING)
    store = await store_of(world)
    pressed = [message(world, {"smoke": True}, f"zigbee2mqtt/d{n}") for n in range(2)]
    await store.write(pressed)
    assert await flags(world) == [["alarm", "test"], ["alarm", "maintenance"]]
    assert await outbox(world) == []
