"""What a technician looks at and does: messages that did not come, dead letters, providers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.shared.db import OPERATIONS
from push.message import Audience


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger's line leaves out. ``lock_title`` is what anybody near the phone may read."""

    audience: Audience
    kind: str
    lock_title: str
    only: frozenset[str] | None


async def extras(ids: Sequence[UUID]) -> dict[UUID, Extra]:
    """More about these messages; unreadable ones are left out."""
    rows = await OPERATIONS.fetch(
        "SELECT id, audience, only_doors, body -> 'data' ->> 'kind' AS kind,"
        " body ->> 'lockTitle' AS lock_title FROM message WHERE id = ANY($1::uuid[])",
        list(ids),
    )
    return {
        row["id"]: Extra(
            audience=Audience(row["audience"]),
            kind=row["kind"] or "",
            lock_title=row["lock_title"] or "",
            only=None if row["only_doors"] is None else frozenset(row["only_doors"]),
        )
        for row in rows
    }


async def recent(*, since: datetime, failed: bool, at_most: int) -> list[UUID]:
    """Messages to anybody, newest first.

    Args:
        since: UTC; nothing older.
        failed: only those that are over and of which no device said anything.
        at_most: the most that are named.
    """
    rows = await OPERATIONS.fetch(
        "SELECT id FROM message WHERE created_at >= $1 AND (NOT $2 OR ended IN"
        " ('expired', 'dead', 'unreadable', 'given_up')) ORDER BY created_at DESC, id LIMIT $3",
        since,
        failed,
        at_most,
    )
    return [row["id"] for row in rows]


async def waiting_letters() -> int:
    """Dead letters that nobody has sent again or given up."""
    found: int = await OPERATIONS.fetch_value(
        "SELECT count(*) FROM message WHERE ended IN ('dead', 'unreadable') AND requeued_as IS NULL"
    )
    return found


async def give_up(message_id: UUID, *, actor: UUID, role: str, reason: str, at: datetime) -> bool:
    """Nobody will send this dead letter again; False when it is none."""
    async with OPERATIONS.transaction():
        row = await OPERATIONS.fetch_one(
            "UPDATE message SET ended = 'given_up' WHERE id = $1 AND requeued_as IS NULL"
            " AND ended IN ('dead', 'unreadable') RETURNING last_error",
            message_id,
        )
        if row is None:
            return False
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="messages.dead_letter_given_up",
            subject=message_id,
            before={"last_error": row["last_error"]},
            reason=reason,
            at=at,
        )
    return True


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """How one provider answered: how many attempts, how many it took, and how long they lasted."""

    attempts: int
    taken: int
    p50_s: float | None
    p99_s: float | None
    last_error: str | None
    last_error_at: datetime | None


async def speeds(*, since: datetime) -> dict[str, Speed]:
    """By provider; ``breaker-open`` is our own word and counts for nothing."""
    rows = await OPERATIONS.fetch(
        "SELECT provider, count(*) AS attempts, count(*) FILTER (WHERE outcome = 'sent') AS taken,"
        " percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP"
        " (ORDER BY extract(epoch FROM ended_at - at)::float8) AS lasted,"
        " (array_agg(code ORDER BY at DESC) FILTER (WHERE outcome <> 'sent'))[1] AS last_error,"
        " max(at) FILTER (WHERE outcome <> 'sent') AS last_error_at"
        " FROM delivery WHERE at >= $1 AND provider <> '' AND code <> 'breaker-open'"
        " AND ended_at IS NOT NULL GROUP BY provider",
        since,
    )
    return {
        row["provider"]: Speed(
            attempts=row["attempts"],
            taken=row["taken"],
            p50_s=row["lasted"][0],
            p99_s=row["lasted"][1],
            last_error=row["last_error"],
            last_error_at=row["last_error_at"],
        )
        for row in rows
    }


TRY_AGAIN = "provider_try"
"""Told, with a provider's name, when somebody wants it to be tried at once."""


async def try_again(provider: str, *, actor: UUID, role: str, at: datetime) -> None:
    """Let the next message through to a provider that was left alone, at every node."""
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "UPDATE provider SET open_until = $2 WHERE name = $1 AND open_until > $2", provider, at
        )
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="messages.provider_tried",
            subject=provider,
            at=at,
        )
        await OPERATIONS.notify(TRY_AGAIN, provider)
