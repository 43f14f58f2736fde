"""An incident as a screen sees it. Pure: folded state and journal in, one struct out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.incidents.flow import events as e
from backend.incidents.flow.commands import name_of_type
from backend.incidents.flow.incident import (
    Change,
    Contact,
    Cordon,
    Evacuation,
    Incident,
    Item,
    Link,
    Obligation,
    OfferMade,
    People,
    Responder,
    Sealed,
    Spot,
    Statement,
    Vehicle,
)
from backend.incidents.flow.rules import TABLE
from backend.incidents.flow.vocabulary import Candidate, Place, Role
from geo.datum import convert
from geo.point import Datum, Point


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of the parts."""


class Live(View, frozen=True, kw_only=True, rename="camel"):
    """A detector's newest value, from sensing."""

    value: float | None = None
    unit: str | None = None
    measured_at: datetime | None = None
    limit: float | None = None
    normals: int = 0
    normals_needed: int = 0
    normal_since: datetime | None = None
    muted_until: datetime | None = None


class DetectorView(View, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    label: str
    kind: str
    quantity: str
    value: float | None
    unit: str
    measured_at: datetime | None
    alarming: bool
    limit: float | None
    normals: int
    normals_needed: int
    normal_since: datetime | None
    raised_at: datetime
    episodes: int
    household_id: UUID | None
    muted_until: datetime | None = None


class Who(View, frozen=True, kw_only=True, rename="camel"):
    id: str
    name: str
    role: str | None = None


class PpeView(View, frozen=True, kw_only=True, rename="camel"):
    ok: bool
    missing: tuple[str, ...]
    kinds: tuple[str, ...]


class PhotoView(View, frozen=True, kw_only=True, rename="camel"):
    sha256: str
    burnt_sha256: str | None
    by: str
    taken_at: datetime
    caption: str
    stored: bool
    preview_sha256: str | None = None
    preview_stored: bool = False
    proof: str | None = None
    """What the phone's signature was worth; None until the server has looked."""


class ReportLine(View, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    office_id: UUID
    name: str
    kind: str
    status: str
    sent_at: datetime
    delivered_at: datetime | None
    acknowledged_at: datetime | None
    reply: str | None
    dispatched: bool
    location_gap: bool
    voice_at: datetime | None
    purpose: str


class HowAt(View, frozen=True, kw_only=True, rename="camel"):
    how: str
    at: datetime


class ByAt(View, frozen=True, kw_only=True, rename="camel"):
    by: str
    name: str
    at: datetime


class Entry(View, frozen=True, kw_only=True, rename="camel"):
    """One line of the timeline; its words are in the rulebook."""

    version: int
    at: datetime
    received_at: datetime
    late: bool
    type: str
    actor: Who
    facts: dict[str, Any]


class Links(View, frozen=True, kw_only=True, rename="camel"):
    """``beside``: incidents that are one event with this one."""

    follows: UUID | None
    beside: tuple[Link, ...] = ()


class IncidentView(View, frozen=True, kw_only=True, rename="camel"):
    """Everything a screen shows, and everything a field phone's guards need with no network."""

    id: UUID
    no: str
    version: int
    cursor: int
    kind: str
    kinds: tuple[str, ...]
    handling: str
    state: str
    alert_active: bool
    urgency: str
    emitted_at: datetime
    presented_at: datetime | None
    presented_ms: int | None
    claimed_by: Who | None
    claimed_at: datetime | None
    place: Place
    gcj02: tuple[float, float]
    """The same place on a street map, (lat, lon) in degrees GCJ-02."""
    cards_version: int
    equipment: dict[str, tuple[str, ...]]
    surroundings: tuple[str, ...]
    detectors: list[DetectorView]
    contact: Contact
    threads: dict[str, Contact]
    merged_into: UUID | None
    absorbed: tuple[str, ...]
    verification: bool
    last_alarm_at: datetime | None
    relevant: dict[str, Change]
    state_since: int
    dispatch_open: bool
    round: int
    lead: Responder | None
    helpers: tuple[Responder, ...]
    offers: tuple[OfferMade, ...]
    candidates: tuple[Candidate, ...]
    nobody_left: bool
    helper_wanted: str
    control: str
    real: bool | None
    withdrawn: bool
    ppe: dict[str, PpeView]
    entered: list[str]
    entered_at: dict[str, datetime]
    people: People
    calls: tuple[str, ...]
    items: tuple[Item, ...]
    photos: list[PhotoView]
    reports: list[ReportLine]
    report_gap: bool
    road_open: bool
    supplements: tuple[str, ...]
    guide: str
    meeting: Spot | None
    vehicles: tuple[Vehicle, ...]
    evacuation: Evacuation
    cordon: Cordon
    command_held_by: str | None
    c1: HowAt | None
    c2: ByAt | None
    final_checked_at: datetime | None
    false_by: str | None
    false_declared_at: datetime | None
    structure_hazard: bool
    obligations: tuple[Obligation, ...]
    met: list[str]
    released_at: datetime | None
    released_how: str | None
    category: str | None
    timeline: list[Entry]
    late_statements: tuple[Statement, ...]
    archive: Sealed | None
    archive_requested_at: datetime | None
    links: Links
    allowed: list[str]


def allowed(now: Incident, roles: frozenset[str]) -> list[str]:
    """Commands that somebody with these roles may try in this state; guards may still refuse."""
    mine = {Role(role) for role in roles if role in set(Role)}
    return [
        name_of_type(rule.command)
        for rule in TABLE
        if mine & rule.roles and now.state in rule.states
    ]


def entry(event: e.Event) -> Entry:
    facts = msgspec.to_builtins(event.fact)
    facts.pop("type", None)
    facts.pop("candidates", None)
    if isinstance(event.fact, e.PhotoAdded):  # proof, not story; long
        facts.pop("statement", None)
        facts.pop("signature", None)
    return Entry(
        version=event.version,
        at=event.occurred_at,
        received_at=event.received_at,
        late=event.late,
        type=e.type_of(event.fact),
        actor=Who(id=event.actor.id, name=event.actor.name, role=event.actor.role),
        facts=facts,
    )


def incident_view(
    now: Incident,
    past: Sequence[e.Event],
    *,
    cursor: int,
    live: Mapping[tuple[UUID, str], Live],
    photos_missing: frozenset[str],
    roles: frozenset[str],
    proofs: Mapping[str, str] = {},
) -> IncidentView:
    """Shape one incident for the principal with these roles.

    Args:
        past: the whole journal, oldest first.
        cursor: the board cursor of its newest version.
        live: newest values by detector and quantity.
        photos_missing: hashes whose file has not arrived.
        proofs: what each photograph's signature was worth, by hash.
    """
    assert now.id is not None, "an incident that exists"
    assert now.emitted_at is not None
    return IncidentView(
        id=now.id,
        no=now.no,
        version=now.version,
        cursor=cursor,
        kind=now.kind,
        kinds=now.kinds,
        handling=now.handling,
        state=now.state,
        alert_active=now.alert_active,
        urgency=now.urgency,
        emitted_at=now.emitted_at,
        presented_at=now.presented_at,
        presented_ms=now.presented_ms,
        claimed_by=Who(id=now.claimed_by, name=now.claimed_name) if now.claimed_by else None,
        claimed_at=now.claimed_at,
        place=now.place,
        gcj02=_on_street_maps(now.place),
        cards_version=now.cards_version,
        equipment={kind.value: codes for kind, codes in now.equipment.items()},
        surroundings=now.surroundings,
        detectors=_detectors(now, live),
        contact=now.contact,
        threads={str(home): thread for home, thread in now.threads.items()},
        merged_into=now.merged_into,
        absorbed=now.absorbed,
        verification=now.verification,
        last_alarm_at=now.last_alarm_at,
        relevant=now.relevant,
        state_since=now.state_since,
        dispatch_open=now.dispatch_open,
        round=now.round,
        lead=now.lead,
        helpers=now.helpers,
        offers=now.offers,
        candidates=now.candidates,
        nobody_left=now.nobody_left,
        helper_wanted=now.helper_wanted,
        control=now.control,
        real=now.real,
        withdrawn=now.withdrawn,
        ppe={
            str(k): PpeView(ok=v.ok, missing=v.missing, kinds=v.kinds) for k, v in now.ppe.items()
        },
        entered=[str(staff) for staff in now.entered],
        entered_at={str(staff): at for staff, at in now.entered.items()},
        people=now.people,
        calls=now.calls,
        items=now.items,
        photos=[
            PhotoView(
                sha256=p.sha256,
                burnt_sha256=p.burnt_sha256,
                by=p.by,
                taken_at=p.taken_at,
                caption=p.caption,
                stored=p.sha256 not in photos_missing,
                preview_sha256=p.preview_sha256,
                preview_stored=bool(p.preview_sha256) and p.preview_sha256 not in photos_missing,
                proof=proofs.get(p.sha256),
            )
            for p in now.photos
        ],
        reports=[
            ReportLine(
                id=r.id,
                office_id=r.office.id,
                name=r.office.name,
                kind=r.office.kind,
                status=r.status,
                sent_at=r.sent_at,
                delivered_at=r.delivered_at,
                acknowledged_at=r.acknowledged_at,
                reply=r.reply,
                dispatched=r.dispatched,
                location_gap=r.location_gap,
                voice_at=r.voice_at,
                purpose=r.purpose,
            )
            for r in now.reports
        ],
        report_gap=now.report_gap,
        road_open=now.road_open,
        supplements=now.supplements,
        guide=now.guide,
        meeting=now.meeting,
        vehicles=now.vehicles,
        evacuation=now.evacuation,
        cordon=now.cordon,
        command_held_by=now.command_held_by,
        c1=HowAt(how=now.c1.how, at=now.c1.at) if now.c1 else None,
        c2=ByAt(by=now.c2.by, name=now.c2.name, at=now.c2.at) if now.c2 else None,
        final_checked_at=now.final_checked_at,
        false_by=now.false_by,
        false_declared_at=now.false_declared_at,
        structure_hazard=now.structure_hazard,
        obligations=now.obligations,
        met=sorted(now.met),
        released_at=now.released_at,
        released_how=now.released_how,
        category=now.category,
        timeline=[entry(event) for event in past],
        late_statements=now.late_statements,
        archive=now.seal,
        archive_requested_at=now.archive_requested_at,
        links=Links(follows=now.follows, beside=now.linked),
        allowed=allowed(now, roles),
    )


def _on_street_maps(place: Place) -> tuple[float, float]:
    there = convert(Point(place.lat, place.lon), Datum.GCJ02)
    return round(there.lat, 6), round(there.lon, 6)


def _detectors(now: Incident, live: Mapping[tuple[UUID, str], Live]) -> list[DetectorView]:
    found = []
    for d in now.detectors.values():
        newest = live.get((d.id, d.quantity), Live())
        found.append(
            DetectorView(
                id=d.id,
                label=d.label,
                kind=d.kind,
                quantity=d.quantity,
                value=newest.value if newest.value is not None else d.raised_value,
                unit=newest.unit or d.unit,
                measured_at=newest.measured_at or d.raised_at,
                alarming=d.alarming,
                limit=newest.limit if newest.limit is not None else d.limit,
                normals=newest.normals if d.alarming else max(d.normals, newest.normals),
                normals_needed=newest.normals_needed,
                normal_since=newest.normal_since or d.normal_since,
                raised_at=d.raised_at,
                episodes=d.episodes,
                household_id=d.household_id,
                muted_until=newest.muted_until,
            )
        )
    return found
