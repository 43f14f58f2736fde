"""Whom to ask: who is eligible, in which order, and what is kept about everybody else."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dispatch.flow.choosing import (
    DESK_CHOSE,
    FRESH,
    LED_BEFORE,
    POST,
    UNKNOWN,
    Candidate,
    Choice,
    Person,
    Policy,
    choose,
)
from geo.point import Point

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
PLACE = Point(31.31, 120.63)
M = 1 / 111_195
"""Degrees of latitude per metre."""
NAMES = {1: "周建国", 2: "李明", 3: "王芳"}


def person(n: int, metres: float | None = 100.0, **more: object) -> Person:
    """Qualified, reachable, with a sharp fix of now so far north; None: no fix and no post."""
    at = None if metres is None else Point(PLACE.lat + metres * M, PLACE.lon)
    known: dict[str, object] = {
        "staff_id": UUID(int=n), "name": NAMES.get(n, f"p{n}"), "badge": f"b{n}",
        "qualified": True, "fix": at, "accuracy_m": 8.0 if at else None,
        "fix_at": NOW if at else None,
    }  # fmt: skip
    return msgspec.convert(known | more, Person)


def asks(*people: Person, tried: frozenset[UUID] = frozenset(), policy: Policy | None = None,
         preferred: int | None = None, because: str = DESK_CHOSE) -> Choice:  # fmt: skip
    return choose(
        PLACE, people, tried=tried, now=NOW, policy=policy or Policy(), because=because,
        preferred=None if preferred is None else UUID(int=preferred),
    )  # fmt: skip


def chosen(choice: Choice) -> int | None:
    return None if choice.chosen is None else choice.chosen.staff_id.int


def why(choice: Choice, n: int) -> str | None:
    return next(c.passed_over for c in choice.candidates if c.staff_id.int == n)


@pytest.mark.clause("6.2.3-c")
def test_the_nearest_is_asked_and_the_next_two_are_told_to_be_ready() -> None:
    people = [person(n, 200.0 * n) for n in (4, 2, 3, 1)]
    choice = asks(*people)
    assert chosen(choice) == 1
    assert [one.int for one in choice.pre_alerted] == [2, 3]


@pytest.mark.clause("4.2.4.2")
@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        ({"qualified": False}, "not_qualified"),
        ({"leads": "20261122-0001"}, "leads_elsewhere"),
        ({"asked": "20261122-0001"}, "asked_elsewhere"),
        ({"reachable": False}, "phone_silent"),
    ],
)
def test_the_nearest_who_may_not_be_asked_is_passed_over_with_the_reason(
    unfit: dict[str, object], reason: str
) -> None:
    choice = asks(person(1, 10, **unfit), person(2, 500))
    assert chosen(choice) == 2
    assert why(choice, 1) == reason
    assert chosen(asks(person(1, 10, **unfit))) is None, "nobody else is no reason to ask them"


def test_nobody_is_asked_twice_in_a_round() -> None:
    choice = asks(person(1, 10), person(2, 500), tried=frozenset({UUID(int=1)}))
    assert (chosen(choice), why(choice, 1)) == (2, "asked_already")


@pytest.mark.parametrize(
    ("fix", "tier"),
    [
        ({}, FRESH),
        ({"fix_at": NOW - timedelta(seconds=180)}, FRESH),
        ({"fix_at": NOW - timedelta(seconds=181)}, POST),
        ({"accuracy_m": 100.0}, FRESH),
        ({"accuracy_m": 101.0}, POST),
        ({"accuracy_m": None}, POST),
        ({"fix_at": NOW - timedelta(seconds=181), "post": None}, UNKNOWN),
    ],
)
def test_an_old_or_vague_position_gives_way_to_the_posts_centre(
    fix: dict[str, object], tier: int
) -> None:
    post = {"post": Point(PLACE.lat + 300 * M, PLACE.lon)}
    [one] = asks(person(1, 10, **post | fix)).candidates
    assert one.tier == tier
    where = 300 if tier == POST else 10
    assert one.metres == pytest.approx(where * 1.4, rel=0.01)
    assert one.minutes == pytest.approx(where * 1.4 / 75 + (3 if tier else 0), abs=0.02)


def test_a_fresh_position_comes_before_a_nearer_post() -> None:
    posted = person(1, None, post=PLACE)
    assert chosen(asks(posted, person(2, 900))) == 2


def test_who_has_no_position_at_all_is_asked_last_but_asked() -> None:
    choice = asks(person(1, None), person(2, 2000))
    assert [c.staff_id.int for c in choice.candidates] == [2, 1]


EQUALLY_NEAR = (20.0, 15.0)
"""Metres of the first and the second: 22 s and 17 s on foot."""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"load": 0}, {"load": 1}),
        ({}, {"last_at": NOW - timedelta(minutes=59)}),
        ({"handled": 1}, {"handled": 2}),
        ({"last_at": NOW - timedelta(hours=3)}, {"last_at": NOW - timedelta(hours=2)}),
        ({"load": 0, "handled": 5}, {"load": 1, "handled": 0}),
        ({"handled": 5}, {"last_at": NOW - timedelta(minutes=5)}),
    ],
)
def test_among_the_equally_near_the_less_loaded_the_rested_and_the_least_used_come_first(
    first: dict[str, object], second: dict[str, object]
) -> None:
    a, b = EQUALLY_NEAR
    assert chosen(asks(person(1, b, **second), person(2, a, **first))) == 2


def test_rest_never_outweighs_a_way_that_is_really_longer() -> None:
    tired = {"last_at": NOW - timedelta(minutes=1), "handled": 9, "load": 2}
    assert chosen(asks(person(1, 10, **tired), person(2, 100))) == 1
    exact = Policy(near_step_min=0)
    assert chosen(asks(person(1, 15, **tired), person(2, 20), policy=exact)) == 1


def test_equal_in_everything_the_smaller_id_is_asked() -> None:
    assert chosen(asks(person(3), person(2), person(7))) == 2


def test_who_the_desk_wants_is_asked_and_who_came_before_is_said() -> None:
    choice = asks(person(1, 10), person(2, 300), person(3, 600), preferred=2)
    assert chosen(choice) == 2
    assert (why(choice, 1), why(choice, 3)) == (DESK_CHOSE, None)
    assert [one.int for one in choice.pre_alerted] == [1, 3], "passed over, not struck out"


def test_the_desk_may_choose_somebody_whose_phone_is_silent_but_nobody_unqualified() -> None:
    assert chosen(asks(person(1, 10), person(2, 300, reachable=False), preferred=2)) == 2
    choice = asks(person(1, 10), person(2, 300, qualified=False), preferred=2)
    assert (chosen(choice), why(choice, 2)) == (1, "not_qualified")


def test_who_was_just_there_is_asked_first_for_that_reason() -> None:
    choice = asks(person(1, 10), person(2, 300), preferred=2, because=LED_BEFORE)
    assert (chosen(choice), why(choice, 1)) == (2, LED_BEFORE)


@st.composite
def crowds(draw: st.DrawFn) -> list[Person]:
    ages = st.sampled_from([0, 100, 181, 4000])
    return [
        person(
            n,
            draw(st.sampled_from([None, 5.0, 12.0, 60.0, 61.0, 900.0])),
            qualified=draw(st.integers(0, 5)) > 0,
            reachable=draw(st.integers(0, 5)) > 0,
            leads=draw(st.sampled_from([None, None, "x"])),
            asked=draw(st.sampled_from([None, None, None, "y"])),
            fix_at=NOW - timedelta(seconds=draw(ages)),
            post=draw(st.sampled_from([None, PLACE])),
            load=draw(st.integers(0, 2)),
            handled=draw(st.integers(0, 2)),
            last_at=draw(st.sampled_from([None, NOW - timedelta(minutes=5)])),
        )
        for n in range(1, draw(st.integers(1, 7)))
    ]


def fit(one: Person, tried: frozenset[UUID]) -> bool:
    busy = one.leads or one.asked or one.staff_id in tried
    return one.qualified and one.reachable and not busy


@pytest.mark.clause("6.2.3-c", "4.2.4.2")
@given(crowds(), st.sets(st.integers(1, 7)), st.randoms(use_true_random=False))
def test_the_choice_is_the_best_of_those_who_may_be_asked_in_whatever_order_they_stand(
    crowd: list[Person], before: set[int], chance: object
) -> None:
    tried = frozenset(UUID(int=n) for n in before)
    choice = asks(*crowd, tried=tried)
    shuffled = list(crowd)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert asks(*shuffled, tried=tried) == choice
    may = {one.staff_id for one in crowd if fit(one, tried)}
    assert {c.staff_id for c in choice.candidates} == {one.staff_id for one in crowd}
    assert {c.staff_id for c in choice.candidates if c.passed_over is None} == may
    assert (choice.chosen is None) == (not may)
    eligible = [c for c in choice.candidates if c.passed_over is None]
    assert eligible[:1] == [choice.chosen][: len(eligible)]
    assert choice.pre_alerted == tuple(c.staff_id for c in eligible[1:3])
    for one, after in pairwise(eligible):
        assert not clearly_better(after, one)


def clearly_better(one: Candidate, other: Candidate) -> bool:
    """By the text of lifecycle section 7: a better tier, or the same and a way shorter by more
    than what counts as equal."""
    if one.tier != other.tier:
        return one.tier < other.tier
    mine = one.minutes if one.minutes is not None else 1e9
    theirs = other.minutes if other.minutes is not None else 1e9
    return theirs - mine > Policy().near_step_min


@given(crowds(), st.integers(1, 7))
def test_the_desks_choice_is_honoured_unless_nobody_could_be_asked_that_way(
    crowd: list[Person], wanted: int
) -> None:
    choice = asks(*crowd, preferred=wanted)
    one = next((p for p in crowd if p.staff_id.int == wanted), None)
    if one is not None and one.qualified and not one.leads and not one.asked:
        assert chosen(choice) == wanted
    else:
        assert chosen(choice) != wanted
