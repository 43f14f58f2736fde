"""排班: the week's roster for the manager and the desk lead, and everything they do to it."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post, put
from litestar.params import FromPath, JSONBody, Parameter, QueryParameter
from msgspec import Meta

from backend.access.guards import requires
from backend.screens.shift_rules import ahead, limits, swap_rules
from backend.screens.shift_watch import tell_swap
from backend.shared.context import Context, Ctx
from backend.shared.db import OPERATIONS
from backend.staff import roster, swaps
from backend.staff.flow import planning, sheet
from backend.staff.flow.coverage import Area, Gap, Strength, strength
from backend.staff.flow.planning import Line, Pattern, planned
from backend.staff.flow.shifts import Fault, Role, Shift, Worker, faults_of
from backend.staff.problems import RosterRefused
from backend.staff.roster import NEARBY, ZONE, Change, Roster, Who

AnyRequest = Request[Any, Any, Any]
LEADS = ("manager", "desk_lead")
Instant = Annotated[datetime, Meta(tz=True)]
Days = Annotated[int, Parameter(ge=1, le=35)]


class PersonView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    name: str
    badge: str
    post: str
    qualified_from: date | None
    qualified_until: date | None


class ShiftView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``faults``: what is wrong with it as it stands, such as a certificate that ran out since."""

    id: UUID
    person_id: UUID
    role: Role
    area_id: UUID
    from_at: datetime
    until_at: datetime
    faults: tuple[Fault, ...] = ()


class SwapView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    asker: UUID
    colleague: UUID
    mine: ShiftView
    theirs: ShiftView | None
    stand: str
    note: str
    asked_at: datetime
    why: str
    faults: tuple[Fault, ...] = ()


class RosterView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``gaps`` from now on, whatever week is looked at; ``ahead_days`` how far."""

    now: datetime
    from_on: date
    days: int
    areas: tuple[Area, ...]
    streets: list[str]
    people: list[PersonView]
    shifts: list[ShiftView]
    gaps: list[Gap]
    ahead_days: int
    strengths: list[Strength]
    swaps: list[SwapView]
    patterns: list[Pattern]
    history: list[Change]


class ShiftWish(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A shift to be written; ``insist`` in spite of warnings."""

    person_id: UUID
    role: Role
    area_id: UUID
    from_at: Instant
    until_at: Instant
    insist: bool = False
    reason: Annotated[str, Meta(max_length=200)] = ""


class Strike(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    insist: bool = False
    reason: Annotated[str, Meta(max_length=200)] = ""


class AreaWish(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    name: Annotated[str, Meta(min_length=1, max_length=40)]
    streets: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=200)] = []
    desk_min: Annotated[int, Meta(ge=0, le=50)] = 0
    field_min: Annotated[int, Meta(ge=0, le=50)] = 0


class PatternWish(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    person_id: UUID
    role: Role
    area_id: UUID
    weekdays: Annotated[list[Annotated[int, Meta(ge=0, le=6)]], Meta(min_length=1, max_length=7)]
    from_min: Annotated[int, Meta(ge=0, le=1439)]
    length_min: Annotated[int, Meta(ge=15, le=1440)]
    every_weeks: Annotated[int, Meta(ge=1, le=8)] = 1
    first_on: date
    last_on: date | None = None


class Many(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Many shifts at once. Without ``apply`` only what would happen is said."""

    apply: bool = False
    insist: bool = False


class Generate(Many, frozen=True, kw_only=True):
    from_on: date
    to_on: date


class CopyWeek(Many, frozen=True, kw_only=True):
    """Any day of each week names it."""

    from_week: date
    to_week: date


class Import(Many, frozen=True, kw_only=True):
    text: Annotated[str, Meta(max_length=500_000)]


class LineView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a plan; ``line`` and ``text`` of a sheet's row."""

    outcome: str
    shift: ShiftView | None
    faults: tuple[Fault, ...]
    line: int | None = None
    text: str = ""


class PlanView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``applied``: written. What is refused is left out, the rest is written."""

    applied: bool
    lines: list[LineView]


class Decision(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    approve: bool
    insist: bool = False
    why: Annotated[str, Meta(max_length=300)] = ""


@get("/api/roster", guards=[requires(*LEADS, "desk")], operation_id="Roster")
async def show(
    ctx: Ctx,
    from_on: Annotated[date, QueryParameter(name="from")],
    days: Days = 7,
) -> RosterView:
    """The roster of some days, all gaps to come, what waits for a decision, and the history."""
    at = ctx.clock.now()
    begins, ends = _midnight(from_on), _midnight(from_on + timedelta(days=days))
    until = at + ahead(ctx.settings)
    found = await roster.read(begins - NEARBY, ends + NEARBY)
    coming = await roster.read(at, until)
    homes = await _homes()
    return RosterView(
        now=at,
        from_on=from_on,
        days=days,
        areas=found.areas,
        streets=sorted(homes),
        people=[_person(one) for one in found.workers.values()],
        shifts=[
            _view(one, found, ctx)
            for one in found.shifts
            if one.from_at < ends and one.until_at > begins
        ],
        gaps=coming.gaps(at, until),
        ahead_days=ctx.settings.roster.ahead_days,
        strengths=[
            strength(
                area,
                _homes_in(area, found.areas, homes),
                coming.shifts,
                found.workers,
                now=at,
                zone=ZONE,
            )
            for area in found.areas
        ],
        swaps=[await _swap(one, ctx) for one in await swaps.waiting()],
        patterns=await roster.patterns(),
        history=await roster.history(),
    )


@put("/api/roster/shifts/{shift_id:uuid}", status_code=200, guards=[requires(*LEADS)],
     operation_id="SetShift")  # fmt: skip
async def set_shift(
    request: AnyRequest, shift_id: FromPath[UUID], data: JSONBody[ShiftWish], ctx: Ctx
) -> PlanView:
    """Write a shift under its id, or alter the one that stands there.

    Raises:
        RosterRefused: overlap, no qualification, wrong post, or it has begun.
        RosterWarned: more than 12 h, less than 8 h of rest, a gap: insist, with a reason.
    """
    wish = planned(data.person_id, data.role, data.area_id, data.from_at, data.until_at)
    wish = msgspec.structs.replace(wish, id=shift_id)
    await _know_area(wish.area_id)
    there = await OPERATIONS.fetch_value("SELECT true FROM shift WHERE id = $1", shift_id)
    lines = await _change(
        request, ctx, [wish], remove=[shift_id] if there else [],
        what="altered" if there else "added", insist=data.insist, reason=data.reason,
    )  # fmt: skip
    return PlanView(applied=True, lines=[_line(one) for one in lines])


@delete("/api/roster/shifts/{shift_id:uuid}", status_code=204, guards=[requires(*LEADS)],
        operation_id="StrikeShift")  # fmt: skip
async def strike_shift(
    request: AnyRequest, shift_id: FromPath[UUID], data: JSONBody[Strike], ctx: Ctx
) -> None:
    """Take a shift that has not begun out of the roster."""
    await _change(
        request, ctx, [], remove=[shift_id], what="struck", insist=data.insist, reason=data.reason
    )


@put("/api/roster/areas/{area_id:uuid}", status_code=204, guards=[requires(*LEADS)],
     operation_id="SetArea")  # fmt: skip
async def set_area(
    request: AnyRequest, area_id: FromPath[UUID], data: JSONBody[AreaWish], ctx: Ctx
) -> None:
    """An area with its streets and how many people it always needs."""
    area = Area(
        id=area_id, name=data.name.strip(), streets=tuple(data.streets),
        desk_min=data.desk_min, field_min=data.field_min,
    )  # fmt: skip
    await roster.set_area(area, who=who_of(request), at=ctx.clock.now())


@put("/api/roster/patterns/{pattern_id:uuid}", status_code=204, guards=[requires(*LEADS)],
     operation_id="SetPattern")  # fmt: skip
async def set_pattern(
    request: AnyRequest, pattern_id: FromPath[UUID], data: JSONBody[PatternWish], ctx: Ctx
) -> None:
    """Shifts that come every week; made by ``/api/roster/generate``."""
    pattern = Pattern(
        id=pattern_id, person_id=data.person_id, role=data.role, area_id=data.area_id,
        weekdays=tuple(sorted(set(data.weekdays))), from_min=data.from_min,
        length_min=data.length_min, every_weeks=data.every_weeks, first_on=data.first_on,
        last_on=data.last_on,
    )  # fmt: skip
    await roster.set_pattern(pattern, pattern_id, who=who_of(request), at=ctx.clock.now())


@delete("/api/roster/patterns/{pattern_id:uuid}", status_code=204, guards=[requires(*LEADS)],
        operation_id="StrikePattern")  # fmt: skip
async def strike_pattern(request: AnyRequest, pattern_id: FromPath[UUID], ctx: Ctx) -> None:
    """No more shifts from it; those that stand stay."""
    await roster.set_pattern(None, pattern_id, who=who_of(request), at=ctx.clock.now())


@post("/api/roster/generate", status_code=200, guards=[requires(*LEADS)],
      operation_id="GenerateShifts")  # fmt: skip
async def generate(request: AnyRequest, data: JSONBody[Generate], ctx: Ctx) -> PlanView:
    """The weekly patterns' shifts for a period: what would come, or with ``apply`` written."""
    if not timedelta(0) <= data.to_on - data.from_on <= timedelta(days=92):
        raise _refuse("一次最多 92 天", "at most 92 days at once")
    wished = planning.from_patterns(
        await roster.patterns(), from_on=data.from_on, to_on=data.to_on, zone=ZONE
    )
    return await _many(request, ctx, wished, data, what="generated")


@post("/api/roster/copy", status_code=200, guards=[requires(*LEADS)], operation_id="CopyWeek")
async def copy_week(request: AnyRequest, data: JSONBody[CopyWeek], ctx: Ctx) -> PlanView:
    """One week's shifts in another week."""
    monday = _midnight(data.from_week - timedelta(days=data.from_week.weekday()))
    found = await roster.read(monday, monday + timedelta(days=7))
    wished = planning.copied(
        found.shifts, from_week=data.from_week, to_week=data.to_week, zone=ZONE
    )
    return await _many(request, ctx, wished, data, what="copied")


@post("/api/roster/import", status_code=200, guards=[requires(*LEADS)],
      operation_id="ImportRoster")  # fmt: skip
async def import_sheet(request: AnyRequest, data: JSONBody[Import], ctx: Ctx) -> PlanView:
    """A spreadsheet's rows: each with what it comes to, or why it cannot be read."""
    at = ctx.clock.now()
    known = await roster.read(at, at)
    try:
        rows = sheet.read(
            data.text,
            people={one.badge: one.id for one in known.workers.values()},
            areas={one.name: one.id for one in known.areas},
            zone=ZONE,
        )
    except sheet.WrongSheet as wrong:
        raise _refuse(wrong.zh, wrong.en) from wrong
    wished = [row.shift for row in rows if row.shift is not None]
    made = await _many(request, ctx, wished, data, what="imported")
    lines = iter(made.lines)
    return PlanView(
        applied=made.applied,
        lines=[
            msgspec.structs.replace(next(lines), line=row.line, text=row.text)
            if row.shift is not None
            else _unread(row)
            for row in rows
        ],
    )


@post("/api/roster/swaps/{swap_id:uuid}", status_code=200, guards=[requires(*LEADS)],
      operation_id="DecideSwap")  # fmt: skip
async def decide_swap(
    request: AnyRequest, swap_id: FromPath[UUID], data: JSONBody[Decision], ctx: Ctx
) -> SwapView:
    """Approve a swap that two people agree on, or refuse it.

    Raises:
        RosterRefused: it would overlap, leave a gap or put somebody unqualified on.
        RosterWarned: too long or too little rest: insist.
    """
    at = ctx.clock.now()
    done = await swaps.take(
        swap_id, "approve" if data.approve else "refuse", by=None, who=who_of(request), at=at,
        rules=swap_rules(ctx.settings), insist=data.insist, why=data.why.strip(),
    )  # fmt: skip
    await tell_swap(
        done, names={}, at=at, exercise=ctx.settings.demo.exercise, why=data.why.strip()
    )
    [found] = [one for one in await swaps.of(done.asker, since=at - timedelta(days=365))
               if one.swap.id == swap_id]  # fmt: skip
    return swap_view(found)


def who_of(request: AnyRequest) -> Who:
    """Who asks, for the history."""
    user = request.user
    return Who(account_id=user.account_id, name=user.name, role=user.role)


def swap_view(asked: swaps.Asked, faults: tuple[Fault, ...] = ()) -> SwapView:
    """A swap on the wire."""
    swap = asked.swap
    return SwapView(
        id=swap.id,
        asker=swap.asker,
        colleague=swap.colleague,
        mine=shift_view(swap.mine),
        theirs=None if swap.theirs is None else shift_view(swap.theirs),
        stand=swap.stand.value,
        note=asked.note,
        asked_at=asked.asked_at,
        why=asked.why,
        faults=faults,
    )


def shift_view(shift: Shift, faults: tuple[Fault, ...] = ()) -> ShiftView:
    """A shift on the wire."""
    return ShiftView(
        id=shift.id, person_id=shift.person_id, role=shift.role, area_id=shift.area_id,
        from_at=shift.from_at, until_at=shift.until_at, faults=faults,
    )  # fmt: skip


async def _change(
    request: AnyRequest, ctx: Context, add: Sequence[Shift], *, remove: Sequence[UUID] = (),
    what: str, insist: bool, reason: str = "", dry: bool = False, skip_refused: bool = False,
) -> list[Line]:  # fmt: skip
    return await roster.change(
        add=add, remove=remove, what=what, who=who_of(request), at=ctx.clock.now(),
        limits=limits(ctx.settings), ahead=ahead(ctx.settings), insist=insist,
        reason=reason.strip(), dry=dry, skip_refused=skip_refused,
    )  # fmt: skip


async def _many(
    request: AnyRequest, ctx: Context, wished: Sequence[Shift], how: Many, *, what: str
) -> PlanView:
    lines = await _change(
        request, ctx, wished, what=what, insist=how.insist, dry=not how.apply, skip_refused=True
    )
    return PlanView(applied=how.apply, lines=[_line(one) for one in lines])


def _line(line: Line) -> LineView:
    return LineView(outcome=line.outcome, shift=shift_view(line.shift), faults=line.faults)


def _unread(row: sheet.Row) -> LineView:
    fault = Fault(code="unread", refused=True, zh=row.zh, en=row.en)
    return LineView(
        outcome="refused", shift=None, faults=(fault,), line=row.line, text=row.text
    )  # fmt: skip


async def _swap(asked: swaps.Asked, ctx: Context) -> SwapView:
    faults = await swaps.faults_of(asked.swap, ctx.clock.now(), swap_rules(ctx.settings))
    return swap_view(asked, faults)


def _view(shift: Shift, found: Roster, ctx: Context) -> ShiftView:
    worker = found.workers[shift.person_id]
    faults = faults_of(shift, worker, found.shifts, limits=limits(ctx.settings), zone=ZONE)
    return shift_view(shift, faults)


def _person(worker: Worker) -> PersonView:
    return PersonView(
        id=worker.id, name=worker.name, badge=worker.badge, post=worker.post,
        qualified_from=worker.qualified_from, qualified_until=worker.qualified_until,
    )  # fmt: skip


async def _know_area(area_id: UUID) -> None:
    if not await OPERATIONS.fetch_value("SELECT true FROM roster_area WHERE id = $1", area_id):
        raise _refuse("没有这个片区", "no such area")


async def _homes() -> dict[str, int]:
    rows = await OPERATIONS.fetch(
        "SELECT b.street, count(h.id) AS homes FROM building b"
        " LEFT JOIN household h ON h.building_id = b.id GROUP BY b.street"
    )
    return {row["street"]: row["homes"] for row in rows}


def _homes_in(area: Area, areas: Sequence[Area], homes: dict[str, int]) -> int:
    """An area without streets has every home that no other names."""
    if area.streets:
        return sum(homes.get(street, 0) for street in area.streets)
    named = {street for other in areas for street in other.streets}
    return sum(n for street, n in homes.items() if street not in named)


def _refuse(zh: str, en: str) -> RosterRefused:
    fault = Fault(code="wrong", refused=True, zh=zh, en=en)
    return RosterRefused(f"{zh} {en}", faults=msgspec.to_builtins([fault]))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=ZONE)


ROUTES = [
    show, set_shift, strike_shift, set_area, set_pattern, strike_pattern, generate, copy_week,
    import_sheet, decide_swap,
]  # fmt: skip
