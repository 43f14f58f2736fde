"""Whether anybody used water or went through a door: hours, never times or amounts (T37)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from backend.sensing.keeping import PRIVATE
from backend.shared.db import TELEMETRY

HOURS = 24
DAYS_BACK = 14
"""▲ What was not used for so long was not used for "at least" so long."""

# A tap that runs, a meter that moved on since the reading before it, a contact that is open.
USED = """
SELECT DISTINCT hour FROM (
    SELECT date_trunc('hour', received_at, 'UTC') AS hour, quantity, value,
        lag(value) OVER (PARTITION BY quantity ORDER BY received_at) AS before
    FROM reading WHERE detector_id = $1 AND quantity = ANY($2) AND received_at > $3
        AND received_at <= $4 AND NOT flags && '{late,test,maintenance,fault,unscaled}'
) r WHERE CASE quantity WHEN 'water_used' THEN value > before WHEN 'contact' THEN value = 0
    WHEN 'flow' THEN value > 0 END
ORDER BY hour
"""
HEARD = """
SELECT DISTINCT date_trunc('hour', received_at, 'UTC') AS hour FROM reading
WHERE detector_id = $1 AND received_at > $2 AND received_at <= $3
"""


class Living(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``hours`` are the last 24 whole clock hours, the oldest first: used, not used, or (null) not
    heard. ``unused_h`` is for how many whole hours there was no use; at ``at_least`` for longer."""

    detector_id: UUID
    since: datetime
    hours: list[bool | None]
    unused_h: int
    at_least: bool


async def living(detector_id: UUID, at: datetime) -> Living:
    """The last day of one water meter or door, as hours with and without use.

    Args:
        at: UTC.
    """
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = hour - timedelta(hours=HOURS - 1)
    back = at - timedelta(days=DAYS_BACK)
    rows = await TELEMETRY.fetch(USED, detector_id, list(PRIVATE), back, at)
    used = {row["hour"] for row in rows}
    heard = {row["hour"] for row in await TELEMETRY.fetch(HEARD, detector_id, first, at)}
    wanted = [first + timedelta(hours=n) for n in range(HOURS)]
    newest = max(used, default=None)
    unused = hour - newest if newest is not None else timedelta(days=DAYS_BACK)
    return Living(
        detector_id=detector_id,
        since=first,
        hours=[True if h in used else False if h in heard else None for h in wanted],
        unused_h=int(unused / timedelta(hours=1)),
        at_least=newest is None,
    )
