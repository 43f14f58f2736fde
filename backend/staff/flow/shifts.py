"""Shifts and what may be wrong with one (4.2.4.2). Pure.

Instants are UTC; dates and what people read are of the service area. What ``refused`` says must
never be written; the rest is said and written only when a person insists.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal, Protocol
from uuid import UUID

import msgspec

Role = Literal["desk", "desk_lead", "field", "technician"]
ROLES: tuple[Role, ...] = ("desk", "desk_lead", "field", "technician")
POST_OF: dict[str, str] = {
    "desk": "desk", "desk_lead": "desk", "field": "field", "technician": "technician",
}  # fmt: skip
"""Role of a shift → post of the people who can take it."""

LONGEST = timedelta(hours=24)
"""▲ A shift beyond this is a slip of the pen."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """▲ ours; hours."""

    stretch_h: float = 12.0
    rest_h: float = 8.0


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff as the roster sees them. ``qualified_until`` None: no end is known."""

    id: UUID
    name: str
    badge: str
    post: str
    qualified_from: date | None
    qualified_until: date | None


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One person's work from one instant to another, the end excluded."""

    id: UUID
    person_id: UUID
    role: Role
    area_id: UUID
    from_at: datetime
    until_at: datetime

    def overlaps(self, other: "Shift") -> bool:
        return self.from_at < other.until_at and other.from_at < self.until_at


class Fault(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing wrong, in words. ``refused``: no insisting helps."""

    code: str
    refused: bool
    zh: str
    en: str
    person_id: UUID | None = None
    shift_id: UUID | None = None


def qualified_piece(shift: Shift, worker: Worker, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The part of a shift on days for which the person has passed (4.2.4.2); None: no part."""
    if worker.qualified_from is None:
        return None
    begins = max(shift.from_at, _midnight(worker.qualified_from, zone))
    ends = shift.until_at
    if worker.qualified_until is not None:
        ends = min(ends, _midnight(worker.qualified_until + timedelta(days=1), zone))
    return (begins, ends) if begins < ends else None


def faults_of(
    shift: Shift, worker: Worker, others: Iterable[Shift], *, limits: Limits, zone: tzinfo
) -> tuple[Fault, ...]:
    """Everything wrong with one shift.

    Args:
        shift: what is wished.
        worker: whose it would be.
        others: all shifts nearby in time, of anybody; the shift itself is left out by its id.

    Returns:
        What is refused first.
    """
    found: list[Fault] = []

    def say(code: str, zh: str, en: str, *, refused: bool = True) -> None:
        found.append(
            Fault(
                code=code, refused=refused, zh=f"{worker.name}：{zh}", en=f"{worker.name}: {en}",
                person_id=worker.id, shift_id=shift.id,
            )
        )  # fmt: skip

    if shift.until_at <= shift.from_at:
        say("ends_before", "结束早于开始", "ends before it begins")
        return tuple(found)
    if shift.until_at - shift.from_at > LONGEST:
        say("over_a_day", "一个班超过 24 小时", "one shift is longer than 24 h")
    if POST_OF[shift.role] != worker.post:
        say("wrong_post", "不是这个岗位的人员", "not of this post")
    if qualified_piece(shift, worker, zone) != (shift.from_at, shift.until_at):
        say("unqualified", *_not_qualified(worker))
    own = sorted(
        (o for o in others if o.person_id == worker.id and o.id != shift.id),
        key=lambda o: o.from_at,
    )
    for other in own:
        if shift.overlaps(other):
            span = span_words(other, zone)
            say("overlap", f"与 {span} 的班重叠", f"overlaps the shift {span}")
    if not found:
        _about_rest(shift, own, limits, say)
    return tuple(found)


class _Say(Protocol):
    def __call__(self, code: str, zh: str, en: str, *, refused: bool = True) -> None: ...


def _about_rest(shift: Shift, own: Sequence[Shift], limits: Limits, say: _Say) -> None:
    begins, ends = shift.from_at, shift.until_at
    before = [o for o in own if o.until_at <= shift.from_at]
    after = [o for o in own if o.from_at >= shift.until_at]
    while before and before[-1].until_at == begins:
        begins = before.pop().from_at
    while after and after[0].from_at == ends:
        ends = after.pop(0).until_at
    worked_h = (ends - begins).total_seconds() / 3600
    if worked_h > limits.stretch_h:
        say(
            "too_long", f"连续 {worked_h:g} 小时，超过 {limits.stretch_h:g} 小时",
            f"{worked_h:g} h without a break, more than {limits.stretch_h:g} h", refused=False,
        )  # fmt: skip
    rests = [begins - before[-1].until_at] if before else []
    rests += [after[0].from_at - ends] if after else []
    short_h = min((rest.total_seconds() / 3600 for rest in rests), default=limits.rest_h)
    if short_h < limits.rest_h:
        say(
            "short_rest", f"两班之间只休息 {short_h:.3g} 小时，少于 {limits.rest_h:g} 小时",
            f"only {short_h:.3g} h of rest between shifts, less than {limits.rest_h:g} h",
            refused=False,
        )  # fmt: skip


def span_words(shift: Shift, zone: tzinfo) -> str:
    """``11-22 20:00–08:00``, in local time."""
    begins, ends = shift.from_at.astimezone(zone), shift.until_at.astimezone(zone)
    return f"{begins:%m-%d %H:%M}–{ends:%H:%M}"


def _not_qualified(worker: Worker) -> tuple[str, str]:
    if worker.qualified_from is None:
        return "没有通过岗位考核，不能排班", "has not passed the training and cannot be rostered"
    if worker.qualified_until is not None:
        day = worker.qualified_until.isoformat()
        return f"上岗资格 {day} 到期，这个班不能排", f"qualified until {day} only"
    day = worker.qualified_from.isoformat()
    return f"{day} 起才有上岗资格", f"qualified from {day} only"


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
