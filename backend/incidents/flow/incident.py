"""Where an incident stands: the state folded from its journal."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.incidents.flow.vocabulary import (
    ALERTING,
    Candidate,
    Control,
    Handling,
    Kind,
    OfficeRef,
    Place,
    State,
    Urgency,
)


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of the incident's parts; camelCase on the wire."""


class Detector(Part, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    label: str
    kind: Kind
    quantity: str
    unit: str
    limit: float | None
    raised_value: float | None
    alarming: bool
    raised_at: datetime
    normal_since: datetime | None = None
    normals: int = 0
    episodes: int = 1
    household_id: UUID | None = None


class Attempt(Part, frozen=True, kw_only=True, rename="camel"):
    contact: str
    result: str
    at: datetime


class Contact(Part, frozen=True, kw_only=True, rename="camel"):
    phase: str = "idle"
    outcome: str | None = None
    attempts: tuple[Attempt, ...] = ()


class OfferMade(Part, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    staff_id: UUID
    name: str
    badge: str
    metres: float | None
    minutes: float | None
    offered_at: datetime
    expires_at: datetime
    outcome: str = "open"
    reason: str | None = None
    helper: bool = False
    pre_alerted: tuple[UUID, ...] = ()


class Responder(Part, frozen=True, kw_only=True, rename="camel"):
    staff_id: UUID
    name: str
    badge: str
    metres: float | None
    minutes: float | None
    accepted_at: datetime
    arrived_at: datetime | None = None


class Ppe(Part, frozen=True, kw_only=True, rename="camel"):
    ok: bool
    missing: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()


class People(Part, frozen=True, kw_only=True, rename="camel"):
    trapped: int = 0
    injured: int = 0
    handed_over: int = 0
    call120: str = "not_needed"

    @property
    def hurt(self) -> int:
        """Hurt and not yet with the ambulance."""
        return max(0, self.injured - self.handed_over)


class Item(Part, frozen=True, kw_only=True, rename="camel"):
    card: str
    item: str
    result: str
    reason: str | None
    value: float | None
    photo: str | None
    cause: str | None
    about: str = ""
    by: str
    at: datetime


class PhotoTaken(Part, frozen=True, kw_only=True, rename="camel"):
    sha256: str
    burnt_sha256: str | None
    by: str
    taken_at: datetime
    caption: str
    preview_sha256: str | None = None


class Report(Part, frozen=True, kw_only=True, rename="camel"):
    id: UUID
    office: OfficeRef
    situation: str
    status: str
    sent_at: datetime
    delivered_at: datetime | None = None
    acknowledged_at: datetime | None = None
    reply: str | None = None
    dispatched: bool = False
    location_gap: bool = False
    purpose: str = "rescue"
    voice_at: datetime | None = None
    """When nobody had signed for it in time and the desk was told to telephone."""


class Mark(Part, frozen=True, kw_only=True, rename="camel"):
    """The newest word on one person of the roster, or on a home of which nobody is registered."""

    status: str
    at: datetime
    by: str
    count: int = 1


class Evacuation(Part, frozen=True, kw_only=True, rename="camel"):
    """Counts follow from ``marks`` (person → newest word) and ``heads`` (home → counter → status
    → people without a name)."""

    state: str = "none"
    out: int = 0
    with_fire: int = 0
    refused: int = 0
    absent: int = 0
    unaccounted: int = 0
    """Of those expected while it runs; after the end, those somebody else looks for."""
    handed_to: str | None = None
    expected: tuple[str, ...] = ()
    marks: dict[str, Mark] = {}
    heads: dict[str, dict[str, dict[str, int]]] = {}


class Spot(Part, frozen=True, kw_only=True, rename="camel"):
    """Degrees WGS-84."""

    lat: float
    lon: float


class Vehicle(Part, frozen=True, kw_only=True, rename="camel"):
    what: str
    at: datetime


class Cordon(Part, frozen=True, kw_only=True, rename="camel"):
    state: str = "none"
    shape: dict[str, Any] | None = None
    radius_m: float | None = None
    posts: int = 0
    post_places: tuple[tuple[float, float], ...] = ()
    at: datetime | None = None


class Condition(Part, frozen=True, kw_only=True, rename="camel"):
    """c1 (how) or c2 (by, name) of 6.3.6.1, and since when it stands."""

    at: datetime
    how: str = ""
    by: str = ""
    name: str = ""


class Obligation(Part, frozen=True, kw_only=True, rename="camel"):
    code: str
    due_at: datetime | None
    done_at: datetime | None = None
    waived_at: datetime | None = None

    @property
    def settled(self) -> bool:
        return self.done_at is not None or self.waived_at is not None


class Change(Part, frozen=True, kw_only=True, rename="camel"):
    """When somebody changed what lowering must take into account, on both clocks."""

    at: datetime
    received_at: datetime
    version: int


class Statement(Part, frozen=True, kw_only=True, rename="camel"):
    at: datetime
    by: str
    command: str
    why: str
    arguments: dict[str, Any]


class Sealed(Part, frozen=True, kw_only=True, rename="camel"):
    hash: str
    previous: str
    sealed_at: datetime


class Link(Part, frozen=True, kw_only=True, rename="camel"):
    """Another incident of one event with this one, as it was when they were linked."""

    incident_id: UUID
    no: str
    kind: Kind
    reason: str
    metres: float
    at: datetime


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of one incident. ``state`` is NEW before the first event."""

    id: UUID | None = None
    version: int = 0
    state: State = State.NEW
    no: str = ""
    kind: Kind = Kind.SMOKE
    urgency: Urgency = Urgency.NOTICE
    handling: Handling = Handling.ACTUAL
    place: Place = Place(address="")
    emitted_at: datetime | None = None
    at_once: bool = False
    cards_version: int = 0
    equipment: dict[Kind, tuple[str, ...]] = {}
    surroundings: tuple[str, ...] = ()
    follows: UUID | None = None
    presented_at: datetime | None = None
    presented_ms: int | None = None
    claimed_by: str | None = None
    claimed_name: str = ""
    claimed_at: datetime | None = None
    detectors: dict[UUID, Detector] = {}
    last_alarm_at: datetime | None = None
    contact: Contact = Contact()
    """The thread with the household that the incident began in."""
    threads: dict[UUID, Contact] = {}
    """One more contact thread for each further household."""
    merged_into: UUID | None = None
    absorbed: tuple[str, ...] = ()
    linked: tuple[Link, ...] = ()
    verification: bool = False
    round: int = 0
    dispatch_open: bool = False
    preferred: UUID | None = None
    tried: frozenset[UUID] = frozenset()
    offers: tuple[OfferMade, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    nobody_left: bool = False
    helper_wanted: str = ""
    """Why somebody is looked for beside the lead; empty: nobody is."""
    lead: Responder | None = None
    helpers: tuple[Responder, ...] = ()
    real: bool | None = None
    control: Control = Control.UNKNOWN
    controllable_at: datetime | None = None
    withdrawn: bool = False
    ppe: dict[UUID, Ppe] = {}
    entered: dict[UUID, datetime] = {}
    ever_entered: frozenset[UUID] = frozenset()
    people: People = People()
    calls: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    photos: tuple[PhotoTaken, ...] = ()
    reports: tuple[Report, ...] = ()
    report_gap: bool = False
    road_open: bool = False
    supplements: tuple[str, ...] = ()
    guide: str = ""
    meeting: Spot | None = None
    vehicles: tuple[Vehicle, ...] = ()
    evacuation: Evacuation = Evacuation()
    cordon: Cordon = Cordon()
    command_held_by: str | None = None
    final_checked_at: datetime | None = None
    c1: Condition | None = None
    c2: Condition | None = None
    false_by: str | None = None
    false_declared_at: datetime | None = None
    structure_hazard: bool = False
    baseline: dict[UUID, float | None] = {}
    """Each detector's alarming value at the hand-over; only what is worse calls people again."""
    monitored_s: float = 0.0
    obligations: tuple[Obligation, ...] = ()
    met: frozenset[str] = frozenset()
    released_at: datetime | None = None
    released_how: str | None = None
    category: str | None = None
    archive_requested_at: datetime | None = None
    seal: Sealed | None = None
    late_statements: tuple[Statement, ...] = ()
    after_seal: tuple[int, ...] = ()
    """Versions of what came after the seal and that no addendum has answered."""
    relevant: dict[str, Change] = {}
    """By whom → their latest change that a lowering command must have seen (G20)."""
    state_since: int = 0
    """Version at which the present state was reached."""
    applied: dict[UUID, int] = {}
    """Command id → version after it: the same command again changes nothing (I10)."""

    @property
    def alert_active(self) -> bool:
        return self.state in ALERTING

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All alert types in the incident, the first one first."""
        found = [self.kind, *(d.kind for d in self.detectors.values())]
        return tuple(dict.fromkeys(found))

    def thread(self, household_id: UUID | None) -> Contact:
        """The contact thread of a household; the first one's where none is named."""
        if household_id is None or household_id == self.place.household_id:
            return self.contact
        return self.threads.get(household_id, Contact())

    @property
    def open_offer(self) -> OfferMade | None:
        return next((o for o in self.offers if o.outcome == "open"), None)

    @property
    def alarming(self) -> tuple[Detector, ...]:
        return tuple(d for d in self.detectors.values() if d.alarming)

    def leads(self, staff: UUID | None) -> bool:
        return staff is not None and self.lead is not None and self.lead.staff_id == staff

    def on_it(self, staff: UUID | None) -> bool:
        """Lead or helper."""
        return self.leads(staff) or any(h.staff_id == staff for h in self.helpers)

    def reports_false(self, staff: UUID) -> bool:
        """Whether the written report of a false alarm is this person's (T6): the lead's, else that
        of who was asked last; where nobody was asked, anybody's."""
        if not self.owes("false_report"):
            return False
        if self.lead is not None:
            return self.lead.staff_id == staff
        return not self.offers or self.offers[-1].staff_id == staff

    def owes(self, code: str) -> bool:
        return any(o.code == code and not o.settled for o in self.obligations)

    def report(self, report_id: UUID) -> Report | None:
        return next((r for r in self.reports if r.id == report_id), None)
