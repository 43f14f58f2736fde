"""Messages gathered into batches and stored one after the other, however long that takes.

A batch closes at once when it holds something that may be an alarm, else after ``batch_ms``. When
the database is away the same batch is tried again, and the messages behind it wait. A message
that makes its batch fail is kept raw by itself and cannot stop those behind it.
"""

import asyncio
import contextlib
import logging
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

import asyncpg

from backend.sensing.deliveries import Arrived, Superseded
from backend.sensing.store import Stored

log = logging.getLogger("jiean.mqtt")

MAY_ALARM = re.compile(
    rb'"(?:smoke|gas|water_leak|carbon_monoxide|value)"\s*:\s*true'
    rb'|"quantity"\s*:\s*"(?:gas_value|arc)"|"gas_value"\s*:\s*[1-9]'
)
"""A cheap guess on the bytes: such a message does not wait for its batch to fill."""
BACK_OFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""The database is away: the same batch will do later."""
BUSY = (
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)


class Poisoned(Exception):
    """Some message of a batch cannot be stored; each is tried alone."""


class Writer(Protocol):
    """What stores a batch: ``Store`` in this process, or one in another (``lanes.py``)."""

    async def start(self) -> None:
        """Take over from whoever stored before."""
        ...

    async def write(
        self, messages: Sequence[Arrived], token: bytes | None = None, *, again: bool = False
    ) -> Stored:
        """See ``Store.write``."""
        ...

    async def write_poison(self, message: Arrived, detail: str) -> None:
        """See ``Store.write_poison``."""
        ...


class Batches:
    """One queue and who empties it; what comes in order is stored in order.

    Args:
        stored: called on the event loop with each batch that is stored.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        batch_s: float,
        batch_max: int,
        stored: Callable[[Sequence[Arrived]], None],
    ) -> None:
        self.writer = writer
        self._batch_s, self._batch_max, self._tell = batch_s, batch_max, stored
        self._queue: deque[Arrived] = deque()
        self._first = asyncio.Event()
        self._hurry = asyncio.Event()
        self.begun = asyncio.Event()
        """It may be given messages: nobody else stores for it any more."""
        self.stored = self.repeats = 0
        self.failing: str | None = None
        self.last_message_at: datetime | None = None

    @property
    def waiting(self) -> int:
        """Messages that no batch has taken yet."""
        return len(self._queue)

    def put(self, messages: Sequence[Arrived]) -> None:
        """Give messages, in order. Called on the event loop."""
        self._queue.extend(messages)
        if len(self._queue) >= self._batch_max or any(map(may_alarm, messages)):
            self._hurry.set()
        self._first.set()

    async def run(self) -> None:
        """Store what comes, until cancelled."""
        queue = self._queue
        await self.until_stored(self.writer.start)
        self.begun.set()
        while True:
            if not queue:
                await self._first.wait()
            self._first.clear()
            if len(queue) < self._batch_max and not self._hurry.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), self._batch_s)
            batch = [queue.popleft() for _ in range(min(len(queue), self._batch_max))]
            if not queue:
                self._hurry.clear()
            if batch:
                await self._store(batch)
                self._tell(batch)

    async def _store(self, messages: list[Arrived]) -> None:
        """Store a batch, however long it takes; never give it up."""
        token, again = secrets.token_bytes(12), False

        async def write() -> None:
            nonlocal again
            before, again = again, True
            try:
                stored = await self.writer.write(messages, token, again=before)
            except (*AWAY, *BUSY):
                raise
            except Superseded as gone:
                log.error("somebody else stores for us; taking over again: %s", gone)
                await self.writer.start()
                raise ConnectionError("superseded") from gone
            except Exception as wrong:
                # whatever it is, it must not stop the messages behind it
                if len(messages) > 1:
                    raise Poisoned from wrong
                log.error("message on %s cannot be stored: %s", messages[0].topic, wrong)
                await self.writer.write_poison(messages[0], str(wrong))
                return
            self.stored += stored.readings
            self.repeats += stored.repeats

        try:
            await self.until_stored(write)
        except Poisoned:
            for message in messages:
                await self._store([message])
        self.last_message_at = messages[-1].received_at

    async def until_stored(self, work: Callable[[], Awaitable[None]]) -> None:
        """Try until the database takes it, with growing pauses."""
        tries = 0
        while True:
            try:
                await work()
            except (*AWAY, *BUSY) as away:
                if self.failing is None:
                    log.warning("readings wait, the database is away: %s", away)
                self.failing = f"{type(away).__name__}: {away}"[:200]
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1
            else:
                self.failing = None
                return


def may_alarm(message: Arrived) -> bool:
    """A guess; most messages hold none of the three words and cost no more than looking."""
    payload = message.payload
    return (b"true" in payload or b"gas_value" in payload or b'"arc"' in payload) and (
        MAY_ALARM.search(payload) is not None
    )
