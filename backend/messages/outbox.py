"""Write messages into the outbox: in bulk, gathered into digests where a storm would be told."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from push import ladder
from push.bundle import KIND, POLICIES, digest, joins_digest, may_be_gathered
from push.message import Audience, Message, Urgency

CHANNEL = "messages"
"""Told when a message is due: the carriers wake."""
ALARMS, NEW, URGENT, REST = range(4)
"""The lanes of the outbox. Staff's emergencies have one of their own; everything else begins as
``NEW``, which costs no provider anything, and waits in one of the other two for a rung."""
_STAFF = (Audience.STAFF, Audience.DESK)
_ROWS = 1_000


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message, to whom, and to which incident's ledger it belongs.

    Args:
        only_doors: the only doors by which it may leave; None for those of its ladder.
    """

    message: Message
    address: str
    incident_id: UUID | None
    only_doors: tuple[str, ...] | None = None


def lane_of(message: Message) -> int:
    """In which lane a message begins."""
    alarm = message.urgency is Urgency.EMERGENCY and message.audience in _STAFF
    return ALARMS if alarm else NEW


async def put(letters: Sequence[Letter]) -> list[UUID]:
    """Insert what is not there yet; the ids that were new. Joins the caller's transaction."""
    new: list[UUID] = []
    async with OPERATIONS.transaction():
        alone, gathered = await _sorted(letters)
        for first in range(0, len(alone), _ROWS):
            new += await _insert(alone[first : first + _ROWS])
        for letter in gathered:
            new += await _gather(letter)
        if new:
            await OPERATIONS.notify(CHANNEL)
    return new


async def _sorted(letters: Sequence[Letter]) -> tuple[list[Letter], list[Letter]]:
    """Those that are told by themselves, and those that join a digest."""
    maybe = [each for each in letters if _bundles(each)]
    told: dict[tuple[str, str], int] = {}
    if maybe:
        since = max(each.message.sent_at for each in maybe)
        rows = await OPERATIONS.fetch(
            "SELECT address, urgency, count(*) AS told FROM message"
            " WHERE address = ANY($1::text[]) AND digest_id IS NULL AND handling <> 'test'"
            " AND created_at > $2::timestamptz - CASE urgency WHEN 'high' THEN $3::interval"
            " ELSE $4::interval END AND urgency <> 'emergency' AND id <> ALL($5::uuid[])"
            " GROUP BY address, urgency",
            list({each.address for each in maybe}),
            since,
            timedelta(seconds=POLICIES[Urgency.HIGH].within_s),
            timedelta(seconds=POLICIES[Urgency.NORMAL].within_s),
            [each.message.id for each in maybe],
        )
        told = {(row["address"], row["urgency"]): row["told"] for row in rows}
    alone, gathered = [], []
    for each in letters:
        key = (each.address, each.message.urgency.value)
        if _bundles(each) and joins_digest(each.message, told.get(key, 0)):
            gathered.append(each)
            continue
        alone.append(each)
        if _bundles(each):
            told[key] = told.get(key, 0) + 1
    return alone, gathered


def _bundles(letter: Letter) -> bool:
    return letter.only_doors is None and may_be_gathered(letter.message)


async def _insert(letters: Sequence[Letter], *, digest_id: UUID | None = None) -> list[UUID]:
    """As rows that are due, or as items of a digest, which are not."""
    columns: Mapping[str, list[Any]] = {
        "id": [each.message.id for each in letters],
        "address": [each.address for each in letters],
        "audience": [each.message.audience.value for each in letters],
        "urgency": [each.message.urgency.value for each in letters],
        "handling": [each.message.handling.value for each in letters],
        "body": [each.message for each in letters],
        "collapse_key": [each.message.collapse_key for each in letters],
        "incident_id": [each.incident_id for each in letters],
        "created_at": [each.message.sent_at for each in letters],
        "ttl_s": [timedelta(seconds=each.message.ttl_s) for each in letters],
        "lane": [lane_of(each.message) for each in letters],
        # PostgreSQL has no array of arrays of different lengths
        "only_doors": ["|".join(each.only_doors or ()) or None for each in letters],
    }
    rows = await OPERATIONS.fetch(
        "INSERT INTO message (id, address, audience, urgency, handling, body, collapse_key,"
        " incident_id, created_at, expires_at, lane, only_doors, ladder, digest_id, next_at, ended,"
        " ended_at)"
        " SELECT id, address, audience, urgency, handling, body, collapse_key, incident_id,"
        " created_at, created_at + ttl_s, lane, string_to_array(only_doors, '|'), $13, $14,"
        " CASE WHEN $14::uuid IS NULL THEN created_at END,"
        " CASE WHEN $14::uuid IS NOT NULL THEN 'bundled' END,"
        " CASE WHEN $14::uuid IS NOT NULL THEN created_at END"
        " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[],"
        " $7::text[], $8::uuid[], $9::timestamptz[], $10::interval[], $11::smallint[],"
        " $12::text[]) AS m (id, address, audience, urgency, handling, body, collapse_key,"
        " incident_id, created_at, ttl_s, lane, only_doors)"
        " ON CONFLICT (id) DO NOTHING RETURNING id",
        *columns.values(),
        ladder.VERSION,
        digest_id,
    )
    return [row["id"] for row in rows]


async def _gather(letter: Letter) -> list[UUID]:
    """Put one message into the digest that gathers for its address, or begin one."""
    message = letter.message
    known = await OPERATIONS.fetch_value("SELECT true FROM message WHERE id = $1", message.id)
    if known:
        return []
    # The lane changes with the first claim: a digest that has left takes nothing more in.
    open_id = await OPERATIONS.fetch_value(
        "SELECT id FROM message WHERE address = $1 AND next_at IS NOT NULL AND lane = $2"
        " AND body -> 'data' ->> 'kind' = $3 AND audience = $4 AND urgency = $5 AND handling = $6"
        " AND body ->> 'locale' = $7 ORDER BY id LIMIT 1 FOR UPDATE",
        letter.address,
        NEW,
        KIND,
        message.audience.value,
        message.urgency.value,
        message.handling.value,
        message.locale,
    )
    if open_id is None:
        open_id = uuid7()
        due = message.sent_at + timedelta(seconds=POLICIES[message.urgency].gather_s)
        first = digest(open_id, [message], at=due)
        await _insert([Letter(message=first, address=letter.address, incident_id=None)])
    new = await _insert([letter], digest_id=open_id)
    await write_digest(open_id)
    return new


async def write_digest(digest_id: UUID) -> None:
    """Say in a digest that has not left what is in it now; with nothing in it, it is withdrawn."""
    rows = await OPERATIONS.fetch(
        "SELECT body FROM message WHERE digest_id = $1 ORDER BY created_at, id", digest_id
    )
    due = await OPERATIONS.fetch_value("SELECT created_at FROM message WHERE id = $1", digest_id)
    if not rows:
        await OPERATIONS.execute(
            "UPDATE message SET next_at = NULL, ended = 'withdrawn', ended_at = now()"
            " WHERE id = $1 AND next_at IS NOT NULL",
            digest_id,
        )
        return
    items = [msgspec.json.decode(row["body"], type=Message) for row in rows]
    told = digest(digest_id, items, at=due)
    await OPERATIONS.execute(
        "UPDATE message SET body = $2, expires_at = $3 WHERE id = $1",
        digest_id,
        told,
        due + timedelta(seconds=told.ttl_s),
    )
