"""What a detector let itself be heard of: the answer to a test, and its battery."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.shared.db import TELEMETRY

TESTS = ("test", "self_test", "test_alarm", "test_alarm_low_battery")
"""Events by which the makers say that a test button was pressed."""

HEARD = """
SELECT {which}(at) FROM (
    SELECT received_at AS at FROM reading
    WHERE detector_id = $1 AND received_at >= $2 AND received_at <= $3
        AND CASE WHEN $4 THEN 'test' = ANY(flags)
            ELSE NOT flags && ARRAY['fault', 'late', 'retained'] END
    UNION ALL
    SELECT at FROM detector_event
    WHERE detector_id = $1 AND at >= $2 AND at <= $3 AND name = ANY($5::text[])
) heard
"""


async def first_heard(
    detector_id: UUID, since: datetime, until: datetime, *, test: bool
) -> datetime | None:
    """When a detector was first heard between two instants, UTC.

    Args:
        test: only what it flags as a test counts; otherwise any trustworthy reading.
    """
    return await _heard("min", detector_id, since, until, test=test)


async def last_heard(
    detector_id: UUID, since: datetime, until: datetime, *, test: bool
) -> datetime | None:
    """The same, the newest."""
    return await _heard("max", detector_id, since, until, test=test)


async def _heard(
    which: str, detector_id: UUID, since: datetime, until: datetime, *, test: bool
) -> datetime | None:
    found: datetime | None = await TELEMETRY.fetch_value(
        HEARD.format(which=which), detector_id, since, until, test, list(TESTS)
    )
    return found


class Battery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """As the device said last; ``pct`` None where it only says low or not."""

    pct: float | None
    low: bool
    heard_at: datetime | None


async def batteries(detector_ids: Sequence[UUID]) -> dict[UUID, Battery]:
    """The batteries of these detectors, where one was ever reported."""
    rows = await TELEMETRY.fetch(
        "SELECT detector_id, state -> 'health' AS health, received_at FROM detector_state"
        " WHERE detector_id = ANY($1::uuid[]) AND state -> 'health' ?| ARRAY['battery',"
        " 'battery_low']",
        list(detector_ids),
    )
    found: dict[UUID, Battery] = {}
    for row in rows:
        health: dict[str, Any] = msgspec.json.decode(row["health"])
        level = health.get("battery")
        pct = float(level) if isinstance(level, int | float) and 0 <= level <= 100 else None
        low = health.get("battery_low") is True or (pct is not None and pct < 15)
        found[row["detector_id"]] = Battery(pct=pct, low=low, heard_at=row["received_at"])
    return found
