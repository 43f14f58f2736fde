"""Choosing whom to ask (6.2.3, 4.2.4.2). Pure: people, places and time come in as values.

The order is total, so the same people always give the same choice: no other offer open, location
tier, travel time, load, staff id. Everybody looked at is kept with the reason for passing them
over, because "why this person" must be answerable years later.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from geo.point import Point
from geo.streets import StreetNetwork
from geo.travel import Travel, travel_to

FRESH, POST, UNKNOWN = 0, 1, 2
"""Tiers of location quality: a fresh accurate fix, the post's centre, nothing."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All ▲ ours; times in s, lengths in m."""

    fix_max_age_s: float = 180.0
    fix_max_accuracy_m: float = 100.0
    walk_m_per_min: float = 75.0
    detour: float = 1.4
    post_penalty_min: float = 3.0
    pre_alerted: int = 2


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One member of field staff on duty, WGS-84; ``leads`` is an incident number or None."""

    staff_id: UUID
    name: str
    badge: str
    qualified: bool
    leads: str | None = None
    asked: bool = False
    """An offer of another incident is open on this person's phone: asked again only when
    everybody else is asked too, for two offers on one phone are better than nobody asked."""
    fix: Point | None = None
    accuracy_m: float | None = None
    fix_at: datetime | None = None
    post: Point | None = None
    load: int = 0


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One person looked at; ``passed_over`` is None for who was chosen or comes after."""

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
    asked: bool = False
    load: int = 0


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
    streets: StreetNetwork | None = None,
) -> Choice:
    """The best eligible person not yet asked in this round.

    Args:
        place: where the incident is, WGS-84.
        people: everybody on duty, any order.
        tried: staff already asked in this round.
        preferred: whom the desk wants; asked first if eligible.
        now: UTC.
        streets: the walkable network, if one is loaded; else straight line × ``detour``.

    Returns:
        The choice with everybody who was looked at.
    """
    looked = [_look(person, tried, now, policy) for person in people]
    where = [point for _, point in looked if point is not None]
    travels = iter(
        travel_to(
            place, where, streets=streets, m_per_min=policy.walk_m_per_min, detour=policy.detour
        )
    )
    placed = [
        _with_travel(found, next(travels) if spot is not None else None, policy)
        for found, spot in looked
    ]
    eligible = sorted((c for c in placed if c.passed_over is None), key=_order(preferred))
    passed = sorted((c for c in placed if c.passed_over is not None), key=_order(None))
    if not eligible:
        return Choice(chosen=None, pre_alerted=(), candidates=tuple(passed))
    first, rest = msgspec.structs.replace(eligible[0], chosen=True), eligible[1:]
    return Choice(
        chosen=first,
        pre_alerted=tuple(c.staff_id for c in rest[: policy.pre_alerted]),
        candidates=(first, *rest, *passed),
    )


def _look(
    person: Person, tried: frozenset[UUID], now: datetime, policy: Policy
) -> tuple[Candidate, Point | None]:
    point: Point | None
    age_s = (now - person.fix_at).total_seconds() if person.fix_at is not None else None
    fresh = age_s is not None and age_s <= policy.fix_max_age_s
    sharp = (person.accuracy_m or 0.0) <= policy.fix_max_accuracy_m
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
        passed_over=_why_not(person, tried),
        asked=person.asked,
        load=person.load,
    )
    return found, point


def _why_not(person: Person, tried: frozenset[UUID]) -> str | None:
    if not person.qualified:
        return "not_qualified"
    if person.leads is not None:
        return "leads_elsewhere"
    if person.staff_id in tried:
        return "asked_already"
    return None


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


def _order(
    preferred: UUID | None,
) -> Callable[[Candidate], tuple[bool, bool, int, float, int, str]]:
    def key(c: Candidate) -> tuple[bool, bool, int, float, int, str]:
        minutes = c.minutes if c.minutes is not None else float("inf")
        return (c.staff_id != preferred, c.asked, c.tier, minutes, c.load, str(c.staff_id))

    return key
