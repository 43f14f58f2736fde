"""Looks again and again: rounds that are due to be made, rounds that end soon or are overdue,
devices that left, and the technician's clocks.

Any number of processes may look: rounds of a period are made once, a clock speaks once, and what
is told has an id that follows from the matter.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from backend.access import accounts
from backend.devices import walked
from backend.inspection import rounds, service
from backend.inspection.flow.rounds import Device, runs
from backend.inspection.schemas import RoundView
from backend.messages import addresses
from backend.messages import service as messages
from backend.screens import inspection_notices as notices
from backend.screens.inspection_steps import clock_of, tell
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.staff import roster

AHEAD = timedelta(days=31)
"""Shifts so far ahead say who has duty in an area."""
SOON = timedelta(days=3)
"""▲ So long before the last day the walker is reminded."""
FROM_HOUR = 8
"""▲ Nobody is told of rounds before this hour, local."""
Hours = Mapping[UUID, Mapping[UUID, float]]


def _device(one: walked.Walked) -> Device:
    return Device(
        id=one.id, kind=one.kind, model=one.model, street=one.street, building=one.building,
        floor=one.floor, label=one.label, lat=one.lat, lon=one.lon, state=one.state,
    )  # fmt: skip


class Inspecting:
    """One look is one ``look``."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    async def look(self) -> None:
        """Everything that is due by the clock in hand."""
        at = self.ctx.clock.now()
        today = at.astimezone(roster.ZONE).date()
        await self._clocks(at)
        await self._leave(at)
        await self.generate(at, today)
        if at.astimezone(roster.ZONE).hour >= FROM_HOUR:
            await self._remind(at, today)

    async def _clocks(self, at: datetime) -> None:
        async with OPERATIONS.transaction():
            for row, what in await service.tick(clock_of(self.ctx.settings), at):
                await tell(f"repair_{what}", row.id, self.ctx, at)

    async def _leave(self, at: datetime) -> None:
        rows = await OPERATIONS.fetch(
            "SELECT d.id, d.state FROM detector d WHERE d.state IN ('replaced', 'retired') AND"
            " (EXISTS (SELECT FROM inspection_check c WHERE c.detector_id = d.id"
            " AND c.state IN ('open', 'begun')) OR EXISTS (SELECT FROM repair r"
            " WHERE r.detector_id = d.id AND r.over_at IS NULL))"
        )
        gone = {row["id"]: row["state"] for row in rows}
        if gone:
            await rounds.leave(gone, at)
            await service.drop(gone, at)

    async def generate(self, at: datetime, today: date) -> int:
        """Make the rounds of every period that has begun; those that are made are left alone.

        Returns:
            How many were made now.
        """
        if not await self._due(at, today):
            return 0
        found = await walked.to_walk()
        areas, hours = await _duty(at)
        devices = await asyncio.to_thread(lambda: list(map(_device, found)))
        area_of = {
            street: area
            for street in {one.street for one in found}
            if (area := areas.get(street, areas.get("")))
        }
        made = await rounds.generate(devices, today, area_of=area_of, hours=hours, at=at)
        return len(made)

    async def _due(self, at: datetime, today: date) -> bool:
        """Is there a period without its rounds? Otherwise the register is not even read."""
        if not await OPERATIONS.fetch_value("SELECT true FROM detector LIMIT 1"):
            return False
        await rounds.first_plan(today, at)
        ran = {
            (row["plan_id"], row["period"])
            for row in await OPERATIONS.fetch("SELECT plan_id, period FROM inspection_run")
        }
        wanted = {(plan.id, p.key) for plan in await rounds.plans() if (p := runs(plan, today))}
        return bool(wanted - ran)

    async def _remind(self, at: datetime, today: date) -> None:
        waiting = await rounds.views(open_only=True)
        if any(one.assignee is None for one in waiting):
            await rounds.share_out((await _duty(at))[1])
            waiting = await rounds.views(open_only=True)
        mine: dict[tuple[str, UUID, str], list[RoundView]] = defaultdict(list)
        for one in waiting:
            if one.assignee is None or one.starts_on > today:
                continue
            if one.due_on < today:
                mine["inspection_overdue", one.assignee, today.isoformat()].append(one)
            elif one.due_on - SOON <= today and one.due_on - one.starts_on > SOON:
                mine["inspection_soon", one.assignee, one.period].append(one)
            else:
                mine["inspection_new", one.assignee, one.period].append(one)
        for (about, person, key), found in mine.items():
            await self._say(about, person, addresses.staff(person), key, found, True, at)
        late = [one for one in waiting if one.due_on < today]
        if late:
            for lead in await accounts.with_roles(("desk_lead", "manager")):
                about, key = "inspection_overdue", f"lead {today.isoformat()}"
                await self._say(about, lead, f"account:{lead}", key, late, False, at)

    async def _say(
        self, about: str, to: UUID, address: str, key: str, found: list[RoundView], field: bool,
        at: datetime,
    ) -> None:  # fmt: skip
        said = notices.rounds(
            about, to=to, key=key, streets=len(found), devices=sum(one.open for one in found),
            field=field, at=at, exercise=self.ctx.settings.demo.exercise,
        )  # fmt: skip
        await messages.enqueue(said, address, incident_id=None)


async def _duty(at: datetime) -> tuple[dict[str, UUID], Hours]:
    """The area of each street ("" for the rest), and hours of field duty by area and person."""
    found = await roster.read(at, at + AHEAD)
    areas = {street: area.id for area in found.areas for street in (area.streets or ("",))}
    hours: dict[UUID, dict[UUID, float]] = defaultdict(lambda: defaultdict(float))
    for shift in found.shifts:
        if shift.role == "field":
            length = (shift.until_at - shift.from_at).total_seconds() / 3600
            hours[shift.area_id][shift.person_id] += length
    return areas, hours
