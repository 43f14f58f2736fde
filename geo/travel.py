"""How long somebody needs to a door, and how we know.

With a street network loaded it is the way along lanes and bridges; without one, or where a
door cannot be joined to it, it is the straight line times a detour factor. Every answer says
which, because a canal between two doors can make the nearer person the later one.

    >>> from geo.point import Point
    >>> trip = straight_line(Point(31.3150, 120.6330), Point(31.3190, 120.6330))
    >>> round(trip.metres), round(trip.minutes, 1), trip.basis
    (621, 8.3, <Basis.STRAIGHT_LINE: 'straight-line'>)
"""

import math
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from geo.point import Point, metres
from geo.streets import StreetNetwork

WALK_M_PER_MIN = 75.0
EBIKE_M_PER_MIN = 250.0
"""15 km/h, the speed limit of many old-town lanes."""
DETOUR = 1.4
LIMIT_M = 10_000.0
"""Nobody is asked to walk farther; a search of more streets would cost tens of milliseconds."""


class Basis(StrEnum):
    """What a travel time rests on."""

    STREETS = "streets"
    STRAIGHT_LINE = "straight-line"


class Travel(msgspec.Struct, frozen=True):
    """A way from one place to another.

    Args:
        metres: length of the way, detour factor included.
        minutes: at the speed asked for.
        basis: ``STREETS`` or ``STRAIGHT_LINE``.
    """

    metres: float
    minutes: float
    basis: Basis


def straight_line(
    a: Point, b: Point, *, m_per_min: float = WALK_M_PER_MIN, detour: float = DETOUR
) -> Travel:
    """The great circle times ``detour``, at ``m_per_min``."""
    length = metres(a, b) * detour
    return Travel(length, length / m_per_min, Basis.STRAIGHT_LINE)


def travel_to(
    door: Point,
    people: Sequence[Point],
    *,
    streets: StreetNetwork | None = None,
    m_per_min: float = WALK_M_PER_MIN,
    detour: float = DETOUR,
    riding: bool = False,
    limit_m: float = LIMIT_M,
) -> list[Travel]:
    """Travel from each person's position to one door.

    Args:
        door: where help is needed, WGS-84.
        people: positions, WGS-84.
        streets: the network, when one is loaded.
        m_per_min: speed; ``WALK_M_PER_MIN`` or ``EBIKE_M_PER_MIN``.
        detour: straight lines are multiplied by it.
        riding: by e-bike: no steps, no fords, with the one-way streets.
        limit_m: streets are searched so far; whoever has farther to go by them gets the
            straight line, but never less than this.

    Returns:
        One per person, in the order given; each says whether it is by streets.

    Raises:
        DatumError: a position is in another frame.
    """
    ways: list[float | None] = [None] * len(people)
    if streets is not None:
        ways = streets.metres_to(door, people, riding=riding, limit_m=limit_m)
    found: list[Travel] = []
    for person, way in zip(people, ways, strict=True):
        if way is not None and way < math.inf:
            found.append(Travel(way, way / m_per_min, Basis.STREETS))
            continue
        length = metres(person, door) * detour
        if way is not None:
            length = max(length, limit_m)
        found.append(Travel(length, length / m_per_min, Basis.STRAIGHT_LINE))
    return found
