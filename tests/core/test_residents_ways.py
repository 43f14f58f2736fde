"""By which telephone a household is reached, as its people want it (4.1-f)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.residents.flow import Reachable, Way, ways_of

OWN, DAUGHTER, NEIGHBOUR = "13800000001", "13800000002", "0512-65000003"


def test_who_says_nothing_is_texted_and_called_and_then_the_next_of_the_household() -> None:
    people = [Reachable(OWN), Reachable(""), Reachable(DAUGHTER), Reachable(NEIGHBOUR)]
    assert ways_of(people) == {"sms": OWN, "voice": OWN, "family": DAUGHTER}


@pytest.mark.clause("4.1-f")
def test_a_deaf_person_gets_texts_and_the_family_gets_the_call() -> None:
    people = [Reachable(OWN, Way.TEXT), Reachable(DAUGHTER)]
    assert ways_of(people) == {"sms": OWN, "family": DAUGHTER}


@pytest.mark.clause("4.1-f")
def test_who_cannot_act_alone_is_answered_for_by_the_family() -> None:
    people = [Reachable(OWN, Way.FAMILY), Reachable(DAUGHTER), Reachable(NEIGHBOUR)]
    assert ways_of(people) == {"sms": DAUGHTER, "voice": DAUGHTER, "family": NEIGHBOUR}


def test_who_has_nobody_is_not_left_without_a_way() -> None:
    assert ways_of([Reachable(OWN, Way.FAMILY)]) == {"sms": OWN, "voice": OWN}
    assert ways_of([Reachable(OWN, Way.TEXT)]) == {"sms": OWN}
    assert ways_of([Reachable("")]) == {}


PEOPLE = st.lists(
    st.builds(Reachable, st.sampled_from(["", OWN, DAUGHTER, NEIGHBOUR]), st.sampled_from(Way)),
    max_size=5,
)


@given(people=PEOPLE)
def test_a_household_with_a_number_has_a_way_and_never_one_that_it_cannot_hear(
    people: list[Reachable],
) -> None:
    ways = ways_of(people)
    assert bool(ways) == any(each.phone for each in people)
    assert set(ways.values()) <= {each.phone for each in people} - {""}
    hear = {each.phone for each in people if each.way is not Way.TEXT}
    assert ways.get("voice", "") in hear | {""}
    assert ways.get("family", "") in hear | {""}
    assert len({ways.get("voice", "-"), ways.get("family", "--")}) == 2
