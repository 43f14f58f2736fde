"""Looks at the roster again and again: gaps to come and gaps now, duty that was forgotten, shifts
that end in the middle of an incident, swaps that nobody answered.

Any number of processes may look: what is told has an id that follows from the matter, and what is
changed is changed once by its row.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from backend.access import accounts
from backend.incidents.flow import commands as c
from backend.incidents.service import Incidents
from backend.messages import addresses
from backend.messages import service as messages
from backend.screens import shift_notices as notices
from backend.screens.shift_rules import duty_rules, swap_rules
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.staff import duty, roster, swaps
from backend.staff.flow.coverage import Gap
from backend.staff.flow.swaps import Swap
from backend.staff.problems import RosterRefused
from push.message import Message

BACK = timedelta(days=2)
"""A gap that goes on is known by when it began, looked for so far back; an older one is told
again every day."""


class Watch:
    """One look is one ``look``."""

    def __init__(self, ctx: Context, incidents: Incidents) -> None:
        self.ctx, self.incidents = ctx, incidents

    async def look(self) -> None:
        """Everything that is due by the clock in hand."""
        at = self.ctx.clock.now()
        await self._gaps(at)
        await self._over(at)
        for asked in await swaps.waiting():
            if min(_begins(asked.swap)) <= at:
                await self._expire(asked.swap, at)

    async def _gaps(self, at: datetime) -> None:
        until = at + timedelta(hours=self.ctx.settings.roster.remind_h)
        found = (await roster.read(at - BACK, until)).gaps(at - BACK, until)
        for gap in found:
            if gap.until_at <= at:
                continue
            now = gap.from_at <= at
            for account_id in await accounts.with_roles(
                ("desk_lead", "manager") if now else ("manager",)
            ):
                said = notices.gap(
                    _since(gap, at), to=account_id, now=now, at=at, exercise=self.exercise
                )
                await self._say(said, f"account:{account_id}")

    async def _over(self, at: datetime) -> None:
        rules = duty_rules(self.ctx.settings)
        leading = await led()
        for one in await duty.over(at, rules):
            if one.person_id not in leading or one.over_at > at:
                continue
            incident_id, no = leading[one.person_id]
            said = notices.shift_over(
                one.person_id, no, at=at, over_at=one.over_at, exercise=self.exercise
            )
            await self._say(said, addresses.staff(one.person_id))
            reminder = c.Remind(about="shift_over", ref=one.person_id)
            await self.incidents.say(incident_id, reminder, command_id=uuid5(said.id, "desk"))
        await duty.end_forgotten(at, busy=await _in_incidents(), rules=rules)

    async def _expire(self, swap: Swap, at: datetime) -> None:
        rules = swap_rules(self.ctx.settings)
        try:
            done = await swaps.take(
                swap.id, "expire", by=None, who=duty.PLATFORM, at=at, rules=rules
            )
        except RosterRefused:
            return  # decided this moment
        await tell_swap(done, names={}, at=at, exercise=self.exercise)

    @property
    def exercise(self) -> bool:
        return self.ctx.settings.demo.exercise

    async def _say(self, said: Message, address: str) -> None:
        await messages.enqueue(said, address, incident_id=None)


async def tell_swap(
    done: Swap, *, names: dict[UUID, str], at: datetime, exercise: bool, why: str = ""
) -> None:
    """Tell whoever did not say it what became of a swap, and the leads when it waits for them."""
    stand = done.stand.value
    to = {
        "asked": (done.colleague,),
        "withdrawn": (done.colleague,),
        "accepted": (done.asker,),
        "declined": (done.asker,),
    }.get(stand, (done.asker, done.colleague))
    for person in to:
        other = done.asker if person == done.colleague else done.colleague
        said = notices.swap(
            done.id, stand, done.mine, to=person, name=names.get(other, "同事"), why=why, at=at,
            exercise=exercise,
        )  # fmt: skip
        for address in await _addresses(person):
            await messages.enqueue(said, address, incident_id=None)
    if stand != "accepted":
        return
    pair = (names.get(done.asker, ""), names.get(done.colleague, ""))
    for account_id in await accounts.with_roles(("desk_lead", "manager")):
        waits = notices.swap_waits(
            done.id, pair, done.mine, to=account_id, at=at, exercise=exercise
        )
        await messages.enqueue(waits, f"account:{account_id}", incident_id=None)


def _since(gap: Gap, at: datetime) -> Gap:
    if gap.from_at > at - BACK:
        return gap
    began = at.astimezone(roster.ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return msgspec.structs.replace(gap, from_at=began)


def _begins(swap: Swap) -> list[datetime]:
    return [one.from_at for one in (swap.mine, swap.theirs) if one is not None]


async def led() -> dict[UUID, tuple[UUID, str]]:
    """Who leads an active incident: its id and number."""
    rows = await OPERATIONS.fetch(
        "SELECT lead_staff, id, no FROM incident WHERE lead_staff IS NOT NULL AND alert_active"
    )
    return {row["lead_staff"]: (row["id"], row["no"]) for row in rows}


async def _addresses(person: UUID) -> list[str]:
    """Field staff are known by their record, others by their account."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM account WHERE staff_id = $1 AND disabled_at IS NULL"
        " AND NOT 'field' = ANY(roles) ORDER BY id",
        person,
    )
    return [f"account:{row['id']}" for row in rows] or [addresses.staff(person)]


async def _in_incidents() -> frozenset[UUID]:
    rows = await OPERATIONS.fetch(
        "SELECT DISTINCT unnest(responders) AS person FROM incident WHERE alert_active"
    )
    return frozenset(row["person"] for row in rows)
