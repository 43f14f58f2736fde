"""Duty against the roster: may it begin now, whose is over, and what was forgotten.

Off duty means off. Duty begins in one's shift, or outside it as extra duty with a reason; when the
shift is over nothing new comes, and duty that was forgotten ends by itself.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.shared.db import OPERATIONS
from backend.staff import roster
from backend.staff.problems import OutsideShift


class DutyRules(msgspec.Struct, frozen=True, kw_only=True):
    """▲ ours; see ``settings.Roster``."""

    early_min: float = 30.0
    grace_min: float = 30.0
    extra_h: float = 12.0

    @property
    def early(self) -> timedelta:
        return timedelta(minutes=self.early_min)


class OwnTime(msgspec.Struct, frozen=True, kw_only=True):
    """A person's shift at an instant. ``until_at``: through all that follow without a break."""

    until_at: datetime | None
    next_at: datetime | None


ON_SHIFT = (
    "(coalesce(d.extra_until > $1, false) OR EXISTS (SELECT FROM shift s"
    " WHERE s.person_id = p.id AND s.from_at <= $1 + $2::interval AND s.until_at > $1))"
)
"""SQL: is it this person's time? ``p`` person, ``d`` duty, $1 now, $2 how early one may begin."""


async def own_time(person_id: UUID, at: datetime, early: timedelta) -> OwnTime:
    """Whether a person's shift runs at ``at``, or begins within ``early``."""
    rows = await OPERATIONS.fetch(
        "SELECT from_at, until_at FROM shift WHERE person_id = $1 AND until_at > $2"
        " ORDER BY from_at LIMIT 20",
        person_id,
        at,
    )
    until: datetime | None = None
    for row in rows:
        if row["from_at"] <= (until or at + early):
            until = row["until_at"]
        else:
            return OwnTime(until_at=until, next_at=row["from_at"])
    return OwnTime(until_at=until, next_at=None)


async def begins(
    person_id: UUID, *, reason: str, at: datetime, rules: DutyRules
) -> tuple[str | None, datetime | None]:
    """Why and until when duty that begins now is extra; None and None within one's shift.

    Raises:
        OutsideShift: no shift now, and no reason given.
    """
    own = await own_time(person_id, at, rules.early)
    if own.until_at is not None:
        return None, None
    if not reason.strip():
        raise OutsideShift(
            "现在不是您的班次，加班上岗请写明原因 Not your shift: say why",
            nextAt=None if own.next_at is None else own.next_at.isoformat(),
        )
    return reason.strip(), at + timedelta(hours=rules.extra_h)


class Over(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on duty whose shift, and extra duty, is over."""

    person_id: UUID
    name: str
    over_at: datetime


async def over(at: datetime, rules: DutyRules) -> list[Over]:
    """Everybody who is still on duty after their time, by how long."""
    rows = await OPERATIONS.fetch(
        "SELECT p.id AS person_id, p.name, greatest(d.on_since, d.extra_until, (SELECT"  # noqa: S608
        " max(s.until_at) FROM shift s WHERE s.person_id = p.id AND s.until_at <= $1)) AS over_at"
        " FROM duty d JOIN person p ON p.id = d.person_id"
        f" WHERE d.on_since IS NOT NULL AND NOT {ON_SHIFT} ORDER BY over_at, p.id",
        at,
        rules.early,
    )
    return [Over(**dict(row)) for row in rows]


async def end_forgotten(at: datetime, *, busy: Collection[UUID], rules: DutyRules) -> list[Over]:
    """End the duty of everybody whose time has been over for the grace period.

    Args:
        busy: who is in an incident: they are left alone until it is over for them.

    Returns:
        Whose duty was ended. Their positions are forgotten.
    """
    ended = []
    for one in await over(at, rules):
        if one.person_id in busy or at - one.over_at < timedelta(minutes=rules.grace_min):
            continue
        async with OPERATIONS.transaction():
            done = await OPERATIONS.execute(
                "UPDATE duty SET on_since = NULL, device_id = NULL, extra_reason = NULL,"
                " extra_until = NULL WHERE person_id = $1 AND on_since IS NOT NULL"
                " AND on_since <= $2",
                one.person_id,
                one.over_at,
            )
            if not done:
                continue  # somebody else did it, or they began anew
            await OPERATIONS.execute("DELETE FROM position WHERE person_id = $1", one.person_id)
            await roster.remark(
                "duty_ended", {"overAt": one.over_at}, person_id=one.person_id,
                who=PLATFORM, at=at,
            )  # fmt: skip
            await audit.record(
                OPERATIONS, actor=audit.SYSTEM, role=audit.SYSTEM, action="staff.duty_ended",
                subject=one.person_id, reason="班次结束后未下岗", at=at,
            )  # fmt: skip
        ended.append(one)
    return ended


PLATFORM = roster.Who(account_id=audit.SYSTEM, name="平台", role=audit.SYSTEM)
"""Who does what nobody did."""
