"""A small register and messages for the tests of sensing's edge."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from backend.devices.service import Register
from backend.sensing.deliveries import Arrived
from backend.sensing.rules import RuleBook, defaults
from backend.sensing.store import Store
from tests.plugin.world import World

BUILDING = UUID(int=100)
HOUSEHOLD = UUID(int=200)


def detector_id(number: int) -> UUID:
    return UUID(int=1000 + number)


async def plant(world: World, count: int = 1, kind: str = "smoke") -> None:
    """One building, one home, and detectors ``zigbee2mqtt/d0`` … of one kind."""
    await world.operations.execute(
        "INSERT INTO building (id, street, number, court, storeys, lane_width_m, lat, lon)"
        " VALUES ($1, '平江路', '12号', '潘宅', 2, 2.4, 31.31, 120.63) ON CONFLICT DO NOTHING",
        BUILDING,
    )
    await world.operations.execute(
        "INSERT INTO household (id, building_id, door, floor, room, lat, lon)"
        " VALUES ($1, $2, '东厢', '1', '101', 31.31, 120.63) ON CONFLICT DO NOTHING",
        HOUSEHOLD,
        BUILDING,
    )
    await world.operations.execute_many(
        "INSERT INTO detector (id, address, protocol, kind, label, household_id, building_id,"
        " lat, lon) VALUES ($1, $2, 'zigbee2mqtt', $3, $4, $5, $6, 31.31, 120.63)",
        [
            (detector_id(n), f"zigbee2mqtt/d{n}", kind, f"烟感 {n}", HOUSEHOLD, BUILDING)
            for n in range(count)
        ],
    )


async def store_of(world: World, client_id: str = "test", *, states_kept: int = 0) -> Store:
    rules = RuleBook(defaults())
    made = Store(Register(), rules, world.clock, client_id, states_kept=states_kept)
    await made.start()
    return made


def message(
    world: World,
    payload: object,
    topic: str = "zigbee2mqtt/d0",
    *,
    seen: datetime | None = None,
    mid: int = 0,
    dup: bool = False,
    retained: bool = False,
) -> Arrived:
    if isinstance(payload, dict) and seen is not None:
        payload = {**payload, "last_seen": seen.isoformat()}
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Arrived(
        topic=topic,
        payload=raw,
        received_at=world.clock.now(),
        retained=retained,
        mid=mid,
        dup=dup,
    )


async def outbox(world: World, *types: str) -> list[str]:
    rows = await world.telemetry.fetch("SELECT type FROM alert_outbox ORDER BY seq")
    return [row["type"] for row in rows if not types or row["type"] in types]


async def count(world: World, table: str) -> int:
    assert table in ("reading", "raw_message", "alert_outbox", "detector_event", "delivery")
    found: int = await world.telemetry.fetch_value(f"SELECT count(*) FROM {table}")
    return found


async def stored_values(world: World, quantity: str) -> Sequence[float]:
    rows = await world.telemetry.fetch(
        "SELECT value FROM reading WHERE quantity = $1 ORDER BY value", quantity
    )
    return [row["value"] for row in rows]
