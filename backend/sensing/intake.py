"""What comes by other doors than the broker's: gathered into batches, told only once stored.

A thousand lines and pushes at once would each open a transaction of their own. Here whoever comes
while a batch is being written waits for the next one, so the database sees few, larger batches and
a single sender is written at once. A message that makes its batch fail is kept raw alone, so that
it cannot block those behind it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from backend.sensing.batches import AWAY, BUSY
from backend.sensing.deliveries import Arrived, Superseded
from backend.sensing.store import Store
from backend.shared import tasks

log = logging.getLogger("jiean.intake")

BATCH = 200
"""Messages stored together."""
MAX_BYTES = 64 * 1024 * 1024
"""▲ Payload bytes that wait at the same time, over all doors; more is refused, not kept."""


class Full(Exception):
    """More waits than may wait; the sender keeps it and comes again."""


class _Part:
    """What one sender waits for."""

    __slots__ = ("done", "messages", "size")

    def __init__(self, messages: Sequence[Arrived]) -> None:
        self.messages = messages
        self.size = sum(len(message.payload) for message in messages)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Intake:
    """One door's, or several doors', way into the store."""

    def __init__(self, store: Store, max_bytes: int = MAX_BYTES) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._waiting: deque[_Part] = deque()
        self._held = 0
        self._writing: asyncio.Task[None] | None = None

    @property
    def store(self) -> Store:
        """Where it goes."""
        return self._store

    @property
    def held(self) -> int:
        """Payload bytes that wait or are being stored."""
        return self._held

    async def take(self, messages: Sequence[Arrived]) -> None:
        """Store these; returns once they are stored.

        Raises:
            Full: too much waits already.
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: the database is
                away; nothing of these was stored.
            Superseded: another process stores for these doors now.
        """
        if not messages:
            return
        part = _Part(messages)
        if self._held and self._held + part.size > self._max_bytes:
            raise Full
        self._held += part.size
        self._waiting.append(part)
        if self._writing is None:
            self._writing = tasks.spawn(self._write_all(), name="intake")
        await part.done

    async def _write_all(self) -> None:
        batch: list[_Part] = []
        try:
            while self._waiting:
                batch = [self._waiting.popleft()]
                while self._waiting and sum(len(part.messages) for part in batch) < BATCH:
                    batch.append(self._waiting.popleft())
                await self._write(batch)
                batch = []
        finally:
            self._writing = None
            for part in (*batch, *self._waiting):  # only when the platform stops
                self._settle(part, ConnectionResetError("stopping"))
            self._waiting.clear()

    async def _write(self, batch: Sequence[_Part]) -> None:
        """Store a batch; if something in it cannot be stored, each sender's part alone."""
        try:
            away = await self._stored([m for part in batch for m in part.messages])
        except Exception:
            if len(batch) > 1:
                for part in batch:
                    await self._write([part])
                return
            away = await self._one_by_one(batch[0].messages)
        for part in batch:
            self._settle(part, away)

    async def _stored(self, messages: Sequence[Arrived]) -> BaseException | None:
        """Store them, or say why the database could not be reached."""
        try:
            await self._store.write(messages)
        except (*AWAY, *BUSY, Superseded) as away:
            return away
        return None

    async def _one_by_one(self, messages: Sequence[Arrived]) -> BaseException | None:
        """Store each alone; what cannot be stored is kept raw."""
        for message in messages:
            try:
                away = await self._stored([message])
            except Exception as wrong:
                log.error("message on %s cannot be stored: %s", message.topic[:100], wrong)
                try:
                    await self._store.write_poison(message, str(wrong))
                except Exception as failed:
                    away = failed
                else:
                    away = None
            if away is not None:
                return away
        return None

    def _settle(self, part: _Part, away: BaseException | None) -> None:
        self._held -= part.size
        if part.done.done():  # whoever waited was cut off; it is stored all the same
            return
        if away is None:
            part.done.set_result(None)
        else:
            part.done.set_exception(away)
