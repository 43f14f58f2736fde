"""Moving up: an area whose people are all busy gets somebody from where there is one to spare.

Pure: people, places and time come in as values. An area is a post and what lies round it. It is
*covered* while somebody free is near its centre, or stands by there without a position. It is
*left empty* when nobody covers it because those who belong there are on an incident; an area
whose people went off duty is the roster's matter, not ours.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.dispatch.flow.choosing import FRESH, POST, Candidate, Person, Policy, choose
from geo.point import Point, metres
from geo.streets import StreetNetwork

put = msgspec.structs.replace

NEEDED_THERE, MOVES_ALREADY = "needed_there", "moves_already"
COVERED, OVERTAKEN, NOBODY_BUSY = "covered", "overtaken", "nobody_busy"
"""How a move ends: the area is covered again; the person is not free any more; none of its people
are on an incident any more, so that it is empty for another reason."""


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` is the post's; people whose post it is belong there."""

    key: str
    centre: Point


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on duty; ``on`` is the number of the incident they lead or help at."""

    person: Person
    area: str | None
    on: str | None = None

    @property
    def free(self) -> bool:
        return self.on is None and self.person.qualified and self.person.reachable


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A move that has not ended. ``state``: proposed, accepted or declined."""

    id: UUID
    area: str
    staff_id: UUID
    state: str


class Busy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who belongs to the area and is on which incident."""

    staff_id: UUID
    name: str
    no: str


class Propose(msgspec.Struct, frozen=True, kw_only=True):
    """``candidates`` in the order of choice, with why each of the others is not proposed."""

    area: Area
    chosen: Candidate
    candidates: tuple[Candidate, ...]
    because: tuple[Busy, ...]


class End(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    how: str


Step = Propose | End


class Refused(Exception):
    """The move is not waiting for an answer."""


def answered(move: Standing, *, yes: bool) -> str:
    """The state after the desk lead's answer; the same answer again changes nothing.

    Raises:
        Refused: it was answered otherwise.
    """
    state = "accepted" if yes else "declined"
    if move.state not in {"proposed", state}:
        raise Refused(move.state)
    return state


def review(
    areas: Sequence[Area],
    members: Sequence[Member],
    standing: Sequence[Standing],
    *,
    now: datetime,
    policy: Policy,
    cover_m: float,
    streets: StreetNetwork | None = None,
) -> tuple[Step, ...]:
    """What to propose and what has ended, given how everybody stands at one moment.

    Args:
        areas: every post of somebody on duty.
        members: everybody on duty.
        standing: moves that have not ended; at most one for an area.
        now: UTC.
        cover_m: so near to its centre somebody covers an area, m.

    Returns:
        Ends first. Nobody is proposed whose own area would be left empty, or for two areas.
    """
    ends = {move.id: how for move in standing if (how := _over(move, areas, members, cover_m, now,
                                                              policy))}  # fmt: skip
    kept = [move for move in standing if move.id not in ends]
    moving = {move.staff_id for move in kept if move.state != "declined"}
    had = {move.area for move in kept}
    steps: list[Step] = [End(id=id_, how=how) for id_, how in ends.items()]
    for area in sorted(areas, key=lambda one: one.key):
        if area.key in had or not _empty(area, members, cover_m, now, policy):
            continue
        found = _nearest(area, areas, members, moving, now, policy, cover_m, streets)
        if found is not None:
            steps.append(found)
            moving.add(found.chosen.staff_id)
    return tuple(steps)


def covers(one: Member, area: Area, cover_m: float, now: datetime, policy: Policy) -> bool:
    """Whether this free person is, as far as is known, where the area needs them."""
    if not one.free:
        return False
    person = one.person
    age_s = (now - person.fix_at).total_seconds() if person.fix_at else None
    known = person.fix is not None and age_s is not None and age_s <= policy.fix_max_age_s
    sharp = person.accuracy_m is not None and person.accuracy_m <= policy.fix_max_accuracy_m
    if known and sharp and person.fix is not None:
        return metres(person.fix, area.centre) <= cover_m
    return one.area == area.key


def _busy_of(area: Area, members: Sequence[Member]) -> tuple[Busy, ...]:
    return tuple(
        Busy(staff_id=one.person.staff_id, name=one.person.name, no=one.on)
        for one in members
        if one.area == area.key and one.on is not None
    )


def _empty(
    area: Area, members: Sequence[Member], cover_m: float, now: datetime, policy: Policy
) -> bool:
    covered = any(covers(one, area, cover_m, now, policy) for one in members)
    return not covered and bool(_busy_of(area, members))


def _over(
    move: Standing,
    areas: Sequence[Area],
    members: Sequence[Member],
    cover_m: float,
    now: datetime,
    policy: Policy,
) -> str | None:
    """How a standing move ended, or None. Who moves covers the area only for themselves: the move
    goes on until somebody else does."""
    area = next((one for one in areas if one.key == move.area), None)
    if area is None or not _busy_of(area, members):
        return NOBODY_BUSY
    others = [one for one in members if one.person.staff_id != move.staff_id]
    counted = members if move.state == "declined" else others
    if any(covers(one, area, cover_m, now, policy) for one in counted):
        return COVERED
    if move.state == "declined":
        return None
    mover = next((one for one in members if one.person.staff_id == move.staff_id), None)
    return None if mover is not None and mover.free else OVERTAKEN


def _nearest(
    area: Area,
    areas: Sequence[Area],
    members: Sequence[Member],
    moving: set[UUID],
    now: datetime,
    policy: Policy,
    cover_m: float,
    streets: StreetNetwork | None,
) -> Propose | None:
    held = {}
    for one in members:
        who = one.person.staff_id
        if who in moving:
            held[who] = MOVES_ALREADY
        elif one.free and _needed(one, areas, members, moving, cover_m, now, policy):
            held[who] = NEEDED_THERE
    people = [
        put(one.person, leads=one.on) if one.on is not None else one.person for one in members
    ]
    choice = choose(
        area.centre, people, tried=frozenset(held), preferred=None, now=now, policy=policy,
        streets=streets,
    )  # fmt: skip
    if choice.chosen is None or choice.chosen.tier not in {FRESH, POST}:
        return None
    told = tuple(
        put(c, passed_over=held[c.staff_id])
        if c.passed_over == "asked_already" and c.staff_id in held
        else c
        for c in choice.candidates
    )
    return Propose(
        area=area, chosen=choice.chosen, candidates=told, because=_busy_of(area, members)
    )


def _needed(
    one: Member,
    areas: Sequence[Area],
    members: Sequence[Member],
    moving: set[UUID],
    cover_m: float,
    now: datetime,
    policy: Policy,
) -> bool:
    """Whether an area that this person covers would be left empty without them."""
    who = one.person.staff_id
    rest = [m for m in members if m.person.staff_id != who and m.person.staff_id not in moving]
    return any(
        covers(one, area, cover_m, now, policy)
        and not any(covers(m, area, cover_m, now, policy) for m in rest)
        for area in areas
    )
