"""Streets and lanes joined into one walkable network, with a bridge wherever water is crossed.

Two ways meet only where they share a vertex, as in OpenStreetMap; so each crossing becomes a
vertex of both lines, and a stretch over a canal becomes a line of its own.
"""

import math
from itertools import pairwise
from typing import NamedTuple

from backend.demo import plan
from backend.demo.shapes import Spot, crossing, length, pose

_JOIN_M = 13.0
"""A lane that ends this near another way was meant to reach it."""
_BANK_M = 2.0
"""A bridge begins this far before the water."""


class Stretch(NamedTuple):
    """A piece of the network: layer is street, lane or bridge."""

    name: str
    layer: str
    width_m: float
    line: tuple[Spot, ...]


class _Cut(NamedTuple):
    along_m: float
    at: Spot


def joined(way: plan.Way) -> plan.Way:
    """The way with both ends drawn on to the way they were meant to reach, over no water."""
    line = list(way.line)
    for end, outward in ((0, line[0]), (len(line), line[-1])):
        feet = [
            (math.dist(outward, foot), foot)
            for other in (*plan.STREETS, *plan.LANES)
            if other is not way
            for foot in [_foot(outward, other.line)]
        ]
        gap, foot = min(feet)
        dry = not any(
            crossing(outward, foot, a, b) for c in plan.CANALS for a, b in pairwise(c.line)
        )
        if 0.05 < gap <= _JOIN_M and dry and not _meets_any(way, outward):
            # A hand's breadth past it, so that the two lines surely cross.
            past = 1 + 0.05 / gap
            beyond = Spot(
                outward.x + (foot.x - outward.x) * past, outward.y + (foot.y - outward.y) * past
            )
            line.insert(end if end == 0 else len(line), beyond)
    return way._replace(line=tuple(line))


def _meets_any(way: plan.Way, end: Spot) -> bool:
    """Whether the way crosses another within a few metres of this end."""
    for other in (*plan.STREETS, *plan.LANES):
        if other is not way:
            for cut in _crossings(way.line, other.line):
                if math.dist(cut.at, end) < _JOIN_M:
                    return True
    return False


def _foot(spot: Spot, line: tuple[Spot, ...]) -> Spot:
    best, best_m = line[0], math.inf
    for a, b in pairwise(line):
        square = (b.x - a.x) ** 2 + (b.y - a.y) ** 2
        share = ((spot.x - a.x) * (b.x - a.x) + (spot.y - a.y) * (b.y - a.y)) / square
        share = min(1.0, max(0.0, share))
        foot = Spot(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y))
        gap = math.dist(spot, foot)
        if gap < best_m:
            best, best_m = foot, gap
    return best


def _crossings(line: tuple[Spot, ...], other: tuple[Spot, ...]) -> list[_Cut]:
    ax, ay = [p.x for p in line], [p.y for p in line]
    bx, by = [p.x for p in other], [p.y for p in other]
    if max(ax) < min(bx) or max(bx) < min(ax) or max(ay) < min(by) or max(by) < min(ay):
        return []
    cuts, done = [], 0.0
    for a, b in pairwise(line):
        step = math.dist(a, b)
        for c, d in pairwise(other):
            if min(c.x, d.x) <= max(a.x, b.x) and max(c.x, d.x) >= min(a.x, b.x):
                hit = crossing(a, b, c, d)
                if hit is not None:
                    # Rounded, so that both ways own the same vertex to the last digit.
                    at = Spot(round(hit[0].x, 3), round(hit[0].y, 3))
                    cuts.append(_Cut(done + hit[1] * step, at))
        done += step
    return cuts


def network() -> tuple[Stretch, ...]:
    """Every walkable stretch of the town; bridges named from south-west to north-east."""
    ways = [joined(way) for way in (*plan.STREETS, *plan.LANES)]
    corners: list[list[_Cut]] = [[] for _ in ways]
    for i, way in enumerate(ways):
        for j, other in enumerate(ways[i + 1 :], start=i + 1):
            for cut in _crossings(way.line, other.line):
                corners[i].append(cut)
                corners[j].append(_Cut(_along(other.line, cut.at), cut.at))
    stretches: list[Stretch] = []
    for way, cuts in zip(ways, corners, strict=True):
        stretches += _split(way, cuts)
    bridges = sorted(
        (s for s in stretches if s.layer == "bridge"), key=lambda s: s.line[0].x + s.line[0].y
    )
    names = dict(zip((id(s) for s in bridges), plan.BRIDGES, strict=False))
    return tuple(s._replace(name=names.get(id(s), s.name)) for s in stretches)


def _along(line: tuple[Spot, ...], at: Spot) -> float:
    done, best, best_gap = 0.0, 0.0, math.inf
    for a, b in pairwise(line):
        foot = _foot(at, (a, b))
        gap = math.dist(foot, at)
        if gap < best_gap:
            best, best_gap = done + math.dist(a, foot), gap
        done += math.dist(a, b)
    return best


def _split(way: plan.Way, cuts: list[_Cut]) -> list[Stretch]:
    """The way in pieces: dry, bridge, dry … with a vertex at every crossing."""
    over: list[tuple[float, float]] = []
    total = length(way.line)
    for canal in plan.CANALS:
        for cut in _crossings(way.line, canal.line):
            half = canal.width_m / 2 + _BANK_M
            over.append((max(0.0, cut.along_m - half), min(total, cut.along_m + half)))
    vertices = _corners(way.line) + cuts
    for start, stop in over:
        vertices += [_Cut(m, pose(way.line, m).at) for m in (start, stop)]
    vertices.sort()
    pieces: list[Stretch] = []
    line: list[Spot] = [vertices[0].at]
    wet_now = _wet(over, vertices[0].along_m + 1e-6)
    for before, after in pairwise(vertices):
        wet = _wet(over, (before.along_m + after.along_m) / 2)
        if wet != wet_now and len(line) > 1:
            pieces.append(_stretch(way, line, wet=wet_now))
            line = [before.at]
        wet_now = wet
        if after.at != line[-1]:
            line.append(after.at)
    if len(line) > 1:
        pieces.append(_stretch(way, line, wet=wet_now))
    return pieces


def _corners(line: tuple[Spot, ...]) -> list[_Cut]:
    found, done = [_Cut(0.0, line[0])], 0.0
    for a, b in pairwise(line):
        done += math.dist(a, b)
        found.append(_Cut(done, b))
    return found


def _wet(over: list[tuple[float, float]], along_m: float) -> bool:
    return any(start < along_m < stop for start, stop in over)


def _stretch(way: plan.Way, line: list[Spot], *, wet: bool) -> Stretch:
    layer = "bridge" if wet else way.layer
    return Stretch(way.name, layer, way.width_m + (1.2 if wet else 0.0), tuple(line))
