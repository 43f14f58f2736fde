"""What became of messages: the ledger of an incident or a person, and the dead letters.

Sent is not delivered, delivered is not seen, seen is not acted upon: each line shows every
attempt with its provider's answer, and every receipt with its two times and its source.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.messages import service
from backend.messages.schemas import Came, DeadLetter, Line, ProviderState, Tried
from backend.shared.db import OPERATIONS, Row
from backend.shared.ids import uuid7
from push.message import Message

T = TypeVar("T", bound=msgspec.Struct)
_LINE = (
    "SELECT id, address, body, created_at, expires_at, ended, ended_at, told_person, ladder,"
    " digest_id, last_error, incident_id FROM message "
)


async def of_incident(incident_id: UUID) -> list[Line]:
    """Every message of an incident, oldest first."""
    return await _lines(
        await OPERATIONS.fetch(
            _LINE + "WHERE incident_id = $1 ORDER BY created_at, id", incident_id
        )
    )


async def of_address(address: str, *, since: datetime, limit: int = 200) -> list[Line]:
    """What was said to one person, newest first.

    Args:
        address: whose, see ``addresses``.
        since: UTC; nothing older.
        limit: the most lines.
    """
    return await _lines(
        await OPERATIONS.fetch(
            _LINE + "WHERE address = $1 AND created_at >= $2 ORDER BY created_at DESC, id LIMIT $3",
            address,
            since,
            limit,
        )
    )


async def of_messages(ids: Sequence[UUID]) -> list[Line]:
    """These messages, oldest first; unknown ones are left out."""
    return await _lines(
        await OPERATIONS.fetch(_LINE + "WHERE id = ANY($1::uuid[]) ORDER BY created_at, id", ids)
    )


async def _lines(rows: Sequence[Row]) -> list[Line]:
    ids = [row["id"] for row in rows]
    tried: dict[UUID, list[Tried]] = {each: [] for each in ids}
    for row in await OPERATIONS.fetch(
        "SELECT message_id, door, at, ended_at, outcome, code, provider FROM delivery"
        " WHERE message_id = ANY($1::uuid[]) ORDER BY id",
        ids,
    ):
        tried[row["message_id"]].append(_named(Tried, row))
    came: dict[UUID, list[Came]] = {each: [] for each in ids}
    for row in await OPERATIONS.fetch(
        "SELECT message_id, kind, at, received_at, door, source FROM receipt"
        " WHERE message_id = ANY($1::uuid[]) ORDER BY received_at, at",
        ids,
    ):
        came[row["message_id"]].append(_named(Came, row))
    lines = []
    for row in rows:
        message = _message(row)
        lines.append(
            Line(
                message_id=row["id"],
                incident_id=row["incident_id"],
                address=row["address"],
                urgency=message.urgency if message else None,
                handling=message.handling if message else None,
                title=message.for_open_app()[0] if message else "",
                created_at=row["created_at"],
                expires_at=row["expires_at"],
                ended=row["ended"],
                ended_at=row["ended_at"],
                told_person=row["told_person"],
                ladder=row["ladder"],
                digest_id=row["digest_id"],
                last_error=row["last_error"],
                deliveries=tried[row["id"]],
                receipts=came[row["id"]],
            )
        )
    return lines


async def dead_letters(*, before: datetime | None = None, limit: int = 100) -> list[DeadLetter]:
    """Messages that never left by any door, newest first; ``before`` pages on (``dead_at``)."""
    rows = await OPERATIONS.fetch(
        "SELECT m.id, m.address, m.incident_id, m.body, m.created_at, m.ended_at, m.last_error,"
        " m.told_person, m.requeued_as,"
        " (SELECT count(*) FROM delivery d WHERE d.message_id = m.id) AS attempts"
        " FROM message m WHERE m.ended IN ('dead', 'unreadable')"
        " AND ($1::timestamptz IS NULL OR m.ended_at < $1) ORDER BY m.ended_at DESC, m.id LIMIT $2",
        before,
        limit,
    )
    return [_dead(row) for row in rows]


async def requeue(
    message_id: UUID, *, actor: UUID, role: str, reason: str, now: datetime
) -> UUID | None:
    """Send a dead letter again as a new message, once however often it is asked for.

    The old line stays as it was and names the new one. A question that had buttons is not asked
    again: its answer would come too late.

    Args:
        message_id: of the dead letter.
        actor, role, reason: who wants it, and why.
        now: UTC; the new message is sent now and lives as long as the old one.

    Returns:
        The new message's id; None when this is no dead letter, or none that may be sent again.
    """
    async with OPERATIONS.transaction():
        row = await OPERATIONS.fetch_one(
            "SELECT id, address, incident_id, body, requeued_as FROM message"
            " WHERE id = $1 AND ended IN ('dead', 'unreadable') FOR UPDATE",
            message_id,
        )
        message = _message(row) if row is not None else None
        if row is None or message is None or message.actions:
            return None
        if row["requeued_as"] is not None:
            return UUID(str(row["requeued_as"]))
        again = msgspec.structs.replace(message, id=uuid7(), sent_at=now)
        await service.enqueue(again, row["address"], incident_id=row["incident_id"])
        await OPERATIONS.execute(
            "UPDATE message SET requeued_as = $2 WHERE id = $1", message_id, again.id
        )
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="messages.dead_letter_requeued",
            subject=message_id,
            after={"message_id": str(again.id)},
            reason=reason,
            at=now,
        )
    return again.id


async def providers(*, now: datetime, within_h: float = 24.0) -> list[ProviderState]:
    """Every provider's breaker at each node, as it last changed; those that are open first."""
    rows = await OPERATIONS.fetch(
        "SELECT node, name, failures, open_until, last_code, changed_at FROM provider"
        " WHERE changed_at > $1 ORDER BY open_until IS NULL, name, node",
        now - timedelta(hours=within_h),
    )
    return [_named(ProviderState, row) for row in rows]


def _dead(row: Row) -> DeadLetter:
    message = _message(row)
    return DeadLetter(
        message_id=row["id"],
        address=row["address"],
        incident_id=row["incident_id"],
        title=message.for_open_app()[0] if message else "",
        urgency=message.urgency if message else None,
        created_at=row["created_at"],
        dead_at=row["ended_at"],
        last_error=row["last_error"] or "",
        attempts=row["attempts"],
        told_person=row["told_person"],
        requeued_as=row["requeued_as"],
        may_requeue=bool(message and not message.actions and row["requeued_as"] is None),
    )


def _message(row: Row) -> Message | None:
    try:
        return msgspec.json.decode(row["body"], type=Message)
    except msgspec.MsgspecError:
        return None


def _named(kind: type[T], row: Row) -> T:
    return kind(**{name: row[name] for name in kind.__struct_fields__})
