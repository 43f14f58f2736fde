from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.breaker import (
    FAILURES,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    LONGEST_WISH_S,
    PROBE_S,
    Breaker,
    after,
    before,
    closed_for_s,
)
from push.port import Outcome, Result
from tests.push.world import NOON

DOWN = Result(Outcome.RETRY, None, "timeout")
UP = Result(Outcome.SENT, None, "200")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker = after(breaker, DOWN, NOON)
    return breaker


def test_it_opens_at_the_fifth_failure_in_a_row_and_not_before() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker = after(breaker, DOWN, NOON)
    assert closed_for_s(breaker, NOON) == 0
    assert closed_for_s(after(breaker, DOWN, NOON), NOON) == FIRST_PAUSE_S


@pytest.mark.parametrize("outcome", [Outcome.SENT, Outcome.REJECTED, Outcome.FORGET_DEVICE])
def test_any_answer_that_a_working_provider_gives_closes_it(outcome: Outcome) -> None:
    assert after(opened(), Result(outcome), at(11)) == Breaker()


def test_half_open_lets_one_probe_through_and_its_failure_doubles_the_pause() -> None:
    breaker = opened()
    assert closed_for_s(breaker, at(9)) == 1
    assert closed_for_s(breaker, at(10)) == 0
    probing = before(breaker, at(10))
    assert closed_for_s(probing, at(10)) == PROBE_S
    again = after(probing, DOWN, at(12))
    assert closed_for_s(again, at(12)) == 2 * FIRST_PAUSE_S


def test_a_probe_of_which_nothing_was_heard_does_not_close_the_door_for_ever() -> None:
    probing = before(opened(), at(10))
    assert closed_for_s(probing, at(10 + PROBE_S)) == 0


def test_what_was_under_way_when_it_opened_does_not_lengthen_the_pause() -> None:
    breaker = opened()
    for second in range(5):
        breaker = after(breaker, DOWN, at(second))
    assert closed_for_s(breaker, at(5)) == FIRST_PAUSE_S - 5


def test_a_provider_s_own_wish_is_kept_at_once() -> None:
    breaker = after(Breaker(), Result(Outcome.RETRY, 45.0, "429"), NOON)
    assert closed_for_s(breaker, NOON) == 45
    greedy = after(Breaker(), Result(Outcome.RETRY, 86_400.0, "429"), NOON)
    assert closed_for_s(greedy, NOON) == LONGEST_WISH_S


def test_our_own_limit_says_nothing_about_the_provider() -> None:
    assert after(Breaker(), Result(Outcome.RETRY, 3.0, "room-limit"), NOON) == Breaker()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([DOWN, UP, Result(Outcome.RETRY, 45.0, "429")]), st.floats(0, 200)
        ),
        max_size=60,
    )
)
def test_no_history_closes_a_door_for_longer_than_said_and_a_success_always_opens_it(
    history: list[tuple[Result, float]],
) -> None:
    breaker, seconds = Breaker(), 0.0
    for result, wait_s in history:
        seconds += wait_s
        if closed_for_s(breaker, at(seconds)) == 0:
            breaker = after(before(breaker, at(seconds)), result, at(seconds))
        assert closed_for_s(breaker, at(seconds)) <= max(LONGEST_PAUSE_S, LONGEST_WISH_S)
    assert closed_for_s(after(breaker, UP, at(seconds)), at(seconds)) == 0
