"""The moving index: who is nearest, while everybody walks about.

People are kept in three grids of latitude and longitude cells, each five times wider than the
one before, each cell a small dictionary. A move rewrites one entry per grid, or two where an
edge is crossed; nothing is ever rebuilt and an empty cell is dropped, so memory follows the
number of people and not where they have been.

A question guesses its first radius from how many people are around, reads the grid that is
cheapest for it, and grows the radius until nothing outside it can be nearer. Distances are
straight lines through the earth, which cost a tenth of a microsecond; who stands too close to
somebody else to be put in order by them (``geo.ellipsoid`` says when) is measured by Karney's
algorithm. So whatever the guess, the answer is the one that measuring the geodesic to everybody
would give. An empty lane and a crowded square cost about the same.

    >>> from geo.point import Point
    >>> people: MovingIndex[str] = MovingIndex()
    >>> people.insert("wang", Point(31.3150, 120.6330))
    >>> people.insert("zhao", Point(31.3155, 120.6330))
    >>> people.move("wang", Point(31.3190, 120.6330))
    >>> [(who, round(m)) for who, m in people.nearest(Point(31.3150, 120.6330), k=2, within_m=500)]
    [('zhao', 55), ('wang', 443)]
    >>> people.nearest(Point(31.3150, 120.6330), k=1, within_m=500, accept=lambda who: who > "x")
    [('zhao', 55.437...)]
    >>> people.remove("zhao")
    >>> "zhao" in people, len(people)
    (False, 1)
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from math import asin, degrees, floor, hypot, sqrt
from typing import Any, Generic, Protocol, TypeVar

from geo.ellipsoid import (
    AXIS_M,
    FARTHEST_M,
    NEAR_M,
    SLACK_M,
    TIGHTEST_M,
    doubt_m,
    karney_metres,
    to_space,
    way_bounds,
    way_metres,
)
from geo.point import Datum, DatumError, Point, same_frame


class Ordered(Hashable, Protocol):
    """A key that can be hashed and put in order: two people at one distance need a first."""

    def __lt__(self, other: Any, /) -> bool: ...


Key = TypeVar("Key", bound=Ordered)

_WIDER = 4
"""Cells of one grid along the side of a cell of the next."""
_REACH = 1.8
"""A grid is read while the radius is at most this many of its cells."""
_SPARE = 2.0
"""The first radius holds this many times those asked for, were people spread evenly."""
_TELLING = 12
"""So many in one coarse cell tell how dense the crowd is; fewer, and its neighbours are asked."""
_FEW = 24
"""Measuring this many costs less than choosing among them."""
_ALL_M = 2 * AXIS_M + 1.0
"""No straight line through the earth is longer."""
_STRETCH = 1.2
"""Columns are this much wider in degrees than rows: cells are square at 34° north."""

_DEG = degrees(1.0001)
_TWICE_DEG = 2 * _DEG


class _Person(Generic[Key]):
    """One person; changed in place, so that a move within a cell touches nothing else."""

    __slots__ = ("column", "key", "point", "row", "x", "y", "z")

    key: Key
    point: Point
    row: int
    column: int
    x: float
    y: float
    z: float


_Cell = dict[Key, _Person[Key]]
_Grid = dict[int, _Cell[Key]]
_Near = list[tuple[float, Key]]


class MovingIndex(Generic[Key]):
    """Positions of people, in one frame, by key.

    Args:
        cell_m: the height of a cell of the finest grid, metres; any value is exact. The
            default suits questions in a town, from 10 to 100,000 people to the square
            kilometre.

    Cost (``jiean bench geo``): a move a few microseconds; the nearest five of 200,000 people
    tens of microseconds. Not thread-safe: one event loop owns it.
    """

    def __init__(self, *, cell_m: float = 20.0) -> None:
        if not cell_m > 0:
            raise ValueError("cell_m must be above 0")
        self._cell_m = cell_m
        height = degrees(cell_m / TIGHTEST_M)
        # A whole number of the widest columns round the earth, so that every grid wraps at the
        # date line.
        widest = max(1, floor(360.0 / (height * _STRETCH * _WIDER**2)))
        self._columns = (widest * _WIDER**2, widest * _WIDER, widest)
        self._rows_per_deg = 1 / height
        self._columns_per_deg = self._columns[0] / 360.0
        self._people: _Cell[Key] = {}
        # By row * columns + column: a number is found faster than a pair.
        self._grids: tuple[_Grid[Key], _Grid[Key], _Grid[Key]] = ({}, {}, {})

    def __len__(self) -> int:
        return len(self._people)

    def __contains__(self, key: object) -> bool:
        return key in self._people

    def __iter__(self) -> Iterator[Key]:
        return iter(self._people)

    @property
    def cells(self) -> int:
        """Occupied cells of the finest grid: never more than there are people."""
        return len(self._grids[0])

    def position(self, key: Key) -> Point:
        """Where ``key`` is. Raises ``KeyError`` when it is not in the index."""
        return self._people[key].point

    def insert(self, key: Key, point: Point) -> None:
        """Put somebody in.

        Raises:
            KeyError: the key is there already; use ``move``.
            DatumError: the point is not WGS-84 (or CGCS2000).
        """
        if key in self._people:
            raise KeyError(key)
        person: _Person[Key] = _Person()
        person.key = key
        self._place(person, point)
        self._people[key] = person
        cells = self._cells_of(person.row, person.column)
        for grid, cell in zip(self._grids, cells, strict=True):
            grid.setdefault(cell, {})[key] = person

    def move(self, key: Key, point: Point) -> None:
        """Give somebody a new position.

        Raises:
            KeyError: nobody has this key; use ``insert``.
            DatumError: the point is not WGS-84 (or CGCS2000).
        """
        person = self._people[key]
        row, column = person.row, person.column
        self._place(person, point)
        if person.row == row and person.column == column:
            return
        left, entered = self._cells_of(row, column), self._cells_of(person.row, person.column)
        for grid, old, new in zip(self._grids, left, entered, strict=True):
            if old == new:
                # The wider grids have no edge where this one has none.
                return
            _take(grid, old, key)
            grid.setdefault(new, {})[key] = person

    def remove(self, key: Key) -> None:
        """Take somebody out. Raises ``KeyError`` when nobody has this key."""
        person = self._people.pop(key)
        cells = self._cells_of(person.row, person.column)
        for grid, cell in zip(self._grids, cells, strict=True):
            _take(grid, cell, key)

    def nearest(
        self,
        origin: Point,
        *,
        k: int,
        within_m: float,
        accept: Callable[[Key], bool] | None = None,
    ) -> list[tuple[Key, float]]:
        """The ``k`` nearest people.

        Args:
            origin: where help is needed, WGS-84.
            k: how many, 0 or more.
            within_m: the farthest that counts, metres, the limit itself included;
                ``math.inf`` for no limit.
            accept: asked once per person, nearest first, until ``k`` have been accepted.

        Returns:
            (key, metres) nearest first, equal distances in key order: exactly those, and in
            the order, that sorting everybody by (``geodesic_metres``, key) would give. The
            metres themselves are good to a millimetre.

        Raises:
            DatumError: ``origin`` is not WGS-84 (or CGCS2000).
        """
        here: _Person[Any] = _Person()
        self._place(here, origin)
        if k <= 0 or not self._people or not within_m >= 0:
            return []
        far = min(within_m + SLACK_M, _ALL_M)
        radius = min(self._first_radius_m(here, k), far)
        near = self._ring(here, -1.0, radius)
        if accept is None:
            while len(near) < k and radius < far:
                radius = min(radius * 1.5, far)
                near = self._ring(here, -1.0, radius)
            found = _plain(near, k, radius, within_m)
            if found is not None:
                return found
        return self._careful(here, near, radius, far, k, within_m, accept)

    def within(self, origin: Point, within_m: float) -> list[tuple[Key, float]]:
        """Everybody within a radius, nearest first: ``nearest`` without a count."""
        return self.nearest(origin, k=len(self._people), within_m=within_m)

    def _careful(
        self,
        here: _Person[Any],
        near: _Near[Key],
        radius: float,
        far: float,
        k: int,
        within_m: float,
        accept: Callable[[Key], bool] | None,
    ) -> list[tuple[Key, float]]:
        """The answer in rings that grow, each put in order beyond doubt before the next."""
        found: list[tuple[Key, float]] = []
        waiting: _Near[Key] = []
        while True:
            waiting += near
            last = radius >= far
            sure_m = FARTHEST_M if last else way_bounds(radius)[0] - SLACK_M
            for metres, key in self._in_order(here.point, waiting, sure_m, k, within_m):
                if metres > within_m:
                    return found
                if accept is None or accept(key):
                    found.append((key, metres))
                    if len(found) == k:
                        return found
            if last:
                return found
            done, radius = radius, min(radius * 2, far)
            near = self._ring(here, done, radius)

    def _ring(self, here: _Person[Any], above_m: float, upto_m: float) -> _Near[Key]:
        """(chord, key), in order, of everybody whose chord is above one and up to the other."""
        above, upto = above_m * abs(above_m), upto_m * upto_m
        x, y, z = here.x, here.y, here.z
        ring: _Near[Key] = []
        for cell in self._cells_within(here, upto_m):
            for person in cell.values():
                dx, dy, dz = person.x - x, person.y - y, person.z - z
                square = dx * dx + dy * dy + dz * dz
                if above < square <= upto:
                    ring.append((sqrt(square), person.key))
        ring.sort()
        return ring

    def _first_radius_m(self, here: _Person[Any], k: int) -> float:
        """A guess, above 0: the radius that holds ``k`` people if they stand as they do here."""
        if len(self._people) <= _FEW:
            return _ALL_M
        grid, columns = self._grids[2], self._columns[2]
        middle = here.row // _WIDER**2 * columns + here.column // _WIDER**2
        cells = 1
        around = len(grid[middle]) if middle in grid else 0
        if around < _TELLING:
            cells, around = 9, 0
            for west in (middle - columns - 1, middle - 1, middle + columns - 1):
                for at in (west, west + 1, west + 2):
                    if at in grid:
                        around += len(grid[at])
        side = self._cell_m * _WIDER**2
        if around == 0:
            return 2 * side
        # A cell is as wide as the latitude makes it.
        wide = _STRETCH * max(hypot(here.x, here.y) / AXIS_M, 1e-3)
        return side * sqrt(cells * wide * _SPARE * k / around / math.pi)

    def _cells_within(self, here: _Person[Any], radius: float) -> Iterable[_Cell[Key]]:
        """Occupied cells of one grid that hold everybody with a chord up to ``radius``.

        Beyond a parallel that is d away every chord is at least 2R sin(d/2), R being the least
        radius of curvature; beyond a meridian that is d away, at least p sin(d), p being the
        distance from the axis, and p itself from a quarter turn on. That holds over the poles
        too: whoever stands beyond one is a quarter turn away or more.
        """
        if radius >= _ALL_M:
            return (self._people,)
        lat, lon = here.point.lat + 90.0, here.point.lon + 180.0
        reach = radius + SLACK_M
        up, turn = reach / (2 * TIGHTEST_M), reach / (hypot(here.x, here.y) + SLACK_M)
        if turn < 0.01:
            # asin(a) < 1.0001 a here, and up is less than turn.
            up, turn = up * _TWICE_DEG, turn * _DEG
        else:
            up = degrees(2 * asin(up)) + 1e-9 if up < 1 else 180.0
            turn = degrees(asin(turn)) + 1e-9 if turn < 1 else 180.0
        level = 0
        while level < 2 and radius > self._cell_m * _REACH * _WIDER**level:
            level += 1
        step, columns, grid = _WIDER**level, self._columns[level], self._grids[level]
        rows_per_deg, columns_per_deg = self._rows_per_deg / step, self._columns_per_deg / step
        south = int(max(0.0, lat - up) * rows_per_deg)
        north = int(min(180.0, lat + up) * rows_per_deg)
        west = floor((lon - turn) * columns_per_deg)
        east = floor((lon + turn) * columns_per_deg)
        if (north - south + 1) * (east - west + 1) > len(grid):
            return grid.values()
        across: Iterable[int] = range(west, east + 1)
        if west < 0 or east >= columns:
            across = _columns_round(west, east, columns)
        found: list[_Cell[Key]] = []
        for start in range(south * columns, (north + 1) * columns, columns):
            for column in across:
                if start + column in grid:
                    found.append(grid[start + column])
        return found

    def _place(self, person: _Person[Any], point: Point) -> None:
        """Put down where somebody is; nothing is changed when the point is refused."""
        if point.datum is not Datum.WGS84 and not same_frame(point.datum, Datum.WGS84):
            raise DatumError(f"the index is WGS-84, not {point.datum}")
        lat, lon = point.lat, point.lon
        person.point = point
        person.row = int((lat + 90.0) * self._rows_per_deg)
        person.column = int((lon + 180.0) * self._columns_per_deg) % self._columns[0]
        person.x, person.y, person.z = to_space(lat, lon)

    def _cells_of(self, row: int, column: int) -> tuple[int, int, int]:
        fine, middle, coarse = self._columns
        return (
            row * fine + column,
            row // _WIDER * middle + column // _WIDER,
            row // _WIDER**2 * coarse + column // _WIDER**2,
        )

    def _in_order(
        self, origin: Point, waiting: _Near[Key], sure_m: float, want: int, within_m: float
    ) -> Iterator[tuple[float, Key]]:
        """(metres, key) of those waiting who are surely within ``sure_m``, in order beyond doubt.

        They are taken out of ``waiting``, which is in order of chord, as they are given.
        """
        while waiting:
            # At least ``want`` of them are within this, so nobody who surely is not comes before.
            top = min(sure_m, way_bounds(waiting[min(want, len(waiting)) - 1][0])[1])
            bounds = []
            for chord, _ in waiting:
                bound = way_bounds(chord)
                if bound[0] > top:
                    break
                bounds.append(bound)
            told: list[tuple[float, Key, float]] = []
            known: dict[tuple[float, float], float] = {}
            for i, (least, most) in enumerate(bounds):
                chord, key = waiting[i]
                if (
                    chord <= NEAR_M
                    and (i == 0 or bounds[i - 1][1] < least)
                    and (i + 1 == len(bounds) or most < bounds[i + 1][0])
                    and not least <= within_m <= most
                    and most <= sure_m
                ):
                    told.append((way_metres(chord), key, chord))
                    continue
                at = self._people[key].point
                if (at.lat, at.lon) not in known:
                    known[at.lat, at.lon] = karney_metres(origin.lat, origin.lon, at.lat, at.lon)
                told.append((known[at.lat, at.lon], key, chord))
            told.sort()
            settled = [(metres, key) for metres, key, _ in told if metres <= top]
            if not settled:
                return
            later = [(chord, key) for metres, key, chord in told if metres > top]
            waiting[: len(bounds)] = sorted(later)
            yield from settled


def _plain(
    near: _Near[Key], k: int, radius: float, within_m: float
) -> list[tuple[Key, float]] | None:
    """The answer when nobody stands too close to call, or None."""
    if len(near) < k:
        return None
    first = near[: k + 1]
    chord = first[-1][0]
    if chord > NEAR_M:
        return None
    doubt = 2 * doubt_m(chord)
    last = first[k - 1][0]
    if last + doubt > radius or way_metres(last) + doubt > within_m:
        return None
    before = -1.0
    for chord, _ in first:
        if chord - before < doubt:
            return None
        before = chord
    return [(key, way_metres(chord)) for chord, key in first[:k]]


def _columns_round(west: int, east: int, all_round: int) -> Iterable[int]:
    """Columns from west to east, each once, as cells are numbered: from 0 to ``all_round``."""
    if east - west + 1 >= all_round:
        return range(all_round)
    west, east = west % all_round, east % all_round
    return range(west, east + 1) if west <= east else (*range(west, all_round), *range(east + 1))


def _take(grid: _Grid[Key], at: int, key: Key) -> None:
    cell = grid[at]
    del cell[key]
    if not cell:
        del grid[at]
