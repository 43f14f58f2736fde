"""On and off duty, where the phone is, and the key it signs with."""

from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.params import JSONBody

from backend.access.guards import requires
from backend.access.principal import Principal
from backend.shared.context import Ctx
from backend.staff import phones, service
from backend.staff.problems import NoStaffRecord
from backend.staff.schemas import DutyView, DutyWish, Fix, PhoneKey

AnyRequest = Request[Any, Any, Any]


@post("/api/field/duty", status_code=200, guards=[requires("field")], operation_id="SetDuty")
async def set_duty(request: AnyRequest, data: JSONBody[DutyWish], ctx: Ctx) -> DutyView:
    """Go on or off duty; going on starts a check whether this phone can be reached."""
    principal: Principal = request.user
    person_id = _staff_id(principal)
    view = await service.set_duty(
        person_id,
        on=data.on,
        device_id=data.device_id,
        position=data.position,
        actor=principal.account_id,
        role=principal.role,
        now=ctx.clock.now(),
    )
    reachability: Any = getattr(ctx, "reachability", None)
    if data.on and reachability is not None:
        await reachability.check(person_id)
    return view


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


ROUTES = [set_duty, send_fix, register_phone]
