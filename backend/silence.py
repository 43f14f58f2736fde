"""The sweep for silent detectors: what sensing hears, into the register and its tickets.

A fault, never an alarm: nothing here reaches the incidents, and it runs beside the alarms' loop,
so that ten thousand silences delay no fire.
"""

from datetime import datetime
from uuid import UUID, uuid5

from backend.access import accounts
from backend.devices import faults, silences
from backend.devices.silences import Again, Gap, Opened
from backend.messages import service as messages
from backend.sensing import silence_watch
from backend.sensing.silence import Door, rests
from backend.shared.context import Context
from backend.shared.db import OPERATIONS, TELEMETRY
from push.message import Audience, Handling, Message, Urgency

TOLD = ("technician",)


class Sweep:
    """Looks for silence. Any number of nodes may run one; one of them looks at a time."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    async def look(self) -> bool:
        """One look; True when there was more than one look takes in."""
        at = self.ctx.clock.now()
        # the doors of this process; whoever reads from the broker says so itself
        for door in (Door.PUSH, Door.PANELS):
            await silence_watch.listening(door, at)
        more = await self._follow()
        async with silence_watch.sweep(at) as found:
            if found.silent:
                await self._silent(found)
            await silences.back(
                [Again(detector_id=one.detector_id, at=one.at, away_s=one.away_s)
                 for one in found.back]
            )  # fmt: skip
        await faults.close_known(at)
        await self._storms(at)
        await faults.end_storms(at, self.ctx.settings.sensing.storm_s)
        return more or found.more

    async def _follow(self) -> bool:
        """Watch whom the register says to watch."""
        at = self.ctx.clock.now()
        async with silences.changes() as changed:
            if not changed:
                return False
            gone = [one.detector_id for one in changed if not one.in_service]
            async with TELEMETRY.transaction():
                await silence_watch.forget(gone)
                await silence_watch.watch(
                    [
                        silence_watch.Watched(
                            detector_id=one.detector_id,
                            protocol=one.protocol,
                            interval_s=one.interval_s,
                            since=at,
                        )
                        for one in changed
                        if one.in_service
                    ],
                    at,
                )
            await silences.left_service(gone, at)
            return len(changed) >= silences.CHANGES_AT_ONCE

    async def _silent(self, found: silence_watch.Found) -> None:
        """Those who have no excuse; who is paused has the whole time anew afterwards."""
        at = self.ctx.clock.now()
        excused = await silences.excused([one.detector_id for one in found.silent], at)
        late = {
            one.detector_id: until
            for one in found.silent
            if (until := excused.paused.get(one.detector_id)) is not None and rests(one, until, at)
        }
        await silence_watch.put_off(late)
        await silence_watch.forget(excused.gone)
        apart = {*late, *excused.gone}
        gaps = [
            Gap(
                detector_id=one.detector_id,
                why=one.why,
                interval_s=one.interval_s,
                heard_at=one.heard_at,
            )
            for one in found.silent
            if one.detector_id not in apart
        ]
        if not gaps:
            return
        async with OPERATIONS.transaction():
            for one in await silences.silent(gaps, at):
                for account_id in await accounts.with_roles(TOLD):
                    said = told(one, account_id, at, exercise=self.ctx.settings.demo.exercise)
                    await messages.enqueue(said, f"account:{account_id}", incident_id=None)

    async def _storms(self, at: datetime) -> None:
        """The desk hears of a gateway's storm from its incident, the technicians from here."""
        for storm in await faults.storms():
            for account_id in await accounts.with_roles(TOLD):
                said = _message(
                    storm.ticket_id,
                    account_id,
                    title=f"网关风暴：{storm.gateway}",
                    body="一分钟内报警过多，已并为一起警情。请检查网关。",
                    at=at,
                    exercise=self.ctx.settings.demo.exercise,
                )
                await messages.enqueue(said, f"account:{account_id}", incident_id=None)


BY = {"gateway": "网关 {of} 下", "operator": "通过 {of} 的", "street": "{of}", "area": "辖区内"}


def told(one: Opened, to: UUID, at: datetime, *, exercise: bool) -> Message:
    """One message per technician for a fault of many, however many it becomes."""
    return _message(
        one.ticket_id,
        to,
        title=f"设备离线：{BY[one.by].format(of=one.of)} {one.count} 台",
        body="不是预警。请查看故障列表：网关、供电或运营商网络。",
        at=at,
        exercise=exercise,
    )


def _message(
    fault: UUID, to: UUID, *, title: str, body: str, at: datetime, exercise: bool
) -> Message:
    """Once per fault and person, however often it is made."""
    return Message(
        id=uuid5(fault, f"fault {to}"),
        audience=Audience.DESK,
        title=title,
        body=body,
        lock_title=title,
        lock_body="",
        urgency=Urgency.HIGH,
        handling=Handling.EXERCISE if exercise else Handling.ACTUAL,
        ttl_s=86_400,
        sent_at=at,
        collapse_key=f"fault-{fault}",
        url="/desk#faults",
        data={"kind": "fault", "about": "fault"},
    )
