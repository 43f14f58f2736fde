"""Region: the alarm itself. Raised, again, back to normal."""

from uuid import UUID

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts
from backend.incidents.flow.grouping import FIRE_LIKE
from backend.incidents.flow.incident import Condition, Detector, Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.shared import Answer, Decide, Evolve, call_for_people
from backend.incidents.flow.vocabulary import Control, State, Urgency

put = msgspec.structs.replace


def raise_alert(now: Incident, order: c.Order, cmd: c.RaiseAlert, facts: Facts) -> Answer:
    raised = e.AlertRaised(**{f: getattr(cmd, f) for f in cmd.__struct_fields__})
    by = facts.after(facts.policy.debt_s)
    owed = tuple(e.ObligationDue(code=code, due_at=by) for code in KINDS[cmd.kind].owed_at_raise)
    if not cmd.at_once:
        return (raised, *owed)
    # T3: smoke and gas do not wait for the telephone; one step less until somebody is asked
    return (raised, *owed, e.DispatchRequested(reason="kind_rule", round=1))


def new_alarm(now: Incident, order: c.Order, cmd: c.NewAlarm, facts: Facts) -> Answer:
    """A repeat of an alarm still on is no re-alarm; a new episode voids both conditions.

    What was handed to an authority stays alarming: there, only what is worse than at the
    hand-over counts, repeated or not.
    """
    known = now.detectors.get(cmd.detector_id)
    handed = now.state is State.MONITORED
    if known is not None and known.alarming and not (handed and _worse(now, cmd)):
        return ()
    added = e.EpisodeAdded(
        voids=now.c1 is not None or now.c2 is not None,
        **{f: getattr(cmd, f) for f in cmd.__struct_fields__},
    )
    return (added, *_sent_again(now, cmd, facts))


def _sent_again(now: Incident, cmd: c.NewAlarm, facts: Facts) -> tuple[e.AnyFact, ...]:
    """Who comes because of it (lifecycle section 9)."""
    again = e.DispatchRequested(reason="alarm_again", round=now.round + 1)
    if now.state in {State.RAISED, State.DESK_HANDLING} and _corroborates(now, cmd):
        return call_for_people(now, "corroborated")
    if now.state is State.PARTY_HANDLED:
        return call_for_people(now, "alarm_again")
    if now.state is State.CLEARING and now.lead is None:
        return (again,)
    if now.state is State.MONITORED and _worse(now, cmd):
        told = e.Reminded(about="tell_authority")
        return (*_let_go(now), put(again, preferred=now.lead and now.lead.staff_id), told)
    if now.state is State.STOOD_DOWN and not _lead_still_there(now, cmd.detector_id, facts):
        return (*_let_go(now), again)
    return ()


def _let_go(now: Incident) -> tuple[e.AnyFact, ...]:
    """Who led is free; they may be asked again like anybody."""
    if now.lead is None:
        return ()
    lead = now.lead
    return (e.LeadReleased(staff_id=lead.staff_id, staff_name=lead.name, reason="alarm_again"),)


def _corroborates(now: Incident, cmd: c.NewAlarm) -> bool:
    """Two detectors of fire: nobody waits for the telephone any more."""
    return cmd.kind in FIRE_LIKE and any(
        d.id != cmd.detector_id and d.kind in FIRE_LIKE for d in now.alarming
    )


def _worse(now: Incident, cmd: c.NewAlarm) -> bool:
    """Further beyond its limit than at the hand-over; unknown counts as worse."""
    then = now.baseline.get(cmd.detector_id)
    if then is None or cmd.value is None:
        return True
    origin = cmd.limit or 0.0
    return abs(cmd.value - origin) > abs(then - origin)


def _lead_still_there(now: Incident, detector: object, facts: Facts) -> bool:
    called_false = now.false_declared_at
    return (
        now.lead is not None
        and now.lead.arrived_at is not None
        and not facts.leads_elsewhere
        and detector in now.detectors
        and called_false is not None
        and (facts.now - called_false).total_seconds() <= facts.policy.false_again_s
    )


def data_normal(now: Incident, order: c.Order, cmd: c.DataNormal, facts: Facts) -> Answer:
    known = now.detectors.get(cmd.detector_id)
    if known is None or not known.alarming or cmd.at < known.raised_at:
        return ()
    said = e.DetectorNormal(detector_id=cmd.detector_id, at=cmd.at, normals=cmd.normals)
    others = [d for d in now.alarming if d.id != cmd.detector_id]
    return (said,) if others else (said, e.NormalConditionMet(how="normal"))


def present_to_desk(now: Incident, order: c.Order, cmd: c.PresentToDesk, facts: Facts) -> Answer:
    if now.presented_at is not None or now.emitted_at is None:
        return ()
    after = (facts.now - now.emitted_at).total_seconds()
    return (e.DeskPresented(desk=cmd.desk, after_ms=max(0, round(after * 1000))),)


def no_desk(now: Incident, order: c.Order, cmd: c.NoDesk, facts: Facts) -> Answer:
    if now.presented_at is not None:
        return ()
    return (e.DeskMissing(), *call_for_people(now, "no_desk"))


# --- applying -----------------------------------------------------------------------------


def raised(now: Incident, event: e.Event, fact: e.AlertRaised) -> Incident:
    return put(
        now,
        id=event.incident_id,
        state=State.RAISED,
        no=fact.no,
        kind=fact.kind,
        urgency=fact.urgency,
        handling=fact.handling,
        place=fact.place,
        emitted_at=fact.emitted_at,
        at_once=fact.at_once,
        cards_version=fact.cards_version,
        equipment=fact.equipment,
        surroundings=fact.surroundings,
        follows=fact.follows,
        detectors={fact.detector_id: _detector(fact, fact.place.household_id)},
        last_alarm_at=fact.emitted_at,
    )


def _detector(
    fact: e.AlertRaised | e.EpisodeAdded, household: UUID | None, episodes: int = 1
) -> Detector:
    return Detector(
        id=fact.detector_id,
        label=fact.label,
        kind=fact.kind,
        quantity=fact.quantity,
        unit=fact.unit,
        limit=fact.limit,
        raised_value=fact.value,
        alarming=True,
        raised_at=fact.emitted_at,
        episodes=episodes,
        household_id=household,
    )


def episode_added(now: Incident, event: e.Event, fact: e.EpisodeAdded) -> Incident:
    before = now.detectors.get(fact.detector_id)
    another_kind = fact.kind not in now.kinds
    found = {
        **now.detectors,
        fact.detector_id: _detector(fact, fact.household_id, before.episodes + 1 if before else 1),
    }
    after = put(
        now,
        detectors=found,
        last_alarm_at=fact.emitted_at,
        c1=None,
        c2=None,
        final_checked_at=None,
        urgency=Urgency.EMERGENCY if _two_of_fire(found) else now.urgency,
    )
    if now.state in {State.HANDLING, State.RESCUE} and another_kind:
        # what was assessed and worn for one kind says nothing about two
        suspended = put(after, entered={})
        return (
            suspended
            if now.state is State.RESCUE
            else put(suspended, state=State.ON_SCENE, control=Control.UNKNOWN)
        )
    if now.state is State.PARTY_HANDLED:
        return put(after, state=State.DISPATCHING)
    if now.state is State.MONITORED:
        return put(after, control=Control.UNKNOWN)
    if now.state in {State.CLEARING, State.STOOD_DOWN}:
        # without a lead the request for people that follows says where it goes
        return put(
            after,
            state=State.ON_SCENE,
            real=None if now.state is State.STOOD_DOWN else now.real,
            control=Control.UNKNOWN,
        )
    return after


def _two_of_fire(found: dict[UUID, Detector]) -> bool:
    return sum(d.alarming and d.kind in FIRE_LIKE for d in found.values()) > 1


def detector_normal(now: Incident, event: e.Event, fact: e.DetectorNormal) -> Incident:
    known = now.detectors[fact.detector_id]
    quiet = put(known, alarming=False, normal_since=fact.at, normals=fact.normals)
    return put(now, detectors={**now.detectors, fact.detector_id: quiet})


def normal_condition_met(now: Incident, event: e.Event, fact: e.NormalConditionMet) -> Incident:
    by = "" if fact.how == "normal" else event.actor.id
    return put(now, c1=Condition(at=event.occurred_at, how=fact.how, by=by, name=event.actor.name))


def desk_presented(now: Incident, event: e.Event, fact: e.DeskPresented) -> Incident:
    state = State.DESK_HANDLING if now.state is State.RAISED else now.state
    return put(now, state=state, presented_at=event.received_at, presented_ms=fact.after_ms)


def unchanged(now: Incident, event: e.Event, fact: object) -> Incident:
    """A fact that only the record keeps."""
    return now


DECIDE: dict[type[c.Command], Decide] = {
    c.RaiseAlert: raise_alert,
    c.NewAlarm: new_alarm,
    c.DataNormal: data_normal,
    c.PresentToDesk: present_to_desk,
    c.NoDesk: no_desk,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.AlertRaised: raised,
    e.EpisodeAdded: episode_added,
    e.DetectorNormal: detector_normal,
    e.NormalConditionMet: normal_condition_met,
    e.DeskPresented: desk_presented,
    e.DeskMissing: unchanged,
}
