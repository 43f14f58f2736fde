"""A year in figures for the manager and the desk lead: on the screen, as a table, on paper."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, Parameter

from backend.access.guards import requires
from backend.audit import service as audit
from backend.documents import service as documents
from backend.documents.schemas import PaperLine
from backend.incidents import register
from backend.incidents.yearly import Recorded, Year, statistics, year_of
from backend.offices import service as offices
from backend.screens import yearbook
from backend.screens.documents import LEADS
from backend.shared.context import Context, Ctx
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]
AnyYear = Annotated[int | None, Parameter(ge=2000, le=2200)]


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """One year, and which others have a record."""

    year: Year
    years: list[int]
    exercise: bool
    """In a demonstration its exercises are what is counted; drills never are."""


@get("/api/statistics", guards=[requires(*LEADS)], operation_id="Statistics")
async def figures(ctx: Ctx, year: AnyYear = None) -> Statistics:
    """A calendar year's statistics; the present one where none is named."""
    wanted = year or year_of(ctx.clock.now())
    found, _lines = await _counted(ctx, wanted)
    known = sorted({*await register.years(), year_of(ctx.clock.now())}, reverse=True)
    return Statistics(year=found, years=known, exercise=ctx.settings.demo.exercise)


@get("/api/statistics/{year:int}/{what:str}", guards=[requires(*LEADS)],
     operation_id="StatisticsFile")  # fmt: skip
async def table(
    request: AnyRequest, year: FromPath[int], what: FromPath[str], ctx: Ctx
) -> Response[str]:
    """``statistics.csv``, or ``register.csv`` with one line for each incident."""
    if what not in {"statistics.csv", "register.csv"}:
        raise NotFound("没有这个文件 no such file", path=what)
    found, lines = await _counted(ctx, _known(year))
    text = yearbook.csv_of(found)
    if what == "register.csv":
        ours = [line for line in lines if year_of(line.emitted_at) == year]
        text = yearbook.register_csv(ours, await offices.communities())
    async with OPERATIONS.transaction():
        await _audited(request, ctx, year, what)
    name = quote(f"街安预警{'统计' if what == 'statistics.csv' else '登记'}-{year}.csv")
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f"attachment; filename=\"{what}\"; filename*=UTF-8''{name}"
        },
    )


@post("/api/statistics/{year:int}/paper", status_code=201, guards=[requires(*LEADS)],
      operation_id="PrintStatistics")  # fmt: skip
async def print_paper(request: AnyRequest, year: FromPath[int], ctx: Ctx) -> PaperLine:
    """The year as a numbered paper; counted from the same records it is the one that is there."""
    found, _lines = await _counted(ctx, _known(year))
    paper = yearbook.paper_of(
        found,
        events=await register.counted_events(year),
        handling=_handling(ctx),
        author=request.user.name,
        at=ctx.clock.now(),
    )
    async with OPERATIONS.transaction():
        sha256 = await documents.file(paper)
        await _audited(request, ctx, year, "paper")
    line = await documents.paper_line(sha256)
    assert line is not None  # filed above; papers are never deleted
    return line


def _known(year: int) -> int:
    if not 2000 <= year <= 2200:
        raise NotFound("没有这一年 no such year", year=year)
    return year


def _handling(ctx: Context) -> str:
    return "exercise" if ctx.settings.demo.exercise else "actual"


async def _counted(ctx: Context, year: int) -> tuple[Year, list[Recorded]]:
    lines = await register.register(year, handling=_handling(ctx))
    areas = await offices.communities()
    issued = await register.issued(year)
    return statistics(year, lines, areas=areas, issued=issued), lines


async def _audited(request: AnyRequest, ctx: Context, year: int, what: str) -> None:
    await audit.record(
        OPERATIONS, actor=request.user.account_id, role=request.user.role,
        action="statistics.taken", subject=str(year), after={"what": what}, at=ctx.clock.now(),
    )  # fmt: skip


ROUTES = [figures, table, print_paper]
