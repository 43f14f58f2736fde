"""What becomes of readings: summed up, kept with their incident, dropped at the end of their term.

The one place that knows the readings' days, the register and the incidents. Every step is one
transaction and may be done again; any number of processes may run it.
"""

import logging
from datetime import UTC, datetime, timedelta

import asyncpg

from backend.devices import charted
from backend.incidents import spans
from backend.sensing import keeping
from backend.sensing.keeping import Window
from backend.sensing.rules import RuleBook
from backend.shared.context import Context

log = logging.getLogger("jiean.keeping")

AFTER_TROUBLE = timedelta(minutes=2)
"""▲ A database that was away gets the batches that waited for it first."""


class Keeper:
    """One ``step`` does one thing and says whether there is more."""

    def __init__(self, ctx: Context, rules: RuleBook) -> None:
        self.ctx, self.rules = ctx, rules
        self._not_before: datetime | None = None

    async def step(self) -> bool:
        """Sum up; else go through a day that is over; else drop one day; else delete a batch."""
        now = self.ctx.clock.now()
        if self._not_before is not None and now < self._not_before:
            return False
        try:
            return await self._step(now)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._not_before = now + AFTER_TROUBLE
            raise

    async def _step(self, now: datetime) -> bool:
        terms = self.ctx.settings.readings
        for day, number in (await keeping.strays()).items():
            log.warning("readings fell beside every day: %d of %s; now in their place", number, day)
        if await keeping.behind(now):
            await self.rules.refresh()
            limits = keeping.limits(self.rules, await charted.charted_of(self.rules.own))
            if await keeping.sum_up(now, limits) or await keeping.close_day(now, limits):
                return True
        if await keeping.may_drop(now) and await self._drop(now, terms.raw_days):
            return True
        gone = await keeping.forget(
            now,
            hours_days=terms.hours_days,
            days_days=terms.days_days,
            raw_days=terms.raw_days,
        )
        return gone > 0

    async def _drop(self, now: datetime, raw_days: int) -> bool:
        state = await keeping.kept()
        today = now.astimezone(UTC).date()
        days = keeping.due(
            await keeping.days_stored(), today, raw_days=raw_days, closed=state.closed_until
        )
        if not days:
            return False
        windows = [Window(*needs) for needs in await spans.needing(days[0])]
        try:
            number = await keeping.drop_day(days[0], windows)
        except asyncpg.LockNotAvailableError:
            return False  # a chart is being read from it; next time
        log.info("readings of %s dropped; %d kept with their incidents", days[0], number)
        return True
