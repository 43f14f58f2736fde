"""The papers of an incident: a list, and each as PDF, for the desk and whoever is on it."""

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from backend.access.guards import requires, signed_in
from backend.access.principal import Principal
from backend.audit import service as audit
from backend.documents import service as documents
from backend.documents.flow import PaperKind
from backend.documents.schemas import PaperLine
from backend.offices import papers as deliveries
from backend.offices.papers import PaperSent
from backend.screens.incident import may_see
from backend.screens.reading import existing
from backend.shared.context import Ctx
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]
LEADS = ("manager", "desk_lead")
"""Who reads what is about no single incident: a year's statistics."""


class FiledPaper(PaperLine, frozen=True, kw_only=True, rename="camel"):
    """A paper and its way to the offices."""

    sent: list[PaperSent]


@get("/api/incidents/{incident_id:uuid}/documents", guards=[signed_in],
     operation_id="IncidentDocuments")  # fmt: skip
async def papers(request: AnyRequest, incident_id: FromPath[UUID]) -> list[FiledPaper]:
    """Every numbered paper of the incident, newest first, with the offices that it went to."""
    may_see(await existing(incident_id), request.user)
    sent = await deliveries.sent_for(incident_id)
    return [
        FiledPaper(
            **msgspec.structs.asdict(line),
            sent=[one for one in sent if one.paper_sha256 == line.sha256],
        )
        for line in await documents.papers_of(incident_id)
    ]


@get("/api/documents/{sha256:str}", guards=[signed_in], operation_id="Document")
async def paper(request: AnyRequest, sha256: FromPath[str], ctx: Ctx) -> Response[bytes]:
    """One paper as PDF. Whoever takes it is written down."""
    line = await documents.paper_line(sha256)
    if line is None:
        raise NotFound("没有这份文件 no such paper")
    if line.kind == PaperKind.YEARLY:
        requires(*LEADS)(request, request.route_handler)
    else:
        may_see(await existing(line.incident_id), request.user)
    return await taken(line, by=request.user, at=ctx.clock.now())


async def taken(line: PaperLine, *, by: Principal, at: datetime) -> Response[bytes]:
    """The paper's bytes, and that somebody took them; what has a hash for a name never changes."""
    async with OPERATIONS.transaction():
        await audit.record(
            OPERATIONS, actor=by.account_id, role=by.role, action="document.taken",
            subject=line.incident_id, after={"number": line.number}, at=at,
        )  # fmt: skip
    name = quote(f"{line.number}-{line.title}.pdf")
    return Response(
        await documents.bytes_of(line.sha256),
        media_type="application/pdf",
        headers={
            "Content-Disposition": f"inline; filename=\"report.pdf\"; filename*=UTF-8''{name}",
            "Cache-Control": "private, max-age=31536000, immutable",
            "ETag": f'"{line.sha256}"',
        },
    )


ROUTES = [papers, paper]
