"""Who can be reached now: facts from several domains, communication tests, and who is left out.

Every node sweeps; a test's id follows from the shift and its number, and somebody is lost or found
by one row that is there or not, so that two nodes never test or tell twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from backend.access import accounts
from backend.messages import addresses
from backend.messages import person as devices
from backend.messages import service as messages
from backend.messages.outbox import Letter
from backend.reach import service as reach
from backend.reach.flow.checks import Due, Plan, audible, due
from backend.reach.flow.score import Facts, Policy, Score, Verdict, judge, score
from backend.reach.schemas import Kept, Lost, Trial
from backend.screens import reach_notices as notices
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.staff import service as staff
from backend.staff.schemas import OnDuty

ORIGIN = UUID("6a696561-6e00-7000-8000-000000000002")
"""Name space of ids that follow from a shift, or from somebody's loss."""
OWN_DOORS = ("live", "webpush", "fcm", "apns")
"""Doors of tests: an open screen, then the phone's push."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person on duty, their number, and whether they are left out."""

    person: OnDuty
    facts: Facts
    score: Score
    verdict: Verdict
    kept: Kept
    doors: tuple[str, ...]
    lost: Lost | None


class Reachability:
    """Tests people and keeps who cannot be reached."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._clock = ctx.clock
        ours = ctx.settings.reach
        self.policy = Policy(
            unreachable_below=ours.unreachable_below,
            proof_s=ours.proof_s,
            receipt_fresh_s=ours.test_every_s,
            receipt_worthless_s=ours.test_every_s * 3,
            position_fresh_s=ctx.settings.dispatch.fix_max_age_s,
            position_worthless_s=ctx.settings.dispatch.fix_max_age_s * 5,
            accuracy_m=ctx.settings.dispatch.fix_max_accuracy_m,
        )
        self.plan = Plan(every_s=ours.test_every_s, at_start=ours.test_at_start)

    # --- what is known ------------------------------------------------------------------

    async def everybody(self) -> list[Person]:
        """Everybody on field duty, worst first."""
        now = self._clock.now()
        found = await self._look([p for p in await staff.on_duty_people(now) if p.post == "field"])
        return sorted(found, key=lambda one: (one.lost is None, one.score.number, one.person.badge))

    async def one(self, staff_id: UUID) -> Person | None:
        """One person, on duty or not; None when there is none."""
        person = await staff.person_of(staff_id, self._clock.now())
        return None if person is None else (await self._look([person]))[0]

    async def _look(self, people: Sequence[OnDuty]) -> list[Person]:
        ids = [one.person_id for one in people]
        now = self._clock.now()
        kept = await reach.known_of(ids)
        lost = await reach.unreachable(ids)
        mine = [addresses.staff(each) for each in ids]
        doors, open_now = (
            await devices.doors_of(mine),
            await devices.on_screen(mine, now=now),
        )
        push = self._ctx.settings.push
        numbers = await staff.telephones(ids) if push.telephony else {}
        found = []
        for one in people:
            known = kept[one.person_id]
            ways = [*doors.get(addresses.staff(one.person_id), ())]
            if numbers.get(one.person_id):
                ways += ["sms"] * bool(push.sms_template) + ["voice"] * bool(push.voice_template)
            facts = self._facts(one, known, len(ways), addresses.staff(one.person_id) in open_now)
            found.append(
                Person(
                    person=one,
                    facts=facts,
                    score=score(facts, self.policy),
                    verdict=judge(facts, self.policy),
                    kept=known,
                    doors=tuple(ways),
                    lost=lost.get(one.person_id),
                )
            )
        return found

    def _facts(self, one: OnDuty, kept: Kept, doors: int, elsewhere: bool) -> Facts:
        now = self._clock.now()

        def age(at: datetime | None) -> float | None:
            return None if at is None else max(0.0, (now - at).total_seconds())

        missed = (
            kept.missed_sent_at is not None
            and (one.on_since is None or kept.missed_sent_at >= one.on_since)
            and (one.last_receipt_at is None or one.last_receipt_at < kept.missed_sent_at)
        )
        said = kept.report
        told = Facts() if said is None else Facts(
            notification=said.permissions.notification,
            location=said.permissions.location,
            camera=said.permissions.camera,
            battery_pct=said.battery_pct,
            charging=said.charging,
            version=said.version,
            current=said.current,
        )  # fmt: skip
        return msgspec.structs.replace(
            told,
            receipt_age_s=age(one.last_receipt_at),
            missed=missed,
            position_age_s=age(one.at),
            accuracy_m=one.accuracy_m,
            battery_pct=one.battery_pct if told.battery_pct is None else told.battery_pct,
            live=elsewhere or self._ctx.live.is_connected(addresses.staff(one.person_id)),
            doors=doors,
        )

    # --- tests --------------------------------------------------------------------------

    async def check(self, staff_id: UUID, /) -> None:
        """The first test of a shift on this phone; again on another phone, once on each."""
        duty = await staff.duty_of(staff_id)
        if duty.since is not None:
            plan = (await reach.plans([staff_id])).get(staff_id, self.plan)
            name = f"{staff_id} {duty.since.isoformat()} 0 {duty.device_id}"
            await self._test(staff_id, plan, uuid5(ORIGIN, name), "start", duty.since)

    async def check_now(self, staff_id: UUID) -> None:
        """A test that the desk asks for."""
        plan = (await reach.plans([staff_id])).get(staff_id, self.plan)
        await self._test(staff_id, plan, uuid7(), "desk", self._clock.now())

    async def check_doors(self, staff_id: UUID) -> list[UUID]:
        """A test by each of somebody's own doors at once; the messages, to look for by id."""
        person = await self.one(staff_id)
        made = []
        for door in OWN_DOORS:
            if person is None or (door != "live" and door not in person.doors):
                continue
            made.append(uuid7())
            await self._test(staff_id, self.plan, made[-1], "self", self._clock.now(), door=door)
        return made

    async def _test(
        self,
        staff_id: UUID,
        plan: Plan,
        message_id: UUID,
        why: str,
        planned_at: datetime,
        *,
        door: str | None = None,
    ) -> None:
        now, settings = self._clock.now(), self._ctx.settings
        hour = now.astimezone(staff.AREA).hour
        loud = audible(
            plan.sound, hour, night_from=settings.push.quiet_from, night_to=settings.push.quiet_to
        )
        message = notices.trial(
            message_id,
            staff_id,
            at=now,
            open_s=settings.reach.test_open_s,
            exercise=settings.demo.exercise,
            loud=loud,
            door=door,
        )
        begun = Trial(
            message_id=message_id,
            person_id=staff_id,
            why=why,
            door=door,
            planned_at=planned_at,
            sent_at=now,
            expires_at=now + timedelta(seconds=message.ttl_s),
        )
        async with OPERATIONS.transaction():
            if not await reach.begin_trial(begun):
                return
            if door is None:
                older = await reach.drop_trials(staff_id, but=[message_id], at=now)
                await messages.withdraw(ids=older)
                await staff.test_sent(staff_id, message_id, at=now)
            letter = Letter(
                message=message,
                address=addresses.staff(staff_id),
                incident_id=None,
                # neither a text nor a call: nobody's telephone rings for a test
                only_doors=OWN_DOORS if door is None else (door,),
            )
            await messages.enqueue_all([letter])

    # --- the sweep ----------------------------------------------------------------------

    async def sweep(self) -> None:
        """Begin what tests are due, and find out who is lost and who is back."""
        now = self._clock.now()
        await reach.miss_trials(now=now)
        people = await self.everybody()
        await self._begin_due(people, now)
        for one in people:
            await self._settle(one, now)
        on_duty = {one.person.person_id for one in people}
        for gone in (await reach.unreachable()).keys() - on_duty:
            await reach.find_again(gone, "off_duty", number=0, at=now)

    async def _begin_due(self, people: Sequence[Person], now: datetime) -> None:
        plans = await reach.plans([one.person.person_id for one in people])
        for one in people:
            since, who = one.person.on_since, one.person.person_id
            if since is None:
                continue
            plan = plans.get(who, self.plan)
            found = due(plan, since, now)
            if found is None or _tested(one, found):
                continue
            if found.number == 0:
                await self.check(who)
                continue
            name = f"{who} {since.isoformat()} {found.number}"
            await self._test(who, plan, uuid5(ORIGIN, name), "planned", found.planned_at)

    async def _settle(self, one: Person, now: datetime) -> None:
        who, since = one.person.person_id, one.person.on_since
        grace = timedelta(seconds=self._ctx.settings.reach.grace_s)
        if one.verdict.reachable:
            if one.lost is not None:
                await self._found(one, now)
        elif one.lost is None and since is not None and now - since >= grace:
            async with OPERATIONS.transaction():
                if not await reach.lose(who, one.verdict, one.score, at=now):
                    return
                await self._tell_lead(notices.lost(one.person, one.verdict, at=now))
                warning = notices.you_are_lost(uuid7(), who, at=now, exercise=self._exercise)
                await messages.enqueue(warning, addresses.staff(who), incident_id=None)

    async def _found(self, one: Person, now: datetime) -> None:
        who = one.person.person_id
        async with OPERATIONS.transaction():
            if await reach.find_again(who, "receipt", number=one.score.number, at=now):
                await messages.withdraw(collapse_key=f"lost-{who}")
                await self._tell_lead(notices.found(one.person, at=now))

    async def _tell_lead(self, said: notices.ToLead) -> None:
        accounts_ = await accounts.with_roles(["desk_lead"]) or await accounts.with_roles(["desk"])
        for account_id in accounts_:
            message = said(uuid7(), exercise=self._exercise)
            await messages.enqueue(message, f"account:{account_id}", incident_id=None)

    @property
    def _exercise(self) -> bool:
        return self._ctx.settings.demo.exercise

    async def heard(
        self, staff_id: UUID, message_id: UUID, *, door: str | None, at: datetime
    ) -> None:
        """A receipt: the first one brings somebody back at once, and answers their test."""
        await reach.answer_trial(message_id, door=door, at=at)
        if (await reach.unreachable([staff_id])) and (one := await self.one(staff_id)) is not None:
            await self._found(one, at)


def _tested(one: Person, found: Due) -> bool:
    """Whether this test, or a newer one, has begun already."""
    tested_at = one.kept.tested_at
    return tested_at is not None and tested_at >= found.planned_at
