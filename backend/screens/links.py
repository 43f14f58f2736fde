"""Pages without an account: a household's, and one report's. Also: an inbox that was read."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from backend.access import links
from backend.access.guards import requires
from backend.access.principal import Principal
from backend.access.problems import WrongRole
from backend.devices import service as devices
from backend.incidents import card_sets, journal
from backend.incidents.flow import commands as c
from backend.incidents.flow.advice import RESIDENT
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.vocabulary import ALERTING, State
from backend.offices import papers
from backend.offices import service as offices
from backend.offices.schemas import Inbox, ReportView
from backend.screens import roster
from backend.screens.services import Parts, Services
from backend.shared.context import Ctx
from backend.shared.problems import NotFound

ENDED_SHOWN = timedelta(hours=24)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    icon: str
    zh: str
    en: str


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """Who is coming, so that the door is opened to the right person."""

    name: str
    badge: str
    minutes: float | None
    arrived: bool


class HomeIncident(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    no: str
    kind: str
    state: str
    alert_active: bool
    emitted_at: datetime
    label: str
    place: str
    advice: list[Advice]
    coming: Coming | None
    answered: str | None
    released_how: str | None


class Household(msgspec.Struct, frozen=True, kw_only=True):
    label: str


class Service(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    phone: str


class HouseholdPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    purpose: Literal["household"] = "household"
    exercise: bool
    household: Household
    incidents: list[HomeIncident]
    cordon: str | None
    """The kind of a danger nearby whose cordon holds this home; None for none."""
    service: Service


class ReportIncident(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a one-report page may know of the incident behind it."""

    state: str
    alert_active: bool


class ReportPage(msgspec.Struct, frozen=True, kw_only=True):
    purpose: Literal["report"] = "report"
    report: ReportView
    incident: ReportIncident


class LinkMade(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh link; shown once, only its hash is kept."""

    url: str


@get("/api/link/{token:str}", operation_id="LinkPage")
async def page(token: FromPath[str], ctx: Ctx, services: Services) -> HouseholdPage | ReportPage:
    """What the link opens, and nothing else."""
    link = await links.resolve(token, at=ctx.clock.now())
    if link.purpose == "household":
        return await _household(link.subject_id, ctx)
    report = await offices.report_view(link.subject_id)
    if report is None:
        raise NotFound("没有这份报告 no such report")
    await seen([report], services)
    now = await journal.load(report.incident_id)
    return ReportPage(
        report=report, incident=ReportIncident(state=now.state, alert_active=now.alert_active)
    )


async def _household(household_id: UUID, ctx: Ctx) -> HouseholdPage:
    at = ctx.clock.now()
    shown = [await journal.load(i) for i in await journal.at_home(household_id)]
    fresh = [now for now in shown if now.state in ALERTING or _recent(now, at)]
    service = ctx.settings.service
    return HouseholdPage(
        exercise=ctx.settings.demo.exercise,
        household=Household(label=await devices.household_label(household_id)),
        cordon=await roster.cordon_round(household_id),
        incidents=[_home_incident(now) for now in fresh],
        service=Service(name=service.name, phone=service.phone),
    )


def _recent(now: Incident, at: datetime) -> bool:
    if now.state is State.STOOD_DOWN:
        return True
    return now.released_at is not None and at - now.released_at <= ENDED_SHOWN


def _home_incident(now: Incident) -> HomeIncident:
    assert now.id is not None
    assert now.emitted_at is not None
    newest = max(now.detectors.values(), key=lambda d: d.raised_at)
    lead = now.lead
    coming = None
    if lead is not None:
        coming = Coming(
            name=lead.name,
            badge=lead.badge,
            minutes=lead.minutes,
            arrived=lead.arrived_at is not None,
        )
    return HomeIncident(
        id=now.id,
        no=now.no,
        kind=now.kind,
        state=now.state,
        alert_active=now.alert_active,
        emitted_at=now.emitted_at,
        label=newest.label,
        place=now.place.address,
        advice=[Advice(icon=icon, zh=zh, en=en) for icon, zh, en in RESIDENT[now.kind]],
        coming=coming,
        answered=now.contact.outcome,
        released_how=now.released_how,
    )


async def seen(reports: list[ReportView], parts: Parts) -> None:
    """A report that an office has on its screen counts as delivered."""
    waiting = [report for report in reports if report.status == "sent"]
    await papers.seen([one.id for one in waiting], at=parts.incidents.clock.now())
    for report in waiting:
        if report.purpose == papers.RESCUE:
            said = c.ReportDelivered(report_id=report.id)
            await parts.incidents.say(report.incident_id, said)


@get("/api/office/inbox", guards=[requires("office")], operation_id="OfficeInbox")
async def inbox(request: Request[Any, Any, Any], services: Services) -> Inbox:
    """The reports of the account's office; what is shown is delivered."""
    office_id = request.user.office_id
    if office_id is None:
        raise WrongRole("此账户不属于任何单位 This account belongs to no office")
    found = await offices.inbox(office_id)
    await seen(found.reports, services)
    return found


@post("/api/reports/{report_id:uuid}/link", status_code=201,
      guards=[requires("desk", "desk_lead")], operation_id="MintReportLink")  # fmt: skip
async def report_link(
    request: Request[Any, Any, Any], report_id: FromPath[UUID], ctx: Ctx
) -> LinkMade:
    """A link for an office without an account: opens this one report, expires, is logged."""
    if await offices.report_view(report_id) is None:
        raise NotFound("没有这份报告 no such report")
    token = await _mint(ctx, "report", report_id, request.user)
    return LinkMade(url=f"{_base(ctx)}/report/#{token}")


@post("/api/households/{household_id:uuid}/link", status_code=201,
      guards=[requires("desk", "desk_lead", "technician", "manager")],
      operation_id="MintHouseholdLink")  # fmt: skip
async def household_link(
    request: Request[Any, Any, Any], household_id: FromPath[UUID], ctx: Ctx
) -> LinkMade:
    """A link, or the QR made of it, for one home."""
    await devices.household_label(household_id)
    token = await _mint(ctx, "household", household_id, request.user)
    return LinkMade(url=f"{_base(ctx)}/resident/#{token}")


async def _mint(ctx: Ctx, purpose: links.Purpose, subject: UUID, by: Principal) -> str:
    ttl = timedelta(days=ctx.settings.access.link_ttl_days)
    return await links.mint(
        purpose, subject, ttl, actor=by.account_id, role=by.role, at=ctx.clock.now()
    )


def _base(ctx: Ctx) -> str:
    http = ctx.settings.http
    return (http.public_url or f"http://{http.host}:{http.port}").rstrip("/")


@get("/api/link/{token:str}/rulebook", operation_id="RulebookByLink")
async def rules(token: FromPath[str], ctx: Ctx, services: Services) -> Response[bytes]:
    """The words for a page without an account: the same book as everybody's."""
    await links.resolve(token, at=ctx.clock.now())
    _, book = await card_sets.book(services.incidents.policy)
    return Response(book, media_type="application/json")


@get("/api/link/{token:str}/map", operation_id="BaseMapByLink")
async def base_map(token: FromPath[str], ctx: Ctx) -> Response[bytes]:
    """The neighbourhood's base map, for the page of a report; a household's page needs none."""
    link = await links.resolve(token, at=ctx.clock.now())
    if link.purpose != "report":
        raise NotFound("此链接没有地图 no map with this link")
    return Response(await devices.map_area(), media_type="application/geo+json")


ROUTES = [page, rules, base_map, inbox, report_link, household_link]
