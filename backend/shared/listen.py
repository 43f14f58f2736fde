"""LISTEN on a connection of its own, that comes back by itself.

A notification is a hint, never the truth: after a reconnect every channel is woken once, so
whoever waits looks at the tables and catches up. Channels: ``work`` and ``news`` (operations),
``alerts`` (telemetry).
"""

import asyncio
import contextlib
import logging
from typing import Any

import asyncpg

from backend.shared import tasks
from backend.shared.db import Database

log = logging.getLogger("jiean.listen")


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
        self._lost = asyncio.Event()
        self._ready = asyncio.Event()

    def event(self, channel: str) -> Wakeup:
        """A Wakeup set at every notification of ``channel``."""
        wakeup = Wakeup()
        new = channel not in self._wakeups
        self._wakeups.setdefault(channel, []).append(wakeup)
        if new and self._ready.is_set():
            self._connection.terminate()  # the next connection listens to it as well
        return wakeup

    async def start(self) -> None:
        """Connect and keep connected until ``stop``; returns when first listening."""
        self._task = tasks.spawn(self._keep(), name=f"listen {self._database.name}")
        await self._ready.wait()

    async def stop(self) -> None:
        """Disconnect."""
        await tasks.stop(self._task)
        if self._connection is not None:
            self._connection.terminate()

    async def _keep(self) -> None:
        while True:
            try:
                await self._connect()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as lost:
                log.info("listening on %s failed: %s", self._database.name, lost)
                await asyncio.sleep(self._retry_s)
                continue
            self._ready.set()
            self._wake_all()
            await self._until_lost()

    async def _connect(self) -> None:
        self._lost.clear()
        self._connection = await asyncpg.connect(**{**self._database.config, "timeout": 5})
        self._connection.add_termination_listener(lambda _connection: self._lost.set())
        for channel in self._wakeups:
            await self._connection.add_listener(channel, self._heard)

    async def _until_lost(self) -> None:
        """Ask now and then: a peer that vanished without a word sends no end of connection."""
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), 10)
                return
            try:
                await asyncio.wait_for(self._connection.execute("SELECT 1"), 5)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._connection.terminate()
                return

    def _heard(self, _connection: Any, _pid: int, channel: str, payload: str) -> None:
        for wakeup in self._wakeups.get(channel, ()):
            wakeup.wake(payload)

    def _wake_all(self) -> None:
        for wakeups in self._wakeups.values():
            for wakeup in wakeups:
                wakeup.wake()
