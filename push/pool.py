"""Connections for many requests at once to the same few hosts.

httpx's own pool looks at every connection for every request, which at a hundred under way costs
more than the request. Here each client holds one connection and does one request at a time; the
one that was used last is taken first, so that few stay open once a storm is over.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

KEPT = 100
"""Idle connections that are kept, to all hosts together."""


class Pool:
    """Clients by origin.

    Args:
        make: makes a client of one connection.
        kept: how many idle ones are kept.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient], *, kept: int = KEPT) -> None:
        self._make, self._kept = make, kept
        self._idle: dict[str, list[httpx.AsyncClient]] = {}
        self._count = 0

    @asynccontextmanager
    async def client(self, origin: str) -> AsyncIterator[httpx.AsyncClient]:
        """One for this origin, for one request."""
        idle = self._idle.get(origin)
        if idle:
            found = idle.pop()
            self._count -= 1
            if not idle:
                del self._idle[origin]
        else:
            found = self._make()
        try:
            yield found
        except BaseException:
            # Its connection is in no known state.
            await found.aclose()
            raise
        if self._count < self._kept:
            self._idle.setdefault(origin, []).append(found)
            self._count += 1
        else:
            await found.aclose()

    async def aclose(self) -> None:
        """Close the idle ones; each that is under way closes itself."""
        self._kept = 0
        idle, self._idle, self._count = self._idle, {}, 0
        for clients in idle.values():
            for each in clients:
                await each.aclose()
