"""One detector's quantity over a stretch of time, as a chart draws it.

Stored readings lie in the order of their arrival, so that those of one detector are spread over
thousands of pages, by the day they arrived on. ``keeping.py`` packs them by the hour in which they
were measured; a chart reads some dozen packed hours and only the last minutes from the readings
themselves. Long spans come from the summaries.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from backend.sensing import curve
from backend.sensing.curve import GAP_INTERVALS, Curve
from backend.sensing.keeping import PRIVATE
from backend.sensing.reading import CLOCK_TOLERANCE
from backend.shared.db import TELEMETRY

RAW_SPAN = timedelta(hours=49)
"""▲ Up to here a chart shows readings themselves, beyond it hours, then days."""
HOUR_SPAN = timedelta(days=92)
TAIL = timedelta(days=2)
"""▲ Hours not yet summarised are taken from readings, so many at most."""
ALARMS_BACK = timedelta(days=30)
"""▲ An alarm that began this long before a span still shows in it."""
SPANS_AT_MOST = 500


class Grain(StrEnum):
    """What one point of a chart is."""

    RAW = "raw"
    HOUR = "hour"
    DAY = "day"


class Bar(NamedTuple):
    """A stretch that begins at ``ms``; seconds over the limit in it. None: only odd readings."""

    ms: int
    low: float
    high: float
    mean: float
    n: int
    over_s: float


class Drawn(NamedTuple):
    """Either ``curve`` of readings, or ``bars`` in runs that gaps divide."""

    grain: Grain
    unit: str | None
    curve: Curve
    bars: list[list[Bar]]
    step_s: int
    last: tuple[int, float] | None


class Span(NamedTuple):
    """``until`` None: still so."""

    since: datetime
    until: datetime | None
    word: str


_MARK = """(flags @> '{late}')::int + (flags && '{test,maintenance}')::int * 2
    + (flags && '{fault,unscaled}')::int * 4"""
# The time of a reading whose clock runs ahead is its arrival, as in flow.py.
_AT = """CASE WHEN flags @> '{clock}' AND NOT flags @> '{late}' THEN received_at
    ELSE measured_at END"""
_SOUND = "value < 'Infinity' AND value > '-Infinity'"

# What keeping.py packed by the hour, what arrived since, and what an incident keeps: one
# statement, and so one picture of the three.
RAW = f"""
SELECT true AS packed, hour AS begins, unit, at, values, marks FROM reading_packed
WHERE detector_id = $1 AND quantity = $2
    AND hour BETWEEN date_trunc('hour', $3::timestamptz, 'UTC') AND $4
UNION ALL
SELECT false, begins, unit, at, values, marks FROM (
    SELECT $3::timestamptz AS begins, max(unit) AS unit,
        array_agg(floor(date_part('epoch', at - $3) * 1000)::bigint) AS at,
        array_agg(value) AS values, array_agg(mark) AS marks
    FROM (
        SELECT {_AT} AS at, value, unit, ({_MARK})::smallint AS mark FROM reading
        WHERE detector_id = $1 AND quantity = $2 AND received_at >= $5 AND {_SOUND}
            AND received_at > coalesce((SELECT summed_until FROM reading_keeper), '-infinity')
        UNION ALL
        SELECT {_AT}, value, unit, ({_MARK})::smallint FROM reading_kept
        WHERE incident_id = $6 AND detector_id = $1 AND quantity = $2 AND {_SOUND}
    ) r WHERE at BETWEEN $3 AND $4
) tail WHERE at IS NOT NULL
"""  # noqa: S608 - our own texts
# Private quantities are not packed, so all of them is "since".
PLAIN = RAW.replace("(SELECT summed_until FROM reading_keeper)", "NULL::timestamptz")

HOURS = """
SELECT date_part('epoch', hour)::bigint AS s, low, high, mean, n, over_s, unit FROM reading_hour
WHERE detector_id = $1 AND quantity = $2 AND hour BETWEEN $3 AND $4 ORDER BY hour
"""
DAYS = """
SELECT date_part('epoch', day::timestamp AT TIME ZONE 'Asia/Shanghai')::bigint AS s, low, high,
    mean, n, over_s, unit FROM reading_day
WHERE detector_id = $1 AND quantity = $2
    AND day::timestamp AT TIME ZONE 'Asia/Shanghai' BETWEEN $3 AND $4 ORDER BY day
"""

ALARMS = """
SELECT type, measured_at, emitted_at, coalesce(body ->> 'rule', '') AS rule FROM alert_outbox
WHERE detector_id = $1 AND quantity = $2 AND type IN ('raised', 'cleared')
    AND received_at BETWEEN $3 AND $4 ORDER BY received_at DESC, seq DESC LIMIT $5
"""


async def drawn(
    detector_id: UUID,
    quantity: str,
    since: datetime,
    until: datetime,
    *,
    interval_s: float,
    at_most: int = 600,
    incident_id: UUID | None = None,
) -> Drawn:
    """The chart of one quantity.

    Args:
        since: UTC, before ``until``.
        until: UTC.
        interval_s: how often the detector reports by itself.
        at_most: points.
        incident_id: whose kept readings count too, where the day's own are gone.
    """
    span = until - since
    if span <= RAW_SPAN:
        return await _raw(detector_id, quantity, since, until, interval_s, at_most, incident_id)
    hourly = span <= HOUR_SPAN
    step_s = 3600 if hourly else 86_400
    rows = await TELEMETRY.fetch(HOURS if hourly else DAYS, detector_id, quantity, since, until)
    bars = [
        Bar(row["s"] * 1000, row["low"], row["high"], row["mean"], row["n"], row["over_s"])
        for row in rows
        if row["low"] is not None
    ]
    begins = max(since, until - TAIL)
    if rows:
        begins = max(begins, datetime.fromtimestamp(rows[-1]["s"] + step_s, UTC))
    unit = next((row["unit"] for row in rows if row["unit"]), None)
    last = None
    if begins < until:
        at, values, marks, tail_unit = await _points(
            detector_id, quantity, begins, until, incident_id
        )
        bars += _bars(at, values, marks, step_s)
        unit = unit or tail_unit
        last = _last(at, values, marks)
    runs, wide_s = _in_runs(bars, step_s, interval_s, at_most)
    gap_ms = max(GAP_INTERVALS * interval_s, 1.5 * step_s) * 1000
    whole = [float(bar.ms) for bar in bars]
    shape = curve.curve(
        whole, [bar.mean for bar in bars], [0] * len(bars), since=_ms(since), until=_ms(until),
        gap_ms=gap_ms, at_most=at_most,
    )  # fmt: skip
    gaps = [(a + (step_s * 1000 if a != _ms(since) else 0), b) for a, b in shape.gaps]
    return Drawn(
        Grain.HOUR if hourly else Grain.DAY,
        unit,
        Curve([], [], [], [(a, b) for a, b in gaps if a < b]),
        runs,
        wide_s,
        last,
    )


async def _raw(
    detector_id: UUID,
    quantity: str,
    since: datetime,
    until: datetime,
    interval_s: float,
    at_most: int,
    incident_id: UUID | None,
) -> Drawn:
    at, values, marks, unit = await _points(detector_id, quantity, since, until, incident_id)
    shape = curve.curve(
        at, values, marks, since=_ms(since), until=_ms(until),
        gap_ms=GAP_INTERVALS * interval_s * 1000, at_most=at_most,
    )  # fmt: skip
    return Drawn(Grain.RAW, unit, shape, [], 0, _last(at, values, marks))


async def _points(
    detector_id: UUID, quantity: str, since: datetime, until: datetime, incident_id: UUID | None
) -> tuple[list[int], list[float], list[int], str | None]:
    """When (ms, ascending), what, its ``curve.Mark`` bits, and the unit."""
    rows = await TELEMETRY.fetch(
        PLAIN if quantity in PRIVATE else RAW,
        detector_id, quantity, since, until, since - CLOCK_TOLERANCE, incident_id,
    )  # fmt: skip
    first, last = _ms(since), _ms(until)
    at: list[int] = []
    values: list[float] = []
    marks: list[int] = []
    for row in sorted((row for row in rows if row["packed"]), key=lambda row: row["begins"]):
        begins = _ms(row["begins"])
        at += [begins + ms for ms in row["at"]]
        values += row["values"]
        marks += row["marks"] or [0] * len(row["at"])
    for row in rows:
        if not row["packed"]:
            spots = sorted(zip(row["at"], row["values"], row["marks"], strict=True))
            mixed = bool(at) and first + spots[0][0] < at[-1]
            at += [first + ms for ms, _, _ in spots]
            values += [value for _, value, _ in spots]
            marks += [mark for _, _, mark in spots]
            if mixed:
                order = sorted(range(len(at)), key=at.__getitem__)
                at, values = [at[n] for n in order], [values[n] for n in order]
                marks = [marks[n] for n in order]
    low, high = bisect_left(at, first), bisect_right(at, last)
    unit = next((row["unit"] for row in rows if row["unit"]), None)
    return at[low:high], values[low:high], marks[low:high], unit


def _last(at: list[int], values: list[float], marks: list[int]) -> tuple[int, float] | None:
    for ms, value, mark in zip(reversed(at), reversed(values), reversed(marks), strict=True):
        if not mark & int(curve.ODD):
            return int(ms), value
    return None


def _bars(at: list[int], values: list[float], marks: list[int], step_s: int) -> list[Bar]:
    """Hours (or days) that nobody has summarised yet; nothing is said of their limits."""
    found: dict[int, list[float]] = {}
    for ms, value, mark in zip(at, values, marks, strict=True):
        if not mark & int(curve.ODD):
            found.setdefault(int(ms) // (step_s * 1000), []).append(value)
    return [
        Bar(n * step_s * 1000, min(some), max(some), sum(some) / len(some), len(some), 0.0)
        for n, some in sorted(found.items())
    ]


def _in_runs(
    bars: list[Bar], step_s: int, interval_s: float, at_most: int
) -> tuple[list[list[Bar]], int]:
    """Bars of so many steps that half of ``at_most`` hold them (each has two ends), in runs."""
    if not bars:
        return [], step_s
    gap_ms = max(GAP_INTERVALS * interval_s, 1.5 * step_s) * 1000
    room = max(1, at_most // 2)
    steps = (bars[-1].ms - bars[0].ms) // (step_s * 1000) + 1
    wide = step_s * 1000 * -(-steps // room)
    runs: list[list[Bar]] = []
    before: Bar | None = None
    for bar in bars:
        slot = bars[0].ms + (bar.ms - bars[0].ms) // wide * wide
        if before is None or (bar.ms - before.ms > gap_ms and runs[-1][-1].ms != slot):
            runs.append([])
        if runs[-1] and runs[-1][-1].ms == slot:
            runs[-1][-1] = _joined(runs[-1][-1], bar)
        else:
            runs[-1].append(bar._replace(ms=slot))
        before = bar
    return runs, wide // 1000


def _joined(one: Bar, other: Bar) -> Bar:
    n = one.n + other.n
    mean = (one.mean * one.n + other.mean * other.n) / n
    return Bar(
        one.ms, min(one.low, other.low), max(one.high, other.high), mean, n,
        one.over_s + other.over_s,
    )  # fmt: skip


async def alarms(detector_id: UUID, quantity: str, since: datetime, until: datetime) -> list[Span]:
    """When its alarm was on, by the rule's code, oldest first."""
    rows = await TELEMETRY.fetch(
        ALARMS, detector_id, quantity, since - ALARMS_BACK, until, SPANS_AT_MOST
    )
    spans: list[Span] = []
    begun: tuple[datetime, str] | None = None
    for row in reversed(rows):
        if row["type"] == "raised":
            begun = begun or (row["measured_at"] or row["emitted_at"], row["rule"])
        elif begun is not None:
            spans.append(Span(begun[0], row["emitted_at"], begun[1]))
            begun = None
    if begun is not None:
        spans.append(Span(begun[0], None, begun[1]))
    return [span for span in spans if span.until is None or span.until > since]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
