"""How somebody wants to be reached (4.1-f): a household says it on its page, or its community
office writes it down for them; and each office's own group room.

Names and numbers are masked everywhere here: to say "call my daughter first" nobody needs them.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from backend.access import links
from backend.access.guards import requires
from backend.access.principal import Principal
from backend.access.problems import WrongRole
from backend.devices import service as devices
from backend.offices import service as offices
from backend.residents import service as residents
from backend.residents.schemas import NewPreference, PreferenceView
from backend.shared.context import Ctx
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]


class HomePreferences(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One home and how its people want to be reached, in the order of calling."""

    household_id: UUID
    label: str
    people: list[PreferenceView]


class OfficePreference(msgspec.Struct, frozen=True, kw_only=True, rename="camel",
                       forbid_unknown_fields=True):  # fmt: skip
    """A wish that an office writes down for somebody of a household in its area."""

    household_id: UUID
    preference: NewPreference


class Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address of a group room, with its key; empty for none. Never shown again."""

    room: Annotated[
        str, Meta(pattern="^($|(wecombot|dingtalk|feishu|mailtos?)://)", max_length=1000)
    ]


@get("/api/link/{token:str}/preferences", operation_id="PreferencesByLink")
async def own(token: FromPath[str], ctx: Ctx) -> list[PreferenceView]:
    """How the people of the link's household want to be reached."""
    home = await _household(token, ctx)
    return (await residents.preferences([home]))[home]


@put("/api/link/{token:str}/preferences", operation_id="PreferByLink")
async def say_own(
    token: FromPath[str], data: JSONBody[NewPreference], ctx: Ctx
) -> list[PreferenceView]:
    """What somebody of this household wishes; without consent it is forgotten."""
    home = await _household(token, ctx)
    await residents.prefer(home, data, actor="page", role="household", at=ctx.clock.now())
    return (await residents.preferences([home]))[home]


@get("/api/office/preferences", guards=[requires("office")], operation_id="OfficePreferences")
async def of_office(
    request: AnyRequest, place: Annotated[str, QueryParameter(name="place", max_length=60)] = ""
) -> list[HomePreferences]:
    """Homes in a community office's area, by words of their address, fifty at most."""
    buildings = await _area(request.user)
    homes = await devices.homes_of(buildings, place)
    found = await residents.preferences([home.id for home in homes])
    return [
        HomePreferences(household_id=home.id, label=home.label, people=found[home.id])
        for home in homes
    ]


@put("/api/office/preferences", guards=[requires("office")], operation_id="PreferByOffice")
async def say_for(
    request: AnyRequest, data: JSONBody[OfficePreference], ctx: Ctx
) -> list[PreferenceView]:
    """Write down what somebody of the office's area said; their consent is part of it."""
    who: Principal = request.user
    buildings = await _area(who)
    if not await devices.is_home_of(data.household_id, buildings):
        raise NotFound("这一户不在本社区 this home is not in your area")
    await residents.prefer(
        data.household_id,
        data.preference,
        actor=who.account_id,
        role=who.role,
        at=ctx.clock.now(),
    )
    return (await residents.preferences([data.household_id]))[data.household_id]


@put(
    "/api/offices/{office_id:uuid}/room",
    status_code=204,
    guards=[requires("manager")],
    operation_id="GiveRoom",
)
async def give_room(
    request: AnyRequest, office_id: FromPath[UUID], data: JSONBody[Room], ctx: Ctx
) -> None:
    """An office's own group room, where its messages go before they ring a telephone."""
    who: Principal = request.user
    await offices.give_room(
        office_id, data.room, actor=who.account_id, role=who.role, at=ctx.clock.now()
    )


async def _household(token: str, ctx: Ctx) -> UUID:
    link = await links.resolve(token, at=ctx.clock.now())
    if link.purpose != "household":
        raise NotFound("此链接不是住户页 not a household's link")
    return link.subject_id


async def _area(who: Principal) -> list[UUID]:
    """The buildings of a community office; another office has no business with this."""
    if who.office_id is not None:
        known = await offices.offices([who.office_id])
        office = known.get(who.office_id)
        if office is not None and office.kind == "community":
            return await offices.buildings_of(office.id)
    raise WrongRole("只有社区可以登记 Only a community office may do this")


ROUTES = [own, say_own, of_office, say_for, give_room]
