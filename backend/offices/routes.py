"""An office's inbox."""

from typing import Any

from litestar import Request, get

from backend.access.guards import requires
from backend.access.problems import WrongRole
from backend.offices import service
from backend.offices.schemas import Inbox


@get("/api/office/inbox", guards=[requires("office")], operation_id="OfficeInbox")
async def inbox(request: Request[Any, Any, Any]) -> Inbox:
    """The reports of the office that the account belongs to, and of no other."""
    office_id = request.user.office_id
    if office_id is None:
        raise WrongRole("此账户不属于任何单位 This account belongs to no office")
    return await service.inbox(office_id)


ROUTES = [inbox]
