"""Away from home: a household says it on its page, or its community office writes it down.

While a home is away, its water meter and gate raise nothing for being quiet (5.1.1.1).
"""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath, JSONBody

from backend.access import links
from backend.access.guards import requires
from backend.access.principal import Principal
from backend.access.problems import WrongRole
from backend.devices import service as devices
from backend.devices import watched
from backend.offices import service as offices
from backend.residents import absences as book
from backend.residents.absences import Absence, NewAbsence
from backend.screens.services import Services
from backend.sensing import absent
from backend.shared.context import Ctx
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]


class HomeAway(msgspec.Struct, frozen=True, kw_only=True):
    """When nobody is at home. ``watched``: it has a water meter or a gate sensor at all."""

    watched: bool
    absences: list[Absence]


@get("/api/link/{token:str}/absences", operation_id="AbsencesByLink")
async def own(token: FromPath[str], ctx: Ctx) -> HomeAway:
    """When nobody is in the link's home."""
    return await _home(await _household(token, ctx), ctx)


@post("/api/link/{token:str}/absences", status_code=200, operation_id="GoByLink")
async def go_own(
    token: FromPath[str], data: JSONBody[NewAbsence], ctx: Ctx, services: Services
) -> HomeAway:
    """Nobody will be at home; said again, it counts once."""
    home = await _household(token, ctx)
    await book.go(home, data, actor="page", role="household", at=ctx.clock.now())
    return await _told(home, ctx, services)


@delete("/api/link/{token:str}/absences/{absence_id:uuid}", status_code=200,
        operation_id="BackByLink")  # fmt: skip
async def back_own(
    token: FromPath[str], absence_id: FromPath[UUID], ctx: Ctx, services: Services
) -> HomeAway:
    """They stay, or are home again."""
    home = await _household(token, ctx)
    await book.back(home, absence_id, actor="page", role="household", at=ctx.clock.now())
    return await _told(home, ctx, services)


@get("/api/office/homes/{home:uuid}/absences", guards=[requires("office")],
     operation_id="AbsencesByOffice")  # fmt: skip
async def of_home(request: AnyRequest, home: FromPath[UUID], ctx: Ctx) -> HomeAway:
    """When nobody is in a home of the community's area."""
    await _in_area(request.user, home)
    return await _home(home, ctx)


@post("/api/office/homes/{home:uuid}/absences", status_code=200, guards=[requires("office")],
      operation_id="GoByOffice")  # fmt: skip
async def go_for(
    request: AnyRequest, home: FromPath[UUID], data: JSONBody[NewAbsence], ctx: Ctx,
    services: Services,
) -> HomeAway:  # fmt: skip
    """Write down what somebody of the area said; their consent is part of it."""
    who: Principal = request.user
    await _in_area(who, home)
    await book.go(home, data, actor=who.account_id, role=who.role, at=ctx.clock.now())
    return await _told(home, ctx, services)


@delete("/api/office/homes/{home:uuid}/absences/{absence_id:uuid}", status_code=200,
        guards=[requires("office")], operation_id="BackByOffice")  # fmt: skip
async def back_for(
    request: AnyRequest, home: FromPath[UUID], absence_id: FromPath[UUID], ctx: Ctx,
    services: Services,
) -> HomeAway:  # fmt: skip
    """Take back what was written down for somebody."""
    who: Principal = request.user
    await _in_area(who, home)
    await book.back(home, absence_id, actor=who.account_id, role=who.role, at=ctx.clock.now())
    return await _told(home, ctx, services)


async def _told(home: UUID, ctx: Ctx, services: Services) -> HomeAway:
    """Let the home's detectors know; said again after a failure in between, it heals."""
    said = (await book.absences([home], ctx.clock.now()))[home]
    found = await watched.of_home(home, absent.KINDS)
    if found:
        detectors = {one.detector_id: one.kind for one in found}
        spells = [(one.from_at, one.to_at) for one in said]
        await absent.away(detectors, spells, services.rules)
    return HomeAway(watched=bool(found), absences=said)


async def _home(home: UUID, ctx: Ctx) -> HomeAway:
    said = (await book.absences([home], ctx.clock.now()))[home]
    return HomeAway(watched=bool(await watched.of_home(home, absent.KINDS)), absences=said)


async def _household(token: str, ctx: Ctx) -> UUID:
    link = await links.resolve(token, at=ctx.clock.now())
    if link.purpose != "household":
        raise NotFound("此链接不是住户页 not a household's link")
    return link.subject_id


async def _in_area(who: Principal, home: UUID) -> None:
    """The home is in the community office's area; another office has no business with this."""
    known = await offices.offices([who.office_id] if who.office_id is not None else [])
    office = next(iter(known.values()), None)
    if office is None or office.kind != "community":
        raise WrongRole("只有社区可以登记 Only a community office may do this")
    if not await devices.is_home_of(home, await offices.buildings_of(office.id)):
        raise NotFound("这一户不在本社区 this home is not in your area")


ROUTES = [own, go_own, back_own, of_home, go_for, back_for]
