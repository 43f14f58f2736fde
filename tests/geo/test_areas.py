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


def square_at(lat: float, lon: float) -> Polygon:
    """A tenth of a degree to every side."""

    def corner(north: float, east: float) -> Point:
        return Point(lat + north, (lon + east + 180.0) % 360.0 - 180.0)

    return Polygon(
        tuple(corner(n, e) for n, e in [(-0.1, -0.1), (-0.1, 0.1), (0.1, 0.1), (0.1, -0.1)])
    )


@given(
    north=st.floats(-0.3, 0.3),
    east=st.floats(-0.3, 0.3),
    lon=st.sampled_from([180.0, -180.0, 179.95, -179.92]),
)
def test_an_area_across_the_date_line_is_one_area(north: float, east: float, lon: float) -> None:
    here, there = square_at(31.0, lon), square_at(31.0, 120.0)
    place = Point(31.0 + north, (lon + east + 180.0) % 360.0 - 180.0)
    same_place = Point(31.0 + north, 120.0 + east)
    if there.edge_metres(same_place) > 0.01:
        assert here.contains(place) == there.contains(same_place)
    assert here.edge_metres(place) == pytest.approx(there.edge_metres(same_place), abs=1e-3)
    if here.contains(place):
        assert here.enclosing().contains(place)


def test_people_on_both_sides_of_the_date_line_are_inside() -> None:
    index: MovingIndex[str] = MovingIndex()
    index.insert("west", Point(31.0, 179.95))
    index.insert("east", Point(31.0, -179.95))
    index.insert("away", Point(31.0, -179.5))
    index.insert("round the earth", Point(31.0, 0.0))
    assert people_inside(index, square_at(31.0, 180.0)) == ["east", "west"]


def test_an_area_round_a_pole_or_round_the_earth_is_refused() -> None:
    with pytest.raises(ValueError, match="pole"):
        Polygon((Point(86, 0), Point(86, 1), Point(85.5, 1)))
    with pytest.raises(ValueError, match="wider"):
        Polygon((Point(0, -100), Point(0, 100), Point(1, 0)))


@given(by=st.floats(0, 500), more=st.floats(0, 500), place=near)
def test_a_wider_room_holds_everybody_whom_a_narrower_one_holds(
    by: float, more: float, place: Point
) -> None:
    if buffered(SQUARE, by).contains(place):
        assert buffered(SQUARE, by + more).contains(place)
