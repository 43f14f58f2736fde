"""The moving index: who is nearest, while everybody walks about.

People are kept in a grid of latitude and longitude cells, each a small dictionary. A move
within a cell touches one entry, a move across an edge two; nothing is ever rebuilt and an
empty cell is dropped, so memory follows the number of people and not where they have been.
A question looks at the cells within a growing radius and stops as soon as nothing outside
it can be nearer: the answer is always the one that measuring everybody would give.

    >>> from geo.point import Point
    >>> people: MovingIndex[str] = MovingIndex()
    >>> people.insert("wang", Point(31.3150, 120.6330))
    >>> people.insert("zhao", Point(31.3155, 120.6330))
    >>> people.move("wang", Point(31.3190, 120.6330))
    >>> [(who, round(m)) for who, m in people.nearest(Point(31.3150, 120.6330), k=2, within_m=500)]
    [('zhao', 56), ('wang', 445)]
"""

import math
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from geo.point import EARTH_RADIUS_M, Datum, DatumError, Point, arc_metres, same_frame


class Ordered(Hashable, Protocol):
    """A key that can be hashed and put in order: two people at one distance need a first."""

    def __lt__(self, other: Any, /) -> bool: ...


Key = TypeVar("Key", bound=Ordered)

# Rounding in the trigonometry is below 1e-15; this keeps every bound on the safe side of it
# and is six micrometres on the ground.
_SLACK_RAD = 1e-12
_HALF_ROUND_M = math.pi * EARTH_RADIUS_M


class _Entry(NamedTuple):
    point: Point
    cell: tuple[int, int]
    sin_lat: float
    cos_lat: float
    lon: float
    x: float
    y: float
    z: float


class MovingIndex(Generic[Key]):
    """Positions of people, in one frame, by key.

    Args:
        cell_m: the height of a cell and the first radius tried, metres. Near the usual
            distance between a question and its answer is best; any value is exact.

    Cost: a move about 2 microseconds; ``nearest`` tens of microseconds while people are not
    packed more than a few dozen to a cell. Not thread-safe: one event loop owns it.
    """

    def __init__(self, *, cell_m: float = 150.0) -> None:
        if not cell_m > 0:
            raise ValueError("cell_m must be above 0")
        self._cell_m = cell_m
        self._cell_deg = math.degrees(cell_m / EARTH_RADIUS_M)
        # A whole number of columns round the earth, so that counting them wraps at the date line.
        self._columns = max(1, math.floor(360.0 / self._cell_deg))
        self._column_deg = 360.0 / self._columns
        self._entries: dict[Key, _Entry] = {}
        self._cells: dict[tuple[int, int], dict[Key, _Entry]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    @property
    def cells(self) -> int:
        """Occupied cells: never more than there are people."""
        return len(self._cells)

    def position(self, key: Key) -> Point:
        """Where ``key`` is. Raises ``KeyError`` when it is not in the index."""
        return self._entries[key].point

    def insert(self, key: Key, point: Point) -> None:
        """Put somebody in.

        Raises:
            KeyError: the key is there already; use ``move``.
            DatumError: the point is not WGS-84 (or CGCS2000).
        """
        if key in self._entries:
            raise KeyError(key)
        self._put(key, self._entry(point))

    def move(self, key: Key, point: Point) -> None:
        """Give somebody a new position.

        Raises:
            KeyError: nobody has this key; use ``insert``.
            DatumError: the point is not WGS-84 (or CGCS2000).
        """
        old = self._entries[key]
        new = self._entry(point)
        if new.cell != old.cell:
            self._take_from_cell(key, old.cell)
        self._put(key, new)

    def remove(self, key: Key) -> None:
        """Take somebody out. Raises ``KeyError`` when nobody has this key."""
        self._take_from_cell(key, self._entries.pop(key).cell)

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
        if k <= 0 or not self._entries or not within_m >= 0:
            return found
        here = self._entry(origin)
        done_m, radius_m = -1.0, min(self._cell_m, within_m)
        while True:
            for metres, key in self._ring(here, done_m, radius_m):
                if accept is None or accept(key):
                    found.append((key, metres))
                    if len(found) == k:
                        return found
            if radius_m >= min(within_m, _HALF_ROUND_M * 1.01):
                return found
            done_m, radius_m = radius_m, min(radius_m * 2, within_m)

    def within(self, origin: Point, within_m: float) -> list[tuple[Key, float]]:
        """Everybody within a radius, nearest first: ``nearest`` without a count."""
        return self.nearest(origin, k=len(self._entries), within_m=within_m)

    def _ring(self, here: _Entry, above_m: float, upto_m: float) -> list[tuple[float, Key]]:
        """Everybody farther than ``above_m`` and not farther than ``upto_m``, in order."""
        # A straight line through the earth is far cheaper than an arc and has the same order.
        half_turn = min(upto_m / EARTH_RADIUS_M / 2, math.pi / 2)
        reach = (2 * math.sin(half_turn) + _SLACK_RAD) ** 2
        sin_here, cos_here, lon_here = here.sin_lat, here.cos_lat, here.lon
        x, y, z = here.x, here.y, here.z
        ring: list[tuple[float, Key]] = []
        for cell in self._cells_within(here, upto_m):
            for key, (_, _, sin_lat, cos_lat, lon, ex, ey, ez) in cell.items():
                if (ex - x) ** 2 + (ey - y) ** 2 + (ez - z) ** 2 <= reach:
                    metres = arc_metres(sin_here, cos_here, sin_lat, cos_lat, lon - lon_here)
                    if above_m < metres <= upto_m:
                        ring.append((metres, key))
        ring.sort()
        return ring

    def _cells_within(self, here: _Entry, radius_m: float) -> Iterator[dict[Key, _Entry]]:
        """Every occupied cell that may hold somebody within the radius."""
        angle = radius_m / EARTH_RADIUS_M + _SLACK_RAD
        phi = math.radians(here.point.lat)
        low, high = phi - angle, phi + angle
        if low <= -math.pi / 2 or high >= math.pi / 2:
            # A pole is inside: every longitude is.
            turn = math.pi
        else:
            turn = math.asin(min(1.0, math.sin(angle) / math.cos(phi))) + _SLACK_RAD
        row_from, row_to = self._row(math.degrees(low) - 1e-9), self._row(math.degrees(high) + 1e-9)
        lon, turn_deg = here.point.lon, math.degrees(turn) + 1e-9
        west = self._column(lon - turn_deg)
        width = min(self._column(lon + turn_deg) - west + 1, self._columns)
        if (row_to - row_from + 1) * width > len(self._cells):
            yield from self._cells.values()
            return
        cells = self._cells
        for row in range(row_from, row_to + 1):
            for column in range(west, west + width):
                cell = cells.get((row, column % self._columns))
                if cell is not None:
                    yield cell

    def _row(self, lat: float) -> int:
        return math.floor(lat / self._cell_deg)

    def _column(self, lon: float) -> int:
        return math.floor(lon / self._column_deg)

    def _entry(self, point: Point) -> _Entry:
        if not same_frame(point.datum, Datum.WGS84):
            raise DatumError(f"the index is WGS-84, not {point.datum}")
        phi, lam = math.radians(point.lat), math.radians(point.lon)
        sin_lat, cos_lat = math.sin(phi), math.cos(phi)
        return _Entry(
            point,
            (self._row(point.lat), self._column(point.lon) % self._columns),
            sin_lat,
            cos_lat,
            lam,
            cos_lat * math.cos(lam),
            cos_lat * math.sin(lam),
            sin_lat,
        )

    def _put(self, key: Key, entry: _Entry) -> None:
        self._entries[key] = entry
        cell = self._cells.get(entry.cell)
        if cell is None:
            self._cells[entry.cell] = {key: entry}
        else:
            cell[key] = entry

    def _take_from_cell(self, key: Key, at: tuple[int, int]) -> None:
        cell = self._cells[at]
        del cell[key]
        if not cell:
            del self._cells[at]
