"""我的班次: one person's own shifts on the phone, and changing them with a colleague."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.access.guards import requires_staff
from backend.screens.shift_rules import swap_rules
from backend.screens.shift_watch import tell_swap
from backend.screens.shifts import ShiftView, SwapView, shift_view, swap_view, who_of
from backend.shared.context import Ctx
from backend.staff import roster, swaps
from backend.staff.flow.shifts import POST_OF, Fault
from backend.staff.flow.swaps import Stand, Swap
from backend.staff.problems import NoStaffRecord, NoSuchShift

AnyRequest = Request[Any, Any, Any]
AHEAD = timedelta(days=35)
LOOK_BACK = timedelta(days=14)


class Colleague(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody of the same post; ``shifts``: theirs to come, to change for one's own."""

    id: UUID
    name: str
    shifts: list[ShiftView]


class MyShifts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything this screen needs, so that it can be read with no network."""

    now: datetime
    me: UUID
    areas: dict[str, str]
    shifts: list[ShiftView]
    swaps: list[SwapView]
    colleagues: list[Colleague]
    approval: bool


class SwapWish(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """``theirs`` None: please take it."""

    mine: UUID
    colleague: UUID
    theirs: UUID | None = None
    note: Annotated[str, Meta(max_length=200)] = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    step: Annotated[str, Meta(pattern="^(accept|decline|withdraw)$")]
    why: Annotated[str, Meta(max_length=200)] = ""


@get("/api/my/shifts", guards=[requires_staff], operation_id="MyShifts")
async def mine(request: AnyRequest, ctx: Ctx) -> MyShifts:
    """One's next five weeks, colleagues to change with, and swaps that are open or recent."""
    at, me = ctx.clock.now(), _staff_id(request)
    found = await roster.read(at - timedelta(hours=24), at + AHEAD)
    post = found.workers[me].post if me in found.workers else ""
    rules = swap_rules(ctx.settings)
    known = []
    for asked in await swaps.of(me, since=at - LOOK_BACK):
        faults: tuple[Fault, ...] = ()
        if asked.swap.stand in (Stand.ASKED, Stand.ACCEPTED):
            faults = await swaps.faults_of(asked.swap, at, rules)
        known.append(swap_view(asked, faults))
    return MyShifts(
        now=at,
        me=me,
        areas={str(area.id): area.name for area in found.areas},
        shifts=[shift_view(s) for s in found.shifts if s.person_id == me and s.until_at > at],
        swaps=known,
        colleagues=[
            Colleague(
                id=one.id,
                name=one.name,
                shifts=[
                    shift_view(s)
                    for s in found.shifts
                    if s.person_id == one.id and s.from_at > at and POST_OF[s.role] == post
                ],
            )
            for one in found.workers.values()
            if one.post == post and one.id != me
        ],
        approval=rules.approval,
    )


@put("/api/my/swaps/{swap_id:uuid}", status_code=200, guards=[requires_staff],
     operation_id="AskSwap")  # fmt: skip
async def ask(
    request: AnyRequest, swap_id: FromPath[UUID], data: JSONBody[SwapWish], ctx: Ctx
) -> SwapView:
    """Ask a colleague; the id is the asker's, so that asking twice is asking once.

    Raises:
        RosterRefused: it could not be done (overlap, gap, no qualification, begun), or is asked.
    """
    at, me = ctx.clock.now(), _staff_id(request)
    found = await roster.read(at - timedelta(days=1), at + AHEAD * 2)
    by_id = {shift.id: shift for shift in found.shifts}
    if data.mine not in by_id or (data.theirs is not None and data.theirs not in by_id):
        raise NoSuchShift("这个班次已经没有了 This shift is gone")
    wish = Swap(
        id=swap_id, asker=me, colleague=data.colleague, mine=by_id[data.mine],
        theirs=None if data.theirs is None else by_id[data.theirs], stand=Stand.ASKED,
    )  # fmt: skip
    asked = await swaps.ask(
        wish, note=data.note.strip(), who=who_of(request), at=at, rules=swap_rules(ctx.settings)
    )
    await _tell(asked, ctx, names=_names(found), why=data.note.strip())
    return await _view(asked.id, me, at)


@post("/api/my/swaps/{swap_id:uuid}", status_code=200, guards=[requires_staff],
      operation_id="AnswerSwap")  # fmt: skip
async def answer(
    request: AnyRequest, swap_id: FromPath[UUID], data: JSONBody[Answer], ctx: Ctx
) -> SwapView:
    """Accept or decline a colleague's wish, or withdraw one's own."""
    at, me = ctx.clock.now(), _staff_id(request)
    done = await swaps.take(
        swap_id, data.step, by=me, who=who_of(request), at=at, rules=swap_rules(ctx.settings),
        why=data.why.strip(),
    )  # fmt: skip
    await _tell(done, ctx, names=_names(await roster.read(at, at)), why=data.why.strip())
    return await _view(swap_id, me, at)


async def _tell(swap: Swap, ctx: Ctx, *, names: dict[UUID, str], why: str) -> None:
    exercise = ctx.settings.demo.exercise
    await tell_swap(swap, names=names, at=ctx.clock.now(), exercise=exercise, why=why)


async def _view(swap_id: UUID, me: UUID, at: datetime) -> SwapView:
    found = await swaps.of(me, since=at - LOOK_BACK)
    return next(swap_view(one) for one in found if one.swap.id == swap_id)


def _names(found: roster.Roster) -> dict[UUID, str]:
    return {one.id: one.name for one in found.workers.values()}


def _staff_id(request: AnyRequest) -> UUID:
    staff_id: UUID | None = request.user.staff_id
    if staff_id is None:
        raise NoStaffRecord("此账户没有人员档案 This account has no staff record")
    return staff_id


ROUTES = [mine, ask, answer]
