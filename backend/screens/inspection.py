"""巡检维护 on the screens: a phone's rounds, the lead's cycles and progress, the repairs."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from backend.access.guards import requires
from backend.access.principal import Principal
from backend.devices import service as devices
from backend.devices import walked
from backend.devices.schemas import Place
from backend.devices.walked import Walked
from backend.incidents.schemas import Answer
from backend.inspection import journal, rounds, service
from backend.inspection.flow import check
from backend.inspection.flow.repair import Repair
from backend.inspection.flow.repair import Said as RepairSaid
from backend.inspection.flow.rounds import Plan
from backend.inspection.schemas import CheckRow, PlanWish, RepairRow, RoundView
from backend.screens import inspection_steps as steps
from backend.sensing import signals
from backend.sensing.signals import Battery
from backend.shared.context import Context, Ctx
from backend.shared.problems import NotFound
from backend.staff import roster
from backend.staff import service as staff
from backend.staff.problems import NoStaffRecord

AnyRequest = Request[Any, Any, Any]
LEADS = ("manager", "desk_lead")
SEEN = ("manager", "desk_lead", "desk", "technician")
PAST = timedelta(days=60)
"""Rounds and repairs that ended so long ago are only in the year's record."""


class CheckView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One device of a round, with everything that the phone needs where there is no network."""

    id: UUID
    detector_id: UUID
    tag: str
    number: str | None
    kind: str
    model: str
    label: str
    address: str
    entrance_note: str | None
    floor: str
    lat: float
    lon: float
    device_state: str
    battery: Battery | None
    by_button: bool
    version: int
    state: str
    items: dict[str, check.Answered]
    was_bad: tuple[str, ...]
    photos: tuple[check.Photo, ...]
    tested_at: datetime | None
    proved_at: datetime | None
    repaired: str | None
    repaired_at: datetime | None
    handed: str | None
    over_at: datetime | None
    over_by: str


class RoundOut(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A round with its devices in walking order."""

    round: RoundView
    assignee_name: str
    checks: list[CheckView]


class RepairView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A repair with its clock: ``warn_at`` and ``due_at`` run from the notice."""

    id: UUID
    check_id: UUID
    detector_id: UUID
    label: str
    address: str
    kind: str
    model: str
    by_button: bool
    opened_by: UUID | None
    opened_by_name: str
    items: tuple[str, ...]
    what: str
    state: str
    noticed_at: datetime
    warn_at: datetime
    due_at: datetime
    plan: str | None
    planned_at: datetime | None
    done: str | None
    done_at: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    overrun: str | None
    new_on: date | None
    over_at: datetime | None
    photos: tuple[check.Photo, ...]


class MyRounds(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a phone takes along: the rounds of its person and the repairs to be tested."""

    now: datetime
    today: date
    policy: check.Policy
    rounds: list[RoundOut]
    repairs: list[RepairView]


class RepairsPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``now``: what the clocks are read against."""

    now: datetime
    repairs: list[RepairView]


class Seen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When the platform heard the device after a moment; None: not yet."""

    seen_at: datetime | None


class Person(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    name: str


class Overview(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The lead's page: cycles, rounds that are walked or were lately, and what may be chosen."""

    now: datetime
    today: date
    plans: list[Plan]
    rounds: list[RoundView]
    people: list[Person]
    names: dict[str, str]
    kinds: list[str]
    models: list[str]
    streets: list[str]


class RepairStep(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step of a repair from a screen; the id is the sender's, so that twice is once."""

    command_id: UUID
    command: RepairSaid


class Assignment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    person: UUID | None


@get("/api/my/rounds", guards=[requires("field", "technician")], operation_id="MyRounds")
async def mine(request: AnyRequest, ctx: Ctx) -> MyRounds:
    """One's own rounds, those that are done for this period as well, and repairs to be tested."""
    me: Principal = request.user
    if me.staff_id is None:
        raise NoStaffRecord("此账户没有人员档案 This account has no staff record")
    at = ctx.clock.now()
    today = at.astimezone(roster.ZONE).date()
    open_rounds = await rounds.views(assignee=me.staff_id, open_only=True)
    ended = await rounds.views(assignee=me.staff_id, since=today)
    found = {one.id: one for one in (*open_rounds, *ended) if one.starts_on <= today}
    waiting = [
        row for row in await service.repairs(since=at)
        if row.opened_by == me.staff_id and row.now.over_at is None
    ]  # fmt: skip
    return MyRounds(
        now=at,
        today=today,
        policy=steps.policy_of(ctx.settings),
        rounds=await _rounds(list(found.values()), ctx),
        repairs=await _repairs(waiting, ctx),
    )


@get("/api/inspection/heard/{detector_id:uuid}", guards=[requires("field", "technician")],
     operation_id="HeardOfDevice")  # fmt: skip
async def heard(detector_id: FromPath[UUID], ctx: Ctx, since: FromQuery[datetime]) -> Seen:
    """Whether the platform saw the device's test since then, while somebody waits beside it."""
    found = (await walked.these([detector_id])).get(detector_id)
    if found is None:
        raise NotFound(f"没有这个探测器 no detector {detector_id}")
    until = ctx.clock.now() + timedelta(minutes=1)
    button = found.kind in check.BY_BUTTON
    return Seen(seen_at=await signals.first_heard(detector_id, since, until, test=button))


@get("/api/inspection", guards=[requires(*SEEN)], operation_id="Inspection")
async def overview(ctx: Ctx) -> Overview:
    """Cycles and rounds as they stand."""
    at = ctx.clock.now()
    today = at.astimezone(roster.ZONE).date()
    recent = await rounds.views(since=today - PAST)
    overdue = [one for one in await rounds.views(open_only=True) if one.due_on < today - PAST]
    kinds, models, streets = await walked.choices()
    workers = (await roster.read(at, at)).workers.values()
    people = [Person(id=one.id, name=one.name) for one in workers if one.post == "field"]
    names = await staff.people([one.assignee for one in (*overdue, *recent) if one.assignee])
    return Overview(
        now=at,
        today=today,
        plans=await rounds.plans(),
        rounds=[*overdue, *recent],
        people=people,
        names={str(key): name for key, (name, _badge) in names.items()},
        kinds=kinds,
        models=models,
        streets=streets,
    )


@put("/api/inspection/plans/{plan_id:uuid}", status_code=204, guards=[requires(*LEADS)],
     operation_id="SetInspectionPlan")  # fmt: skip
async def set_plan(
    request: AnyRequest, plan_id: FromPath[UUID], data: JSONBody[PlanWish], ctx: Ctx
) -> None:
    """Write a cycle; rounds that were made of it stay, the next period follows it."""
    at = ctx.clock.now()
    plan = msgspec.convert(
        {**msgspec.to_builtins(data), "id": plan_id,
         "firstOn": at.astimezone(roster.ZONE).date()}, Plan,
    )  # fmt: skip
    await rounds.set_plan(plan, who=_who(request), at=at)


@post("/api/inspection/rounds/{round_id:uuid}/assign", status_code=204,
      guards=[requires(*LEADS)], operation_id="AssignRound")  # fmt: skip
async def assign(
    request: AnyRequest, round_id: FromPath[UUID], data: JSONBody[Assignment], ctx: Ctx
) -> None:
    """Let somebody else walk a round; None: nobody yet."""
    if not await rounds.assign(round_id, data.person, who=_who(request), at=ctx.clock.now()):
        raise NotFound(f"没有这个巡检任务 no round {round_id}")


@get("/api/inspection/rounds/{round_id:uuid}", guards=[requires(*SEEN)],
     operation_id="InspectionRound")  # fmt: skip
async def one_round(round_id: FromPath[UUID], ctx: Ctx) -> RoundOut:
    """One round with every device of it."""
    found = [one for one in await rounds.views() if one.id == round_id]
    if not found:
        raise NotFound(f"没有这个巡检任务 no round {round_id}")
    return (await _rounds(found, ctx))[0]


@get("/api/repairs", guards=[requires(*SEEN)], operation_id="Repairs")
async def repairs(ctx: Ctx) -> RepairsPage:
    """Repairs that are not over, the oldest notice first, then those that ended lately."""
    now = ctx.clock.now()
    return RepairsPage(
        now=now, repairs=await _repairs(await service.repairs(since=now - PAST), ctx)
    )


@post("/api/repairs/{repair_id:uuid}/step", status_code=200,
      guards=[requires("technician")], operation_id="StepRepair")  # fmt: skip
async def step(
    request: AnyRequest, repair_id: FromPath[UUID], data: JSONBody[RepairStep], ctx: Ctx
) -> Answer:
    """Plan, do, give a reason, confirm. A refusal is an answer with its words."""
    said = steps.StepEnvelope(
        command_id=data.command_id, incident_id=repair_id, occurred_at=ctx.clock.now(),
        command=data.command,
    )  # fmt: skip
    return steps.answer(await steps.take(said, request.user, ctx))


def _who(request: AnyRequest) -> rounds.Who:
    me: Principal = request.user
    return rounds.Who(account_id=me.account_id, role=me.role, name=me.name)


async def _rounds(found: list[RoundView], ctx: Context) -> list[RoundOut]:
    rows = await rounds.checks([one.id for one in found], steps.policy_of(ctx.settings))
    ids = [row.detector_id for row in rows]
    places = await devices.places_of(ids)
    register = await walked.these(ids)
    batteries = await signals.batteries(ids)
    names = await staff.people([one.assignee for one in found if one.assignee])
    by_round: dict[UUID, list[CheckView]] = {one.id: [] for one in found}
    for row in rows:
        device = register.get(row.detector_id)
        if device is not None:
            view = _check(row, device, places[device.id], batteries.get(device.id))
            by_round[row.round_id].append(view)
    return [
        RoundOut(
            round=one,
            assignee_name=names.get(one.assignee, ("", ""))[0] if one.assignee else "",
            checks=by_round[one.id],
        )
        for one in found
    ]


def _check(row: CheckRow, device: Walked, place: Place, battery: Battery | None) -> CheckView:
    now = row.now
    return CheckView(
        id=row.id, detector_id=device.id, tag=device.tag, number=device.number, kind=device.kind,
        model=device.model, label=device.label, address=place.address,
        entrance_note=place.entrance_note, floor=device.floor, lat=device.lat, lon=device.lon,
        device_state=device.state, battery=battery, by_button=device.kind in check.BY_BUTTON,
        version=row.version, state=now.state, items=now.items, was_bad=now.was_bad,
        photos=now.photos, tested_at=now.tested_at, proved_at=now.proved_at,
        repaired=now.repaired, repaired_at=now.repaired_at, handed=now.handed,
        over_at=now.over_at, over_by=now.over_by,
    )  # fmt: skip


async def _repairs(rows: list[RepairRow], ctx: Context) -> list[RepairView]:
    ids = [row.detector_id for row in rows]
    places = await devices.places_of(ids)
    register = await walked.these(ids)
    names = await staff.people([row.opened_by for row in rows if row.opened_by])
    policy = steps.policy_of(ctx.settings)
    clock = steps.clock_of(ctx.settings)
    events = await journal.of_many([row.check_id for row in rows], check.Event)
    found: list[RepairView] = []
    for row in rows:
        now: Repair = row.now
        place, device = places.get(row.detector_id), register.get(row.detector_id)
        if place is None or device is None or now.noticed_at is None:
            continue
        found.append(
            RepairView(
                id=row.id, check_id=row.check_id, detector_id=row.detector_id, label=place.label,
                address=place.address, kind=place.kind, model=device.model,
                by_button=device.kind in check.BY_BUTTON, opened_by=row.opened_by,
                opened_by_name=names.get(row.opened_by, ("", ""))[0] if row.opened_by else "",
                items=row.items, what=row.what, state=now.state, noticed_at=now.noticed_at,
                warn_at=now.noticed_at + clock.warn, due_at=now.noticed_at + clock.within,
                plan=now.plan, planned_at=now.planned_at, done=now.done, done_at=now.done_at,
                warned_at=now.warned_at, breached_at=now.breached_at, overrun=now.overrun,
                new_on=now.new_on, over_at=now.over_at,
                photos=check.replay(events.get(row.check_id, ()), policy).photos,
            )
        )  # fmt: skip
    return found


ROUTES = [mine, heard, overview, set_plan, assign, one_round, repairs, step]
