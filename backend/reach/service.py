"""Phones' reports, communication tests and who cannot be reached, as rows of operations."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.reach.flow.checks import Plan, Sound
from backend.reach.flow.score import Grant, Score, Verdict
from backend.reach.schemas import Change, Kept, Lost, Permissions, PhoneReport, Plans, Trial
from backend.shared.db import OPERATIONS, Row

AHEAD_AT_MOST = timedelta(minutes=10)
"""How far a phone's clock may run ahead; a later report counts as said now."""


async def save_report(person_id: UUID, report: PhoneReport, *, now: datetime) -> None:
    """Keep what a phone says of itself, unless something newer is known.

    Not audited: it is measured, and replaced every few minutes.
    """
    await OPERATIONS.execute(
        "INSERT INTO phone_report AS kept (person_id, device_id, at, received_at, notification,"
        " location, camera, battery_pct, charging, version, current)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT (person_id) DO UPDATE SET device_id = $2, at = $3, received_at = $4,"
        " notification = $5, location = $6, camera = $7, battery_pct = $8, charging = $9,"
        " version = $10, current = $11 WHERE kept.at <= $3",
        person_id,
        report.device_id,
        min(report.at, now) if report.at > now + AHEAD_AT_MOST else report.at,
        now,
        report.permissions.notification.value,
        report.permissions.location.value,
        report.permissions.camera.value,
        report.battery_pct,
        report.charging,
        report.version,
        report.current,
    )


async def known_of(people: Sequence[UUID]) -> dict[UUID, Kept]:
    """What is known of each phone; everybody asked for is in the answer."""
    rows = await OPERATIONS.fetch(
        "SELECT p.id, r.*, t.missed_sent_at, t.tested_at"
        " FROM unnest($1::uuid[]) AS p (id)"
        " LEFT JOIN phone_report r ON r.person_id = p.id"
        " LEFT JOIN LATERAL (SELECT max(sent_at) AS tested_at, max(sent_at) FILTER"
        " (WHERE missed_at IS NOT NULL AND answered_at IS NULL) AS missed_sent_at"
        " FROM communication_test c WHERE c.person_id = p.id AND c.why <> 'self') t ON true",
        list(people),
    )
    return {
        row["id"]: Kept(
            report=None if row["device_id"] is None else _report(row),
            missed_sent_at=row["missed_sent_at"],
            tested_at=row["tested_at"],
        )
        for row in rows
    }


def _report(row: Row) -> PhoneReport:
    return PhoneReport(
        at=row["at"],
        device_id=row["device_id"],
        permissions=Permissions(
            notification=Grant(row["notification"]),
            location=Grant(row["location"]),
            camera=Grant(row["camera"]),
        ),
        battery_pct=row["battery_pct"],
        charging=row["charging"],
        version=row["version"],
        current=row["current"],
    )


# --- tests ------------------------------------------------------------------------------------


async def begin_trial(test: Trial) -> bool:
    """Write a test down, once; False when it is there already, begun by another node."""
    return bool(
        await OPERATIONS.execute(
            "INSERT INTO communication_test (message_id, person_id, why, door, planned_at, sent_at,"
            " expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            test.message_id,
            test.person_id,
            test.why,
            test.door,
            test.planned_at,
            test.sent_at,
            test.expires_at,
        )
    )


async def drop_trials(person_id: UUID, *, but: Sequence[UUID] = (), at: datetime) -> list[UUID]:
    """Open tests that no longer matter are neither answered nor missed; which they were."""
    rows = await OPERATIONS.fetch(
        "UPDATE communication_test SET dropped_at = $3 WHERE person_id = $1"
        " AND answered_at IS NULL AND missed_at IS NULL AND dropped_at IS NULL"
        " AND message_id <> ALL($2::uuid[]) RETURNING message_id",
        person_id,
        list(but),
        at,
    )
    return [row["message_id"] for row in rows]


async def answer_trial(message_id: UUID, *, door: str | None, at: datetime) -> bool:
    """A receipt came for this message; False when it is no open test. One that is late counts."""
    return bool(
        await OPERATIONS.execute(
            "UPDATE communication_test SET answered_at = $2, answered_by = $3"
            " WHERE message_id = $1 AND answered_at IS NULL",
            message_id,
            at,
            door,
        )
    )


async def miss_trials(*, now: datetime) -> list[Trial]:
    """Tests whose time is over without a receipt; each is given to one caller only."""
    rows = await OPERATIONS.fetch(
        "UPDATE communication_test SET missed_at = $1 WHERE expires_at <= $1"
        " AND answered_at IS NULL AND missed_at IS NULL AND dropped_at IS NULL RETURNING *",
        now,
    )
    return [Trial(**dict(row)) for row in rows]


async def trials_of(person_id: UUID, *, since: datetime, at_most: int = 50) -> list[Trial]:
    """A person's tests, newest first."""
    rows = await OPERATIONS.fetch(
        "SELECT * FROM communication_test WHERE person_id = $1 AND sent_at >= $2"
        " ORDER BY sent_at DESC, message_id LIMIT $3",
        person_id,
        since,
        at_most,
    )
    return [Trial(**dict(row)) for row in rows]


async def plans(people: Sequence[UUID]) -> Plans:
    """Who has a plan of their own."""
    rows = await OPERATIONS.fetch(
        "SELECT * FROM test_plan WHERE person_id = ANY($1::uuid[])", list(people)
    )
    return {
        row["person_id"]: Plan(
            every_s=row["every_s"], at_start=row["at_start"], sound=Sound(row["sound"])
        )
        for row in rows
    }


async def set_plan(
    person_id: UUID, plan: Plan | None, *, actor: UUID, role: str, at: datetime
) -> None:
    """How this person is tested from now on; None: as everybody else."""
    async with OPERATIONS.transaction():
        before = (await plans([person_id])).get(person_id)
        if before == plan:
            return
        await OPERATIONS.execute("DELETE FROM test_plan WHERE person_id = $1", person_id)
        if plan is not None:
            await OPERATIONS.execute(
                "INSERT INTO test_plan (person_id, every_s, at_start, sound)"
                " VALUES ($1, $2, $3, $4)",
                person_id,
                plan.every_s,
                plan.at_start,
                plan.sound.value,
            )
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="reach.plan_set",
            subject=person_id,
            before=None if before is None else msgspec.to_builtins(before),
            after=None if plan is None else msgspec.to_builtins(plan),
            at=at,
        )


# --- who cannot be reached --------------------------------------------------------------------


async def unreachable(people: Sequence[UUID] | None = None) -> dict[UUID, Lost]:
    """Who cannot be reached now, of these people or of everybody."""
    rows = await OPERATIONS.fetch(
        "SELECT * FROM unreachable WHERE $1::uuid[] IS NULL OR person_id = ANY($1::uuid[])",
        None if people is None else list(people),
    )
    return {
        row["person_id"]: Lost(
            since=row["since"], why=row["why"], number=row["number"], zh=row["zh"], en=row["en"]
        )
        for row in rows
    }


async def away(_at: datetime) -> frozenset[UUID]:
    """Whom dispatch must not ask, because nothing is known to reach them."""
    return frozenset(await unreachable())


async def lose(person_id: UUID, verdict: Verdict, found: Score, *, at: datetime) -> bool:
    """Somebody cannot be reached from now on; False when that was known."""
    new = await OPERATIONS.execute(
        "INSERT INTO unreachable (person_id, since, why, number, zh, en)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        person_id,
        at,
        verdict.why,
        found.number,
        verdict.said.zh,
        verdict.said.en,
    )
    if new:
        await _note(person_id, False, verdict.why, found.number, found.parts, at)
    return bool(new)


async def find_again(person_id: UUID, why: str, *, number: int, at: datetime) -> bool:
    """Somebody can be reached again, or is off duty; False when nothing was known against it."""
    gone = await OPERATIONS.execute("DELETE FROM unreachable WHERE person_id = $1", person_id)
    if gone:
        await _note(person_id, True, why, number, (), at)
    return bool(gone)


async def _note(
    person_id: UUID, reachable: bool, why: str, number: int, parts: Sequence[Any], at: datetime
) -> None:
    await OPERATIONS.execute(
        "INSERT INTO reach_change (person_id, at, reachable, why, number, parts)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        person_id,
        at,
        reachable,
        why,
        number,
        list(parts),
    )


async def changes_of(person_id: UUID, *, at_most: int = 20) -> list[Change]:
    """When a person was lost and found, newest first."""
    rows = await OPERATIONS.fetch(
        "SELECT at, reachable, why, number FROM reach_change WHERE person_id = $1"
        " ORDER BY id DESC LIMIT $2",
        person_id,
        at_most,
    )
    return [Change(**dict(row)) for row in rows]
