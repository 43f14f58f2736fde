"""设备: the register of detectors as a technician and a manager keep it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Redirect

from backend.access.guards import requires
from backend.access.principal import Principal, principal_of
from backend.devices import looking, models, pauses, registry
from backend.devices import service as devices
from backend.devices.entries import (
    Branch,
    Detail,
    Doing,
    Edit,
    Entry,
    ModelEntry,
    ModelView,
    Page,
    PauseView,
)
from backend.devices.looking import Wanted
from backend.devices.registry import By
from backend.devices.schemas import Home, TicketView
from backend.screens.services import Services
from backend.sensing import service as sensing
from backend.sensing.health import Health, health_of
from backend.sensing.muting import at_most_min
from backend.sensing.service import Latest
from backend.shared.context import Context, Ctx
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]
KEEPERS = ("technician", "manager")
"""Who changes the register."""
LOOKERS = ("technician", "manager", "desk", "desk_lead")
PRIVATE = frozenset({"water", "door"})
"""Kinds whose values tell of a private life (T37): nobody reads them here, only how long ago."""
QUIET_H = 12
"""▲ From here on an unused tap is told as hours without use."""


class Sense(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The last word of one quantity. ``coarse`` stands in place of a value that is private:
    ``lately`` or ``quiet``, with ``hours`` since it was heard."""

    quantity: str
    value: float | None
    unit: str | None
    received_at: datetime | None
    alarming: bool
    limit: float | None
    flags: tuple[str, ...]
    coarse: str | None = None
    hours: int | None = None


class DeviceView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that a detector's page shows."""

    device: Detail
    senses: list[Sense]
    health: Health | None
    tickets: list[TicketView]
    pauses: list[PauseView]
    muted_until: datetime | None
    mute_at_most_min: int
    now: datetime


class Made(msgspec.Struct, frozen=True):
    """The id of what was made."""

    id: UUID


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a model may serve without a certificate; an empty text ends the waiver."""

    reason: str


def by_of(request: AnyRequest, ctx: Context) -> By:
    """Who changes the register with this request."""
    me: Principal = request.user
    return By(account_id=me.account_id, name=me.name, role=me.role, at=ctx.clock.now())


@get("/api/devices", guards=[requires(*LOOKERS)], operation_id="Devices")
async def list_devices(
    ctx: Ctx,
    q: FromQuery[str] = "",
    life: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    model: FromQuery[UUID | None] = None,
    building: FromQuery[UUID | None] = None,
    street: FromQuery[str | None] = None,
    problem: FromQuery[str | None] = None,
    offset: FromQuery[int] = 0,
) -> Page:
    """Fifty detectors that match, by place, from ``offset`` on."""
    wanted = Wanted(
        words=q[:200].replace("\0", ""),
        state=life or None,
        kind=kind or None,
        model_id=model,
        building_id=building,
        street=street or None,
        problem=problem or None,
    )
    return await looking.page(wanted, offset=max(0, min(offset, 10_000_000)), at=ctx.clock.now())


@get("/api/devices/tree", guards=[requires(*LOOKERS)], operation_id="DeviceTree")
async def device_tree() -> list[Branch]:
    """Area, street, building or court, and how many detectors hang in each."""
    return await looking.tree()


@get("/api/devices/homes", guards=[requires(*KEEPERS)], operation_id="DeviceHomes")
async def homes(building: FromQuery[UUID]) -> list[Home]:
    """The homes of a building, for whoever writes a detector down."""
    return await devices.homes_in(building, None)


@get("/api/devices/{device_id:uuid}", guards=[requires(*LOOKERS)], operation_id="Device")
async def device(device_id: FromPath[UUID], ctx: Ctx, services: Services) -> DeviceView:
    """One detector: place, health, last words, history, tickets, pauses."""
    now = ctx.clock.now()
    found = await looking.detail(device_id, at=now)
    latest = await sensing.latest([device_id], services.rules)
    mutes = [one for one in await devices.muted(now) if one.detector_id == device_id]
    return DeviceView(
        device=found,
        senses=[_sense(one, found.kind, now) for one in latest],
        health=(await health_of([device_id])).get(device_id),
        tickets=await looking.tickets_of(device_id),
        pauses=await pauses.of_detector(device_id),
        muted_until=mutes[0].until if mutes else None,
        mute_at_most_min=at_most_min(found.kind),
        now=now,
    )


def _sense(one: Latest, kind: str, now: datetime) -> Sense:
    private = kind in PRIVATE
    heard = one.measured_at or one.received_at
    hours = int((now - heard) / timedelta(hours=1)) if heard and private else None
    return Sense(
        quantity=one.quantity,
        value=None if private else one.value,
        unit=None if private else one.unit,
        received_at=None if private else one.received_at,
        alarming=one.alarming,
        limit=None if private else one.limit,
        flags=() if private else one.flags,
        coarse=None if hours is None else "quiet" if hours >= QUIET_H else "lately",
        hours=hours if hours is not None and hours >= QUIET_H else None,
    )


@post("/api/devices", guards=[requires(*KEEPERS)], operation_id="PlanDevice")
async def plan(request: AnyRequest, data: JSONBody[Entry], ctx: Ctx) -> Made:
    """Plan a detector; it serves once it is put in service."""
    return Made(await registry.create(data, by_of(request, ctx)))


@put("/api/devices/{device_id:uuid}", status_code=204, guards=[requires(*KEEPERS)],
     operation_id="EditDevice")  # fmt: skip
async def edit(
    request: AnyRequest, device_id: FromPath[UUID], data: JSONBody[Edit], ctx: Ctx
) -> None:
    """Change what the register says of it."""
    await registry.edit(device_id, data, by_of(request, ctx))


@post("/api/devices/{device_id:uuid}/do", status_code=200, guards=[requires(*KEEPERS)],
      operation_id="DoToDevice")  # fmt: skip
async def do(
    request: AnyRequest, device_id: FromPath[UUID], data: JSONBody[Doing], ctx: Ctx
) -> Made:
    """One step of its life; the answer is the detector to go on with."""
    successor = await registry.do(device_id, data, by_of(request, ctx))
    return Made(successor or device_id)


@get("/api/models", guards=[requires(*LOOKERS)], operation_id="Models")
async def list_models(ctx: Ctx) -> list[ModelView]:
    """Every model with its certificate."""
    return await models.models(ctx.clock)


@post("/api/models", guards=[requires(*KEEPERS)], operation_id="AddModel")
async def add_model(request: AnyRequest, data: JSONBody[ModelEntry], ctx: Ctx) -> Made:
    """Write a model down."""
    return Made(await models.save(None, data, by_of(request, ctx)))


@put("/api/models/{model_id:uuid}", status_code=204, guards=[requires(*KEEPERS)],
     operation_id="EditModel")  # fmt: skip
async def edit_model(
    request: AnyRequest, model_id: FromPath[UUID], data: JSONBody[ModelEntry], ctx: Ctx
) -> None:
    """Change a model or its certificate."""
    await models.save(model_id, data, by_of(request, ctx))


@post("/api/models/{model_id:uuid}/waive", status_code=204, guards=[requires("manager")],
      operation_id="WaiveCertificate")  # fmt: skip
async def waive(
    request: AnyRequest, model_id: FromPath[UUID], data: JSONBody[Waiver], ctx: Ctx
) -> None:
    """Let a model serve without a certificate, for a reason; an empty reason ends it."""
    await models.waive(model_id, data.reason[:500], by_of(request, ctx))


class Labelled(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What somebody on the spot has in front of them."""

    id: UUID
    number: str | None
    label: str
    kind: str
    state: str
    place: str
    building_id: UUID | None


@get("/api/labels/{tag:str}", guards=[requires(*LOOKERS, "field")], operation_id="Label")
async def labelled(tag: FromPath[str], ctx: Ctx) -> Labelled:
    """Which detector a scanned label is on.

    Raises:
        NotFound: it is no label of ours.
    """
    found = await looking.by_tag(tag)
    if found is None:
        raise NotFound("没有这个设备码 No such label")
    [one] = await looking.listed([found], at=ctx.clock.now())
    return Labelled(
        id=one.id,
        number=one.number,
        label=one.label,
        kind=one.kind,
        state=one.state,
        place=one.place,
        building_id=one.building_id,
    )


@get("/d/{tag:str}", include_in_schema=False)
async def label(request: AnyRequest, tag: FromPath[str]) -> Redirect:
    """What a label's QR code opens: the detector's page, on the page of whoever is signed in.

    A stranger is asked to sign in and learns nothing, not even whether the code is one.

    Raises:
        NotFound: somebody of the staff scanned what is no label of ours.
    """
    me = principal_of(request)
    if me is None:
        return Redirect(f"/login?next=/d/{tag}" if tag.isalnum() else "/login")
    keeps = bool(me.roles & set(LOOKERS))
    if not keeps and "field" not in me.roles:
        return Redirect("/")
    if not keeps:
        return Redirect("/field#inspection")
    found = await looking.by_tag(tag)
    if found is None:
        raise NotFound("没有这个设备码 No such label")
    return Redirect(f"/desk#device={found}")


ROUTES = [
    list_devices, device_tree, homes, device, plan, edit, do, list_models, add_model, edit_model,
    waive, labelled, label,
]  # fmt: skip
