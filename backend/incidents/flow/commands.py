"""What somebody may ask of an incident. Numbers in docstrings are rows of ``docs/rules.md``."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from backend.incidents.flow.vocabulary import (
    Actor,
    Candidate,
    Handling,
    Kind,
    Place,
    Urgency,
)

Text = str
_NAME = "name"


class Command(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field=_NAME):
    """Base of all commands; the wire form is ``{"name": …, …args}``."""


# --- issued by the platform ---------------------------------------------------------------


class RaiseAlert(Command, frozen=True, kw_only=True, tag="raise_alert"):
    """1: a rule fired; the incident begins."""

    no: str
    kind: Kind
    urgency: Urgency
    handling: Handling
    place: Place
    detector_id: UUID
    label: str
    quantity: str
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    emitted_at: datetime
    follows: UUID | None = None
    at_once: bool = False
    """Dispatch in parallel with the call (T3): smoke, gas, arc."""
    late_cause: str | None = None
    cards_version: int = 0
    equipment: dict[Kind, tuple[str, ...]] = {}
    """What must be worn, by kind, where the operator's list is another than the core's."""
    surroundings: tuple[str, ...] = ()
    """Buildings around the place as they are called, for B.4."""
    rule: str = ""
    """The code of the sensing rule that raised it, and the version of the rules then in force."""
    rules_version: int = 0


class NewAlarm(Command, frozen=True, kw_only=True, tag="new_alarm"):
    """39: another signal of the same place."""

    detector_id: UUID
    label: str
    kind: Kind
    quantity: str
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    emitted_at: datetime
    household_id: UUID | None = None
    rule: str = ""
    rules_version: int = 0


class DataNormal(Command, frozen=True, kw_only=True, tag="data_normal"):
    """37: one detector meets its clear rule with fresh readings."""

    detector_id: UUID
    at: datetime
    normals: int


class PresentToDesk(Command, frozen=True, kw_only=True, tag="present_to_desk"):
    """2: a desk's browser has it on the screen."""

    desk: str


class NoDesk(Command, frozen=True, kw_only=True, tag="no_desk"):
    """3: the presentation limit passed and no desk showed it."""


class Offer(Command, frozen=True, kw_only=True, tag="offer"):
    """11: ask the best eligible person."""

    offer_id: UUID
    staff_id: UUID
    name_: str = msgspec.field(name="staffName")
    badge: str = ""
    metres: float | None = None
    minutes: float | None = None
    basis: str = ""
    expires_at: datetime
    pre_alerted: tuple[UUID, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    helper: bool = False
    """Asked to come as well, beside the lead."""


class ExpireOffer(Command, frozen=True, kw_only=True, tag="expire_offer"):
    """13: the offer's time is over."""

    offer_id: UUID


class NobodyLeft(Command, frozen=True, kw_only=True, tag="nobody_left"):
    """13: no eligible person is left in this round."""

    candidates: tuple[Candidate, ...] = ()


class ReportDelivered(Command, frozen=True, kw_only=True, tag="report_delivered"):
    report_id: UUID


class ReportFailed(Command, frozen=True, kw_only=True, tag="report_failed"):
    report_id: UUID
    reason: str


class Remind(Command, frozen=True, kw_only=True, tag="remind"):
    """A deadline passed; says so if it still matters."""

    about: str
    ref: UUID | None = None


class Seal(Command, frozen=True, kw_only=True, tag="seal"):
    """50: the archive entry is stored; closes the incident."""

    hash: str
    previous: str
    sealed_at: datetime


# --- desk and party -----------------------------------------------------------------------


class Absorb(Command, frozen=True, kw_only=True, tag="absorb"):
    """52: another incident was merged into this one."""

    source: UUID
    no: str
    detectors: tuple[NewAlarm, ...]
    alarming: tuple[UUID, ...]


class LinkIncident(Command, frozen=True, kw_only=True, tag="link_incident"):
    """52: another open incident is one event with this one; each keeps its own release."""

    other: UUID
    no: str
    kind: Kind
    reason: Literal["same_building", "near"]
    metres: float


class Claim(Command, frozen=True, kw_only=True, tag="claim"):
    """4"""


class HandOver(Command, frozen=True, kw_only=True, tag="hand_over"):
    """4"""

    to: UUID


class LogCall(Command, frozen=True, kw_only=True, tag="log_call"):
    """5"""

    contact: Text
    result: Literal["no_answer", "busy", "reached", "wrong_person"]
    phrase: Text | None = None
    household_id: UUID | None = None


class PartyReportsFalse(Command, frozen=True, kw_only=True, tag="party_reports_false"):
    """6"""

    speaker: Text
    relation: Text = ""
    on_spot: bool = False
    household_id: UUID | None = None


class PartyHandled(Command, frozen=True, kw_only=True, tag="party_handled"):
    """7"""

    speaker: Text
    note: Text = ""
    household_id: UUID | None = None


class PartyCannotHandle(Command, frozen=True, kw_only=True, tag="party_cannot_handle"):
    """8"""

    speaker: Text = ""
    household_id: UUID | None = None


class PartyUnreachable(Command, frozen=True, kw_only=True, tag="party_unreachable"):
    """8"""


class PartyNeedsRescue(Command, frozen=True, kw_only=True, tag="party_needs_rescue"):
    """9"""

    speaker: Text = ""
    note: Text = ""
    household_id: UUID | None = None


class DispatchNow(Command, frozen=True, kw_only=True, tag="dispatch_now"):
    """10"""

    reason: Text = ""


class Reassign(Command, frozen=True, kw_only=True, tag="reassign"):
    """15"""

    to: UUID | None = None
    reason: Text


class CallHelper(Command, frozen=True, kw_only=True, tag="call_helper"):
    """15b: one more person beside the lead, the next nearest."""

    reason: Text = ""


# --- field --------------------------------------------------------------------------------


class Accept(Command, frozen=True, kw_only=True, tag="accept"):
    """12"""

    offer_id: UUID


class Decline(Command, frozen=True, kw_only=True, tag="decline"):
    """13"""

    offer_id: UUID
    reason: Literal["busy", "too_far", "unwell", "no_equipment", "other"]
    note: Text = ""


class SelfAssign(Command, frozen=True, kw_only=True, tag="self_assign"):
    """14"""


class Arrived(Command, frozen=True, kw_only=True, tag="arrived"):
    """16"""

    metres_off: float | None = None


class FieldDeclaresFalse(Command, frozen=True, kw_only=True, tag="field_declares_false"):
    """17"""

    detector_photo: Text | None = None
    no_photo_reason: Text | None = None
    note: Text = ""


class ConfirmReal(Command, frozen=True, kw_only=True, tag="confirm_real"):
    """18"""

    note: Text = ""


class AssessControllable(Command, frozen=True, kw_only=True, tag="assess_controllable"):
    """19, 20"""

    controllable: bool
    reason: Text = ""


class PpeItem(msgspec.Struct, frozen=True, kw_only=True):
    code: Text
    has: bool


class ConfirmPpe(Command, frozen=True, kw_only=True, tag="confirm_ppe"):
    """21"""

    items: tuple[PpeItem, ...]


class StartHandling(Command, frozen=True, kw_only=True, tag="start_handling"):
    """22"""


class Enter(Command, frozen=True, kw_only=True, tag="enter"):
    """22b: a further person goes in, or somebody who was out goes in again."""


class Tick(Command, frozen=True, kw_only=True, tag="tick"):
    """23"""

    card: Text
    item: Text
    result: Literal["done", "not_possible"]
    reason: Text | None = None
    value: float | None = None
    photo: Text | None = None
    cause: Text | None = None
    about: Text = ""
    """Which building (B.4; empty: the alarming one) or which rung of the ladder (B.6)."""


class Withdraw(Command, frozen=True, kw_only=True, tag="withdraw"):
    """24"""

    reason: Text = ""


class LeaveScene(Command, frozen=True, kw_only=True, tag="leave_scene"):
    """Out of the danger area; ends the entry."""


class CheckIn(Command, frozen=True, kw_only=True, tag="check_in"):
    """Lone-worker check-in; the desk says it for ``staff`` once it has them on the telephone."""

    staff: UUID | None = None


class ReportTrapped(Command, frozen=True, kw_only=True, tag="report_trapped"):
    """25"""

    count: int
    place: Text = ""
    outcome: Text | None = None


class ReportInjured(Command, frozen=True, kw_only=True, tag="report_injured"):
    """26"""

    count: int
    handed_over: int = 0


class LogEmergencyCall(Command, frozen=True, kw_only=True, tag="log_emergency_call"):
    """27"""

    number: Literal["119", "120", "110"]
    result: Text = "called"


class ReportTo(Command, frozen=True, kw_only=True, tag="report_to"):
    """28"""

    offices: tuple[UUID, ...] | None = None
    situation: Text = ""


class AcknowledgeReport(Command, frozen=True, kw_only=True, tag="acknowledge_report"):
    """29"""

    report_id: UUID
    reply: Text | None = None
    sent: bool = False


class RoadCleared(Command, frozen=True, kw_only=True, tag="road_cleared"):
    """30"""


class GuidePosted(Command, frozen=True, kw_only=True, tag="guide_posted"):
    """30"""

    person: Text = ""
    place: Text = ""
    lat: float | None = None
    lon: float | None = None
    """The meeting point as chosen on the map, degrees WGS-84."""


class VehicleArrived(Command, frozen=True, kw_only=True, tag="vehicle_arrived"):
    """30"""

    what: Text


class StartEvacuation(Command, frozen=True, kw_only=True, tag="start_evacuation"):
    """31"""


class DrawRoster(Command, frozen=True, kw_only=True, tag="draw_roster"):
    """31: whom an evacuation has to find, by id; names stay where they are kept."""

    people: tuple[Text, ...]


class PersonOut(Command, frozen=True, kw_only=True, tag="person_out"):
    """31"""

    person_id: Text | None = None
    """Of the roster; ``home:<household>`` for a home of which nobody is registered."""
    household: Text = ""
    household_id: UUID | None = None
    count: int = 1
    """1 for a person; below zero takes people without a name back off the count."""
    status: Literal["out", "with_fire", "nobody_home", "refused", "untick"] = "out"


class CloseEvacuation(Command, frozen=True, kw_only=True, tag="close_evacuation"):
    """31"""

    handed_to: Text | None = None
    unaccounted: int = 0


class SetCordon(Command, frozen=True, kw_only=True, tag="set_cordon"):
    """32"""

    shape: dict[str, Any]
    radius_m: float | None = None
    posts: int = 0
    post_places: tuple[tuple[float, float], ...] = ()
    """Where somebody stands guard, each (lon, lat) in degrees WGS-84."""


class LiftCordon(Command, frozen=True, kw_only=True, tag="lift_cordon"):
    """33"""


class Merge(Command, frozen=True, kw_only=True, tag="merge"):
    """52: this incident and ``into`` are one; this one is released as merged."""

    into: UUID
    reason: Text = ""


class Split(Command, frozen=True, kw_only=True, tag="split"):
    """52: a household gets an incident, and a release, of its own."""

    household_id: UUID
    reason: Text = ""


class MarkDrill(Command, frozen=True, kw_only=True, tag="mark_drill"):
    """53: this is an exercise; at creation only."""


class PlayInDrill(Command, frozen=True, kw_only=True, tag="play_in_drill"):
    """53b: something that the people in a drill would see or hear."""

    zh: Text
    en: Text = ""


class EndDrill(Command, frozen=True, kw_only=True, tag="end_drill"):
    """53c: the drill is over wherever it stands; it is closed and kept for training."""

    scenario: Text = ""
    review: Text = ""
    leader: Text = ""
    staff: tuple[str, ...] = ()
    """Names of those who took part."""


class FireCommandTakesOver(Command, frozen=True, kw_only=True, tag="fire_command_takes_over"):
    """34"""

    commander: Text


class FireCommandGivesBack(Command, frozen=True, kw_only=True, tag="fire_command_gives_back"):
    """34"""

    commander: Text


class FinalCheck(Command, frozen=True, kw_only=True, tag="final_check"):
    """35"""

    note: Text = ""


class FieldConfirmEliminated(Command, frozen=True, kw_only=True, tag="field_confirm_eliminated"):
    """36"""

    note: Text = ""


# --- release and after --------------------------------------------------------------------


class SubstituteC1(Command, frozen=True, kw_only=True, tag="substitute_c1"):
    """38"""

    how: Literal["replaced", "rebaselined", "hand_measured"]
    evidence: Text
    second: Text | None = None


class DeskReleaseReal(Command, frozen=True, kw_only=True, tag="desk_release_real"):
    """40"""

    category: Text


class DeskReleaseFalse(Command, frozen=True, kw_only=True, tag="desk_release_false"):
    """41"""


class DeskOverrulesFalse(Command, frozen=True, kw_only=True, tag="desk_overrules_false"):
    """42"""

    reason: Text


class HandToAuthority(Command, frozen=True, kw_only=True, tag="hand_to_authority"):
    """43"""

    authority: Text
    acknowledged_by: Text
    cycle_d: int | None = None
    """Days between two looks; the kind's own cycle where none is named."""
    reason: Text = ""
    """Needed for every kind but a building."""


class PartyAdvised(Command, frozen=True, kw_only=True, tag="party_advised"):
    """44"""

    kind: Literal["handling", "prevention"]
    way: Literal["spoken", "sent", "written"]


class SubmitFalseReport(Command, frozen=True, kw_only=True, tag="submit_false_report"):
    """45"""

    cause: Text
    analysis: Text
    measure: Text


class CommunityReport(Command, frozen=True, kw_only=True, tag="community_report"):
    """46"""

    state: Text


class AuthorityReport(Command, frozen=True, kw_only=True, tag="authority_report"):
    """46b: B.4, a hazard is told to the housing authority, whoever goes on handling it."""

    authority: Text
    by: Text = ""
    situation: Text = ""


class UnitContacted(Command, frozen=True, kw_only=True, tag="unit_contacted"):
    """47"""

    unit: Text
    by: Text = ""


class CheckResult(Command, frozen=True, kw_only=True, tag="check_result"):
    """47"""

    result: Text
    value: float | None = None


class CauseFound(Command, frozen=True, kw_only=True, tag="cause_found"):
    """48"""

    code: Text
    note: Text = ""


class Waive(Command, frozen=True, kw_only=True, tag="waive"):
    """49"""

    obligation: Text
    reason: Text


class Archive(Command, frozen=True, kw_only=True, tag="archive"):
    """50"""


class Addendum(Command, frozen=True, kw_only=True, tag="addendum"):
    """51"""

    reason: Text
    text: Text
    approved_by: Text
    answers: int | None = None


class Note(Command, frozen=True, kw_only=True, tag="note"):
    """54"""

    text: Text


class Photo(Command, frozen=True, kw_only=True, tag="photo"):
    """54"""

    sha256: Text
    taken_at: datetime
    caption: Text = ""
    burnt_sha256: Text | None = None
    preview_sha256: Text | None = None
    statement: Text | None = None
    """What the phone signed at the shutter, exactly as signed (backend/shared/photo_proof.py)."""
    signature: Text | None = None


AnyCommand = (
    RaiseAlert | NewAlarm | DataNormal | PresentToDesk | NoDesk | Offer | ExpireOffer | NobodyLeft
    | PlayInDrill | EndDrill | ReportDelivered | ReportFailed | Remind | Seal | Absorb | Merge
    | LinkIncident | Split | MarkDrill
    | Claim | HandOver | LogCall | PartyReportsFalse | PartyHandled | PartyCannotHandle
    | PartyUnreachable | PartyNeedsRescue | DispatchNow | Reassign | CallHelper
    | Accept | Decline | SelfAssign | Arrived | FieldDeclaresFalse | ConfirmReal
    | AssessControllable | ConfirmPpe | StartHandling | Enter | Tick | Withdraw
    | LeaveScene | CheckIn
    | ReportTrapped | ReportInjured | LogEmergencyCall | ReportTo | AcknowledgeReport
    | RoadCleared | GuidePosted | VehicleArrived | StartEvacuation | DrawRoster | PersonOut
    | CloseEvacuation
    | SetCordon | LiftCordon | FireCommandTakesOver | FireCommandGivesBack | FinalCheck
    | FieldConfirmEliminated | SubstituteC1 | DeskReleaseReal | DeskReleaseFalse
    | DeskOverrulesFalse | HandToAuthority | PartyAdvised | SubmitFalseReport | CommunityReport
    | AuthorityReport | UnitContacted | CheckResult | CauseFound | Waive | Archive | Addendum
    | Note | Photo
)  # fmt: skip


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A command with everything the journal must know about it.

    ``occurred_at`` is the corrected time of the tap (never later than ``received_at``, never
    before the incident was emitted); both are UTC. ``late`` is received − occurred > 60 s.
    """

    command_id: UUID
    incident_id: UUID
    actor: Actor
    occurred_at: datetime
    received_at: datetime
    source: str
    command: AnyCommand
    late: bool = False
    device_id: str | None = None
    seq: int | None = None
    seen_version: int | None = None
    skew_ms: int | None = None


def name_of_type(command: type[Command]) -> str:
    """The name of this kind of command on the wire and in the rules."""
    return str(command.__struct_config__.tag)


def name_of(command: Command) -> str:
    """The command's name on the wire and in the rules."""
    return name_of_type(type(command))
