"""An area left empty gets somebody to spare, and no area is emptied to fill another."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dispatch.flow.choosing import Person, Policy
from backend.dispatch.flow.moving_up import (
    COVERED,
    NEEDED_THERE,
    NOBODY_BUSY,
    OVERTAKEN,
    Area,
    End,
    Member,
    Propose,
    Refused,
    Standing,
    Step,
    answered,
    covers,
    review,
)
from geo.point import Point

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
M = 1 / 111_195
AREAS = tuple(Area(key=k, centre=Point(31.31 + n * 1000 * M, 120.63)) for n, k in enumerate("ABC"))
COVER_M = 300.0
MOVE = UUID(int=500)


def at(area: int, off_m: float = 0.0) -> Point:
    centre = AREAS[area].centre
    return Point(centre.lat + off_m * M, centre.lon)


def member(n: int, home: int, *, on: str | None = None, stands: int | None = None,
           fix: bool = True, off_m: float = 0.0, **more: Any) -> Member:  # fmt: skip
    person = Person(
        staff_id=UUID(int=n), name=f"p{n}", badge="", qualified=True, post=AREAS[home].centre,
        fix=at(home if stands is None else stands, off_m) if fix else None, accuracy_m=8.0,
        fix_at=NOW, **more,
    )  # fmt: skip
    return Member(person=person, area=AREAS[home].key, on=on)


def reviewed(*members: Member, standing: tuple[Standing, ...] = ()) -> tuple[Step, ...]:
    return review(AREAS, members, standing, now=NOW, policy=Policy(), cover_m=COVER_M)


def move(state: str = "accepted", who: int = 3, area: int = 0) -> Standing:
    return Standing(id=MOVE, area=AREAS[area].key, staff_id=UUID(int=who), state=state)


def test_the_nearest_who_is_to_spare_is_proposed_for_an_area_left_empty() -> None:
    [step] = reviewed(member(1, 0, on="0001"), member(2, 1), member(3, 1), member(4, 2),
                      member(5, 2))  # fmt: skip
    assert isinstance(step, Propose)
    assert (step.area.key, step.chosen.staff_id.int) == ("A", 2)
    assert [(one.name, one.no) for one in step.because] == [("p1", "0001")]
    why = {c.staff_id.int: c.passed_over for c in step.candidates}
    assert why == {1: "leads_elsewhere", 2: None, 3: None, 4: None, 5: None}


def test_nobody_leaves_an_area_that_would_be_empty_then() -> None:
    [step] = reviewed(member(1, 0, on="0001"), member(2, 1), member(3, 2), member(4, 2))
    assert isinstance(step, Propose)
    assert step.chosen.staff_id.int == 3
    assert {c.staff_id.int: c.passed_over for c in step.candidates}[2] == NEEDED_THERE
    assert reviewed(member(1, 0, on="0001"), member(2, 1)) == (), "nobody to spare"


def test_an_area_whose_people_went_home_is_the_rosters_matter() -> None:
    assert reviewed(member(2, 1), member(3, 1)) == ()


@pytest.mark.parametrize("covering", [
    member(9, 0), member(9, 1, stands=0, off_m=299), member(9, 0, fix=False),
])  # fmt: skip
def test_somebody_free_near_the_centre_or_at_the_post_covers_it(covering: Member) -> None:
    assert reviewed(member(1, 0, on="0001"), covering, member(2, 1), member(3, 1)) == ()


@pytest.mark.parametrize("elsewhere", [
    member(9, 0, stands=1), member(9, 1, stands=0, off_m=301), member(9, 0, on="0002"),
    member(9, 0, reachable=False),
])  # fmt: skip
def test_who_is_away_busy_or_silent_covers_nothing(elsewhere: Member) -> None:
    steps = reviewed(member(1, 0, on="0001"), elsewhere, member(2, 1), member(3, 1))
    assert any(isinstance(step, Propose) and step.area.key == "A" for step in steps)


@pytest.mark.parametrize("state", ["proposed", "accepted", "declined"])
def test_an_area_is_not_proposed_for_again_while_a_move_stands_or_was_declined(state: str) -> None:
    crowd = (member(1, 0, on="0001"), member(2, 1), member(3, 1))
    assert reviewed(*crowd, standing=(move(state),)) == ()


@pytest.mark.parametrize("state", ["proposed", "accepted", "declined"])
@pytest.mark.parametrize(("crowd", "how"), [
    ((member(1, 0), member(2, 1), member(3, 1)), NOBODY_BUSY),
    ((member(1, 0, on="0001"), member(4, 0), member(2, 1), member(3, 1)), COVERED),
])  # fmt: skip
def test_it_ends_by_itself_when_the_area_is_covered_again(
    state: str, crowd: tuple[Member, ...], how: str
) -> None:
    assert reviewed(*crowd, standing=(move(state),)) == (End(id=MOVE, how=how),)


def test_who_has_come_covers_it_and_the_move_goes_on() -> None:
    crowd = (member(1, 0, on="0001"), member(2, 1), member(3, 1, stands=0))
    assert reviewed(*crowd, standing=(move(),)) == ()


def test_when_the_mover_is_sent_to_an_incident_somebody_else_is_proposed() -> None:
    crowd = (member(1, 0, on="0001"), member(3, 1, on="0002"), member(2, 1), member(4, 1))
    ended, again = reviewed(*crowd, standing=(move(),))
    assert ended == End(id=MOVE, how=OVERTAKEN)
    assert isinstance(again, Propose)
    assert again.chosen.staff_id.int == 2


def test_a_move_is_answered_once_and_the_same_answer_again_changes_nothing() -> None:
    assert answered(move("proposed"), yes=True) == "accepted"
    assert answered(move("accepted"), yes=True) == "accepted"
    assert answered(move("proposed"), yes=False) == "declined"
    with pytest.raises(Refused):
        answered(move("declined"), yes=True)


@st.composite
def crowds(draw: st.DrawFn) -> list[Member]:
    return [
        member(
            n, draw(st.integers(0, 2)), on=draw(st.sampled_from([None, None, "0001"])),
            stands=draw(st.sampled_from([None, 0, 1, 2])), fix=draw(st.booleans()),
            off_m=draw(st.sampled_from([0.0, 299.0, 400.0])),
            reachable=draw(st.integers(0, 4)) > 0,
        )
        for n in range(1, draw(st.integers(1, 8)))
    ]  # fmt: skip


def covered(members: list[Member], area: Area) -> bool:
    return any(covers(one, area, COVER_M, NOW, Policy()) for one in members)


@given(crowds())
def test_no_proposal_empties_an_area_moves_two_ways_or_takes_somebody_who_is_not_free(
    crowd: list[Member],
) -> None:
    steps = reviewed(*crowd)
    proposed = [step for step in steps if isinstance(step, Propose)]
    movers = [step.chosen.staff_id for step in proposed]
    assert len(movers) == len(set(movers))
    assert len({step.area.key for step in proposed}) == len(proposed)
    by_id = {one.person.staff_id: one for one in crowd}
    assert all(by_id[who].free for who in movers)
    left = [one for one in crowd if one.person.staff_id not in movers]
    for area in AREAS:
        if covered(crowd, area):
            assert covered(left, area), "who stays still covers what was covered"
    # carried out, the same look proposes nothing more for those areas
    carried = tuple(
        Standing(id=UUID(int=600 + n), area=step.area.key, staff_id=step.chosen.staff_id,
                 state="accepted")
        for n, step in enumerate(proposed)
    )  # fmt: skip
    again = reviewed(*crowd, standing=carried)
    assert not [step for step in again if isinstance(step, Propose)]
