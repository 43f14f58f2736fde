"""The invented town holds together: enough of everything, nothing in the water, all reachable."""

from itertools import pairwise

import msgspec
import pytest

from backend.demo.town import Town, build
from geo.point import metres
from geo.streets import StreetNetwork

KINDS = {"electric", "gas", "smoke", "structure", "hydrant", "water", "door"}
LAYERS = {"land", "canal", "street", "lane", "bridge", "building", "court", "hydrant"}


@pytest.fixture(scope="module")
def town() -> Town:
    return build(1)


@pytest.fixture(scope="module")
def network(town: Town) -> StreetNetwork:
    return StreetNetwork.from_geojson(town.area["features"])


def test_there_are_enough_homes_and_detectors_of_all_seven_kinds(town: Town) -> None:
    assert len(town.households) >= 1200
    assert len(town.detectors) >= 3000
    assert {d.kind for d in town.detectors} == KINDS


def test_every_detector_address_and_every_id_is_one_of_a_kind(town: Town) -> None:
    assert len({d.address for d in town.detectors}) == len(town.detectors)
    ids = [b.id for b in town.buildings]
    ids += [h.id for h in town.households]
    ids += [d.id for d in town.detectors]
    assert len(set(ids)) == len(ids)


def test_no_two_homes_have_the_same_address(town: Town) -> None:
    assert len({h.address for h in town.households}) == len(town.households)


def test_the_same_seed_draws_the_same_town_and_another_seed_another(town: Town) -> None:
    build.cache_clear()
    assert msgspec.json.encode(build(1)) == msgspec.json.encode(town)
    assert msgspec.json.encode(build(2)) != msgspec.json.encode(town)


def test_the_map_has_every_layer_and_is_small_enough_for_a_phone(town: Town) -> None:
    assert {f["properties"]["layer"] for f in town.area["features"]} == LAYERS
    assert len(msgspec.json.encode(town.area)) <= 400_000


def test_no_house_stands_in_a_canal(town: Town) -> None:
    houses = [
        corner[:2]
        for f in town.area["features"]
        if f["properties"]["layer"] == "building"
        for polygon in f["geometry"]["coordinates"]
        for corner in polygon[0]
    ]
    canals = [
        f["geometry"]["coordinates"][0]
        for f in town.area["features"]
        if f["properties"]["layer"] == "canal"
    ]
    wet = [h for h in houses for c in canals if _inside(h, c)]
    assert wet == []


def _inside(spot: list[float], ring: list[list[float]]) -> bool:
    x, y = spot
    odd = False
    for (x0, y0), (x1, y1) in pairwise(ring):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            odd = not odd
    return odd


def test_every_home_can_be_walked_to_from_every_other(town: Town, network: StreetNetwork) -> None:
    door = town.households[0].at
    ways = network.metres_to(door, [h.at for h in town.households])
    assert None not in ways


def test_the_way_over_a_bridge_is_longer_than_the_straight_line(
    town: Town, network: StreetNetwork
) -> None:
    here = town.households[0].at
    straight = [metres(here, h.at) for h in town.households]
    walked = [m for m in network.metres_to(here, [h.at for h in town.households]) if m is not None]
    assert max(w - s for w, s in zip(walked, straight, strict=True)) > 100


def test_an_engine_always_has_a_place_to_stop_within_reach_of_hoses(town: Town) -> None:
    assert all(b.engine_stop for b in town.buildings)
    assert max(metres(b.gate, b.engine_at) for b in town.buildings) < 200
