"""Links that open a place in the map on somebody's phone, in that map's datum and order.

    >>> from geo.point import Point
    >>> amap(Point(31.3150, 120.6330), "平江路 12 号")
    'https://uri.amap.com/marker?position=120.637193,31.312843&name=%E5%B9%B3%E6%B1%9F%E8%B7%AF%2012%20%E5%8F%B7&coordinate=gaode'

All four draw mainland streets in GCJ-02, so all four get GCJ-02 there; outside the mainland
box that is the same as WGS-84. Six decimals are 11 cm.

Source:
    Amap URI API (longitude first); Tencent map URI API (latitude first, after ``coord:``);
    Apple "Map Links" and Google "Maps URLs" (latitude first). Google's satellite picture,
    unlike its streets, is not shifted: the pin fits the streets.
"""

from urllib.parse import quote

import msgspec

from geo.datum import convert
from geo.point import Datum, Point


class MapLinks(msgspec.Struct, frozen=True):
    """One place in four maps; each field is an https address."""

    amap: str
    tencent: str
    apple: str
    google: str


def links(place: Point, name: str) -> MapLinks:
    """All four links to ``place``, whatever datum it comes in.

    Args:
        place: any datum.
        name: what the pin is called. It leaves for the map's provider: never a person's name.
    """
    return MapLinks(amap(place, name), tencent(place, name), apple(place, name), google(place))


def amap(place: Point, name: str) -> str:
    lat, lon = _on_street_map(place)
    title = quote(name, safe="")
    return f"https://uri.amap.com/marker?position={lon},{lat}&name={title}&coordinate=gaode"


def tencent(place: Point, name: str) -> str:
    lat, lon = _on_street_map(place)
    # Semicolons and colons separate the parts of a marker, so the name must not bring its own.
    title = quote(name.replace(";", " ").replace(":", " "), safe="")
    return (
        "https://apis.map.qq.com/uri/v1/marker"
        f"?marker=coord:{lat},{lon};title:{title};addr:{title}&referer=jiean"
    )


def apple(place: Point, name: str) -> str:
    lat, lon = _on_street_map(place)
    return f"https://maps.apple.com/?ll={lat},{lon}&q={quote(name, safe='')}"


def google(place: Point) -> str:
    lat, lon = _on_street_map(place)
    return f"https://www.google.com/maps/search/?api=1&query={lat},{lon}"


def _on_street_map(place: Point) -> tuple[str, str]:
    there = convert(place, Datum.GCJ02)
    return f"{there.lat:.6f}", f"{there.lon:.6f}"
