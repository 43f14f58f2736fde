"""Steps on a check or a repair: load, decide, append, and what follows from it."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from backend.audit import service as audit
from backend.inspection import journal
from backend.inspection.flow import check, repair
from backend.inspection.flow.refused import Refused
from backend.inspection.schemas import CheckRow, Outcome, RepairRow
from backend.shared.db import OPERATIONS


class Did(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a step, for the shell to act on.

    ``opened``: a repair that this step opened. ``fault``: the device is to be marked faulty;
    ``good``: it is well again.
    """

    outcome: Outcome
    detector_id: UUID | None = None
    opened: UUID | None = None
    fault: bool = False
    good: bool = False


async def check_of(check_id: UUID, policy: check.Policy) -> CheckRow | None:
    """One check, as it stands."""
    row = await OPERATIONS.fetch_one(
        "SELECT id, round_id, detector_id, place, version FROM inspection_check WHERE id = $1",
        check_id,
    )
    if row is None:
        return None
    events = (await journal.of_many([check_id], check.Event)).get(check_id, [])
    return CheckRow(**dict(row), now=check.replay(events, policy))


async def step_check(
    check_id: UUID, step: check.Step, policy: check.Policy, *, role: str, now: datetime
) -> Did:
    """Take one step of a check. A refusal is an outcome; what came too late is kept as late."""
    async with OPERATIONS.transaction():
        held = await OPERATIONS.fetch_value(
            "SELECT id FROM inspection_check WHERE id = $1 FOR UPDATE", check_id
        )
        row = await check_of(check_id, policy) if held else None
        if row is None:
            return _refused(step.command_id, 0, Refused("inspection_unknown"))
        if await journal.heard(step.command_id):
            late = step.command_id not in row.now.applied
            over = check.refusal_of(row.now) if late else None
            outcome = Outcome(
                command_id=step.command_id, version=row.version, refusal=over, repeated=True
            )
            return Did(outcome=outcome, detector_id=row.detector_id)
        try:
            events = check.decide(row.now, step, policy)
        except Refused as why:
            if row.now.state in ("done", "left"):
                late_event = check.Event(
                    fact=check.Late(said=step.said), at=step.at, by=step.by,
                    by_name=step.by_name, m=step.m, command_id=step.command_id,
                )  # fmt: skip
                await journal.append(check_id, row.version, [late_event], now)
                await OPERATIONS.execute(
                    "UPDATE inspection_check SET version = version + 1 WHERE id = $1", check_id
                )
            return _refused(step.command_id, row.version, why, row.detector_id)
        after = row.now
        for event in events:
            after = check.evolve(after, event, policy)
        await journal.append(check_id, row.version, events, now)
        version = row.version + len(events)
        await OPERATIONS.execute(
            "UPDATE inspection_check SET state = $2, version = $3, bad = $4, handed = $5,"
            " over_at = $6, over_by = $7 WHERE id = $1",
            check_id, after.state, version, list(after.was_bad), after.handed is not None,
            after.over_at, step.by if after.state == "done" else None,
        )  # fmt: skip
        await audit.record(
            OPERATIONS, actor=step.by, role=role, action="inspection.step_taken",
            subject=check_id, at=now,
            after={"step": _name(step.said), "device": str(row.detector_id)},
        )  # fmt: skip
        opened = None
        if isinstance(step.said, check.HandOver):
            opened = await _open(check_id, row.detector_id, after, step, now)
        return Did(
            outcome=Outcome(command_id=step.command_id, version=version),
            detector_id=row.detector_id,
            opened=opened,
            fault=any(isinstance(event.fact, check.FaultOpened) for event in events),
            good=after.state == "done" and bool(after.was_bad) and after.handed is None,
        )


async def _open(
    check_id: UUID, detector_id: UUID, now: check.Check, step: check.Step, at: datetime
) -> UUID:
    """The repair of a check; its clock begins here, with the notice."""
    repair_id = uuid5(check_id, "repair")
    what = now.handed or ""
    event = repair.Event(
        fact=repair.Noticed(what=what, items=now.bad), at=at, by=step.by, by_name=step.by_name
    )
    await OPERATIONS.execute(
        "INSERT INTO repair (id, check_id, detector_id, opened_by, items, state, version,"
        " noticed_at) VALUES ($1, $2, $3, $4, $5, 'noticed', 1, $6)",
        repair_id, check_id, detector_id, step.by, list(now.bad), at,
    )  # fmt: skip
    await journal.append(repair_id, 0, [event], at)
    return repair_id


async def step_repair(
    repair_id: UUID, step: repair.Step, clock: repair.Clock, *, role: str, now: datetime
) -> Did:
    """Take one step of a repair; a refusal is an outcome."""
    async with OPERATIONS.transaction():
        row = await _held(repair_id)
        if row is None:
            return _refused(step.command_id, 0, Refused("repair_unknown"))
        if step.command_id in row.now.applied:
            outcome = Outcome(command_id=step.command_id, version=row.version, repeated=True)
            return Did(outcome=outcome, detector_id=row.detector_id)
        try:
            events = repair.decide(row.now, step, clock)
        except Refused as why:
            return _refused(step.command_id, row.version, why, row.detector_id)
        after = await _append(row, events, now)
        await audit.record(
            OPERATIONS, actor=step.by, role=role, action="inspection.repair_step_taken",
            subject=repair_id, at=now,
            after={"step": _name(step.said), "device": str(row.detector_id)},
        )  # fmt: skip
        return Did(
            outcome=Outcome(command_id=step.command_id, version=row.version + len(events)),
            detector_id=row.detector_id,
            good=after.state == "closed",
        )


async def tick(clock: repair.Clock, at: datetime) -> list[tuple[RepairRow, str]]:
    """What the clocks say now: repairs that are warned of or in breach since this look."""
    ids = await OPERATIONS.fetch(
        "SELECT id FROM repair WHERE state IN ('noticed', 'planned') AND breached_at IS NULL"
        " AND noticed_at <= $1",
        at - clock.warn,
    )
    said: list[tuple[RepairRow, str]] = []
    for (repair_id,) in ids:
        async with OPERATIONS.transaction():
            row = await _held(repair_id)
            events = repair.tick(row.now, at, clock) if row else ()
            if row is None or not events:
                continue
            await _append(row, events, at)
            breached = any(isinstance(event.fact, repair.Breached) for event in events)
            said.append((row, "breached" if breached else "warned"))
    return said


async def drop(gone: dict[UUID, str], at: datetime) -> None:
    """End the repairs of devices that are out of service."""
    ids = await OPERATIONS.fetch(
        "SELECT id FROM repair WHERE over_at IS NULL AND detector_id = ANY($1::uuid[])", list(gone)
    )
    for (repair_id,) in ids:
        async with OPERATIONS.transaction():
            row = await _held(repair_id)
            if row is not None and row.now.over_at is None:
                fact = repair.Dropped(why=gone[row.detector_id])
                await _append(row, [repair.Event(fact=fact, at=at)], at)


async def repairs(
    *, since: datetime, detector_ids: list[UUID] | None = None, limit: int = 500
) -> list[RepairRow]:
    """Repairs that are not over, those of the oldest notice first, then those over since."""
    rows = await OPERATIONS.fetch(
        f"SELECT {COLUMNS} FROM repair WHERE (over_at IS NULL OR over_at >= $1)"  # noqa: S608
        " AND ($2::uuid[] IS NULL OR detector_id = ANY($2::uuid[]))"
        " ORDER BY over_at DESC NULLS FIRST, noticed_at LIMIT $3",
        since,
        detector_ids,
        limit,
    )
    events = await journal.of_many([row["id"] for row in rows], repair.Event)
    return [_repair(row, events[row["id"]]) for row in rows]


COLUMNS = "id, check_id, detector_id, opened_by, items, version"


async def repair_of(repair_id: UUID) -> RepairRow | None:
    """One repair, as it stands."""
    row = await OPERATIONS.fetch_one(
        f"SELECT {COLUMNS} FROM repair WHERE id = $1",  # noqa: S608
        repair_id,
    )
    if row is None:
        return None
    return _repair(row, (await journal.of_many([repair_id], repair.Event))[repair_id])


async def _held(repair_id: UUID) -> RepairRow | None:
    await OPERATIONS.execute("SELECT FROM repair WHERE id = $1 FOR UPDATE", repair_id)
    return await repair_of(repair_id)


def _repair(row: Any, events: list[repair.Event]) -> RepairRow:
    first = events[0].fact
    what = first.what if isinstance(first, repair.Noticed) else ""
    facts = {**dict(row), "items": tuple(row["items"])}
    return RepairRow(**facts, what=what, now=repair.replay(events))


async def _append(row: RepairRow, events: Any, at: datetime) -> repair.Repair:
    after = row.now
    for event in events:
        after = repair.evolve(after, event)
    await journal.append(row.id, row.version, events, at)
    await OPERATIONS.execute(
        "UPDATE repair SET state = $2, version = $3, done_at = $4, breached_at = $5, over_at = $6"
        " WHERE id = $1",
        row.id, after.state, row.version + len(events), after.done_at, after.breached_at,
        after.over_at,
    )  # fmt: skip
    return after


def _name(said: check.Said | repair.Said) -> str:
    return str(said.__struct_config__.tag)


def _refused(command_id: UUID, version: int, why: Refused, detector_id: UUID | None = None) -> Did:
    outcome = Outcome(command_id=command_id, version=version, refusal=why)
    return Did(outcome=outcome, detector_id=detector_id)
