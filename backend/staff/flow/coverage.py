"""Is somebody there all the time (4.1-c)? Pure: an interval sweep over qualified shifts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Literal
from uuid import UUID

import msgspec

from backend.staff.flow.shifts import Shift, Worker, qualified_piece

Kind = Literal["desk", "field"]
COUNTS: Mapping[str, frozenset[str]] = {
    "desk": frozenset({"desk", "desk_lead"}),
    "field": frozenset({"field"}),
}
"""Which roles cover what: a lead can sit at the desk."""


class Area(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where people stand by. ``streets`` empty: every home that no other area names."""

    id: UUID
    name: str
    streets: tuple[str, ...] = ()
    desk_min: int = 0
    field_min: int = 0


class Span(msgspec.Struct, frozen=True):
    """Somebody counts from one instant to another, the end excluded."""

    who: UUID
    from_at: datetime
    until_at: datetime


class Hole(msgspec.Struct, frozen=True):
    """Fewer than wanted; ``have`` is the same all along."""

    from_at: datetime
    until_at: datetime
    have: int


class Gap(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A hole in the cover of an area."""

    area_id: UUID
    area: str
    kind: Kind
    from_at: datetime
    until_at: datetime
    have: int
    need: int


def holes(
    spans: Iterable[Span], *, at_least: int, from_at: datetime, until_at: datetime
) -> list[Hole]:
    """Where fewer than ``at_least`` different people are there, in order, as long as possible.

    O(n log n) in the number of spans. A person counted by two spans at once counts once.
    """
    edges: dict[datetime, list[tuple[UUID, int]]] = {from_at: [], until_at: []}
    for span in spans:
        begins, ends = max(span.from_at, from_at), min(span.until_at, until_at)
        if begins < ends:
            edges.setdefault(begins, []).append((span.who, 1))
            edges.setdefault(ends, []).append((span.who, -1))
    found: list[Hole] = []
    there: Counter[UUID] = Counter()
    have = 0
    times = sorted(edges)
    for at, then in pairwise(times):
        for who, step in edges[at]:
            before = there[who]
            there[who] += step
            have += (there[who] > 0) - (before > 0)
        if have >= at_least:
            continue
        if found and found[-1].until_at == at and found[-1].have == have:
            found[-1] = Hole(found[-1].from_at, then, have)
        else:
            found.append(Hole(at, then, have))
    return found


def gaps(
    areas: Sequence[Area],
    shifts: Sequence[Shift],
    workers: Mapping[UUID, Worker],
    *,
    from_at: datetime,
    until_at: datetime,
    zone: tzinfo,
) -> list[Gap]:
    """Every gap of every area, the earliest first. Only qualified time counts as cover."""
    pieces: dict[tuple[UUID, str], list[Span]] = {}
    for shift in shifts:
        worker = workers.get(shift.person_id)
        piece = qualified_piece(shift, worker, zone) if worker is not None else None
        if piece is not None:
            key = (shift.area_id, shift.role)
            pieces.setdefault(key, []).append(Span(shift.person_id, *piece))
    found: list[Gap] = []
    wanted: tuple[tuple[Kind, str], ...] = (("desk", "desk_min"), ("field", "field_min"))
    for area in areas:
        for kind, minimum in wanted:
            need: int = getattr(area, minimum)
            there = [s for role in COUNTS[kind] for s in pieces.get((area.id, role), ())]
            found += [
                Gap(
                    area_id=area.id, area=area.name, kind=kind, from_at=hole.from_at,
                    until_at=hole.until_at, have=hole.have, need=need,
                )
                for hole in holes(there, at_least=need, from_at=from_at, until_at=until_at)
            ]  # fmt: skip
    return sorted(found, key=lambda gap: (gap.from_at, gap.area, gap.kind))


def opened(before: Sequence[Gap], after: Sequence[Gap]) -> list[Gap]:
    """The gaps of ``after`` in which somebody is missing who was there in ``before``."""

    def worse(gap: Gap) -> bool:
        at = gap.from_at
        for old in before:  # in order of time
            same = (old.area_id, old.kind) == (gap.area_id, gap.kind) and old.have <= gap.have
            if same and old.from_at <= at < old.until_at:
                at = old.until_at
        return at < gap.until_at

    return [gap for gap in after if worse(gap)]


HOMES_EACH = 400
"""4.2.3: one of the field staff for at most so many households."""


class Strength(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """4.2.3 for one area: qualified field staff rostered there, and homes. Advice, no refusal."""

    area_id: UUID
    area: str
    staff: int
    on_now: int
    homes: int
    wanted: int
    enough: bool


def strength(
    area: Area,
    homes: int,
    shifts: Sequence[Shift],
    workers: Mapping[UUID, Worker],
    *,
    now: datetime,
    zone: tzinfo,
) -> Strength:
    """Count the people of an area over the period of ``shifts``, and those whose shift it is."""
    pieces = [
        (shift.person_id, piece)
        for shift in shifts
        if shift.area_id == area.id
        and shift.role == "field"
        and (worker := workers.get(shift.person_id)) is not None
        and (piece := qualified_piece(shift, worker, zone)) is not None
    ]
    staff = len({person for person, _ in pieces})
    return Strength(
        area_id=area.id,
        area=area.name,
        staff=staff,
        on_now=len({person for person, (begins, ends) in pieces if begins <= now < ends}),
        homes=homes,
        wanted=-(-homes // HOMES_EACH),
        enough=staff * HOMES_EACH >= homes,
    )
