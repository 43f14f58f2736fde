from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.ellipsoid import degree_metres
from geo.point import Point, metres
from geo.streets import StreetNetwork
from geo.travel import DETOUR, Basis, straight_line, travel_to

NORTH, EAST = (1 / metres for metres in degree_metres(0.0))
"""Degrees in a metre of the little town below, which lies on the equator."""


def at(east_m: float, north_m: float) -> Point:
    return Point(north_m * NORTH, east_m * EAST)


def line(layer: str, *spots: tuple[float, float]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"layer": layer},
        "geometry": {
            "type": "LineString",
            "coordinates": [[x * EAST, y * NORTH] for x, y in spots],
        },
    }


# Two lanes run along the two banks of a canal, forty metres apart; one bridge, 300 m to the east.
WEST_TO_EAST = [
    line("lane", (0, 20), (100, 20), (300, 20)),
    line("lane", (0, -20), (100, -20), (300, -20)),
    line("bridge", (300, 20), (300, -20)),
    line("canal", (-500, 0), (500, 0)),
    {"type": "Feature", "properties": {"layer": "building"}, "geometry": None},
]
DOOR = at(0, 15)
ACROSS = at(0, -15)
SAME_BANK = at(200, 18)


def test_a_canal_between_two_doors_changes_who_is_nearest() -> None:
    by_line = travel_to(DOOR, [ACROSS, SAME_BANK])
    assert by_line[0].metres < by_line[1].metres
    by_streets = travel_to(
        DOOR, [ACROSS, SAME_BANK], streets=StreetNetwork.from_geojson(WEST_TO_EAST)
    )
    assert by_streets[0].metres > by_streets[1].metres
    assert [trip.basis for trip in by_streets] == [Basis.STREETS, Basis.STREETS]


def test_the_way_round_by_the_bridge_is_as_long_as_drawn() -> None:
    [across, same_bank] = StreetNetwork.from_geojson(WEST_TO_EAST).metres_to(
        DOOR, [ACROSS, SAME_BANK]
    )
    assert across == pytest.approx(5 + 300 + 40 + 300 + 5, abs=0.5)
    assert same_bank == pytest.approx(5 + 200 + 2, abs=0.5)


def test_a_door_does_not_join_the_lane_on_the_other_bank_although_it_is_nearer() -> None:
    # The door's own lane is 60 m behind it, the lane across the water 5 m in front.
    features = [
        line("lane", (-100, 60), (100, 60)),
        line("lane", (-100, -5), (100, -5)),
        line("canal", (-200, -2), (200, -2)),
    ]
    town = StreetNetwork.from_geojson(features)
    [own_bank, other_bank] = town.metres_to(at(0, 0), [at(50, 60), at(50, -5)])
    assert own_bank == pytest.approx(110, abs=0.5)
    assert other_bank is None


def test_without_a_bridge_the_answer_says_that_it_is_a_straight_line() -> None:
    cut = [feature for feature in WEST_TO_EAST if feature["properties"]["layer"] != "bridge"]
    [trip] = travel_to(DOOR, [ACROSS], streets=StreetNetwork.from_geojson(cut))
    assert trip.basis is Basis.STRAIGHT_LINE
    assert trip.metres == pytest.approx(30 * DETOUR, rel=1e-3)


def test_far_from_every_lane_the_answer_says_that_it_is_a_straight_line() -> None:
    town = StreetNetwork.from_geojson(WEST_TO_EAST)
    far = at(0, 900)
    assert town.metres_to(DOOR, [far]) == [None]
    assert town.metres_to(far, [DOOR, SAME_BANK]) == [None, None]
    assert travel_to(far, [DOOR], streets=town)[0].basis is Basis.STRAIGHT_LINE


def test_an_empty_map_is_a_network_on_which_nobody_walks() -> None:
    assert StreetNetwork.from_geojson([]).metres_to(DOOR, [ACROSS]) == [None]


def test_two_doors_on_one_stretch_are_joined_along_it() -> None:
    town = StreetNetwork.from_geojson([line("lane", (0, 0), (400, 0))])
    assert town.metres_to(at(100, 0), [at(160, 0)]) == [pytest.approx(60, abs=0.1)]


def test_a_ring_is_walked_the_shorter_way_round() -> None:
    ring = line("street", (0, 0), (100, 0), (100, 100), (0, 100), (0, 0))
    town = StreetNetwork.from_geojson([ring])
    assert town.metres_to(at(0, 10), [at(0, 90), at(10, 0)]) == [
        pytest.approx(80, abs=0.2),
        pytest.approx(20, abs=0.2),
    ]


def test_polygons_of_water_count_by_their_banks() -> None:
    pond = {
        "properties": {"layer": "canal"},
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[x * EAST, y * NORTH] for x, y in [(-9, 2), (9, 2), (9, 8), (-9, 2)]]],
        },
    }
    town = StreetNetwork.from_geojson([line("lane", (-50, 10), (50, 10)), pond])
    assert town.metres_to(at(0, 0), [at(40, 10)]) == [None]


@given(spots=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=2, max_size=8))
def test_a_way_along_streets_is_never_shorter_than_the_straight_line(
    spots: list[tuple[int, int]],
) -> None:
    town = StreetNetwork.from_geojson([line("lane", *spots)])
    doors = [at(*spot) for spot in spots]
    for door, way in zip(doors, town.metres_to(doors[0], doors), strict=True):
        assert way is None or way >= metres(doors[0], door) * 0.999 - 0.05


def test_minutes_follow_the_speed() -> None:
    assert straight_line(at(0, 0), at(750, 0), m_per_min=75).minutes == pytest.approx(14, rel=1e-3)
    assert straight_line(at(0, 0), at(750, 0), m_per_min=250).minutes == pytest.approx(
        4.2, rel=1e-3
    )
