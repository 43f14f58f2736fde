"""From when to when incidents need their detectors' readings."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from backend.shared.db import OPERATIONS

BEFORE = timedelta(hours=24)
"""▲ How the value came about belongs to the record."""
AFTER = timedelta(hours=1)
"""▲ And so does how it settled, after the last that was said of the incident."""
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


class Needs(NamedTuple):
    """An incident, one of its detectors, and from when to when; open ones have no end."""

    incident_id: UUID
    detector_id: UUID
    since: datetime
    until: datetime


async def needing(day: date) -> list[Needs]:
    """Every incident that needs something of a day (UTC), with each of its detectors.

    What was only a drill needs nothing: its readings were never a detector's.
    """
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = await OPERATIONS.fetch(
        "SELECT * FROM (SELECT i.id AS incident_id, unnest(i.detector_ids) AS detector_id,"
        " i.emitted_at - $3::interval AS since, CASE WHEN i.state IN ('released', 'archived')"
        " THEN (SELECT max(e.received_at) FROM event e WHERE e.incident_id = i.id) + $4::interval"
        " ELSE $5::timestamptz END AS until FROM incident i WHERE i.emitted_at - $3 < $2) s"
        " WHERE until >= $1 ORDER BY incident_id, detector_id",
        begins,
        begins + timedelta(days=1),
        BEFORE,
        AFTER,
        FOREVER,
    )
    return [Needs(**row) for row in rows]
