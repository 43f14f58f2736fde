"""Silence is a fault and no alarm: told once, grouped when many, ended by the device itself."""

from datetime import timedelta

import pytest

from backend.devices import silences
from backend.devices.silences import Again
from backend.sensing import silence_watch
from backend.sensing.silence import Door
from backend.silence import Sweep
from backend.worker import Worker
from tests.edge.detectors import detector_id, message, plant, store_of
from tests.plugin.world import World

HOUR = 3600


class Ears:
    """A platform that listens while its clock is moved on."""

    def __init__(self, world: World) -> None:
        self.world, self.sweep = world, Sweep(world.ctx)

    async def look(self) -> None:
        await silence_watch.listening(Door.BROKER, self.world.clock.now())
        while await self.sweep.look():
            pass

    async def forward(self, hours: float) -> None:
        """The clock goes on and every door stays open."""
        self.world.clock.forward(hours=hours)
        await self.world.telemetry.execute("UPDATE ear SET last_at = $1", self.world.clock.now())
        await self.look()

    async def tickets(self) -> list[tuple[str, str | None, bool]]:
        rows = await self.world.operations.fetch(
            "SELECT kind, address, done_at, done_how FROM ticket ORDER BY opened_at, kind, address"
        )
        return [(row["kind"], row["address"], row["done_at"] is not None) for row in rows]

    async def state(self, number: int = 0) -> str:
        found: str = await self.world.operations.fetch_value(
            "SELECT state FROM detector WHERE id = $1", detector_id(number)
        )
        return found


@pytest.mark.clause("5.1.1.2-a")
async def test_a_detector_silent_for_two_and_a_half_intervals_is_a_fault_and_no_alarm(
    world: World,
) -> None:
    await plant(world)
    ears, store = Ears(world), await store_of(world)
    await ears.look()
    await store.write([message(world, {"smoke": False})])
    await ears.forward(2.4)
    assert await ears.tickets() == []
    await ears.forward(0.2)
    assert await ears.tickets() == [("offline", "zigbee2mqtt/d0", False)]
    assert await ears.state() == "faulty"
    await ears.forward(3)
    assert len(await ears.tickets()) == 1, "told once"
    assert await world.telemetry.fetch_value("SELECT count(*) FROM alert_outbox") == 0
    assert await world.operations.fetch_value("SELECT count(*) FROM incident") == 0

    await store.write([message(world, {"battery": 90})])
    await ears.look()
    assert await ears.tickets() == [("offline", "zigbee2mqtt/d0", True)]
    assert await ears.state() == "active"
    row = await world.operations.fetch_one("SELECT done_how, detail FROM ticket")
    assert row is not None
    assert row["done_how"] == "heard-again"
    assert f'"awayS": {5.6 * HOUR:.0f}' in row["detail"]


async def test_after_our_own_outage_everybody_has_the_whole_time_anew(world: World) -> None:
    await plant(world, 2)
    ears, store = Ears(world), await store_of(world)
    await ears.look()
    await store.write([message(world, {"smoke": False}, f"zigbee2mqtt/d{n}") for n in range(2)])
    world.clock.forward(hours=9)  # the broker is away: nobody says that it listens
    while await ears.sweep.look():
        pass
    assert await ears.tickets() == [], "while we are deaf nobody is silent"
    await ears.look()
    await ears.forward(2.4)
    assert await ears.tickets() == []
    await store.write([message(world, {"smoke": False})])
    await ears.forward(0.2)
    assert await ears.tickets() == [("offline", "zigbee2mqtt/d1", False)]


async def test_who_need_not_speak_is_not_watched(world: World) -> None:
    """Event-only, not yet or no longer in service, in maintenance, and just out of it."""
    await plant(world, 5)
    ears, now = Ears(world), world.clock.now()
    await ears.look()
    run = world.operations.execute
    await run("UPDATE detector SET event_only = true WHERE id = $1", detector_id(0))
    await run("UPDATE detector SET state = 'planned' WHERE id = $1", detector_id(1))
    await run("UPDATE detector SET state = 'retired' WHERE id = $1", detector_id(2))
    for number, hours in ((3, 9), (4, 2)):
        await run(
            "INSERT INTO pause (flag, detector_id, begins_at, ends_at, reason, by_account, by_name,"
            " made_at) VALUES ('maintenance', $1, $2, $3, '换电池', $1, '检修', $2)",
            detector_id(number), now, now + timedelta(hours=hours),
        )  # fmt: skip
    await ears.forward(4)
    assert await ears.tickets() == []
    await ears.forward(0.6)
    assert await ears.tickets() == [("offline", "zigbee2mqtt/d4", False)], (
        "from the end of its maintenance on it has the whole time"
    )


async def test_a_bridge_that_calls_a_device_away_is_believed_until_the_device_speaks(
    world: World,
) -> None:
    await plant(world)
    ears, store = Ears(world), await store_of(world)
    await ears.look()
    await store.write([message(world, {"smoke": False})])
    world.clock.forward(seconds=5)
    await store.write([message(world, b"offline", "zigbee2mqtt/d0/availability")])
    await ears.look()
    assert await ears.tickets() == [("offline", "zigbee2mqtt/d0", False)]
    kept = message(world, {"smoke": False}, retained=True)
    world.clock.forward(seconds=5)
    await store.write([kept])
    await ears.look()
    assert await ears.state() == "faulty", "what the broker had kept is no sign of life"
    world.clock.forward(seconds=5)
    await store.write([message(world, b"online", "zigbee2mqtt/d0/availability")])
    await ears.look()
    assert await ears.tickets() == [("offline", "zigbee2mqtt/d0", True)]


MANY = 10_000


async def many(world: World) -> None:
    """So many detectors behind one bridge, and one that is not."""
    await plant(world)
    await world.operations.execute(
        "INSERT INTO detector (id, address, protocol, kind, label, household_id, building_id, lat,"
        " lon) SELECT gen_random_uuid(), 'zigbee2mqtt/many' || n, 'zigbee2mqtt', 'smoke',"
        " '烟感 ' || n, household_id, building_id, lat + n * 1e-6, lon FROM detector,"
        " generate_series(1, $1 - 1) n",
        MANY,
    )


async def test_ten_thousand_silent_at_once_are_one_fault_and_a_fire_among_them_is_an_incident(
    world: World,
) -> None:
    await many(world)
    await world.account("technician")
    ears, store, worker = Ears(world), await store_of(world), Worker(world.ctx)
    await ears.look()
    await ears.forward(2.4)
    await store.write([message(world, {"smoke": True})])
    await ears.forward(0.2)
    await worker.run_until_idle()
    assert await world.operations.fetch_value("SELECT count(*) FROM incident") == 1
    [row] = await world.operations.fetch("SELECT id, kind, reason, detail FROM ticket")
    assert (row["kind"], row["reason"]) == ("outage", "gateway")
    silent = "SELECT count(*) FROM silence WHERE back_at IS NULL"
    assert await world.operations.fetch_value(silent) == MANY - 1
    told = "SELECT count(*) FROM message WHERE body -> 'data' ->> 'about' = 'fault'"
    assert await world.operations.fetch_value(told) == 1

    await store.write(
        [message(world, {"smoke": False}, f"zigbee2mqtt/many{n}") for n in range(1, 101)]
    )
    await ears.look()
    assert await world.operations.fetch_value(silent) == MANY - 101, "how many remain"
    rest = await world.operations.fetch("SELECT detector_id FROM silence WHERE back_at IS NULL")
    at = world.clock.now()
    await silences.back([Again(detector_id=one[0], at=at, away_s=9000) for one in rest])
    done = "SELECT done_how FROM ticket WHERE kind = 'outage'"
    assert await world.operations.fetch_value(done) == "heard-again"
    assert not await world.operations.fetch_value(
        "SELECT count(*) FROM detector WHERE state = 'faulty'"
    )
