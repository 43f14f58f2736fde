"""One detector's day out of twenty million stored readings, as the service makes it for a screen.

A scratch server holds eight days of a neighbourhood: most detectors report once a minute, some
every five seconds. Asked is what a chart asks: the last day of one of them, picked at random, with
its gaps, alarms, limits and quiet times, thinned, as JSON. The load drops the index, copies each
day in the order of arrival and builds the index again, so that it takes minutes and not hours; what
the index costs while readings come is measured apart, in batches through the table as it is.
"""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from backend import migrate
from backend.bench.figures import percentile
from backend.devices.charted import Charted
from backend.screens.series import picture
from backend.sensing import keeping, series
from backend.sensing.rules import RuleBook, defaults
from backend.settings import DatabaseSettings
from backend.shared.db import OPERATIONS, TELEMETRY
from backend.shared.postgres import EmbeddedPostgres

DAYS = 8
FAST, FAST_S, SLOW_S = 50, 5, 60
LIMIT_MS = 50.0
COLUMNS = ("detector_id", "quantity", "value", "unit", "flags", "measured_at", "received_at")


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """Who reports how often, and until when."""

    fast: list[UUID]
    slow: list[UUID]
    until: datetime


def stock(rows: int, *, until: datetime, seed: int = 8) -> Stock:
    """As many detectors as give so many readings in eight days; at least one slow one."""
    chance = random.Random(seed)  # noqa: S311 - a neighbourhood, no secret
    fast = FAST * 86_400 // FAST_S * DAYS
    slow = max(1, (rows - fast) // (86_400 // SLOW_S * DAYS))
    ids = [UUID(int=chance.getrandbits(128)) for _ in range((FAST if rows > fast else 0) + slow)]
    return Stock(fast=ids[:-slow], slow=ids[-slow:], until=until)


async def chart_p99_ms(
    *, rows: int = 20_000_000, asked: int = 400, folder: Path | None = None, seed: int = 8
) -> dict[str, Any]:
    """Fill a scratch server and ask it for charts.

    Args:
        rows: stored readings, about.
        asked: charts.
        folder: for the server's files, about 3 GB for 20 million; else a temporary one.

    Returns:
        ``chart_p99_ms`` and ``chart_p50_ms`` of the service, ``chart_rows``, ``chart_fill_s``,
        ``chart_fast_p99_ms`` of those that report every five seconds, ``chart_cpu_ms`` of this
        process per chart on average, and ``chart_plan``.
    """
    made = Path(tempfile.mkdtemp(prefix="jiean-chart-", dir=folder))
    _open_to_postgres(made)
    try:
        async with _server(made) as owner:
            now = datetime.now(UTC).replace(microsecond=0)
            town = stock(rows, until=now, seed=seed)
            began = time.perf_counter()
            filled = await _fill(owner, town)
            fill_s = time.perf_counter() - began
            began = time.perf_counter()
            await _sum_up(town)
            sum_s = time.perf_counter() - began
            figures = await _ask(town, asked, seed)
            figures |= {
                "chart_rows": filled,
                "chart_fill_s": round(fill_s, 1),
                "chart_sum_s": round(sum_s, 1),
            }
            figures["chart_plan"] = await _plan(owner, town)
            return figures
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _open_to_postgres(folder: Path) -> None:
    folder.chmod(0o711)  # it may run as nobody below it


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[asyncpg.Connection]:
    """A migrated server; the service's engines point to it until the end. Yields its owner."""
    postgres = EmbeddedPostgres(folder, durable=False)
    postgres.launch()
    engines = (OPERATIONS, TELEMETRY)
    before = [(engine.config, engine.pool) for engine in engines]
    try:
        await postgres.ready()
        where = postgres.where(DatabaseSettings())
        await migrate.up(where)
        for engine in engines:
            engine.pool = None
            engine.configure(where.app[engine.name])
            await engine.start(max_size=2)
        database = where.app["telemetry"]["database"]
        owner = await asyncpg.connect(
            **{**where.admin, "database": database, "command_timeout": 900.0}
        )
        try:
            yield owner
        finally:
            await owner.close()
    finally:
        for engine, (config, pool) in zip(engines, before, strict=True):
            await engine.stop()
            engine.configure(config)
            engine.pool = pool
        await postgres.stop()


async def _fill(owner: asyncpg.Connection, town: Stock) -> int:
    first = town.until - timedelta(days=DAYS)
    await owner.execute("SELECT ensure_reading_partitions($1, $2)", first.date(), DAYS + 2)
    found = await owner.fetchval("SELECT pg_get_indexdef('reading_detector'::regclass)")
    await owner.execute("DROP INDEX reading_detector")
    await owner.copy_to_table("reading", source=_lines(town, first), columns=list(COLUMNS))
    await owner.execute(found.replace(" ON ONLY ", " ON "))
    await owner.execute("ANALYZE reading")
    await owner.execute("CHECKPOINT")
    return int(await owner.fetchval("SELECT count(*) FROM reading"))


async def _lines(town: Stock, first: datetime) -> AsyncIterator[bytes]:
    """COPY text in the order of arrival, some thousand lines at a time."""
    chance = random.Random(1)  # noqa: S311
    fast = [f"{one}\tgas_value\t" for one in town.fast]
    turns = SLOW_S // FAST_S
    slow = [[f"{one}\tgas_value\t" for one in town.slow[turn::turns]] for turn in range(turns)]
    values = [f"{chance.uniform(0, 7):.2f}" for _ in range(4096)]
    some: list[str] = []
    nth = 0
    for tick in range(DAYS * 86_400 // FAST_S):
        at = (first + timedelta(seconds=tick * FAST_S)).isoformat()
        rest = f"\t%LEL\t{{}}\t{at}\t{at}\n"
        for name in (*fast, *slow[tick % turns]):
            nth += 1
            some.append(f"{name}{values[nth & 4095]}{rest}")
        if len(some) > 20_000:
            yield "".join(some).encode()
            some.clear()
    yield "".join(some).encode()


def _known(town: Stock) -> dict[UUID, Charted]:
    """As the register would say it."""
    return {
        one: Charted(one, "gas", "可燃气 gas", None, interval_s)
        for some, interval_s in ((town.fast, FAST_S), (town.slow, SLOW_S))
        for one in some
    }


async def _sum_up(town: Stock) -> None:
    """As the service does, up to the last quarter of an hour, and only the last two days: a chart
    of one day reads no other, and all eight would take minutes more."""
    await TELEMETRY.execute(
        "INSERT INTO reading_keeper (summed_until) VALUES ($1)", town.until - timedelta(days=2)
    )
    await TELEMETRY.execute(
        "INSERT INTO detector_state (detector_id, kind, state) SELECT id, 'gas',"
        " jsonb_build_object('interval_s', s) FROM unnest($1::uuid[], $2::int[]) t(id, s)",
        [one.detector_id for one in _known(town).values()],
        [one.interval_s for one in _known(town).values()],
    )
    limits = keeping.limits(RuleBook(defaults()))
    while await keeping.sum_up(town.until, limits):
        pass
    await TELEMETRY.execute("ANALYZE reading_packed")


async def _ask(town: Stock, asked: int, seed: int) -> dict[str, Any]:
    chance = random.Random(seed + 1)  # noqa: S311
    rules = RuleBook(defaults())
    fast_ids = set(town.fast)
    known = _known(town)
    taken: list[float] = []
    fast: list[float] = []
    size = 0
    cpu_s = 0.0
    for n in range(asked + 5):
        one = chance.choice([*town.fast, *town.slow])
        cpu_began, began = time.process_time(), time.perf_counter()
        said = await picture(
            known[one], "gas_value", town.until - timedelta(days=1), town.until,
            rules=rules, at=town.until,
        )  # fmt: skip
        size = max(size, len(msgspec.json.encode(said)))
        ms = (time.perf_counter() - began) * 1000
        if n < 5:  # the pool's first connection and the statements' first plans
            continue
        taken.append(ms)
        cpu_s += time.process_time() - cpu_began
        if one in fast_ids:
            fast.append(ms)
    return {
        "chart_p99_ms": round(percentile(taken, 0.99), 2),
        "chart_p50_ms": round(percentile(taken, 0.5), 2),
        "chart_fast_p99_ms": round(percentile(fast, 0.99), 2) if fast else None,
        "chart_met": percentile(taken, 0.99) <= LIMIT_MS,
        "chart_bytes": size,
        "chart_cpu_ms": round(cpu_s * 1000 / asked, 2),
    }


async def _plan(owner: asyncpg.Connection, town: Stock) -> list[str]:
    """What PostgreSQL does for one of them, without the lines of days that it never ran."""
    since = town.until - timedelta(days=1)
    rows = await owner.fetch(
        f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {series.RAW}",
        town.slow[0], "gas_value", since, town.until, since - timedelta(minutes=10), None,
    )  # fmt: skip
    return [row[0] for row in rows if "never executed" not in row[0]]


def measure(rows: int, folder: Path | None) -> dict[str, Any]:
    """Fill, ask, print the plan, and give the figures without it."""
    figures = asyncio.run(chart_p99_ms(rows=rows, folder=folder))
    print("\n".join(figures.pop("chart_plan")))
    return figures
