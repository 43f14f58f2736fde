"""The streets that a deployment names: read at the start, or refused with a sentence."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from backend import serve, settings
from backend.finding import Finding
from backend.shared.context import Context
from backend.shared.streets import network_of
from geo.point import Point

LANE = """{"type": "FeatureCollection", "features": [{"type": "Feature",
 "properties": {"highway": "residential"}, "geometry": {"type": "LineString",
 "coordinates": [[120.633, 31.315], [120.634, 31.315]]}}]}"""


def test_the_short_name_of_the_setting_is_the_long_one(tmp_path: Path) -> None:
    file = tmp_path / "old-town.geojson"
    file.write_text(LANE)
    given = settings.load({"JIEAN_STREETS": str(file), "JIEAN_STREETS_SNAP_M": "20"})
    network = network_of(given.streets)
    assert network is not None
    lane, beyond = Point(31.315, 120.633), Point(31.3153, 120.633)
    assert network.metres_to(lane, [Point(31.315, 120.634)]) == [pytest.approx(95, abs=0.5)]
    assert network.metres_to(lane, [beyond]) == [None], "33 m is farther than a door may be"


def test_without_a_file_no_streets_are_read() -> None:
    assert network_of(settings.load({}).streets) is None


async def test_dispatch_measures_by_the_named_streets_whatever_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "old-town.geojson"
    file.write_text(LANE)
    given = settings.load({"JIEAN_STREETS": str(file)})
    # No database is asked for the drawn map.
    finding = Finding(cast(Context, SimpleNamespace(settings=given)))
    assert await finding.network() is network_of(given.streets)


async def test_a_file_that_is_no_street_map_ends_the_start_before_any_server(
    tmp_path: Path,
) -> None:
    given = settings.load({"JIEAN_STREETS": str(tmp_path / "gone.osm.pbf")})
    with pytest.raises(serve.CannotStart, match=r"gone\.osm\.pbf is not a file \(JIEAN_STREETS\)"):
        async with serve.platform(given):
            pass
