"""Golden scenario 16: a gateway that loses its mind is one incident, and hides no other fire."""

from uuid import UUID, uuid4

import pytest

from backend.devices.gateways import gateway_of
from tests.edge.detectors import message
from tests.journey.street import LAT, LON, Street

MANY = 26
LIMIT = 20
"""Ours (▲): so many alarms of one gateway within a minute are still incidents each."""


async def a_bridge_full(street: Street) -> list[UUID]:
    """Smoke detectors in as many houses, all behind one bridge; their ids in order."""
    ids = [UUID(int=5000 + n) for n in range(MANY)]
    run = street.world.operations.execute
    for number, detector in enumerate(ids):
        house, home = uuid4(), uuid4()
        await run(
            "INSERT INTO building (id, street, number, court, storeys, lat, lon)"
            " VALUES ($1, '仓街', $2, '', 2, $3, $4)",
            house, f"{number + 1} 号", LAT, LON,
        )  # fmt: skip
        await run(
            "INSERT INTO household (id, building_id, door, floor, room, lat, lon)"
            " VALUES ($1, $2, '东', '1', '厅', $3, $4)",
            home, house, LAT, LON,
        )  # fmt: skip
        await run(
            "INSERT INTO detector (id, address, protocol, kind, label, household_id, building_id,"
            " lat, lon) VALUES ($1, $2, 'zigbee2mqtt', 'smoke', '烟感', $3, $4, $5, $6)",
            detector, f"zigbee2mqtt/many{number}", home, house, LAT, LON,
        )  # fmt: skip
    return ids


async def storm(street: Street) -> None:
    """All of them alarm in the same second."""
    await street.store.write(
        [message(street.world, {"smoke": True}, f"zigbee2mqtt/many{n}") for n in range(MANY)]
    )
    await street.settle()


async def test_16_a_gateway_storm_is_one_incident_and_a_fire_elsewhere_is_its_own(
    street: Street,
) -> None:
    desk = await street.desk()
    ids = await a_bridge_full(street)
    await storm(street)
    rows = (await desk.get("/api/desk/board"))["incidents"]
    assert len(rows) == LIMIT + 1
    views = [await desk.get(f"/api/incidents/{row['id']}") for row in rows]
    [gathered] = [view for view in views if len(view["detectors"]) > 1]
    assert len(gathered["detectors"]) == MANY - LIMIT, "nothing is dropped"
    assert {d["id"] for view in views for d in view["detectors"]} == {str(one) for one in ids}
    assert await street.told(desk, "gateway_storm") == 1
    [ticket] = await street.world.operations.fetch(
        "SELECT address, times, detail FROM ticket WHERE kind = 'gateway-storm'"
    )
    assert (ticket["address"], ticket["times"]) == ("zigbee2mqtt", MANY - LIMIT)
    assert gathered["id"] in ticket["detail"]

    await street.measures("smoke_own", "smoke", True)
    real = await street.newest()
    assert real not in {row["id"] for row in rows}, "behind another gateway: not held together"


async def test_a_storm_is_over_after_a_quiet_minute(street: Street) -> None:
    await a_bridge_full(street)
    await storm(street)
    await street.world.account("technician")
    await street.worker.silence.look()
    ended = "SELECT ended_at, done_at FROM ticket WHERE kind = 'gateway-storm'"
    [row] = await street.world.operations.fetch(ended)
    assert row["ended_at"] is None
    before = await street.world.operations.fetch_value("SELECT count(*) FROM incident")
    street.world.clock.forward(seconds=61)
    await street.worker.silence.look()
    [row] = await street.world.operations.fetch(ended)
    assert row["ended_at"] is not None
    assert row["done_at"] is None, "somebody still has to look at the gateway"
    told = "SELECT count(*) FROM message WHERE body -> 'data' ->> 'about' = 'fault'"
    assert await street.world.operations.fetch_value(told) == 1, "one message to each technician"
    await street.alarm("smoke", smoke=True)
    after = await street.world.operations.fetch_value("SELECT count(*) FROM incident")
    assert after == before + 1


@pytest.mark.parametrize(
    ("address", "gateway"),
    [
        ("zigbee2mqtt/潘宅/厨房", "zigbee2mqtt"),
        ("gb26875/889/1.1/00000001", "gb26875/889"),
        ("gb26875/889", None),
        ("sparkplug/gusu/node7/flow", "sparkplug/gusu/node7"),
        ("ctwing/868540050000001", None),
        ("", None),
    ],
)
def test_an_address_says_which_gateway_a_detector_is_behind(
    address: str, gateway: str | None
) -> None:
    assert gateway_of(address) == gateway
