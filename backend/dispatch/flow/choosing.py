"""Choosing whom to ask (6.2.3, 4.2.4.2). Pure: people, places and time come in as values.

The order is total, so the same people always give the same choice: location tier, travel time in
steps, load, rest, incidents of this shift, exact travel time, staff id. Everybody looked at is
kept with the reason for passing them over, because "why this person" must be answerable years
later.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from math import floor
from uuid import UUID

import msgspec

from geo.point import Point
from geo.streets import StreetNetwork
from geo.travel import Travel, travel_to

FRESH, POST, UNKNOWN = 0, 1, 2
"""Tiers of location quality: a fresh accurate fix, the post's centre, nothing."""

DESK_CHOSE, LED_BEFORE = "desk_chose", "led_before"
"""Why somebody nearer was passed over for the preferred person."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All ▲ ours; times in s, lengths in m."""

    fix_max_age_s: float = 180.0
    fix_max_accuracy_m: float = 100.0
    walk_m_per_min: float = 75.0
    riding: bool = False
    ride_m_per_min: float = 250.0
    detour: float = 1.4
    post_penalty_min: float = 3.0
    near_step_min: float = 0.5
    """Ways that differ by less are equally long: load and rest then decide. 0: never equal."""
    rest_s: float = 3_600.0
    """So long after an incident somebody rests: others who are equally near are asked first."""
    pre_alerted: int = 2


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One member of field staff on duty, WGS-84; ``leads`` is an incident number or None."""

    staff_id: UUID
    name: str
    badge: str
    qualified: bool
    on_shift: bool = True
    """False when the shift is over and duty is not ended yet: nothing new is given to them."""
    reachable: bool = True
    """False only where it is known: a test message or an offer stayed without a receipt."""
    leads: str | None = None
    asked: str | None = None
    """The number of another incident whose offer is open on this person's phone."""
    fix: Point | None = None
    accuracy_m: float | None = None
    fix_at: datetime | None = None
    post: Point | None = None
    load: int = 0
    """Other incidents that they help at or are held ready for."""
    handled: int = 0
    """Incidents of this shift that they were on."""
    last_at: datetime | None = None
    """When the latest incident that they were on was raised, UTC."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One person looked at; ``passed_over`` is None for who was chosen or comes after.

    ``elsewhere`` is the number of the incident that they lead or are being asked about.
    """

    staff_id: UUID
    name: str
    badge: str
    metres: float | None
    minutes: float | None
    basis: str
    fix_age_s: float | None
    tier: int
    chosen: bool = False
    passed_over: str | None = None
    load: int = 0
    handled: int = 0
    rested_s: float | None = None
    elsewhere: str | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """``candidates`` in the order of asking, the passed-over ones last."""

    chosen: Candidate | None
    pre_alerted: tuple[UUID, ...]
    candidates: tuple[Candidate, ...]


def choose(
    place: Point,
    people: Sequence[Person],
    *,
    tried: frozenset[UUID],
    preferred: UUID | None,
    now: datetime,
    policy: Policy,
    because: str = DESK_CHOSE,
    streets: StreetNetwork | None = None,
) -> Choice:
    """The best eligible person not yet asked in this round.

    Args:
        place: where the incident is, WGS-84.
        people: everybody on duty, any order.
        tried: staff already asked in this round.
        preferred: who is asked first if eligible; that no receipt came from their phone does not
            count against them, for whoever chose them may have spoken to them.
        now: UTC.
        because: why ``preferred``: written beside everybody who would have come before them.
        streets: the walkable network, if one is loaded; else straight line × ``detour``.

    Returns:
        The choice with everybody who was looked at.
    """
    looked = [_look(person, tried, preferred, now, policy) for person in people]
    where = [point for _, point in looked if point is not None]
    travels = iter(
        travel_to(
            place,
            where,
            streets=streets,
            m_per_min=policy.ride_m_per_min if policy.riding else policy.walk_m_per_min,
            detour=policy.detour,
            riding=policy.riding,
        )
    )
    placed = [
        _with_travel(found, next(travels) if spot is not None else None, policy)
        for found, spot in looked
    ]
    order = _order(policy)
    eligible = sorted((c for c in placed if c.passed_over is None), key=order)
    passed = sorted((c for c in placed if c.passed_over is not None), key=order)
    if not eligible:
        return Choice(chosen=None, pre_alerted=(), candidates=tuple(passed))
    first = next((c for c in eligible if c.staff_id == preferred), eligible[0])
    rank = eligible.index(first)
    before = [msgspec.structs.replace(c, passed_over=because) for c in eligible[:rank]]
    rest = [*before, *eligible[rank + 1 :]]
    return Choice(
        chosen=msgspec.structs.replace(first, chosen=True),
        pre_alerted=tuple(c.staff_id for c in rest[: policy.pre_alerted]),
        candidates=(msgspec.structs.replace(first, chosen=True), *rest, *passed),
    )


def _look(
    person: Person, tried: frozenset[UUID], preferred: UUID | None, now: datetime, policy: Policy
) -> tuple[Candidate, Point | None]:
    point: Point | None
    age_s = (now - person.fix_at).total_seconds() if person.fix_at is not None else None
    fresh = age_s is not None and age_s <= policy.fix_max_age_s
    sharp = person.accuracy_m is not None and person.accuracy_m <= policy.fix_max_accuracy_m
    if person.fix is not None and fresh and sharp:
        tier, point = FRESH, person.fix
    elif person.post is not None:
        tier, point = POST, person.post
    else:
        tier, point = UNKNOWN, person.fix
    found = Candidate(
        staff_id=person.staff_id,
        name=person.name,
        badge=person.badge,
        metres=None,
        minutes=None,
        basis="",
        fix_age_s=None if age_s is None else round(max(0.0, age_s), 1),
        tier=tier,
        passed_over=_why_not(person, tried, chosen=person.staff_id == preferred),
        load=person.load,
        handled=person.handled,
        rested_s=None if person.last_at is None else (now - person.last_at).total_seconds(),
        elsewhere=person.leads or person.asked,
    )
    return found, point


def _why_not(person: Person, tried: frozenset[UUID], *, chosen: bool) -> str | None:
    if not person.qualified:
        return "not_qualified"
    if not person.on_shift:
        return "off_shift"
    if person.leads is not None:
        return "leads_elsewhere"
    if person.asked is not None:
        return "asked_elsewhere"
    if person.staff_id in tried:
        return "asked_already"
    return None if person.reachable or chosen else "phone_silent"


def _with_travel(found: Candidate, travel: Travel | None, policy: Policy) -> Candidate:
    if travel is None:
        return found
    penalty = policy.post_penalty_min if found.tier != FRESH else 0.0
    return msgspec.structs.replace(
        found,
        metres=round(travel.metres, 1),
        minutes=round(travel.minutes + penalty, 2),
        basis=str(travel.basis),
    )


Rank = tuple[int, float, int, bool, int, float, float, str]


def _order(policy: Policy) -> Callable[[Candidate], Rank]:
    """Nearest first; among the equally near the least loaded, then the rested."""

    def key(c: Candidate) -> Rank:
        minutes = c.minutes if c.minutes is not None else float("inf")
        step = policy.near_step_min
        near = floor(minutes / step) * step if step > 0 and c.minutes is not None else minutes
        rested = float("inf") if c.rested_s is None else c.rested_s
        tired = rested < policy.rest_s
        return (c.tier, near, c.load, tired, c.handled, -rested, minutes, str(c.staff_id))

    return key
