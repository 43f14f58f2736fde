"""Street networks from files: GeoJSON, or an extract of OpenStreetMap (.osm, .osm.pbf, .gz, .bz2).

What a line is its tags say (``geo.tags``). All is WGS-84, longitude first.

    >>> load(Path("town.dwg"))
    Traceback (most recent call last):
    geo.extract.StreetsError: town.dwg is not a file
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import osmium
import osmium.filter
import osmium.osm

from geo.streets import StreetNetwork
from geo.tags import is_water

_WGS84 = ("CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4490", "EPSG:4490")


class StreetsError(ValueError):
    """A street file that cannot be used; the message is a sentence for whoever named it."""


def load(path: Path, *, snap_m: float = 150.0) -> StreetNetwork:
    """The network in a file.

    Args:
        path: .geojson or .json; .osm, .osm.gz, .osm.bz2 or .pbf.
        snap_m: the farthest a door may be from its lane, metres.

    Raises:
        StreetsError: no such file, not readable as what its name says, not in WGS-84, or
            without a single street.
    """
    name = path.name.lower()
    if not path.is_file():
        raise StreetsError(f"{path} is not a file")
    try:
        if name.endswith((".geojson", ".json")):
            network = StreetNetwork.from_geojson(_features(path), snap_m=snap_m)
        elif name.endswith((".osm", ".osm.gz", ".osm.bz2", ".pbf")):
            network = StreetNetwork.from_geojson(_openstreetmap(path), snap_m=snap_m)
        else:
            raise StreetsError(f"{path} is neither .geojson nor .osm, .osm.gz, .osm.bz2 or .pbf")
    except StreetsError:
        raise
    except (ValueError, TypeError, KeyError, RuntimeError, OSError) as broken:
        raise StreetsError(f"{path} cannot be read as streets: {broken}") from broken
    if not network.streets:
        raise StreetsError(f"{path} has no street, lane or bridge in it")
    return network


def _features(path: Path) -> Iterable[Mapping[str, Any]]:
    drawn = msgspec.json.decode(path.read_bytes())
    if not isinstance(drawn, dict) or not isinstance(drawn.get("features"), list):
        raise StreetsError(f"{path} is not a GeoJSON FeatureCollection")
    frame = str(((drawn.get("crs") or {}).get("properties") or {}).get("name", "CRS84"))
    if not frame.endswith(_WGS84):
        raise StreetsError(f"{path} is in {frame}; streets must be in WGS-84 or CGCS2000")
    return [feature for feature in drawn["features"] if isinstance(feature, dict)]


def _openstreetmap(path: Path) -> Iterator[Mapping[str, Any]]:
    """Ways and water of an extract as GeoJSON features; areas of several pieces put together."""
    wanted = osmium.filter.KeyFilter("highway", "waterway", "natural")
    for thing in osmium.FileProcessor(path).with_locations().with_areas().with_filter(wanted):
        tags = {tag.k: tag.v for tag in thing.tags}
        if isinstance(thing, osmium.osm.Way) and ("highway" in tags or "waterway" in tags):
            lines = [[n for n in thing.nodes if n.location.valid()]]
        elif isinstance(thing, osmium.osm.Area) and is_water(tags):
            lines = [list(ring) for ring in thing.outer_rings()]
        else:
            continue
        yield {
            "properties": tags,
            "geometry": {
                "type": "MultiLineString",
                "coordinates": [[[n.lon, n.lat] for n in line] for line in lines],
            },
        }
