"""The table of commands: who may issue what, from which states, and what lateness does to it.

A rule's code (L1 …) is also the test's id, the journal's ``rule`` in refusals and the row in
``docs/rules.md``; the clause says where the rule comes from (▲ = ours).
"""

from backend.incidents.flow import commands as c
from backend.incidents.flow.facts import Rule
from backend.incidents.flow.vocabulary import ALERTING, OPEN, UNSEALED, Offline, Role, State

SYS = {Role.SYSTEM}
DK = {Role.DESK, Role.DESK_LEAD}
DL = {Role.DESK_LEAD}
F = {Role.FIELD}
RS = {Role.RESIDENT}
CO = {Role.OFFICE}
TE = {Role.TECHNICIAN}
ANYBODY = F | DK | RS | CO | TE | {Role.MANAGER}
AFTER_ARRIVAL = {State.ON_SCENE, State.HANDLING, State.RESCUE}
ANSWERING = {State.DISPATCHING, State.PARTY_HANDLED, State.EN_ROUTE, *AFTER_ARRIVAL}
"""While somebody may be asked: for the lead, or to come beside the lead."""
FACT, RAISES, LOWERS = Offline.FACT, Offline.RAISES, Offline.LOWERS


def _rule(
    code: str,
    command: type[c.Command],
    roles: set[Role],
    states: set[State] | frozenset[State],
    clause: str,
    offline: Offline | None = None,
) -> Rule:
    return Rule(
        code=code,
        command=command,
        roles=frozenset(roles),
        states=frozenset(states),
        clause=clause,
        offline=offline,
    )


TABLE: tuple[Rule, ...] = (
    _rule("L1", c.RaiseAlert, SYS, {State.NEW}, "6.2.1-a"),
    _rule("L2", c.PresentToDesk, SYS, OPEN, "6.2.1-b"),
    _rule("L3", c.NoDesk, SYS, OPEN, "4.1-c"),
    _rule("L4a", c.Claim, DK, OPEN, "6.2.1-a"),
    _rule("L4b", c.HandOver, DK, OPEN, "6.2.1-a"),
    _rule("L5", c.LogCall, DK, OPEN, "6.2.2-a"),
    _rule("L6", c.PartyReportsFalse, DK | RS, ALERTING, "6.2.4-a"),
    _rule("L7", c.PartyHandled, DK | RS,
          {State.RAISED, State.DESK_HANDLING, State.DISPATCHING}, "6.2.3-b"),
    _rule("L8a", c.PartyCannotHandle, DK, ALERTING, "6.2.3-b"),
    _rule("L8b", c.PartyUnreachable, DK | SYS, ALERTING, "6.2.3-a"),
    _rule("L9", c.PartyNeedsRescue, DK | RS, OPEN, "A.1-d"),
    _rule("L10", c.DispatchNow, DK | SYS,
          {State.RAISED, State.DESK_HANDLING, State.PARTY_HANDLED, State.DISPATCHING}, "6.2.3-a"),
    _rule("L11", c.Offer, SYS, ANSWERING, "6.2.3-c"),
    _rule("L12", c.Accept, F, ANSWERING, "6.2.3-c"),
    _rule("L13a", c.Decline, F, ANSWERING, "6.2.3-c"),
    _rule("L13b", c.ExpireOffer, SYS, OPEN, "6.2.3-c"),
    _rule("L13c", c.NobodyLeft, SYS, ANSWERING, "4.2.4.2"),
    _rule("L14", c.SelfAssign, F,
          ALERTING - {State.RAISED, State.DESK_HANDLING}, "6.2.3-c", RAISES),
    _rule("L15", c.Reassign, DK,
          {State.DISPATCHING, State.EN_ROUTE, State.ON_SCENE, State.HANDLING, State.RESCUE},
          "6.2.3-c"),
    _rule("L15b", c.CallHelper, F | DK, {State.EN_ROUTE, *AFTER_ARRIVAL}, "6.2.3-c"),
    _rule("L16", c.Arrived, F, OPEN, "6.3.2-0", FACT),
    _rule("L17", c.FieldDeclaresFalse, F, {State.ON_SCENE}, "6.3.2-a", LOWERS),
    _rule("L18", c.ConfirmReal, F | DK, {State.ON_SCENE, State.EN_ROUTE}, "6.3.2-b", RAISES),
    _rule("L19", c.AssessControllable, F | DK, OPEN - {State.RAISED}, "Fig.1"),
    _rule("L21", c.ConfirmPpe, F, {State.EN_ROUTE, *AFTER_ARRIVAL}, "6.3.3.1-a", FACT),
    _rule("L22", c.StartHandling, F, {State.ON_SCENE}, "6.3.3.1-b", FACT),
    _rule("L22b", c.Enter, F, {State.HANDLING}, "6.3.3.1-b", FACT),
    _rule("L23", c.Tick, F,
          AFTER_ARRIVAL | {State.MONITORED, State.CLEARING, State.STOOD_DOWN, State.RELEASED},
          "6.3.3.1-d", FACT),
    _rule("L24", c.Withdraw, F, OPEN - {State.RAISED}, "6.3.3.1-c", RAISES),
    _rule("L24b", c.LeaveScene, F, OPEN, "6.3.3.1-c", FACT),
    _rule("L24c", c.CheckIn, F | DK, OPEN, "6.3.3.1-c", FACT),
    _rule("L25", c.ReportTrapped, F | DK | RS, OPEN, "6.3.3.2-a", RAISES),
    _rule("L26", c.ReportInjured, F | DK | RS, OPEN, "6.3.4.1-b", RAISES),
    _rule("L27", c.LogEmergencyCall, ANYBODY, UNSEALED, "6.3.4.1-b", FACT),
    _rule("L28", c.ReportTo, F | DK, OPEN, "6.3.4.1-a", RAISES),
    _rule("L29a", c.ReportDelivered, SYS, UNSEALED, "6.3.4.1-a"),
    _rule("L29b", c.ReportFailed, SYS, UNSEALED, "6.3.4.1-a"),
    _rule("L29c", c.AcknowledgeReport, CO, UNSEALED, "6.3.4.1-a"),
    _rule("L30a", c.RoadCleared, F | DK, OPEN, "6.3.4.2-a", FACT),
    _rule("L30b", c.GuidePosted, F | DK, OPEN, "6.3.4.2-b", FACT),
    _rule("L30c", c.VehicleArrived, F | DK, OPEN, "6.3.4.2-b", FACT),
    _rule("L31a", c.StartEvacuation, F | DK, OPEN, "6.3.5.1-a", FACT),
    _rule("L31b", c.PersonOut, F | DK, OPEN, "6.3.5.1-a", FACT),
    _rule("L31c", c.CloseEvacuation, F | DK, UNSEALED, "6.3.5.1-b", FACT),
    _rule("L31d", c.DrawRoster, SYS, OPEN, "6.3.5.1-a"),
    _rule("L32", c.SetCordon, F | DK, OPEN, "6.3.5.2", RAISES),
    _rule("L33", c.LiftCordon, F | DK,
          {State.CLEARING, State.STOOD_DOWN, State.RELEASED}, "6.3.5.2", LOWERS),
    _rule("L34a", c.FireCommandTakesOver, F | DK, OPEN, "6.3.5.1-a", FACT),
    _rule("L34b", c.FireCommandGivesBack, F | DK, UNSEALED, "6.3.5.1-a", FACT),
    _rule("L35", c.FinalCheck, F, AFTER_ARRIVAL | {State.MONITORED}, "6.3.3.3", FACT),
    _rule("L36", c.FieldConfirmEliminated, F, AFTER_ARRIVAL | {State.MONITORED},
          "6.3.6.1-b", LOWERS),
    _rule("L37", c.DataNormal, SYS, OPEN, "6.3.6.1-a"),
    _rule("L38", c.SubstituteC1, TE | F | DL, {State.CLEARING, State.MONITORED}, "6.3.6.1-a"),
    _rule("L39", c.NewAlarm, SYS, OPEN, "6.3.6.1-a"),
    _rule("L40", c.DeskReleaseReal, DK, {State.CLEARING}, "6.3.6.1-0"),
    _rule("L41", c.DeskReleaseFalse, DK, {State.STOOD_DOWN}, "6.2.4-b"),
    _rule("L42", c.DeskOverrulesFalse, DK, {State.STOOD_DOWN}, "6.2.4-a"),
    _rule("L43", c.HandToAuthority, F | DL, AFTER_ARRIVAL, "B.4-3"),
    _rule("L44", c.PartyAdvised, F | DK,
          {State.RELEASED, State.STOOD_DOWN, State.CLEARING}, "6.3.6.2-a", FACT),
    _rule("L45", c.SubmitFalseReport, F, {State.STOOD_DOWN, State.RELEASED}, "6.2.4-d", FACT),
    _rule("L46", c.CommunityReport, F | DK, UNSEALED, "B.6-3", FACT),
    _rule("L46b", c.AuthorityReport, F | DK, UNSEALED, "B.4-3", FACT),
    _rule("L47a", c.UnitContacted, F | DK, UNSEALED, "B.5-1", FACT),
    _rule("L47b", c.CheckResult, F | DK, UNSEALED, "B.5-2", FACT),
    _rule("L48", c.CauseFound, F | TE, UNSEALED, "B.1-2", FACT),
    _rule("L49", c.Waive, DL, {State.RELEASED}, "6.3.6.2-a"),
    _rule("L50a", c.Archive, DK, {State.RELEASED}, "6.3.7.1-a"),
    _rule("L50b", c.Seal, SYS, {State.RELEASED}, "6.3.7.1-b"),
    _rule("L51", c.Addendum, DK | {Role.AUDIT}, {State.ARCHIVED}, "6.3.7.1-b"),
    _rule("L52a", c.Merge, DK, OPEN, "6.3.7.3-b"),
    _rule("L52b", c.Absorb, SYS, OPEN, "6.3.7.3-b"),
    _rule("L52c", c.Split, DK, OPEN, "6.3.6.1-a"),
    _rule("L52d", c.LinkIncident, SYS, UNSEALED, "6.3.5.1-a"),
    _rule("L53", c.MarkDrill, DL | {Role.MANAGER}, {State.RAISED}, "4.2.4.1-d"),
    _rule("L53b", c.PlayInDrill, SYS, UNSEALED, "4.2.4.1-d"),
    _rule("L53c", c.EndDrill, SYS, UNSEALED, "4.2.4.1-d"),
    _rule("L54a", c.Note, F | DK | TE | SYS, UNSEALED, "6.3.7.1-a", FACT),
    _rule("L54b", c.Photo, F | DK, UNSEALED, "6.3.7.1-a", FACT),
    _rule("L55", c.Remind, SYS, UNSEALED, "6.2.1-a"),
)  # fmt: skip

RULES: dict[type[c.Command], Rule] = {rule.command: rule for rule in TABLE}

OFF_SHIFT_TOO = frozenset(
    {
        c.PartyAdvised,
        c.SubmitFalseReport,
        c.CommunityReport,
        c.AuthorityReport,
        c.UnitContacted,
        c.CheckResult,
        c.CauseFound,
        c.Note,
        c.Photo,
        c.LogEmergencyCall,
        c.Tick,
    }
)
"""What a person may still write down after the shift: their own paperwork."""


def offline_class(command: c.Command) -> Offline | None:
    """FACT, RAISES, LOWERS or None (may not wait for the network).

    ``assess_controllable`` is two commands in one: yes lowers, no raises.
    """
    if isinstance(command, c.AssessControllable):
        return LOWERS if command.controllable else RAISES
    found = RULES[type(command)].offline
    return Offline(found) if found is not None else None
