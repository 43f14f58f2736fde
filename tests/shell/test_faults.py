"""The technicians' fault list: opened and closed by what devices say, mended by people."""

from typing import Any

import pytest

from backend.silence import Sweep
from backend.worker import Worker
from tests.edge.detectors import detector_id, message, plant, store_of
from tests.edge.test_panels import alarm
from tests.plugin.world import World

NORMAL, POWER_LOST = 0b1, 0b1_0000_0001
"""Status words of a part: GB/T 26875.3 8.2.2."""


async def hears(world: World, store: Any, *messages: Any) -> None:
    await store.write(list(messages))
    await Worker(world.ctx).run_until_idle()


async def test_a_technician_takes_a_fault_writes_on_it_and_says_what_was_done(world: World) -> None:
    await plant(world)
    store = await store_of(world)
    await hears(world, store, message(world, {"battery": 9, "smoke": False}))
    async with world.client("technician") as client, world.client("desk") as desk:
        [fault] = (await client.get("/api/faults")).json()["faults"]
        assert (fault["kind"], fault["reason"], fault["label"]) == (
            "battery",
            "battery-low",
            "烟感 0",
        )
        heard = (await client.get("/api/faults")).json()["heard"][str(detector_id(0))]
        assert (heard["quantity"], heard["value"]) == ("smoke", 0.0)
        path = f"/api/faults/{fault['id']}"
        assert (await desk.get("/api/faults")).status_code == 403
        assert (await desk.get("/api/faults/counts")).json() == {
            "silent": 0,
            "open": 1,
            "untaken": 1,
        }
        assert (await desk.post(f"{path}/take", json={})).status_code == 403
        assert (await client.post(f"{path}/take", json={})).status_code == 204
        assert (await client.post(f"{path}/note", json={"text": "约了明早"})).status_code == 204
        assert (await client.post(f"{path}/done", json={"text": " "})).status_code == 400
        assert (await client.post(f"{path}/done", json={"text": "换了电池"})).status_code == 204
        assert (await client.post(f"{path}/done", json={"text": "再一次"})).status_code == 404
        [done] = (await client.get("/api/faults?done=true")).json()["faults"]
    assert (done["takenByName"], done["doneByName"]) == ("technician", "technician")
    assert done["doneHow"] == "换了电池"
    assert [one["text"] for one in done["notes"]] == ["约了明早"]
    rows = await world.operations.fetch(
        "SELECT action, reason FROM audit_entry WHERE action LIKE 'fault.%' ORDER BY at, id"
    )
    assert [(row["action"], row["reason"]) for row in rows] == [
        ("fault.taken", None),
        ("fault.noted", "约了明早"),
        ("fault.done", "换了电池"),
    ]


@pytest.mark.clause("5.1.1.2-c")
async def test_power_lost_is_a_technicians_fault_and_no_incident_and_ends_with_the_power(
    world: World,
) -> None:
    await plant(world)
    store = await store_of(world)
    await world.operations.execute(
        "UPDATE detector SET protocol = 'gb26875', address = 'gb26875/889/1.1/0a000200'"
    )

    def says(serial: int, status: int) -> Any:
        return message(world, alarm(serial, status), "gb26875/889")

    await hears(world, store, says(1, POWER_LOST))
    [row] = await world.operations.fetch("SELECT kind, reason, done_at FROM ticket")
    assert (row["kind"], row["reason"], row["done_at"]) == ("mains", "power_fault", None)
    assert await world.operations.fetch_value("SELECT count(*) FROM incident") == 0
    assert await world.telemetry.fetch_value("SELECT count(*) FROM reading") == 0, "not normal"
    world.clock.forward(minutes=7)
    await hears(world, store, says(2, NORMAL))
    assert await world.operations.fetch_value("SELECT done_how FROM ticket") == "device-well"
    assert await world.operations.fetch_value("SELECT count(*) FROM incident") == 0


async def test_a_fault_closes_when_the_device_is_well_and_what_comes_and_goes_is_one(
    world: World,
) -> None:
    await plant(world)
    store = await store_of(world)

    async def one() -> tuple[int, bool, str | None]:
        [row] = await world.operations.fetch("SELECT times, done_at, done_how FROM ticket")
        return row["times"], row["done_at"] is not None, row["done_how"]

    await hears(world, store, message(world, {"smoke": False, "fault": True}))
    assert await one() == (1, False, None)
    world.clock.forward(seconds=60)
    await hears(world, store, message(world, {"smoke": False}))
    assert await one() == (1, True, "device-well")
    world.clock.forward(seconds=60)
    await hears(world, store, message(world, {"smoke": False, "fault": True}))
    assert await one() == (2, False, None)


async def test_a_device_nobody_knew_is_no_fault_any_more_once_it_is_registered(
    world: World,
) -> None:
    store = await store_of(world)
    await hears(world, store, message(world, {"smoke": False}))
    await Sweep(world.ctx).look()
    assert await world.operations.fetch_value("SELECT done_how FROM ticket") is None
    await plant(world)
    await Sweep(world.ctx).look()
    assert await world.operations.fetch_value("SELECT done_how FROM ticket") == "known-now"


async def test_a_device_that_speaks_only_on_events_is_named_so_and_silent_no_more(
    world: World,
) -> None:
    await plant(world)
    sweep = Sweep(world.ctx)
    await sweep.look()
    store = await store_of(world)
    await store.write([message(world, b"offline", "zigbee2mqtt/d0/availability")])
    await sweep.look()
    async with world.client("technician") as client:
        [fault] = (await client.get("/api/faults")).json()["faults"]
        assert (fault["kind"], fault["reason"]) == ("offline", "away")
        path = f"/api/faults/{fault['id']}/event-only"
        assert (await client.post(path, json={})).status_code == 204
        assert (await client.post(path, json={})).status_code == 404
        assert (await client.get("/api/faults/counts")).json()["silent"] == 0
    await sweep.look()
    watched = "SELECT interval_s FROM silence_watch"
    assert await world.telemetry.fetch_value(watched) is None
    row = "SELECT reason FROM audit_entry WHERE action = 'fault.event_only'"
    assert await world.operations.fetch_value(row) == str(detector_id(0))
