"""The moving index: who is nearest, while everybody walks about.

People are kept in two grids of latitude and longitude cells, a coarse and a fine one, each
cell a small dictionary. A move within a cell touches one entry, a move across an edge two;
nothing is ever rebuilt and an empty cell is dropped, so memory follows the number of people
and not where they have been. A question guesses its first radius from how many people are in
the coarse cells around, reads the grid that is cheaper for it, and grows the radius until
nothing outside it can be nearer: whatever the guess, the answer is always the one that
measuring everybody would give. An empty lane and a crowded square cost about the same.

    >>> from geo.point import Point
    >>> people: MovingIndex[str] = MovingIndex()
    >>> people.insert("wang", Point(31.3150, 120.6330))
    >>> people.insert("zhao", Point(31.3155, 120.6330))
    >>> people.move("wang", Point(31.3190, 120.6330))
    >>> [(who, round(m)) for who, m in people.nearest(Point(31.3150, 120.6330), k=2, within_m=500)]
    [('zhao', 56), ('wang', 445)]
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from math import cos, floor, radians, sin
from typing import Any, Generic, Protocol, TypeVar

from geo.point import EARTH_RADIUS_M, Datum, DatumError, Point, arc_metres, same_frame


class Ordered(Hashable, Protocol):
    """A key that can be hashed and put in order: two people at one distance need a first."""

    def __lt__(self, other: Any, /) -> bool: ...


Key = TypeVar("Key", bound=Ordered)

# Rounding in the trigonometry is below 1e-15; this keeps every bound on the safe side of it
# and is six micrometres on the ground.
_SLACK_RAD = 1e-12
_HALF_ROUND_M = math.pi * EARTH_RADIUS_M
_FINE = 5
"""Fine cells along the side of a coarse one."""
_SPARE = 2.0
"""The first radius holds this many times those asked for, were people spread evenly."""


class _Person(Generic[Key]):
    """One person; changed in place, so that a move within a cell touches nothing else."""

    __slots__ = ("column", "cos_lat", "key", "lon", "point", "row", "x", "y", "z")

    key: Key
    point: Point
    row: int
    column: int
    cos_lat: float
    lon: float
    x: float
    y: float
    z: float


_Cell = dict[Key, _Person[Key]]


class MovingIndex(Generic[Key]):
    """Positions of people, in one frame, by key.

    Args:
        cell_m: the height of a coarse cell, metres; any value is exact. The default suits
            questions in a town, from 10 to 100,000 people to the square kilometre.

    Cost (``jiean bench geo``): a move a few microseconds; the nearest five of 200,000 people
    tens of microseconds. Not thread-safe: one event loop owns it.
    """

    def __init__(self, *, cell_m: float = 150.0) -> None:
        if not cell_m > 0:
            raise ValueError("cell_m must be above 0")
        self._cell_m = cell_m
        self._fine_deg = math.degrees(cell_m / EARTH_RADIUS_M) / _FINE
        # A whole number of columns round the earth, so that counting them wraps at the date
        # line; and of fine ones in a coarse one, so that both wrap there.
        self._coarse_columns = max(1, floor(360.0 / (self._fine_deg * _FINE)))
        self._fine_columns = self._coarse_columns * _FINE
        self._column_deg = 360.0 / self._fine_columns
        self._people: dict[Key, _Person[Key]] = {}
        # By row × columns + column; a number is found faster than a pair.
        self._coarse: dict[int, _Cell[Key]] = {}
        self._fine: dict[int, _Cell[Key]] = {}

    def __len__(self) -> int:
        return len(self._people)

    def __contains__(self, key: object) -> bool:
        return key in self._people

    def __iter__(self) -> Iterator[Key]:
        return iter(self._people)

    @property
    def cells(self) -> int:
        """Occupied cells of the finer grid: never more than there are people."""
        return len(self._fine)

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
        person = self._people[key] = self._person(key, point)
        row, column = person.row, person.column
        self._fine.setdefault(row * self._fine_columns + column, {})[key] = person
        coarse = row // _FINE * self._coarse_columns + column // _FINE
        self._coarse.setdefault(coarse, {})[key] = person

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
        _shift(
            self._fine,
            person,
            row * self._fine_columns + column,
            person.row * self._fine_columns + person.column,
        )
        columns = self._coarse_columns
        before = row // _FINE * columns + column // _FINE
        after = person.row // _FINE * columns + person.column // _FINE
        if before != after:
            _shift(self._coarse, person, before, after)

    def remove(self, key: Key) -> None:
        """Take somebody out. Raises ``KeyError`` when nobody has this key."""
        person = self._people.pop(key)
        row, column = person.row, person.column
        _take(self._fine, person, row * self._fine_columns + column)
        _take(self._coarse, person, row // _FINE * self._coarse_columns + column // _FINE)

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
            (key, metres) nearest first, equal distances in key order: exactly what sorting
            everybody by (``geo.point.metres``, key) would give.

        Raises:
            DatumError: ``origin`` is not WGS-84 (or CGCS2000).
        """
        found: list[tuple[Key, float]] = []
        if k <= 0 or not self._people or not within_m >= 0:
            return found
        here: _Person[Any] = self._person(None, origin)
        done_m, radius_m = -1.0, min(self._first_radius_m(here, k), within_m)
        while True:
            most = k if accept is None and done_m < 0 else len(self._people)
            for metres, key in self._ring(here, done_m, radius_m, most):
                if accept is None or accept(key):
                    found.append((key, metres))
                    if len(found) == k:
                        return found
            if radius_m >= min(within_m, _HALF_ROUND_M * 1.01):
                return found
            done_m, radius_m = radius_m, min(radius_m * 2, within_m)

    def within(self, origin: Point, within_m: float) -> list[tuple[Key, float]]:
        """Everybody within a radius, nearest first: ``nearest`` without a count."""
        return self.nearest(origin, k=len(self._people), within_m=within_m)

    def _ring(
        self, here: _Person[Key], above_m: float, upto_m: float, most: int
    ) -> list[tuple[float, Key]]:
        """Everybody farther than ``above_m`` and not farther than ``upto_m``, in order.

        Beyond the first ``most`` of those up to ``upto_m`` they may be left out.
        """
        # A straight line through the earth is far cheaper than an arc and has the same order.
        half_turn = min(upto_m / EARTH_RADIUS_M / 2, math.pi / 2)
        reach = (2 * sin(half_turn) + _SLACK_RAD) ** 2
        x, y, z = here.x, here.y, here.z
        near: list[tuple[float, _Person[Key]]] = []
        for cell in self._cells_within(here, upto_m):
            for person in cell.values():
                dx, dy, dz = person.x - x, person.y - y, person.z - z
                square = dx * dx + dy * dy + dz * dz
                if square <= reach:
                    near.append((square, person))
        if len(near) > most:
            # Rounding may swap two who stand within micrometres: those are kept and measured.
            nth = sorted([square for square, _ in near])[most - 1]
            reach = (math.sqrt(nth) + _SLACK_RAD) ** 2
        sin_here, cos_here, lon_here = here.z, here.cos_lat, here.lon
        ring: list[tuple[float, Key]] = []
        for square, person in near:
            if square <= reach:
                metres = arc_metres(
                    sin_here, cos_here, person.z, person.cos_lat, person.lon - lon_here
                )
                if above_m < metres <= upto_m:
                    ring.append((metres, person.key))
        ring.sort()
        return ring

    def _first_radius_m(self, here: _Person[Key], k: int) -> float:
        """A guess, above 0: the radius that holds ``k`` people if they stand as they do here."""
        row, column = here.row // _FINE, here.column // _FINE
        coarse, columns, around = self._coarse, self._coarse_columns, 0
        for r in (row - 1, row, row + 1):
            for at in range(r * columns + column - 1, r * columns + column + 2):
                if at in coarse:
                    around += len(coarse[at])
        if around == 0:
            return 2 * self._cell_m
        cells = _SPARE * k * 9 / around
        return self._cell_m * math.sqrt(cells * max(here.cos_lat, 1e-3) / math.pi)

    def _cells_within(self, here: _Person[Key], radius_m: float) -> list[_Cell[Key]]:
        """Occupied cells of one grid that hold everybody within the radius."""
        angle = radius_m / EARTH_RADIUS_M + _SLACK_RAD
        phi = radians(here.point.lat)
        low, high = phi - angle, phi + angle
        if low <= -math.pi / 2 or high >= math.pi / 2:
            # A pole is inside: every longitude is.
            turn = math.pi
        else:
            turn = math.asin(min(1.0, sin(angle) / cos(phi))) + _SLACK_RAD
        south, north = self._row(math.degrees(low) - 1e-9), self._row(math.degrees(high) + 1e-9)
        lon, turn_deg = here.point.lon, math.degrees(turn) + 1e-9
        west, east = self._column(lon - turn_deg), self._column(lon + turn_deg)

        c_south, c_north = south // _FINE, north // _FINE
        c_west, c_east = west // _FINE, east // _FINE
        if (c_north - c_south + 1) * (c_east - c_west + 1) > len(self._coarse):
            return list(self._coarse.values())
        found = _look_up(self._coarse, c_south, c_north, c_west, c_east, self._coarse_columns)
        # Asking for a fine cell costs about half of measuring to a person.
        if (north - south + 1) * (east - west + 1) < 2 * sum(map(len, found)):
            return _look_up(self._fine, south, north, west, east, self._fine_columns)
        return found

    def _row(self, lat: float) -> int:
        return floor(lat / self._fine_deg)

    def _column(self, lon: float) -> int:
        return floor(lon / self._column_deg)

    def _person(self, key: Any, point: Point) -> _Person[Any]:
        person: _Person[Any] = _Person()
        person.key = key
        self._place(person, point)
        return person

    def _place(self, person: _Person[Key], point: Point) -> None:
        """Put down where somebody is; nothing is changed when the point is refused."""
        if point.datum is not Datum.WGS84 and not same_frame(point.datum, Datum.WGS84):
            raise DatumError(f"the index is WGS-84, not {point.datum}")
        phi, lam = radians(point.lat), radians(point.lon)
        person.point = point
        person.row = floor(point.lat / self._fine_deg)
        person.column = floor(point.lon / self._column_deg) % self._fine_columns
        person.lon = lam
        person.cos_lat = cos_lat = cos(phi)
        person.x = cos_lat * cos(lam)
        person.y = cos_lat * sin(lam)
        # Also the sine of the latitude.
        person.z = sin(phi)


def _look_up(
    cells: dict[int, _Cell[Key]], south: int, north: int, west: int, east: int, all_round: int
) -> list[_Cell[Key]]:
    """The occupied cells from south to north and west to east, each once."""
    columns = _columns(west, east, all_round)
    found: list[_Cell[Key]] = []
    for start in range(south * all_round, (north + 1) * all_round, all_round):
        for column in columns:
            if start + column in cells:
                found.append(cells[start + column])
    return found


def _columns(west: int, east: int, all_round: int) -> Iterable[int]:
    """Columns from west to east, each once, as cells are numbered: from 0 to ``all_round``."""
    if east - west + 1 >= all_round:
        return range(all_round)
    west, east = west % all_round, east % all_round
    return range(west, east + 1) if west <= east else (*range(west, all_round), *range(east + 1))


def _shift(cells: dict[int, _Cell[Key]], person: _Person[Key], old: int, new: int) -> None:
    _take(cells, person, old)
    cell = cells.get(new)
    if cell is None:
        cells[new] = {person.key: person}
    else:
        cell[person.key] = person


def _take(cells: dict[int, _Cell[Key]], person: _Person[Key], at: int) -> None:
    cell = cells[at]
    del cell[person.key]
    if not cell:
        del cells[at]
