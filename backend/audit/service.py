"""Write audit rows beside the change they record, and ship them to the audit log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from backend.audit.flow import redact
from backend.shared.db import IDENTITY, OPERATIONS, RECORDS, TELEMETRY
from backend.shared.ids import uuid7

SYSTEM = "system"
"""Actor and role of what the platform does by itself."""
ORIGINS = (("operations", OPERATIONS), ("identity", IDENTITY), ("telemetry", TELEMETRY))
"""Where changes are made, and so where their audit rows first stand."""


class Journaled(Protocol):
    """A database that holds an ``audit_entry`` table: OPERATIONS, IDENTITY or TELEMETRY."""

    def transaction_exists(self) -> bool: ...
    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One audit row; what its fields are, ``record`` says."""

    actor: UUID | str
    role: str
    action: str
    subject: UUID | str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str | None = None


class OutsideTransaction(RuntimeError):
    """An audit row was to be written on its own; it could then survive without its change."""


async def record(
    engine: Journaled,
    *,
    actor: UUID | str,
    role: str,
    action: str,
    subject: UUID | str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
    at: datetime,
) -> None:
    """Add the audit row of a change, inside the change's own transaction.

    Args:
        engine: the database that the change is made in.
        actor: the account's id, ``system``, or ``link:<purpose>`` for a person without account.
        role: the role, or roles joined by ``+``, in which it was done.
        action: what was done, ``domain.past_participle``, such as ``staff.duty_set``.
        subject: the id of what was changed or looked at. Never a name or a number.
        before: the changed fields as they were; private values are hidden here.
        after: the changed fields as they are; private values are hidden here.
        reason: the reason that somebody gave, when one was asked for.
        at: when, UTC.

    Raises:
        OutsideTransaction: ``engine`` has no open transaction in this task.
    """
    entry = Entry(
        actor=actor, role=role, action=action, subject=subject, before=before, after=after,
        reason=reason,
    )  # fmt: skip
    await record_all(engine, [entry], at=at)


async def record_many(
    engine: Journaled,
    *,
    actor: UUID | str,
    role: str,
    action: str,
    subjects: Iterable[tuple[UUID | str, Mapping[str, Any] | None]],
    before: Mapping[str, Any] | None = None,
    reason: str | None = None,
    at: datetime,
) -> None:
    """The same for one act on many subjects, each with what it is now: a row for each."""
    entries = [
        Entry(
            actor=actor, role=role, action=action, subject=subject, before=before, after=after,
            reason=reason,
        )
        for subject, after in subjects
    ]  # fmt: skip
    await record_all(engine, entries, at=at)


async def record_all(engine: Journaled, entries: Sequence[Entry], *, at: datetime) -> None:
    """The same for several acts of one moment, as a phone's batch is: a row for each, in order."""
    if not engine.transaction_exists():
        acts = ", ".join(sorted({entry.action for entry in entries}))
        raise OutsideTransaction(f"{acts} was to be audited outside its transaction")
    await engine.execute_many(
        "INSERT INTO audit_entry (id, at, actor, role, action, subject, before, after, reason)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (uuid7(), at, str(entry.actor), entry.role, entry.action, str(entry.subject),
             redact(entry.before), redact(entry.after), entry.reason)
            for entry in entries
        ],
    )  # fmt: skip


async def ship(limit: int, *, at: datetime) -> int:
    """Copy waiting audit rows into the audit log and stamp them as shipped.

    Rows are claimed with ``SKIP LOCKED``, so several nodes may ship at once. The log takes each
    id once: a crash between the two databases only means that a row is offered again.

    Args:
        limit: rows taken from each of the three databases, at most.
        at: the time stamped on the copy and on the row, UTC.

    Returns:
        How many rows were shipped.
    """
    shipped = 0
    for origin, engine in ORIGINS:
        async with engine.transaction():
            rows = await engine.fetch(
                "SELECT id, at, actor, role, action, subject, before, after, reason"
                " FROM audit_entry WHERE shipped_at IS NULL ORDER BY id LIMIT $1"
                " FOR UPDATE SKIP LOCKED",
                limit,
            )
            if not rows:
                continue
            columns = list(zip(*(tuple(row) for row in rows), strict=True))
            await RECORDS.execute(
                "INSERT INTO audit_log (id, origin, at, actor, role, action, subject, before,"
                " after, reason, logged_at)"
                " SELECT id, $1, at, actor, role, action, subject, before, after, reason, $2"
                " FROM unnest($3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],"
                " $8::text[], $9::jsonb[], $10::jsonb[], $11::text[])"
                " AS row (id, at, actor, role, action, subject, before, after, reason)"
                " ON CONFLICT (id) DO NOTHING",
                origin, at, *(list(column) for column in columns),
            )  # fmt: skip
            await engine.execute(
                "UPDATE audit_entry SET shipped_at = $1 WHERE id = ANY($2::uuid[])",
                at, list(columns[0]),
            )  # fmt: skip
            shipped += len(rows)
    return shipped


async def forget(limit: int, *, before: datetime) -> int:
    """Delete rows beside the data that the audit log has had since ``before`` or longer.

    The log itself keeps them; the database refuses to delete what is not shipped, or was less
    than a week ago.

    Args:
        limit: rows of each of the three databases, at most.
        before: when they were shipped, UTC.
    """
    gone = 0
    for _, engine in ORIGINS:
        gone += await engine.execute(
            "DELETE FROM audit_entry WHERE id IN (SELECT id FROM audit_entry"
            " WHERE shipped_at < $1 ORDER BY id LIMIT $2)",
            before,
            limit,
        )
    return gone
