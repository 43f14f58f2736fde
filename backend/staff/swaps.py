"""Swaps of shifts between two people, with or without a lead's word; atomic and remembered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.shared.db import OPERATIONS
from backend.staff import roster
from backend.staff.flow import swaps as flow
from backend.staff.flow.shifts import Fault, Limits, Shift
from backend.staff.flow.swaps import Stand, Swap
from backend.staff.problems import NoSuchShift, RosterRefused, RosterWarned
from backend.staff.roster import NEARBY, ZONE, Who


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A swap with what was said about it."""

    swap: Swap
    note: str
    asked_at: datetime
    answered_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    why: str


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """From the settings."""

    limits: Limits
    approval: bool


async def ask(swap: Swap, *, note: str, who: Who, at: datetime, rules: Rules) -> Swap:
    """Put a swap to a colleague. The same id again changes nothing.

    Raises:
        RosterRefused: it could never be done, or one of the shifts is being swapped already.
    """
    async with OPERATIONS.transaction():
        await roster.lock()
        known = await _of(swap.id)
        if known is not None:
            return known.swap
        busy = await OPERATIONS.fetch_value(
            "SELECT true FROM shift_swap WHERE stand IN ('asked', 'accepted')"
            " AND (mine ->> 'id' = ANY($1::text[]) OR theirs ->> 'id' = ANY($1::text[])) LIMIT 1",
            [str(one.id) for one in (swap.mine, swap.theirs) if one is not None],
        )
        if busy:
            raise _refused([_BUSY])
        faults = await _judged(swap, at, rules)
        if found := [fault for fault in faults if fault.refused]:
            raise _refused(found)
        await OPERATIONS.execute(
            "INSERT INTO shift_swap (id, asker_id, colleague_id, mine, theirs, note, stand,"
            " asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            swap.id, swap.asker, swap.colleague, swap.mine, swap.theirs, note,
            Stand.ASKED.value, at,
        )  # fmt: skip
        await _note("swap_asked", swap, who=who, at=at, why=note)
    return swap


async def take(
    swap_id: UUID, step: str, *, by: UUID | None, who: Who, at: datetime, rules: Rules,
    insist: bool = False, why: str = "",
) -> Swap:  # fmt: skip
    """Accept, decline, withdraw, approve, refuse or let expire.

    Accepting where no approval is asked for does the swap at once.

    Args:
        by: the person who says it; None for a lead or the platform.
        insist: a lead does it in spite of warnings.

    Raises:
        NoSuchShift: no such swap.
        RosterRefused: not from here, not by them, or the roster forbids it by now.
        RosterWarned: a lead may insist.
    """
    async with OPERATIONS.transaction():
        await roster.lock()
        known = await _of(swap_id)
        if known is None:
            raise NoSuchShift("没有这个换班 No such swap")
        swap = known.swap
        try:
            stand = flow.step(swap, step, by=by)
        except flow.Refused as refused:
            raise _refused(refused.faults) from refused
        if stand is Stand.ACCEPTED and not rules.approval:
            stand = Stand.DONE
        if stand in (Stand.ACCEPTED, Stand.DONE):
            faults = await _judged(swap, at, rules)
            if found := [fault for fault in faults if fault.refused]:
                raise _refused(found)
            if stand is Stand.DONE and faults and not rules.approval:
                stand = Stand.ACCEPTED  # what is warned of waits for a lead all the same
            elif stand is Stand.DONE and faults and not insist:
                raise RosterWarned("请确认 Please confirm", faults=msgspec.to_builtins(faults))
        answered = at if by == swap.colleague else None
        decided = at if stand not in (Stand.ASKED, Stand.ACCEPTED) else None
        await OPERATIONS.execute(
            "UPDATE shift_swap SET stand = $2, answered_at = coalesce($3, answered_at),"
            " decided_at = $4, decided_by = $5, why = $6 WHERE id = $1",
            swap_id, stand.value, answered, decided, who.name if decided else None, why,
        )  # fmt: skip
        done = msgspec.structs.replace(swap, stand=stand)
        if stand is Stand.DONE:
            await _move(done, who=who, at=at)
        await _note(f"swap_{stand}", done, who=who, at=at, why=why)
    return done


async def _move(swap: Swap, *, who: Who, at: datetime) -> None:
    before = {swap.mine.id: swap.mine}
    if swap.theirs is not None:
        before[swap.theirs.id] = swap.theirs
    after = flow.swapped(swap)
    await OPERATIONS.execute_many(
        "UPDATE shift SET person_id = $2 WHERE id = $1", [(one.id, one.person_id) for one in after]
    )
    await roster.note("swapped", [(s.id, before[s.id], s) for s in after], who=who, at=at)


async def of(person_id: UUID, *, since: datetime) -> list[Asked]:
    """Swaps that a person asked for or was asked, open or asked after ``since``; newest first."""
    rows = await OPERATIONS.fetch(
        f"{_ROWS} WHERE $1 IN (asker_id, colleague_id) AND (stand IN ('asked', 'accepted')"
        " OR asked_at > $2) ORDER BY asked_at DESC, id",
        person_id,
        since,
    )
    return [_read(row) for row in rows]


async def waiting() -> list[Asked]:
    """Every swap still open, the oldest first."""
    rows = await OPERATIONS.fetch(
        f"{_ROWS} WHERE stand IN ('asked', 'accepted') ORDER BY asked_at, id"
    )
    return [_read(row) for row in rows]


async def faults_of(swap: Swap, at: datetime, rules: Rules) -> tuple[Fault, ...]:
    """What speaks against a swap now."""
    return await _judged(swap, at, rules)


_ROWS = (
    "SELECT id, asker_id, colleague_id, mine, theirs, note, stand, asked_at, answered_at,"
    " decided_at, decided_by, why FROM shift_swap"
)
_BUSY = Fault(
    code="swap_open", refused=True, zh="这个班正在换", en="this shift is being swapped already"
)


async def _of(swap_id: UUID) -> Asked | None:
    row = await OPERATIONS.fetch_one(f"{_ROWS} WHERE id = $1", swap_id)
    return None if row is None else _read(row)


def _read(row: Any) -> Asked:
    return Asked(
        swap=Swap(
            id=row["id"],
            asker=row["asker_id"],
            colleague=row["colleague_id"],
            mine=msgspec.json.decode(row["mine"], type=Shift),
            theirs=None
            if row["theirs"] is None
            else msgspec.json.decode(row["theirs"], type=Shift),
            stand=Stand(row["stand"]),
        ),
        note=row["note"],
        asked_at=row["asked_at"],
        answered_at=row["answered_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        why=row["why"],
    )


async def _judged(swap: Swap, at: datetime, rules: Rules) -> tuple[Fault, ...]:
    concerned = [swap.mine, *([swap.theirs] if swap.theirs else [])]
    now = await roster.read(
        min(one.from_at for one in concerned) - NEARBY,
        max(one.until_at for one in concerned) + NEARBY,
    )
    return flow.judge(
        swap, now.shifts, now.workers, now.areas, now=at, limits=rules.limits, zone=ZONE
    )


def _refused(faults: Sequence[Fault]) -> RosterRefused:
    return RosterRefused("换班不允许 Swap refused", faults=msgspec.to_builtins(faults))


async def _note(what: str, swap: Swap, *, who: Who, at: datetime, why: str) -> None:
    body = {"swap": swap, "why": why}
    await roster.remark(what, body, person_id=swap.asker, who=who, at=at)
    await audit.record(
        OPERATIONS, actor=who.account_id, role=who.role, action=f"roster.{what}",
        subject=swap.id, after={"stand": swap.stand.value}, reason=why or None, at=at,
    )  # fmt: skip
