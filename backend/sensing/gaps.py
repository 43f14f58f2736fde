"""When a cloud's pushes may have been lost, and from when on it is to be asked for them.

A cloud gives up on what we did not take, and then holds its breath: China Telecom's pauses a
service for a minute after too many failures and what falls into it is lost. So a refused push, a
restart of ours and a silence all mean: ask the platform for that time.
"""

from datetime import datetime, timedelta

import msgspec

from backend.shared.clock import Clock
from backend.shared.db import TELEMETRY

SLACK = timedelta(seconds=60)
"""▲ A gap is asked for from so much earlier: clocks differ."""
AFTER = timedelta(seconds=120)
"""▲ The platform's pause after failures, and some."""
WRITE_EVERY = timedelta(seconds=10)
"""▲ So often at most the time of the last push is written down."""

HEARD = """
INSERT INTO door_mark AS m (door, heard_at, missed_from, missed_to) VALUES ($1, $2, $4, $5)
ON CONFLICT (door) DO UPDATE SET
    heard_at = greatest(m.heard_at, $2),
    missed_from = least(m.missed_from, $4,
        CASE WHEN m.heard_at < $2 - $3::interval THEN m.heard_at END),
    missed_to = greatest(m.missed_to, $5,
        CASE WHEN m.heard_at < $2 - $3::interval THEN $2 END)
"""
FILLED = """
UPDATE door_mark SET missed_from = NULL, missed_to = NULL WHERE door = $1 AND missed_to <= $2
"""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a door: its last push, and the time in which something may be missing."""

    heard_at: datetime | None = None
    missed_from: datetime | None = None
    missed_to: datetime | None = None


def begins(
    mark: Mark,
    now: datetime,
    asked_at: datetime | None,
    *,
    gap: timedelta,
    lookback: timedelta,
) -> datetime | None:
    """From when on the platform is to be asked now; None: not now.

    Args:
        mark: of the door.
        now: UTC.
        asked_at: when it was asked last by this process; None: not yet, so it is asked.
        gap: so long without a push is a silence.
        lookback: farther back it is never asked.
    """
    oldest = now - lookback
    since: datetime | None = None
    if mark.missed_from is not None and mark.missed_to is not None and now >= mark.missed_to:
        since = mark.missed_from
    elif asked_at is None:
        since = min(mark.heard_at or oldest, mark.missed_from or now)
    elif now - asked_at >= gap and (mark.heard_at is None or now - mark.heard_at >= gap):
        since = mark.heard_at or oldest
    return None if since is None else max(oldest, since - SLACK)


class Marks:
    """One door's mark in the database, written seldom."""

    def __init__(self, door: str, clock: Clock, gap_s: float) -> None:
        self._door = door
        self._clock = clock
        self._gap = timedelta(seconds=gap_s)
        self._written_at: datetime | None = None
        self._refused: tuple[datetime, datetime] | None = None

    def refused(self) -> None:
        """A push was not taken; remembered until the database is there again."""
        now = self._clock.now()
        since = self._refused[0] if self._refused else now
        self._refused = (since, now + AFTER)

    async def heard(self) -> None:
        """A push was stored."""
        now = self._clock.now()
        if (
            self._refused is None
            and self._written_at is not None
            and now - self._written_at < WRITE_EVERY
        ):
            return
        before, self._written_at = self._written_at, now
        since, until = self._refused or (None, None)
        try:
            await TELEMETRY.execute(HEARD, self._door, now, self._gap, since, until)
        except BaseException:
            self._written_at = before
            raise
        self._refused = None

    async def missing(self, since: datetime, until: datetime) -> None:
        """Something may be missing from that time."""
        sql = (
            "INSERT INTO door_mark AS m (door, missed_from, missed_to) VALUES ($1, $2, $3)"
            " ON CONFLICT (door) DO UPDATE SET missed_from = least(m.missed_from, $2),"
            " missed_to = greatest(m.missed_to, $3)"
        )
        await TELEMETRY.execute(sql, self._door, since, until)

    async def read(self) -> Mark:
        """The mark as it stands."""
        row = await TELEMETRY.fetch_one(
            "SELECT heard_at, missed_from, missed_to FROM door_mark WHERE door = $1", self._door
        )
        return Mark(**row) if row else Mark()

    async def filled(self, until: datetime) -> None:
        """All that was missing before ``until`` has been asked for and stored."""
        await TELEMETRY.execute(FILLED, self._door, until)
