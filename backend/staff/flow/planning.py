"""Many shifts at once: weekly patterns, a copied week, a sheet. Pure.

Whatever the source, the same plan shows what would happen line by line before anything is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal
from uuid import UUID, uuid5

import msgspec

from backend.staff.flow.shifts import Fault, Limits, Role, Shift, Worker, faults_of

SPACE = UUID("6a696561-6e00-7000-8000-000000000004")
"""Name space of planned shifts: the same line planned twice is the same shift."""

Outcome = Literal["new", "warned", "refused", "there"]


class Pattern(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Every week, or every nth, the same hours.

    Args:
        weekdays: 0 is Monday.
        from_min: minutes after local midnight.
        length_min: may reach into the next day.
        every_weeks: 1 every week; else counted from the week of ``first_on``.
        last_on: the last day on which a shift begins; None: no end.
    """

    id: UUID
    person_id: UUID
    role: Role
    area_id: UUID
    weekdays: tuple[int, ...]
    from_min: int
    length_min: int
    every_weeks: int = 1
    first_on: date
    last_on: date | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One planned shift. ``there``: the same one stands in the roster already."""

    shift: Shift
    outcome: Outcome
    faults: tuple[Fault, ...] = ()


def planned(
    person_id: UUID, role: Role, area_id: UUID, from_at: datetime, until_at: datetime
) -> Shift:
    """A shift whose id follows from what it is."""
    name = f"{person_id} {role} {area_id} {from_at.timestamp():.0f} {until_at.timestamp():.0f}"
    return Shift(
        id=uuid5(SPACE, name), person_id=person_id, role=role, area_id=area_id,
        from_at=from_at, until_at=until_at,
    )  # fmt: skip


def from_patterns(
    patterns: Iterable[Pattern], *, from_on: date, to_on: date, zone: tzinfo
) -> list[Shift]:
    """Every shift that the patterns give between two days, both included, by start."""
    found = [
        _of(pattern, day, zone)
        for pattern in patterns
        for day in _days(from_on, to_on)
        if _falls(pattern, day)
    ]
    return sorted(found, key=lambda shift: (shift.from_at, str(shift.id)))


def copied(shifts: Iterable[Shift], *, from_week: date, to_week: date, zone: tzinfo) -> list[Shift]:
    """The shifts that begin in the week of ``from_week``, at the same local hours of another."""
    first = _monday(from_week)
    by_days = _monday(to_week) - first
    found = []
    for shift in shifts:
        begins = shift.from_at.astimezone(zone)
        if not first <= begins.date() < first + timedelta(days=7):
            continue
        # arithmetic on local time keeps the hour on the wall clock
        found.append(
            planned(
                shift.person_id, shift.role, shift.area_id, _utc(begins + by_days),
                _utc(shift.until_at.astimezone(zone) + by_days),
            )
        )  # fmt: skip
    return sorted(found, key=lambda shift: (shift.from_at, str(shift.id)))


def plan(
    wished: Sequence[Shift],
    standing: Sequence[Shift],
    workers: Mapping[UUID, Worker],
    *,
    now: datetime,
    limits: Limits,
    zone: tzinfo,
) -> list[Line]:
    """What each wished shift would come to, if those before it were written."""
    roster = list(standing)
    found: list[Line] = []
    for shift in wished:
        if any(_same(shift, other) for other in roster):
            found.append(Line(shift=shift, outcome="there"))
            continue
        worker = workers.get(shift.person_id)
        faults = (
            (_nobody(shift),)
            if worker is None
            else (
                *((_past(shift, worker),) if shift.until_at <= now else ()),
                *faults_of(shift, worker, roster, limits=limits, zone=zone),
            )
        )
        if any(fault.refused for fault in faults):
            found.append(Line(shift=shift, outcome="refused", faults=faults))
            continue
        found.append(Line(shift=shift, outcome="warned" if faults else "new", faults=faults))
        roster.append(shift)
    return found


def _past(shift: Shift, worker: Worker) -> Fault:
    return Fault(
        code="past", refused=True, zh=f"{worker.name}：这个班已经过去", shift_id=shift.id,
        en=f"{worker.name}: this shift is over", person_id=worker.id,
    )  # fmt: skip


def _nobody(shift: Shift) -> Fault:
    return Fault(
        code="nobody", refused=True, zh="没有此人员", en="no such person", shift_id=shift.id
    )


def _same(one: Shift, other: Shift) -> bool:
    return msgspec.structs.replace(one, id=other.id) == other


def _falls(pattern: Pattern, day: date) -> bool:
    if day < pattern.first_on or (pattern.last_on is not None and day > pattern.last_on):
        return False
    weeks = (_monday(day) - _monday(pattern.first_on)).days // 7
    return day.weekday() in pattern.weekdays and weeks % pattern.every_weeks == 0


def _of(pattern: Pattern, day: date, zone: tzinfo) -> Shift:
    begins = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(
        minutes=pattern.from_min
    )
    ends = begins + timedelta(minutes=pattern.length_min)
    return planned(pattern.person_id, pattern.role, pattern.area_id, _utc(begins), _utc(ends))


def _utc(local: datetime) -> datetime:
    return local.astimezone(UTC)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
