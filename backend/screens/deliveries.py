"""Papers in an office's inbox: acknowledged there or on the telephone, and read as PDF."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from backend.access.guards import requires
from backend.access.problems import WrongRole
from backend.documents import service as documents
from backend.offices import papers
from backend.screens.documents import taken
from backend.screens.incident import DESKS
from backend.shared.context import Ctx
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]


class Received(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """That the paper is there; ``reply`` as the office said it."""

    reply: Annotated[str, msgspec.Meta(max_length=500)] = ""


@post("/api/reports/{report_id:uuid}/acknowledge", status_code=204,
      guards=[requires("office", *DESKS)], operation_id="AcknowledgePaper")  # fmt: skip
async def acknowledge(
    request: AnyRequest, report_id: FromPath[UUID], data: JSONBody[Received], ctx: Ctx
) -> None:
    """An office has its paper; the desk may write it down for one that answered the telephone."""
    office_id = request.user.office_id
    desk = bool(request.user.roles & set(DESKS))
    if office_id is None and not desk:
        raise WrongRole("此账户不属于任何单位 This account belongs to no office")
    await papers.acknowledge(
        report_id,
        office_id=None if desk else office_id,
        by=request.user.name,
        reply=data.reply.strip() or None,
        actor=request.user.account_id,
        role=request.user.role,
        at=ctx.clock.now(),
    )


@get("/api/reports/{report_id:uuid}/paper", guards=[requires("office")],
     operation_id="ReportPaper")  # fmt: skip
async def paper(request: AnyRequest, report_id: FromPath[UUID], ctx: Ctx) -> Response[bytes]:
    """The PDF behind a line of the account's own inbox. Whoever takes it is written down."""
    if request.user.office_id is None:
        raise WrongRole("此账户不属于任何单位 This account belongs to no office")
    sha256 = await papers.paper_of(report_id, office_id=request.user.office_id)
    line = await documents.paper_line(sha256)
    if line is None:
        raise NotFound("没有这份文件 no such paper")
    return await taken(line, by=request.user, at=ctx.clock.now())


ROUTES = [acknowledge, paper]
