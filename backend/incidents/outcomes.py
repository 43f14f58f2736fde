"""What became of past alarms, by detector: for who asks whether a rule was worth it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.shared.db import OPERATIONS


class Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One alarm of a detector. ``how``: real, false, merged, or open while it is not released."""

    detector_id: UUID
    at: datetime
    incident_id: UUID
    no: str
    how: str


async def outcomes(detector_ids: Sequence[UUID], since: datetime, until: datetime) -> list[Outcome]:
    """The alarms of these detectors that were emitted in a span of time, oldest first."""
    rows = await OPERATIONS.fetch(
        "SELECT (e.body #>> '{fact,detectorId}')::uuid AS detector_id,"
        " (e.body #>> '{fact,emittedAt}')::timestamptz AS at, e.incident_id, i.no,"
        " coalesce((SELECT r.body #>> '{fact,how}' FROM event r WHERE r.incident_id = e.incident_id"
        " AND r.type = 'Released' ORDER BY r.version DESC LIMIT 1), 'open') AS how"
        " FROM event e JOIN incident i ON i.id = e.incident_id"
        " WHERE e.type IN ('AlertRaised', 'EpisodeAdded')"
        " AND e.received_at >= $2 AND e.received_at < $3"
        " AND (e.body #>> '{fact,detectorId}')::uuid = ANY($1::uuid[]) ORDER BY e.seq",
        list(detector_ids),
        since,
        until,
    )
    return [Outcome(**row) for row in rows]
