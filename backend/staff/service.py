"""Duty, position and reachability of the service organisation's people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.audit import service as audit
from backend.shared.db import OPERATIONS
from backend.staff import duty, roster
from backend.staff.duty import DutyRules
from backend.staff.problems import FixFromFuture, NoStaffRecord, NotOnDuty
from backend.staff.schemas import DutyView, Fix, NewPerson, OnDuty

AHEAD_AT_MOST = timedelta(minutes=10)
"""How far a phone's clock may run ahead before its fix is refused."""

AREA = ZoneInfo("Asia/Shanghai")
RULES = DutyRules()


async def register(person: NewPerson, *, actor: UUID | str, role: str, at: datetime) -> None:
    """Write a member of staff down, off duty. The same id again replaces the record."""
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "INSERT INTO person (id, name, badge, post, qualified_from, qualified_until, phone,"
            " photo, exercise) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
            " ON CONFLICT (id) DO UPDATE SET name = $2, badge = $3, post = $4,"
            " qualified_from = $5, qualified_until = $6, phone = $7, photo = $8, exercise = $9",
            person.id,
            person.name,
            person.badge,
            person.post,
            person.qualified_from,
            person.qualified_until,
            person.phone,
            person.photo,
            person.exercise,
        )
        await OPERATIONS.execute(
            "INSERT INTO duty (person_id, post_lat, post_lon) VALUES ($1, $2, $3)"
            " ON CONFLICT (person_id) DO UPDATE SET post_lat = $2, post_lon = $3",
            person.id,
            person.post_lat,
            person.post_lon,
        )
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="staff.registered",
            subject=person.id,
            after={
                "badge": person.badge,
                "post": person.post,
                "qualified_from": person.qualified_from,
                "qualified_until": person.qualified_until,
            },
            at=at,
        )


async def set_duty(
    person_id: UUID,
    *,
    on: bool,
    device_id: str | None,
    position: Fix | None = None,
    reason: str = "",
    name: str = "",
    actor: UUID | str,
    role: str,
    now: datetime,
    rules: DutyRules = RULES,
) -> DutyView:
    """Go on or off duty; saying it again changes nothing, on another phone it moves the duty.

    Going off duty forgets the position: off duty nobody is followed.

    Args:
        reason: why outside one's shift; within it, it is not kept.
        name: who says it, for the roster's history.

    Raises:
        NoStaffRecord: there is no such person.
        OutsideShift: it is not their shift, and no reason is given.
    """
    async with OPERATIONS.transaction():
        before = await OPERATIONS.fetch_one(
            "SELECT d.on_since, d.device_id, d.extra_reason, d.extra_until"
            " FROM person p LEFT JOIN duty d ON d.person_id = p.id WHERE p.id = $1 FOR UPDATE OF p",
            person_id,
        )
        if before is None:
            raise NoStaffRecord("没有此人员 No such member of staff")
        since: datetime | None = (before["on_since"] or now) if on else None
        extra = (before["extra_reason"], before["extra_until"]) if on else (None, None)
        if on and (before["on_since"] is None or reason):
            extra = await duty.begins(person_id, reason=reason, at=now, rules=rules)
        was = (before["on_since"], before["extra_reason"], before["extra_until"])
        if (since, *extra) != was or (on and device_id != before["device_id"]):
            await OPERATIONS.execute(
                "INSERT INTO duty (person_id, on_since, device_id, extra_reason, extra_until)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (person_id) DO UPDATE"
                " SET on_since = $2, device_id = $3, extra_reason = $4, extra_until = $5",
                person_id,
                since,
                device_id if on else None,
                *extra,
            )
            if extra[0] is not None and extra != was[1:]:
                who = roster.Who(account_id=actor, name=name, role=role)
                body = {"reason": extra[0], "untilAt": extra[1]}
                await roster.remark("duty_extra", body, person_id=person_id, who=who, at=now)
            await audit.record(
                OPERATIONS,
                actor=actor,
                role=role,
                action="staff.duty_set",
                subject=person_id,
                before={"on_since": before["on_since"], "device_id": before["device_id"]},
                after={"on_since": since, "device_id": device_id if on else None},
                reason=extra[0],
                at=now,
            )
        if not on:
            await OPERATIONS.execute("DELETE FROM position WHERE person_id = $1", person_id)
        elif position is not None and position.at <= now + AHEAD_AT_MOST:
            # a phone whose clock is wrong sends another as soon as it knows the time
            await save_position(person_id, position, now=now)
    return await duty_now(person_id, now, rules=rules)


async def save_position(person_id: UUID, fix: Fix, *, now: datetime) -> bool:
    """Keep a person's latest fix. Not audited: it is measured, and replaced every few seconds.

    Returns:
        False when the stored fix is as new or newer: phones deliver late and twice.

    Raises:
        NotOnDuty: the person is off duty or unknown.
        FixFromFuture: ``fix.at`` is more than ten minutes ahead of ``now``.
    """
    if fix.at > now + AHEAD_AT_MOST:
        raise FixFromFuture("手机时间超前 The phone's clock runs ahead", at=fix.at.isoformat())
    row = await OPERATIONS.fetch_one(
        "WITH on_duty AS (SELECT person_id FROM duty"
        " WHERE person_id = $1 AND on_since IS NOT NULL),"
        " saved AS (INSERT INTO position AS kept"
        " (person_id, lat, lon, accuracy_m, at, battery_pct, received_at)"
        " SELECT person_id, $2, $3, $4, $5, $6, $7 FROM on_duty"
        " ON CONFLICT (person_id) DO UPDATE SET lat = $2, lon = $3, accuracy_m = $4, at = $5,"
        " battery_pct = $6, received_at = $7 WHERE kept.at < $5 RETURNING 1)"
        " SELECT EXISTS (SELECT FROM on_duty) AS on_duty, EXISTS (SELECT FROM saved) AS saved",
        person_id,
        fix.lat,
        fix.lon,
        fix.accuracy_m,
        min(fix.at, now),
        fix.battery_pct,
        now,
    )
    if row is None or not row["on_duty"]:
        raise NotOnDuty("未上岗，位置不保存 Off duty: the position is not kept")
    return bool(row["saved"])


_PEOPLE = (
    "SELECT p.id AS person_id, p.name, p.badge, p.post,"  # noqa: S608 - our own texts only
    " coalesce(p.qualified_from <= $3, false)"
    " AND coalesce(p.qualified_until >= $3, true) AS qualified,"
    " d.on_since, l.lat, l.lon, l.accuracy_m, l.at, l.battery_pct, d.post_lat, d.post_lon,"
    f" r.last_receipt_at, {duty.ON_SHIFT} AS on_shift"
    " FROM person p LEFT JOIN duty d ON d.person_id = p.id"
    " LEFT JOIN position l ON l.person_id = p.id"
    " LEFT JOIN reachability r ON r.person_id = p.id"
)


async def on_duty_people(now: datetime, *, early: timedelta = RULES.early) -> list[OnDuty]:
    """Everybody on duty with their latest fix, in no order; one statement.

    Args:
        early: so long before their shift somebody on duty counts as on shift.
    """
    rows = await OPERATIONS.fetch(
        f"{_PEOPLE} WHERE d.on_since IS NOT NULL", now, early, now.astimezone(AREA).date()
    )
    return [OnDuty(**dict(row)) for row in rows]


async def person_of(person_id: UUID, now: datetime) -> OnDuty | None:
    """One person, on duty or not (then ``on_since`` is None); None when there is none."""
    row = await OPERATIONS.fetch_one(
        f"{_PEOPLE} WHERE p.id = $4", now, RULES.early, now.astimezone(AREA).date(), person_id
    )
    return None if row is None else OnDuty(**dict(row))


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What the last test message to a phone showed, and its last sign of life."""

    test_message_id: UUID | None = None
    test_sent_at: datetime | None = None
    last_receipt_at: datetime | None = None
    live_ok: bool = False
    push_ok: bool = False


async def reach_of(person_id: UUID) -> Reach:
    """How a person could be reached at the last check; all empty before the first."""
    row = await OPERATIONS.fetch_one(
        "SELECT test_message_id, test_sent_at, last_receipt_at, live_ok, push_ok"
        " FROM reachability WHERE person_id = $1",
        person_id,
    )
    return Reach() if row is None else Reach(**dict(row))


async def test_sent(person_id: UUID, message_id: UUID, *, at: datetime) -> None:
    """A reachability check began: both doors count as closed until a receipt comes."""
    await OPERATIONS.execute(
        "INSERT INTO reachability (person_id, test_message_id, test_sent_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (person_id) DO UPDATE SET test_message_id = $2, test_sent_at = $3,"
        " live_ok = false, push_ok = false",
        person_id,
        message_id,
        at,
    )


async def receipt_came(
    person_id: UUID, message_id: UUID, *, door: str | None, at: datetime
) -> None:
    """A phone gave a receipt.

    Args:
        message_id: of the message; when it is the test message, the door counts as open.
        door: ``live`` or ``push``, through which it had come, or None when not known.
        at: server's time, UTC.
    """
    await OPERATIONS.execute(
        "INSERT INTO reachability (person_id, last_receipt_at) VALUES ($1, $2)"
        " ON CONFLICT (person_id) DO UPDATE SET"
        " last_receipt_at = greatest(reachability.last_receipt_at, $2),"
        " live_ok = reachability.live_ok"
        " OR ($4 IS NOT DISTINCT FROM 'live' AND reachability.test_message_id = $3),"
        " push_ok = reachability.push_ok"
        " OR ($4 IS NOT DISTINCT FROM 'push' AND reachability.test_message_id = $3)",
        person_id,
        at,
        message_id,
        door,
    )


async def people(ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Name and badge by id, for those who exist."""
    rows = await OPERATIONS.fetch(
        "SELECT id, name, badge FROM person WHERE id = ANY($1::uuid[])", list(ids)
    )
    return {row["id"]: (row["name"], row["badge"]) for row in rows}


async def duty_of(person_id: UUID) -> DutyView:
    """Whether a person is on duty."""
    row = await OPERATIONS.fetch_one(
        "SELECT on_since, device_id FROM duty WHERE person_id = $1", person_id
    )
    if row is None or row["on_since"] is None:
        return DutyView(on=False, since=None)
    return DutyView(on=True, since=row["on_since"], device_id=row["device_id"])


async def duty_now(person_id: UUID, now: datetime, *, rules: DutyRules = RULES) -> DutyView:
    """The same with what the roster says: until when, whether it is over, and what comes next."""
    view = await duty_of(person_id)
    own = await duty.own_time(person_id, now, rules.early)
    row = await OPERATIONS.fetch_one(
        "SELECT extra_reason, extra_until FROM duty WHERE person_id = $1", person_id
    )
    extra, extra_until = (None, None) if row is None else (row["extra_reason"], row["extra_until"])
    runs = own.until_at is not None or (extra_until is not None and extra_until > now)
    return msgspec.structs.replace(
        view,
        until=own.until_at or (extra_until if runs else None),
        over=view.on and not runs,
        extra=extra if own.until_at is None else None,
        next_at=own.next_at,
    )


async def telephones(ids: Sequence[UUID]) -> dict[UUID, str]:
    """Each person's number as it was written down; possibly empty."""
    rows = await OPERATIONS.fetch(
        "SELECT id, phone FROM person WHERE id = ANY($1::uuid[])", list(ids)
    )
    return {row["id"]: row["phone"] for row in rows}
