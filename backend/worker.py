"""What runs beside the web face: alerts in, reactions, deadlines, messages, audit shipping.

Any number of processes may run a worker; each piece of work is a row claimed with
``FOR UPDATE SKIP LOCKED`` whose lock dies with the process, so a kill -9 only means that
another worker, or this one restarted, takes it at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context as Fresh
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from backend.access import accounts
from backend.audit import service as audit
from backend.delivery import OFFICE_SILENT
from backend.directory import Directory
from backend.incidents.flow.commands import AnyCommand
from backend.incidents.flow.deadlines import RETRY_OFFER
from backend.messages import retention, tokens
from backend.messages.carrier import Carrier
from backend.pipeline import Pipeline
from backend.screens.inspection_watch import Inspecting
from backend.screens.keeping import Keeper
from backend.screens.reachability import Reachability
from backend.screens.shift_watch import Watch
from backend.screens.socket import Broadcaster
from backend.sensing import rulebook
from backend.sensing import service as sensing
from backend.shared import tasks
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.shared.listen import Wakeup
from backend.silence import Sweep

log = logging.getLogger("jiean.worker")

RETENTION_S = 600.0
CLOSED_S = 15.0
HANDS = 3
"""Reactions worked on at once; those of one incident stay in their order."""
TRIES = 8
ROSTER_S = 20.0
"""So often the roster is looked at."""
INSPECTION_S = 60.0
"""So often rounds and the technician's clocks are looked at."""
KEEPING_S = 60.0
"""So often is looked whether readings are to be summed up or their term is over."""
MOVES_S = 15.0
"""So often the areas are looked at beside every change of who is busy."""
SILENCE_S = 10.0
"""So often is looked which detectors fell silent and which are back."""
SWEEP_S = 10.0
"""So often is looked who is to be tested and who cannot be reached."""
AWAY = (
    ConnectionError,
    TimeoutError,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
Step = Callable[[], Awaitable[bool]]

_commands = msgspec.json.Decoder(AnyCommand)

CLAIM_WORK = """
SELECT id, incident_id, event_seq, attempts FROM work w
WHERE dead_at IS NULL AND available_at <= $1 AND NOT EXISTS (
    SELECT FROM work earlier WHERE earlier.incident_id = w.incident_id AND earlier.id < w.id
    AND earlier.dead_at IS NULL)
ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
CLAIM_DEADLINE = """
SELECT id, incident_id, name, command FROM deadline WHERE due_at <= $1
ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


class Worker:
    """All background work of one process."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.pipeline = Pipeline(ctx)
        self.carrier = Carrier(
            ctx, on_unreached=self.pipeline.unreached, directory=Directory(ctx.settings)
        )
        self.broadcaster = Broadcaster(ctx)
        self.silence = Sweep(ctx)
        self.roster = Watch(ctx, self.pipeline.incidents)
        self.reachability = Reachability(ctx)
        self.keeper = Keeper(ctx, rulebook.live(ctx))
        self.inspecting = Inspecting(ctx)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        work, alerts = self.ctx.operations_listener, self.ctx.telemetry_listener
        loops = [
            tasks.spawn(self._loop(alerts.event("alerts"), self.step_alerts), name="alerts"),
            *(
                tasks.spawn(self._loop(work.event("work"), self.step_work), name=f"work {n}")
                for n in range(HANDS)
            ),
            tasks.spawn(self._loop(work.event("work"), self.step_deadline), name="deadlines"),
            tasks.spawn(self._loop(work.event("audit"), self.step_audit, 5.0), name="audit"),
            tasks.spawn(self._loop(Wakeup(), self.step_closed, CLOSED_S), name="closed accounts"),
            tasks.spawn(self._loop(Wakeup(), self.step_retention, RETENTION_S), name="retention"),
            tasks.spawn(self._loop(Wakeup(), self.keeper.step, KEEPING_S), name="keeping"),
            tasks.spawn(
                self._loop(work.event("roster"), self.step_roster, ROSTER_S), name="roster"
            ),
            tasks.spawn(
                self._loop(Wakeup(), self.step_inspection, INSPECTION_S), name="inspection"
            ),
            tasks.spawn(self._loop(work.event("moves"), self.step_moves, MOVES_S), name="moves"),
            tasks.spawn(self._loop(work.event("reach"), self.step_reach, SWEEP_S), name="reach"),
            tasks.spawn(self._loop(Wakeup(), self.silence.look, SILENCE_S), name="silence"),
            tasks.spawn(self.broadcaster.run(stop), name="broadcaster"),
        ]
        tasks.spawn(self.pipeline.warm(), name="warm")
        carrying = tasks.spawn(self.carrier.run(stop), name="carrier")
        await stop.wait()
        await tasks.stop(*loops)
        await carrying  # ends by itself once attempts in flight have had their second

    async def run_until_idle(self) -> None:
        """Do everything that waits or is due by the clock in hand (tests, moved clocks)."""
        steps: tuple[Step, ...] = (
            self.step_alerts,
            self.step_work,
            self.step_deadline,
            self.carrier.step,
        )
        while True:
            if not any([await step() for step in steps]):
                return

    async def _loop(self, wake: Any, step: Step, every_s: float = 0.5) -> None:
        """Step while there is something, then sleep until woken or ``every_s``."""
        while True:
            try:
                while await step():
                    pass
            except AWAY as lost:
                log.warning("database away, trying again: %r", lost)
                await asyncio.sleep(0.2)
                continue
            except Exception:
                # One loop's mistake must not stop alarms; it is logged whole and tried again.
                log.exception("a step failed")
                await asyncio.sleep(1.0)
                continue
            await wake.wait(every_s)

    async def step_alerts(self) -> bool:
        """Turn waiting alerts of sensing into commands."""
        async with sensing.take_alerts() as waiting:
            for alert in waiting:
                await _apart(self._take(alert))
            return bool(waiting)

    async def _take(self, alert: sensing.Alert) -> None:
        try:
            await self.pipeline.take(alert)
        except AWAY:
            raise
        except Exception as failed:
            # One alert that cannot be understood must not hold back the next fire.
            log.exception("alert %s failed", alert.alert_id)
            await self.pipeline.alert_failed(alert, repr(failed))

    async def step_work(self) -> bool:
        """Do the reactions to one event."""
        now = self.ctx.clock.now()
        async with OPERATIONS.transaction():
            row = await OPERATIONS.fetch_one(CLAIM_WORK, now)
            if row is None:
                return False
            try:
                await _apart(self.pipeline.react(row["event_seq"]))
            except AWAY:
                raise
            except Exception as failed:
                log.exception("reaction to event %s failed", row["event_seq"])
                await self._again_later(row["id"], row["attempts"] + 1, repr(failed), now)
            else:
                await OPERATIONS.execute("DELETE FROM work WHERE id = $1", row["id"])
        return True

    async def _again_later(self, work_id: int, attempts: int, why: str, now: datetime) -> None:
        wait = timedelta(seconds=min(60.0, 0.2 * 3**attempts))
        await OPERATIONS.execute(
            "UPDATE work SET attempts = $2, failed = $3, available_at = $4,"
            " dead_at = CASE WHEN $2 >= $5 THEN $6::timestamptz END WHERE id = $1",
            work_id, attempts, why, now + wait, TRIES, now,
        )  # fmt: skip

    async def step_deadline(self) -> bool:
        """Do what one passed deadline asks for."""
        async with OPERATIONS.transaction():
            row = await OPERATIONS.fetch_one(CLAIM_DEADLINE, self.ctx.clock.now())
            if row is None:
                return False
            if row["name"] == RETRY_OFFER:
                await _apart(self.pipeline.retry_offer(row["incident_id"], row["id"]))
            elif row["name"] == OFFICE_SILENT:
                await _apart(self.pipeline.office_silent(row["incident_id"], row["id"]))
            else:
                command = _commands.decode(row["command"])
                say = self.pipeline.incidents.say
                await _apart(say(row["incident_id"], command, command_id=row["id"]))
            await OPERATIONS.execute("DELETE FROM deadline WHERE id = $1", row["id"])
        return True

    async def step_roster(self) -> bool:
        """Tell of gaps in the roster, and end what was forgotten."""
        await self.roster.look()
        return False

    async def step_inspection(self) -> bool:
        """Make the rounds that are due, remind, and let the technician's clocks speak."""
        await self.inspecting.look()
        return False

    async def step_reach(self) -> bool:
        """Test whom it is time for, and find out who cannot be reached."""
        await self.reachability.sweep()
        return False

    async def step_closed(self) -> bool:
        """Push no more to the devices of accounts that were closed."""
        await tokens.close_closed(await accounts.all_closed(), now=self.ctx.clock.now())
        return False

    async def step_retention(self) -> bool:
        """Delete a batch of what is finished and older than the settings keep it."""
        now, data = self.ctx.clock.now(), self.ctx.settings.data
        shipped = now - timedelta(days=data.shipped_days)
        more = await retention.sweep(now, keep=timedelta(days=data.messages_days))
        more += await audit.forget(retention.BATCH, before=shipped)
        more += await OPERATIONS.execute(
            "DELETE FROM work WHERE id IN (SELECT id FROM work WHERE dead_at < $1 LIMIT $2)",
            shipped,
            retention.BATCH,
        )
        return more > 0

    async def step_moves(self) -> bool:
        """Look whether an area was left empty, or is covered again because people walked."""
        return await self.pipeline.moving_up.look()

    async def step_audit(self) -> bool:
        """Ship waiting audit rows to the records database."""
        return await audit.ship(500, at=self.ctx.clock.now()) >= 500


async def _apart(work: Awaitable[Any]) -> Any:
    """Await outside the claim's transaction: its own connection, its own commit."""

    async def alone() -> Any:
        return await work

    return await asyncio.get_running_loop().create_task(alone(), context=Fresh())
