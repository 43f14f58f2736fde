"""Drills: begin one on chosen staff, play the detector, end it, and what each one showed."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.access.guards import requires
from backend.devices import service as devices
from backend.incidents import drills, journal
from backend.incidents.drills import Drill
from backend.incidents.flow import commands as c
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import Handling, Kind, Place, Urgency
from backend.incidents.scenarios import BY_CODE, NOT_PLAYED, SCENARIOS, Happening, Scenario
from backend.incidents.training import Step, steps_of
from backend.screens.services import Parts, Services
from backend.shared.context import Ctx
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.shared.problems import NotFound, Problem
from backend.staff import service as staff
from backend.staff.schemas import OnDuty

AnyRequest = Request[Any, Any, Any]
LEADS = ("manager", "desk_lead")
EMERGENCIES = frozenset({Kind.SMOKE, Kind.GAS})
PLACES_AT_MOST = 60


class DrillRefused(Problem):
    """Not with these people: somebody chosen is off duty, or no field staff."""

    slug, status, title = "drill-refused", 422, "A drill cannot begin like this"


class NewDrill(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The scenario. The detector gives the place; ``kind`` may differ from its own."""

    detector_id: UUID
    kind: Kind
    scenario: Annotated[str, Meta(max_length=40)] | None = None
    """A code of ``/api/drills/choices``; its happenings then come by themselves."""
    staff: Annotated[list[UUID], Meta(min_length=1, max_length=40)]
    note: Annotated[str, Meta(max_length=300)] = ""


class Begun(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    incident_id: UUID
    no: str


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What happens next: the imagined detector, a second one, or something people would see."""

    name: Literal["normal", "alarm", "second", "say"]
    said: Annotated[str, Meta(max_length=200)] = ""


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    outcome: Annotated[str, Meta(max_length=1000)] = ""


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one person did. Seconds from the alarm; None where it did not come to that."""

    staff_id: UUID
    name: str
    badge: str
    offered_s: float | None
    answer: str | None
    accepted_s: float | None
    arrived_s: float | None
    entered: bool


class DrillLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One drill for the training record (4.2.4.1-d)."""

    incident_id: UUID
    no: str
    scenario: str
    kind: str
    address: str
    state: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    released_at: datetime | None
    released_how: str | None
    actions_done: int
    outcome: str
    staff: list[Part]


class StaffChoice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    staff_id: UUID
    name: str
    badge: str


class PlaceChoice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    detector_id: UUID
    kind: str
    label: str
    address: str


class HappeningView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    after_s: int
    what: str
    zh: str
    en: str


class ScenarioView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    code: str
    golden: int
    kind: str
    zh: str
    en: str
    brief: dict[str, str]
    happenings: list[HappeningView]


class NotPlayed(msgspec.Struct, frozen=True, kw_only=True):
    golden: int
    zh: str
    en: str


class Choices(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    staff: list[StaffChoice]
    places: list[PlaceChoice]
    scenarios: list[ScenarioView]
    not_played: list[NotPlayed]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How it went: each step against its target, for the training record."""

    line: DrillLine
    steps: tuple[Step, ...]


@get("/api/drills/choices", guards=[requires(*LEADS)], operation_id="DrillChoices")
async def choices(ctx: Ctx) -> Choices:
    """Who can take part now, and where one could be."""
    people = await _on_duty(ctx.clock.now())
    ids = await devices.some_of_each_kind(PLACES_AT_MOST)
    places = await devices.places_of(ids)
    return Choices(
        staff=[
            StaffChoice(staff_id=one.person_id, name=one.name, badge=one.badge)
            for one in sorted(people.values(), key=lambda p: p.badge)
        ],
        places=[
            PlaceChoice(detector_id=i, kind=p.kind, label=p.label, address=p.address)
            for i in ids
            if (p := places.get(i)) is not None
        ],
        scenarios=[_scenario(one) for one in SCENARIOS],
        not_played=[NotPlayed(golden=n, zh=why.zh, en=why.en) for n, why in NOT_PLAYED],
    )


@post("/api/drills", status_code=201, guards=[requires(*LEADS)], operation_id="BeginDrill")
async def begin(
    request: AnyRequest, data: JSONBody[NewDrill], ctx: Ctx, services: Services
) -> Begun:
    """Open an exercise that only the chosen staff and its leader hear of."""
    at = ctx.clock.now()
    chosen = frozenset(data.staff)
    away = chosen - (await _on_duty(at)).keys()
    if away:
        raise DrillRefused(
            "只能选在岗的现场人员 Choose field staff who are on duty",
            missing=sorted(str(one) for one in away),
        )
    script = BY_CODE.get(data.scenario) if data.scenario else None
    if data.scenario and script is None:
        raise DrillRefused("没有这个情景 no such scenario", missing=[data.scenario])
    real = await devices.place_of(data.detector_id)
    incident_id = uuid7()
    site, detector = uuid5(incident_id, "site"), uuid5(incident_id, "detector")
    shared = sorted(set(Place.__struct_fields__) & set(msgspec.structs.asdict(real)))
    known = {f: value for f in shared if (value := getattr(real, f)) is not None}
    place = Place(**{**known, "household_id": None, "building_id": site})
    quantity, unit, limit = _quantity(data.kind, services)
    async with OPERATIONS.transaction():
        drill = Drill(
            incident_id=incident_id,
            scenario=data.note.strip() or (script.name.zh if script else KINDS[data.kind].zh),
            staff=chosen,
            started_by=request.user.account_id,
            started_name=request.user.name,
            started_at=at,
            site=site,
            building_id=real.building_id,
        )
        await drills.begin(drill, role=request.user.role)
        raised = c.RaiseAlert(
            no="",
            kind=data.kind,
            urgency=Urgency.EMERGENCY if data.kind in EMERGENCIES else Urgency.NOTICE,
            handling=Handling.EXERCISE,
            place=place,
            detector_id=detector,
            label=real.label,
            quantity=quantity,
            value=None if limit is None else round(limit * 1.5, 2),
            unit=unit,
            limit=limit,
            emitted_at=at,
            at_once=True,
        )
        await services.incidents.open_numbered(incident_id, raised, command_id=uuid7())
        if script is not None:
            played = [
                (at + timedelta(seconds=one.after_s), _played(one, raised, at))
                for one in script.happenings
            ]
            await drills.script(drill, played)
    return Begun(incident_id=incident_id, no=(await journal.load(incident_id)).no)


@post("/api/drills/{incident_id:uuid}/signal", status_code=204, guards=[requires(*LEADS)],
      operation_id="SignalInDrill")  # fmt: skip
async def signal(
    incident_id: FromPath[UUID], data: JSONBody[Signal], ctx: Ctx, services: Services
) -> None:
    """The leader plays the detector, a second one, or tells what the people there would see."""
    drill = await _existing(incident_id)
    now = await journal.load(incident_id)
    at = ctx.clock.now()
    if data.name == "say" or data.name == "second":
        first = next(iter(now.detectors.values()))
        more: c.AnyCommand = c.PlayInDrill(zh=data.said.strip())
        if data.name == "second":
            more = _second(drill.site, first.kind, first.quantity, first.unit, first.limit, at)
        await services.incidents.say(incident_id, more)
        return
    for one in now.detectors.values():
        said: c.AnyCommand
        if data.name == "normal":
            said = c.DataNormal(detector_id=one.id, at=at, normals=3)
        else:
            said = c.NewAlarm(
                detector_id=one.id,
                label=one.label,
                kind=one.kind,
                quantity=one.quantity,
                value=one.raised_value,
                unit=one.unit,
                limit=one.limit,
                emitted_at=at,
            )
        await services.incidents.say(incident_id, said)


@post("/api/drills/{incident_id:uuid}/end", status_code=204, guards=[requires(*LEADS)],
      operation_id="EndDrill")  # fmt: skip
async def end(
    request: AnyRequest,
    incident_id: FromPath[UUID],
    data: JSONBody[Ending],
    ctx: Ctx,
    services: Services,
) -> None:
    """Close a drill wherever it stands: released as a drill, nothing owed, sealed, on paper."""
    drill = await _existing(incident_id)
    known = await staff.people(sorted(drill.staff))
    async with OPERATIONS.transaction():
        ended = await drills.end(
            incident_id,
            outcome=data.outcome.strip(),
            actor=request.user.account_id,
            role=request.user.role,
            at=ctx.clock.now(),
        )
        if ended:
            closing = c.EndDrill(
                scenario=drill.scenario,
                review=data.outcome.strip(),
                leader=drill.started_name,
                staff=tuple(known.get(one, ("", ""))[0] for one in sorted(drill.staff)),
            )
            await services.incidents.say(incident_id, closing)


@get("/api/drills/{incident_id:uuid}/report", guards=[requires(*LEADS, "desk")],
     operation_id="DrillReport")  # fmt: skip
async def report(incident_id: FromPath[UUID], services: Services) -> Report:
    """One drill step by step, with what each step was measured against."""
    drill = await _existing(incident_id)
    known = await staff.people(sorted(drill.staff))
    past = await journal.events_of(incident_id)
    return Report(
        line=_line(drill, await journal.load(incident_id), known),
        steps=steps_of(past, services.incidents.policy),
    )


@get("/api/drills", guards=[requires(*LEADS, "desk")], operation_id="Drills")
async def table() -> list[DrillLine]:
    """Every drill with how each person did, newest first."""
    found = await drills.newest()
    known = await staff.people([one for drill in found for one in drill.staff])
    return [_line(drill, await journal.load(drill.incident_id), known) for drill in found]


def _scenario(one: Scenario) -> ScenarioView:
    return ScenarioView(
        code=one.code,
        golden=one.golden,
        kind=one.kind,
        zh=one.name.zh,
        en=one.name.en,
        brief={"zh": one.brief.zh, "en": one.brief.en},
        happenings=[
            HappeningView(after_s=h.after_s, what=h.what, zh=h.said.zh, en=h.said.en)
            for h in one.happenings
        ],
    )


def _second(
    site: UUID, kind: Kind, quantity: str, unit: str, limit: float | None, at: datetime
) -> c.NewAlarm:
    """Another imagined detector of the same place."""
    return c.NewAlarm(
        detector_id=uuid5(site, "second detector"),
        label="第二个探测器（演练）",
        kind=kind,
        quantity=quantity,
        value=None if limit is None else round(limit * 1.5, 2),
        unit=unit,
        limit=limit,
        emitted_at=at,
    )


def _played(one: Happening, raised: c.RaiseAlert, began: datetime) -> c.AnyCommand:
    """A happening of a script as the command that will be said at its time."""
    at = began + timedelta(seconds=one.after_s)
    if one.what == "say":
        return c.PlayInDrill(zh=one.said.zh, en=one.said.en)
    if one.what == "normal":
        return c.DataNormal(detector_id=raised.detector_id, at=at, normals=3)
    place = raised.place.building_id
    if one.what == "second" and place is not None:
        return _second(place, raised.kind, raised.quantity, raised.unit, raised.limit, at)
    return c.NewAlarm(
        detector_id=raised.detector_id,
        label=raised.label,
        kind=raised.kind,
        quantity=raised.quantity,
        value=raised.value,
        unit=raised.unit,
        limit=raised.limit,
        emitted_at=at,
    )


async def _existing(incident_id: UUID) -> Drill:
    found = await drills.drill_of(incident_id)
    if found is None:
        raise NotFound("没有这次演练 no such drill")
    return found


async def _on_duty(at: datetime) -> dict[UUID, OnDuty]:
    people = await staff.on_duty_people(at)
    return {one.person_id: one for one in people if one.post == "field" and one.qualified}


def _quantity(kind: Kind, parts: Parts) -> tuple[str, str, float | None]:
    """What a detector of this kind would have measured: its first rule's quantity and limit."""
    held = (rule for rules in parts.rules.of(kind).values() for rule in rules)
    rule = next(rule for rule in held if rule.first and rule.kind == kind)
    return rule.quantity, rule.unit or "", rule.limit


def _line(drill: Drill, now: Incident, known: dict[UUID, tuple[str, str]]) -> DrillLine:
    return DrillLine(
        incident_id=drill.incident_id,
        no=now.no,
        scenario=drill.scenario,
        kind=now.kind,
        address=now.place.address,
        state=now.state,
        started_by=drill.started_name,
        started_at=drill.started_at,
        ended_at=drill.ended_at,
        released_at=now.released_at,
        released_how=now.released_how,
        actions_done=sum(item.result == "done" for item in now.items),
        outcome=drill.outcome,
        staff=[_part(one, drill, now, known.get(one, ("", ""))) for one in sorted(drill.staff)],
    )


def _part(staff_id: UUID, drill: Drill, now: Incident, who: tuple[str, str]) -> Part:
    def after_s(at: datetime | None) -> float | None:
        return None if at is None else round((at - drill.started_at).total_seconds(), 1)

    offer = next((o for o in now.offers if o.staff_id == staff_id), None)
    on_it = next((r for r in (now.lead, *now.helpers) if r and r.staff_id == staff_id), None)
    return Part(
        staff_id=staff_id,
        name=who[0],
        badge=who[1],
        offered_s=after_s(offer.offered_at if offer else None),
        answer=offer.outcome if offer else None,
        accepted_s=after_s(on_it.accepted_at if on_it else None),
        arrived_s=after_s(on_it.arrived_at if on_it else None),
        entered=staff_id in now.ever_entered,
    )


ROUTES = [choices, begin, signal, end, table, report]
