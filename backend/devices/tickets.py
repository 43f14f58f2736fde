"""Technicians' tickets: one for each matter, opened and closed by what devices say."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from backend.devices.schemas import TicketView
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7


async def open_ticket(
    *,
    source: UUID,
    kind: str,
    address: str | None,
    reason: str,
    detail: Mapping[str, object],
    opened_at: datetime,
    detector_id: UUID | None = None,
) -> UUID:
    """Open a technician's ticket, or count once more on the one that is open for this matter.

    One that closed by itself within the hour opens again: what comes and goes is one matter.

    Args:
        source: what asked for it; the same source counts once however often it comes.
        kind: ``unknown-device``, ``undecodable``, ``battery``, ``tamper``, ``fault``, ``mains``,
            ``backup``, ``signal``, ``profile``, ``late-alarm``, ``offline``, ``bridge-offline`` …
        opened_at: UTC.
    """
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "UPDATE ticket SET done_at = NULL, done_how = NULL WHERE id = (SELECT id FROM ticket"
            " WHERE kind = $1 AND coalesce(address, '') = coalesce($2, '') AND done_by IS NULL"
            " AND done_how = 'device-well' AND done_at > $3::timestamptz - interval '1 hour'"
            " AND NOT $4 = ANY(sources) AND NOT EXISTS (SELECT FROM ticket o WHERE o.kind = $1"
            " AND coalesce(o.address, '') = coalesce($2, '') AND o.done_at IS NULL)"
            " ORDER BY done_at DESC LIMIT 1)",
            kind,
            address,
            opened_at,
            source,
        )
        ticket_id: UUID = await OPERATIONS.fetch_value(
            "INSERT INTO ticket (id, kind, detector_id, address, reason, detail, opened_at,"
            " opened_on, last_at, sources) VALUES ($1, $2, (SELECT id FROM detector WHERE id = $3),"
            " $4, $5, $6, $7, $8, $7, ARRAY[$9::uuid])"
            " ON CONFLICT (kind, coalesce(address, '')) WHERE done_at IS NULL DO UPDATE SET"
            " times = ticket.times + (NOT $9 = ANY(ticket.sources))::int,"
            " last_at = greatest(ticket.last_at, excluded.last_at), ended_at = NULL,"
            " reason = CASE WHEN $9 = ANY(ticket.sources) THEN ticket.reason"
            " ELSE excluded.reason END,"
            " detail = CASE WHEN $9 = ANY(ticket.sources) THEN ticket.detail"
            " ELSE excluded.detail END,"
            " sources = CASE WHEN $9 = ANY(ticket.sources) THEN ticket.sources"
            " ELSE (ARRAY[$9::uuid] || ticket.sources)[:100] END"
            " RETURNING id",
            uuid7(),
            kind,
            detector_id,
            address,
            reason,
            dict(detail),
            opened_at,
            opened_at.astimezone(UTC).date(),
            source,
        )
    return ticket_id


async def close_ticket(
    *, source: UUID, kind: str, address: str | None, at: datetime, detail: Mapping[str, object]
) -> None:
    """The device itself says that the matter is over; once per ``source``."""
    await OPERATIONS.execute(
        "UPDATE ticket SET done_at = $3, done_how = 'device-well', detail = detail ||"
        " jsonb_build_object('well', $4::jsonb), sources = (ARRAY[$5::uuid] || sources)[:100]"
        " WHERE kind = $1 AND coalesce(address, '') = coalesce($2, '') AND done_at IS NULL"
        " AND opened_at <= $3 AND NOT $5 = ANY(sources)",
        kind,
        address,
        at,
        dict(detail),
        source,
    )


async def tickets(*, limit: int = 500) -> list[TicketView]:
    """Open tickets first, then the latest done ones."""
    rows = await OPERATIONS.fetch(
        "SELECT t.id, t.kind, t.detector_id, d.label, t.address, t.reason, t.detail, t.opened_at,"
        " t.opened_on, t.times, t.done_at"
        " FROM ticket t LEFT JOIN detector d ON d.id = t.detector_id"
        " ORDER BY t.done_at IS NOT NULL, t.opened_at DESC LIMIT $1",
        limit,
    )
    return [TicketView(**{**row, "detail": msgspec.json.decode(row["detail"])}) for row in rows]
