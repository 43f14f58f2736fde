"""Say something to somebody, take it back, and take receipts.

Everything is a row of the operations database: inside a caller's transaction it stands or falls
with what the caller does. ``carrier`` works the rows off; ``ledger`` reads what became of them.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from backend.messages import calling_off
from backend.messages.outbox import Letter, put
from backend.messages.schemas import OnReceipt
from backend.shared.db import OPERATIONS
from push.message import Message
from push.port import ReceiptKind

log = logging.getLogger("jiean.messages")


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
    return (
        await enqueue_all([Letter(message=message, address=address, incident_id=incident_id)]) > 0
    )


async def enqueue_all(letters: Sequence[Letter]) -> int:
    """The same for many at once, in a few statements: a whole quarter is told in one transaction.

    Returns:
        How many were new.
    """
    return len(await put(letters))


async def withdraw(
    *, collapse_key: str = "", ids: Sequence[UUID] = (), now: datetime | None = None
) -> int:
    """Stop trying messages that no longer matter, also where a provider is just being asked.

    Args:
        collapse_key: every message with this key; empty means none.
        ids: and these.
        now: UTC; then what stands on a locked screen is replaced by a quiet word that it is
            over. None leaves it there.

    Returns:
        How many were still being tried.
    """
    async with OPERATIONS.transaction():
        await calling_off.take_out_of_digests(collapse_key, ids)
        tried = await OPERATIONS.fetch(
            "UPDATE message SET next_at = NULL, ended = 'withdrawn',"
            " ended_at = coalesce($3, now()) WHERE id IN (SELECT id FROM message"
            " WHERE next_at IS NOT NULL AND (id = ANY($1::uuid[]) OR (collapse_key = $2"
            " AND $2 <> '')) ORDER BY id FOR UPDATE) RETURNING id",
            list(ids),
            collapse_key,
            now,
        )
        await calling_off.cut_short([row["id"] for row in tried])
        if now is not None:
            shown = await calling_off.shown(collapse_key, ids, now)
            await calling_off.replace_on_screens(shown, now)
    return len(tried)


async def take_receipts(
    address: str,
    receipts: Iterable[tuple[UUID, ReceiptKind, datetime]],
    *,
    door: str | None,
    now: datetime,
    on_receipt: OnReceipt | None = None,
    source: str = "device",
) -> list[UUID]:
    """Keep what a device says it got. The same receipt again changes nothing.

    A receipt for a message that was never sent to ``address`` is ignored: nobody can answer for
    somebody else. A digest's receipts count for everything that it told.

    Args:
        address: whose device speaks.
        receipts: message, how far it got, when by the device's clock (UTC).
        door: ``live`` where it came by the socket; None to tell it from what was tried.
        now: the server's time, UTC.
        on_receipt: called for each receipt that is new.
        source: who says so: the ``device``, or the ``provider``.

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
            new = await _keep(message_id, kind, at, doors[message_id], source, now)
            if message_id in new:
                await _rest(message_id, kind, now)
            if on_receipt is not None:
                for each in new:
                    await on_receipt(address, each, kind, doors[message_id], now)
    foreign = len({message_id for message_id, _, _ in given} - doors.keys())
    if foreign:
        log.warning("%d receipts of %s for messages never sent there", foreign, address)
    return list(dict.fromkeys(each for each, _, _ in given if each in doors))


async def take_report(
    door: str,
    reference: str,
    kind: ReceiptKind,
    at: datetime,
    *,
    now: datetime,
    on_receipt: OnReceipt | None = None,
) -> bool:
    """Keep what a provider reports later about a message that it took: a call was answered.

    Args:
        door: ``sms``, ``voice`` or another door whose provider reports back.
        reference: the provider's own name for the message, ``Result.reference``.
        kind: how far it got.
        at: UTC, by the provider's clock.
        now: the server's time, UTC.
        on_receipt: as in ``take_receipts``.

    Returns:
        False when no message of ours has this reference.
    """
    row = await OPERATIONS.fetch_one(
        "SELECT m.id, m.address FROM delivery d JOIN message m ON m.id = d.message_id"
        " WHERE d.door = $1 AND d.reference = $2 AND d.reference <> '' ORDER BY d.id DESC LIMIT 1",
        door,
        reference,
    )
    if row is None:
        return False
    await take_receipts(
        row["address"],
        [(row["id"], kind, at)],
        door=door,
        now=now,
        on_receipt=on_receipt,
        source="provider",
    )
    return True


async def _keep(
    message_id: UUID, kind: ReceiptKind, at: datetime, door: str | None, source: str, now: datetime
) -> list[UUID]:
    """Write a receipt down, for what a digest told as well; the messages for which it is new."""
    rows = await OPERATIONS.fetch(
        "INSERT INTO receipt (message_id, kind, at, received_at, door, source)"
        " SELECT id, $2, $3, $4, $5, CASE WHEN id = $1 THEN $6 ELSE 'digest' END FROM message"
        " WHERE id = $1 OR digest_id = $1 ORDER BY id <> $1, id"
        " ON CONFLICT DO NOTHING RETURNING message_id",
        message_id,
        kind.value,
        at,
        now,
        door,
        source,
    )
    return [row["message_id"] for row in rows]


async def _rest(message_id: UUID, kind: ReceiptKind, now: datetime) -> None:
    """The ladder rests after any receipt: the person has it. An act ends it for good."""
    acted = kind is ReceiptKind.ACTED
    ended = await OPERATIONS.execute(
        "UPDATE message SET next_at = NULL, ended = $2, ended_at = $3"
        " WHERE id = $1 AND (next_at IS NOT NULL OR (ended = 'received' AND $2 = 'acknowledged'))",
        message_id,
        "acknowledged" if acted else "received",
        now,
    )
    if not ended:
        return
    await calling_off.cut_short([message_id])
    if acted:
        await calling_off.replace_on_screens(await calling_off.other_screens(message_id), now)


def _only(doors: list[str]) -> str | None:
    """The one door that a receipt can have come by, in the words of a phone's check."""
    names = dict.fromkeys(("webpush", "fcm", "apns"), "push")
    return names.get(doors[0], doors[0]) if len(doors) == 1 else None
