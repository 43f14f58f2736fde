"""维护与测试: windows and test sessions, in which readings are kept and raise nothing."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from backend.access.guards import requires
from backend.devices import looking, pauses
from backend.devices.entries import NewPause, PauseView
from backend.screens.devices import LOOKERS, Made, by_of
from backend.sensing import service as sensing
from backend.shared.context import Ctx

AnyRequest = Request[Any, Any, Any]
MAKERS = ("technician", "desk_lead", "manager")
SHOWN = 200


class Signal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One reading of a session; ``delay_s`` from the device's own clock to us, where it has one."""

    quantity: str
    value: float
    unit: str | None
    received_at: datetime
    delay_s: float | None


class Tested(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A detector of the session; ``signals`` newest first, the first arrival ticks it off."""

    id: UUID
    label: str
    kind: str
    place: str
    signals: list[Signal]


class Session(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A test session as it goes."""

    pause: PauseView
    now: datetime
    devices: list[Tested]


@get("/api/pauses", guards=[requires(*LOOKERS)], operation_id="Pauses")
async def list_pauses(ctx: Ctx) -> list[PauseView]:
    """Windows and sessions that run now, then those ahead."""
    return await pauses.running(ctx.clock.now())


@post("/api/pauses", guards=[requires(*MAKERS)], operation_id="MakePause")
async def make(request: AnyRequest, data: JSONBody[NewPause], ctx: Ctx) -> Made:
    """Begin or plan one: for smoke and gas at most 4 h, others 24 h, a test session 1 h."""
    return Made(await pauses.make(data, by_of(request, ctx)))


@post("/api/pauses/{pause_id:uuid}/end", status_code=204, guards=[requires(*MAKERS)],
      operation_id="EndPause")  # fmt: skip
async def end(request: AnyRequest, pause_id: FromPath[UUID], ctx: Ctx) -> None:
    """End it now; it would end by itself."""
    await pauses.end(pause_id, by_of(request, ctx))


@get("/api/pauses/{pause_id:uuid}", guards=[requires(*LOOKERS)], operation_id="TestSession")
async def session(pause_id: FromPath[UUID], ctx: Ctx) -> Session:
    """A session with what arrived in it."""
    pause, ids = await pauses.detectors_in(pause_id)
    ids = ids[:SHOWN]
    heard: dict[UUID, list[Signal]] = {}
    for one in await sensing.series(ids, pause.begins_at - timedelta(seconds=1)):
        if pause.flag not in one.flags:
            continue
        delay = (one.received_at - one.measured_at).total_seconds()
        signal = Signal(
            quantity=one.quantity,
            value=one.value,
            unit=one.unit,
            received_at=one.received_at,
            delay_s=delay if delay > 0 else None,
        )
        heard.setdefault(one.detector_id, []).insert(0, signal)
    listed = await looking.listed(ids, at=ctx.clock.now())
    return Session(
        pause=pause,
        now=ctx.clock.now(),
        devices=[
            Tested(
                id=one.id,
                label=one.label,
                kind=one.kind,
                place=one.place,
                signals=heard.get(one.id, [])[:5],
            )
            for one in listed
        ],
    )


ROUTES = [list_pauses, make, end, session]
