"""When each gateway was heard last, kept over a restart: one that fell silent while we were away is
missed all the same. Rows of ``door_mark``, written in one statement for all of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from backend.shared.db import TELEMETRY

KEPT = timedelta(days=7)
"""▲ A gateway that was not heard for longer is not waited for any more."""


async def save(heard: Mapping[str, datetime]) -> None:
    """These were heard then."""
    await TELEMETRY.execute(
        "INSERT INTO door_mark AS m (door, heard_at) SELECT * FROM unnest($1::text[],"
        " $2::timestamptz[]) ON CONFLICT (door) DO UPDATE"
        " SET heard_at = greatest(m.heard_at, excluded.heard_at)",
        list(heard),
        list(heard.values()),
    )


async def recall(protocol: str, now: datetime, at_most: int) -> list[str]:
    """Who was heard of late, newest first; what is older is forgotten."""
    await TELEMETRY.execute(
        "DELETE FROM door_mark WHERE starts_with(door, $1) AND heard_at < $2",
        f"{protocol}/",
        now - KEPT,
    )
    rows = await TELEMETRY.fetch(
        "SELECT door FROM door_mark WHERE starts_with(door, $1) ORDER BY heard_at DESC LIMIT $2",
        f"{protocol}/",
        at_most,
    )
    return [row["door"] for row in rows]


async def forget(doors: Sequence[str]) -> None:
    """These are not waited for any more: a technician was asked."""
    await TELEMETRY.execute("DELETE FROM door_mark WHERE door = ANY($1)", list(doors))
