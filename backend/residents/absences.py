"""When nobody is at home, as a home says itself or has its community office write down.

Kept with consent and for one purpose: water and gate of an empty home mean nothing. Nobody but the
home, its community office and the engine sees it, and it is forgotten a month after it is over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.shared.db import IDENTITY
from backend.shared.problems import NotFound, Problem

LONGEST = timedelta(days=366)
AT_ONCE = 12
"""Absences of one home that are ahead or running."""
FORGOTTEN_AFTER = timedelta(days=30)


class AbsenceRefused(Problem):
    """The spell is over, too long, backwards, one too many, or said without consent."""

    slug, status, title = "absence-refused", 422, "This absence cannot be kept"


class Absence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Nobody at home from ``from_at`` until ``to_at`` (UTC)."""

    id: UUID
    from_at: datetime
    to_at: datetime


class NewAbsence(Absence, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The same as somebody says it; ``id`` is made by the page, so that it counts once."""

    consent: bool


async def absences(household_ids: Sequence[UUID], at: datetime) -> dict[UUID, list[Absence]]:
    """Of each home, those that run or are ahead, soonest first."""
    rows = await IDENTITY.fetch(
        "SELECT id, household_id, from_at, to_at FROM absence"
        " WHERE household_id = ANY($1::uuid[]) AND to_at > $2 ORDER BY from_at",
        list(household_ids),
        at,
    )
    found: dict[UUID, list[Absence]] = {each: [] for each in household_ids}
    for row in rows:
        one = Absence(id=row["id"], from_at=row["from_at"], to_at=row["to_at"])
        found[row["household_id"]].append(one)
    return found


async def go(
    household_id: UUID, wish: NewAbsence, *, actor: UUID | str, role: str, at: datetime
) -> None:
    """Keep an absence; the same id again changes nothing.

    Raises:
        AbsenceRefused: see there.
    """
    if not wish.consent:
        raise AbsenceRefused("没有同意，不能登记 Nothing is kept without consent")
    if not (wish.to_at > wish.from_at and wish.to_at > at and wish.to_at - at <= LONGEST):
        raise AbsenceRefused("时间不对 The dates cannot be")
    async with IDENTITY.transaction():
        await IDENTITY.execute("DELETE FROM absence WHERE to_at < $1", at - FORGOTTEN_AFTER)
        await IDENTITY.execute("SELECT pg_advisory_xact_lock(hashtext($1))", str(household_id))
        if len((await absences([household_id], at))[household_id]) >= AT_ONCE:
            raise AbsenceRefused("登记太多了 Too many absences ahead")
        made = await IDENTITY.execute(
            "INSERT INTO absence (id, household_id, from_at, to_at, consent_at, said_by)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            wish.id, household_id, wish.from_at, wish.to_at, at, f"{role} {actor}"[:80],
        )  # fmt: skip
        if made:
            spell = {"fromAt": wish.from_at.isoformat(), "toAt": wish.to_at.isoformat()}
            await audit.record(
                IDENTITY, actor=actor, role=role, action="absence.said", subject=household_id,
                after=spell, at=at,
            )  # fmt: skip


async def back(
    household_id: UUID, absence_id: UUID, *, actor: UUID | str, role: str, at: datetime
) -> None:
    """Take an absence back, or come home before its end: it is deleted.

    Raises:
        NotFound: this home has none of this id.
    """
    async with IDENTITY.transaction():
        gone = await IDENTITY.execute(
            "DELETE FROM absence WHERE id = $1 AND household_id = $2", absence_id, household_id
        )
        if not gone:
            raise NotFound("没有这次登记 no such absence")
        await audit.record(
            IDENTITY, actor=actor, role=role, action="absence.taken_back", subject=household_id,
            at=at,
        )  # fmt: skip
