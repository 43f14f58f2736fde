"""Who may call a route, said on the route: ``guards=[requires("desk", "desk_lead")]``."""

from collections.abc import Callable

from litestar import Request, WebSocket
from litestar.exceptions import WebSocketException
from litestar.handlers.base import BaseRouteHandler

from backend.access.flow import ROLES, STAFF_ROLES
from backend.access.principal import Connection, Principal, principal_of
from backend.access.problems import CrossSite, NotSignedIn, WrongRole
from backend.shared.problems import Problem

Guard = Callable[[Connection, BaseRouteHandler], None]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard that lets in every account.

    Raises:
        NotSignedIn: nobody is signed in.
    """
    _principal(connection)


def requires(*roles: str) -> Guard:
    """A guard that lets in accounts with one of these roles.

    Raises (when called by the framework):
        NotSignedIn: nobody is signed in.
        WrongRole: the account has none of ``roles``.
    """
    wanted = frozenset(roles)
    if not wanted or wanted - ROLES:
        raise ValueError(f"not roles: {sorted(wanted - ROLES) or 'none given'}")

    def guard(connection: Connection, _: BaseRouteHandler) -> None:
        if not _principal(connection).roles & wanted:
            raise _refusal(
                connection,
                WrongRole(
                    "此账户无权进行此操作 This account may not do this", needs=sorted(wanted)
                ),
            )

    guard.__name__ = guard.__qualname__ = f"requires {', '.join(sorted(wanted))}"
    return guard


requires_staff = requires(*STAFF_ROLES)
"""Anybody who works for the service organisation."""


def not_cross_site(connection: Connection, handler: BaseRouteHandler) -> None:
    """For the whole application: a change must carry ``X-Jiean: 1``.

    A route that no cookie opens, because it asks for a secret of its own (``opt`` ``own_secret``),
    is not asked for the header.

    A page of another site cannot set the header without asking first, and is refused then. It
    stands beside the cookie's SameSite=Strict, which some older browsers ignore.

    Raises:
        CrossSite: the header is missing.
    """
    if not isinstance(connection, Request) or connection.method in SAFE_METHODS:
        return
    if handler.opt.get("own_secret") is True:
        return
    if connection.headers.get("x-jiean") != "1":
        raise CrossSite("缺少请求头 X-Jiean Header X-Jiean is missing")


def _principal(connection: Connection) -> Principal:
    principal = principal_of(connection)
    if principal is None:
        raise _refusal(connection, NotSignedIn("请先登录 Sign in first"))
    return principal


def _refusal(connection: Connection, problem: Problem) -> Exception:
    """On a socket there is no answer to write a problem into: 4401 and 4403 close it."""
    if isinstance(connection, WebSocket):
        return WebSocketException(code=4000 + problem.status, detail=problem.slug)
    return problem
