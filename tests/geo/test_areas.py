import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.areas import Buffered, Circle, Polygon, buffered, people_inside, polygon_from_geojson
from geo.moving import MovingIndex
from geo.point import Datum, DatumError, Point

SQUARE = Polygon(
    (Point(31.31, 120.63), Point(31.31, 120.64), Point(31.32, 120.64), Point(31.32, 120.63)),
    (
        (
            Point(31.314, 120.634),
            Point(31.314, 120.636),
            Point(31.316, 120.636),
            Point(31.316, 120.634),
        ),
    ),
)
GATE = Point(31.31, 120.63)
near = st.builds(Point, lat=st.floats(31.30, 31.33), lon=st.floats(120.62, 120.65))


@given(place=near)
def test_a_square_with_a_courtyard_holds_what_lies_between_its_walls(place: Point) -> None:
    outer = 31.31 <= place.lat <= 31.32 and 120.63 <= place.lon <= 120.64
    yard = 31.314 < place.lat < 31.316 and 120.634 < place.lon < 120.636
    if SQUARE.edge_metres(place) > 0.01:
        assert SQUARE.contains(place) == (outer and not yard)


@pytest.mark.parametrize("place", [*SQUARE.ring, Point(31.31, 120.635), Point(31.314, 120.635)])
def test_the_edge_belongs_to_the_area(place: Point) -> None:
    assert SQUARE.contains(place)


def test_a_concave_court_does_not_hold_its_notch() -> None:
    horseshoe = Polygon(
        tuple(
            Point(31.31 + y / 1000, 120.63 + x / 1000)
            for x, y in [(0, 0), (6, 0), (6, 6), (4, 6), (4, 2), (2, 2), (2, 6), (0, 6)]
        )
    )
    assert horseshoe.contains(Point(31.311, 120.633))
    assert horseshoe.contains(Point(31.315, 120.631))
    assert not horseshoe.contains(Point(31.315, 120.633))


def test_distance_to_the_edge_is_measured_from_both_sides() -> None:
    assert SQUARE.edge_metres(Point(31.309, 120.635)) == pytest.approx(110.86, abs=0.05)
    assert SQUARE.edge_metres(Point(31.311, 120.632)) == pytest.approx(110.86, abs=0.05)
    assert Circle(Point(31.31, 120.63), 100).edge_metres(Point(31.31, 120.63)) == 100


@given(people=st.lists(near, max_size=50))
def test_people_inside_are_those_whom_the_area_contains(people: list[Point]) -> None:
    index: MovingIndex[int] = MovingIndex()
    for key, at in enumerate(people):
        index.insert(key, at)
    for area in (SQUARE, Circle(Point(31.315, 120.635), 300)):
        expected = [key for key, at in enumerate(people) if area.contains(at)]
        assert people_inside(index, area) == expected


@given(place=near, by_m=st.floats(0, 200))
def test_room_round_an_area_reaches_as_far_as_said_and_no_farther(
    place: Point, by_m: float
) -> None:
    room = Buffered(SQUARE, by_m)
    far_m = 0.0 if SQUARE.contains(place) else SQUARE.edge_metres(place)
    assert room.contains(place) == (far_m <= by_m)
    if not room.contains(place):
        assert room.edge_metres(place) == pytest.approx(far_m - by_m)
        assert far_m > 0
    if room.contains(place):
        around = room.enclosing()
        assert around.contains(place)


def test_a_wider_circle_is_a_circle() -> None:
    assert buffered(Circle(GATE, 100), 50) == Circle(GATE, 150)
    with pytest.raises(ValueError):
        buffered(Circle(GATE, 100), -1)
    with pytest.raises(ValueError):
        buffered(SQUARE, -1)


@given(people=st.lists(near, max_size=50))
def test_people_in_the_room_round_an_area_are_found(people: list[Point]) -> None:
    index: MovingIndex[int] = MovingIndex()
    for key, at in enumerate(people):
        index.insert(key, at)
    room = buffered(SQUARE, 80)
    assert people_inside(index, room) == [k for k, at in enumerate(people) if room.contains(at)]


def test_an_area_drawn_on_a_shifted_map_is_not_compared_with_a_satellite_position() -> None:
    drawn = Polygon(tuple(Point(p.lat, p.lon, Datum.GCJ02) for p in SQUARE.ring))
    with pytest.raises(DatumError):
        drawn.contains(Point(31.315, 120.632))


def test_a_line_is_no_area() -> None:
    with pytest.raises(ValueError):
        Polygon((Point(31, 120), Point(31, 121), Point(31, 120)))
    with pytest.raises(ValueError):
        Circle(Point(31, 120), -1)


def test_a_drawn_geojson_polygon_is_longitude_first() -> None:
    ring = [[120.63, 31.31], [120.64, 31.31], [120.64, 31.32], [120.63, 31.31]]
    area = polygon_from_geojson({"type": "Polygon", "coordinates": [ring]})
    assert area.contains(Point(31.312, 120.637))
    with pytest.raises(ValueError):
        polygon_from_geojson({"type": "Point", "coordinates": [120.63, 31.31]})
