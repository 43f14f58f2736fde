"""Plane geometry for drawing the invented town: metres, x east, y north, no I/O.

Only what laying out houses needs: smooth curves, ribbons (a curve with a width), convex
overlap and a grid that finds neighbours. Not for positions on the earth; those are ``geo``.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple


class Spot(NamedTuple):
    """A place in the drawing plane, metres."""

    x: float
    y: float


Polygon = tuple[Spot, ...]
"""Corners in order, counter-clockwise, the first not repeated."""


_Frame = tuple[float, float, float, float]


class Pose(NamedTuple):
    """A place on a curve and the direction there (unit vector)."""

    at: Spot
    along: Spot


def smooth(controls: Sequence[Spot], step_m: float = 13.0) -> tuple[Spot, ...]:
    """A Catmull-Rom curve through the controls, about one point per ``step_m``."""
    if len(controls) == 2:
        return tuple(controls)
    ends = [_beyond(controls[1], controls[0]), *controls, _beyond(controls[-2], controls[-1])]
    curve: list[Spot] = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        pieces = max(1, round(math.dist(b, c) / step_m))
        curve += [_catmull(a, b, c, d, i / pieces) for i in range(pieces)]
    return (*curve, controls[-1])


def _beyond(inner: Spot, end: Spot) -> Spot:
    return Spot(2 * end.x - inner.x, 2 * end.y - inner.y)


def _catmull(a: Spot, b: Spot, c: Spot, d: Spot, t: float) -> Spot:
    def one(p: float, q: float, r: float, s: float) -> float:
        return 0.5 * (
            2 * q
            + (r - p) * t
            + (2 * p - 5 * q + 4 * r - s) * t * t
            + (3 * q - p - 3 * r + s) * t**3
        )

    return Spot(one(a.x, b.x, c.x, d.x), one(a.y, b.y, c.y, d.y))


def length(line: Sequence[Spot]) -> float:
    """Metres along a polyline."""
    return sum(math.dist(a, b) for a, b in pairwise(line))


def pose(line: Sequence[Spot], along_m: float) -> Pose:
    """Where one is after ``along_m`` metres on a polyline; beyond its end, the end."""
    left = along_m
    for a, b in pairwise(line):
        d = math.dist(a, b)
        if left <= d and d > 0:
            u = Spot((b.x - a.x) / d, (b.y - a.y) / d)
            return Pose(Spot(a.x + u.x * left, a.y + u.y * left), u)
        left -= d
    a, b = line[-2], line[-1]
    d = math.dist(a, b) or 1.0
    return Pose(b, Spot((b.x - a.x) / d, (b.y - a.y) / d))


def aside(line: Sequence[Spot], offset_m: float) -> tuple[Spot, ...]:
    """The polyline moved to its left by ``offset_m`` (negative: right), corner by corner."""
    moved: list[Spot] = []
    for i, p in enumerate(line):
        before, after = line[max(0, i - 1)], line[min(len(line) - 1, i + 1)]
        d = math.dist(before, after) or 1.0
        across = offset_m / d
        moved.append(Spot(p.x - (after.y - before.y) * across, p.y + (after.x - before.x) * across))
    return tuple(moved)


def ribbon(line: Sequence[Spot], width_m: float) -> Polygon:
    """The outline of a curve drawn with a width."""
    return (*aside(line, -width_m / 2), *reversed(aside(line, width_m / 2)))


def quads(line: Sequence[Spot], width_m: float) -> Iterator[Polygon]:
    """A ribbon cut into convex pieces, one per segment."""
    right, left = aside(line, -width_m / 2), aside(line, width_m / 2)
    for i in range(len(line) - 1):
        yield (right[i], right[i + 1], left[i + 1], left[i])


def box(at: Pose, x0: float, x1: float, y0: float, y1: float) -> Polygon:
    """A rectangle in the frame of a pose: x along it, y to its left."""
    return tuple(place(at, x, y) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def place(at: Pose, x: float, y: float) -> Spot:
    """A point of a pose's frame in the plane."""
    (px, py), (ux, uy) = at
    return Spot(px + ux * x - uy * y, py + uy * x + ux * y)


def centre(shape: Polygon) -> Spot:
    """The mean of the corners."""
    return Spot(sum(p.x for p in shape) / len(shape), sum(p.y for p in shape) / len(shape))


def overlap(a: Polygon, b: Polygon) -> bool:
    """Whether two convex polygons share more than an edge (separating axis)."""
    for shape in (a, b):
        for p, q in zip(shape, (*shape[1:], shape[0]), strict=True):
            nx, ny = q.y - p.y, p.x - q.x
            low = min(nx * s.x + ny * s.y for s in a), min(nx * s.x + ny * s.y for s in b)
            high = max(nx * s.x + ny * s.y for s in a), max(nx * s.x + ny * s.y for s in b)
            if high[0] <= low[1] + 1e-9 or high[1] <= low[0] + 1e-9:
                return False
    return True


def crossing(a: Spot, b: Spot, c: Spot, d: Spot) -> tuple[Spot, float] | None:
    """Where segment ab meets cd, and how far along ab (0 to 1); None when it does not."""
    rx, ry, sx, sy = b.x - a.x, b.y - a.y, d.x - c.x, d.y - c.y
    turn = rx * sy - ry * sx
    if abs(turn) < 1e-12:
        return None
    t = ((c.x - a.x) * sy - (c.y - a.y) * sx) / turn
    u = ((c.x - a.x) * ry - (c.y - a.y) * rx) / turn
    if not (0 <= t <= 1 and 0 <= u <= 1):
        return None
    return Spot(a.x + t * rx, a.y + t * ry), t


class Ground:
    """What stands where: convex shapes in a grid, asked whether a new one still fits."""

    def __init__(self, cell_m: float = 16.0) -> None:
        self._cell_m = cell_m
        self._cells: dict[tuple[int, int], list[tuple[_Frame, Polygon]]] = {}

    def put(self, shape: Polygon) -> None:
        """Take the place of a convex shape."""
        frame = _frame(shape)
        for cell in self._touched(frame):
            self._cells.setdefault(cell, []).append((frame, shape))

    def put_all(self, shapes: Iterable[Polygon]) -> None:
        """Take the place of several."""
        for shape in shapes:
            self.put(shape)

    def free(self, shape: Polygon) -> bool:
        """Whether a convex shape overlaps nothing yet."""
        frame = _frame(shape)
        x0, y0, x1, y1 = frame
        for cell in self._touched(frame):
            for (a0, b0, a1, b1), other in self._cells.get(cell, ()):
                # Most neighbours are ruled out by their upright frames alone.
                if a0 < x1 and x0 < a1 and b0 < y1 and y0 < b1 and overlap(shape, other):
                    return False
        return True

    def _touched(self, frame: _Frame) -> Iterator[tuple[int, int]]:
        x0, y0, x1, y1 = (int(v // self._cell_m) for v in frame)
        for i in range(x0, x1 + 1):
            for j in range(y0, y1 + 1):
                yield i, j


def _frame(shape: Polygon) -> _Frame:
    xs, ys = [p.x for p in shape], [p.y for p in shape]
    return min(xs), min(ys), max(xs), max(ys)
