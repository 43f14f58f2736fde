"""The one door to geopy: distances for a record, and the truth that tests compare with.

>>> from geo.point import Point
>>> round(geodesic_metres(Point(31.3150, 120.6330), Point(31.3190, 120.6000)), 3)
3172.321
"""

from geopy.distance import geodesic

from geo.point import DatumError, Point, same_frame


def geodesic_metres(a: Point, b: Point) -> float:
    """Shortest distance on the WGS-84 ellipsoid, by geopy, which uses Karney's algorithm.

    Model: WGS-84 ellipsoid. Accuracy: nanometres. About forty times slower than
    ``geo.point.metres``, which is good to a millimetre; importing geopy takes most of a second,
    so nothing that starts quickly should come here.

    Raises:
        DatumError: the two points are not in one frame.
    """
    if not same_frame(a.datum, b.datum):
        raise DatumError(f"{a.datum} and {b.datum}")
    return float(geodesic((a.lat, a.lon), (b.lat, b.lon)).m)
