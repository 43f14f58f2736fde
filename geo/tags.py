"""What the tags of a drawn line say of it: walked on, ridden on, water.

The tags are OpenStreetMap's own, as Overpass and osmtogeojson write them among the properties of
a GeoJSON feature, or our own ``layer``: street, lane and bridge are walked on, canal is water.

What the tags decide (ours; a responder on duty may go where the public may):

- walked on: every ``highway`` but motorways, their links, and what is only planned or being
  built; not ``foot=no``, and not ``access=no`` or ``private`` unless ``foot`` allows it. A trunk
  road only with ``foot`` or ``sidewalk`` given. A ford is waded.
- ridden on an e-bike: the same without steps, corridors and fords, and without ``bicycle=no`` or
  ``dismount``; ``oneway`` holds unless ``oneway:bicycle=no``.
- water: ``waterway`` lines and ``natural=water`` areas, by their banks; not in a tunnel.

    >>> hump_bridge = {"highway": "steps", "bridge": "yes"}
    >>> is_walked(hump_bridge), ride_on(hump_bridge)
    (True, <Ride.NO: 'no'>)
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

_NOT_WALKED = frozenset(
    {"motorway", "motorway_link", "construction", "proposed", "planned", "raceway", "abandoned"}
)
_TRUNK = frozenset({"trunk", "trunk_link"})
_NOT_RIDDEN = frozenset({"steps", "corridor", "elevator", "via_ferrata"})
_ALLOWED = frozenset({"yes", "designated", "permissive", "destination", "official", "customers"})
_LAYERS = frozenset({"street", "lane", "bridge"})
_FLOWING = frozenset({"river", "canal", "stream", "ditch", "drain", "moat", "tidal_channel"})


class Ride(Enum):
    """Which way an e-bike may take a street; on foot every way goes both ways."""

    BOTH = "both"
    FORWARD = "forward"
    BACKWARD = "backward"
    NO = "no"


def is_walked(tags: Mapping[str, Any]) -> bool:
    """Whether a person on foot may take a way with these tags."""
    if tags.get("layer") in _LAYERS:
        return True
    highway = tags.get("highway")
    if not highway or highway in _NOT_WALKED or tags.get("area") == "yes":
        return False
    allowed = tags.get("foot") in _ALLOWED
    if tags.get("foot") == "no" or tags.get("access") in {"no", "private"}:
        return allowed
    if highway in _TRUNK:
        return allowed or tags.get("sidewalk") not in {None, "no", "none"}
    return True


def ride_on(tags: Mapping[str, Any]) -> Ride:
    """Which way an e-bike may take a way that is walked on, by its tags."""
    steep = tags.get("highway") in _NOT_RIDDEN or tags.get("ford") not in {None, "no"}
    if steep or tags.get("bicycle") in {"no", "dismount"}:
        return Ride.NO
    oneway = str(tags.get("oneway", "")).lower()
    if tags.get("oneway:bicycle") == "no" or oneway in {"no", "false", "0"}:
        return Ride.BOTH
    if oneway in {"-1", "reverse"}:
        return Ride.BACKWARD
    if oneway in {"yes", "true", "1"} or tags.get("junction") in {"roundabout", "circular"}:
        return Ride.FORWARD
    return Ride.BOTH


def is_water(tags: Mapping[str, Any]) -> bool:
    """Whether nobody steps across a line with these tags."""
    if tags.get("tunnel") not in {None, "no"}:
        return False
    return (
        tags.get("layer") == "canal"
        or tags.get("waterway") in _FLOWING
        or tags.get("natural") == "water"
        or tags.get("waterway") == "riverbank"
    )
