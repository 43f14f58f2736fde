import json
from pathlib import Path
from typing import Any

import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from geo.datum import convert
from geo.point import Datum, Point, metres

VECTORS = Path(__file__).parents[2] / "../shared/samples/coordinates/vectors.json"

in_china = st.builds(Point, lat=st.floats(18.5, 53.0), lon=st.floats(74.0, 134.0))


def gcj02(pair: list[float]) -> Point:
    return Point(pair[0], pair[1], Datum.GCJ02)


@pytest.fixture
def vectors() -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip("the published coordinate samples are not beside this repository")
    samples: dict[str, Any] = json.loads(VECTORS.read_text())
    return samples


# Test points of the eviltransform project, in the form they are usually quoted.
PUBLISHED = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]


@pytest.mark.parametrize(("satellite", "on_map"), PUBLISHED)
def test_published_points_come_out_to_a_tenth_of_a_millimetre(
    satellite: tuple[float, float], on_map: tuple[float, float]
) -> None:
    drawn = convert(Point(*satellite), Datum.GCJ02)
    assert metres(drawn, Point(on_map[0], on_map[1], Datum.GCJ02)) < 1e-4


def test_the_samples_beside_the_repository_come_out_too(vectors: dict[str, Any]) -> None:
    for sample in vectors["wgs84_to_gcj02"]:
        drawn = convert(Point(*sample["wgs"]), Datum.GCJ02)
        assert metres(drawn, gcj02(sample["gcj"])) < 1e-4, sample["name"]
    for sample in vectors["suzhou_computed_here"]:
        here = Point(*sample["wgs"])
        drawn = convert(here, Datum.GCJ02)
        assert metres(drawn, gcj02(sample["gcj"])) < 1e-4
        shift = metres(here, Point(drawn.lat, drawn.lon))
        assert shift == pytest.approx(sample["shift_m"], abs=1.0)
    check = vectors["distance_check"]
    a, b = (Point(lat, lon) for lat, lon in (check["a"], check["b"]))
    # The sample was measured on a sphere with the equator's radius.
    equatorial = great_circle((a.lat, a.lon), (b.lat, b.lon), radius=6378.137).m
    assert equatorial == pytest.approx(check["metres"], abs=check["tolerance"])


def test_places_outside_the_mainland_are_not_shifted(vectors: dict[str, Any]) -> None:
    for lat, lon in vectors["outside_china_unchanged"]:
        assert convert(Point(lat, lon), Datum.GCJ02) == Point(lat, lon, Datum.GCJ02)


@pytest.mark.parametrize("place", [Point(48.85, 2.35), Point(-27.4698, 153.0251), Point(0, 0)])
def test_paris_brisbane_and_the_gulf_of_guinea_are_not_shifted(place: Point) -> None:
    assert convert(place, Datum.GCJ02) == Point(place.lat, place.lon, Datum.GCJ02)


def test_a_datum_mistake_in_old_town_suzhou_is_465_metres() -> None:
    gusu = Point(31.315, 120.633)
    drawn = convert(gusu, Datum.GCJ02)
    assert metres(gusu, Point(drawn.lat, drawn.lon)) == pytest.approx(464.9, abs=0.5)


def test_baidu_is_900_metres_from_amap_in_suzhou() -> None:
    amap = convert(Point(31.315, 120.633), Datum.GCJ02)
    baidu = convert(amap, Datum.BD09)
    assert metres(Point(amap.lat, amap.lon), Point(baidu.lat, baidu.lon)) == pytest.approx(
        900, abs=20
    )


@given(place=in_china)
def test_there_and_back_by_gcj02_is_under_a_millimetre(place: Point) -> None:
    assert metres(convert(convert(place, Datum.GCJ02), Datum.WGS84), place) < 1e-3


@given(place=in_china)
def test_there_and_back_by_bd09_is_under_a_millimetre(place: Point) -> None:
    assert metres(convert(convert(place, Datum.BD09), Datum.WGS84), place) < 1e-3


def test_the_points_that_coordtransform_publishes_come_out() -> None:
    """https://github.com/wandergis/coordtransform; its inverse of BD-09 is not iterated."""
    lat, lon = 39.915, 116.404
    drawn = convert(Point(lat, lon), Datum.GCJ02)
    assert metres(drawn, gcj02([39.91640428150164, 116.41024449916938])) < 1e-4
    baidu = convert(gcj02([lat, lon]), Datum.BD09)
    assert metres(baidu, Point(39.92133699351021, 116.41036949371029, Datum.BD09)) < 1e-4
    back = convert(Point(lat, lon, Datum.BD09), Datum.GCJ02)
    assert metres(back, gcj02([39.90865673957631, 116.39762729119315])) < 0.2


@given(place=in_china, to=st.sampled_from(Datum))
def test_a_conversion_says_which_datum_it_is_in(place: Point, to: Datum) -> None:
    assert convert(place, to).datum is to


def test_the_survey_frame_is_passed_on_unchanged() -> None:
    assert convert(Point(31.3, 120.6), Datum.CGCS2000) == Point(31.3, 120.6, Datum.CGCS2000)
