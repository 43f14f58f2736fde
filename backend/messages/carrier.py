"""Works the outbox off: claims what is due, asks the ladder, knocks on doors, writes down.

A message is claimed by moving ``next_at`` ahead, a lease, in the same short transaction that
decides the next step and writes the attempt down. Doors are tried outside of any transaction and
beside each other, so a slow one delays nobody; no provider has more than its places. Alarms to
staff have a loop and places of their own. A process that dies in between leaves an attempt
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

from backend.messages import calling_off
from backend.messages.claims import ALARM_LANES, OTHER_LANES, claim
from backend.messages.doors import doors as doors_of
from backend.messages.jobs import TELLING, Directory, Doors, Job, Quiet, no_directory
from backend.messages.outbox import CHANNEL
from backend.messages.plans import DEVICES, LIVE, NUMBERS
from backend.messages.presence import Presence
from backend.messages.settling import CALLED_OFF, Came, Settling
from backend.messages.upkeep import TRY_AGAIN
from backend.shared import tasks
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.shared.listen import AWAY, Wakeup
from push.breaker import Breaker, after, before, closed_for_s
from push.ladder import LADDERS, check
from push.lanes import Lanes, provider_of
from push.message import Handling, Message
from push.port import Door, Outcome, Reach, Result

log = logging.getLogger("jiean.messages")

LOOK_AGAIN_S = 5.0
"""The longest sleep: another process's clock may have set a message due earlier than ours."""
LEAST_SLEEP_S = 0.05
"""What is due but in line before full providers is not looked at more often than this."""
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
        context: clock, sockets and listener.
        doors: by which messages leave; None for those of the settings.
        on_unreached: awaited when a person must be told; again after a crash, or when it raised.
        directory: telephones and rooms, see ``jobs``.
        lanes: the places of providers.

    Raises:
        ValueError: the ladders cannot be climbed, see ``push.ladder.check``.
    """

    def __init__(
        self,
        context: Context,
        doors: Sequence[Door] | None = None,
        *,
        on_unreached: OnUnreached = nobody_told,
        directory: Directory = no_directory,
        lanes: Lanes | None = None,
    ) -> None:
        check(LADDERS, (LIVE, *DEVICES, *NUMBERS))
        doors = doors_of(context) if doors is None else doors
        self.node = uuid7()
        self._clock = context.clock
        self._doors = {door.name: door for door in doors}
        self._on_unreached = on_unreached
        settings = context.settings
        self._limits_s = {
            door.name: LIVE_LIMIT_S if door.reach is Reach.LOOPBACK else settings.push.timeout_s + 1
            for door in doors
        }
        self._lanes = lanes or Lanes()
        self._known = Doors(
            reaches={door.name: door.reach for door in doors},
            leases={
                name: timedelta(seconds=limit_s + LEASE_MARGIN_S)
                for name, limit_s in {**self._limits_s, TELLING: LIVE_LIMIT_S}.items()
            },
            lanes=self._lanes,
            node=self.node,
            connected=getattr(self._doors.get(LIVE), "is_connected", None),
            directory=directory,
            quiet=Quiet(
                zone=ZoneInfo(settings.service.timezone),
                from_hour=settings.push.quiet_from,
                to_hour=settings.push.quiet_to,
            ),
        )
        self._breakers: dict[str, Breaker] = {}
        self._settling = Settling(context.clock, self.node, self._settled)
        listener = context.operations_listener
        self._alarm, self._other = listener.event(CHANNEL), listener.event(CHANNEL)
        self._over = listener.event(calling_off.OVER)
        self._tried = listener.event(TRY_AGAIN)
        self._presence = Presence(context, self.node)
        self._flying: set[asyncio.Task[None]] = set()
        self._asking: dict[UUID, asyncio.Task[None]] = {}
        self._called_off: set[UUID] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until ``stop``; a database that is away is waited for."""

        async def stopped() -> None:
            await stop.wait()
            for wake in (self._alarm, self._other):
                wake.wake()

        beside = [
            tasks.spawn(stopped(), name="messages stop"),
            tasks.spawn(self._keep_cutting_short(), name="messages over"),
            tasks.spawn(self._keep_trying_again(), name="providers tried"),
        ]
        presence = tasks.spawn(self._presence.run(stop), name="screens")
        alarms = tasks.spawn(self._loop(stop, self._alarm, ALARM_LANES), name="alarms out")
        try:
            await self._loop(stop, self._other, OTHER_LANES)
            await alarms
            await presence
        finally:
            await tasks.stop(*beside, alarms, presence)
            if self._flying:
                await asyncio.wait(self._flying, timeout=1)
            for door in self._doors.values():
                close = getattr(door, "aclose", None)
                if close is not None and door.name != LIVE:
                    await close()

    async def _loop(self, stop: asyncio.Event, wake: Wakeup, lanes: Sequence[int]) -> None:
        while not stop.is_set():
            try:
                if await self.launch(lanes):
                    continue
                pause_s = await self._pause_s(lanes)
            except AWAY as away:
                log.warning("messages wait for the database: %s", away)
                pause_s = 0.5
            await wake.wait(pause_s)

    async def _keep_trying_again(self) -> None:
        while True:
            await self._tried.wait()
            self.try_again(self._tried.payload)

    def try_again(self, provider: str) -> None:
        """Somebody wants to see whether it works again: its next message is the probe."""
        breaker = self._breakers.get(provider, Breaker())
        if breaker.open_until is not None:
            now = min(breaker.open_until, self._clock.now())
            self._breakers[provider] = msgspec.structs.replace(breaker, open_until=now)

    async def step(self) -> bool:
        """Carry what is due, to the end of each attempt; False when nothing was due."""
        claimed = await self.launch()
        await self.drain()
        return claimed

    async def launch(self, lanes: Sequence[int] = (*ALARM_LANES, *OTHER_LANES)) -> bool:
        """Claim what is due and start it on its way, without waiting for any door.

        Returns:
            Whether there may be more that is due, beside what is in line.
        """
        claimed = await claim(self._clock.now(), self._known, lanes=lanes)
        for job in claimed.jobs:
            flight = tasks.spawn(self._carry(job), name=f"message {job.message.id}")
            self._flying.add(flight)
            flight.add_done_callback(self._flying.discard)
        return claimed.more

    async def drain(self) -> None:
        """Wait until every attempt that ``launch`` started is written down."""
        while self._flying:
            await asyncio.wait(set(self._flying))

    async def cut_short(self) -> int:
        """Stop asking providers for messages that are over; how many attempts were cut."""
        if not self._asking:
            return 0
        rows = await OPERATIONS.fetch(
            "SELECT id FROM message WHERE id = ANY($1::uuid[]) AND next_at IS NULL",
            list(self._asking),
        )
        over = [row["id"] for row in rows if row["id"] in self._asking]
        for message_id in over:
            self._called_off.add(message_id)
            self._asking[message_id].cancel()
        return len(over)

    async def _keep_cutting_short(self) -> None:
        while True:
            await self._over.wait()
            try:
                await self.cut_short()
            except AWAY as away:
                log.warning("attempts for messages that are over run on: %s", away)

    async def _pause_s(self, lanes: Sequence[int]) -> float:
        due: datetime | None = await OPERATIONS.fetch_value(
            "SELECT min(next_at) FROM unnest($1::smallint[]) AS l (lane), LATERAL ("
            " SELECT next_at FROM message m WHERE m.lane = l.lane AND next_at IS NOT NULL"
            " ORDER BY next_at LIMIT 1) AS first",
            list(lanes),
        )
        if due is None:
            return LOOK_AGAIN_S
        left_s = (due - self._clock.now()).total_seconds()
        return min(max(LEAST_SLEEP_S if left_s <= 0 else left_s, 0.0), LOOK_AGAIN_S)

    async def _carry(self, job: Job) -> None:
        flight = asyncio.current_task()
        if flight is not None and job.door not in (None, LIVE):
            self._asking[job.message.id] = flight
        try:
            came = await self._ask(job)
        except asyncio.CancelledError:
            if flight is None or job.message.id not in self._called_off:
                raise
            flight.uncancel()  # only the question was called off: that is still to be written
            came = Came(job=job, result=Result(Outcome.RETRY, None, CALLED_OFF))
        finally:
            self._asking.pop(job.message.id, None)
            self._called_off.discard(job.message.id)
            for place in job.places:
                self._lanes.give(place)
        await self._settling.keep(came)

    async def _ask(self, job: Job) -> Came:
        """Knock, and tell a person where the ladder says so."""
        result: Result | None = None
        gone: tuple[tuple[UUID, datetime], ...] = ()
        accepted: tuple[UUID, ...] = ()
        if job.door in DEVICES:
            result, gone, accepted = await self._push(self._doors[job.door], job)
        elif job.door == LIVE:
            result = await self._show(job)
        elif job.door is not None:
            result = await self._knock(self._doors[job.door], job.to, job.message)
        told = job.tell and await self._tell(job)
        return Came(
            job=job,
            result=result,
            gone=gone,
            accepted=accepted,
            told=told,
            failed=job.tell and not told,
        )

    def _settled(self, batch: Sequence[Came]) -> None:
        if any(came.job.alarm for came in batch):
            self._alarm.wake()
        if any(not came.job.alarm for came in batch):
            self._other.wake()

    async def _show(self, job: Job) -> Result:
        """On the screens of this node; another node was asked by the claim already."""
        result = Result(Outcome.RETRY, None, "not-connected")
        if job.here:
            result = await self._try(self._doors[LIVE], job.to, job.message)
        if job.elsewhere and result.outcome is not Outcome.SENT:
            return Result(Outcome.SENT, None, "passed-on")
        return result

    async def _knock(self, door: Door, address: str, message: Message) -> Result:
        provider = provider_of(door.name, address)
        breaker, now = self._breakers.get(provider, Breaker()), self._clock.now()
        if wait_s := closed_for_s(breaker, now):
            return Result(Outcome.RETRY, wait_s, "breaker-open")
        self._breakers[provider] = before(breaker, now)
        result = await self._try(door, address, message)
        was = self._breakers[provider]
        self._breakers[provider] = became = after(was, result, self._clock.now())
        if was.open_until != became.open_until:
            self._settling.breaker(provider, became, result.provider_code)
            if became.open_until is not None:
                log.warning("%s fails (%s): left alone", provider, result.provider_code)
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

    async def _push(
        self, door: Door, job: Job
    ) -> tuple[Result, tuple[tuple[UUID, datetime], ...], tuple[UUID, ...]]:
        """To every device of the address at once: one that took it is enough.

        Returns:
            The best outcome, the devices that are gone, each with since when, and those for
            which it was taken.
        """
        now = self._clock.now()
        if len(job.devices) == 1:
            results = [await self._knock(door, job.devices[0][1], job.message)]
        else:
            results = await asyncio.gather(
                *(self._knock(door, device, job.message) for _id, device, _ in job.devices)
            )
        found = list(zip((each for each, _, _ in job.devices), results, strict=True))
        gone = tuple(
            (each, result.gone_since or now)
            for each, result in found
            if result.outcome is Outcome.FORGET_DEVICE
        )
        accepted = tuple(each for each, result in found if result.outcome is Outcome.SENT)
        order = (Outcome.SENT, Outcome.RETRY, Outcome.REJECTED, Outcome.FORGET_DEVICE)
        return min(results, key=lambda result: order.index(result.outcome)), gone, accepted

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
