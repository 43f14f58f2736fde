"""Who may call a route, said on the route: ``guards=[requires("desk", "desk_lead")]``."""

from collections.abc import Callable

from litestar import Request
from litestar.handlers.base import BaseRouteHandler

from backend.access.flow import ROLES, STAFF_ROLES
from backend.access.principal import Connection, Principal, principal_of
from backend.access.problems import CrossSite, NotSignedIn, WrongRole

Guard = Callable[[Connection, BaseRouteHandler], None]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def signed_in(connection: Connection, _: BaseRouteHandler | None = None) -> Principal:
    """Return who is asking, whatever the role.

    Raises:
        NotSignedIn: nobody is.
    """
    principal = principal_of(connection)
    if principal is None:
        raise NotSignedIn("请先登录 Sign in first")
    return principal


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
        principal = signed_in(connection)
        if not principal.roles & wanted:
            raise WrongRole(
                "此账户无权进行此操作 This account may not do this", needs=sorted(wanted)
            )

    guard.__name__ = guard.__qualname__ = f"requires {', '.join(sorted(wanted))}"
    return guard


requires_staff = requires(*STAFF_ROLES)
"""Anybody who works for the service organisation."""


def not_cross_site(connection: Connection, _: BaseRouteHandler) -> None:
    """For the whole application: a change must carry ``X-Jiean: 1``.

    A page of another site cannot set the header without asking first, and is refused then. It
    stands beside the cookie's SameSite=Strict, which some older browsers ignore.

    Raises:
        CrossSite: the header is missing.
    """
    if not isinstance(connection, Request) or connection.method in SAFE_METHODS:
        return
    if connection.headers.get("x-jiean") != "1":
        raise CrossSite("缺少请求头 X-Jiean Header X-Jiean is missing")
