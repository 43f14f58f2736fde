"""Who may stand beside the desk where one person alone is not enough (T9, T20)."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get

from backend.access import accounts
from backend.access.guards import requires

SECONDS = ("desk", "desk_lead", "manager", "audit_admin", "field", "technician")


class Colleague(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an account in use; ``id`` is the account's."""

    id: UUID
    name: str
    roles: list[str]


@get("/api/desk/colleagues", guards=[requires("desk", "desk_lead")], operation_id="Colleagues")
async def colleagues(request: Request[Any, Any, Any]) -> list[Colleague]:
    """Everybody but me who can be the second person of a command, by login."""
    return [
        Colleague(id=one.id, name=one.name, roles=list(one.roles))
        for one in await accounts.listed()
        if one.disabled_at is None
        and one.id != request.user.account_id
        and set(one.roles) & set(SECONDS)
    ]


ROUTES = [colleagues]
