"""Say something to somebody, take it back, and take receipts.

Everything is a row of the operations database: inside a caller's transaction it stands or falls
with what the caller does. ``carrier`` works the rows off.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.messages.schemas import (
    Came,
    Line,
    NewSubscription,
    OnReceipt,
    Tried,
)
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from push.message import Message
from push.port import ReceiptKind

log = logging.getLogger("jiean.messages")

CHANNEL = "messages"
SUBSCRIPTIONS_MOST = 10
"""Browsers of one address; the oldest goes for a new one."""


async def enqueue(message: Message, address: str, *, incident_id: UUID | None) -> bool:
    """Send a message, once however often this is called with the same ``message.id``.

    Joins the caller's transaction of operations; the carrier is woken when it commits.

    Args:
        message: what to say; it is due at ``sent_at`` and worthless ``ttl_s`` later.
        address: to whom, see ``addresses``.
        incident_id: which incident's ledger it belongs to.

    Returns:
        False when this id was there already.
    """
    async with OPERATIONS.transaction():
        new = await OPERATIONS.execute(
            "INSERT INTO message (id, address, audience, urgency, handling, body, collapse_key,"
            " incident_id, created_at, expires_at, next_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9) ON CONFLICT (id) DO NOTHING",
            message.id,
            address,
            message.audience.value,
            message.urgency.value,
            message.handling.value,
            message,
            message.collapse_key,
            incident_id,
            message.sent_at,
            message.sent_at + timedelta(seconds=message.ttl_s),
        )
        if new:
            await OPERATIONS.notify(CHANNEL)
    return bool(new)


async def withdraw(*, collapse_key: str = "", ids: Sequence[UUID] = ()) -> int:
    """Stop trying messages that no longer matter; what is on a screen stays there.

    Args:
        collapse_key: every message with this key; empty means none.
        ids: and these.

    Returns:
        How many were still being tried.
    """
    return await OPERATIONS.execute(
        "UPDATE message SET next_at = NULL, ended = 'withdrawn' WHERE next_at IS NOT NULL"
        " AND (id = ANY($1::uuid[]) OR (collapse_key = $2 AND $2 <> ''))",
        list(ids),
        collapse_key,
    )


async def take_receipts(
    address: str,
    receipts: Iterable[tuple[UUID, ReceiptKind, datetime]],
    *,
    door: str | None,
    now: datetime,
    on_receipt: OnReceipt | None = None,
) -> list[UUID]:
    """Keep what a device says it got. The same receipt again changes nothing.

    A receipt for a message that was never sent to ``address`` is ignored: nobody can answer for
    somebody else.

    Args:
        address: whose device speaks.
        receipts: message, how far it got, when by the device's clock (UTC).
        door: ``live`` where it came by the socket; None to tell it from what was tried.
        now: the server's time, UTC.
        on_receipt: called for each receipt that is new.

    Returns:
        The messages that are this address's, each once.
    """
    given = sorted(receipts, key=lambda each: each[0])  # one order of locks for everybody
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "SELECT m.id, array_remove(array_agg(DISTINCT d.door), NULL) AS doors"
            " FROM message m LEFT JOIN delivery d ON d.message_id = m.id AND d.outcome = 'sent'"
            " WHERE m.id = ANY($1::uuid[]) AND m.address = $2 GROUP BY m.id",
            [message_id for message_id, _, _ in given],
            address,
        )
        doors = {row["id"]: door or _only(row["doors"]) for row in rows}
        for message_id, kind, at in given:
            if message_id not in doors:
                continue
            new = await OPERATIONS.execute(
                "INSERT INTO receipt (message_id, kind, at, received_at, door)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                message_id,
                kind.value,
                at,
                now,
                doors[message_id],
            )
            if new:
                # The ladder rests after any receipt: the person has it.
                await OPERATIONS.execute(
                    "UPDATE message SET next_at = NULL, ended = 'received'"
                    " WHERE id = $1 AND next_at IS NOT NULL",
                    message_id,
                )
                if on_receipt is not None:
                    await on_receipt(address, message_id, kind, doors[message_id], now)
    foreign = len({message_id for message_id, _, _ in given} - doors.keys())
    if foreign:
        log.warning("%d receipts of %s for messages never sent there", foreign, address)
    return list(dict.fromkeys(each for each, _, _ in given if each in doors))


def _only(doors: list[str]) -> str | None:
    """The one door that a receipt can have come by, in the words of a phone's check."""
    names = dict.fromkeys(("webpush", "fcm", "apns"), "push")
    return names.get(doors[0], doors[0]) if len(doors) == 1 else None


async def ledger(incident_id: UUID) -> list[Line]:
    """Every message of an incident, oldest first."""
    rows = await OPERATIONS.fetch(
        "SELECT id, address, body, created_at, expires_at, ended, told_person FROM message"
        " WHERE incident_id = $1 ORDER BY created_at, id",
        incident_id,
    )
    ids = [row["id"] for row in rows]
    tried: dict[UUID, list[Tried]] = {each: [] for each in ids}
    for row in await OPERATIONS.fetch(
        "SELECT message_id, door, at, outcome, code FROM delivery"
        " WHERE message_id = ANY($1::uuid[]) ORDER BY id",
        ids,
    ):
        found = Tried(door=row["door"], at=row["at"], outcome=row["outcome"], code=row["code"])
        tried[row["message_id"]].append(found)
    came: dict[UUID, list[Came]] = {each: [] for each in ids}
    for row in await OPERATIONS.fetch(
        "SELECT message_id, kind, at, received_at, door FROM receipt"
        " WHERE message_id = ANY($1::uuid[]) ORDER BY received_at, at",
        ids,
    ):
        came[row["message_id"]].append(
            Came(kind=row["kind"], at=row["at"], received_at=row["received_at"], door=row["door"])
        )
    lines = []
    for row in rows:
        message = msgspec.json.decode(row["body"], type=Message)
        lines.append(
            Line(
                message_id=row["id"],
                address=row["address"],
                urgency=message.urgency,
                handling=message.handling,
                title=message.for_open_app()[0],
                created_at=row["created_at"],
                expires_at=row["expires_at"],
                ended=row["ended"],
                told_person=row["told_person"],
                deliveries=tried[row["id"]],
                receipts=came[row["id"]],
            )
        )
    return lines


async def subscribe(
    address: str, wish: NewSubscription, *, actor: UUID, role: str, now: datetime
) -> None:
    """Let a browser be pushed to. The same browser again belongs to whoever asked last."""
    async with OPERATIONS.transaction():
        before = await OPERATIONS.fetch_one(
            "SELECT id, address, device_id, gone_at FROM subscription WHERE endpoint = $1"
            " FOR UPDATE",
            wish.endpoint,
        )
        kept = await OPERATIONS.fetch_value(
            "INSERT INTO subscription (id, address, device_id, endpoint, p256dh, auth, created_at,"
            " door) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (endpoint) DO UPDATE SET"
            " address = $2, device_id = $3, p256dh = $5, auth = $6, created_at = $7, door = $8,"
            " gone_at = NULL RETURNING id",
            uuid7(),
            address,
            wish.device_id,
            wish.endpoint,
            wish.keys.p256dh if wish.keys else "",
            wish.keys.auth if wish.keys else "",
            now,
            wish.door,
        )
        if wish.door != "webpush":
            # An app has one token; the one that it had before is replaced by this.
            await OPERATIONS.execute(
                "UPDATE subscription SET gone_at = $4 WHERE address = $1 AND device_id = $2"
                " AND door = $3 AND gone_at IS NULL AND id <> $5",
                address,
                wish.device_id,
                wish.door,
                now,
                kept,
            )
        await OPERATIONS.execute(
            "UPDATE subscription SET gone_at = $2 WHERE id IN (SELECT id FROM subscription"
            " WHERE address = $1 AND gone_at IS NULL AND id <> $3"
            " ORDER BY created_at DESC, id DESC OFFSET $4)",
            address,
            now,
            kept,
            SUBSCRIPTIONS_MOST - 1,
        )
        active = before if before is not None and before["gone_at"] is None else None
        if active and (active["address"], active["device_id"]) == (address, wish.device_id):
            return
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="messages.subscription_added",
            subject=kept,
            before={"address": before["address"]} if before else None,
            after={"address": address, "device_id": wish.device_id},
            at=now,
        )


async def unsubscribe(
    address: str, endpoint: str, *, actor: UUID, role: str, now: datetime
) -> bool:
    """Push to this browser no more; False when it was not this address's."""
    async with OPERATIONS.transaction():
        gone = await OPERATIONS.fetch_value(
            "UPDATE subscription SET gone_at = $3 WHERE endpoint = $1 AND address = $2"
            " AND gone_at IS NULL RETURNING id",
            endpoint,
            address,
            now,
        )
        if gone is not None:
            await audit.record(
                OPERATIONS,
                actor=actor,
                role=role,
                action="messages.subscription_removed",
                subject=gone,
                after={"address": address},
                at=now,
            )
    return gone is not None
