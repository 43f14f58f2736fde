"""Where the phone is, and the key it signs with. Duty itself is in ``backend/screens/duty.py``."""

from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.params import JSONBody

from backend.access.guards import requires
from backend.access.principal import Principal
from backend.shared.context import Ctx
from backend.staff import phones, service
from backend.staff.problems import NoStaffRecord
from backend.staff.schemas import Fix, PhoneKey

AnyRequest = Request[Any, Any, Any]


@post("/api/field/position", status_code=204, guards=[requires("field")], operation_id="SendFix")
async def send_fix(request: AnyRequest, data: JSONBody[Fix], ctx: Ctx) -> None:
    """Where the phone is now; an older one than is known changes nothing."""
    await service.save_position(_staff_id(request.user), data, now=ctx.clock.now())


@post("/api/field/device", status_code=204, guards=[requires("field")],
      operation_id="RegisterPhone")  # fmt: skip
async def register_phone(request: AnyRequest, data: JSONBody[PhoneKey], ctx: Ctx) -> None:
    """The public half of the key with which this phone signs its commands from now on."""
    principal: Principal = request.user
    await phones.register(
        _staff_id(principal),
        data.device_id,
        data.public_key_jwk,
        actor=principal.account_id,
        role=principal.role,
        at=ctx.clock.now(),
    )


def _staff_id(principal: Principal) -> UUID:
    if principal.staff_id is None:
        raise NoStaffRecord("此账户没有人员档案 This account has no staff record")
    return principal.staff_id


ROUTES = [send_fix, register_phone]
