"""When a detector is silent, how many are one fault, and when its power and sensor are well."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.devices.outage import GATEWAY_FROM, OUTAGE_FROM, Gone, Outage, Sorted, sort
from backend.sensing import upkeep
from backend.sensing.clocks import believed, known_by_time
from backend.sensing.reading import Event, Reading, time_flags
from backend.sensing.silence import (
    SILENT_AFTER,
    Back,
    Ear,
    Life,
    Silent,
    listening,
    look,
)

T0 = datetime(2026, 3, 2, 8, tzinfo=UTC)
WHO = UUID(int=1)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def life(**more: object) -> Life:
    return Life(**{"detector_id": WHO, "interval_s": 600, "since": T0, **more})  # type: ignore[arg-type]


@pytest.mark.clause("5.1.1.2-a")
@given(
    interval=st.integers(1, 90_000),
    heard=st.floats(0, 1e6),
    open_for=st.floats(0, 1e6),
    later=st.floats(0, 3e6),
)
def test_nobody_is_silent_before_two_and_a_half_intervals_in_which_we_could_hear(
    interval: int, heard: float, open_for: float, later: float
) -> None:
    now = at(heard + later)
    ear = Ear(since=now - timedelta(seconds=open_for), last_at=now)
    known = life(interval_s=interval, heard_at=at(heard))
    found = look(known, ear, now)
    patience = SILENT_AFTER * interval
    if isinstance(found, Silent):
        assert later >= patience - 1e-3
        assert open_for >= patience - 1e-3
    else:
        assert isinstance(found, datetime)
        assert found > now, "it is looked at again"


def test_behind_a_shut_door_nobody_is_silent_and_after_it_the_whole_time_begins_anew() -> None:
    ear = listening(None, at(0))
    assert isinstance(look(life(), ear, at(100_000)), datetime)
    again = listening(ear, at(100_000))
    assert again.since == at(100_000)
    assert isinstance(look(life(), again, at(100_010)), datetime)
    still = Ear(since=again.since, last_at=at(101_500))
    assert isinstance(look(life(), still, at(101_500)), Silent)


def test_a_detector_that_speaks_only_on_events_is_silent_only_where_its_bridge_says_so() -> None:
    ear = Ear(since=T0, last_at=at(1e6))
    assert look(life(interval_s=None), ear, at(1e6)) is None
    said = look(life(interval_s=None, away_at=at(5), heard_at=at(4)), ear, at(6))
    assert isinstance(said, Silent)
    assert said.why == "away"


def test_who_is_heard_again_is_back_once_and_says_how_long_it_was_away() -> None:
    ear = Ear(since=T0, last_at=at(9000))
    gone = life(heard_at=at(100), silent_at=at(2000), heard_before=at(100))
    assert look(gone, ear, at(3000)) is None
    found = look(life(heard_at=at(4100), silent_at=at(2000), heard_before=at(100)), ear, at(4105))
    assert found == Back(detector_id=WHO, at=at(4100), away_s=4000.0)


# ---- many at once ------------------------------------------------------------------------------


def gone(number: int, gateway: str | None = "gw", **more: object) -> Gone:
    facts = {"operator": "zigbee2mqtt", "street": "平江路", "found_at": T0, **more}
    return Gone(detector_id=UUID(int=number), gateway=gateway, **facts)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(["a", "b", None]), max_size=60),
    st.lists(st.sampled_from(["a", "b", None]), max_size=25),
    st.booleans(),
)
def test_every_silent_detector_has_exactly_one_fault(
    new: list[str | None], loose: list[str | None], standing: bool
) -> None:
    before = [gone(1000 + n, gateway) for n, gateway in enumerate(loose)]
    now = [gone(n, gateway) for n, gateway in enumerate(new)]
    open_ones = [Outage(ticket_id=UUID(int=9), by="street", of="平江路", last_at=T0)]
    placed = sort(now, before, open_ones if standing else [], T0)
    mine = [one for each in placed.joined for one in each.detector_ids] + list(placed.alone)
    assert len(mine) == len(set(mine))
    assert {one.detector_id for one in now} <= set(mine)
    assert set(mine) <= {one.detector_id for one in [*now, *before]}
    assert len(placed.alone) < OUTAGE_FROM, "never so many tickets at once"


def test_an_outage_is_named_by_what_most_share_and_takes_in_who_went_before() -> None:
    few = [gone(n, f"gw{n}") for n in range(OUTAGE_FROM - 1)]
    assert sort(few, [], [], T0).joined == ()
    placed = sort([gone(99, "gw99")], few, [], T0)
    assert [(one.by, one.of, len(one.detector_ids)) for one in placed.joined] == [
        ("street", "平江路", OUTAGE_FROM)
    ]


def test_three_of_one_gateway_are_its_fault_and_the_fourth_joins_within_the_hour() -> None:
    three = [gone(n) for n in range(GATEWAY_FROM)]
    [one] = sort(three, [], [], T0).joined
    assert (one.by, one.of, one.ticket_id) == ("gateway", "gw", None)
    stands = Outage(ticket_id=UUID(int=7), by="gateway", of="gw", last_at=T0)
    [joined] = sort([gone(9)], [], [stands], T0 + timedelta(minutes=50)).joined
    assert joined.ticket_id == UUID(int=7)
    alone = sort([gone(9)], [], [stands], T0 + timedelta(hours=2))
    assert alone == Sorted(joined=(), alone=(UUID(int=9),))


# ---- what a device says of itself ----------------------------------------------------------------


def told(*events: Event) -> list[tuple[str, str, bool]]:
    """Matters that these open and close, in order, all on one day."""
    health: dict[str, object] = {}
    found = []
    for event in events:
        works = upkeep.works(health, event, T0.date())
        health = upkeep.taken({**health, **event.facts}, works, T0.date())
        found += [(work.matter, work.reason, work.over) for work in works]
    return found


def said(name: str, **facts: object) -> Event:
    return Event(name=name, at=T0, device="d", facts=facts)


@pytest.mark.clause("5.1.1.2-c")
def test_mains_and_backup_power_open_once_and_close_when_they_are_back() -> None:
    lost = said("mains_fault", mains_fault=True)
    assert told(lost, lost, said("mains_restored")) == [
        ("mains", "mains_fault", False),
        ("mains", "mains_fault", True),
    ]
    still = said("unit_status", backup_fault=True)
    assert told(lost, said("backup_fault"), still, said("unit_status")) == [
        ("mains", "mains_fault", False),
        ("backup", "backup_fault", False),
        ("mains", "mains_fault", True),
        ("backup", "backup_fault", True),
    ]


def test_a_battery_is_low_then_critical_and_well_only_above_its_own_band() -> None:
    levels = (16, 14, 15, 4, 14, 24, 25)
    assert told(*(said("battery", battery=level) for level in levels)) == [
        ("battery", "battery-low", False),
        ("battery", "battery-critical", False),
        ("battery", "battery-low", False),
        ("battery", "battery-low", True),
    ]
    assert told(said("battery", battery_low=True), said("battery", battery_low=False)) == [
        ("battery", "battery-low", False),
        ("battery", "battery-low", True),
    ]


def test_a_weak_signal_is_a_matter_and_a_strong_one_ends_it() -> None:
    values = (100, 19, 30, 41)
    assert told(*(said("health", linkquality=value) for value in values)) == [
        ("signal", "signal-weak", False),
        ("signal", "signal-weak", True),
    ]


def test_a_fault_that_lasts_is_said_again_on_another_day() -> None:
    fault = said("fault", fault=True)
    health = upkeep.taken({}, upkeep.works({}, fault, T0.date()), T0.date())
    assert upkeep.works(health, fault, T0.date()) == ()
    assert upkeep.works(health, fault, T0.date() + timedelta(days=1))


# ---- clocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "flags", "by_time"),
    [
        (T0 - timedelta(hours=3), ("clock", "late"), True),
        (T0 - timedelta(days=30), ("clock", "late"), True),
        (T0 - timedelta(days=32), ("clock",), False),
        (datetime(1970, 1, 1, tzinfo=UTC), ("clock",), False),
        (datetime(2038, 1, 19, tzinfo=UTC), ("clock",), False),
        (datetime(2106, 2, 7, tzinfo=UTC), ("clock",), False),
        (T0 - timedelta(minutes=2), (), True),
    ],
)
def test_history_is_late_and_a_clock_off_by_years_is_news(
    measured: datetime, flags: tuple[str, ...], by_time: bool
) -> None:
    came = Reading(
        device="d", kind="smoke", quantity="smoke", value=True, unit=None, measured_at=measured,
        received_at=T0, timed=True, flags=time_flags(measured, T0),
    )  # fmt: skip
    judged = believed(came)
    assert judged.flags == flags
    assert (judged.measured_at, judged.received_at) == (measured, T0), "both are kept"
    assert known_by_time(judged) is by_time
