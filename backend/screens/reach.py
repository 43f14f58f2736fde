"""在线可达: each person's number with its parts, tests by hand, and what a phone says of itself."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from backend.access.guards import requires
from backend.reach import service as reach
from backend.reach.flow.checks import Plan
from backend.reach.flow.score import Part
from backend.reach.schemas import Change, PhoneReport, PlanWish, Trial
from backend.screens.reachability import Person, Reachability
from backend.shared.context import Ctx
from backend.shared.problems import NotFound
from backend.staff import service as staff
from backend.staff.problems import NoStaffRecord, NotOnDuty
from backend.staff.schemas import Fix

AnyRequest = Request[Any, Any, Any]
DESKS = ("desk", "desk_lead", "technician", "manager")
TRIALS_SHOWN = timedelta(days=2)
TRIALS_MOST = 40


class Heartbeat(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """``POST /api/field/heartbeat``: what the phone says of itself, and where it is if it knows."""

    phone: PhoneReport
    position: Fix | None = None


class LostView(msgspec.Struct, frozen=True, kw_only=True):
    """Why somebody is left out, and since when."""

    since: datetime
    why: str
    zh: str
    en: str


class Reachable(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One person's number. ``doors``: ways beside an open screen."""

    staff_id: UUID
    name: str
    badge: str
    on_since: datetime | None
    number: int
    parts: tuple[Part, ...]
    doors: tuple[str, ...]
    last_receipt_at: datetime | None
    tested_at: datetime | None
    lost: LostView | None


class ReachBoard(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everybody on field duty, worst first; ``below``: under it nobody is asked."""

    now: datetime
    below: int
    people: list[Reachable]


class ReachDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One person, their tests and when they were lost and found, newest first."""

    now: datetime
    below: int
    person: Reachable
    plan: Plan
    own_plan: bool
    trials: list[Trial]
    changes: list[Change]


def view(one: Person) -> Reachable:
    """As screens read it."""
    return Reachable(
        staff_id=one.person.person_id,
        name=one.person.name,
        badge=one.person.badge,
        on_since=one.person.on_since,
        number=one.score.number,
        parts=one.score.parts,
        doors=one.doors,
        last_receipt_at=one.person.last_receipt_at,
        tested_at=one.kept.tested_at,
        lost=None
        if one.lost is None
        else LostView(since=one.lost.since, why=one.lost.why, zh=one.lost.zh, en=one.lost.en),
    )


@post("/api/field/heartbeat", status_code=204, guards=[requires("field")],
      operation_id="Heartbeat")  # fmt: skip
async def heartbeat(request: AnyRequest, data: JSONBody[Heartbeat], ctx: Ctx) -> None:
    """What a phone says of itself, with its position; older than what is known changes nothing."""
    staff_id, now = _staff_id(request), ctx.clock.now()
    duty = await staff.duty_of(staff_id)
    if not duty.on:
        raise NotOnDuty("不在岗 Not on duty")
    if data.position is not None:
        await staff.save_position(staff_id, data.position, now=now)
    if duty.device_id in (None, data.phone.device_id):
        await reach.save_report(staff_id, data.phone, now=now)


@get("/api/field/reach", guards=[requires("field")], operation_id="MyReach")
async def mine(request: AnyRequest, ctx: Ctx) -> ReachDetail:
    """One's own number, what raises it, and what the tests showed."""
    return await _detail(Reachability(ctx), _staff_id(request), ctx.clock.now())


@post("/api/field/reach/test", status_code=202, guards=[requires("field")],
      operation_id="TestMyself")  # fmt: skip
async def test_myself(request: AnyRequest, ctx: Ctx) -> list[UUID]:
    """A test by each of one's own doors at once; the messages, in ``trials`` by their id."""
    return await Reachability(ctx).check_doors(_staff_id(request))


@get("/api/reach", guards=[requires(*DESKS)], operation_id="ReachBoard")
async def everybody(ctx: Ctx) -> ReachBoard:
    """Everybody on field duty with their number, worst first."""
    now = Reachability(ctx)
    return ReachBoard(
        now=ctx.clock.now(),
        below=now.policy.unreachable_below,
        people=[view(one) for one in await now.everybody()],
    )


@get("/api/reach/{staff_id:uuid}", guards=[requires(*DESKS)], operation_id="ReachOf")
async def one(staff_id: FromPath[UUID], ctx: Ctx) -> ReachDetail:
    """One person's parts, tests, and when they were lost and found."""
    return await _detail(Reachability(ctx), staff_id, ctx.clock.now())


@post("/api/reach/{staff_id:uuid}/test", status_code=202, guards=[requires(*DESKS)],
      operation_id="TestSomebody")  # fmt: skip
async def test_somebody(staff_id: FromPath[UUID], ctx: Ctx) -> None:
    """A test now, by the ladder of every other test."""
    if not (await staff.duty_of(staff_id)).on:
        raise NotOnDuty("不在岗 Not on duty")
    await Reachability(ctx).check_now(staff_id)


@post("/api/reach/{staff_id:uuid}/plan", status_code=204,
      guards=[requires("desk_lead", "manager")], operation_id="PlanTests")  # fmt: skip
async def plan(
    request: AnyRequest, staff_id: FromPath[UUID], data: JSONBody[PlanWish], ctx: Ctx
) -> None:
    """How one person is tested from now on; null: as everybody else."""
    if await staff.person_of(staff_id, ctx.clock.now()) is None:
        raise NotFound("没有此人员 No such member of staff")
    await reach.set_plan(
        staff_id,
        data.plan,
        actor=request.user.account_id,
        role=request.user.role,
        at=ctx.clock.now(),
    )


async def _detail(now: Reachability, staff_id: UUID, at: datetime) -> ReachDetail:
    person = await now.one(staff_id)
    if person is None:
        raise NotFound("没有此人员 No such member of staff")
    own = (await reach.plans([staff_id])).get(staff_id)
    return ReachDetail(
        now=at,
        below=now.policy.unreachable_below,
        person=view(person),
        plan=own or now.plan,
        own_plan=own is not None,
        trials=await reach.trials_of(staff_id, since=at - TRIALS_SHOWN, at_most=TRIALS_MOST),
        changes=await reach.changes_of(staff_id),
    )


def _staff_id(request: AnyRequest) -> UUID:
    found: UUID | None = request.user.staff_id
    if found is None:
        raise NoStaffRecord("此账户没有人员档案 This account has no staff record")
    return found


ROUTES = [heartbeat, mine, test_myself, everybody, one, test_somebody, plan]
