"""Readings in PostgreSQL: packed and summed up, mended by what comes late, dropped by the day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from backend.devices.charted import Charted
from backend.incidents import spans
from backend.screens.keeping import Keeper
from backend.screens.series import picture
from backend.sensing import keeping
from backend.sensing.changes import Change
from backend.sensing.keeping import Window
from backend.sensing.rules import RuleBook, defaults
from tests.edge.detectors import detector_id, plant
from tests.plugin.world import World

RULES = RuleBook(defaults())
GAS = Charted(detector_id(0), "gas", "燃气", None, 60)
LIMITS = keeping.limits(RULES)
PUT = (
    "INSERT INTO reading (detector_id, quantity, value, unit, flags, measured_at, received_at)"
    " VALUES ($1, 'gas_value', $2, '%LEL', $3, $4, $5)"
)


async def put(
    world: World, at: datetime, value: float, *flags: str, received: datetime | None = None
) -> None:
    await world.telemetry.execute(PUT, GAS.detector_id, value, list(flags), at, received or at)


async def days(world: World, first: date, number: int) -> None:
    await world.telemetry.fetch_value("SELECT ensure_reading_partitions($1, $2)", first, number)
    await world.telemetry.execute(
        "INSERT INTO detector_state (detector_id, kind, state) VALUES ($1, 'gas', $2)"
        " ON CONFLICT DO NOTHING",
        GAS.detector_id,
        {"interval_s": 60.0},
    )


async def drawn(at: datetime, **more: Any) -> Any:
    return await picture(GAS, "gas_value", at - timedelta(days=1), at, rules=RULES, at=at, **more)


async def summed(now: datetime) -> None:
    while await keeping.sum_up(now, LIMITS):
        pass


async def hours(world: World) -> list[tuple[int, int, float, float, float]]:
    rows = await world.telemetry.fetch(
        "SELECT n, odd, low, high, over_s FROM reading_hour ORDER BY hour"
    )
    return [tuple(row) for row in rows]


async def test_a_chart_is_the_same_before_and_after_packing_and_a_late_reading_mends_its_hour(
    world: World,
) -> None:
    now = datetime(2026, 3, 4, 12, 40, tzinfo=UTC)
    await days(world, date(2026, 3, 3), 2)
    begins = now - timedelta(hours=3)
    for n in range(120):  # two hours of one a minute, a minute over the limit, then silence
        value = 12.0 if n == 30 else 1.0
        await put(world, begins + timedelta(minutes=n), value)
    await put(world, begins + timedelta(minutes=31, seconds=5), 66.0, "test")
    before = await drawn(now)
    assert [len(run) for run in before.runs] == [120]
    assert [tuple(odd[1:]) for odd in before.odd] == [(66.0, "test")]
    assert before.limits[0].raise_at == 8
    assert before.gaps[-1] == (before.runs[0][-1][0], int(now.timestamp() * 1000))
    await summed(now)
    assert (await drawn(now)).runs == before.runs
    again = await hours(world)
    assert [row[:4] for row in again] == [(20, 0, 1, 1), (60, 1, 1, 12), (40, 0, 1, 1)]
    assert again[1][4] == 60
    await world.telemetry.execute("UPDATE reading_keeper SET summed_until = $1", begins)
    await summed(now)
    assert await hours(world) == again
    # the gateway was away and tells of the hour now
    late = begins + timedelta(minutes=29, seconds=30)
    await put(world, late, 20.0, "clock", "late", received=now + timedelta(minutes=1))
    told = await drawn(now + timedelta(minutes=2))
    assert told.late == [(int(late.timestamp() * 1000), 20.0)]
    await summed(now + timedelta(minutes=30))
    assert (await drawn(now + timedelta(minutes=2))).late == told.late
    assert (await hours(world))[1][:4] == (61, 1, 1, 20)


async def test_over_the_limit_is_counted_by_the_detector_s_own_numbers(world: World) -> None:
    now = datetime(2026, 3, 4, 12, 40, tzinfo=UTC)
    await days(world, date(2026, 3, 3), 2)
    for n in range(10):
        await put(world, now - timedelta(minutes=30 - n), 12.0)
    await summed(now)
    assert [row[4] for row in await hours(world)] == [10 * 60]
    changes = (Change(code="G2", detector=GAS.detector_id, raise_at=20.0),)
    own = keeping.limits(RuleBook(defaults(), changes), [GAS])
    await world.telemetry.execute("DELETE FROM reading_keeper")
    while await keeping.sum_up(now, own):
        pass
    assert [row[4] for row in await hours(world)] == [0]


async def test_a_closed_day_has_its_daily_summary_and_what_a_held_up_batch_brought(
    world: World,
) -> None:
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    await days(world, date(2026, 3, 3), 4)
    await put(world, noon, 1.0)
    await summed(noon + timedelta(hours=16))
    await put(world, noon + timedelta(minutes=1), 9.0)  # its commit came after its quarter
    await summed(noon + timedelta(hours=20))
    closed = 0
    while await keeping.close_day(noon + timedelta(hours=20), LIMITS):
        closed += 1
    assert closed == len([d for d in await keeping.days_stored() if d <= noon.date()])
    assert (await hours(world))[0][:4] == (2, 0, 1, 9)
    [day] = await world.telemetry.fetch("SELECT day, n, high FROM reading_day")
    assert tuple(day) == (date(2026, 3, 3), 2, 9)


async def test_a_day_goes_whole_and_what_an_incident_needs_of_it_stays_with_the_incident(
    world: World,
) -> None:
    await plant(world, kind="gas")
    day = date(2019, 5, 6)
    noon = datetime(2019, 5, 6, 12, tzinfo=UTC)
    await days(world, day, 1)
    for minutes in (-200, -5, 0, 5, 90):
        await put(world, noon + timedelta(minutes=minutes), float(minutes))
    incident, other = UUID(int=9), UUID(int=10)
    await world.operations.execute(
        "INSERT INTO incident (id, no, kind, handling, urgency, state, alert_active, version,"
        " emitted_at, detector_ids, cursor, board) VALUES ($1, 'x', 'gas', 'actual', 'emergency',"
        " 'handling', true, 1, $2, ARRAY[$3::uuid], 1, '{}')",
        incident,
        noon + timedelta(hours=21),
        GAS.detector_id,
    )
    [needs] = await spans.needing(day)
    assert (needs.incident_id, needs.until) == (incident, spans.FOREVER)
    windows = [Window(*needs), Window(other, detector_id(7), noon, noon)]
    assert await keeping.drop_day(day, windows) == 4
    assert day not in await keeping.days_stored()
    assert await keeping.drop_day(day, windows) == 0  # a restart in the middle asks again
    mine = await drawn(noon + timedelta(hours=2), incident_id=incident)
    assert [value for run in mine.runs for _, value in run] == [-5, 0, 5, 90]
    assert (await drawn(noon + timedelta(hours=2), incident_id=other)).runs == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.telemetry.execute("DELETE FROM reading_kept")


async def test_the_keeper_does_all_of_it_by_the_clock_and_then_rests(world: World) -> None:
    await plant(world, kind="gas")
    old = datetime(2019, 8, 1, 12, tzinfo=UTC)
    await days(world, old.date(), 1)
    await put(world, old, 3.0)
    keeper = Keeper(world.ctx, RULES)
    while await keeper.step():
        pass
    assert old.date() not in await keeping.days_stored()
    assert await world.telemetry.fetch_value("SELECT high FROM reading_day") == 3
    assert not await keeper.step()


async def test_the_database_itself_refuses_to_drop_a_young_day(world: World) -> None:
    young = await world.telemetry.fetch_value("SELECT (now() AT TIME ZONE 'UTC')::date - 29")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await keeping.drop_day(young, [])


async def test_what_a_jumping_clock_put_beside_every_day_is_moved_home_and_told(
    world: World,
) -> None:
    far = datetime(2031, 1, 2, 3, tzinfo=UTC)
    await put(world, far, 5.0)
    assert await keeping.strays() == {far.date(): 1}
    assert await keeping.strays() == {}
    assert far.date() in await keeping.days_stored()
    stored = await world.telemetry.fetch("SELECT tableoid::regclass::text AS t FROM reading")
    assert [row["t"] for row in stored] == ["reading_20310102"]
