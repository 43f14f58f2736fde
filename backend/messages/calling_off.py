"""The first answer ends the other rungs: those that wait, those under way, and what is on a screen.

What waits is a row that is no longer due. What a provider is just being asked is cut short by
the carrier that holds it. What a locked screen shows already is replaced there by a quiet word
of the same collapse key; not on Apple's devices, where it would be one more push that shows
nothing new: there the next message of this key takes its place.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from backend.messages.outbox import Letter, put, write_digest
from backend.shared.db import OPERATIONS, Row
from push.message import Message, replacing

OVER = "messages_over"
"""Told when a message ended that a door has in its hands."""
REPLACEABLE = ("webpush", "fcm")
APPLE = "web.push.apple.com"
"""The push service of Apple's browsers: an endpoint there is never sent a replacement."""
_SHOWN = (
    "SELECT m.id, m.address, m.incident_id, m.body, array_agg(DISTINCT d.door) AS doors"
    " FROM message m JOIN delivery d ON d.message_id = m.id AND d.outcome = 'sent'"
    " AND d.door = ANY($1::text[]) WHERE m.collapse_key <> '' AND m.only_doors IS NULL"
)
_ONE_OF_SEVERAL = (
    " AND m.id = $2 AND 1 < (SELECT count(*) FROM subscription s"
    " WHERE s.address = m.address AND s.gone_at IS NULL) GROUP BY m.id"
)


async def cut_short(ids: Sequence[UUID]) -> None:
    """Tell whichever carrier is just asking a provider for these messages to stop."""
    under_way = ids and await OPERATIONS.fetch_value(
        "SELECT true FROM delivery WHERE message_id = ANY($1::uuid[]) AND outcome IS NULL"
        " AND door <> 'live' LIMIT 1",
        list(ids),
    )
    if under_way:
        await OPERATIONS.notify(OVER)


async def shown(collapse_key: str, ids: Sequence[UUID], now: datetime) -> list[Row]:
    """Which of these a locked screen may still show, answered or not."""
    return await OPERATIONS.fetch(
        _SHOWN + " AND (m.id = ANY($2::uuid[]) OR (m.collapse_key = $3 AND $3 <> ''))"
        " AND m.expires_at > $4 AND m.next_at IS NULL GROUP BY m.id",
        list(REPLACEABLE),
        list(ids),
        collapse_key,
        now,
    )


async def other_screens(message_id: UUID) -> list[Row]:
    """The same for one that was answered: only where its person has more than one device."""
    return await OPERATIONS.fetch(
        _SHOWN + _ONE_OF_SEVERAL,
        list(REPLACEABLE),
        message_id,
    )


async def late(ids: Sequence[UUID]) -> list[Row]:
    """The same for those that a provider took, or may have taken, after they were over."""
    return await OPERATIONS.fetch(
        "SELECT m.id, m.address, m.incident_id, m.body, array_agg(DISTINCT d.door) AS doors"
        " FROM message m JOIN delivery d ON d.message_id = m.id AND d.door = ANY($1::text[])"
        " AND (d.outcome = 'sent' OR d.code = 'called-off')"
        " WHERE m.collapse_key <> '' AND m.only_doors IS NULL AND m.id = ANY($2::uuid[])"
        " AND m.ended IN ('withdrawn', 'acknowledged') GROUP BY m.id",
        list(REPLACEABLE),
        list(ids),
    )


async def replace_on_screens(rows: Sequence[Row], now: datetime) -> None:
    """Enqueue what takes their place, once for each door. Joins the caller's transaction."""
    letters = []
    for row in rows:
        message = msgspec.json.decode(row["body"], type=Message)
        for door in row["doors"]:
            over = replacing(message, uuid5(row["id"], f"over {door}"), at=now)
            letters.append(
                Letter(
                    message=over,
                    address=row["address"],
                    incident_id=row["incident_id"],
                    only_doors=(door,),
                )
            )
    if letters:
        await put(letters)


async def take_out_of_digests(collapse_key: str, ids: Sequence[UUID]) -> None:
    """Withdraw items of digests that have not left yet."""
    rows = await OPERATIONS.fetch(
        "UPDATE message m SET ended = 'withdrawn', digest_id = NULL FROM message d"
        " WHERE m.digest_id = d.id AND d.next_at IS NOT NULL AND d.lane = 1"
        " AND (m.id = ANY($1::uuid[]) OR (m.collapse_key = $2 AND $2 <> ''))"
        " RETURNING d.id",
        list(ids),
        collapse_key,
    )
    for digest_id in sorted({row["id"] for row in rows}):
        await write_digest(digest_id)
