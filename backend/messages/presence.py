"""Screens at other nodes: a message reaches an open screen whichever node claimed it.

Each node writes down whose screens it holds, and says now and then that it lives. The carrier
that claims a message leaves a row for each node that has a screen of its person; that node,
woken by the database, puts it on the screen, or says that it has gone and lets the ladder climb.
A lost wake-up costs nothing: the rows are looked at every few seconds as well.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.messages.claims import NODE_LOST_S, PASSED
from backend.messages.outbox import CHANNEL
from backend.shared import tasks
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.shared.listen import AWAY
from push.message import Message
from push.port import Outcome

log = logging.getLogger("jiean.messages")

SIGN_OF_LIFE_S = 10.0
AGAIN_S = 0.5
FORGET = timedelta(hours=1)
"""Nodes not heard of for so long are taken off the list."""


class Presence:
    """What one node says of its screens, and what it shows for others.

    Args:
        context: clock, sockets and listener.
        node: this process.
    """

    def __init__(self, context: Context, node: UUID) -> None:
        self._clock, self._live, self.node = context.clock, context.live, node
        self._wake = context.operations_listener.event(PASSED)
        self._written: frozenset[str] = frozenset()
        self._said_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; then this node's screens are forgotten at once."""
        telling = tasks.spawn(self._keep_telling(), name="presence")
        showing = tasks.spawn(self._keep_showing(), name="passed messages")
        try:
            await stop.wait()
        finally:
            await tasks.stop(telling, showing)
            try:
                await OPERATIONS.execute("DELETE FROM live_node WHERE id = $1", self.node)
            except AWAY as away:
                log.info("screens stay written down until they are too old: %s", away)

    async def tell(self) -> None:
        """Write down whose screens are open here, where that changed."""
        now, here = self._clock.now(), self._live.addresses()
        stale = self._said_at is None or now - self._said_at >= timedelta(seconds=SIGN_OF_LIFE_S)
        if here == self._written and not stale:
            return
        async with OPERATIONS.transaction():
            if stale:
                await self._say_alive(now)
            if new := here - self._written:
                await OPERATIONS.execute(
                    "INSERT INTO live_screen (address, node) SELECT a, $2 FROM unnest($1::text[])"
                    " AS p (a) ON CONFLICT DO NOTHING",
                    sorted(new),
                    self.node,
                )
            if gone := self._written - here:
                await OPERATIONS.execute(
                    "DELETE FROM live_screen WHERE node = $2 AND address = ANY($1::text[])",
                    sorted(gone),
                    self.node,
                )
        self._written = here
        if stale:
            self._said_at = now

    async def _say_alive(self, now: datetime) -> None:
        known = await OPERATIONS.execute(
            "UPDATE live_node SET seen_at = $2 WHERE id = $1", self.node, now
        )
        if not known:
            # New, or taken off the list while the database was away: everything is said again.
            await OPERATIONS.execute(
                "INSERT INTO live_node (id, seen_at) VALUES ($1, $2)", self.node, now
            )
            self._written = frozenset()
        await OPERATIONS.execute("DELETE FROM live_node WHERE seen_at < $1", now - FORGET)

    async def show(self) -> int:
        """Put what other nodes left for us on our screens; how many there were."""
        async with OPERATIONS.transaction():
            rows = await OPERATIONS.fetch(
                "WITH taken AS (DELETE FROM live_pass WHERE node = $1"
                " RETURNING message_id, delivery_id)"
                " SELECT m.id, m.address, m.body, taken.delivery_id FROM taken"
                " JOIN message m ON m.id = taken.message_id AND m.expires_at > $2"
                " WHERE m.next_at IS NOT NULL",
                self.node,
                self._clock.now(),
            )
            absent = []
            for row in rows:
                message = msgspec.json.decode(row["body"], type=Message)
                result = await self._live.send(row["address"], message)
                if result.outcome is not Outcome.SENT:
                    absent.append(row)
            if absent:
                await self._climb_on([row["delivery_id"] for row in absent])
        return len(rows)

    async def _climb_on(self, deliveries: list[int]) -> None:
        """Its screen closed a moment ago: nobody is waited for."""
        now = self._clock.now()
        rows = await OPERATIONS.fetch(
            "UPDATE delivery SET outcome = 'retry', code = 'not-connected', ended_at = $2"
            " WHERE id = ANY($1::bigint[]) AND (outcome IS NULL OR code = 'passed-on')"
            " RETURNING message_id",
            deliveries,
            now,
        )
        await OPERATIONS.execute(
            "UPDATE message SET next_at = $2 WHERE id = ANY($1::uuid[]) AND next_at IS NOT NULL",
            sorted(row["message_id"] for row in rows),
            now,
        )
        await OPERATIONS.notify(CHANNEL)

    async def _keep_telling(self) -> None:
        while True:
            self._live.changed.clear()
            pause_s = SIGN_OF_LIFE_S
            try:
                await self.tell()
            except AWAY as away:
                log.warning("screens cannot be written down: %s", away)
                pause_s = AGAIN_S
            try:
                await asyncio.wait_for(self._live.changed.wait(), pause_s)
            except TimeoutError:
                continue

    async def _keep_showing(self) -> None:
        while True:
            pause_s = NODE_LOST_S / 6
            try:
                await self.show()
            except AWAY as away:
                log.warning("messages of other nodes wait: %s", away)
                pause_s = AGAIN_S
            await self._wake.wait(pause_s)
