"""From many readings to a curve that fits a screen and hides nothing. Pure.

A one-second peak stays, for it may be the alarm; a gap stays a gap, for nobody knows what was in
it; what a test button or a broken sensor said is shown apart and never joined to the rest.
Instants are milliseconds since 1970 (UTC), values in the quantity's unit.
"""

from collections.abc import Iterable, Sequence
from enum import IntFlag
from itertools import pairwise
from typing import NamedTuple

GAP_INTERVALS = 2.5
"""A detector that is silent for longer than this many of its intervals left a gap (5.1.1.2-a)."""

Spot = tuple[int, float]
"""When (ms) and what."""


class Mark(IntFlag):
    """What is odd about a reading; the bits are what the database computes from its flags."""

    PLAIN = 0
    LATE = 1
    TEST = 2
    FAULT = 4


ODD = Mark.TEST | Mark.FAULT
LATE, TEST = int(Mark.LATE), int(Mark.TEST)
_ODD = int(ODD)


class Curve(NamedTuple):
    """What is drawn. ``runs`` are joined inside, never to each other.

    ``odd`` are (ms, value, ``test`` or ``fault``); ``gaps`` are (from ms, to ms) inside the span.
    """

    runs: list[list[Spot]]
    late: list[Spot]
    odd: list[tuple[int, float, str]]
    gaps: list[tuple[int, int]]


def curve(
    at: Sequence[float],
    values: Sequence[float],
    marks: Sequence[int],
    *,
    since: int,
    until: int,
    gap_ms: float,
    at_most: int,
) -> Curve:
    """The curve of one quantity over a span.

    Args:
        at: ms, ascending, inside the span.
        values: finite, as many.
        marks: ``Mark`` bits, as many.
        since: first ms of the span.
        until: last ms of the span.
        gap_ms: two readings further apart than this are not joined.
        at_most: points of ``runs`` together, and of ``late``, ``odd`` and ``gaps`` each; 2 or more.

    Returns:
        Runs in order of time; of every stretch of the span its lowest and its highest point.
    """
    if any(marks):
        plain: list[tuple[float, float]] = []
        late: list[Spot] = []
        odd: list[tuple[int, float, str]] = []
        for ms, value, mark in zip(at, values, marks, strict=True):
            if mark & _ODD:
                odd.append((int(ms), value, "test" if mark & TEST else "fault"))
                continue
            if mark & LATE:
                late.append((int(ms), value))
            plain.append((ms, value))
        at, values = [ms for ms, _ in plain], [value for _, value in plain]
        late = [spot for run in thinned([late], since, until, at_most) for spot in run]
        odd = odd[:: -(-len(odd) // at_most)] if odd else odd
    else:
        late, odd = [], []
    starts = breaks(at, gap_ms)
    gaps = _gaps(at, starts, since, until, gap_ms)
    runs = _thinned_runs(at, values, starts, since, until, at_most)
    return Curve(runs, late, odd, sorted(sorted(gaps, key=_length)[:at_most]))


def breaks(at: Sequence[float], gap_ms: float) -> list[int]:
    """Where a new run begins: the index of each reading that follows a gap."""
    return [n for n, (one, next_) in enumerate(pairwise(at), 1) if next_ - one > gap_ms]


def thinned(
    runs: Iterable[Sequence[tuple[float, float]]], since: int, until: int, at_most: int
) -> list[list[Spot]]:
    """At most ``at_most`` points of these runs, the lowest and highest of each stretch among them.

    The span is cut into ``at_most / 2`` equal stretches. Few points come out as they went in. A
    run none of whose points is the lowest or highest of its stretch goes.
    """
    runs = list(runs)
    at = [ms for run in runs for ms, _ in run]
    values = [value for run in runs for _, value in run]
    starts: list[int] = []
    for run in runs[:-1]:
        starts.append((starts[-1] if starts else 0) + len(run))
    return _thinned_runs(at, values, starts, since, until, at_most)


def _thinned_runs(
    at: Sequence[float],
    values: Sequence[float],
    starts: Sequence[int],
    since: int,
    until: int,
    at_most: int,
) -> list[list[Spot]]:
    kept = range(len(at)) if len(at) <= at_most else _extremes(at, values, since, until, at_most)
    found: list[list[Spot]] = [[]]
    following = iter([*starts, len(at) + 1])
    ends = next(following)
    for n in kept:
        while n >= ends:
            ends = next(following)
            if found[-1]:
                found.append([])
        found[-1].append((int(at[n]), values[n]))
    return [run for run in found if run]


def _extremes(
    at: Sequence[float], values: Sequence[float], since: int, until: int, at_most: int
) -> list[int]:
    """Indices of the lowest and highest value of each stretch, ascending."""
    stretches = max(1, at_most // 2)
    width = max(1, -(-(until - since + 1) // stretches))
    kept: list[int] = []
    low = high = 0
    ends = since + width * ((int(at[0]) - since) // width + 1)
    lowest = highest = values[0]
    for n, (ms, value) in enumerate(zip(at, values, strict=True)):
        if ms >= ends:
            kept += [low] if low == high else [low, high] if low < high else [high, low]
            low = high = n
            lowest = highest = value
            ends = since + width * ((int(ms) - since) // width + 1)
        elif value < lowest:
            low, lowest = n, value
        elif value > highest:
            high, highest = n, value
    kept += [low] if low == high else [low, high] if low < high else [high, low]
    return kept


def _gaps(
    at: Sequence[float], starts: Sequence[int], since: int, until: int, gap_ms: float
) -> list[tuple[int, int]]:
    if not at:
        return [(since, until)]
    found = [(int(at[n - 1]), int(at[n])) for n in starts]
    if at[0] - since > gap_ms:
        found.insert(0, (since, int(at[0])))
    if until - at[-1] > gap_ms:
        found.append((int(at[-1]), until))
    return found


def _length(gap: tuple[int, int]) -> int:
    return gap[0] - gap[1]
