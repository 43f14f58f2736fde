"""Region: the alarm itself. Raised, again, back to normal; reminders of deadlines."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts
from backend.incidents.flow.incident import Condition, Detector, Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.shared import Answer, Decide, Evolve, call_for_people
from backend.incidents.flow.vocabulary import Control, State

put = msgspec.structs.replace
SAME_PLACE_AGAIN = timedelta(minutes=10)  # ▲ lifecycle section 9, STOOD_DOWN


def raise_alert(now: Incident, order: c.Order, cmd: c.RaiseAlert, facts: Facts) -> Answer:
    raised = e.AlertRaised(**{f: getattr(cmd, f) for f in cmd.__struct_fields__})
    owed = tuple(e.ObligationDue(code=code, due_at=None) for code in KINDS[cmd.kind].owed_at_raise)
    if not cmd.at_once:
        return (raised, *owed)
    # T3: smoke and gas do not wait for the telephone; one step less until somebody is asked
    return (raised, *owed, e.DispatchRequested(reason="kind_rule", round=1))


def new_alarm(now: Incident, order: c.Order, cmd: c.NewAlarm, facts: Facts) -> Answer:
    """A repeat of an alarm still on is no re-alarm; a new episode voids both conditions."""
    known = now.detectors.get(cmd.detector_id)
    if known is not None and known.alarming:
        return ()
    added = e.EpisodeAdded(
        voids=now.c1 is not None or now.c2 is not None,
        **{f: getattr(cmd, f) for f in cmd.__struct_fields__},
    )
    if now.state is State.PARTY_HANDLED:
        return (added, *call_for_people(now, "alarm_again"))
    if now.state in {State.CLEARING, State.MONITORED} and now.lead is None:
        return (added, e.DispatchRequested(reason="alarm_again", round=now.round + 1))
    if now.state is State.STOOD_DOWN and not _lead_still_there(now, cmd.detector_id, facts.now):
        return (added, e.DispatchRequested(reason="alarm_again", round=now.round + 1))
    return (added,)


def _lead_still_there(now: Incident, detector: object, at: datetime) -> bool:
    return (
        now.lead is not None
        and now.lead.arrived_at is not None
        and detector in now.detectors
        and now.false_declared_at is not None
        and at - now.false_declared_at <= SAME_PLACE_AGAIN
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


def remind(now: Incident, order: c.Order, cmd: c.Remind, facts: Facts) -> Answer:
    if not _still_matters(now, cmd, facts):
        return ()
    if cmd.about == "contact_limit":
        return call_for_people(now, "contact_limit")
    return (e.Reminded(about=cmd.about),)


def _still_matters(now: Incident, cmd: c.Remind, facts: Facts) -> bool:
    report = now.report(cmd.ref) if cmd.ref else None
    entered_at = now.entered.get(cmd.ref) if cmd.ref else None
    limit = timedelta(seconds=facts.policy.lone_worker_s)
    return {
        "desk_claim": now.claimed_at is None and now.alert_active,
        "contact_limit": now.state is State.DESK_HANDLING,
        "stand_down_release": now.state is State.STOOD_DOWN,
        "false_report": now.owes("false_report"),
        "archive": now.state is State.RELEASED,
        "call_120": now.people.call120 == "needed",
        "report_delivered": report is not None and report.status == "sent",
        "report_voice": report is not None and report.acknowledged_at is None,
        "lone_worker": entered_at is not None and facts.now - entered_at >= limit,
        "nobody_left": now.state is State.DISPATCHING and now.lead is None,
    }.get(cmd.about, False)


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
        follows=fact.follows,
        detectors={fact.detector_id: _detector(fact, fact.place.household_id)},
        last_alarm_at=fact.emitted_at,
        relevant_at=fact.emitted_at,
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
        relevant_at=event.received_at,
        c1=None,
        c2=None,
        final_checked_at=None,
    )
    if now.state is State.PARTY_HANDLED:
        return put(after, state=State.DISPATCHING)
    if now.state in {State.HANDLING, State.RESCUE} and another_kind:
        return put(after, control=Control.UNKNOWN, entered={}, state=_suspended(now))
    if now.state in {State.CLEARING, State.MONITORED, State.STOOD_DOWN}:
        there = now.lead is not None and now.lead.arrived_at is not None
        if now.state is State.STOOD_DOWN:
            there = _lead_still_there(now, fact.detector_id, event.received_at)
        return put(
            after,
            state=State.ON_SCENE if there else State.DISPATCHING,
            lead=now.lead if there else None,
            real=None if now.state is State.STOOD_DOWN else now.real,
            control=Control.UNKNOWN,
        )
    return after


def _suspended(now: Incident) -> State:
    return now.state if now.state is State.RESCUE else State.ON_SCENE


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
    c.Remind: remind,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.AlertRaised: raised,
    e.EpisodeAdded: episode_added,
    e.DetectorNormal: detector_normal,
    e.NormalConditionMet: normal_condition_met,
    e.DeskPresented: desk_presented,
    e.DeskMissing: unchanged,
    e.Reminded: unchanged,
}
