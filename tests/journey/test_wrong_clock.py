"""A phone whose clock is wrong by a day, either way: what it says lands at the right moment."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.incidents import journal
from backend.incidents.flow.events import Event, NoteAdded
from backend.incidents.flow.facts import corrected
from tests.journey.street import Street

DAY_MS = 86_400_000
NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00")


async def notes_of(incident: str) -> list[Event]:
    past = await journal.events_of(UUID(incident))
    return [event for event in past if isinstance(event.fact, NoteAdded)]


@pytest.mark.parametrize("wrong_ms", [-DAY_MS, 0, DAY_MS])
async def test_a_tap_of_a_phone_a_day_off_is_written_down_when_it_happened(
    street: Street, wrong_ms: int
) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    street.world.clock.forward(seconds=600)
    tapped = street.world.clock.now()
    said = phone.envelope(incident, "note", text="看过") | {
        "occurredAt": (tapped + timedelta(milliseconds=wrong_ms)).isoformat(),
        "skewMs": -wrong_ms,
    }
    street.world.clock.forward(seconds=3600)
    [answer] = await phone.batch([said])
    assert answer["outcome"] == "accepted"
    [note] = await notes_of(incident)
    assert note.occurred_at == tapped
    assert note.received_at == tapped + timedelta(hours=1)
    assert (note.late, note.skew_ms) == (True, -wrong_ms)


async def test_a_clock_that_nobody_measured_never_leaves_the_incidents_own_time(
    street: Street,
) -> None:
    """Set by hand while offline, or reset by a reboot: the phone cannot say by how much."""
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    emitted = (await journal.load(UUID(incident))).emitted_at
    street.world.clock.forward(seconds=600)
    received = street.world.clock.now()
    wrong = [timedelta(days=-1), timedelta(days=1), timedelta(days=-20_000)]
    said: list[dict[str, Any]] = [
        phone.envelope(incident, "note", text="x") | {"occurredAt": (received + off).isoformat()}
        for off in wrong
    ]
    answers = await phone.batch(said)
    assert {a["outcome"] for a in answers} == {"accepted"}
    notes = await notes_of(incident)
    assert [n.occurred_at for n in notes] == [emitted, received, emitted]
    assert [str(n.command_id) for n in notes] == [s["commandId"] for s in said], "as they were said"


@given(
    ago_s=st.floats(0, 3 * 86_400),
    off_s=st.floats(-4e9, 4e9),
    known=st.booleans(),
    emitted_ago_s=st.floats(0, 5 * 86_400),
)
def test_the_corrected_time_is_never_after_the_arrival_nor_before_the_alarm(
    ago_s: float, off_s: float, known: bool, emitted_ago_s: float
) -> None:
    emitted = NOON - timedelta(seconds=emitted_ago_s)
    off = timedelta(seconds=off_s)
    found = corrected(
        NOON - timedelta(seconds=ago_s) + off,
        NOON,
        skew=-off if known else timedelta(),
        emitted_at=emitted,
        late_s=60,
    )
    assert emitted <= found.occurred_at <= NOON
    assert found.late == (NOON - found.occurred_at > timedelta(seconds=60))
    if known and ago_s <= emitted_ago_s:
        assert abs((NOON - found.occurred_at).total_seconds() - ago_s) < 0.001
