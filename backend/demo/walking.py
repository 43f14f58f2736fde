"""Ways on foot through the town: the shortest between two places, and strolls without an aim.

Pure; a walk is a list of places, and where somebody is on it follows from metres walked.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

from geo.point import Point, metres

PACE_M_PER_S = 1.25

Walk = tuple[Point, ...]


class Lanes:
    """The walkable graph: vertices of ways, joined where ways share one."""

    def __init__(self, paths: Sequence[Walk]) -> None:
        self._next: dict[Point, dict[Point, float]] = {}
        for path in paths:
            for a, b in pairwise(path):
                gap = metres(a, b)
                self._next.setdefault(a, {})[b] = gap
                self._next.setdefault(b, {})[a] = gap

    def corners(self) -> tuple[Point, ...]:
        """Every vertex."""
        return tuple(self._next)

    def nearest(self, place: Point) -> Point:
        """The vertex nearest to a place."""
        return min(self._next, key=lambda v: (metres(v, place), v.lat, v.lon))

    def way(self, start: Point, end: Point) -> Walk:
        """The shortest walk between two places, both included."""
        here, there = self.nearest(start), self.nearest(end)
        before: dict[Point, Point] = {}
        best = {here: 0.0}
        queue = [(0.0, 0, here)]
        turn = 0
        while queue:
            so_far, _, at = heapq.heappop(queue)
            if at == there:
                break
            for after, gap in self._next[at].items():
                if so_far + gap < best.get(after, math.inf):
                    best[after] = so_far + gap
                    before[after] = at
                    turn += 1
                    heapq.heappush(queue, (so_far + gap, turn, after))
        back = [there]
        while back[-1] in before:
            back.append(before[back[-1]])
        return (start, *reversed(back), end)

    def stroll(self, random: Random, start: Point) -> Iterator[Point]:
        """Vertex after vertex for ever, turning back only in dead ends."""
        at = last = self.nearest(start)
        while True:
            yield at
            onward = [v for v in self._next[at] if v != last]
            at, last = random.choice(onward) if onward else last, at


def along(walk: Sequence[Point], walked_m: float) -> tuple[Point, bool]:
    """Where one is after so many metres, and whether the end is reached."""
    left = walked_m
    for a, b in pairwise(walk):
        gap = metres(a, b)
        if left < gap:
            share = left / gap
            return Point(a.lat + (b.lat - a.lat) * share, a.lon + (b.lon - a.lon) * share), False
        left -= gap
    return walk[-1], True
