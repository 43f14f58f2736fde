"""What came of attempts, written down together.

One transaction takes everything that came in while the last one ran, so that a thousand answers
of a provider in one second cost a few statements, and a single one waits for nobody.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.messages import calling_off, tokens
from backend.messages.claims import BOOKKEEPING
from backend.messages.jobs import Job
from backend.shared import tasks
from backend.shared.clock import Clock
from backend.shared.db import OPERATIONS
from push.breaker import Breaker
from push.port import Outcome, Result

log = logging.getLogger("jiean.messages")

MOST = 500
CALLED_OFF = "called-off"
"""Our word for an attempt that was cut short: it may have left."""


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one job.

    Args:
        job: what was carried.
        result: of its door, None where it only told a person.
        gone: devices that their provider gave up, each with since when.
        accepted: devices for which a provider took it.
        told: a person was told.
        failed: telling a person failed: it is done again when the lease is over.
    """

    job: Job
    result: Result | None
    gone: tuple[tuple[UUID, datetime], ...] = ()
    accepted: tuple[UUID, ...] = ()
    told: bool = False
    failed: bool = False


class Settling:
    """Writes for one carrier.

    Args:
        clock: the server's.
        node: this process.
        settled: called after each transaction with what was in it.
    """

    def __init__(self, clock: Clock, node: UUID, settled: Callable[[Sequence[Came]], None]) -> None:
        self._clock, self._node, self._settled = clock, node, settled
        self._waiting: list[tuple[Came, asyncio.Future[None]]] = []
        self._breakers: dict[str, tuple[Breaker, str]] = {}
        self._writing: asyncio.Task[None] | None = None

    def breaker(self, provider: str, breaker: Breaker, code: str) -> None:
        """Have a breaker that opened or closed written down with the next answers."""
        self._breakers[provider] = (breaker, code)

    async def keep(self, came: Came) -> None:
        """Write it down; returns when it is committed.

        Raises:
            OSError, asyncpg.PostgresError: the database is away; the lease stands.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((came, done))
        if self._writing is None or self._writing.done():
            self._writing = tasks.spawn(self._write_all(), name="messages settle")
        await done

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            breakers, self._breakers = self._breakers, {}
            try:
                await self._write([came for came, _ in batch], breakers)
            except Exception as failed:
                # Whoever carried them is told; the rows come back when their leases are over.
                self._breakers = breakers | self._breakers
                for _, done in batch:
                    if not done.done():
                        done.set_exception(failed)
                continue
            for _, done in batch:
                if not done.done():
                    done.set_result(None)
            self._settled([came for came, _ in batch])

    async def _write(
        self, batch: Sequence[Came], breakers: Mapping[str, tuple[Breaker, str]]
    ) -> None:
        now = self._clock.now()
        ids = [came.job.message.id for came in batch]
        async with OPERATIONS.transaction():
            await OPERATIONS.execute(BOOKKEEPING)
            # Messages first and in one order, as claims and receipts do: else a deadlock.
            await OPERATIONS.fetch(
                "SELECT id FROM message WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", ids
            )
            climbing = await OPERATIONS.fetch(
                "UPDATE message m SET told_person = m.told_person OR p.told,"
                " next_at = CASE WHEN p.failed THEN m.next_at ELSE p.next_at END"
                " FROM unnest($1::uuid[], $2::timestamptz[], $3::boolean[], $4::boolean[])"
                " AS p (id, next_at, told, failed)"
                " WHERE m.id = p.id AND m.next_at IS NOT NULL RETURNING m.id",
                ids,
                [_next_at(came, now) for came in batch],
                [came.told for came in batch],
                [came.failed for came in batch],
            )
            await self._outcomes(batch, now)
            if gone := [each for came in batch for each in came.gone]:
                await tokens.refused(gone, now=now)
            if accepted := sorted({each for came in batch for each in came.accepted}):
                await tokens.accepted(accepted, now=now)
            over = set(ids) - {row["id"] for row in climbing}
            if late := [came.job.message.id for came in batch if _late(came, over)]:
                await calling_off.replace_on_screens(await calling_off.late(late), now)
            if breakers:
                await self._providers(breakers, now)

    async def _outcomes(self, batch: Sequence[Came], now: datetime) -> None:
        knocked = [came for came in batch if came.result is not None]
        results = [came.result for came in knocked if came.result is not None]
        if not knocked:
            return
        await OPERATIONS.execute(
            "UPDATE delivery d SET outcome = p.outcome, code = p.code, ended_at = $6,"
            " retry_after_s = p.retry_after_s, reference = p.reference"
            " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::float8[], $5::text[])"
            " AS p (id, outcome, code, retry_after_s, reference)"
            " WHERE d.id = p.id AND d.outcome IS NULL",
            [came.job.delivery_id for came in knocked],
            [result.outcome.value for result in results],
            [result.provider_code for result in results],
            [result.retry_after_s for result in results],
            [result.reference for result in results],
            now,
        )

    async def _providers(self, breakers: Mapping[str, tuple[Breaker, str]], now: datetime) -> None:
        names = sorted(breakers)
        await OPERATIONS.execute(
            "INSERT INTO provider (node, name, failures, open_until, last_code, changed_at)"
            " SELECT $1, name, failures, open_until, code, $6"
            " FROM unnest($2::text[], $3::integer[], $4::timestamptz[], $5::text[])"
            " AS p (name, failures, open_until, code)"
            " ON CONFLICT (node, name) DO UPDATE SET failures = EXCLUDED.failures,"
            " open_until = EXCLUDED.open_until, last_code = EXCLUDED.last_code,"
            " changed_at = EXCLUDED.changed_at",
            self._node,
            names,
            [breakers[name][0].failures for name in names],
            [breakers[name][0].open_until for name in names],
            [breakers[name][1] for name in names],
            now,
        )


def _next_at(came: Came, now: datetime) -> datetime:
    taken = came.result is not None and came.result.outcome is Outcome.SENT
    return came.job.rest_until if taken and came.job.rest_until is not None else now


def _late(came: Came, over: set[UUID]) -> bool:
    """Whether a provider took, or may have taken, what was over by then."""
    if came.result is None or came.job.message.id not in over:
        return False
    return came.result.outcome is Outcome.SENT or came.result.provider_code == CALLED_OFF
