"""Offices, what a report says, and how an office sees it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

Kind = Literal["community", "street", "fire", "emergency", "housing"]
Status = Literal["queued", "sent", "delivered", "acknowledged", "failed"]


class Office(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An office that must hear of incidents in its area."""

    id: UUID
    name: str
    kind: Kind
    phone: str
    area: str = ""
    exercise: bool = False


class OfficeName(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The part of an office that stands on a report."""

    id: UUID
    name: str
    kind: Kind


class People(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Head counts as far as known."""

    trapped: int = 0
    injured: int = 0
    unaccounted: int = 0
    out: int = 0


class Measure(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something already done, as the timeline names it."""

    at: datetime
    type: str
    facts: dict[str, Any] = {}


class Caller(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who at the scene or the desk may be asked."""

    name: str


class ReportPlace(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where, as rescuers need it; degrees of ``datum``."""

    address: str
    entrance_note: str = ""
    lane_width_m: float | None = None
    engine_stop: str = ""
    lat: float
    lon: float
    datum: str = "WGS-84"


class Arrival(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A vehicle that came."""

    what: str
    at: datetime


class Scene(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the rescue stands: who meets the vehicles, who is out, what is fenced off."""

    evacuation: str = "none"
    with_fire: int = 0
    absent: int = 0
    refused: int = 0
    road_open: bool = False
    guide: str = ""
    meeting: tuple[float, float] | None = None
    """(lat, lon), degrees WGS-84."""
    vehicles: tuple[Arrival, ...] = ()
    cordon: dict[str, Any] | None = None
    """GeoJSON of the one that stands."""
    cordon_radius_m: float | None = None
    posts: int = 0
    command: str | None = None
    more: tuple[str, ...] = ()
    """What was learnt after the first report."""


class Situation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a report tells, frozen when it is sent and renewed by later ones.

    ``kind``, ``urgency``, ``state`` and ``handling`` are the incident's codes.
    """

    no: str
    kind: str
    urgency: str
    state: str
    handling: str
    situation: str
    place: ReportPlace
    people: People = People()
    measures: tuple[Measure, ...] = ()
    contact: Caller | None = None
    scene: Scene = Scene()
    purpose: str = "rescue"
    """``rescue``, or the kind of a numbered paper: then its number and title follow."""
    paper: str = ""
    paper_title: str = ""


class ReportRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A report as the incident's journal has it now; ``version`` is the journal's."""

    id: UUID
    incident_id: UUID
    office_id: UUID
    situation: Situation
    status: Status
    version: int
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    acknowledged_at: datetime | None = None
    reply: str | None = None


class Coordinates(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The same place in two datums, each ``(lat, lon)`` in degrees."""

    wgs84: tuple[float, float]
    gcj02: tuple[float, float]


class ReportView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A report on an office's screen."""

    id: UUID
    incident_id: UUID
    no: str
    kind: str
    urgency: str
    state: str
    handling: str
    office: OfficeName
    situation: str
    place: ReportPlace
    coordinates: Coordinates
    people: People
    measures: tuple[Measure, ...]
    contact: Caller | None
    scene: Scene
    status: Status
    sent_at: datetime | None
    delivered_at: datetime | None
    acknowledged_at: datetime | None
    reply: str | None
    map_links: dict[str, str]
    purpose: str
    paper: str
    paper_title: str


class Inbox(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An office's reports, newest first; ``cursor`` grows with every change."""

    cursor: int
    reports: list[ReportView]
