"""故障: what technicians look after in detectors and gateways, and the desk's count of it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from backend.access.guards import requires
from backend.audit import service as audit
from backend.devices import faults as devices
from backend.devices import silences
from backend.devices.faults import Counts, Fault
from backend.sensing import silence_watch
from backend.sensing.silence_watch import Heard
from backend.shared.context import Ctx
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]
KEEPERS = ("technician", "desk_lead", "manager")
ACTS = ("technician", "desk_lead")


class Faults(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The list with its age, and what was last heard of its detectors, by their id."""

    now: datetime
    counts: Counts
    faults: list[Fault]
    heard: dict[UUID, Heard]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote, or what was done."""

    text: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]


@get("/api/faults", guards=[requires(*KEEPERS)], operation_id="Faults")
async def faults(ctx: Ctx, done: FromQuery[bool] = False) -> Faults:
    """Open faults, those of many first; with ``done`` the latest that ended."""
    found = await devices.faults(done=done)
    heard = await silence_watch.last_heard([one.detector_id for one in found if one.detector_id])
    return Faults(now=ctx.clock.now(), counts=await devices.counts(), faults=found, heard=heard)


@get("/api/faults/counts", guards=[requires("desk", *KEEPERS)], operation_id="FaultCounts")
async def counts() -> Counts:
    """How many detectors say nothing, and how many faults are open."""
    return await devices.counts()


@post("/api/faults/{fault_id:uuid}/take", status_code=204, guards=[requires(*ACTS)],
      operation_id="TakeFault")  # fmt: skip
async def take(request: AnyRequest, fault_id: FromPath[UUID], ctx: Ctx) -> None:
    """It is mine now."""
    me, at = request.user, ctx.clock.now()
    async with OPERATIONS.transaction():
        _found(await devices.take(fault_id, by=me.account_id, name=me.name, at=at))
        await _audit(request, "taken", fault_id, at)


@post("/api/faults/{fault_id:uuid}/note", status_code=204, guards=[requires(*ACTS)],
      operation_id="NoteOnFault")  # fmt: skip
async def note(
    request: AnyRequest, fault_id: FromPath[UUID], data: JSONBody[Words], ctx: Ctx
) -> None:
    """Write something down for whoever looks at it next."""
    me, at, text = request.user, ctx.clock.now(), _clean(data.text)
    async with OPERATIONS.transaction():
        _found(await devices.note(fault_id, text=text, by=me.account_id, name=me.name, at=at))
        await _audit(request, "noted", fault_id, at, text)


@post("/api/faults/{fault_id:uuid}/done", status_code=204, guards=[requires(*ACTS)],
      operation_id="FaultDone")  # fmt: skip
async def done(
    request: AnyRequest, fault_id: FromPath[UUID], data: JSONBody[Words], ctx: Ctx
) -> None:
    """It is mended; the text says what was done."""
    me, at, text = request.user, ctx.clock.now(), _clean(data.text)
    async with OPERATIONS.transaction():
        _found(await devices.done(fault_id, how=text, by=me.account_id, name=me.name, at=at))
        await _audit(request, "done", fault_id, at, text)


@post("/api/faults/{fault_id:uuid}/event-only", status_code=204, guards=[requires(*ACTS)],
      operation_id="DetectorIsEventOnly")  # fmt: skip
async def event_only(request: AnyRequest, fault_id: FromPath[UUID], ctx: Ctx) -> None:
    """This detector speaks only when something happens: it is watched for silence no more."""
    me, at = request.user, ctx.clock.now()
    async with OPERATIONS.transaction():
        of = await silences.event_only(fault_id, by=me.account_id, name=me.name, at=at)
        _found(of is not None)
        await _audit(request, "event_only", fault_id, at, str(of))


def _clean(text: str) -> str:
    return text.strip().replace("\0", "�")


def _found(is_there: bool) -> None:
    if not is_there:
        raise NotFound("没有这个未结的故障 No such open fault")


async def _audit(
    request: AnyRequest, what: str, fault_id: UUID, at: datetime, text: str | None = None
) -> None:
    await audit.record(
        OPERATIONS,
        actor=request.user.account_id,
        role=request.user.role,
        action=f"fault.{what}",
        subject=fault_id,
        reason=text,
        at=at,
    )


ROUTES = [faults, counts, take, note, done, event_only]
