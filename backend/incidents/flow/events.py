"""What happened: facts in the past tense. Applying one can never fail.

The tag of each struct is its type in the journal; fields are only ever added.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.incidents.flow.vocabulary import (
    Actor,
    Candidate,
    Handling,
    Kind,
    OfficeRef,
    Place,
    Urgency,
)


class Fact(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """Base of all events' bodies."""


# --- the alarm ----------------------------------------------------------------------------


class AlertRaised(Fact, frozen=True, kw_only=True, tag="AlertRaised"):
    no: str
    kind: Kind
    urgency: Urgency
    handling: Handling
    place: Place
    detector_id: UUID
    label: str
    quantity: str
    value: float | None
    unit: str
    limit: float | None
    emitted_at: datetime
    follows: UUID | None
    at_once: bool
    late_cause: str | None = None
    cards_version: int = 0
    """Which wording of the cards this incident is handled by (0: the core's own)."""
    equipment: dict[Kind, tuple[str, ...]] = {}
    surroundings: tuple[str, ...] = ()
    rule: str = ""
    """The code of the sensing rule that raised it, and the version of the rules then in force."""
    rules_version: int = 0


class EpisodeAdded(Fact, frozen=True, kw_only=True, tag="EpisodeAdded"):
    detector_id: UUID
    label: str
    kind: Kind
    quantity: str
    value: float | None
    unit: str
    limit: float | None
    emitted_at: datetime
    voids: bool
    """c1 and c2 were standing and are void now (I20)."""
    household_id: UUID | None = None
    rule: str = ""
    rules_version: int = 0


class DetectorNormal(Fact, frozen=True, kw_only=True, tag="DetectorNormal"):
    detector_id: UUID
    at: datetime
    normals: int


class NormalConditionMet(Fact, frozen=True, kw_only=True, tag="NormalConditionMet"):
    """c1 of 6.3.6.1: how = normal | replaced | rebaselined | hand_measured."""

    how: str
    evidence: str = ""
    second: str | None = None


# --- the desk -----------------------------------------------------------------------------


class DeskPresented(Fact, frozen=True, kw_only=True, tag="DeskPresented"):
    desk: str
    after_ms: int


class DeskMissing(Fact, frozen=True, kw_only=True, tag="DeskMissing"):
    pass


class IncidentClaimed(Fact, frozen=True, kw_only=True, tag="IncidentClaimed"):
    by: str
    name: str


class CallLogged(Fact, frozen=True, kw_only=True, tag="CallLogged"):
    contact: str
    result: str
    phrase: str | None
    attempt: int
    household_id: UUID | None = None


class PartySaidFalse(Fact, frozen=True, kw_only=True, tag="PartySaidFalse"):
    speaker: str
    relation: str
    on_spot: bool
    stands_down: bool
    missing: tuple[str, ...] = ()
    household_id: UUID | None = None


class PartySaidHandled(Fact, frozen=True, kw_only=True, tag="PartySaidHandled"):
    speaker: str
    note: str
    household_id: UUID | None = None


class VerificationVisitDue(Fact, frozen=True, kw_only=True, tag="VerificationVisitDue"):
    pass


class PartyCouldNotHandle(Fact, frozen=True, kw_only=True, tag="PartyCouldNotHandle"):
    speaker: str
    household_id: UUID | None = None


class PartyUnreached(Fact, frozen=True, kw_only=True, tag="PartyUnreached"):
    attempts: int
    household_id: UUID | None = None


class PartyNeededRescue(Fact, frozen=True, kw_only=True, tag="PartyNeededRescue"):
    speaker: str
    note: str
    household_id: UUID | None = None


# --- dispatch -----------------------------------------------------------------------------


class DispatchRequested(Fact, frozen=True, kw_only=True, tag="DispatchRequested"):
    reason: str
    round: int
    preferred: UUID | None = None
    not_again: tuple[UUID, ...] = ()
    """Whom this round leaves out: the desk took it from them."""


class Offered(Fact, frozen=True, kw_only=True, tag="Offered"):
    offer_id: UUID
    staff_id: UUID
    staff_name: str
    badge: str
    metres: float | None
    minutes: float | None
    basis: str
    expires_at: datetime
    pre_alerted: tuple[UUID, ...]
    candidates: tuple[Candidate, ...]
    helper: bool = False


class OfferDeclined(Fact, frozen=True, kw_only=True, tag="OfferDeclined"):
    offer_id: UUID
    staff_id: UUID
    staff_name: str
    reason: str
    note: str


class OfferExpired(Fact, frozen=True, kw_only=True, tag="OfferExpired"):
    offer_id: UUID
    staff_id: UUID
    staff_name: str


class OfferReleased(Fact, frozen=True, kw_only=True, tag="OfferReleased"):
    offer_id: UUID
    staff_id: UUID
    reason: str


class NobodyLeftToAsk(Fact, frozen=True, kw_only=True, tag="NobodyLeftToAsk"):
    candidates: tuple[Candidate, ...]
    helper: bool = False
    """Nobody is left to come beside the lead; a lead there is."""


class HelperWanted(Fact, frozen=True, kw_only=True, tag="HelperWanted"):
    reason: str


class HelperLeft(Fact, frozen=True, kw_only=True, tag="HelperLeft"):
    staff_id: UUID
    staff_name: str
    reason: str


class Accepted(Fact, frozen=True, kw_only=True, tag="Accepted"):
    offer_id: UUID | None
    staff_id: UUID
    staff_name: str
    badge: str
    metres: float | None
    minutes: float | None
    lead: bool
    late_after_s: float | None = None
    """A lead who is not there after so long gets somebody beside them."""


class LeadReleased(Fact, frozen=True, kw_only=True, tag="LeadReleased"):
    staff_id: UUID
    staff_name: str
    reason: str


class RespondersStoodDown(Fact, frozen=True, kw_only=True, tag="RespondersStoodDown"):
    staff_ids: tuple[UUID, ...]


# --- on scene -----------------------------------------------------------------------------


class ArrivedOnScene(Fact, frozen=True, kw_only=True, tag="ArrivedOnScene"):
    staff_id: UUID
    staff_name: str
    metres_off: float | None
    lead: bool


class FalseDeclared(Fact, frozen=True, kw_only=True, tag="FalseDeclared"):
    staff_id: UUID
    detector_photo: str | None
    no_photo_reason: str | None
    note: str


class RealConfirmed(Fact, frozen=True, kw_only=True, tag="RealConfirmed"):
    note: str


class AssessedControllable(Fact, frozen=True, kw_only=True, tag="AssessedControllable"):
    reason: str


class AssessedUncontrollable(Fact, frozen=True, kw_only=True, tag="AssessedUncontrollable"):
    reason: str


class PpeConfirmed(Fact, frozen=True, kw_only=True, tag="PpeConfirmed"):
    staff_id: UUID
    kinds: tuple[Kind, ...]


class PpeMissing(Fact, frozen=True, kw_only=True, tag="PpeMissing"):
    staff_id: UUID
    missing: tuple[str, ...]


class HandlingStarted(Fact, frozen=True, kw_only=True, tag="HandlingStarted"):
    pass


class Entered(Fact, frozen=True, kw_only=True, tag="Entered"):
    staff_id: UUID
    staff_name: str


class LeftScene(Fact, frozen=True, kw_only=True, tag="LeftScene"):
    staff_id: UUID
    staff_name: str


class CheckedIn(Fact, frozen=True, kw_only=True, tag="CheckedIn"):
    staff_id: UUID


class ItemDone(Fact, frozen=True, kw_only=True, tag="ItemDone"):
    card: str
    item: str
    result: str
    reason: str | None
    value: float | None
    photo: str | None
    cause: str | None
    about: str = ""


class Withdrawn(Fact, frozen=True, kw_only=True, tag="Withdrawn"):
    staff_id: UUID | None
    reason: str


class TrappedChanged(Fact, frozen=True, kw_only=True, tag="TrappedChanged"):
    count: int
    before: int
    place: str
    outcome: str | None


class InjuredChanged(Fact, frozen=True, kw_only=True, tag="InjuredChanged"):
    count: int
    handed_over: int


class AmbulanceNeeded(Fact, frozen=True, kw_only=True, tag="AmbulanceNeeded"):
    pass


class EmergencyCallLogged(Fact, frozen=True, kw_only=True, tag="EmergencyCallLogged"):
    number: str
    result: str


class FinalChecked(Fact, frozen=True, kw_only=True, tag="FinalChecked"):
    note: str


class HazardEliminated(Fact, frozen=True, kw_only=True, tag="HazardEliminated"):
    """c2 of 6.3.6.1."""

    staff_id: UUID | None
    staff_name: str
    note: str


# --- rescue, evacuation, cordon -----------------------------------------------------------


class ReportQueued(Fact, frozen=True, kw_only=True, tag="ReportQueued"):
    report_id: UUID
    office: OfficeRef
    situation: str
    location_gap: bool
    purpose: str = "rescue"
    """``rescue``, or ``people``: nobody of ours is left to send."""


class ReportGap(Fact, frozen=True, kw_only=True, tag="ReportGap"):
    """A report was due and no office is registered for the address."""


class ReportSupplemented(Fact, frozen=True, kw_only=True, tag="ReportSupplemented"):
    """More to say to those who have a report already."""

    text: str


class ReportReached(Fact, frozen=True, kw_only=True, tag="ReportReached"):
    report_id: UUID


class ReportAcknowledged(Fact, frozen=True, kw_only=True, tag="ReportAcknowledged"):
    report_id: UUID
    office_name: str
    reply: str | None
    sent: bool


class ReportUndelivered(Fact, frozen=True, kw_only=True, tag="ReportUndelivered"):
    report_id: UUID
    reason: str


class RoadOpened(Fact, frozen=True, kw_only=True, tag="RoadOpened"):
    pass


class GuideInPlace(Fact, frozen=True, kw_only=True, tag="GuideInPlace"):
    person: str
    place: str
    lat: float | None = None
    lon: float | None = None


class VehicleCame(Fact, frozen=True, kw_only=True, tag="VehicleCame"):
    what: str


class EvacuationStarted(Fact, frozen=True, kw_only=True, tag="EvacuationStarted"):
    pass


class RosterDrawn(Fact, frozen=True, kw_only=True, tag="RosterDrawn"):
    people: tuple[str, ...]


class PersonAccounted(Fact, frozen=True, kw_only=True, tag="PersonAccounted"):
    person_id: str | None
    household: str
    count: int
    status: str
    household_id: UUID | None = None


class EvacuationClosed(Fact, frozen=True, kw_only=True, tag="EvacuationClosed"):
    handed_to: str | None
    unaccounted: int = 0


class CordonSet(Fact, frozen=True, kw_only=True, tag="CordonSet"):
    shape: dict[str, Any]
    radius_m: float | None
    posts: int
    post_places: tuple[tuple[float, float], ...] = ()


class CordonLifted(Fact, frozen=True, kw_only=True, tag="CordonLifted"):
    pass


class Merged(Fact, frozen=True, kw_only=True, tag="Merged"):
    into: UUID
    reason: str


class Absorbed(Fact, frozen=True, kw_only=True, tag="Absorbed"):
    source: UUID
    no: str


class SplitOff(Fact, frozen=True, kw_only=True, tag="SplitOff"):
    household_id: UUID
    detector_ids: tuple[UUID, ...]
    reason: str


class IncidentsLinked(Fact, frozen=True, kw_only=True, tag="IncidentsLinked"):
    """``reason``: same_building or near; ``metres`` between the two places."""

    other: UUID
    no: str
    kind: Kind
    reason: str
    metres: float


class DrillMarked(Fact, frozen=True, kw_only=True, tag="DrillMarked"):
    pass


class DrillPlayed(Fact, frozen=True, kw_only=True, tag="DrillPlayed"):
    zh: str
    en: str


class DrillEnded(Fact, frozen=True, kw_only=True, tag="DrillEnded"):
    scenario: str
    review: str
    leader: str
    staff: tuple[str, ...]


class CommandHeld(Fact, frozen=True, kw_only=True, tag="CommandHeld"):
    commander: str


class CommandReturned(Fact, frozen=True, kw_only=True, tag="CommandReturned"):
    commander: str


class HandedToAuthority(Fact, frozen=True, kw_only=True, tag="HandedToAuthority"):
    authority: str
    acknowledged_by: str
    cycle_d: int
    reason: str = ""


# --- release and after --------------------------------------------------------------------


class Released(Fact, frozen=True, kw_only=True, tag="Released"):
    how: str
    category: str


class FalseOverruled(Fact, frozen=True, kw_only=True, tag="FalseOverruled"):
    reason: str


class ObligationDue(Fact, frozen=True, kw_only=True, tag="ObligationDue"):
    code: str
    due_at: datetime | None


class ObligationMet(Fact, frozen=True, kw_only=True, tag="ObligationMet"):
    code: str


class ObligationWaived(Fact, frozen=True, kw_only=True, tag="ObligationWaived"):
    code: str
    reason: str


class Advised(Fact, frozen=True, kw_only=True, tag="Advised"):
    kind: str
    way: str


class FalseReportFiled(Fact, frozen=True, kw_only=True, tag="FalseReportFiled"):
    cause: str
    analysis: str
    measure: str


class CommunityReported(Fact, frozen=True, kw_only=True, tag="CommunityReported"):
    state: str


class AuthorityReported(Fact, frozen=True, kw_only=True, tag="AuthorityReported"):
    authority: str
    by: str
    situation: str


class UnitReached(Fact, frozen=True, kw_only=True, tag="UnitReached"):
    unit: str
    by: str


class Checked(Fact, frozen=True, kw_only=True, tag="Checked"):
    result: str
    value: float | None


class CauseEstablished(Fact, frozen=True, kw_only=True, tag="CauseEstablished"):
    code: str
    note: str


class ArchiveRequested(Fact, frozen=True, kw_only=True, tag="ArchiveRequested"):
    pass


class Archived(Fact, frozen=True, kw_only=True, tag="Archived"):
    hash: str
    previous: str
    sealed_at: datetime


class AddendumAppended(Fact, frozen=True, kw_only=True, tag="AddendumAppended"):
    reason: str
    text: str
    approved_by: str
    answers: int | None = None
    """The version of the ``AddendumProposed`` that it adopts or leaves out."""


class AddendumProposed(Fact, frozen=True, kw_only=True, tag="AddendumProposed"):
    """A field fact that arrived after the seal; the desk may approve it as an addendum."""

    command: str
    arguments: dict[str, Any]


class NoteAdded(Fact, frozen=True, kw_only=True, tag="NoteAdded"):
    text: str


class PhotoAdded(Fact, frozen=True, kw_only=True, tag="PhotoAdded"):
    sha256: str
    taken_at: datetime
    caption: str
    burnt_sha256: str | None
    preview_sha256: str | None = None
    statement: str | None = None
    signature: str | None = None


class LateStatement(Fact, frozen=True, kw_only=True, tag="LateStatement"):
    """A field command that came too late to be applied; the desk reads it (I9)."""

    command: str
    arguments: dict[str, Any]
    why: str


class LateRaise(Fact, frozen=True, kw_only=True, tag="LateRaise"):
    """Severity was raised after release; a linked incident is opened for it."""

    command: str
    arguments: dict[str, Any]


class Reminded(Fact, frozen=True, kw_only=True, tag="Reminded"):
    about: str
    again_s: float | None = None
    """Said again after so long, while it still matters."""
    ref: UUID | None = None
    """What it is about, where there are several: a report, a person."""


AnyFact = (
    AlertRaised | EpisodeAdded | DetectorNormal | NormalConditionMet | DeskPresented | DeskMissing
    | IncidentClaimed | CallLogged | PartySaidFalse | PartySaidHandled | VerificationVisitDue
    | PartyCouldNotHandle | PartyUnreached | PartyNeededRescue | DispatchRequested | Offered
    | OfferDeclined | OfferExpired | OfferReleased | NobodyLeftToAsk | Accepted | LeadReleased
    | HelperWanted | HelperLeft
    | RespondersStoodDown | ArrivedOnScene | FalseDeclared | RealConfirmed | AssessedControllable
    | AssessedUncontrollable | PpeConfirmed | PpeMissing | HandlingStarted | Entered | LeftScene
    | CheckedIn | ItemDone | Withdrawn | TrappedChanged | InjuredChanged | AmbulanceNeeded
    | EmergencyCallLogged | FinalChecked | HazardEliminated | ReportQueued | ReportGap
    | ReportReached | ReportAcknowledged | ReportUndelivered | RoadOpened | GuideInPlace
    | VehicleCame | EvacuationStarted | RosterDrawn | PersonAccounted | EvacuationClosed
    | CordonSet | ReportSupplemented
    | CordonLifted | CommandHeld | CommandReturned | HandedToAuthority | Released | FalseOverruled
    | ObligationDue | ObligationMet | ObligationWaived | Advised | FalseReportFiled
    | CommunityReported | AuthorityReported | UnitReached | Checked | CauseEstablished
    | ArchiveRequested | Archived
    | Merged | Absorbed | SplitOff | IncidentsLinked | DrillMarked
    | AddendumAppended | AddendumProposed | NoteAdded | PhotoAdded | LateStatement | LateRaise
    | Reminded | DrillPlayed | DrillEnded
)  # fmt: skip


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of the journal: a fact and who, when and by which command (I17)."""

    incident_id: UUID
    version: int
    command_id: UUID
    actor: Actor
    occurred_at: datetime
    received_at: datetime
    late: bool
    source: str
    skew_ms: int | msgspec.UnsetType = msgspec.UNSET
    """Server minus phone clock, as the phone knew it at the tap; left out where it knew none."""
    fact: AnyFact


def type_name(fact: type[Fact]) -> str:
    """The name of this kind of fact in the journal."""
    return str(fact.__struct_config__.tag)


def type_of(fact: Fact) -> str:
    """The fact's type in the journal."""
    return type_name(type(fact))
