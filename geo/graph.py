"""Ways as a graph: stretches between junctions, the segments they are drawn in, the search.

The graph is kept against the traffic: its edges lead away from a door along the ways by which
people come to it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, pairwise
from typing import Generic, NamedTuple, TypeVar

import rustworkx
from rustworkx.visit import DijkstraVisitor, StopSearch

from geo.plane import Plane, Spot
from geo.point import Point
from geo.tags import Ride

Item = TypeVar("Item")
_Vertex = tuple[float, float]
_CELL_M = 40.0


class Way(NamedTuple):
    """A walkable line of two vertices or more, WGS-84."""

    line: Sequence[Point]
    ride: Ride = Ride.BOTH


class Street(NamedTuple):
    """A stretch between two junctions, in one mode: which ways along it are open."""

    number: int
    start: int
    end: int
    metres: float
    forward: bool
    backward: bool


class Joint(NamedTuple):
    """Where a place meets the network."""

    street: Street
    along_m: float
    gap_m: float


class Mode:
    """The graph of one way of moving: junctions joined by stretches, against the traffic."""

    def __init__(
        self,
        plane: Plane,
        ways: Iterable[tuple[Sequence[Point], Ride]],
        everything: Sequence[Way],
    ) -> None:
        junctions = _junctions(everything)
        self.segments: Grid[tuple[Street, float]] = Grid()
        """With each the street it belongs to, and how many metres of it come before."""
        self.graph: rustworkx.PyDiGraph[None, float] = rustworkx.PyDiGraph()
        nodes: dict[_Vertex, int] = {}
        numbers = count()
        for line, ride in ways:
            for part in _parts(line, junctions):
                spots = [plane.spot(p) for p in part]
                lengths = [math.dist(a, b) for a, b in pairwise(spots)]
                start, end = (self._node(nodes, _vertex(p)) for p in (part[0], part[-1]))
                street = Street(
                    next(numbers),
                    start,
                    end,
                    sum(lengths),
                    forward=ride in (Ride.BOTH, Ride.FORWARD),
                    backward=ride in (Ride.BOTH, Ride.BACKWARD),
                )
                if street.forward:
                    self.graph.add_edge(end, start, street.metres)
                if street.backward:
                    self.graph.add_edge(start, end, street.metres)
                begins_m = 0.0
                for (a, b), length in zip(pairwise(spots), lengths, strict=True):
                    self.segments.add(a, b, (street, begins_m))
                    begins_m += length
        self.count = next(numbers)
        self.piece: dict[int, int] = {
            node: i
            for i, piece in enumerate(rustworkx.weakly_connected_components(self.graph))
            for node in piece
        }
        sizes = Counter(self.piece.values())
        self.main = max(sizes, key=sizes.__getitem__, default=0)
        """The largest piece."""

    def _node(self, nodes: dict[_Vertex, int], vertex: _Vertex) -> int:
        if vertex not in nodes:
            nodes[vertex] = self.graph.add_node(None)
        return nodes[vertex]

    def spread(
        self, ends: Sequence[Joint], wanted: set[int], limit_m: float
    ) -> tuple[dict[int, float], bool]:
        """Metres from junctions to the door, and whether the limit ended the search."""
        search = _Spread(wanted, limit_m)
        door = self.graph.add_node(None)
        try:
            for joint in ends:
                street = joint.street
                if street.forward:
                    self.graph.add_edge(door, street.start, joint.gap_m + joint.along_m)
                if street.backward:
                    left_m = street.metres - joint.along_m
                    self.graph.add_edge(door, street.end, joint.gap_m + left_m)
            rustworkx.digraph_dijkstra_search(self.graph, [door], float, search)
        finally:
            self.graph.remove_node(door)
        return search.reached, search.cut


class _Spread(DijkstraVisitor):
    """Notes junctions as they are reached; ends at the limit or with the last one wanted."""

    def __init__(self, wanted: set[int], limit_m: float) -> None:
        self.reached: dict[int, float] = {}
        self.cut = False
        self._wanted, self._limit_m = wanted, limit_m

    def discover_vertex(self, v: int, score: float) -> None:
        if score > self._limit_m:
            self.cut = True
            raise StopSearch
        self.reached[v] = score
        self._wanted.discard(v)
        if not self._wanted:
            raise StopSearch


class Grid(Generic[Item]):
    """Lines by the square cells that their boxes touch."""

    def __init__(self) -> None:
        self._lines: list[tuple[Spot, Spot, Item]] = []
        self._cells: dict[tuple[int, int], list[int]] = {}

    def add(self, a: Spot, b: Spot, item: Item) -> None:
        for cell in _box(a, b, 0.0):
            self._cells.setdefault(cell, []).append(len(self._lines))
        self._lines.append((a, b, item))

    def near(self, a: Spot, b: Spot, within_m: float) -> Iterator[tuple[Spot, Spot, Item]]:
        """Everything within so many metres of the box round a and b, and some beyond."""
        found = {i for cell in _box(a, b, within_m) for i in self._cells.get(cell, ())}
        return (self._lines[i] for i in sorted(found))


def _box(a: Spot, b: Spot, margin_m: float) -> Iterator[tuple[int, int]]:
    (west, east), (south, north) = (
        (
            math.floor((min(a[i], b[i]) - margin_m) / _CELL_M),
            math.floor((max(a[i], b[i]) + margin_m) / _CELL_M),
        )
        for i in (0, 1)
    )
    return ((x, y) for x in range(west, east + 1) for y in range(south, north + 1))


def _vertex(p: Point) -> _Vertex:
    # Seven digits are a centimetre: vertices that were drawn as one are one.
    return round(p.lat, 7), round(p.lon, 7)


def _junctions(ways: Iterable[Way]) -> set[_Vertex]:
    """Ends of lines, and vertices that two lines share or one passes twice."""
    ends = {_vertex(way.line[i]) for way in ways for i in (0, -1)}
    uses = Counter(_vertex(p) for way in ways for p in way.line)
    return ends | {vertex for vertex, times in uses.items() if times > 1}


def _parts(line: Sequence[Point], junctions: set[_Vertex]) -> Iterator[list[Point]]:
    """The line in stretches between junctions."""
    part = [line[0]]
    for p in line[1:]:
        if _vertex(p) == _vertex(part[-1]):
            continue
        part.append(p)
        if _vertex(p) in junctions:
            yield part
            part = [p]
