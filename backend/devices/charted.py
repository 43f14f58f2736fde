"""What charts and the keeping of readings ask the register: interval, rule group, quiet times."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from backend.devices.gateways import gateway_of
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound

SPANS_AT_MOST = 200


class Charted(NamedTuple):
    """A detector as far as its readings go; ``interval_s`` is how often it reports by itself."""

    detector_id: UUID
    kind: str
    label: str
    group: str | None
    interval_s: int


class Quiet(NamedTuple):
    """When it raised nothing because somebody said so: ``muted``, ``maintenance`` or ``test``."""

    since: datetime
    until: datetime
    kind: str
    reason: str


COLUMNS = "id AS detector_id, kind, label, rule_group AS group, report_interval_s AS interval_s"


async def charted(detector_id: UUID) -> Charted:
    """One detector.

    Raises:
        NotFound: no such detector.
    """
    row = await OPERATIONS.fetch_one(
        f"SELECT {COLUMNS} FROM detector WHERE id = $1",  # noqa: S608 - our own names
        detector_id,
    )
    if row is None:
        raise NotFound(f"没有这个探测器 no detector {detector_id}")
    return Charted(**row)


async def charted_of(detector_ids: Collection[UUID]) -> list[Charted]:
    """These detectors, retired ones too; unknown ids are missing."""
    rows = await OPERATIONS.fetch(
        f"SELECT {COLUMNS} FROM detector WHERE id = ANY($1)",  # noqa: S608 - our own names
        list(detector_ids),
    )
    return [Charted(*row) for row in rows]


# The newest order of a detector is the one in force, so each ends where the next begins.
SPANS = """
SELECT * FROM (
    SELECT muted_at AS since, least(until, coalesce(next_at, until)) AS until,
        'muted' AS kind, reason
    FROM (
        SELECT *, lead(muted_at) OVER (ORDER BY muted_at, id) AS next_at FROM mute
        WHERE detector_id = $1 AND muted_at > $2::timestamptz - interval '8 days'
    ) m
    UNION ALL
    SELECT p.begins_at, coalesce(p.ended_at, p.ends_at), p.flag, p.reason
    FROM detector d JOIN pause p ON p.detector_id = d.id
        OR p.building_id = coalesce(d.building_id,
            (SELECT building_id FROM household WHERE id = d.household_id))
        OR p.model_id = d.model_id OR p.gateway = $5
    WHERE d.id = $1 AND p.ends_at > $2
) s
WHERE since < until AND until > $2 AND since < $3 ORDER BY since LIMIT $4
"""


async def spans(detector_id: UUID, since: datetime, until: datetime) -> list[Quiet]:
    """The quiet stretches that touch this one, oldest first."""
    address = await OPERATIONS.fetch_value(
        "SELECT address FROM detector WHERE id = $1", detector_id
    )
    gateway = gateway_of(address) if address else None
    rows = await OPERATIONS.fetch(SPANS, detector_id, since, until, SPANS_AT_MOST, gateway)
    return [Quiet(**row) for row in rows]
