"""What came late is told and never raises; what came from a wrong clock is news and does."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.edge.detectors import message
from tests.journey.street import Street


async def sends(street: Street, seen: datetime, **payload: object) -> None:
    """The smoke detector's message with its own time."""
    street.world.clock.forward(seconds=1)
    said = message(street.world, dict(payload), "zigbee2mqtt/smoke", seen=seen)
    await street.store.write([said])
    await street.store.elapse()
    await street.settle()


async def incidents(street: Street) -> int:
    found: int = await street.world.operations.fetch_value("SELECT count(*) FROM incident")
    return found


async def test_late_history_over_its_limit_is_told_once_and_stands_in_the_incident(
    street: Street,
) -> None:
    desk = await street.desk()
    incident = await street.alarm("smoke")
    await street.quiet("smoke")
    now = street.world.clock.now()
    for minutes in (55, 50, 45):
        await sends(street, now - timedelta(minutes=minutes), smoke=True)
    await sends(street, now - timedelta(minutes=45), smoke=True)  # the same by another path
    assert await incidents(street) == 1, "it never raises"
    view = await desk.get(f"/api/incidents/{incident}")
    notes = [one["facts"]["text"] for one in view["timeline"] if one["type"] == "NoteAdded"]
    assert len(notes) == 1
    assert notes[0].startswith("迟到的数据，没有自动报警：")
    assert f"{(now - timedelta(minutes=55)) + timedelta(hours=8):%H:%M:%S} 时报警" in notes[0]
    assert await street.told(desk, "late_history") == 1, "no storm of messages"
    [ticket] = await street.world.operations.fetch(
        "SELECT kind, address, reason, times FROM ticket WHERE kind = 'late-alarm'"
    )
    assert (ticket["address"], ticket["reason"], ticket["times"]) == (
        "zigbee2mqtt/smoke",
        "late",
        3,
    )
    rows = await street.world.telemetry.fetch("SELECT 1 FROM reading WHERE flags @> '{late}'")
    assert len(rows) == 3, "all of them are kept, the same one once"


@pytest.mark.parametrize("year", [1970, 2106])
async def test_a_clock_that_is_off_by_years_holds_no_alarm_back_and_poisons_nothing(
    street: Street, year: int
) -> None:
    stands_still = datetime(year, 1, 19, 3, 14, 7, tzinfo=UTC)
    await sends(street, stands_still, smoke=True)
    assert await incidents(street) == 1
    rows = await street.world.telemetry.fetch("SELECT measured_at, received_at, flags FROM reading")
    assert [(row["measured_at"], row["flags"]) for row in rows if row["flags"]] == [
        (stands_still, ["alarm", "clock"])
    ]
    for _ in range(4):
        street.world.clock.forward(seconds=40)
        await sends(street, stands_still, smoke=False)
    cleared = "SELECT count(*) FROM alert_outbox WHERE type = 'cleared'"
    assert await street.world.telemetry.fetch_value(cleared) == 1
    street.world.clock.forward(seconds=40)
    await sends(street, street.world.clock.now(), smoke=True)  # the clock was set right
    raised = "SELECT count(*) FROM alert_outbox WHERE type = 'raised'"
    assert await street.world.telemetry.fetch_value(raised) == 2
