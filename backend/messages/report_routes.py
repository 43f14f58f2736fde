"""Where providers of texts and calls post their reports: a door with a secret, or closed.

Neither provider signs what it posts, so the path carries a secret that only its console knows,
and a report counts only when it names a message by the provider's own name for it. A wrong or
missing secret is 404: nobody learns that there is a door.
"""

import secrets
from typing import Any

from litestar import Request, Response, post
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath

from backend.messages import reports
from backend.messages.doors import telephony
from backend.messages.hooks import Hooks
from backend.shared.context import Context, Ctx
from backend.shared.problems import Malformed, NotFound, Unavailable
from push.reports import GarbageError

POST_MAX = 1024 * 1024
"""Bytes; a batch of some hundred reports has some tens of thousands."""


def knows_the_secret(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The path names the provider that is configured, and its secret.

    Raises:
        NotFound: otherwise.
    """
    ctx: Context = connection.app.state["context"]
    push = ctx.settings.push
    given = str(connection.path_params["secret"]).encode()
    right = secrets.compare_digest(push.telephony_secret.encode(), given)
    named = connection.path_params["provider"] == push.telephony
    if not push.telephony_secret or not push.telephony or not right or not named:
        raise NotFound("no such door")


@post(
    "/api/push/reports/{provider:str}/{secret:str}",
    guards=[knows_the_secret],
    opt={"own_secret": True},
    status_code=200,
    request_max_body_size=POST_MAX,
    operation_id="TakeReports",
)
async def take_reports(
    provider: FromPath[str], request: Request[Any, Any, Any], ctx: Ctx, hooks: Hooks
) -> Response[bytes]:
    """Reports of one provider, answered as it wants; with 503 it posts them again."""
    there = telephony(ctx.settings.push)
    try:
        found = there.reports(await request.body())
    except GarbageError:
        raise Malformed(f"{provider} would not post that") from None
    taken = await reports.take(found, now=ctx.clock.now(), on_receipt=hooks.on_receipt)
    if taken.unknown:
        # The report may have overtaken our own note that the message was taken.
        raise Unavailable("a message that is named here is not known yet")
    return Response(there.thanks, media_type="application/json")


ROUTES = [take_reports]
