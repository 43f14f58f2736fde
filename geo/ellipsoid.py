"""WGS-84 as a solid body: the straight line through it, and what that says of the way over it.

A straight line between two places is cheap, and it orders people almost as the geodesic does.
"Almost" is bounded here, so that the few who stand too close to call can be measured by
Karney's algorithm and everybody else need not be.

The bound: let R be the least and S the greatest radius of curvature of the ellipsoid. A ball of
radius R rolls inside it and it rolls inside a ball of radius S (Blaschke), so along a geodesic
the square f of the chord from its start obeys 2 - f/R^2 <= f'' <= 2 - f/S^2, and by Sturm's
comparison 2R sin(s/2R) <= chord <= 2S sin(s/2S) after s metres, the left one for s up to pi R.

    >>> import math
    >>> there = to_space(31.3150, 120.6330), to_space(31.3190, 120.6330)
    >>> chord = math.dist(*there)
    >>> least, most = way_bounds(chord)
    >>> least < karney_metres(31.3150, 120.6330, 31.3190, 120.6330) < most
    True
    >>> most - least < 1e-6
    True
"""

from math import asin, cos, radians, sin, sqrt

from geographiclib.geodesic import Geodesic

Spot3 = tuple[float, float, float]
"""Metres from the earth's centre: towards 0° east on the equator, 90° east, the north pole."""

AXIS_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
_E2 = _FLATTENING * (2 - _FLATTENING)
TIGHTEST_M = AXIS_M * (1 - _E2)
"""Least radius of curvature: along the meridian at the equator."""
WIDEST_M = AXIS_M / sqrt(1 - _E2)
"""Greatest radius of curvature: at the poles."""
FARTHEST_M = 20_004_000.0
"""No two places are farther apart: half a meridian is 20 003 931 m."""
SLACK_M = 1e-7
"""Above all rounding: a coordinate is good to 2e-9 m, Karney's distance to 2e-8 m."""
NEAR_M = 40_000.0
"""Up to here a chord alone gives the way to a millimetre."""

_CURVE = (1 / TIGHTEST_M**2 + 1 / WIDEST_M**2) / 48
_DOUBT = (1 / TIGHTEST_M**2 - 1 / WIDEST_M**2) / 24 * 1.05
# Beyond this chord the way may be longer than pi R, where the upper bound ends: a way of pi R
# has a chord of 2R at least, and no way is more than 101 km longer.
_BOUNDED_M = 2 * TIGHTEST_M - 120_000.0


def to_space(lat: float, lon: float) -> Spot3:
    """Where a place of the ellipsoid lies in space; degrees in, metres out."""
    phi, lam = radians(lat), radians(lon)
    s = sin(phi)
    normal = AXIS_M / sqrt(1.0 - _E2 * s * s)
    across = normal * cos(phi)
    return across * cos(lam), across * sin(lam), normal * (1.0 - _E2) * s


def degree_metres(lat: float) -> tuple[float, float]:
    """Metres in one degree of latitude and in one of longitude at a latitude in degrees."""
    phi = radians(lat)
    square = 1.0 - _E2 * sin(phi) ** 2
    normal = AXIS_M / sqrt(square)
    return radians(normal * (1.0 - _E2) / square), radians(normal * cos(phi))


def way_metres(chord_m: float) -> float:
    """The way over the ellipsoid, where the straight line is at most ``NEAR_M``.

    Accuracy: ``doubt_m``; under 0.02 mm up to 10 km, under a millimetre at 40 km.
    """
    return chord_m + chord_m * chord_m * chord_m * _CURVE


def doubt_m(chord_m: float) -> float:
    """How much longer a way can be than another of the same chord, for chords up to 100 km."""
    return SLACK_M + chord_m * chord_m * chord_m * _DOUBT


def way_bounds(chord_m: float) -> tuple[float, float]:
    """The least and the most that the way over the ellipsoid can measure; both grow with it."""
    if chord_m <= NEAR_M:
        way, doubt = chord_m + chord_m * chord_m * chord_m * _CURVE, doubt_m(chord_m)
        return way - doubt, way + doubt
    least = 2 * WIDEST_M * asin(min(1.0, chord_m / (2 * WIDEST_M)))
    if chord_m > _BOUNDED_M:
        return least - SLACK_M, FARTHEST_M
    return least - SLACK_M, 2 * TIGHTEST_M * asin(chord_m / (2 * TIGHTEST_M)) + SLACK_M


def karney_metres(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """The geodesic by Karney's algorithm: nanometres, but about 80 µs. Degrees."""
    found = Geodesic.WGS84.Inverse(lat_a, lon_a, lat_b, lon_b, Geodesic.DISTANCE)
    return float(found["s12"])
