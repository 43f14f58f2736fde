"""A technician sets where a detector's changes are counted from, or has it learned anew."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.access.guards import requires
from backend.screens.rules import PROPOSE, SEE
from backend.screens.services import Services
from backend.sensing import baselines as book
from backend.sensing.baselines import Baseline
from backend.shared.context import Ctx

AnyRequest = Request[Any, Any, Any]


class NewBaseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``value`` in the quantity's unit; None: learn anew, from what is heard now."""

    quantity: Annotated[str, Meta(max_length=60)]
    value: Annotated[float, Meta(ge=-1e6, le=1e6)] | None
    reason: Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\S")]


@get("/api/detectors/{detector_id:uuid}/baselines", guards=[requires(*SEE)],
     operation_id="Baselines")  # fmt: skip
async def of_detector(detector_id: FromPath[UUID], services: Services) -> list[Baseline]:
    """Where this detector's changes are counted from."""
    return await book.baselines(detector_id, services.rules)


@post("/api/detectors/{detector_id:uuid}/baselines", status_code=200, guards=[requires(*PROPOSE)],
      operation_id="SetBaseline")  # fmt: skip
async def set_one(
    request: AnyRequest, detector_id: FromPath[UUID], data: JSONBody[NewBaseline],
    services: Services, ctx: Ctx,
) -> list[Baseline]:  # fmt: skip
    """After a repair, or when what was learned is known to be wrong; with the reason."""
    user = request.user
    await book.set_baseline(
        detector_id, data.quantity, data.value, data.reason.strip(), rules=services.rules,
        by=user.account_id, role=user.role, at=ctx.clock.now(),
    )  # fmt: skip
    return await book.baselines(detector_id, services.rules)


ROUTES = [of_detector, set_one]
