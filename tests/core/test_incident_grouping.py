"""One incident per place that one team handles (lifecycle 10): where an alert belongs."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.incidents.flow.grouping import FIRE_LIKE, WITHIN, Grouped, Standing, group
from backend.incidents.flow.vocabulary import Kind

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINE, NEXT_DOOR = UUID(int=1), UUID(int=2)


def standing(number: int, *, minutes: float, **more: object) -> Standing:
    facts = {
        "kind": Kind.SMOKE,
        "household_id": NEXT_DOOR,
        "open": True,
        "released_at": None,
        "has_detector": False,
        **more,
    }
    return Standing(id=UUID(int=number), emitted_at=NOW - timedelta(minutes=minutes), **facts)  # type: ignore[arg-type]


def belongs(*around: Standing, kind: Kind = Kind.SMOKE, home: UUID | None = MINE) -> Grouped:
    return group(list(around), kind=kind, household_id=home, at=NOW)


def test_a_household_that_joined_a_neighbours_incident_stays_in_it() -> None:
    began_next_door = standing(1, minutes=40, holds_home=True)
    newer_fire = standing(2, minutes=3)
    for kind in Kind:
        assert belongs(began_next_door, newer_fire, kind=kind).joins == UUID(int=1)


def test_kinds_of_fire_join_within_ten_minutes_and_unlike_kinds_never() -> None:
    assert belongs(standing(1, minutes=9.9)).joins == UUID(int=1)
    assert belongs(standing(1, minutes=10.1)).joins is None
    assert belongs(standing(1, minutes=1), kind=Kind.WATER).joins is None
    assert belongs(standing(1, minutes=1, kind=Kind.DOOR)).joins is None


def test_a_release_of_the_same_home_is_followed_for_a_day_and_that_of_another_never() -> None:
    def over(hours: float, home: UUID) -> Standing:
        at = NOW - timedelta(hours=hours)
        return standing(1, minutes=hours * 60 + 5, open=False, released_at=at, household_id=home)

    assert belongs(over(23, MINE)).follows == UUID(int=1)
    assert belongs(over(25, MINE)) == Grouped()
    assert belongs(over(1, NEXT_DOOR)) == Grouped()


ANY = st.builds(
    standing,
    st.integers(1, 6),
    minutes=st.floats(0, 3000),
    kind=st.sampled_from(list(Kind)),
    household_id=st.sampled_from([MINE, NEXT_DOOR, None]),
    open=st.booleans(),
    released_at=st.sampled_from([None, NOW - timedelta(minutes=20)]),
    has_detector=st.booleans(),
    holds_home=st.booleans(),
)


@settings(max_examples=60)
@given(st.lists(ANY, max_size=6), st.sampled_from(list(Kind)))
def test_the_same_household_is_always_in_the_same_incident(
    around: list[Standing], kind: Kind
) -> None:
    found = belongs(*around, kind=kind)
    ours = [
        one for one in around
        if one.open and (one.has_detector or one.holds_home or one.household_id == MINE)
    ]  # fmt: skip
    if ours:
        assert found.joins in {one.id for one in ours}
    elif found.joins is not None:
        assert any(
            one.id == found.joins and one.open and {kind, one.kind} <= FIRE_LIKE
            and NOW - one.emitted_at <= WITHIN
            for one in around
        )  # fmt: skip
