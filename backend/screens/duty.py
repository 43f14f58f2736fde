"""On and off duty from the phone, against the roster and the incidents somebody is in."""

from typing import Any

from litestar import Request, post
from litestar.params import JSONBody

from backend.access.guards import requires
from backend.access.principal import Principal
from backend.screens.shift_rules import duty_rules
from backend.screens.shift_watch import led
from backend.shared.context import Ctx
from backend.shared.problems import Problem
from backend.staff import service as staff
from backend.staff.problems import NoStaffRecord
from backend.staff.schemas import DutyView, DutyWish

AnyRequest = Request[Any, Any, Any]


class LeadsIncident(Problem):
    """Off duty while leading: somebody else must take the incident over first."""

    slug, status, title = "leads-incident", 409, "Leads an incident"


@post("/api/field/duty", status_code=200, guards=[requires("field")], operation_id="SetDuty")
async def set_duty(request: AnyRequest, data: JSONBody[DutyWish], ctx: Ctx) -> DutyView:
    """Go on or off duty; going on starts a check whether this phone can be reached.

    Raises:
        OutsideShift: it is not their shift, and no reason is given.
        LeadsIncident: off duty in the middle of an incident.
    """
    principal: Principal = request.user
    if principal.staff_id is None:
        raise NoStaffRecord("此账户没有人员档案 This account has no staff record")
    if not data.on:
        leading = (await led()).get(principal.staff_id)
        if leading is not None:
            raise LeadsIncident(
                "您正在负责警情，请先由值班台换人 You lead an incident: hand it over first",
                incidentId=str(leading[0]),
                no=leading[1],
            )
    view = await staff.set_duty(
        principal.staff_id,
        on=data.on,
        device_id=data.device_id,
        position=data.position,
        reason=data.reason,
        name=principal.name,
        actor=principal.account_id,
        role=principal.role,
        now=ctx.clock.now(),
        rules=duty_rules(ctx.settings),
    )
    if data.on and ctx.reachability is not None:
        await ctx.reachability.check(principal.staff_id)
    return view


ROUTES = [set_duty]
