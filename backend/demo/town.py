"""The invented old-town neighbourhood, whole: buildings, homes, detectors, network and map.

    >>> town = build(seed=1)
    >>> len(town.households) >= 1200 and len(town.detectors) >= 3000
    True

Deterministic by seed, no I/O, no clock. Positions come out as WGS-84; the map is GeoJSON with
``properties.layer`` of land, canal, street, lane, bridge, building, court or hydrant. Ways are
lines with ``widthM``, the rest are areas, hydrants are points.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID, uuid5

import msgspec

from backend.demo import homes, plan
from backend.demo.plots import Plot, lay_out
from backend.demo.shapes import Polygon, Spot, length, pose, ribbon
from backend.demo.ways import Stretch, network
from geo.point import EARTH_RADIUS_M, Point

_NORTH_M = math.radians(1.0) * EARTH_RADIUS_M
_EAST_M = _NORTH_M * math.cos(math.radians(plan.ORIGIN.lat))


class Building(msgspec.Struct, frozen=True, kw_only=True):
    """One address: the gate, what it is called, and how near an engine comes.

    Args:
        at: middle of the front house, WGS-84.
        gate: the door on the lane.
        lane_width_m: of the lane in front, metres.
        engine_stop: words for the crew; ``engine_at`` is the place.
    """

    id: UUID
    street: str
    number: str
    court: str
    name: str
    storeys: int
    lane_width_m: float
    engine_stop: str
    engine_at: Point
    at: Point
    gate: Point


class Household(msgspec.Struct, frozen=True, kw_only=True):
    """One home of a building."""

    id: UUID
    building_id: UUID
    door: str
    floor: str
    room: str
    entrance_note: str
    at: Point
    address: str


class Detector(msgspec.Struct, frozen=True, kw_only=True):
    """One detector; ``address`` is what its messages are known by."""

    id: UUID
    address: str
    protocol: str
    kind: str
    model: str
    label: str
    household_id: UUID | None
    building_id: UUID | None
    at: Point
    report_interval_s: int


class Town(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that does not move."""

    seed: int
    buildings: tuple[Building, ...]
    households: tuple[Household, ...]
    detectors: tuple[Detector, ...]
    paths: tuple[tuple[Point, ...], ...]
    """Walkable lines that share a vertex where they meet."""
    area: dict[str, Any]
    """The GeoJSON FeatureCollection of the base map."""


@lru_cache(maxsize=2)
def build(seed: int = 1) -> Town:
    """The town of a seed; about two seconds of work the first time."""
    random = Random(seed)  # noqa: S311  # a drawing, not a secret
    plots = lay_out(random)
    stretches = network()
    homes_found = homes.households(random, plots, seed)
    detectors = homes.detectors(random, plots, homes_found, seed)
    buildings = _buildings(random, plots, seed)
    households = tuple(_household(home, buildings[home.building]) for home in homes_found)
    return Town(
        seed=seed,
        buildings=buildings,
        households=households,
        detectors=tuple(_detector(d, households, buildings) for d in detectors),
        paths=tuple(tuple(point(s) for s in stretch.line) for stretch in stretches),
        area={"type": "FeatureCollection", "features": _features(plots, stretches, detectors)},
    )


def point(spot: Spot) -> Point:
    """A place of the drawing on the earth; a centimetre is kept."""
    return Point(
        round(plan.ORIGIN.lat + (spot.y - plan.HIGH_M / 2) / _NORTH_M, 7),
        round(plan.ORIGIN.lon + (spot.x - plan.WIDE_M / 2) / _EAST_M, 7),
    )


def _buildings(random: Random, plots: tuple[Plot, ...], seed: int) -> tuple[Building, ...]:
    stops = [plot for plot in plots if plot.way.layer == "street"]
    found = []
    for i, plot in enumerate(plots):
        away = [(math.dist(stop.gate.at, plot.gate.at), n) for n, stop in enumerate(stops)]
        stop = stops[min(away)[1]]
        hose_m = round(math.dist(stop.gate.at, plot.gate.at) * 1.3 / 5) * 5
        words = f"{stop.way.name} {stop.number} 号前"
        found.append(
            Building(
                id=uuid5(homes.NAMESPACE, f"{seed}/building/{i}"),
                street=plot.way.name,
                number=f"{plot.number}",
                court=f"{plot.number} 号院" if plot.court else "",
                name=f"{plot.way.name} {plot.number} 号",
                storeys=random.choice((1, 2, 2)),
                lane_width_m=plot.way.width_m,
                engine_stop=words if hose_m < 5 else f"{words}，水带约 {hose_m} 米",
                engine_at=point(stop.gate.at),
                at=point(_middle(plot.houses[0])),
                gate=point(plot.gate.at),
            )
        )
    return tuple(found)


def _middle(shape: Polygon) -> Spot:
    return Spot(sum(p.x for p in shape) / len(shape), sum(p.y for p in shape) / len(shape))


def _household(home: homes.Household, building: Building) -> Household:
    return Household(
        id=home.id,
        building_id=building.id,
        door=home.door,
        floor=home.floor,
        room=home.room,
        entrance_note=home.entrance_note,
        at=point(home.at),
        address=" ".join(w for w in (building.name, home.door, home.floor) if w),
    )


def _detector(
    found: homes.Detector, households: Sequence[Household], buildings: Sequence[Building]
) -> Detector:
    return Detector(
        id=found.id,
        address=found.address,
        protocol=found.model.protocol,
        kind=found.kind,
        model=found.model.name,
        label=found.label,
        household_id=None if found.household is None else households[found.household].id,
        building_id=None if found.building is None else buildings[found.building].id,
        at=point(found.at),
        report_interval_s=found.model.report_interval_s,
    )


def _features(
    plots: tuple[Plot, ...], stretches: Iterable[Stretch], detectors: Iterable[homes.Detector]
) -> list[dict[str, Any]]:
    """The base map, bottom layer first. Houses of one side of a way are one feature."""
    edge = 20.0
    frame = [
        Spot(x, y)
        for x, y in (
            (-edge, -edge), (plan.WIDE_M + edge, -edge),
            (plan.WIDE_M + edge, plan.HIGH_M + edge), (-edge, plan.HIGH_M + edge),
        )
    ]  # fmt: skip
    features = [_feature("land", "Polygon", [_ring(frame)])]
    features += [
        _feature(
            "canal", "Polygon", [_ring(ribbon(c.line, c.width_m))], name=c.name, **_label(c.line)
        )
        for c in plan.CANALS
    ]
    for name, group in _by_way(plots):
        courts = [[_ring(p.ground)] for p in group if p.court]
        if courts:
            features.append(_feature("court", "MultiPolygon", courts))
        houses = [[_ring(h)] for p in group for h in p.houses]
        features.append(_feature("building", "MultiPolygon", houses, name=name))
    for layer in ("lane", "street", "bridge"):
        features += [
            _feature(
                layer,
                "LineString",
                [_pair(s) for s in stretch.line],
                name=stretch.name,
                widthM=round(stretch.width_m, 1),
            )
            for stretch in stretches
            if stretch.layer == layer
        ]
    features += [
        _feature("hydrant", "Point", _pair(d.at), name=d.label)
        for d in detectors
        if d.kind == "hydrant"
    ]
    return features


def _by_way(plots: tuple[Plot, ...]) -> list[tuple[str, list[Plot]]]:
    groups: dict[str, list[Plot]] = {}
    for plot in plots:
        groups.setdefault(plot.way.name, []).append(plot)
    return list(groups.items())


def _feature(layer: str, shape: str, coordinates: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"layer": layer, **more},
        "geometry": {"type": shape, "coordinates": coordinates},
    }


def _label(line: tuple[Spot, ...]) -> dict[str, Any]:
    """Where and how steeply a name reads well along a line (degrees from east, clockwise)."""
    here = pose(line, length(line) * 0.42)
    turn = -math.degrees(math.atan2(here.along.y, here.along.x))
    return {"labelAt": _pair(here.at), "labelTurn": round((turn + 90) % 180 - 90)}


def _pair(spot: Spot) -> list[float]:
    at = point(spot)
    # Ways meet by equal vertices, so rounding must not part them: six digits are 0.1 m.
    return [round(at.lon, 6), round(at.lat, 6)]


def _ring(shape: Sequence[Spot]) -> list[list[float]]:
    ring = [_pair(s) for s in shape]
    return [*ring, ring[0]]
