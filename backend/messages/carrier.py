"""Works the outbox off: claims what is due, asks the ladder, knocks on doors, writes down.

A message is claimed by moving ``next_at`` ahead, a lease, in the same short transaction that
decides the next step and writes the attempt down. Doors are tried outside of any transaction and
beside each other, so a slow one delays nobody. A process that dies in between leaves an attempt
without outcome: when the lease is over it counts as lost and is tried again. So a message may
reach a phone twice (same id, shown once), and never not at all. Any number of carriers may run.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.messages.claims import (
    DEVICES,
    TELLING,
    Directory,
    Job,
    Quiet,
    claim,
    no_directory,
)
from backend.messages.doors import doors as doors_of
from backend.messages.service import CHANNEL
from backend.shared import tasks
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.shared.listen import AWAY
from push.breaker import Breaker, after, before, closed_for_s
from push.message import Handling, Message
from push.port import Door, Outcome, Reach, Result

log = logging.getLogger("jiean.messages")

LOOK_AGAIN_S = 5.0
"""The longest sleep: another process's clock may have set a message due earlier than ours."""
LIVE_LIMIT_S = 2.0
"""The longest that a door on this machine may take."""
LEASE_MARGIN_S = 3.0
"""A lease outlives its attempt by this much, clock differences between nodes included."""


class Unreached(msgspec.Struct, frozen=True, kw_only=True):
    """Every door has had its time and no device answered: somebody must phone."""

    address: str
    incident_id: UUID | None
    message: Message


OnUnreached = Callable[[Unreached], Awaitable[None]]


async def nobody_told(unreached: Unreached) -> None:
    """The default for ``on_unreached``: it is only logged."""
    log.warning("message %s reached no device of %s", unreached.message.id, unreached.address)


class Carrier:
    """The outbox's worker.

    Args:
        context: clock and listener.
        doors: by which messages leave; None for those of the settings.
        on_unreached: awaited when a person must be told; again after a crash, or when it raised.
        directory: telephones and rooms, see ``claims``.
    """

    def __init__(
        self,
        context: Context,
        doors: Sequence[Door] | None = None,
        *,
        on_unreached: OnUnreached = nobody_told,
        directory: Directory = no_directory,
    ) -> None:
        doors = doors_of(context) if doors is None else doors
        self._clock = context.clock
        self._doors = {door.name: door for door in doors}
        self._on_unreached = on_unreached
        self._directory = directory
        settings = context.settings
        self._quiet = Quiet(
            zone=ZoneInfo(settings.service.timezone),
            from_hour=settings.push.quiet_from,
            to_hour=settings.push.quiet_to,
        )
        self._breakers: dict[str, Breaker] = {}
        self._limits_s = {
            door.name: LIVE_LIMIT_S
            if door.reach is Reach.LOOPBACK
            else context.settings.push.timeout_s + 1
            for door in doors
        }
        self._reaches = {door.name: door.reach for door in doors}
        self._leases = {
            name: timedelta(seconds=limit_s + LEASE_MARGIN_S)
            for name, limit_s in {**self._limits_s, TELLING: LIVE_LIMIT_S}.items()
        }
        self._wake = context.operations_listener.event(CHANNEL)
        self._flying: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until ``stop``; a database that is away is waited for."""

        async def stopped() -> None:
            await stop.wait()
            self._wake.wake()

        ending = tasks.spawn(stopped(), name="messages stop")
        try:
            while not stop.is_set():
                try:
                    if await self.launch():
                        continue
                    pause_s = await self._pause_s()
                except AWAY as away:
                    log.warning("messages wait for the database: %s", away)
                    pause_s = 0.5
                await self._wake.wait(pause_s)
        finally:
            await tasks.stop(ending)
            if self._flying:
                await asyncio.wait(self._flying, timeout=1)
            for door in self._doors.values():
                close = getattr(door, "aclose", None)
                if close is not None and door.name != "live":
                    await close()

    async def step(self) -> bool:
        """Carry what is due, to the end of each attempt; False when nothing was due."""
        claimed = await self.launch()
        await self.drain()
        return claimed

    async def launch(self) -> bool:
        """Claim what is due and start it on its way, without waiting for any door."""
        jobs = await claim(
            self._clock.now(),
            self._reaches,
            self._leases,
            directory=self._directory,
            quiet=self._quiet,
        )
        for job in jobs or ():
            flight = tasks.spawn(self._carry(job), name=f"message {job.message.id}")
            self._flying.add(flight)
            flight.add_done_callback(self._flying.discard)
        return jobs is not None

    async def drain(self) -> None:
        """Wait until every attempt that ``launch`` started is written down."""
        while self._flying:
            await asyncio.wait(set(self._flying))

    async def _pause_s(self) -> float:
        due: datetime | None = await OPERATIONS.fetch_value(
            "SELECT min(next_at) FROM message WHERE next_at IS NOT NULL"
        )
        if due is None:
            return LOOK_AGAIN_S
        return min(max(0.0, (due - self._clock.now()).total_seconds()), LOOK_AGAIN_S)

    async def _carry(self, job: Job) -> None:
        result: Result | None = None
        gone: list[tuple[UUID, datetime]] = []
        if job.door in DEVICES:
            result, gone = await self._push(self._doors[job.door], job)
        elif job.door is not None:
            result = await self._knock(self._doors[job.door], job.to, job.message)
        told = job.tell and await self._tell(job)
        failed = job.tell and not told  # then the lease stands, and it is told again after it
        now = self._clock.now()
        async with OPERATIONS.transaction():
            # Message first, as the claim does: two orders would be a deadlock.
            await OPERATIONS.execute(
                "UPDATE message SET told_person = told_person OR $3,"
                " next_at = CASE WHEN $4 THEN next_at ELSE $2 END"
                " WHERE id = $1 AND next_at IS NOT NULL",
                job.message.id,
                now,
                told,
                failed,
            )
            if result is not None:
                await OPERATIONS.execute(
                    "UPDATE delivery SET outcome = $2, code = $3, retry_after_s = $4"
                    " WHERE id = $1 AND outcome IS NULL",
                    job.delivery_id,
                    result.outcome.value,
                    result.provider_code,
                    result.retry_after_s,
                )
            if gone:
                # One that registered again after its provider gave it up is alive.
                await OPERATIONS.execute(
                    "UPDATE subscription s SET gone_at = $3"
                    " FROM unnest($1::uuid[], $2::timestamptz[]) AS g (id, since)"
                    " WHERE s.id = g.id AND s.created_at <= g.since",
                    [each for each, _ in gone],
                    [since for _, since in gone],
                    now,
                )
        self._wake.wake()

    async def _knock(self, door: Door, address: str, message: Message) -> Result:
        if door.reach is Reach.LOOPBACK:
            return await self._try(door, address, message)
        breaker, now = self._breakers.get(door.name, Breaker()), self._clock.now()
        if wait_s := closed_for_s(breaker, now):
            return Result(Outcome.RETRY, wait_s, "breaker-open")
        self._breakers[door.name] = before(breaker, now)
        result = await self._try(door, address, message)
        was = self._breakers[door.name]
        self._breakers[door.name] = after(was, result, self._clock.now())
        if was.open_until is None and self._breakers[door.name].open_until is not None:
            log.warning("door %s fails; it is left alone for a while", door.name)
        return result

    async def _try(self, door: Door, address: str, message: Message) -> Result:
        try:
            async with asyncio.timeout(self._limits_s[door.name]):
                return await door.send(address, message)
        except TimeoutError:
            return Result(Outcome.RETRY, None, "timeout")
        except Exception as broken:
            # The push edge: a door that breaks its promise must not take the message with it.
            log.exception("door %s", door.name)
            return Result(Outcome.RETRY, None, type(broken).__name__)

    async def _push(self, door: Door, job: Job) -> tuple[Result, list[tuple[UUID, datetime]]]:
        """To every device of the address at once: one that took it is enough.

        Returns:
            The best outcome, and the devices that are gone, each with since when.
        """
        now = self._clock.now()
        results = await asyncio.gather(
            *(self._knock(door, device, job.message) for _id, device in job.devices)
        )
        gone = [
            (each, result.gone_since or now)
            for (each, _), result in zip(job.devices, results, strict=True)
            if result.outcome is Outcome.FORGET_DEVICE
        ]
        order = (Outcome.SENT, Outcome.RETRY, Outcome.REJECTED, Outcome.FORGET_DEVICE)
        return min(results, key=lambda result: order.index(result.outcome)), gone

    async def _tell(self, job: Job) -> bool:
        if job.message.handling is Handling.TEST:
            return True  # a check that nobody answers is its own result
        try:
            async with asyncio.timeout(LIVE_LIMIT_S):
                await self._on_unreached(
                    Unreached(address=job.address, incident_id=job.incident_id, message=job.message)
                )
        except Exception:
            # Whatever it was: one message that nobody is told of must not stop the others.
            log.exception("nobody was told of message %s", job.message.id)
            return False
        return True
