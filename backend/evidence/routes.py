"""Photographs go in under their SHA-256 and come out to those who may see them."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from backend.access.guards import requires_staff
from backend.access.principal import Connection, Principal, principal_of
from backend.evidence import service
from backend.evidence.keys import ServerKey, published
from backend.evidence.proofs import proof
from backend.evidence.service import Part, Partial, Photo
from backend.evidence.stores import store_of
from backend.shared.context import Context, Ctx
from backend.shared.problems import Malformed, NotFound

AnyRequest = Request[Any, Any, Any]
MaySee = Callable[[Principal, str], Awaitable[bool]]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (?:(\d{1,9})-(\d{1,9})|\*)/(\d{1,9})")


class Keys(msgspec.Struct, frozen=True):
    """Every key that counter-signed photographs here, oldest first; the last is in use."""

    keys: list[ServerKey]


def _part(header: str) -> Part:
    found = _RANGE.fullmatch(header)
    if found is None:
        raise Malformed("Content-Range is not: bytes first-last/total, or bytes */total")
    total = int(found[3])
    if found[1] is None:
        return Part(start=-1, length=0, total=total)
    start, last = int(found[1]), int(found[2])
    if not start <= last < total:
        raise Malformed("Content-Range is no part of its total")
    return Part(start=start, length=last - start + 1, total=total)


@put(
    "/api/evidence/{sha256:str}",
    guards=[requires_staff],
    request_max_body_size=None,
    operation_id="PutEvidence",
)
async def put_evidence(
    request: AnyRequest, sha256: FromPath[str], ctx: Ctx
) -> Response[Photo | Partial]:
    """201 stored now, 200 was here already. The body is the bytes themselves, at most 12 MB.

    With ``Content-Range: bytes first-last/total`` the body is a part of at most 1 MB, and the
    answer until the last one is 202 with the bytes that are here; ``bytes */total`` only asks.
    """
    if not _SHA256.fullmatch(sha256):
        raise Malformed("not a SHA-256 in small hexadecimal digits")
    if "content-range" in request.headers:
        return await _put_part(request, sha256, _part(request.headers["content-range"]), ctx)
    announced = request.headers.get("content-length", "")
    photo, new = await service.receive(
        store_of(ctx.settings),
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


async def _put_part(
    request: AnyRequest, sha256: str, part: Part, ctx: Context
) -> Response[Photo | Partial]:
    found = await service.receive_part(
        store_of(ctx.settings),
        ctx.data / "evidence" / "incoming",
        sha256,
        part,
        request.stream(),
        kind=request.content_type[0],
        by=request.user.account_id,
        role=request.user.role,
        at=ctx.clock.now(),
    )
    if isinstance(found, Partial):
        return Response(found, status_code=202)
    return Response(found[0], status_code=201 if found[1] else 200)


@get("/api/evidence/keys", operation_id="EvidenceKeys")
async def evidence_keys() -> Keys:
    """The public keys with which this installation counter-signs; for everybody."""
    return Keys(await published())


def routes(may_see: MaySee) -> list[HTTPRouteHandler]:
    """All routes; ``may_see`` says whether an account may see the photograph of a hash."""

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
        store = store_of(ctx.settings)
        photo = await service.stored(store, sha256)
        if photo is None:
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

    @get(
        "/api/evidence/{sha256:str}/proof",
        guards=[requires_staff, may_see_it],
        operation_id="EvidenceProof",
    )
    async def get_proof(sha256: FromPath[str]) -> dict[str, Any]:
        """Both signatures over both clocks; ``jiean verify-photo`` checks it with the picture."""
        found = await proof(sha256)
        if found is None:
            raise NotFound("no proof of this photograph yet")
        return found

    return [put_evidence, get_evidence, get_proof, evidence_keys]
