"""The number that says how well somebody can be reached, by property and by story."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.reach.flow.checks import Plan, Sound, audible, due
from backend.reach.flow.score import (
    MOST,
    Facts,
    Grant,
    Mark,
    Policy,
    judge,
    score,
)

POLICY = Policy()
PERMISSIONS = ("notification", "location", "camera")
WELL = Facts(
    receipt_age_s=60,
    position_age_s=20,
    accuracy_m=8,
    notification=Grant.GRANTED,
    location=Grant.GRANTED,
    camera=Grant.GRANTED,
    battery_pct=80,
    version="1",
    current=True,
    live=True,
    doors=2,
)
ages = st.none() | st.floats(0, 1e6)
anyone = st.builds(
    Facts,
    receipt_age_s=ages,
    missed=st.booleans(),
    position_age_s=ages,
    accuracy_m=st.none() | st.floats(0, 5e4),
    notification=st.sampled_from(Grant),
    location=st.sampled_from(Grant),
    camera=st.sampled_from(Grant),
    battery_pct=st.none() | st.integers(0, 100),
    charging=st.booleans(),
    version=st.sampled_from(["", "1"]),
    current=st.none() | st.booleans(),
    live=st.none() | st.booleans(),
    doors=st.none() | st.integers(0, 5),
)


def number(facts: Facts, **changes: Any) -> int:
    return score(msgspec.structs.replace(facts, **changes), POLICY).number


def test_somebody_with_everything_in_order_has_a_hundred() -> None:
    found = score(WELL, POLICY)
    assert found.number == 100 == sum(MOST.values())
    assert all(part.mark is Mark.GOOD and part.remedy is None for part in found.parts)


def test_somebody_of_whom_nothing_is_known_is_not_reachable() -> None:
    found = score(Facts(), POLICY)
    assert found.number < POLICY.unreachable_below
    assert {part.mark for part in found.parts} == {Mark.UNKNOWN}


@given(anyone)
def test_the_number_is_the_sum_of_its_parts_and_every_part_says_itself(facts: Facts) -> None:
    found = score(facts, POLICY)
    assert found.number == sum(part.points for part in found.parts)
    assert [part.code for part in found.parts] == list(MOST)
    for part in found.parts:
        assert 0 <= part.points <= part.most == MOST[part.code]
        assert part.said.zh
        assert part.said.en
        # what is not whole names what would raise it; a battery nobody knows cannot be charged
        assert part.remedy or part.points == part.most or part.mark is Mark.UNKNOWN


@given(anyone, st.floats(0, 1e6), st.floats(0, 1e6))
def test_an_older_receipt_never_raises_it(facts: Facts, one: float, other: float) -> None:
    newer, older = sorted((one, other))
    assert number(facts, receipt_age_s=older) <= number(facts, receipt_age_s=newer)
    assert number(facts, receipt_age_s=None) <= number(facts, receipt_age_s=older)


@given(anyone, st.floats(0, 1e6), st.floats(0, 1e6))
def test_an_older_position_never_raises_it(facts: Facts, one: float, other: float) -> None:
    newer, older = sorted((one, other))
    assert number(facts, position_age_s=older) <= number(facts, position_age_s=newer)


@given(anyone, st.sampled_from(PERMISSIONS))
def test_a_permission_taken_away_always_lowers_it(facts: Facts, which: str) -> None:
    granted, unknown, denied = (
        number(facts, **{which: grant}) for grant in (Grant.GRANTED, Grant.UNKNOWN, Grant.DENIED)
    )
    assert denied < unknown < granted


@given(anyone)
def test_what_is_not_known_is_never_worth_what_is_good(facts: Facts) -> None:
    pairs: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
        ({"live": True}, {"live": None}),
        ({"doors": 2}, {"doors": None}),
        ({"battery_pct": 80}, {"battery_pct": None}),
        ({"version": "1", "current": True}, {"version": "", "current": None}),
        ({"receipt_age_s": 0.0, "missed": False}, {"receipt_age_s": None, "missed": False}),
    )
    for known, unknown in pairs:
        assert number(facts, **unknown) < number(facts, **known)


def test_who_did_not_answer_a_test_is_left_out_whatever_the_number() -> None:
    verdict = judge(msgspec.structs.replace(WELL, missed=True), POLICY)
    assert not verdict.reachable
    assert verdict.why == "test_missed"


def test_a_low_number_is_left_out_unless_a_receipt_is_fresh() -> None:
    poor = Facts(notification=Grant.DENIED, location=Grant.DENIED, live=False, doors=0)
    assert judge(poor, POLICY).why == "below_threshold"
    proved = msgspec.structs.replace(poor, receipt_age_s=POLICY.proof_s)
    assert judge(proved, POLICY).reachable
    stale = msgspec.structs.replace(poor, receipt_age_s=POLICY.receipt_worthless_s)
    assert not judge(stale, POLICY).reachable


@given(anyone)
def test_who_is_left_out_is_told_why_in_both_languages(facts: Facts) -> None:
    verdict = judge(facts, POLICY)
    assert verdict.reachable == (verdict.why == "")
    assert verdict.said.zh
    assert verdict.said.en


HOUR = 3600.0
START = datetime(2026, 3, 2, 4, tzinfo=UTC)


def noon(after_s: float) -> datetime:
    """So many seconds into a shift."""
    return START + timedelta(seconds=after_s)


PLAN = Plan(every_s=4 * HOUR)


def test_a_shift_begins_with_a_test_and_has_one_every_four_hours() -> None:
    assert [
        found and (found.number, (found.planned_at - noon(0)).total_seconds())
        for found in (due(PLAN, noon(0), noon(h * HOUR)) for h in (0, 3.99, 4, 9, 12))
    ] == [(0, 0), (0, 0), (1, 4 * HOUR), (2, 8 * HOUR), (3, 12 * HOUR)]


def test_who_is_tested_at_no_start_waits_for_the_first_interval() -> None:
    plan = Plan(every_s=4 * HOUR, at_start=False)
    assert due(plan, noon(0), noon(HOUR)) is None
    assert due(plan, noon(0), noon(4 * HOUR)) is not None


def test_who_has_no_interval_is_tested_once() -> None:
    found = due(Plan(every_s=None), noon(0), noon(100 * HOUR))
    assert found is not None
    assert found.number == 0


@given(st.floats(600, 1e5), st.floats(0, 1e6), st.floats(0, 1e5))
def test_tests_are_numbered_in_their_order(every_s: float, after_s: float, more_s: float) -> None:
    plan = Plan(every_s=every_s)
    one, later = due(plan, noon(0), noon(after_s)), due(plan, noon(0), noon(after_s + more_s))
    assert one is not None
    assert later is not None
    assert one.number <= later.number
    assert one.planned_at <= noon(after_s)


@pytest.mark.parametrize(
    ("sound", "hour", "heard"),
    [
        (Sound.NEVER, 12, False),
        (Sound.DAY, 12, True),
        (Sound.DAY, 23, False),
        (Sound.DAY, 3, False),
        (Sound.ALWAYS, 3, True),
    ],
)
def test_a_test_is_heard_at_night_only_by_who_wants_it(
    sound: Sound, hour: int, heard: bool
) -> None:
    assert audible(sound, hour, night_from=22, night_to=7) is heard
