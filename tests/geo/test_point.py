import math

import msgspec
import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from geo.geodesic import geodesic_metres
from geo.point import Datum, DatumError, Point, metres

points = st.builds(Point, lat=st.floats(-90, 90), lon=st.floats(-180, 180))


@pytest.mark.parametrize(
    ("lat", "lon"),
    [(90.1, 0), (-91, 0), (0, 180.5), (0, -181), (math.nan, 0), (0, math.inf), (120.633, 31.315)],
)
def test_a_position_off_the_earth_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(ValueError):
        Point(lat, lon)


def test_a_position_off_the_earth_is_refused_while_decoding_a_message() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"lat": 120.633, "lon": 31.315}', type=Point)


@given(a=points, b=points)
def test_distance_is_geopy_great_circle_but_for_its_rounded_radius(a: Point, b: Point) -> None:
    theirs = great_circle((a.lat, a.lon), (b.lat, b.lon)).m
    assert metres(a, b) == pytest.approx(theirs, rel=5e-8, abs=1e-3)


@given(a=points, b=points)
def test_distance_is_the_same_both_ways(a: Point, b: Point) -> None:
    assert metres(a, b) == pytest.approx(metres(b, a), rel=1e-12, abs=1e-6)


def test_distance_stays_within_half_a_per_cent_of_the_ellipsoid() -> None:
    shanghai, beijing = Point(31.2304, 121.4737), Point(39.9042, 116.4074)
    assert metres(shanghai, beijing) == pytest.approx(geodesic_metres(shanghai, beijing), rel=5e-3)


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
