"""Conversions between WGS-84, CGCS2000, GCJ-02 and BD-09, for the edge of the product only.

Inside, everything is WGS-84. GCJ-02 is what mainland street maps are drawn in and BD-09
is Baidu's further shift; both are public reconstructions, not official formulas: treat a
converted point as right to a few metres on a real map.

    >>> from geo.point import Datum, Point, metres
    >>> gusu = Point(31.3150, 120.6330)
    >>> on_amap = convert(gusu, Datum.GCJ02)
    >>> on_amap.datum, round(on_amap.lat, 6), round(on_amap.lon, 6)
    (<Datum.GCJ02: 'GCJ-02'>, 31.312843, 120.637193)
    >>> metres(convert(on_amap, Datum.WGS84), gusu) < 0.001
    True

Source:
    The common reconstruction: Krasovsky 1940 axis a = 6 378 245 m, e^2 = 0.00669342162296594323;
    docs/sources.md, "Coordinates".
"""

import math

from geo.point import Datum, Point

_A = 6_378_245.0
_E2 = 0.00669342162296594323
_BD_TURN = math.pi * 3000.0 / 180.0
_INVERSE_STEPS = 8
"""Two iterations give a millimetre and six are exact in Suzhou; the rest is margin."""


def in_mainland_box(lat: float, lon: float) -> bool:
    """Whether the shift applies: the rough box that every reconstruction uses.

    The box takes in some neighbours (Hanoi, Seoul, Ulaanbaatar) where no map is shifted; the
    product serves places well inside the mainland.
    """
    return 0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347


def convert(point: Point, to: Datum) -> Point:
    """Express a position in another datum.

    Args:
        point: any datum.
        to: the datum wanted.

    Returns:
        The same place in ``to``. WGS-84 and CGCS2000 differ by less than a metre and are
        passed on unchanged. Outside the mainland box GCJ-02 equals WGS-84.

    Accuracy:
        There and back: under a millimetre between any two, the inverse being iterated.
    """
    lat, lon = point.lat, point.lon
    if point.datum is to:
        return point
    if point.datum is Datum.BD09:
        lat, lon = _bd_to_gcj(lat, lon)
    if point.datum in (Datum.WGS84, Datum.CGCS2000) and to in (Datum.GCJ02, Datum.BD09):
        lat, lon = _wgs_to_gcj(lat, lon)
    if point.datum in (Datum.GCJ02, Datum.BD09) and to in (Datum.WGS84, Datum.CGCS2000):
        lat, lon = _gcj_to_wgs(lat, lon)
    if to is Datum.BD09:
        lat, lon = _gcj_to_bd(lat, lon)
    return Point(lat, lon, to)


def _wgs_to_gcj(lat: float, lon: float) -> tuple[float, float]:
    if not in_mainland_box(lat, lon):
        return lat, lon
    north, east = _shift(lat, lon)
    return lat + north, lon + east


def _gcj_to_wgs(lat: float, lon: float) -> tuple[float, float]:
    """Invert by fixed-point iteration: the shift changes slowly, so each step gains 2-3 digits."""
    guess_lat, guess_lon = lat, lon
    for _ in range(_INVERSE_STEPS):
        there_lat, there_lon = _wgs_to_gcj(guess_lat, guess_lon)
        guess_lat += lat - there_lat
        guess_lon += lon - there_lon
    return guess_lat, guess_lon


def _shift(lat: float, lon: float) -> tuple[float, float]:
    """Degrees north and east that GCJ-02 adds at a WGS-84 position."""
    x, y = lon - 105.0, lat - 35.0
    ripple = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    north_m = (
        -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * math.sqrt(abs(x))
        + (ripple + 20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2 / 3
        + (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2 / 3
    )
    east_m = (
        300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * math.sqrt(abs(x))
        + (ripple + 20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2 / 3
        + (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2 / 3
    )
    phi = math.radians(lat)
    w2 = 1.0 - _E2 * math.sin(phi) ** 2
    w = math.sqrt(w2)
    north = math.degrees(north_m) / ((_A * (1.0 - _E2)) / (w2 * w))
    east = math.degrees(east_m) / (_A / w * math.cos(phi))
    return north, east


def _gcj_to_bd(lat: float, lon: float) -> tuple[float, float]:
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BD_TURN)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BD_TURN)
    return radius * math.sin(angle) + 0.006, radius * math.cos(angle) + 0.0065


def _bd_to_gcj(lat: float, lon: float) -> tuple[float, float]:
    """Invert by fixed-point iteration; the closed form that is usually given is 6 cm off."""
    guess_lat, guess_lon = lat - 0.006, lon - 0.0065
    for _ in range(_INVERSE_STEPS):
        there_lat, there_lon = _gcj_to_bd(guess_lat, guess_lon)
        guess_lat += lat - there_lat
        guess_lon += lon - there_lon
    return guess_lat, guess_lon
