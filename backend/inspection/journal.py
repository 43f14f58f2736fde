"""The events of checks and repairs: appended in the transaction of what they change."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from backend.inspection.flow import check, repair
from backend.shared.db import OPERATIONS

E = TypeVar("E", check.Event, repair.Event)


async def append(
    stream: UUID, version: int, events: Sequence[check.Event | repair.Event], at: datetime
) -> None:
    """Write events after ``version``, the last one that is there."""
    await OPERATIONS.execute_many(
        "INSERT INTO inspection_event (stream, version, body, command_id, received_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        [
            (stream, version + n, msgspec.json.encode(event).decode(), event.command_id, at)
            for n, event in enumerate(events, 1)
        ],
    )


async def of_many(streams: Sequence[UUID], kind: type[E]) -> dict[UUID, list[E]]:
    """The events of each of these, oldest first."""
    rows = await OPERATIONS.fetch(
        "SELECT stream, body FROM inspection_event WHERE stream = ANY($1::uuid[])"
        " ORDER BY stream, version",
        list(streams),
    )
    decoder = msgspec.json.Decoder(kind)
    found: dict[UUID, list[E]] = defaultdict(list)
    for row in rows:
        found[row["stream"]].append(decoder.decode(row["body"]))
    return found


async def heard(command_id: UUID) -> bool:
    """Was this step written down before, also as a late one?"""
    return bool(
        await OPERATIONS.fetch_value(
            "SELECT true FROM inspection_event WHERE command_id = $1", command_id
        )
    )


async def on_photo(staff_id: UUID, sha256: str) -> bool:
    """Whether this photograph is of a round that is or was walked by this person."""
    return bool(
        await OPERATIONS.fetch_value(
            "SELECT true FROM inspection_event e JOIN inspection_check c ON c.id = e.stream"
            " JOIN inspection_round r ON r.id = c.round_id"
            " WHERE $2 IN (e.body -> 'fact' ->> 'sha256', e.body -> 'fact' ->> 'burntSha256',"
            " e.body -> 'fact' ->> 'previewSha256')"
            " AND (r.assignee = $1 OR e.body ->> 'by' = $1::text) LIMIT 1",
            staff_id,
            sha256,
        )
    )
