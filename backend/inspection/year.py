"""A year of rounds and repairs in figures, counted from what the events left in the tables."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from backend.shared.db import OPERATIONS


class Month(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Devices that were to be inspected by the end of a round that began in this month."""

    month: int
    total: int
    done: int
    in_time: int
    bad: int


class Repairs(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of the repairs noticed in the year; ``median_h`` from the notice to the word done, hours."""

    opened: int
    done: int
    in_time: int
    breached: int
    median_h: float | None


class InspectionYear(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``items``: how often each of the six was found bad."""

    year: int
    rounds: int
    total: int
    done: int
    in_time: int
    left: int
    bad: int
    handed: int
    months: list[Month]
    items: dict[str, int]
    repairs: Repairs


SPAN = "r.starts_on >= $1 AND r.starts_on < $2"
IN_TIME = "(c.over_at AT TIME ZONE 'Asia/Shanghai')::date <= r.due_on"

MONTHS = f"""
SELECT extract(month FROM r.starts_on)::int AS month,
    count(*) FILTER (WHERE c.state <> 'left') AS total,
    count(*) FILTER (WHERE c.state = 'done') AS done,
    count(*) FILTER (WHERE c.state = 'done' AND {IN_TIME}) AS in_time,
    count(*) FILTER (WHERE c.bad <> '{{}}') AS bad,
    count(*) FILTER (WHERE c.state = 'left') AS left_n,
    count(*) FILTER (WHERE c.handed) AS handed
FROM inspection_round r JOIN inspection_check c ON c.round_id = r.id
WHERE {SPAN} GROUP BY 1 ORDER BY 1
"""  # noqa: S608
ITEMS = f"""
SELECT item, count(*) AS n FROM inspection_round r JOIN inspection_check c ON c.round_id = r.id,
    unnest(c.bad) AS item WHERE {SPAN} GROUP BY 1
"""  # noqa: S608
REPAIRS = """
SELECT count(*) AS opened, count(done_at) AS done,
    count(*) FILTER (WHERE done_at IS NOT NULL AND breached_at IS NULL) AS in_time,
    count(breached_at) AS breached,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - noticed_at) / 3600)
        AS median_h
FROM repair WHERE (noticed_at AT TIME ZONE 'Asia/Shanghai')::date >= $1
    AND (noticed_at AT TIME ZONE 'Asia/Shanghai')::date < $2
"""


async def figures(year: int) -> InspectionYear:
    """A calendar year of the service area."""
    span = date(year, 1, 1), date(year + 1, 1, 1)
    months = await OPERATIONS.fetch(MONTHS, *span)
    items = await OPERATIONS.fetch(ITEMS, *span)
    repairs = await OPERATIONS.fetch_one(REPAIRS, *span)
    rounds = await OPERATIONS.fetch_value(
        f"SELECT count(*) FROM inspection_round r WHERE {SPAN}",  # noqa: S608
        *span,
    )
    fields = ("month", "total", "done", "in_time", "bad")
    return InspectionYear(
        year=year,
        rounds=rounds,
        total=sum(row["total"] for row in months),
        done=sum(row["done"] for row in months),
        in_time=sum(row["in_time"] for row in months),
        left=sum(row["left_n"] for row in months),
        bad=sum(row["bad"] for row in months),
        handed=sum(row["handed"] for row in months),
        months=[Month(**{name: row[name] for name in fields}) for row in months],
        items={row["item"]: row["n"] for row in items},
        repairs=Repairs(
            **{**dict(repairs or {}), "median_h": _hours(repairs and repairs["median_h"])}
        ),
    )


def _hours(found: float | None) -> float | None:
    return None if found is None else round(float(found), 1)


async def round_ids(year: int) -> list[UUID]:
    """The rounds that began in a year, in order."""
    rows = await OPERATIONS.fetch(
        f"SELECT r.id FROM inspection_round r WHERE {SPAN}"  # noqa: S608
        " ORDER BY r.starts_on, r.street, r.id",
        date(year, 1, 1),
        date(year + 1, 1, 1),
    )
    return [row["id"] for row in rows]


async def years(now: datetime) -> list[int]:
    """Every year with a round, and the present one; the newest first."""
    rows = await OPERATIONS.fetch(
        "SELECT DISTINCT extract(year FROM starts_on)::int AS year FROM inspection_round"
    )
    return sorted({*(row["year"] for row in rows), now.year}, reverse=True)
