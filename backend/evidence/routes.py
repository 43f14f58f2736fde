"""Photographs go in under their SHA-256 and come out to those who may see them."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from backend.access.guards import requires_staff
from backend.access.principal import Connection, Principal, principal_of
from backend.evidence import service
from backend.evidence.service import Photo
from backend.evidence.store import LocalFolder
from backend.shared.context import Context, Ctx
from backend.shared.problems import Malformed, NotFound

AnyRequest = Request[Any, Any, Any]
MaySee = Callable[[Principal, str], Awaitable[bool]]

_SHA256 = re.compile(r"[0-9a-f]{64}")


def _store(ctx: Context) -> LocalFolder:
    return LocalFolder(ctx.data / "evidence")


@put(
    "/api/evidence/{sha256:str}",
    guards=[requires_staff],
    request_max_body_size=None,
    operation_id="PutEvidence",
)
async def put_evidence(request: AnyRequest, sha256: FromPath[str], ctx: Ctx) -> Response[Photo]:
    """201 stored now, 200 was here already. The body is the bytes themselves, at most 12 MB."""
    if not _SHA256.fullmatch(sha256):
        raise Malformed("not a SHA-256 in small hexadecimal digits")
    announced = request.headers.get("content-length", "")
    photo, new = await service.receive(
        _store(ctx),
        ctx.data / "evidence" / "incoming",
        sha256,
        request.stream(),
        announced_bytes=int(announced) if announced.isdecimal() else None,
        kind=request.content_type[0],
        by=request.user.account_id,
        role=request.user.role,
        at=ctx.clock.now(),
    )
    return Response(photo, status_code=201 if new else 200)


def routes(may_see: MaySee) -> list[HTTPRouteHandler]:
    """Both routes; ``may_see`` says whether an account may see the photograph of a hash."""

    async def may_see_it(connection: Connection, _: BaseRouteHandler) -> None:
        principal = principal_of(connection)
        sha256 = connection.path_params["sha256"]
        if principal is None or not await may_see(principal, sha256):
            raise NotFound("no such photograph")

    @get(
        "/api/evidence/{sha256:str}",
        guards=[requires_staff, may_see_it],
        operation_id="GetEvidence",
    )
    async def get_evidence(sha256: FromPath[str], ctx: Ctx) -> Stream:
        """The bytes as they came. They never change, so the browser may keep them."""
        photo = await service.known(sha256)
        store = _store(ctx)
        if photo is None or not await store.has(sha256):
            raise NotFound("no such photograph")
        return Stream(
            store.read(sha256),
            media_type=photo.mime,
            headers={
                "Content-Length": str(photo.bytes),
                "Content-Disposition": "inline",
                "Cache-Control": "private, max-age=31536000, immutable",
                "ETag": f'"{sha256}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    return [put_evidence, get_evidence]
