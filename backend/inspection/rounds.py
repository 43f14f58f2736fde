"""Cycles and the rounds that come of them: made once for each period, never twice."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from uuid import UUID, uuid5

import msgspec

from backend.audit import service as audit
from backend.inspection import journal
from backend.inspection.flow import check, rounds
from backend.inspection.flow.rounds import Device, Draft, Plan
from backend.inspection.schemas import CheckRow, RoundView
from backend.shared.db import OPERATIONS

FIRST_PLAN = uuid5(rounds.SPACE, "first plan")
AT_ONCE = 1_000
"""Checks made between two turns of the event loop."""


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes something here."""

    account_id: UUID | str
    role: str
    name: str = ""


async def lock() -> None:
    """Nobody else makes rounds until the present transaction ends."""
    await OPERATIONS.execute("SELECT pg_advisory_xact_lock(hashtext('inspection'))")


async def plans() -> list[Plan]:
    """Every cycle, by name."""
    rows = await OPERATIONS.fetch(
        "SELECT id, name, cycle, kinds, models, streets, active, first_on FROM inspection_plan"
        " ORDER BY name, id"
    )
    lists = ("kinds", "models", "streets")
    return [Plan(**{**dict(row), **{each: tuple(row[each]) for each in lists}}) for row in rows]


async def set_plan(plan: Plan, *, who: Who, at: datetime) -> None:
    """Write a cycle down; what was made of it before stays as it is."""
    async with OPERATIONS.transaction():
        await lock()
        before = next((one for one in await plans() if one.id == plan.id), None)
        await OPERATIONS.execute(
            "INSERT INTO inspection_plan (id, name, cycle, kinds, models, streets, active,"
            " first_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET"
            " name = $2, cycle = $3, kinds = $4, models = $5, streets = $6, active = $7",
            plan.id, plan.name, plan.cycle, list(plan.kinds), list(plan.models),
            list(plan.streets), plan.active, plan.first_on,
        )  # fmt: skip
        await audit.record(
            OPERATIONS, actor=who.account_id, role=who.role, action="inspection.plan_set",
            subject=plan.id, before=None if before is None else msgspec.to_builtins(before),
            after=msgspec.to_builtins(plan), at=at,
        )  # fmt: skip


async def first_plan(today: date, at: datetime) -> None:
    """Where there is no cycle at all: everything once a month (▲)."""
    if await OPERATIONS.fetch_value("SELECT true FROM inspection_plan LIMIT 1"):
        return
    plan = Plan(id=FIRST_PLAN, name="每月巡检", cycle="month", first_on=today.replace(day=1))
    who = Who(account_id=audit.SYSTEM, role=audit.SYSTEM)
    await set_plan(plan, who=who, at=at)


async def generate(
    devices: Sequence[Device],
    today: date,
    *,
    area_of: Mapping[str, UUID],
    hours: Mapping[UUID, Mapping[UUID, float]],
    at: datetime,
) -> list[Draft]:
    """Make the rounds that are due; those of a period are made once, all together.

    Args:
        area_of: the roster's area by street.
        hours: by area, hours of field duty by person, for sharing out.

    Returns:
        What was made now.
    """
    if not devices:
        return []
    made: list[Draft] = []
    every = await plans()
    for plan in every:
        period = rounds.runs(plan, today)
        if period is None:
            continue
        async with OPERATIONS.transaction():
            await lock()
            first = await OPERATIONS.execute(
                "INSERT INTO inspection_run (plan_id, period, made_at) VALUES ($1, $2, $3)"
                " ON CONFLICT DO NOTHING",
                plan.id, period.key, at,
            )  # fmt: skip
            if first:
                # of a whole town it takes seconds, and an alarm must not wait for them
                drafts = await asyncio.to_thread(rounds.drafts, plan, every, devices, today)
                await _write(drafts, area_of, hours, at)
                made += drafts
    return made


async def _write(
    drafts: Sequence[Draft],
    area_of: Mapping[str, UUID],
    hours: Mapping[UUID, Mapping[UUID, float]],
    at: datetime,
) -> None:
    areas = {draft.id: area_of.get(draft.street) for draft in drafts}
    walkers = rounds.shared_out(
        {draft.id: len(draft.devices) for draft in drafts},
        {draft.id: _able(hours, areas[draft.id]) for draft in drafts},
    )
    await OPERATIONS.execute_many(
        "INSERT INTO inspection_round (id, plan_id, plan_name, period, street, area_id,"
        " starts_on, due_on, assignee, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT DO NOTHING",
        [
            (
                one.id, one.plan.id, one.plan.name, one.period.key, one.street, areas[one.id],
                one.period.first_on, one.period.last_on, walkers.get(one.id), at,
            )
            for one in drafts
        ],
    )  # fmt: skip
    walked = ((one.id, device, n) for one in drafts for n, device in enumerate(one.devices))
    while some := list(islice(walked, AT_ONCE)):
        await OPERATIONS.execute_many(
            "INSERT INTO inspection_check (id, round_id, detector_id, place)"
            " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            [(rounds.check_id(round_id, device), round_id, device, n)
             for round_id, device, n in some],
        )  # fmt: skip
    for one in drafts:
        await audit.record(
            OPERATIONS, actor=audit.SYSTEM, role=audit.SYSTEM, action="inspection.round_made",
            subject=one.id, at=at,
            after={"street": one.street, "period": one.period.key, "devices": len(one.devices)},
        )  # fmt: skip


def _able(hours: Mapping[UUID, Mapping[UUID, float]], area: UUID | None) -> dict[UUID, float]:
    """Hours of duty by person in an area; anywhere for a street that belongs to none."""
    if area is not None:
        return dict(hours.get(area, {}))
    anywhere: dict[UUID, float] = {}
    for people in hours.values():
        for person, length in people.items():
            anywhere[person] = anywhere.get(person, 0.0) + length
    return anywhere


async def share_out(hours: Mapping[UUID, Mapping[UUID, float]]) -> list[UUID]:
    """Give the rounds that nobody walks to whoever has duty in their area by now."""
    async with OPERATIONS.transaction():
        await lock()
        waiting = [one for one in await views(open_only=True) if one.assignee is None]
        found = rounds.shared_out(
            {one.id: one.open for one in waiting},
            {one.id: _able(hours, one.area_id) for one in waiting},
        )
        await OPERATIONS.execute_many(
            "UPDATE inspection_round SET assignee = $2 WHERE id = $1 AND assignee IS NULL",
            list(found.items()),
        )
    return list(found)


async def assign(round_id: UUID, person: UUID | None, *, who: Who, at: datetime) -> bool:
    """Let somebody else walk a round; False where there is no such round."""
    async with OPERATIONS.transaction():
        before = await OPERATIONS.fetch_one(
            "SELECT assignee FROM inspection_round WHERE id = $1 FOR UPDATE", round_id
        )
        if before is None:
            return False
        await OPERATIONS.execute(
            "UPDATE inspection_round SET assignee = $2 WHERE id = $1", round_id, person
        )
        await audit.record(
            OPERATIONS, actor=who.account_id, role=who.role, action="inspection.round_assigned",
            subject=round_id, before={"assignee": str(before["assignee"])},
            after={"assignee": str(person)}, at=at,
        )  # fmt: skip
    return True


async def leave(gone: Mapping[UUID, str], at: datetime) -> int:
    """Take devices that are out of service from the rounds that are still walked.

    Args:
        gone: why, by device.
    """
    rows = await OPERATIONS.fetch(
        "SELECT id, version FROM inspection_check WHERE state IN ('open', 'begun')"
        " AND detector_id = ANY($1::uuid[])",
        list(gone),
    )
    for row in rows:
        async with OPERATIONS.transaction():
            held = await OPERATIONS.fetch_one(
                "SELECT version, detector_id FROM inspection_check WHERE id = $1"
                " AND state IN ('open', 'begun') FOR UPDATE",
                row["id"],
            )
            if held is None:
                continue
            event = check.Event(fact=check.Left(why=gone[held["detector_id"]]), at=at)
            await journal.append(row["id"], held["version"], [event], at)
            await OPERATIONS.execute(
                "UPDATE inspection_check SET state = 'left', version = version + 1, over_at = $2"
                " WHERE id = $1",
                row["id"],
                at,
            )
    return len(rows)


VIEWS = """
SELECT r.id, r.plan_name, r.period, r.street, r.area_id, r.starts_on, r.due_on, r.assignee,
    count(c.id) AS total, count(*) FILTER (WHERE c.state = 'done') AS done,
    count(*) FILTER (WHERE c.state = 'left') AS left,
    count(*) FILTER (WHERE c.bad <> '{}') AS bad, count(*) FILTER (WHERE c.handed) AS handed
FROM inspection_round r LEFT JOIN inspection_check c ON c.round_id = r.id
WHERE r.due_on >= $1 AND ($2::uuid IS NULL OR r.assignee = $2)
GROUP BY r.id
HAVING NOT $3 OR count(*) FILTER (WHERE c.state IN ('open', 'begun')) > 0
ORDER BY r.due_on, r.street, r.id
"""


async def views(
    *, since: date = date(2000, 1, 1), assignee: UUID | None = None, open_only: bool = False
) -> list[RoundView]:
    """Rounds due on ``since`` or later, the first due first."""
    rows = await OPERATIONS.fetch(VIEWS, since, assignee, open_only)
    return [RoundView(**dict(row)) for row in rows]


async def checks(round_ids: Sequence[UUID], policy: check.Policy) -> list[CheckRow]:
    """The devices of these rounds in walking order, each with where it stands."""
    rows = await OPERATIONS.fetch(
        "SELECT id, round_id, detector_id, place, version FROM inspection_check"
        " WHERE round_id = ANY($1::uuid[]) ORDER BY round_id, place",
        list(round_ids),
    )
    events = await journal.of_many([row["id"] for row in rows], check.Event)
    return [
        CheckRow(**dict(row), now=check.replay(events.get(row["id"], ()), policy)) for row in rows
    ]
