"""Who may see a photograph: the desk, and whoever is on the incident that names it. Everybody else
gets a copy without faces, and only of the incident that was reported to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from backend.access import links
from backend.access.guards import requires
from backend.access.principal import Principal
from backend.evidence import outward
from backend.evidence import service as evidence
from backend.evidence.outward import How, Outward
from backend.evidence.stores import store_of
from backend.incidents import journal
from backend.incidents.flow.incident import Incident, PhotoTaken
from backend.inspection import journal as rounds
from backend.offices import service as offices
from backend.screens.incident import DESKS
from backend.shared.context import Context, Ctx
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]


class OutsidePhoto(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A photograph as an office sees it; ``sha256`` names the original, which it never gets."""

    sha256: str
    taken_at: datetime
    by: str
    caption: str


async def may_see(principal: Principal, sha256: str) -> bool:
    """Whether an account may see the photograph of this hash."""
    if principal.roles & {*DESKS, "technician"}:
        return True
    if principal.staff_id is None:
        return False
    return await journal.on_photo(principal.staff_id, sha256) or await rounds.on_photo(
        principal.staff_id, sha256
    )


async def outgoing(ctx: Context, photo: PhotoTaken) -> Outward | None:
    """The copy that may leave the incident; None while no form of the photograph is here."""
    return await outward.outward(
        store_of(ctx.settings),
        ctx.data / "evidence" / "incoming",
        (photo.burnt_sha256, photo.sha256, photo.preview_sha256),
        timeout_s=ctx.settings.evidence.faces_timeout_s,
        at=ctx.clock.now(),
    )


async def _of_link(token: str, ctx: Context) -> Incident:
    """The incident of a one-report link; a household's page shows no photographs."""
    link = await links.resolve(token, at=ctx.clock.now())
    report = await offices.report_view(link.subject_id) if link.purpose == "report" else None
    if report is None:
        raise NotFound("此链接没有照片 no photographs with this link")
    return await journal.load(report.incident_id)


async def _of_office(request: AnyRequest, report_id: UUID) -> Incident:
    """The incident of a report that went to the account's own office."""
    report = await offices.report_view(report_id)
    if report is None or report.office.id != request.user.office_id:
        raise NotFound("没有这份报告 no such report")
    return await journal.load(report.incident_id)


async def _listed(now: Incident) -> list[OutsidePhoto]:
    """Photographs of which at least the preview is here, oldest first."""
    forms = {p.sha256: (p.burnt_sha256, p.sha256, p.preview_sha256) for p in now.photos}
    every = [form for three in forms.values() for form in three if form]
    missing = set(await evidence.missing(every)) if every else set()
    return [
        OutsidePhoto(sha256=p.sha256, taken_at=p.taken_at, by=p.by, caption=p.caption)
        for p in now.photos
        if any(form and form not in missing for form in forms[p.sha256])
    ]


async def _copy(now: Incident, sha256: str, ctx: Context) -> Response[bytes]:
    photo = next((one for one in now.photos if one.sha256 == sha256), None)
    copy = None if photo is None else await outgoing(ctx, photo)
    if copy is None:
        raise NotFound("没有这张照片 no such photograph")
    how: How = copy.how
    return Response(
        await outward.content(store_of(ctx.settings), copy),
        media_type="image/jpeg",
        headers={
            "Content-Disposition": "inline",
            "Cache-Control": "private, max-age=3600",
            "X-Faces": how,
            "X-Content-Type-Options": "nosniff",
        },
    )


@get("/api/link/{token:str}/photos", operation_id="PhotosByLink")
async def link_photos(token: FromPath[str], ctx: Ctx) -> list[OutsidePhoto]:
    """The photographs of the reported incident, to be fetched one by one."""
    return await _listed(await _of_link(token, ctx))


@get("/api/link/{token:str}/photos/{sha256:str}", operation_id="PhotoByLink")
async def link_photo(token: FromPath[str], sha256: FromPath[str], ctx: Ctx) -> Response[bytes]:
    """One of them, faces hidden."""
    return await _copy(await _of_link(token, ctx), sha256, ctx)


@get("/api/reports/{report_id:uuid}/photos", guards=[requires("office")],
     operation_id="ReportPhotos")  # fmt: skip
async def office_photos(request: AnyRequest, report_id: FromPath[UUID]) -> list[OutsidePhoto]:
    """The same for an office with an account."""
    return await _listed(await _of_office(request, report_id))


@get("/api/reports/{report_id:uuid}/photos/{sha256:str}", guards=[requires("office")],
     operation_id="ReportPhoto")  # fmt: skip
async def office_photo(
    request: AnyRequest, report_id: FromPath[UUID], sha256: FromPath[str], ctx: Ctx
) -> Response[bytes]:
    """One of them, faces hidden."""
    return await _copy(await _of_office(request, report_id), sha256, ctx)


ROUTES = [link_photos, link_photo, office_photos, office_photo]
