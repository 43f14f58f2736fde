"""A changed book of rules tried on the stored past, detector by detector, before it is in force.

Reads on a connection of its own, read-only, a page of rows at a time, and rests as long as it
works, so that whoever receives readings at the same time hardly notices. Only detectors and
quantities whose rules differ are read. Ends when whoever asked goes away.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from backend.sensing.reading import Reading
from backend.sensing.replaying import Difference, Replay, compared
from backend.sensing.rules import ByQuantity, RuleBook
from backend.shared.db import TELEMETRY

PAGE = 500
"""Rows between two rests; some milliseconds of work."""
STATEMENT_TIMEOUT_MS = 60_000
LEAD_MOST = timedelta(days=35)
"""Readings before the span from which windows and baselines are filled, at most."""
AT_ONCE = asyncio.Semaphore(1)
"""One preview at a time in one process; the next one waits."""

READINGS = """
SELECT quantity, value, unit, flags, measured_at, received_at FROM reading
WHERE detector_id = $1 AND received_at >= $2 AND received_at <= $3 AND quantity = ANY($4)
ORDER BY received_at, measured_at
"""


class Watched(Protocol):
    """What the register says of a detector."""

    @property
    def detector_id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def group(self) -> str | None: ...
    @property
    def interval_s(self) -> int: ...


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One detector tried: how many readings, and how its raises differ."""

    detector_id: UUID
    readings: int
    difference: Difference


def touched(before: ByQuantity, after: ByQuantity) -> list[str]:
    """Quantities whose rules differ, with those that confirm them."""
    changed = {q for q in after if _numbers(before.get(q, ())) != _numbers(after[q])}
    helping = {r.confirmed_by for q in changed for r in after[q] if r.confirmed_by}
    return sorted(changed | helping)


def _numbers(rules: Sequence[Any]) -> list[Any]:
    return [msgspec.structs.replace(rule, version=0, ours=True) for rule in rules]


def affected(
    detectors: Sequence[Watched], before: RuleBook, after: RuleBook
) -> list[tuple[Watched, list[str]]]:
    """The detectors for which anything differs, and in which quantities."""
    found = []
    for one in detectors:
        place = (one.kind, one.group, one.detector_id)
        if quantities := touched(before.of(*place), after.of(*place)):
            found.append((one, quantities))
    return found


async def tried(
    detectors: Sequence[tuple[Watched, list[str]]],
    before: RuleBook,
    after: RuleBook,
    since: datetime,
    until: datetime,
) -> AsyncIterator[Tried]:
    """Each detector's past under both books; stop iterating to cancel.

    Args:
        detectors: from ``affected``.
        since, until: of arrival, UTC.
    """
    async with AT_ONCE:
        connection = await TELEMETRY.get_new_connection()
        try:
            await connection.execute(
                "SET default_transaction_read_only = on;"
                f" SET statement_timeout = {STATEMENT_TIMEOUT_MS}; SET work_mem = '4MB'"
            )
            for one, quantities in detectors:
                yield await _one(connection, one, quantities, before, after, since, until)
        finally:
            await connection.close()


async def _one(
    connection: Any,
    one: Watched,
    quantities: list[str],
    before: RuleBook,
    after: RuleBook,
    since: datetime,
    until: datetime,
) -> Tried:
    place = (one.kind, one.group, one.detector_id)
    books = [
        Replay(book.of(*place), interval_s=one.interval_s, group=one.group)
        for book in (before, after)
    ]
    held = [r for book in (before, after) for q in quantities for r in book.of(*place).get(q, ())]
    lead = min(timedelta(seconds=max((r.span_s for r in held), default=0.0)), LEAD_MOST)
    count = 0
    async with connection.transaction():
        cursor = await connection.cursor(READINGS, one.detector_id, since - lead, until, quantities)
        while rows := await cursor.fetch(PAGE):
            began = time.perf_counter()
            for row in rows:
                reading = _reading(row, one.kind)
                for book in books:
                    book.take(reading)
            count += len(rows)
            await asyncio.sleep(time.perf_counter() - began)
    then, now = (book.finish(until) for book in books)
    all_of_it = compared(then, now, until)
    within = [
        [each for each in raises if each.at >= since]
        for raises in (all_of_it.kept, all_of_it.gone, all_of_it.new)
    ]
    difference = Difference(kept=within[0], gone=within[1], new=within[2])
    return Tried(detector_id=one.detector_id, readings=count, difference=difference)


def _reading(row: Any, kind: str) -> Reading:
    return Reading(
        device="",
        kind=kind,
        quantity=row["quantity"],
        value=row["value"],
        unit=row["unit"],
        measured_at=row["measured_at"],
        received_at=row["received_at"],
        timed=row["measured_at"] != row["received_at"],
        flags=tuple(row["flags"]),
    )
