"""One incident on the desk: view, people to call, readings, rules, sealed record."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath, Parameter, QueryParameter

from backend.access.guards import requires, signed_in
from backend.access.principal import Principal
from backend.access.problems import WrongRole
from backend.archive import service as archive
from backend.devices import service as devices
from backend.incidents import card_sets
from backend.incidents.flow.advice import script
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import OPEN
from backend.incidents.views import IncidentView
from backend.offices import service as offices
from backend.residents import service as residents
from backend.residents.schemas import ContactView
from backend.screens.reading import existing, view_of
from backend.screens.services import Services
from backend.sensing import service as sensing
from backend.shared.context import Ctx
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]
DESKS = ("desk", "desk_lead", "manager")
CHART = timedelta(hours=1)
LIVING = ("water", "door")
"""Kinds whose readings tell how people live."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """The words to say now."""

    phrase: str
    zh: str
    en: str


class OfficeLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    office_id: UUID
    name: str
    phone: str


class OtherHome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    household_id: UUID
    address: str


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    """``others`` are the further homes in the incident, each of which may be split off."""

    contacts: list[ContactView]
    script: Script
    community: OfficeLine | None
    others: list[OtherHome]


class Series(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``points`` are (measured at, value), oldest first."""

    detector_id: UUID
    label: str
    quantity: str
    unit: str
    limit: float | None
    points: list[tuple[datetime, float]]


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    series: list[Series]


def may_see(now: Incident, principal: Principal) -> None:
    """Desk roles see all; field staff what they are on or were offered; nobody else."""
    if principal.roles & {*DESKS, "technician"}:
        return
    staff = principal.staff_id
    if now.on_it(staff) or any(o.staff_id == staff for o in now.offers):
        return
    raise WrongRole("不在这起警情中 Not part of this incident")


@get("/api/incidents/{incident_id:uuid}", guards=[signed_in], operation_id="Incident")
async def incident(
    request: AnyRequest, incident_id: FromPath[UUID], services: Services
) -> IncidentView:
    """The incident, whole, with what the asker may do."""
    now = await existing(incident_id)
    may_see(now, request.user)
    return await view_of(now, request.user.roles, services)


@get("/api/incidents/{incident_id:uuid}/contacts", guards=[requires(*DESKS, "field")],
     operation_id="IncidentContacts")  # fmt: skip
async def contacts(request: AnyRequest, incident_id: FromPath[UUID], ctx: Ctx) -> Contacts:
    """Whom to call and what to say. Names and numbers are open while the incident is.

    Who stands before a silent door of B.6 sees them too, as long as it is theirs and open (T17).
    """
    now = await existing(incident_id)
    if not request.user.roles & set(DESKS) and not _at_the_door(now, request.user.staff_id):
        raise WrongRole("号码请问值班台 The desk has the numbers")
    home = now.place.household_id
    people: list[ContactView] = []
    if home is not None:
        people = await residents.view_contacts(
            request.user,
            incident_id,
            home,
            unmasked=now.state in OPEN,
            reason=f"incident {now.state}",
            at=ctx.clock.now(),
        )
    phrase = "A.1-e" if now.contact.phase == "unreachable" else "A.1-a"
    words = script(phrase, now.kind, now.place)
    return Contacts(
        contacts=people,
        script=Script(phrase=phrase, zh=words.zh, en=words.en),
        community=await _community(now),
        others=await _other_homes(now),
    )


async def _other_homes(now: Incident) -> list[OtherHome]:
    one_of = {
        d.household_id: d.id
        for d in now.detectors.values()
        if d.household_id not in {None, now.place.household_id}
    }
    places = await devices.places_of(list(one_of.values()))
    return [
        OtherHome(household_id=home, address=places[detector].address)
        for home, detector in one_of.items()
        if detector in places
    ]


def _at_the_door(now: Incident, staff_id: UUID | None) -> bool:
    welfare = any(KINDS[kind].welfare for kind in now.kinds)
    return welfare and now.state in OPEN and now.on_it(staff_id)


async def _community(now: Incident) -> OfficeLine | None:
    building = now.place.building_id
    found = await offices.offices_for(building) if building is not None else []
    first = next((o for o in found if o.kind == "community"), None)
    return OfficeLine(office_id=first.id, name=first.name, phone=first.phone) if first else None


@get("/api/incidents/{incident_id:uuid}/readings", guards=[signed_in],
     operation_id="IncidentReadings")  # fmt: skip
async def readings(request: AnyRequest, incident_id: FromPath[UUID], ctx: Ctx) -> Readings:
    """The last hour of each alarming quantity; of water and doors nobody sees any (T37)."""
    now = await existing(incident_id)
    may_see(now, request.user)
    open_to_see = [d.id for d in now.detectors.values() if d.kind not in LIVING]
    points = await sensing.series(open_to_see, ctx.clock.now() - CHART)
    return Readings(
        series=[
            Series(
                detector_id=d.id,
                label=d.label,
                quantity=d.quantity,
                unit=d.unit,
                limit=d.limit,
                points=[
                    (p.measured_at, p.value)
                    for p in points
                    if p.detector_id == d.id and p.quantity == d.quantity
                ],
            )
            for d in now.detectors.values()
        ]
    )


@get("/api/incidents/{incident_id:uuid}/archive", guards=[requires(*DESKS, "audit_admin")],
     operation_id="SealedRecord")  # fmt: skip
async def sealed(incident_id: FromPath[UUID]) -> Response[bytes]:
    """The sealed record, byte for byte as ``jiean verify`` checks it."""
    now = await existing(incident_id)
    data = await archive.export(incident_id)
    if data is None:
        raise NotFound("还没有封存 Not sealed yet")
    headers = {"Content-Disposition": f'attachment; filename="jiean-{now.no}.json"'}
    return Response(data, media_type="application/json", headers=headers)


@get("/api/rulebook", guards=[signed_in], operation_id="Rulebook")
async def rules(
    request: AnyRequest,
    services: Services,
    version: Annotated[int | None, Parameter(ge=0)] = None,
    incident_id: Annotated[UUID | None, QueryParameter(name="incident")] = None,
) -> Response[bytes]:
    """States, commands, refusals, cards and words, generated from the core.

    In the wording now in force; with ``version`` in that one, with ``incident`` in the one that
    was in force when the incident was opened.
    """
    if incident_id is not None:
        version = (await existing(incident_id)).cards_version
    name, body = await card_sets.book(services.incidents.policy, version)
    tag = f'"{name}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers, media_type="application/json")
    return Response(body, headers=headers, media_type="application/json")


ROUTES = [incident, contacts, readings, sealed, rules]
