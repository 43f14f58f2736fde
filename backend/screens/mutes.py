"""静音: a detector that called people for nothing raises nothing for a set time."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.access.guards import requires
from backend.access.principal import Principal
from backend.audit import service as audit
from backend.devices import service as devices
from backend.devices.schemas import Muted
from backend.incidents import journal
from backend.incidents.flow import commands as c
from backend.screens.actors import actor_of
from backend.screens.services import Parts, Services
from backend.sensing import service as sensing
from backend.sensing.muting import at_most_min
from backend.shared.context import Ctx
from backend.shared.db import OPERATIONS
from backend.shared.problems import Problem

AREA = ZoneInfo("Asia/Shanghai")


class MuteRefused(Problem):
    """For longer than this kind allows, or while the device holds up an incident."""

    slug, status, title = "mute-refused", 422, "This device cannot be muted like this"


class NewMute(msgspec.Struct, frozen=True, kw_only=True):
    """For how long from now, and why; 0 minutes ends the mute that stands."""

    minutes: Annotated[int, Meta(ge=0)]
    reason: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


@get("/api/mutes", guards=[requires("desk", "desk_lead", "technician", "manager")],
     operation_id="Mutes")  # fmt: skip
async def mutes(ctx: Ctx) -> list[Muted]:
    """The devices that are muted now, the first to end first."""
    return await devices.muted(ctx.clock.now())


@post("/api/detectors/{detector_id:uuid}/mute", status_code=204,
      guards=[requires("technician", "desk_lead")], operation_id="MuteDetector")  # fmt: skip
async def mute(
    request: Request[Any, Any, Any],
    detector_id: FromPath[UUID],
    data: JSONBody[NewMute],
    ctx: Ctx,
    services: Services,
) -> None:
    """Mute a device until a moment at most 2 h (smoke, gas) or 24 h away.

    Its readings are kept and shown. What is over the limit at the end raises then.
    """
    place = await devices.place_of(detector_id)
    at = ctx.clock.now()
    most = at_most_min(place.kind)
    if data.minutes > most:
        raise MuteRefused(f"最多静音 {most // 60} 小时 At most {most // 60} h", missing=["minutes"])
    until = at + timedelta(minutes=data.minutes)
    me: Principal = request.user
    reason = data.reason.strip().replace("\0", "�")
    written: list[UUID] = []

    async def agreed() -> None:
        if await journal.open_with(detector_id):
            raise MuteRefused(
                "警情解除后才能静音 Only after the incident is released", missing=["released"]
            )
        async with OPERATIONS.transaction():
            written.append(
                await devices.record_mute(
                    detector_id, until=until, reason=reason, by=me.account_id, name=me.name, at=at
                )
            )
            await audit.record(
                OPERATIONS,
                actor=me.account_id,
                role=me.role,
                action="devices.muted" if data.minutes else "devices.unmuted",
                subject=detector_id,
                after={"until": until.isoformat(), "kind": place.kind},
                reason=reason,
                at=at,
            )

    try:
        await sensing.mute(detector_id, place.kind, until, services.rules, agreed)
    except sensing.AlarmComing as coming:
        raise MuteRefused(
            "这个设备刚刚报警 It has just raised an alarm", missing=["released"]
        ) from coming
    said = f"静音至 {until.astimezone(AREA):%m-%d %H:%M}" if data.minutes else "取消静音"
    await _noted(services, me, detector_id, f"{place.label} {said}：{reason}", written[0], at)


async def _noted(
    services: Parts, me: Principal, detector_id: UUID, text: str, mute_id: UUID, at: datetime
) -> None:
    """It stands in the record of the incident that it followed, unless that is sealed already."""
    incident_id = await journal.released_with(detector_id)
    if incident_id is None:
        return
    note = c.Note(text=text)
    order = c.Order(
        command_id=uuid5(mute_id, "note"),
        incident_id=incident_id,
        actor=actor_of(me, note),
        occurred_at=at,
        received_at=at,
        source="desk",
        command=note,
    )
    await services.incidents.handle(order)


ROUTES = [mutes, mute]
