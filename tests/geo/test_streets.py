"""On foot and by e-bike over a drawn town, and what is said of places the streets do not reach."""

import math
from pathlib import Path
from typing import Any

import msgspec
import osmium
import osmium.osm.mutable
import pytest

from geo.ellipsoid import degree_metres
from geo.extract import StreetsError, load
from geo.point import Point
from geo.streets import StreetNetwork
from geo.travel import Basis, travel_to

LAT, LON = 31.3150, 120.6330
NORTH_M, EAST_M = degree_metres(LAT)

Spot = tuple[float, float]


def at(east_m: float, north_m: float) -> Point:
    return Point(LAT + north_m / NORTH_M, LON + east_m / EAST_M)


def street(*spots: Spot, **tags: str) -> dict[str, Any]:
    line = [[p.lon, p.lat] for p in (at(*spot) for spot in spots)]
    properties = {"highway": "residential", **tags}
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "LineString", "coordinates": line},
    }


def town(*features: dict[str, Any]) -> StreetNetwork:
    return StreetNetwork.from_geojson(features)


def test_steps_over_a_bridge_are_walked_and_the_e_bike_takes_the_street_round() -> None:
    network = town(
        street((0, 0), (100, 0), highway="steps"),
        street((0, 0), (0, 200), (100, 200), (100, 0)),
    )
    assert network.metres_to(at(100, 0), [at(0, 0)]) == [pytest.approx(100, abs=0.2)]
    assert network.metres_to(at(100, 0), [at(0, 0)], riding=True) == [pytest.approx(500, abs=0.5)]


def test_a_ford_is_waded_and_not_ridden() -> None:
    network = town(street((0, 0), (80, 0), ford="yes"))
    assert network.metres_to(at(80, 0), [at(0, 0)]) == [pytest.approx(80, abs=0.2)]
    assert network.metres_to(at(80, 0), [at(0, 0)], riding=True) == [None]


@pytest.mark.parametrize(
    ("oneway", "east", "west"),
    [("yes", 100, 500), ("-1", 500, 100), ("no", 100, 100)],
)
def test_a_one_way_street_holds_for_e_bikes_towards_the_door_and_not_on_foot(
    oneway: str, east: float, west: float
) -> None:
    network = town(
        street((0, 0), (100, 0), oneway=oneway),
        street((0, 0), (0, 200), (100, 200), (100, 0)),
    )
    left, right = at(0, 0), at(100, 0)
    assert network.metres_to(right, [left], riding=True) == [pytest.approx(east, abs=0.5)]
    assert network.metres_to(left, [right], riding=True) == [pytest.approx(west, abs=0.5)]
    assert network.metres_to(left, [right]) == [pytest.approx(100, abs=0.2)]


def test_two_places_on_one_one_way_street_are_joined_only_with_the_traffic() -> None:
    network = town(street((0, 0), (300, 0), oneway="yes"))
    assert network.metres_to(at(200, 0), [at(50, 0)], riding=True) == [pytest.approx(150, abs=0.2)]
    assert network.metres_to(at(50, 0), [at(200, 0)], riding=True) == [None]


def test_a_path_that_was_drawn_but_not_joined_does_not_cut_a_door_off() -> None:
    network = town(
        street((0, 0), (400, 0)),
        street((200, 4), (200, 30), highway="footway"),
    )
    assert network.metres_to(at(200, 6), [at(0, 0)]) == [pytest.approx(206, abs=0.5)]


def test_who_lives_on_an_island_without_a_bridge_is_told_by_straight_line() -> None:
    network = town(street((0, 0), (400, 0)), street((0, 5000), (400, 5000)))
    [near, far] = travel_to(at(0, 0), [at(300, 0), at(0, 5000)], streets=network)
    assert (near.basis, far.basis) == (Basis.STREETS, Basis.STRAIGHT_LINE)
    assert far.metres == pytest.approx(7000, abs=10)


def test_whoever_has_farther_to_go_than_is_searched_is_never_called_nearer() -> None:
    # Three hundred metres across the water, three kilometres by the only bridge.
    network = town(
        street((0, 0), (1500, 0), (1500, 300), (0, 300)),
        {**street((-99, 150), (1400, 150)), "properties": {"waterway": "canal"}},
    )
    assert network.metres_to(at(0, 300), [at(0, 0)], limit_m=1000.0) == [math.inf]
    [trip] = travel_to(at(0, 300), [at(0, 0)], streets=network, limit_m=1000.0)
    assert (trip.metres, trip.basis) == (1000.0, Basis.STRAIGHT_LINE)


def test_a_question_leaves_the_network_as_it_was() -> None:
    network = town(street((0, 0), (400, 0)), street((200, 0), (200, 300)))
    first = network.metres_to(at(200, 250), [at(0, 0), at(390, 0)])
    for _ in range(3):
        assert network.metres_to(at(200, 250), [at(0, 0), at(390, 0)]) == first


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "motorway"},
        {"highway": "proposed"},
        {"access": "private"},
        {"foot": "no"},
        {"highway": "trunk"},
    ],
)
def test_what_nobody_may_walk_on_is_no_street(tags: dict[str, str]) -> None:
    assert town(street((0, 0), (100, 0), **tags)).metres_to(at(0, 0), [at(100, 0)]) == [None]


def test_a_gated_lane_that_allows_walkers_is_walked() -> None:
    network = town(street((0, 0), (100, 0), access="private", foot="permissive"))
    assert network.metres_to(at(0, 0), [at(100, 0)]) == [pytest.approx(100, abs=0.2)]


def test_a_culvert_keeps_nobody_from_a_lane() -> None:
    pipe = street((-50, 5), (50, 5))
    pipe["properties"] = {"waterway": "stream", "tunnel": "culvert"}
    [metres] = town(street((0, 0), (100, 0)), pipe).metres_to(at(0, 10), [at(100, 0)])
    assert metres == pytest.approx(110, abs=0.5)


# --- files --------------------------------------------------------------------------------

LITTLE_OSM = """<?xml version="1.0"?>
<osm version="0.6">
 <node id="1" lat="31.3150" lon="120.6330"/><node id="2" lat="31.3150" lon="120.6340"/>
 <node id="3" lat="31.3160" lon="120.6340"/><node id="4" lat="31.3152" lon="120.6325"/>
 <node id="5" lat="31.3152" lon="120.6335"/><node id="6" lat="31.3154" lon="120.6335"/>
 <node id="7" lat="31.3154" lon="120.6325"/>
 <way id="10"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way>
 <way id="11"><nd ref="2"/><nd ref="3"/><nd ref="99"/><tag k="highway" v="steps"/></way>
 <way id="12"><nd ref="4"/><nd ref="5"/><nd ref="6"/><nd ref="7"/><nd ref="4"/></way>
 <relation id="20"><member type="way" ref="12" role="outer"/>
  <tag k="type" v="multipolygon"/><tag k="natural" v="water"/></relation>
</osm>
"""


def as_pbf(source: Path, to: Path) -> None:
    with osmium.SimpleWriter(str(to)) as writer:
        for thing in osmium.FileProcessor(str(source)):
            writer.add(thing)


@pytest.mark.parametrize("name", ["town.osm", "town.osm.pbf"])
def test_an_openstreetmap_extract_is_a_network_with_its_water(tmp_path: Path, name: str) -> None:
    drawn = tmp_path / "town.osm"
    drawn.write_text(LITTLE_OSM)
    if name != "town.osm":
        as_pbf(drawn, tmp_path / name)
    network = load(tmp_path / name)
    corner, top = Point(31.3150, 120.6330), Point(31.3160, 120.6340)
    assert network.metres_to(top, [corner]) == [pytest.approx(95.2 + 110.9, abs=0.5)]
    # North of the pond the nearest lane is across the water; the steps to the east are not.
    [from_the_pond] = network.metres_to(corner, [Point(31.3155, 120.6330)])
    assert from_the_pond is not None
    assert from_the_pond > 150


def test_a_geojson_extract_is_a_network(tmp_path: Path) -> None:
    path = tmp_path / "town.geojson"
    features = [street((0, 0), (100, 0))]
    path.write_bytes(msgspec.json.encode({"type": "FeatureCollection", "features": features}))
    assert load(path).metres_to(at(0, 0), [at(100, 0)]) == [pytest.approx(100, abs=0.2)]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.osm", None, "not a file"),
        ("town.dwg", b"AC1032", "neither"),
        ("town.osm", b"<osm version='0.6'><node id=", "cannot be read"),
        ("town.osm.pbf", b"\x00\x01garbage", "cannot be read"),
        ("town.geojson", b"{", "cannot be read"),
        ("town.geojson", b"[]", "not a GeoJSON FeatureCollection"),
        ("town.geojson", b'{"features": []}', "no street"),
        ("town.geojson", b'{"features": [{"properties": {"highway": "path"}, "geometry": {"type": '
         b'"LineString", "coordinates": [[31.3, 120.6], [31.4, 120.7]]}}]}', "latitude 120.6"),
        ("town.geojson", b'{"features": [{"properties": {"highway": "path"}, "geometry": {"type": '
         b'"LineString", "coordinates": 7}}]}', "cannot be read"),
        ("town.geojson", b'{"features": [], "crs": {"properties": {"name": "GCJ-02"}}}', "WGS-84"),
        ("town.osm", b"<osm version='0.6'></osm>", "no street"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_street_map_is_refused_with_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StreetsError, match=says) as refused:
        load(path)
    assert name in str(refused.value)
