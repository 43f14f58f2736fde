"""Readings for as long as they are of use: packed by hour, summed up, and dropped by the day.

Every quarter of an hour what arrived is packed (one row holds one detector's quantity of one hour,
so that a chart reads 24 rows and not thousands of pages) and summed up. An hour is always made
anew from all readings measured in it; doing it twice changes nothing, and what comes late mends
the hour that it belongs to. ``summed_until`` moves in the same transaction; what arrived since
then a chart takes from the readings themselves.

Water and doors are neither packed nor summed up: how people live is nobody's to look at (T37).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from backend.sensing.quantities import KINDS, QUANTITIES
from backend.sensing.reading import CLOCK_TOLERANCE
from backend.sensing.rule import Form, Of
from backend.sensing.rules import RuleBook
from backend.shared.db import TELEMETRY, Row

KEEPER_LOCK = 7_310_060
"""Advisory lock: one keeper at a time."""
STEP = timedelta(minutes=15)
LAG = timedelta(minutes=2)
"""▲ What arrived is committed by then; a batch held up for longer is met when its day closes."""
AT_ONCE = timedelta(hours=6)
"""▲ After a pause so much of what arrived is taken in one transaction."""
CLOSES_AFTER = timedelta(hours=6)
"""▲ So long after its end a day is gone through once more, whole."""
LEAST_DAYS = 30
"""No younger day can be dropped; the database refuses it as well."""
HELD = timedelta(hours=24)
"""▲ After the clock jumped forward nothing is dropped for so long: somebody may put it right."""
JUMPED = timedelta(days=3)
DELETED_AT_ONCE = 5_000
PATIENCE_S = 900.0
"""▲ For one statement over some hours of readings; others may take a minute at most."""

PRIVATE = tuple(sorted(n for n, q in QUANTITIES.items() if q.kind in ("water", "door")))
"""Quantities whose history tells how people live."""


class Watched(Protocol):
    """What the register says of a detector, for summing up."""

    @property
    def detector_id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def group(self) -> str | None: ...


class Window(NamedTuple):
    """Whose readings an incident keeps: of this detector, arrived from ``since`` to ``until``."""

    incident_id: UUID
    detector_id: UUID
    since: datetime
    until: datetime


_PACK = """
, cut AS (
    SELECT *, lead(at) OVER (PARTITION BY detector_id, quantity, hour ORDER BY at) AS next_at
    FROM found WHERE hour >= $1 AND quantity <> ALL($3::text[])
), said AS MATERIALIZED (
    SELECT DISTINCT detector_id, quantity FROM cut
), who AS MATERIALIZED (
    SELECT detector_id, kind, state ->> 'group' AS of_group,
        (state ->> 'interval_s')::float8 AS interval_s
    FROM detector_state WHERE detector_id IN (SELECT detector_id FROM said)
), limited AS MATERIALIZED (
    SELECT DISTINCT ON (s.detector_id, s.quantity) s.detector_id, s.quantity, l.above, l.below,
        l.beyond
    FROM said s JOIN who w USING (detector_id)
    JOIN unnest($4::text[], $5::text[], $6::uuid[], $7::text[], $8::float8[], $9::float8[],
        $10::float8[]) AS l (kind, of_group, own, quantity, above, below, beyond)
        ON l.kind = w.kind AND l.quantity = s.quantity
        AND (l.own = s.detector_id OR l.own IS NULL)
        AND (l.of_group = w.of_group OR l.of_group IS NULL)
    ORDER BY s.detector_id, s.quantity, l.own IS NULL, l.of_group IS NULL
), made AS (
    SELECT c.detector_id, c.quantity, c.hour, max(c.unit) AS unit,
        count(*) FILTER (WHERE c.mark & 6 = 0) AS n, count(*) FILTER (WHERE c.mark & 6 > 0) AS odd,
        min(c.value) FILTER (WHERE c.mark & 6 = 0) AS low,
        max(c.value) FILTER (WHERE c.mark & 6 = 0) AS high,
        avg(c.value) FILTER (WHERE c.mark & 6 = 0) AS mean,
        coalesce(sum(least(
            coalesce(date_part('epoch', c.next_at - c.at), i.interval_s, 60),
            coalesce(i.interval_s, 60) * 2.5
        )) FILTER (WHERE c.mark & 6 = 0 AND (c.value >= l.above OR c.value < l.below
            OR abs(c.value) >= l.beyond)), 0) AS over_s,
        array_agg((date_part('epoch', c.at - c.hour) * 1000)::int ORDER BY c.at) AS at,
        array_agg(c.value ORDER BY c.at) AS values,
        CASE WHEN bool_or(c.mark > 0) THEN array_agg(c.mark::smallint ORDER BY c.at) END AS marks
    FROM cut c
    LEFT JOIN who i USING (detector_id)
    LEFT JOIN limited l USING (detector_id, quantity)
    GROUP BY c.detector_id, c.quantity, c.hour
), packed AS (
    INSERT INTO reading_packed (detector_id, quantity, hour, unit, at, values, marks)
    SELECT detector_id, quantity, hour, unit, at, values, marks FROM made
    ON CONFLICT (detector_id, quantity, hour) DO UPDATE SET unit = excluded.unit,
        at = excluded.at, values = excluded.values, marks = excluded.marks
)
INSERT INTO reading_hour (detector_id, quantity, hour, unit, n, odd, low, high, mean, over_s)
SELECT detector_id, quantity, hour, unit, n, odd, low, high, mean, over_s FROM made
ON CONFLICT (detector_id, quantity, hour) DO UPDATE SET unit = excluded.unit, n = excluded.n,
    odd = excluded.odd, low = excluded.low, high = excluded.high, mean = excluded.mean,
    over_s = excluded.over_s
"""

_AT = """CASE WHEN r.flags @> '{clock}' AND NOT r.flags @> '{late}' THEN r.received_at
    ELSE r.measured_at END"""
_SEEN = f"""
    SELECT r.detector_id, r.quantity, r.unit, r.value, {_AT} AS at,
        date_trunc('hour', {_AT}, 'UTC') AS hour,
        CASE WHEN r.flags = '{{}}' THEN 0 ELSE (r.flags @> '{{late}}')::int
            + (r.flags && '{{test,maintenance}}')::int * 2
            + (r.flags && '{{fault,unscaled}}')::int * 4 END AS mark
"""
_SOUND = "r.value < 'Infinity' AND r.value > '-Infinity'"

# $1 the first hour that is made anew, $2 up to which arrival
RECENT = f"""
WITH found AS ({_SEEN} FROM reading r
    WHERE r.received_at BETWEEN $1::timestamptz - interval '10 minutes'
        AND $2 AND {_AT} >= $1 AND {_SOUND}
)
{_PACK}
"""

# the hour $1 of a day that is over, with everything that ever came late for it
CLOSING = f"""
WITH found AS ({_SEEN} FROM reading r
    WHERE NOT r.flags @> '{{late}}' AND {_AT} >= $1 AND {_AT} < $1 + interval '1 hour'
        AND r.received_at BETWEEN $1 - interval '10 minutes' AND $1 + interval '70 minutes'
        AND r.received_at <= $2 AND {_SOUND}
    UNION ALL {_SEEN} FROM reading r
    WHERE r.flags @> '{{late}}' AND r.measured_at >= $1
        AND r.measured_at < $1 + interval '1 hour' AND r.received_at BETWEEN $1 AND $2 AND {_SOUND}
)
{_PACK}
"""

# hours before the recent ones that something late touched since $11, each made anew from all that
# was measured in it; $1 is the first day still here, $12 the first recent hour
LATE = f"""
WITH touched AS MATERIALIZED (
    SELECT DISTINCT detector_id, quantity, date_trunc('hour', measured_at, 'UTC') AS hour
    FROM reading WHERE received_at > $11 AND received_at <= $2 AND flags @> '{{late}}'
        AND measured_at >= $1 AND measured_at < $12
), found AS ({_SEEN} FROM touched t JOIN reading r ON r.detector_id = t.detector_id
        AND r.quantity = t.quantity AND {_AT} >= t.hour AND {_AT} < t.hour + interval '1 hour'
    WHERE NOT r.flags @> '{{late}}' AND {_SOUND}
        AND r.received_at BETWEEN t.hour - interval '10 minutes' AND t.hour + interval '70 minutes'
    UNION ALL {_SEEN} FROM touched t JOIN reading r ON r.detector_id = t.detector_id
        AND r.quantity = t.quantity
        AND r.measured_at >= t.hour AND r.measured_at < t.hour + interval '1 hour'
    WHERE r.flags @> '{{late}}' AND r.received_at BETWEEN $1 AND $2 AND {_SOUND}
)
{_PACK} RETURNING detector_id, quantity, hour
"""  # noqa: S608 - our own texts

DAYS = """
INSERT INTO reading_day (detector_id, quantity, day, unit, n, odd, low, high, mean, over_s)
SELECT detector_id, quantity, (hour AT TIME ZONE 'Asia/Shanghai')::date AS day, max(unit), sum(n),
    sum(odd), min(low), max(high), sum(mean * n) / nullif(sum(n), 0), sum(over_s)
FROM reading_hour WHERE hour >= $1 AND hour < $2 AND ($3::uuid[] IS NULL OR detector_id = ANY($3))
GROUP BY detector_id, quantity, day
ON CONFLICT (detector_id, quantity, day) DO UPDATE SET unit = excluded.unit, n = excluded.n,
    odd = excluded.odd, low = excluded.low, high = excluded.high, mean = excluded.mean,
    over_s = excluded.over_s
"""
AHEAD_OF_UTC = timedelta(hours=8)
"""Days of summaries are days of the neighbourhood, hours are whole in both."""


class Limits(NamedTuple):
    """For summing up: from where on a value is over a limit, by kind, group and single detector.

    A row with a group goes before one with none, and one with a detector before both. What a
    detector is and how often it reports, its state beside the readings says.
    """

    kinds: list[str]
    groups: list[str | None]
    own: list[UUID | None]
    quantities: list[str]
    above: list[float | None]
    below: list[float | None]
    beyond: list[float | None]


def limits(rules: RuleBook, own: Iterable[Watched] = ()) -> Limits:
    """What is over: alarm limits, not notes, changes or rates.

    Args:
        own: the detectors for which the book has rules of their own (``rules.own``).
    """
    found = Limits([], [], [], [], [], [], [])
    scopes: list[tuple[str, str | None, UUID | None]] = [
        (kind, group, None) for kind in KINDS for group in (None, *sorted(rules.groups))
    ]
    scopes += [(one.kind, one.group, one.detector_id) for one in own]
    for kind, group, detector in scopes:
        for quantity, some in rules.of(kind, group, detector).items():
            ends: dict[Form, float] = {}
            for rule in some:
                if rule.alarms and not rule.off and rule.of is Of.VALUE:
                    # the gravest stands last, and what is over the lesser is over
                    ends.setdefault(rule.form, rule.raise_at)
            found.kinds.append(kind)
            found.groups.append(group)
            found.own.append(detector)
            found.quantities.append(quantity)
            found.above.append(ends.get(Form.ABOVE))
            found.below.append(ends.get(Form.BELOW))
            found.beyond.append(ends.get(Form.BEYOND))
    return found


class Kept(NamedTuple):
    """How far the keeper came. ``today`` is the day it last saw."""

    summed_until: datetime | None
    closed_until: date | None
    today: date | None
    held_until: datetime | None


async def kept() -> Kept:
    """How far the keeper came."""
    row = await TELEMETRY.fetch_one(
        "SELECT summed_until, closed_until, today, held_until FROM reading_keeper"
    )
    return Kept(*row) if row else Kept(None, None, None, None)


async def _came(**columns: object) -> None:
    """Write down how far; inside the transaction of the work."""
    await TELEMETRY.execute("INSERT INTO reading_keeper DEFAULT VALUES ON CONFLICT DO NOTHING")
    for name, value in columns.items():
        await TELEMETRY.execute(f"UPDATE reading_keeper SET {name} = $1", value)  # noqa: S608


async def _long(sql: str, *args: object) -> list[Row]:
    async with TELEMETRY.connection() as connection:
        rows: list[Row] = await connection.fetch(sql, *args, timeout=PATIENCE_S)
        return rows


async def days_stored() -> list[date]:
    """The days that have a partition, oldest first."""
    rows = await TELEMETRY.fetch(
        "SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'reading'::regclass"
        r" AND c.relname ~ '^reading_\d{8}$' ORDER BY day"
    )
    return [row["day"] for row in rows]


async def behind(now: datetime) -> bool:
    """Whether there is anything to sum up or a day to go through; cheap, asked every minute."""
    state = await kept()
    if state.summed_until is None or state.summed_until < _floor(now - LAG):
        return True
    return bool(_over(await days_stored(), state.closed_until, now))


def _over(days: Sequence[date], closed: date | None, now: datetime) -> list[date]:
    """Days that are over and were not gone through."""
    today = (now - CLOSES_AFTER).astimezone(UTC).date()
    return [day for day in days if day < today and (closed is None or day > closed)]


async def sum_up(now: datetime, found: Limits) -> bool:
    """Pack and sum up what arrived since the last time.

    Args:
        now: UTC.

    Returns:
        Whether there is more to do at once.
    """
    async with TELEMETRY.transaction():
        if not await TELEMETRY.fetch_value("SELECT pg_try_advisory_xact_lock($1)", KEEPER_LOCK):
            return False
        days = await days_stored()
        if not days:
            return False
        first = _begins(days[0])
        state = await kept()
        since = max(state.summed_until or first, first)
        # a clock that was years off leaves years without a day
        begun = next((d for d in days if _begins(d) + timedelta(days=1) > since), days[-1])
        since = max(since, _begins(begun))
        until = min(_floor(now - LAG), since + AT_ONCE)
        if until <= since:
            return False
        await TELEMETRY.execute("SET LOCAL work_mem = '64MB'")
        begins = max(_hour(since - CLOCK_TOLERANCE), first)
        await _long(RECENT, begins, until, PRIVATE, *found)
        touched = await _long(LATE, first, until, PRIVATE, *found, since, begins)
        if touched and state.closed_until is not None:
            await TELEMETRY.execute(
                DAYS,
                _local_day(min(row["hour"] for row in touched)),
                _local_day(_begins(state.closed_until)) + timedelta(days=1),
                list({row["detector_id"] for row in touched}),
            )
        await _came(summed_until=until)
        return until < _floor(now - LAG)


async def close_day(now: datetime, found: Limits) -> bool:
    """Go once more through the oldest day that is over, and make its daily summaries.

    Returns:
        Whether there was one.
    """
    async with TELEMETRY.transaction():
        if not await TELEMETRY.fetch_value("SELECT pg_try_advisory_xact_lock($1)", KEEPER_LOCK):
            return False
        state = await kept()
        days = _over(await days_stored(), state.closed_until, now)
        if not days or state.summed_until is None:
            return False
        begins = _begins(days[0])
        if state.summed_until < begins + timedelta(days=1):
            return False
        await TELEMETRY.execute("SET LOCAL work_mem = '64MB'")
        for hour in range(24):
            await _long(
                CLOSING, begins + timedelta(hours=hour), state.summed_until, PRIVATE, *found
            )
        local = begins - AHEAD_OF_UTC
        await TELEMETRY.execute(DAYS, local, local + timedelta(days=1), None)
        await _came(closed_until=days[0])
        return True


async def may_drop(now: datetime) -> bool:
    """Whether the clock can be believed as far as dropping goes; see ``hold``."""
    async with TELEMETRY.transaction():
        state = await kept()
        today = now.astimezone(UTC).date()
        until = hold(state.today, state.held_until, now)
        if today != state.today or until != state.held_until:
            await _came(today=today, held_until=until)
    return until is None


def hold(seen: date | None, held_until: datetime | None, now: datetime) -> datetime | None:
    """Until when nothing may be dropped, if at all. Pure.

    Args:
        seen: the day on the clock the last time.
        held_until: what was said then.
        now: UTC.
    """
    today = now.astimezone(UTC).date()
    if seen is not None and today > seen + JUMPED:
        return now + HELD
    if seen is not None and today < seen:
        return None  # it was put back; what is old by this clock is old
    return held_until if held_until is not None and now < held_until else None


def due(days: Sequence[date], today: date, *, raw_days: int, closed: date | None) -> list[date]:
    """The days to drop, oldest first: older than the term, and gone through whole. Pure.

    Args:
        days: that are stored.
        today: UTC.
        raw_days: complete days that stay beside today; never fewer than ``LEAST_DAYS``.
        closed: the last day that was gone through.
    """
    if closed is None:
        return []
    last = today - timedelta(days=max(raw_days, LEAST_DAYS) + 1)
    return sorted(day for day in days if day <= last and day <= closed)


async def drop_day(day: date, windows: Sequence[Window]) -> int:
    """Drop one day of readings; what incidents need is kept with them in the same transaction.

    Raises:
        asyncpg.LockNotAvailableError: somebody is reading it; nothing was done, try again.

    Returns:
        How many readings were kept.
    """
    columns: list[list[object]] = [list(c) for c in zip(*windows, strict=True)] or [[], [], [], []]
    found: int = await TELEMETRY.fetch_value(
        "SELECT drop_reading_day($1, $2, $3, $4, $5)", day, *columns
    )
    return found


async def strays() -> Mapping[date, int]:
    """Readings that fell beside every day, put where they belong: how many of which day.

    Only a clock that jumped by more than the days made ahead can do that.
    """
    rows = await TELEMETRY.fetch(
        "SELECT (received_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n FROM reading_default"
        " GROUP BY 1 ORDER BY 1 LIMIT 60"
    )
    for row in rows:
        await TELEMETRY.fetch_value("SELECT ensure_reading_partitions($1, 1)", row["day"])
    return {row["day"]: row["n"] for row in rows}


async def forget(now: datetime, *, hours_days: int, days_days: int, raw_days: int) -> int:
    """Delete a batch of summaries past their term, and of old messages and device events.

    Returns:
        How many rows went; there may be more while any did.
    """
    today = now.astimezone(UTC).date()
    gone = 0
    for table, column, before in (
        ("reading_hour", "hour", now - timedelta(days=hours_days)),
        ("reading_day", "day", today - timedelta(days=days_days)),
        ("raw_message", "received_at", now - timedelta(days=raw_days)),
        ("detector_event", "at", now - timedelta(days=hours_days)),
    ):
        gone += await TELEMETRY.execute(
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 - our own names
            f"SELECT ctid FROM {table} WHERE {column} < $1 LIMIT $2))",
            before,
            DELETED_AT_ONCE,
        )
    return gone


def _begins(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _floor(at: datetime) -> datetime:
    """The quarter of an hour that has begun."""
    return _hour(at) + STEP * ((at - _hour(at)) // STEP)


def _local_day(at: datetime) -> datetime:
    """When the neighbourhood's day began in which this is, UTC."""
    return _begins((at + AHEAD_OF_UTC).astimezone(UTC).date()) - AHEAD_OF_UTC
