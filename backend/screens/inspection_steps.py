"""Steps of rounds and repairs, from the phone's one line of commands and from the tablet.

They come in the same batch as what is said in incidents, after it: nothing here can hold up or
fail an incident's command.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.access import accounts
from backend.access.principal import Principal
from backend.devices import service as devices
from backend.devices import walked
from backend.incidents.schemas import SKEW_MOST_MS, Answer, Instant, Named, RefusalView, Where
from backend.inspection import service
from backend.inspection.flow import check, repair
from backend.inspection.flow.refused import Refused
from backend.inspection.schemas import Outcome
from backend.inspection.service import Did
from backend.messages import addresses
from backend.messages import service as messages
from backend.screens import inspection_notices as notices
from backend.sensing import signals
from backend.settings import Settings
from backend.shared.context import Context
from backend.shared.db import OPERATIONS
from backend.shared.problems import Malformed
from backend.staff import roster
from geo.point import Point, metres

log = logging.getLogger("jiean.inspection")
TOLD = {"HandOver": "repair_noticed", "Done": "repair_done", "NotGood": "repair_not_good"}
"""What is told after which step."""
LEADS = {
    "repair_warned": ("technician", "desk_lead"),
    "repair_breached": ("technician", "desk_lead", "manager"),
}
"""Who hears of it beside the technician."""
OLDEST = timedelta(days=30)
"""▲ A step from longer ago is dated so: a phone's clock may be wrong."""


class StepEnvelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A step as a phone sends it; ``incident_id`` is the check or the repair it belongs to."""

    command_id: UUID
    incident_id: UUID
    occurred_at: Instant
    command: check.Said | repair.Said
    skew_ms: Annotated[int, Meta(ge=-SKEW_MOST_MS, le=SKEW_MOST_MS)] | None = None
    position: Where | None = None


def policy_of(settings: Settings) -> check.Policy:
    return check.Policy(place_m=settings.inspection.place_m, test_min=settings.inspection.test_min)


def clock_of(settings: Settings) -> repair.Clock:
    return repair.Clock(
        within=timedelta(seconds=settings.timers.technician_s),
        warn=timedelta(hours=settings.inspection.warn_h),
    )


def is_step(sent: Mapping[str, Any]) -> bool:
    """Does this envelope belong to a round or a repair?"""
    command = sent.get("command")
    name = command.get("name") if isinstance(command, dict) else None
    return isinstance(name, str) and name.startswith(("inspection_", "repair_"))


async def take_all(sent: Sequence[Mapping[str, Any]], who: Principal, ctx: Context) -> list[Answer]:
    """Each step in its order. What fails by a fault of ours gets no answer, and comes again."""
    answers: list[Answer] = []
    for one in sent:
        try:
            answers.append(await _take(one, who, ctx))
        except Malformed:
            raise
        except Exception:
            log.exception("a step of a round was not taken")
    return answers


async def _take(sent: Mapping[str, Any], who: Principal, ctx: Context) -> Answer:
    try:
        said = msgspec.convert(sent, StepEnvelope)
    except msgspec.ValidationError as wrong:
        try:
            command_id = msgspec.convert(sent, Named).command_id
        except msgspec.ValidationError as unnamed:
            raise Malformed(str(unnamed)) from unnamed
        refusal = RefusalView(code="malformed", zh="读不懂这一步", en=str(wrong)[:200])
        return Answer(command_id=command_id, outcome="refused", version=0, refusal=refusal)
    return answer(await take(said, who, ctx))


def answer(outcome: Outcome) -> Answer:
    """What became of a step, on the wire."""
    why = outcome.refusal
    return Answer(
        command_id=outcome.command_id,
        outcome="accepted" if why is None else "refused",
        version=outcome.version,
        refusal=None if why is None else _wire(why),
        repeated=outcome.repeated,
    )


def _wire(why: Refused) -> RefusalView:
    words = why.words()
    return RefusalView(
        code=why.code, zh=words.zh, en=words.en, do_zh=words.do_zh, do_en=words.do_en,
        missing=why.missing,
    )  # fmt: skip


def may(who: Principal, said: check.Said | repair.Said) -> bool:
    """Field staff inspect; technicians plan and do; either confirms with a test."""
    if isinstance(said, repair.Plan | repair.Done | repair.Overrun):
        return "technician" in who.roles
    return bool(who.roles & {"field", "technician"})


async def take(said: StepEnvelope, who: Principal, ctx: Context) -> Outcome:
    """Take one step and do what follows from it."""
    now = ctx.clock.now()
    if not may(who, said.command):
        return Outcome(command_id=said.command_id, version=0, refusal=Refused("inspection_role"))
    at = _said_at(said, now)
    async with OPERATIONS.transaction():
        if isinstance(said.command, check.Said):
            did = await _check(said, said.command, who, ctx, at, now)
        else:
            did = await _repair(said, said.command, who, ctx, now)
        await _follow(said, did, who, ctx, now)
    return did.outcome


def _said_at(said: StepEnvelope, now: datetime) -> datetime:
    at = said.occurred_at + timedelta(milliseconds=said.skew_ms or 0)
    return min(max(at, now - OLDEST), now)


async def _check(
    said: StepEnvelope, command: check.Said, who: Principal, ctx: Context, at: datetime,
    now: datetime,
) -> Did:  # fmt: skip
    policy = policy_of(ctx.settings)
    row = await service.check_of(said.incident_id, policy)
    device = (await walked.these([row.detector_id])).get(row.detector_id) if row else None
    m = accuracy = seen = None
    if device is not None and said.position is not None:
        fix = said.position
        m, accuracy = metres(Point(fix.lat, fix.lon), Point(device.lat, device.lon)), fix.accuracy_m
    if device and row and row.now.tested_at and isinstance(command, check.Close):
        since = row.now.tested_at
        seen = await signals.first_heard(
            device.id, since, since + policy.test_window, test=device.kind in check.BY_BUTTON
        )
    step = check.Step(
        command_id=said.command_id, said=command, at=at, by=who.staff_id or who.account_id,
        by_name=who.name, m=m, accuracy_m=accuracy, signal_at=seen,
        gone=device is not None and device.state in walked.OVER,
    )  # fmt: skip
    return await service.step_check(said.incident_id, step, policy, role=who.role, now=now)


async def _repair(
    said: StepEnvelope, command: repair.Said, who: Principal, ctx: Context, now: datetime
) -> Did:
    clock = clock_of(ctx.settings)
    seen = None
    row = await service.repair_of(said.incident_id)
    if row is not None and isinstance(command, repair.Confirm):
        device = (await walked.these([row.detector_id])).get(row.detector_id)
        since = (row.now.done_at or now) - clock.test_lead
        if device is not None:
            seen = await signals.last_heard(
                device.id, since, now, test=device.kind in check.BY_BUTTON
            )
    step = repair.Step(
        command_id=said.command_id, said=command, at=now,
        today=now.astimezone(roster.ZONE).date(), by=who.staff_id or who.account_id,
        by_name=who.name, signal_at=seen,
    )  # fmt: skip
    return await service.step_repair(said.incident_id, step, clock, role=who.role, now=now)


async def _follow(
    said: StepEnvelope, did: Did, who: Principal, ctx: Context, now: datetime
) -> None:
    if did.detector_id is None or did.outcome.refusal is not None:
        return
    if did.fault or did.good:
        act: walked.Act = "repair" if did.good else "report_fault"
        why = "巡检修复并复测" if did.good else "巡检"
        await walked.mark(
            did.detector_id, act, reason=why, by=who.account_id, name=who.name, at=now
        )
    about = TOLD.get(type(said.command).__name__)
    repair_id = did.opened or (said.incident_id if about != "repair_noticed" else None)
    if about and repair_id and not did.outcome.repeated:
        await tell(about, repair_id, ctx, now)


async def tell(about: str, repair_id: UUID, ctx: Context, at: datetime) -> None:
    """Say something of a repair to those whom it concerns, once."""
    row = await service.repair_of(repair_id)
    if row is None:
        return
    place = await devices.place_of(row.detector_id)
    roles = LEADS.get(about, ("technician",))
    to = [] if about == "repair_done" else await accounts.with_roles(roles)
    everybody = [(one, f"account:{one}", False) for one in to]
    if about == "repair_done" and row.opened_by:
        everybody.append((row.opened_by, addresses.staff(row.opened_by), True))
    for one, address, field in everybody:
        said = notices.repair(
            about, to=one, repair_id=repair_id, address=place.address, label=place.label,
            what=row.what, field=field, at=at, exercise=ctx.settings.demo.exercise,
        )  # fmt: skip
        await messages.enqueue(said, address, incident_id=None)
