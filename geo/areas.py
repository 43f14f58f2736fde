"""Areas people may have to leave: circles and polygons, who is inside, how far to the edge.

>>> from geo.point import Point
>>> scene = Circle(Point(31.3150, 120.6330), 100.0)
>>> scene.contains(Point(31.3155, 120.6330)), scene.contains(Point(31.3165, 120.6330))
(True, False)
>>> round(scene.edge_metres(Point(31.3155, 120.6330)))
45
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from geo.moving import MovingIndex, Ordered
from geo.plane import Plane, Spot, nearest_on_segment, turn_deg
from geo.point import Datum, Point, metres

Key = TypeVar("Key", bound=Ordered)


class Area(Protocol):
    """Anything with an inside."""

    def contains(self, point: Point) -> bool:
        """Whether ``point`` is inside; the edge itself is inside."""

    def edge_metres(self, point: Point) -> float:
        """Metres from ``point``, in or out, to the nearest part of the edge."""

    def enclosing(self) -> "Circle":
        """A circle that leaves nothing of the area out."""


class Circle(msgspec.Struct, frozen=True):
    """Everything within ``radius_m`` metres (0 or more) of ``centre``, along the great circle."""

    centre: Point
    radius_m: float

    def __post_init__(self) -> None:
        if not self.radius_m >= 0:
            raise ValueError("radius_m must be 0 or more")

    def contains(self, point: Point) -> bool:
        return metres(self.centre, point) <= self.radius_m

    def edge_metres(self, point: Point) -> float:
        return abs(metres(self.centre, point) - self.radius_m)

    def enclosing(self) -> "Circle":
        return self


class Polygon(msgspec.Struct, frozen=True):
    """The inside of a closed line.

    Args:
        ring: three corners or more, in order, either way round; the last joins the first and
            need not be repeated. One frame; across the date line as well. Corners more than
            10 km apart bend the straight edges by more than 0.1 %.
        holes: closed lines inside the ring whose insides do not belong to the area.

    Raises:
        ValueError: fewer than three different corners, a corner within 5 degrees of a pole, or
            a ring wider than 90 degrees (such a one was meant to go the other way round).
    """

    ring: tuple[Point, ...]
    holes: tuple[tuple[Point, ...], ...] = ()

    def __post_init__(self) -> None:
        for ring in (self.ring, *self.holes):
            if len(set(ring)) < 3:
                raise ValueError("a polygon needs three different corners")
            if any(abs(corner.lat) > 85.0 for corner in ring):
                raise ValueError("a polygon cannot come within 5 degrees of a pole")
            if any(abs(turn_deg(self.ring[0].lon, corner.lon)) > 45.0 for corner in ring):
                raise ValueError("a polygon cannot be wider than 90 degrees")

    def contains(self, point: Point) -> bool:
        plane = Plane(point)
        if abs(turn_deg(point.lon, self.ring[0].lon)) > 90.0:
            # So far round the earth that corners would lie to both sides of the point.
            return False
        rings = [[plane.spot(corner) for corner in ring] for ring in (self.ring, *self.holes)]
        if any(_edge_metres((0.0, 0.0), ring) < 1e-6 for ring in rings):
            return True
        return _winds_round(rings[0]) and not any(_winds_round(hole) for hole in rings[1:])

    def edge_metres(self, point: Point) -> float:
        plane = Plane(point)
        return min(
            _edge_metres((0.0, 0.0), [plane.spot(corner) for corner in ring])
            for ring in (self.ring, *self.holes)
        )

    def enclosing(self) -> Circle:
        first = self.ring[0]
        lats, turns = [p.lat for p in self.ring], [turn_deg(first.lon, p.lon) for p in self.ring]
        lon = turn_deg(0.0, first.lon + (min(turns) + max(turns)) / 2)
        centre = Point((min(lats) + max(lats)) / 2, lon, first.datum)
        # Between two corners an edge is never farther out than the farther of them; the
        # half per cent covers the bend of the flat map.
        return Circle(centre, max(metres(centre, corner) for corner in self.ring) * 1.005 + 0.01)


class Buffered(msgspec.Struct, frozen=True):
    """An area and everything within ``by_m`` metres (0 or more) of it: room to keep clear.

    The join is round at corners. A hole narrower than twice ``by_m`` is filled.
    """

    area: Circle | Polygon
    by_m: float

    def __post_init__(self) -> None:
        if not self.by_m >= 0:
            raise ValueError("by_m must be 0 or more")

    def contains(self, point: Point) -> bool:
        return self.area.contains(point) or self.area.edge_metres(point) <= self.by_m

    def edge_metres(self, point: Point) -> float:
        """Exact from outside; from inside never more than the way out really is.

        In a notch of the area the widened edge can be farther off than what is said.
        """
        to_edge = self.area.edge_metres(point)
        return abs(to_edge - self.by_m) if not self.area.contains(point) else to_edge + self.by_m

    def enclosing(self) -> Circle:
        around = self.area.enclosing()
        # Flat map and sphere differ by up to 0.1 %.
        return Circle(around.centre, around.radius_m + self.by_m * 1.005)


def buffered(area: Circle | Polygon, by_m: float) -> Circle | Buffered:
    """``area`` and everything within ``by_m`` metres (0 or more) of it.

    >>> from geo.point import Point
    >>> buffered(Circle(Point(31.3150, 120.6330), 100.0), 50.0).radius_m
    150.0
    """
    if isinstance(area, Circle) and by_m >= 0:
        return Circle(area.centre, area.radius_m + by_m)
    return Buffered(area, by_m)


def polygon_from_geojson(geometry: dict[str, Any]) -> Polygon:
    """A polygon from a GeoJSON geometry of type Polygon: WGS-84, longitude first.

    Raises:
        ValueError: it is no Polygon, or a ring has fewer than three different corners.
    """
    if geometry.get("type") != "Polygon" or not geometry.get("coordinates"):
        raise ValueError("not a GeoJSON Polygon")
    rings = [
        tuple(Point(lat, lon, Datum.WGS84) for lon, lat, *_ in ring)
        for ring in geometry["coordinates"]
    ]
    return Polygon(rings[0], tuple(rings[1:]))


def people_inside(index: MovingIndex[Key], area: Area) -> list[Key]:
    """Everybody of ``index`` inside ``area``, in key order."""
    around = area.enclosing()
    # The index measures to nanometres, an area to a millimetre.
    near = index.within(around.centre, around.radius_m + 0.01)
    return sorted(key for key, _ in near if area.contains(index.position(key)))


def _edge_metres(spot: Spot, ring: Sequence[Spot]) -> float:
    return min(
        nearest_on_segment(spot, a, b)[0] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
    )


def _winds_round(ring: Sequence[Spot]) -> bool:
    """Even-odd rule for the origin: an odd number of edges lie to the east of it."""
    inside = False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > 0.0) != (by > 0.0) and ax + (bx - ax) * (-ay) / (by - ay) > 0.0:
            inside = not inside
    return inside
