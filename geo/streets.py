"""The streets of a neighbourhood: lanes, bridges, and the canals between them.

A door joins the network at the nearest lane that can be reached without crossing water, so a
lane ten metres away on the other bank does not count. Distances are along the network, from
each person to one door, by one run of Dijkstra's algorithm (rustworkx, docs/decisions/0012)
from the door outwards against the traffic. Ways join only where they share a vertex, as in
OpenStreetMap.

    >>> from geo.point import Point
    >>> bank = [Point(31.3150, 120.6330), Point(31.3150, 120.6350)]
    >>> town = StreetNetwork([Way(bank)])
    >>> [round(m) for m in town.metres_to(Point(31.3151, 120.6332), [Point(31.3149, 120.6340)])]
    [98]
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from geo.graph import Grid, Joint, Mode, Way
from geo.plane import Plane, Spot, cross, nearest_on_segment
from geo.point import Datum, Point
from geo.tags import Ride, is_walked, is_water, ride_on


class StreetNetwork:
    """Distances over lanes and bridges, on foot and by e-bike.

    Args:
        ways: walkable lines.
        water: lines that nobody steps across except on a way.
        snap_m: the farthest a door may be from its lane, metres.

    Accuracy: lengths within 0.1 % of the drawn geometry for a network less than 20 km across.
    Cost: one Dijkstra run per question, however many people are asked for, ending when the last
    of them is reached; some milliseconds for a neighbourhood of 2,000 stretches. Not
    thread-safe: one event loop owns it.
    """

    def __init__(
        self,
        ways: Iterable[Way],
        water: Iterable[Sequence[Point]] = (),
        *,
        snap_m: float = 150.0,
    ) -> None:
        ways = [way for way in ways if len(way.line) > 1]
        plane = Plane(ways[0].line[0] if ways else Point(0.0, 0.0))
        self._plane, self._snap_m = plane, snap_m
        self._water: Grid[None] = Grid()
        for bank in water:
            for a, b in pairwise([plane.spot(p) for p in bank]):
                self._water.add(a, b, None)
        self._foot = Mode(plane, ((way.line, Ride.BOTH) for way in ways), ways)
        riding = [way for way in ways if way.ride is not Ride.NO]
        self._ride = Mode(plane, riding, ways)

    @classmethod
    def from_geojson(
        cls, features: Iterable[Mapping[str, Any]], *, snap_m: float = 150.0
    ) -> "StreetNetwork":
        """The network among GeoJSON features, WGS-84, longitude first.

        Args:
            features: ``geo.tags`` says which are streets and which water; all else is passed
                over. Lines and polygons, single or multi; of a polygon the outline counts.
            snap_m: see the class.

        Raises:
            ValueError: a coordinate is out of range or no number.
        """
        ways: list[Way] = []
        water: list[list[Point]] = []
        for feature in features:
            tags, shape = feature.get("properties") or {}, feature.get("geometry") or {}
            if is_water(tags):
                water.extend(_lines(shape))
            elif is_walked(tags):
                ride = ride_on(tags)
                ways.extend(Way(line, ride) for line in _lines(shape))
        return cls(ways, water, snap_m=snap_m)

    @property
    def streets(self) -> int:
        """Stretches between junctions that can be walked."""
        return self._foot.count

    def metres_to(
        self,
        door: Point,
        people: Sequence[Point],
        *,
        riding: bool = False,
        limit_m: float = 10_000.0,
    ) -> list[float | None]:
        """The way from each person to one door.

        Args:
            door, people: WGS-84.
            riding: by e-bike: not on steps or through fords, and along one-way streets.
            limit_m: the search stops beyond this.

        Returns:
            One number per person in the order given: metres; ``math.inf`` for a way longer
            than ``limit_m``; None where door or person is too far from any lane on their own
            bank, or no way at all joins the two.
        """
        mode = self._ride if riding else self._foot
        ends = self._joints(mode, door)
        if not ends:
            return [None] * len(people)
        starts = [self._joints(mode, person) for person in people]
        pieces = {mode.piece[end.street.start] for end in ends}
        wanted = {
            node
            for joint in (joint for joints in starts for joint in joints)
            if mode.piece[joint.street.start] in pieces
            for node in (joint.street.start, joint.street.end)
        }
        reached, cut = mode.spread(ends, wanted, limit_m)
        found: list[float | None] = []
        for joints in starts:
            way = min(_routes(joints, ends, reached), default=None)
            if way is None and cut and any(mode.piece[j.street.start] in pieces for j in joints):
                way = math.inf
            found.append(math.inf if way is not None and way > limit_m else way)
        return found

    def _joints(self, mode: Mode, point: Point) -> list[Joint]:
        """The nearest dry street of the largest piece of the network, and of nearer small ones.

        A small piece that no way joins may pass a door (a court's path that was drawn but not
        connected): each offers its own joint, and whichever leads somewhere is taken.
        """
        spot = self._plane.spot(point)
        for within_m in (self._snap_m / 4, self._snap_m):
            near = sorted(
                (gap, i, share, a, b, street, begins_m)
                for i, (a, b, (street, begins_m)) in enumerate(
                    mode.segments.near(spot, spot, within_m)
                )
                for gap, share in [nearest_on_segment(spot, a, b)]
                if gap <= within_m
            )
            found: dict[int, Joint] = {}
            for gap, _, share, a, b, street, begins_m in near:
                piece = mode.piece[street.start]
                if piece not in found and self._dry(spot, share, a, b):
                    found[piece] = Joint(street, begins_m + share * math.dist(a, b), gap)
                    if piece == mode.main:
                        return list(found.values())
        return list(found.values())

    def _dry(self, spot: Spot, share: float, a: Spot, b: Spot) -> bool:
        """Whether no water lies between a spot and a point of a segment."""
        foot = (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]))
        return not any(cross(spot, foot, c, d) for c, d, _ in self._water.near(spot, foot, 0.0))


def _routes(
    starts: Sequence[Joint], ends: Sequence[Joint], reached: dict[int, float]
) -> Iterator[float]:
    """Metres of every way from one of a person's joints to the door."""
    for own in starts:
        street = own.street
        if street.forward and street.end in reached:
            yield own.gap_m + street.metres - own.along_m + reached[street.end]
        if street.backward and street.start in reached:
            yield own.gap_m + own.along_m + reached[street.start]
        for door in ends:
            ahead_m = door.along_m - own.along_m
            if door.street == street and (street.forward if ahead_m >= 0 else street.backward):
                yield own.gap_m + abs(ahead_m) + door.gap_m


def _lines(geometry: Mapping[str, Any]) -> Iterator[list[Point]]:
    """The lines of a GeoJSON geometry, whatever its depth of nesting."""
    match geometry.get("type"):
        case "LineString":
            parts = [geometry["coordinates"]]
        case "MultiLineString" | "Polygon":
            parts = geometry["coordinates"]
        case "MultiPolygon":
            parts = [ring for polygon in geometry["coordinates"] for ring in polygon]
        case _:
            return
    for part in parts:
        yield [Point(lat, lon, Datum.WGS84) for lon, lat, *_ in part]
