"""Who has to be found in an evacuation: the homes concerned and who lives behind their doors.

Names leave the register only for an open, real incident, to the desk and to those who are on it;
every look is audited. The journal knows the same people by id (``flow/evacuation.py``).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import FromPath

from backend.access.guards import signed_in
from backend.access.problems import WrongRole
from backend.devices import service as devices
from backend.devices.schemas import Home
from backend.incidents import drills, journal
from backend.incidents.flow.evacuation import HOME, Listed, in_order
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.vocabulary import OPEN
from backend.residents import service as residents
from backend.residents.schemas import Dweller
from backend.screens.beside import on_one_beside
from backend.screens.reading import existing
from backend.shared.context import Ctx
from geo.areas import Circle, Polygon, polygon_from_geojson
from geo.point import Point, metres

METRES_A_DEGREE = 111_000.0


class Door(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One home. ``ring``: 0 where it began, 1 the same building, 2 others inside the cordon."""

    id: UUID
    label: str
    door: str
    floor: str | None
    ring: int


class Soul(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One to be found, by the id that ticks carry; of an unregistered home the name is empty."""

    id: str
    household_id: UUID
    name: str
    needs_help: str | None


class Roster(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``people`` in the order to go by: who needs help first (I14)."""

    incident_id: UUID
    at: datetime
    masked: bool
    doors: list[Door]
    people: list[Soul]


def cordon_area(now: Incident) -> Circle | Polygon | None:
    """The cordon that stands, as an area; None where there is none."""
    shape = now.cordon.shape
    if now.cordon.state != "set" or shape is None:
        return None
    if shape["type"] == "Point":
        lon, lat = shape["coordinates"][:2]
        return Circle(Point(lat, lon), now.cordon.radius_m or 0.0)
    return polygon_from_geojson(shape)


async def homes_concerned(now: Incident) -> list[tuple[Home, int]]:
    """The homes of the building, and those inside the cordon, each with its ring."""
    building = now.place.building_id
    if building is not None:
        building = await drills.real_building(building) or building
    area = cordon_area(now)
    found = await devices.homes_in(building, None if area is None else _box(area))
    inside = [
        home
        for home in found
        if home.building_id == building or (area and area.contains(Point(home.lat, home.lon)))
    ]
    return [(home, _ring(now, building, home)) for home in inside]


async def homes_inside(now: Incident) -> list[Home]:
    """Those whose door lies inside the cordon, their own building's or not."""
    area = cordon_area(now)
    if area is None:
        return []
    found = await devices.homes_in(None, _box(area))
    return [home for home in found if area.contains(Point(home.lat, home.lon))]


async def cordon_round(household_id: UUID) -> str | None:
    """The kind of a standing cordon's incident that holds this home; drills have none."""
    for incident_id in await journal.cordoned():
        now = await journal.load(incident_id)
        if any(home.id == household_id for home in await homes_inside(now)):
            return now.kind
    return None


def souls(homes: Sequence[tuple[Home, int]], people: Sequence[Dweller]) -> list[Soul]:
    """Everybody to be found, in order; a home of which nobody is registered counts as one."""
    doors = {home.id: (home, ring) for home, ring in homes}
    found = {
        str(one.id): Soul(
            id=str(one.id),
            household_id=one.household_id,
            name=one.name,
            needs_help=one.needs_help,
        )
        for one in people
    }
    places = {str(one.id): one.position for one in people}
    for home_id in doors.keys() - {one.household_id for one in people}:
        key = f"{HOME}{home_id}"
        found[key] = Soul(id=key, household_id=home_id, name="", needs_help=None)
    listed = in_order(
        Listed(
            id=soul.id,
            needs_help=soul.needs_help is not None,
            ring=doors[soul.household_id][1],
            door=doors[soul.household_id][0].label,
            position=places.get(soul.id, 0),
        )
        for soul in found.values()
    )
    return [found[one.id] for one in listed]


async def expected(now: Incident) -> tuple[str, ...]:
    """The ids of everybody to be found, in order; for the journal."""
    homes = await homes_concerned(now)
    people = await residents.dwellers([home.id for home, _ in homes], unmasked=False)
    return tuple(soul.id for soul in souls(homes, people))


@get("/api/incidents/{incident_id:uuid}/roster", guards=[signed_in], operation_id="Roster")
async def roster(request: Request[Any, Any, Any], incident_id: FromPath[UUID], ctx: Ctx) -> Roster:
    """The evacuation list, for the desk and for the field staff who are on the incident, or on
    one that is one event with it: so nobody is fetched twice."""
    now = await existing(incident_id)
    user = request.user
    mine = user.roles & {"desk", "desk_lead"} or now.on_it(user.staff_id)
    if not (mine or await on_one_beside(now, user.staff_id)):
        raise WrongRole("不在这起警情中 Not part of this incident")
    unmasked = now.state in OPEN and await drills.drill_of(incident_id) is None
    homes = await homes_concerned(now)
    people = await residents.view_dwellers(
        user,
        incident_id,
        [home.id for home, _ in homes],
        unmasked=unmasked,
        reason=f"incident {now.state}",
        at=ctx.clock.now(),
    )
    return Roster(
        incident_id=incident_id,
        at=ctx.clock.now(),
        masked=not unmasked,
        doors=[
            Door(id=home.id, label=home.label, door=home.door, floor=home.floor, ring=ring)
            for home, ring in homes
        ],
        people=souls(homes, people),
    )


def _ring(now: Incident, building: UUID | None, home: Home) -> int:
    if home.id == now.place.household_id:
        return 0
    return 1 if home.building_id == building else 2


def _box(area: Circle | Polygon) -> tuple[float, float, float, float]:
    """South, west, north, east in degrees of what holds the whole area."""
    round_it = area.enclosing()
    up = round_it.radius_m / METRES_A_DEGREE
    here = round_it.centre
    # as many degrees as reach that far eastwards, from how far one degree reaches here
    side = round_it.radius_m / metres(here, Point(here.lat, here.lon + 1.0)) * 1.01
    return here.lat - up, here.lon - side, here.lat + up, here.lon + side


ROUTES = [roster]
