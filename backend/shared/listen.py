"""LISTEN on a connection of its own, that comes back by itself.

A notification is a hint, never the truth: after a reconnect every channel is woken once, so
whoever waits looks at the tables and catches up. Channels: ``work`` and ``news`` (operations),
``alerts`` (telemetry).
"""

import asyncio
import logging
from typing import Any

import asyncpg

from backend.shared import tasks
from backend.shared.db import Database

log = logging.getLogger("jiean.listen")
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class Wakeup:
    """An event for one waiting loop: set by a notification, cleared by waiting."""

    def __init__(self) -> None:
        self._set = asyncio.Event()
        self.payload = ""
        """The latest notification's payload; empty after a reconnect."""

    def wake(self, payload: str = "") -> None:
        """End the present or the next ``wait``."""
        self.payload = payload
        self._set.set()

    def take(self) -> bool:
        """Whether it was woken since the last wait or take; clears it, waits for nothing."""
        was = self._set.is_set()
        self._set.clear()
        return was

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until woken; False when ``timeout_s`` passed first."""
        try:
            await asyncio.wait_for(self._set.wait(), timeout_s)
        except TimeoutError:
            return False
        self._set.clear()
        return True


class Listener:
    """Listens on one database; each ``event(channel)`` is a new Wakeup of its own."""

    def __init__(self, database: Database, *, retry_s: float = 0.2) -> None:
        self._database = database
        self._retry_s = retry_s
        self._wakeups: dict[str, list[Wakeup]] = {}
        self._connection: Any = None
        self._task: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()
        self._listening: set[str] = set()
        self._ready = asyncio.Event()

    def event(self, channel: str) -> Wakeup:
        """A Wakeup set at every notification of ``channel``."""
        wakeup = Wakeup()
        self._wakeups.setdefault(channel, []).append(wakeup)
        self._stirred.set()
        return wakeup

    async def start(self) -> None:
        """Connect and keep connected until ``stop``; returns when first listening.

        While the database is away it tries on, and ``start`` waits with it.
        """
        self._task = tasks.spawn(self._keep(), name=f"listen {self._database.name}")
        first = tasks.spawn(self._ready.wait(), name="first listening")
        await asyncio.wait({self._task, first}, return_when=asyncio.FIRST_COMPLETED)
        await tasks.stop(first)
        if self._task.done():
            await self._task  # a mistake of ours: told, not waited for

    async def stop(self) -> None:
        """Disconnect."""
        await tasks.stop(self._task)
        if self._connection is not None:
            self._connection.terminate()

    async def _keep(self) -> None:
        while True:
            try:
                await self._connect()
            except AWAY as lost:
                log.info("listening on %s failed: %s", self._database.name, lost)
                await asyncio.sleep(self._retry_s)
                continue
            await self._until_lost()

    async def _connect(self) -> None:
        connection = await asyncpg.connect(**{**self._database.config, "timeout": 5})
        connection.add_termination_listener(lambda _connection: self._stirred.set())
        self._connection = connection
        self._listening.clear()

    async def _until_lost(self) -> None:
        """Listen to what is asked for; ask now and then whether the peer is still there."""
        try:
            while not self._connection.is_closed():
                self._stirred.clear()
                for channel in self._wakeups.keys() - self._listening:
                    await self._connection.add_listener(channel, self._heard)
                    self._listening.add(channel)
                    for wakeup in self._wakeups[channel]:
                        wakeup.wake()  # whatever was said before we listened
                self._ready.set()
                try:
                    await asyncio.wait_for(self._stirred.wait(), 10)
                except TimeoutError:
                    # a peer that vanished without a word sends no end of connection
                    await asyncio.wait_for(self._connection.execute("SELECT 1"), 5)
        except AWAY as lost:
            log.info("listening on %s ended: %s", self._database.name, lost)
            self._connection.terminate()

    def _heard(self, _connection: Any, _pid: int, channel: str, payload: str) -> None:
        for wakeup in self._wakeups.get(channel, ()):
            wakeup.wake(payload)
