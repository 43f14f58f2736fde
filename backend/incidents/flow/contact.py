"""Region: the party on the telephone (6.2.2–6.2.4, Appendix A)."""

from uuid import UUID

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.incident import Attempt, Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.shared import (
    Answer,
    Decide,
    Evolve,
    call_for_people,
    due,
    escalate,
)
from backend.incidents.flow.vocabulary import Control, Kind, Role, State

put = msgspec.structs.replace
NOT_REACHED = frozenset({"no_answer", "busy", "wrong_person"})


def claim(now: Incident, order: c.Order, cmd: c.Claim, facts: Facts) -> Answer:
    if now.claimed_by == order.actor.id:
        return ()
    return (e.IncidentClaimed(by=order.actor.id, name=order.actor.name),)


def hand_over(now: Incident, order: c.Order, cmd: c.HandOver, facts: Facts) -> Answer:
    return (e.IncidentClaimed(by=str(cmd.to), name=facts.staff_name),)


def log_call(now: Incident, order: c.Order, cmd: c.LogCall, facts: Facts) -> Answer:
    thread = now.thread(cmd.household_id)
    attempt = len(thread.attempts) + 1
    logged = e.CallLogged(
        contact=cmd.contact,
        result=cmd.result,
        phrase=cmd.phrase,
        attempt=attempt,
        household_id=cmd.household_id,
    )
    if cmd.result not in NOT_REACHED or thread.phase in {"reached", "unreachable"}:
        return (logged,)
    if attempt < facts.policy.call_attempts:
        return (logged,)
    return (logged, *_unreached(now, attempt, cmd.household_id))


def _unreached(now: Incident, attempts: int, household: UUID | None) -> tuple[e.AnyFact, ...]:
    said = e.PartyUnreached(attempts=attempts, household_id=household)
    return (said, *call_for_people(now, "unreachable"))


def party_unreachable(
    now: Incident, order: c.Order, cmd: c.PartyUnreachable, facts: Facts
) -> Answer:
    attempts = len(now.contact.attempts)
    waited = (
        now.emitted_at is not None
        and (facts.now - now.emitted_at).total_seconds() >= facts.policy.contact_limit_s
    )
    if attempts < facts.policy.call_attempts and not waited:
        return refuse("call_again_first")
    return _unreached(now, attempts, None)


def party_reports_false(
    now: Incident, order: c.Order, cmd: c.PartyReportsFalse, facts: Facts
) -> Answer:
    """T5: allowed with three guards; a resident's own word is kept even when it is not enough."""
    doubts = _doubts(now, cmd)
    if doubts and order.actor.role is not Role.RESIDENT:
        return refuse("false_needs_visit", *doubts)
    said = e.PartySaidFalse(
        speaker=cmd.speaker,
        relation=cmd.relation,
        on_spot=cmd.on_spot,
        stands_down=not doubts,
        missing=doubts,
        household_id=cmd.household_id,
    )
    if doubts:
        return (said, *call_for_people(now, "false_needs_visit"))
    report_due = due(now, "false_report", facts.after(facts.policy.false_report_s))
    return (said, *stand_down(now), *report_due)


def _doubts(now: Incident, cmd: c.PartyReportsFalse) -> tuple[str, ...]:
    found = {
        "speaker": not cmd.speaker.strip(),
        "on_spot": not cmd.on_spot,
        "still_alarming": bool(now.alarming),
        "two_detectors": len(now.detectors) > 1,
        "structure": Kind.STRUCTURE in now.kinds,
        "trapped": now.people.trapped > 0,
        "injured": now.people.hurt > 0,
        "uncontrollable": now.control is Control.UNCONTROLLABLE,
        "late_state": now.state
        not in {State.DESK_HANDLING, State.PARTY_HANDLED, State.DISPATCHING, State.EN_ROUTE},
    }
    return tuple(code for code, true in found.items() if true)


def stand_down(now: Incident) -> tuple[e.AnyFact, ...]:
    """Everybody asked or on the way is told to stop."""
    people = [r.staff_id for r in (now.lead, *now.helpers) if r is not None]
    asked = tuple(
        e.OfferReleased(offer_id=o.id, staff_id=o.staff_id, reason="stood_down")
        for o in now.offers
        if o.outcome == "open"
    )
    return (*asked, e.RespondersStoodDown(staff_ids=tuple(people)))


def party_handled(now: Incident, order: c.Order, cmd: c.PartyHandled, facts: Facts) -> Answer:
    said = e.PartySaidHandled(speaker=cmd.speaker, note=cmd.note, household_id=cmd.household_id)
    return (said, e.VerificationVisitDue())


def party_cannot_handle(
    now: Incident, order: c.Order, cmd: c.PartyCannotHandle, facts: Facts
) -> Answer:
    said = e.PartyCouldNotHandle(speaker=cmd.speaker, household_id=cmd.household_id)
    return (said, *call_for_people(now, "cannot_handle"))


def party_needs_rescue(
    now: Incident, order: c.Order, cmd: c.PartyNeedsRescue, facts: Facts
) -> Answer:
    said = e.PartyNeededRescue(speaker=cmd.speaker, note=cmd.note, household_id=cmd.household_id)
    moves = any(KINDS[kind].evacuates for kind in now.kinds)
    out = (e.EvacuationStarted(),) if moves and now.evacuation.state != "running" else ()
    return (said, *out, *escalate(now, facts, cmd.note or "party_needs_rescue"))


# --- applying -----------------------------------------------------------------------------


def claimed(now: Incident, event: e.Event, fact: e.IncidentClaimed) -> Incident:
    first = now.claimed_at or event.received_at
    return put(now, claimed_by=fact.by, claimed_name=fact.name, claimed_at=first)


def _in_thread(now: Incident, household: UUID | None, **changes: object) -> Incident:
    """The incident with one household's thread changed."""
    changed = put(now.thread(household), **changes)
    if household is None or household == now.place.household_id:
        return put(now, contact=changed)
    return put(now, threads={**now.threads, household: changed})


def call_logged(now: Incident, event: e.Event, fact: e.CallLogged) -> Incident:
    thread = now.thread(fact.household_id)
    tried = Attempt(contact=fact.contact, result=fact.result, at=event.occurred_at)
    phase = "reached" if "reached" in {fact.result, thread.phase} else "calling"
    return _in_thread(now, fact.household_id, phase=phase, attempts=(*thread.attempts, tried))


def said_false(now: Incident, event: e.Event, fact: e.PartySaidFalse) -> Incident:
    after = _in_thread(now, fact.household_id, phase="reached", outcome="no_abnormality")
    if not fact.stands_down:
        return after
    return put(
        after,
        state=State.STOOD_DOWN,
        false_by="party",
        false_declared_at=event.received_at,
        dispatch_open=False,
    )


def said_handled(now: Incident, event: e.Event, fact: e.PartySaidHandled) -> Incident:
    after = _in_thread(now, fact.household_id, phase="reached", outcome="handled")
    return put(after, state=State.PARTY_HANDLED)


def visit_due(now: Incident, event: e.Event, fact: e.VerificationVisitDue) -> Incident:
    return put(now, verification=True)


def could_not(now: Incident, event: e.Event, fact: e.PartyCouldNotHandle) -> Incident:
    return _in_thread(now, fact.household_id, phase="reached", outcome="cannot_handle")


def unreached(now: Incident, event: e.Event, fact: e.PartyUnreached) -> Incident:
    return _in_thread(now, fact.household_id, phase="unreachable")


def needed_rescue(now: Incident, event: e.Event, fact: e.PartyNeededRescue) -> Incident:
    after = _in_thread(now, fact.household_id, phase="reached", outcome="needs_rescue")
    return put(after, real=True, control=Control.UNCONTROLLABLE)


DECIDE: dict[type[c.Command], Decide] = {
    c.Claim: claim,
    c.HandOver: hand_over,
    c.LogCall: log_call,
    c.PartyUnreachable: party_unreachable,
    c.PartyReportsFalse: party_reports_false,
    c.PartyHandled: party_handled,
    c.PartyCannotHandle: party_cannot_handle,
    c.PartyNeedsRescue: party_needs_rescue,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.IncidentClaimed: claimed,
    e.CallLogged: call_logged,
    e.PartySaidFalse: said_false,
    e.PartySaidHandled: said_handled,
    e.VerificationVisitDue: visit_due,
    e.PartyCouldNotHandle: could_not,
    e.PartyUnreached: unreached,
    e.PartyNeededRescue: needed_rescue,
}
