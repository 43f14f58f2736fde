"""A few of the last messages per family of topics, as they came, for whoever writes a template.

A sample, not a log: of what was read one message per protocol and second, of what was not read
each, up to a bound. Kept a day (messages about water and doors of homes an hour), at most
``PER_FAMILY`` of a family and ``ROWS`` in all, cut to ``MAX_KEPT`` bytes and at the first picture.
Losing some at a crash is no harm: what could not be decoded is also in ``raw_message``.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from backend.sensing.deliveries import Arrived
from backend.sensing.reading import Decoded, Event, Reading, Rejected
from backend.shared import tasks
from backend.shared.clock import Clock
from backend.shared.db import TELEMETRY

log = logging.getLogger("jiean.mapping")

SAMPLE_EVERY = timedelta(seconds=1)
KEPT_FOR = timedelta(hours=24)
PRIVATE_FOR = timedelta(hours=1)
PRIVATE = frozenset({"water", "door"})
"""Kinds whose messages tell how somebody lives."""
MAX_KEPT = 8192
PER_FAMILY = 30
ROWS = 5000
FAMILIES = 200
"""Families waiting at once; what comes beyond is counted under its first level."""
FLUSH_S = 1.0
PICTURE = b"\xff\xd8\xff"
VERSION = re.compile(r"v\d+(\.\d+)*", re.IGNORECASE)

SAVE_TALLY = """
INSERT INTO mapping_tally (hour, name, read, refused, readings, last_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hour, name) DO UPDATE SET
    read = mapping_tally.read + excluded.read, refused = mapping_tally.refused + excluded.refused,
    readings = mapping_tally.readings + excluded.readings,
    last_at = greatest(mapping_tally.last_at, excluded.last_at)
"""
SAVE_MESSAGE = """
INSERT INTO recent_message (family, topic, payload, whole_bytes, protocol, outcome, detail,
    received_at, forget_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
TRIM = """
DELETE FROM recent_message WHERE forget_at < $1 OR id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY family ORDER BY id DESC) AS place
        FROM recent_message WHERE family = ANY($2)) AS placed WHERE place > $3)
    OR id <= (SELECT id FROM recent_message ORDER BY id DESC OFFSET $4 LIMIT 1)
"""


def family_of(topic: str) -> str:
    """A topic with ``+`` where a level names one device: any level but the first with a digit."""
    first, *levels = topic[:300].replace("\0", "�").split("/")
    plain = [
        "+" if level != "+" and any(c.isdigit() for c in level) and not VERSION.fullmatch(level)
        else level
        for level in levels
    ]  # fmt: skip
    return "/".join([first, *plain])


class Recent:
    """Counts and samples in memory, written together a second later."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[str, datetime] = {}
        self._tally: dict[str, list[int]] = {}
        self._last: dict[str, datetime] = {}
        self._waiting: dict[str, deque[tuple[Any, ...]]] = {}
        self._planned: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def note(self, said: Sequence[tuple[Arrived, str, Sequence[Decoded]]]) -> None:
        """Count a stored batch and keep some of it; no I/O."""
        for message, protocol, items in said:
            worst = next((item for item in items if isinstance(item, Rejected)), None)
            name = protocol
            if nobodys(items[0]):
                name = self._unread(message.topic)
            tally = self._tally.get(name)
            if tally is None:
                if len(self._tally) > 2 * FAMILIES:
                    name = "?"
                tally = self._tally.setdefault(name, [0, 0, 0])
            tally[worst is not None] += 1
            tally[2] += len(items)
            self._last[name] = message.received_at
            due = self._due.get(name)
            if worst is None and due is not None and message.received_at < due:
                continue
            self._due[name] = message.received_at + SAMPLE_EVERY
            self._keep(message, protocol, items, worst)
        if self._planned is None and (self._waiting or self._tally):
            loop = asyncio.get_running_loop()
            self._planned = loop.call_later(FLUSH_S, self._begin)

    def _unread(self, topic: str) -> str:
        family = "~" + family_of(topic)
        return family if family in self._tally or len(self._tally) < FAMILIES else "~" + topic[:40]

    def _keep(
        self,
        message: Arrived,
        protocol: str,
        items: Sequence[Decoded],
        worst: Decoded | None,
    ) -> None:
        family = family_of(message.topic)
        waiting = self._waiting.get(family)
        if waiting is None:
            if len(self._waiting) >= FAMILIES:
                family = message.topic.partition("/")[0][:60] + "/#"
            waiting = self._waiting.setdefault(family, deque(maxlen=PER_FAMILY))
        private = any(isinstance(item, Reading) and item.kind in PRIVATE for item in items)
        outcome, detail = outcome_of(items, worst)
        waiting.append(
            (family, message.topic[:300].replace("\0", "�"),
             message.payload.partition(PICTURE)[0][:MAX_KEPT], len(message.payload), protocol[:60],
             outcome, detail[:200].replace("\0", "�"), message.received_at,
             message.received_at + (PRIVATE_FOR if private else KEPT_FOR))
        )  # fmt: skip

    def _begin(self) -> None:
        self._planned = None
        if self._writing is None or self._writing.done():
            self._writing = tasks.spawn(self._flush(), name="recent messages")

    async def _flush(self) -> None:
        try:
            await self.flush()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as away:
            log.info("samples are lost, the database is away: %s", away)

    async def flush(self) -> None:
        """Write what waits, and throw away what is old or too much."""
        tally, self._tally = self._tally, {}
        last, self._last = self._last, {}
        waiting, self._waiting = self._waiting, {}
        now = self._clock.now()
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        rows = [row for queue in waiting.values() for row in queue]
        async with TELEMETRY.transaction():
            await TELEMETRY.execute_many(
                SAVE_TALLY,
                [
                    (hour, name.replace("\0", "�"), *tally[name], last[name])
                    for name in sorted(tally)
                ],
            )
            if rows:
                await TELEMETRY.execute_many(SAVE_MESSAGE, rows)
                await TELEMETRY.execute(TRIM, now, sorted(waiting), PER_FAMILY, ROWS)
            await TELEMETRY.execute(
                "DELETE FROM mapping_tally WHERE hour < $1", hour - KEPT_FOR * 2
            )


def nobodys(item: Decoded) -> bool:
    """The message belongs to no protocol and no template."""
    if isinstance(item, Rejected):
        return item.reason == "no-adapter"
    return isinstance(item, Event) and item.name == "unread"


def outcome_of(items: Sequence[Decoded], worst: Decoded | None) -> tuple[str, str]:
    """One word for what became of a message, and what explains it."""
    if isinstance(worst, Rejected):
        return worst.reason, worst.detail
    if nobodys(items[0]):
        return "unread", ""
    for item in items:
        if isinstance(item, Event) and item.name == "unmapped":
            return "unmapped", ", ".join(map(str, item.facts))
    readings = [item.quantity for item in items if isinstance(item, Reading)]
    return ("read", ", ".join(dict.fromkeys(readings))) if readings else ("event", "")
