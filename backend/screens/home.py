"""The field phone's own page: offers to me, incidents I am on, what I owe, can I be reached."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import QueryParameter

from backend.access.guards import requires
from backend.access.schemas import Me
from backend.dispatch import service as moves
from backend.dispatch.schemas import Move
from backend.incidents import card_sets, journal
from backend.incidents.flow.incident import Incident, OfferMade
from backend.incidents.flow.kinds import Words, required_ppe
from backend.incidents.flow.vocabulary import Place, State
from backend.incidents.views import IncidentView, Live
from backend.screens.beside import BesideView, beside
from backend.screens.reading import live_values, view_of
from backend.screens.services import Parts, Services
from backend.screens.shift_rules import duty_rules
from backend.shared.context import Ctx
from backend.shared.db import OPERATIONS
from backend.staff import service as staff
from backend.staff.problems import NoStaffRecord
from backend.staff.schemas import DutyView
from geo.point import Point, metres

AT_MOST = 40
"""Incidents on one phone ▲: what is active first, then the newest."""
NEAR_M, NEAR_MOST = 500.0, 10
"""How far somebody else's incident is shown on stand-by, metres, and how many ▲."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    zh: str
    en: str


class Other(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    metres: float | None


class OfferView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """警情, complete: nothing has to be asked for once it is on the phone."""

    id: UUID
    incident_id: UUID
    no: str
    kind: str
    urgency: str
    handling: str
    place: Place
    metres: float | None
    minutes: float | None
    basis: str
    value: float | None
    unit: str | None
    limit: float | None
    known: list[Said]
    others: list[Other]
    ppe: tuple[str, ...]
    offered_at: datetime
    expires_at: datetime


class ReachView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    checked_at: datetime | None
    live: bool
    push: bool
    position_age_s: float | None
    last_receipt_at: datetime | None


class Owed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    incident_id: UUID
    no: str
    code: str
    due_at: datetime | None


class CordonNear(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A cordon that stands anywhere: phones warn of it by themselves, also with no network."""

    incident_id: UUID
    kind: str
    address: str
    handling: str
    shape: dict[str, Any]
    radius_m: float | None


class Near(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody else's incident close by: whoever stands at its door may join (lifecycle 14)."""

    incident_id: UUID
    no: str
    kind: str
    urgency: str
    handling: str
    state: str
    address: str
    lat: float
    lon: float


class Home(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    me: Me
    now: datetime
    cursor: int
    duty: DutyView
    reachability: ReachView
    offers: list[OfferView]
    incidents: list[IncidentView]
    """Those that changed after the cursor that was named; all of them where none was."""
    known: list[UUID]
    """All of them by id, in their order: what the phone has of others is still true."""
    owed: list[Owed]
    cordons: list[CordonNear]
    near: list[Near]
    beside: list[BesideView]
    """What is one event with an incident of mine."""
    move: Move | None
    """Where the desk lead sent me while an area is left empty."""
    rulebook_version: str
    desk_phone: str | None


@get("/api/field/home", guards=[requires("field")], operation_id="FieldHome")
async def home(
    request: Request[Any, Any, Any],
    ctx: Ctx,
    services: Services,
    since: Annotated[int | None, QueryParameter(name="since")] = None,
) -> Home:
    """Everything a phone needs to go on alone; after ``since``, a cursor, only what changed.

    Cursors become visible in their order, and ours is read first: what is committed meanwhile is
    told again next time, and nothing is ever left out.
    """
    user = request.user
    if user.staff_id is None:
        raise NoStaffRecord("此账户没有人员档案 This account has no staff record")
    at = ctx.clock.now()
    cursor = await OPERATIONS.fetch_value("SELECT coalesce(max(cursor), 0) FROM incident")
    mine = [await journal.load(i) for i in await journal.concerning(user.staff_id)]
    asked = [(now, o) for now in mine if (o := _open_offer(now, user.staff_id, at)) is not None]
    on_it = [n for n in mine if n.on_it(user.staff_id) or n.reports_false(user.staff_id)]
    on_it = sorted(on_it, key=lambda now: not now.alert_active)[:AT_MOST]
    ids = [now.id for now in on_it if now.id is not None]
    moved = set(ids if since is None else await journal.moved(ids, since=since))
    return Home(
        me=Me(
            account_id=user.account_id,
            name=user.name,
            roles=sorted(user.roles),
            staff_id=user.staff_id,
            office_id=user.office_id,
            exercise=user.exercise,
        ),
        now=at,
        cursor=cursor,
        duty=await staff.duty_now(user.staff_id, at, rules=duty_rules(ctx.settings)),
        reachability=await _reach(user.staff_id, at),
        offers=[await _offer(now, made, services) for now, made in asked],
        incidents=[await view_of(now, user.roles, services) for now in on_it if now.id in moved],
        known=ids,
        owed=[
            Owed(incident_id=now.id, no=now.no, code=debt.code, due_at=debt.due_at)
            for now in on_it
            for debt in now.obligations
            if not debt.settled and now.id is not None
        ],
        cordons=await _cordons(),
        near=await _near(user.staff_id, at),
        beside=await beside(now for now in on_it if now.on_it(user.staff_id)),
        move=await moves.of(user.staff_id),
        rulebook_version=(await card_sets.book(services.incidents.policy))[0],
        desk_phone=ctx.settings.service.phone or None,
    )


async def _near(staff_id: UUID, at: datetime) -> list[Near]:
    """Nearest first; none for somebody off duty, or of whom nobody knows where they are."""
    person = await staff.person_of(staff_id, at)
    if person is None or person.on_since is None or person.lat is None or person.lon is None:
        return []
    here = Point(person.lat, person.lon)
    found = [
        (metres(here, Point(row.lat, row.lon)), row) for row in await journal.open_to_join(staff_id)
    ]
    found = sorted((each for each in found if each[0] <= NEAR_M), key=lambda each: each[0])
    return [
        Near(
            incident_id=row.id, no=row.no, kind=row.kind, urgency=row.urgency,
            handling=row.handling, state=row.state, address=row.address, lat=row.lat, lon=row.lon,
        )
        for _, row in found[:NEAR_MOST]
    ]  # fmt: skip


async def _cordons() -> list[CordonNear]:
    standing = [await journal.load(i) for i in await journal.cordoned()]
    return [
        CordonNear(
            incident_id=now.id,
            kind=now.kind,
            address=now.place.address,
            handling=now.handling,
            shape=now.cordon.shape,
            radius_m=now.cordon.radius_m,
        )
        for now in standing
        if now.cordon.state == "set" and now.id is not None and now.cordon.shape is not None
    ]


def _open_offer(now: Incident, staff_id: UUID, at: datetime) -> OfferMade | None:
    made = now.open_offer
    return made if made and made.staff_id == staff_id and made.expires_at > at else None


async def _reach(staff_id: UUID, at: datetime) -> ReachView:
    found = await staff.reach_of(staff_id)
    person = await staff.person_of(staff_id, at)
    fix_at = person.at if person else None
    return ReachView(
        checked_at=found.test_sent_at,
        live=found.live_ok,
        push=found.push_ok,
        position_age_s=None if fix_at is None else round((at - fix_at).total_seconds(), 1),
        last_receipt_at=found.last_receipt_at,
    )


async def _offer(now: Incident, made: OfferMade, parts: Parts) -> OfferView:
    newest = max(now.detectors.values(), key=lambda d: d.raised_at)
    live = (await live_values([newest.id], parts)).get((newest.id, newest.quantity), Live())
    others = [c for c in now.candidates if not c.chosen and c.passed_over is None]
    return OfferView(
        id=made.id,
        incident_id=now.id or UUID(int=0),
        no=now.no,
        kind=now.kind,
        urgency=now.urgency,
        handling=now.handling,
        place=now.place,
        metres=made.metres,
        minutes=made.minutes,
        basis=next((c.basis for c in now.candidates if c.chosen), ""),
        value=live.value if live.value is not None else newest.raised_value,
        unit=live.unit or newest.unit,
        limit=newest.limit,
        known=[Said(zh=w.zh, en=w.en) for w in known_facts(now)],
        others=[Other(name=c.name, metres=c.metres) for c in others[:2]],
        ppe=required_ppe(now.kinds, now.equipment),
        offered_at=made.offered_at,
        expires_at=made.expires_at,
    )


def known_facts(now: Incident) -> list[Words]:
    """What is known before one sets off, most dangerous first."""
    found = []
    if now.people.trapped:
        found.append(Words(f"被困 {now.people.trapped} 人", f"{now.people.trapped} trapped"))
    if now.people.injured:
        found.append(Words(f"受伤 {now.people.injured} 人", f"{now.people.injured} hurt"))
    if len(now.detectors) > 1:
        n = len(now.detectors)
        found.append(Words(f"{n} 个探测器同时报警", f"{n} detectors alarming"))
    phase = {
        "unreachable": Words("户主电话无人接听", "Nobody answers the phone"),
        "calling": Words("值班台正在联系户主", "The desk is calling"),
        "idle": Words("还没有联系上户主", "The householder is not reached yet"),
    }.get(now.contact.phase)
    outcome = {
        "cannot_handle": Words("户主在家，处理不了", "Somebody is home and cannot cope"),
        "needs_rescue": Words("户主求救", "The householder needs rescue"),
        "handled": Words("户主说已处理，请核实", "Said to be handled; please verify"),
        "no_abnormality": Words("户主说没有异常，请核实", "Said to be nothing; please verify"),
    }.get(now.contact.outcome or "")
    found.extend(words for words in (outcome or phase,) if words is not None)
    if now.state is State.DISPATCHING and now.round > 1:
        found.append(Words("前面的人去不了", "Others could not go"))
    return found


ROUTES = [home]
