"""A curve that fits a screen hides no peak, joins nothing over a gap, and tells the odd apart."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.sensing.curve import Curve, Mark, curve, thinned

HOUR = 3_600_000
GAP = 150_000.0

moments = st.lists(
    st.tuples(st.integers(0, HOUR), st.floats(-1e6, 1e6, allow_nan=False, width=32)),
    unique_by=lambda spot: spot[0],
    max_size=150,
).map(sorted)


def drawn(
    spots: list[tuple[int, float]], at_most: int, marks: Sequence[int] | None = None
) -> Curve:
    return curve(
        [at for at, _ in spots],
        [value for _, value in spots],
        marks or [0] * len(spots),
        since=0,
        until=HOUR,
        gap_ms=GAP,
        at_most=at_most,
    )


@settings(max_examples=60)
@given(moments, st.integers(2, 80))
def test_never_more_points_than_asked_for_and_the_lowest_and_highest_are_among_them(
    spots: list[tuple[int, float]], at_most: int
) -> None:
    runs = drawn(spots, at_most).runs
    kept = [spot for run in runs for spot in run]
    assert len(kept) <= at_most
    assert set(kept) <= set(spots)
    assert kept == sorted(kept)
    if spots:
        assert {min(v for _, v in kept), max(v for _, v in kept)} == {
            min(v for _, v in spots),
            max(v for _, v in spots),
        }


@settings(max_examples=60)
@given(moments, st.integers(2, 80))
def test_nothing_is_joined_over_a_gap_and_every_gap_is_told(
    spots: list[tuple[int, float]], at_most: int
) -> None:
    found = drawn(spots, at_most)
    silences = [(a, b) for (a, _), (b, _) in pairwise(spots) if b - a > GAP]
    for run in found.runs:
        for (a, _), (b, _) in pairwise(run):
            assert not any(a <= since and until <= b for since, until in silences)
    if len(silences) <= at_most - 2:
        assert set(silences) <= set(found.gaps)


def test_one_second_over_the_limit_in_a_whole_month_of_seconds_is_still_seen() -> None:
    spots = [(n * 1000, 1.0) for n in range(200_000)]
    spots[123_456] = (123_456_000, 30.0)
    [run] = thinned([spots], 0, 200_000_000, 600)
    assert len(run) <= 600
    assert (123_456_000, 30.0) in run


def test_a_silence_longer_than_two_and_a_half_intervals_is_a_gap_and_one_as_long_is_none() -> None:
    joined = drawn([(0, 1.0), (150_000, 2.0), (HOUR, 3.0)], 600)
    assert joined.runs == [[(0, 1.0), (150_000, 2.0)], [(HOUR, 3.0)]]
    parted = drawn([(0, 1.0), (150_001, 2.0)], 600)
    assert parted.gaps == [(0, 150_001), (150_001, HOUR)]


def test_a_test_and_a_fault_stand_apart_and_a_late_reading_is_marked_in_the_line() -> None:
    spots = [(0, 1.0), (1000, 30.0), (2000, 65.5), (3000, 2.0)]
    found = drawn(spots, 600, [0, Mark.TEST, Mark.FAULT | Mark.LATE, Mark.LATE])
    assert found.runs == [[(0, 1.0), (3000, 2.0)]]
    assert found.odd == [(1000, 30.0, "test"), (2000, 65.5, "fault")]
    assert found.late == [(3000, 2.0)]


def test_where_nothing_was_heard_the_whole_span_is_a_gap() -> None:
    assert drawn([], 600).gaps == [(0, HOUR)]
