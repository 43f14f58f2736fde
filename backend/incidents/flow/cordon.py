"""Region: the cordon (6.3.5.2). Set, adjusted, lifted; a shape that cannot be one is refused.

Shapes are GeoJSON, WGS-84 degrees, longitude first: a Polygon of one closed ring, or a Point with
``radius_m``. All bounds are ours (▲). The same checks run on the phone (``rules/cordon.ts``).
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.incident import Cordon, Incident
from backend.incidents.flow.shared import Answer, Decide, Evolve, no_cordon_here
from backend.incidents.flow.vocabulary import Place

put = msgspec.structs.replace
Spot = tuple[float, float]
"""Metres east and north of the incident."""

MOST_CORNERS = 60
MOST_POSTS = 20
FAR_M = 2000.0
"""No part of a cordon lies farther from its incident; also catches latitude written first."""
LEAST_RADIUS_M, MOST_RADIUS_M = 5.0, 1000.0
LEAST_M2, MOST_M2 = 50.0, 4_000_000.0
DEGREE_M = 111_195.0


def set_cordon(now: Incident, order: c.Order, cmd: c.SetCordon, facts: Facts) -> Answer:
    """Set, or put where it should be: every change is a new shape, told to those inside."""
    off = no_cordon_here(now)
    if off is not None:
        return off
    wrong = fault(cmd.shape, cmd.radius_m, now.place)
    if wrong is None and len(cmd.post_places) > MOST_POSTS:
        wrong = "cordon_corners"
    if wrong is None and any(_spot(list(at), now.place) is None for at in cmd.post_places):
        wrong = "cordon_far"
    if wrong is not None:
        return refuse(wrong)
    return (
        e.CordonSet(
            shape={"type": cmd.shape["type"], "coordinates": cmd.shape["coordinates"]},
            radius_m=cmd.radius_m,
            posts=min(99, max(0, cmd.posts, len(cmd.post_places))),
            post_places=cmd.post_places,
        ),
    )


def fault(shape: dict[str, Any], radius_m: float | None, place: Place) -> str | None:
    """Why this is no cordon, as a code of ``words.REFUSALS``; None for a good one.

    Args:
        shape: any JSON object somebody sent.
        radius_m: of a Point, and what a ring was drawn from; metres.
        place: the incident's; where it has no coordinates the first corner stands for it.
    """
    kind, found = shape.get("type"), shape.get("coordinates")
    if kind not in {"Polygon", "Point"} or not isinstance(found, list | tuple) or not found:
        return "no_geometry"
    if radius_m is not None and not LEAST_RADIUS_M <= radius_m <= MOST_RADIUS_M:
        return "cordon_size"
    if kind == "Point":
        if not _is_position(found):
            return "no_geometry"
        if _spot(found, _known(place, found)) is None:
            return "cordon_far"
        return "cordon_size" if radius_m is None else None
    ring = found[0]
    if len(found) != 1 or not isinstance(ring, list | tuple) or not all(map(_is_position, ring)):
        return "no_geometry"
    if len(ring) > MOST_CORNERS + 1:
        return "cordon_corners"
    if len(ring) < 4 or list(ring[0][:2]) != list(ring[-1][:2]):
        return "cordon_open"
    spots = [_spot(at, _known(place, ring[0])) for at in ring[:-1]]
    corners = [spot for spot in spots if spot is not None]
    if len(corners) < len(spots):
        return "cordon_far"
    return _fault_of_ring([spot for n, spot in enumerate(corners) if spot != corners[n - 1]])


def _fault_of_ring(ring: Sequence[Spot]) -> str | None:
    """Of corners on the flat map, none the same as the one before it."""
    if len(ring) < 3:
        return "cordon_open"
    edges = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    for n, (a, b) in enumerate(edges):
        nxt = edges[(n + 1) % len(edges)][1]
        if _side(a, b, nxt) == 0.0 and _along(b, a, nxt) > 0.0:
            return "cordon_crosses"  # it turns straight back
        for m in range(n + 2, len(edges)):
            if not (n == 0 and m == len(edges) - 1) and _meet(a, b, *edges[m]):
                return "cordon_crosses"
    twice = sum(a[0] * b[1] - b[0] * a[1] for a, b in edges)
    return None if LEAST_M2 <= abs(twice) / 2 <= MOST_M2 else "cordon_size"


def _is_position(found: object) -> bool:
    return (
        isinstance(found, list | tuple)
        and 2 <= len(found) <= 3
        and all(
            isinstance(n, int | float) and not isinstance(n, bool) and -1e6 < n < 1e6 for n in found
        )
    )


def _known(place: Place, at: Sequence[float]) -> Place:
    return place if place.lat or place.lon else put(place, lon=at[0], lat=at[1])


def _spot(at: Sequence[float], place: Place) -> Spot | None:
    """Where it lies from the incident; None where that is too far."""
    here = _known(place, at)
    east = (at[0] - here.lon) * DEGREE_M * math.cos(math.radians(here.lat))
    north = (at[1] - here.lat) * DEGREE_M
    near = east * east + north * north <= FAR_M * FAR_M  # not so for NaN
    return (east, north) if near else None


def _side(p: Spot, q: Spot, r: Spot) -> float:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _along(p: Spot, q: Spot, r: Spot) -> float:
    return (q[0] - p[0]) * (r[0] - p[0]) + (q[1] - p[1]) * (r[1] - p[1])


def _meet(a: Spot, b: Spot, p: Spot, q: Spot) -> bool:
    """Whether two edges cross or touch."""
    ab_p, ab_q, pq_a, pq_b = _side(a, b, p), _side(a, b, q), _side(p, q, a), _side(p, q, b)
    if ab_p == 0.0 and ab_q == 0.0:
        return all(
            max(min(a[i], b[i]), min(p[i], q[i])) <= min(max(a[i], b[i]), max(p[i], q[i]))
            for i in (0, 1)
        )
    return ab_p * ab_q <= 0.0 and pq_a * pq_b <= 0.0


def lift_cordon(now: Incident, order: c.Order, cmd: c.LiftCordon, facts: Facts) -> Answer:
    if now.cordon.state != "set":
        return ()
    if now.evacuation.state == "running":
        return refuse("evacuation_running")
    if now.command_held_by is not None:
        return refuse("fire_command_holds", now.command_held_by)
    return (e.CordonLifted(),)


# --- applying -----------------------------------------------------------------------------


def cordoned(now: Incident, event: e.Event, fact: e.CordonSet) -> Incident:
    cordon = Cordon(
        state="set",
        shape=fact.shape,
        radius_m=fact.radius_m,
        posts=fact.posts,
        post_places=fact.post_places,
        at=event.occurred_at,
    )
    return put(now, cordon=cordon)


def lifted(now: Incident, event: e.Event, fact: e.CordonLifted) -> Incident:
    return put(now, cordon=put(now.cordon, state="lifted"))


DECIDE: dict[type[c.Command], Decide] = {c.SetCordon: set_cordon, c.LiftCordon: lift_cordon}
EVOLVE: dict[type[e.Fact], Evolve] = {e.CordonSet: cordoned, e.CordonLifted: lifted}
