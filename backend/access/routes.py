"""Sign in, ask who one is, sign out."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody

from backend.access import sessions
from backend.access.guards import signed_in
from backend.access.middleware import COOKIE
from backend.access.principal import Principal, principal_of
from backend.access.schemas import Credentials, Me
from backend.shared.context import Context, Ctx

AnyRequest = Request[Any, Any, Any]


def _me(principal: Principal) -> Me:
    return Me(
        account_id=principal.account_id,
        name=principal.name,
        roles=sorted(principal.roles),
        staff_id=principal.staff_id,
        office_id=principal.office_id,
        exercise=principal.exercise,
    )


def _cookie(ctx: Context, token: str, life: timedelta) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=token,
        max_age=int(life.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=ctx.settings.http.cookie_secure,
    )


@post("/api/session", status_code=200, operation_id="SignIn")
async def sign_in(data: JSONBody[Credentials], ctx: Ctx) -> Response[Me]:
    """Check a login; the session is in the cookie of the answer."""
    access = ctx.settings.access
    done = await sessions.sign_in(
        data.login,
        data.password,
        device_id=data.device_id,
        lockout=sessions.Lockout(
            failures=access.lockout_failures, lasts=timedelta(minutes=access.lockout_min)
        ),
        now=ctx.clock.now(),
    )
    return Response(_me(done.principal), cookies=[_cookie(ctx, done.token, sessions.LIFE)])


@get("/api/session", guards=[signed_in], operation_id="WhoAmI")
async def who_am_i(request: AnyRequest) -> Me:
    """The signed-in account."""
    return _me(request.user)


@delete("/api/session", status_code=204, operation_id="SignOut")
async def sign_out(request: AnyRequest, ctx: Ctx) -> Response[None]:
    """End this session, here and on the server; signing out twice is no error."""
    principal = principal_of(request)
    if principal is not None:
        await sessions.sign_out(request.cookies[COOKIE], principal, now=ctx.clock.now())
    return Response(None, status_code=204, cookies=[_cookie(ctx, "", timedelta())])


ROUTES = [sign_in, who_am_i, sign_out]
