"""Who is asking: put on every connection by the middleware, read by guards and routes."""

from typing import Any
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in account as a request sees it."""

    account_id: UUID
    name: str
    roles: frozenset[str]
    staff_id: UUID | None
    office_id: UUID | None
    device_id: str | None
    exercise: bool

    @property
    def role(self) -> str:
        """The roles in one word, as the audit log writes them: ``desk+desk_lead``."""
        return "+".join(sorted(self.roles))


Connection = ASGIConnection[Any, Any, Any, Any]


def principal_of(connection: Connection) -> Principal | None:
    """The account behind a request or a socket, or None when nobody is signed in."""
    principal = connection.scope.get("user")
    return principal if isinstance(principal, Principal) else None
