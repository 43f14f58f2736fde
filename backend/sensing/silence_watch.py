"""Who is watched for silence, and what a look at those who are due finds: SQL around ``silence``.

A sweep reads only the detectors whose time is up, so its cost follows what may be silent and not
how many are registered.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import msgspec

from backend.sensing.silence import (
    DEAF_AFTER_S,
    Back,
    Door,
    Ear,
    Life,
    Silent,
    door_of,
    look,
)
from backend.shared.db import TELEMETRY, Row

AT_ONCE = 20_000
"""Detectors looked at in one transaction."""
LOCK = 7_310_003
"""Advisory lock: one worker sweeps at a time."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A detector as the register says that it is to be watched; ``interval_s`` None: event-only."""

    detector_id: UUID
    protocol: str
    interval_s: int | None
    since: datetime


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one sweep found. ``looked``: how many it looked at; ``more``: it did not get to all."""

    silent: tuple[Silent, ...]
    back: tuple[Back, ...]
    looked: int
    more: bool


async def listening(door: Door, at: datetime) -> None:
    """The door is open now; to be said every few seconds while it is."""
    await TELEMETRY.execute(
        "INSERT INTO ear (door, since, last_at) VALUES ($1, $2, $2) ON CONFLICT (door) DO UPDATE"
        " SET since = CASE WHEN ear.last_at < $2 - make_interval(secs => $3) THEN $2"
        " ELSE ear.since END, last_at = greatest(ear.last_at, $2)",
        door.value,
        at,
        DEAF_AFTER_S,
    )


async def ears() -> dict[str, Ear]:
    """All doors that were ever open."""
    rows = await TELEMETRY.fetch("SELECT door, since, last_at FROM ear")
    return {row["door"]: Ear(since=row["since"], last_at=row["last_at"]) for row in rows}


async def watch(detectors: Sequence[Watched], at: datetime) -> None:
    """Watch these from now on as they say; a changed interval counts from the last sign of life."""
    if not detectors:
        return
    await TELEMETRY.execute(
        "INSERT INTO silence_watch (detector_id, door, interval_s, since, check_at)"
        " SELECT id, door, interval_s, since, CASE WHEN interval_s IS NOT NULL THEN $5::timestamptz"
        " END FROM unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[])"
        " AS n (id, door, interval_s, since) ON CONFLICT (detector_id) DO UPDATE SET"
        " door = excluded.door, interval_s = excluded.interval_s, check_at = excluded.check_at",
        [one.detector_id for one in detectors],
        [door_of(one.protocol).value for one in detectors],
        [one.interval_s for one in detectors],
        [one.since for one in detectors],
        at,
    )


async def forget(detector_ids: Sequence[UUID]) -> None:
    """Watch these no longer: retired, replaced, or not in service yet."""
    if detector_ids:
        await TELEMETRY.execute(
            "DELETE FROM silence_watch WHERE detector_id = ANY($1)", list(detector_ids)
        )


async def put_off(detectors: Mapping[UUID, datetime]) -> None:
    """Count these from a later moment: their maintenance ends, or ended, then."""
    if detectors:
        await TELEMETRY.execute(
            "UPDATE silence_watch w SET since = greatest(w.since, n.since), check_at = n.since,"
            " silent_at = NULL FROM unnest($1::uuid[], $2::timestamptz[]) AS n (id, since)"
            " WHERE w.detector_id = n.id",
            list(detectors),
            list(detectors.values()),
        )


DUE = """
SELECT w.detector_id, w.door, w.interval_s, w.since, w.away_at, w.silent_at, w.heard_before,
    s.heard_at
FROM silence_watch w LEFT JOIN detector_state s USING (detector_id)
WHERE w.check_at <= $1 AND w.silent_at IS NULL
ORDER BY w.check_at LIMIT $2 FOR UPDATE OF w
"""
HEARD_AGAIN = """
SELECT w.detector_id, w.door, w.interval_s, w.since, w.away_at, w.silent_at, w.heard_before,
    s.heard_at
FROM silence_watch w JOIN detector_state s USING (detector_id)
WHERE w.silent_at IS NOT NULL AND s.heard_at > coalesce(w.heard_before, '-infinity')
    AND (w.away_at IS NULL OR s.heard_at >= w.away_at)
LIMIT $1 FOR UPDATE OF w
"""


@asynccontextmanager
async def sweep(at: datetime) -> AsyncIterator[Found]:
    """Look at everybody who is due; what is found holds when the block ends well.

    As with alerts: the block commits its own work elsewhere before it ends, and the same may be
    found again after a crash. Finds nothing while another worker sweeps.
    """
    async with TELEMETRY.transaction():
        if not await TELEMETRY.fetch_value("SELECT pg_try_advisory_xact_lock($1)", LOCK):
            yield Found(silent=(), back=(), looked=0, more=False)
            return
        doors = await ears()
        due = await TELEMETRY.fetch(DUE, at, AT_ONCE)
        again = await TELEMETRY.fetch(HEARD_AGAIN, AT_ONCE)
        silent: list[Silent] = []
        back: list[Back] = []
        later: list[tuple[UUID, datetime | None]] = []
        for row in (*due, *again):
            found = look(_life(row), doors.get(row["door"]), at)
            if isinstance(found, Silent):
                silent.append(found)
            elif isinstance(found, Back):
                back.append(found)
            elif row["silent_at"] is None:
                later.append((row["detector_id"], found))
        # written before the block, so that what the block puts off or forgets has the last word
        await _save(silent, back, later, at)
        yield Found(
            silent=tuple(silent),
            back=tuple(back),
            looked=len(due) + len(again),
            more=AT_ONCE in (len(due), len(again)),
        )


def _life(row: Row) -> Life:
    return Life(
        detector_id=row["detector_id"],
        interval_s=row["interval_s"],
        since=row["since"],
        heard_at=row["heard_at"],
        away_at=row["away_at"],
        silent_at=row["silent_at"],
        heard_before=row["heard_before"],
    )


async def _save(
    silent: Sequence[Silent],
    back: Sequence[Back],
    later: Sequence[tuple[UUID, datetime | None]],
    at: datetime,
) -> None:
    if silent:
        await TELEMETRY.execute(
            "UPDATE silence_watch w SET silent_at = $3, heard_before = n.heard_at, check_at = NULL"
            " FROM unnest($1::uuid[], $2::timestamptz[]) AS n (id, heard_at)"
            " WHERE w.detector_id = n.id",
            [one.detector_id for one in silent],
            [one.heard_at for one in silent],
            at,
        )
    if back:
        await TELEMETRY.execute(
            "UPDATE silence_watch SET silent_at = NULL, heard_before = NULL, away_at = NULL,"
            " check_at = CASE WHEN interval_s IS NOT NULL THEN $2::timestamptz END"
            " WHERE detector_id = ANY($1)",
            [one.detector_id for one in back],
            at,
        )
    if later:
        await TELEMETRY.execute(
            "UPDATE silence_watch w SET check_at = n.check_at"
            " FROM unnest($1::uuid[], $2::timestamptz[]) AS n (id, check_at)"
            " WHERE w.detector_id = n.id",
            [of for of, _ in later],
            [when for _, when in later],
        )


class Heard(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The last sign of life of a detector, and the last reading if it ever sent one."""

    heard_at: datetime | None
    quantity: str | None
    value: float | None
    measured_at: datetime | None
    received_at: datetime | None


async def last_heard(detector_ids: Sequence[UUID]) -> dict[UUID, Heard]:
    """What was last heard of each; those of whom nothing ever was are missing."""
    rows = await TELEMETRY.fetch(
        "SELECT detector_id, heard_at, quantity, value, measured_at, received_at"
        " FROM detector_state WHERE detector_id = ANY($1)",
        list(detector_ids),
    )
    return {row["detector_id"]: Heard(**dict(list(row.items())[1:])) for row in rows}
