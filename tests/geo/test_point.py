import contextlib
import math

import msgspec
import pytest
from geopy.distance import geodesic
from hypothesis import given
from hypothesis import strategies as st

from geo.ellipsoid import AXIS_M, to_space, way_bounds
from geo.geodesic import geodesic_metres
from geo.point import Datum, DatumError, Point, metres, read_point

points = st.builds(Point, lat=st.floats(-90, 90), lon=st.floats(-180, 180))
angles = st.floats(-0.4, 0.4)


@pytest.mark.parametrize(
    ("lat", "lon"),
    [(90.1, 0), (-91, 0), (0, 180.5), (0, -181), (math.nan, 0), (0, math.inf), (120.633, 31.315)],
)
def test_a_position_off_the_earth_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(ValueError):
        Point(lat, lon)


@pytest.mark.parametrize("hostile", [
    math.nan, math.inf, -math.inf, "nan", "inf", "", " ", "31,3", "31°18'", "3.1e1", "0x1f", "１２",
    "31.3 120.6", "31_3", None, True, [31.3], b"31.3", "1" * 500, "--1", "+", ".5.",
])  # fmt: skip
def test_what_is_no_number_of_degrees_is_refused_wherever_it_stands(hostile: object) -> None:
    with pytest.raises(ValueError, match="is not a number of degrees"):
        read_point(hostile, 120.6)
    with pytest.raises(ValueError, match="is not a number of degrees"):
        read_point(31.3, hostile)


@pytest.mark.parametrize(
    ("lat", "lon", "says"),
    [
        (120.633, 31.315, "swapped"), ("120.633", "31.315", "swapped"),
        (91, 120, "latitude"), (31, 180.01, "longitude"), (-90.1, 0, "latitude"), (999, 999, "l"),
    ],
)  # fmt: skip
def test_degrees_out_of_range_are_refused_and_swapped_ones_said_to_be(
    lat: object, lon: object, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        read_point(lat, lon)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), datum=st.sampled_from(Datum))
def test_numbers_and_their_texts_give_the_same_position(
    lat: float, lon: float, datum: Datum
) -> None:
    texts = (f"{lat:.15f}", f" {lon:.15f}\t")
    written = read_point(*texts, datum)
    assert written.datum is datum
    assert (written.lat, written.lon) == (float(texts[0]), float(texts[1]))
    assert read_point(lat, lon, datum) == Point(lat, lon, datum)


@given(given=st.text(max_size=30))
def test_no_text_makes_anything_but_a_position_or_a_refusal(given: str) -> None:
    with contextlib.suppress(ValueError):
        assert abs(read_point(given, given).lat) <= 90


def test_a_position_off_the_earth_is_refused_while_decoding_a_message() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"lat": 120.633, "lon": 31.315}', type=Point)


@given(a=points, b=points)
def test_distance_is_geopy_geodesic_to_a_millimetre(a: Point, b: Point) -> None:
    assert metres(a, b) == pytest.approx(geodesic((a.lat, a.lon), (b.lat, b.lon)).m, abs=1e-3)


@given(
    lat=st.floats(-89.5, 89.5), north=st.floats(-0.4, 0.4), lon=st.floats(-180, 180), east=angles
)
def test_distance_in_a_district_is_geopy_geodesic_to_a_millimetre(
    lat: float, north: float, lon: float, east: float
) -> None:
    a, b = Point(lat, lon), Point(lat + north, (lon + east + 180.0) % 360.0 - 180.0)
    assert metres(a, b) == pytest.approx(geodesic((a.lat, a.lon), (b.lat, b.lon)).m, abs=1e-3)


@given(chord=st.floats(0, 2 * AXIS_M))
def test_the_bounds_of_a_way_hold_it_and_meet_in_a_neighbourhood(chord: float) -> None:
    least, most = way_bounds(chord)
    assert chord - 1e-6 <= least <= most
    if chord <= 10_000:
        assert most - least < 1e-4


@given(a=points, b=points)
def test_no_geodesic_is_outside_the_bounds_of_its_chord(a: Point, b: Point) -> None:
    chord = math.dist(to_space(a.lat, a.lon), to_space(b.lat, b.lon))
    least, most = way_bounds(chord)
    assert least <= geodesic((a.lat, a.lon), (b.lat, b.lon)).m <= most


@given(a=points, b=points)
def test_distance_is_the_same_both_ways(a: Point, b: Point) -> None:
    assert metres(a, b) == pytest.approx(metres(b, a), rel=1e-12, abs=1e-6)


def test_two_points_a_millimetre_apart_are_told_apart() -> None:
    assert metres(Point(31.315, 120.633), Point(31.315 + 9e-9, 120.633)) == pytest.approx(
        0.001, rel=0.01
    )


def test_distance_between_two_datums_is_refused() -> None:
    here, drawn = Point(31.3, 120.6), Point(31.3, 120.6, Datum.GCJ02)
    with pytest.raises(DatumError):
        metres(here, drawn)
    with pytest.raises(DatumError):
        geodesic_metres(here, drawn)


def test_the_survey_frame_counts_as_satellite_positioning() -> None:
    assert metres(Point(31.3, 120.6), Point(31.3, 120.6, Datum.CGCS2000)) == 0.0
