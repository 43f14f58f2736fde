"""Region: the two locks, release, and what is owed afterwards (6.3.6, 6.3.7, 6.2.4)."""

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.handling import done_outside
from backend.incidents.flow.incident import Incident, Obligation, Sealed, Statement
from backend.incidents.flow.shared import (
    Answer,
    Decide,
    Evolve,
    due,
    meet,
    owed_when_real,
)
from backend.incidents.flow.vocabulary import Kind, Role, State

put = msgspec.structs.replace
DAY_S = 86_400.0
NEVER_WAIVED = frozenset(
    {
        "false_report",
        "community_report",
        "unit_contacted",
        "authority_report",
        "cordon_lifted",
        "evacuation",
    }
)


def substitute_c1(now: Incident, order: c.Order, cmd: c.SubstituteC1, facts: Facts) -> Answer:
    """T9: replaced or re-baselined by a technician; a hand measurement needs two persons."""
    if not cmd.evidence.strip():
        return refuse("evidence_needed")
    by_hand = cmd.how == "hand_measured"
    if by_hand and not facts.second_person:
        return refuse("two_persons_needed")
    if by_hand != (order.actor.role in {Role.FIELD, Role.DESK_LEAD}):
        return refuse("not_your_role")
    quiet = tuple(
        e.DetectorNormal(detector_id=d.id, at=order.occurred_at, normals=0) for d in now.alarming
    )
    met = e.NormalConditionMet(how=cmd.how, evidence=cmd.evidence, second=cmd.second)
    return (*quiet, met)


def locks_open(now: Incident) -> tuple[str, ...]:
    """What keeps a real alarm from being released, checked again at commit (T10)."""
    alarm = now.last_alarm_at
    stale = now.c2 is not None and alarm is not None and now.c2.at <= alarm
    return tuple(
        code
        for code, true in {
            "c1": now.c1 is None or bool(now.alarming),
            "c2": now.c2 is None or stale,
            "fire_command": now.command_held_by is not None,
            "evacuation": now.evacuation.state == "running",
        }.items()
        if true
    )


def desk_release_real(
    now: Incident, order: c.Order, cmd: c.DeskReleaseReal, facts: Facts
) -> Answer:
    missing = locks_open(now)
    if missing:
        return refuse("locks_closed", *missing)
    if not cmd.category.strip():
        return refuse("category_needed")
    by = facts.after(facts.policy.debt_s)
    advice = (*due(now, "advice_handling", by), *due(now, "advice_prevention", by))
    owed = (*advice, *owed_when_real(now, facts))
    authority = due(now, "authority_report", by) if now.structure_hazard else ()
    return (e.Released(how="real", category=cmd.category), *owed, *authority)


def desk_release_false(
    now: Incident, order: c.Order, cmd: c.DeskReleaseFalse, facts: Facts
) -> Answer:
    return (e.Released(how="false", category="false_alarm"),)


def desk_overrules_false(
    now: Incident, order: c.Order, cmd: c.DeskOverrulesFalse, facts: Facts
) -> Answer:
    if not cmd.reason.strip():
        return refuse("reason_needed")
    overruled = e.FalseOverruled(reason=cmd.reason)
    return (overruled, e.DispatchRequested(reason="overruled", round=now.round + 1))


def hand_to_authority(
    now: Incident, order: c.Order, cmd: c.HandToAuthority, facts: Facts
) -> Answer:
    if order.actor.role is Role.FIELD and not now.leads(order.actor.staff):
        return refuse("not_lead")
    if now.state is State.ON_SCENE and not all(done_outside(kind) for kind in now.kinds):
        return refuse("not_handling")
    if not cmd.acknowledged_by.strip() or not cmd.authority.strip():
        return refuse("authority_silent")
    building = Kind.STRUCTURE in now.kinds
    if not building and not cmd.reason.strip():
        return refuse("reason_needed")
    first = {"trapped": now.people.trapped > 0, "injured": now.people.hurt > 0}
    people = tuple(code for code, true in first.items() if true)
    if people:
        return refuse("people_first", *people)
    usual = facts.policy.monitored_structure_s if building else facts.policy.monitored_s
    handed = e.HandedToAuthority(
        authority=cmd.authority,
        acknowledged_by=cmd.acknowledged_by,
        cycle_d=cmd.cycle_d or max(1, round(usual / DAY_S)),
        reason=cmd.reason,
    )
    return (handed, *meet(now, "authority_report")) if building else (handed,)


def party_advised(now: Incident, order: c.Order, cmd: c.PartyAdvised, facts: Facts) -> Answer:
    advised = e.Advised(kind=cmd.kind, way=cmd.way)
    return (advised, *meet(now, f"advice_{cmd.kind}"))


def submit_false_report(
    now: Incident, order: c.Order, cmd: c.SubmitFalseReport, facts: Facts
) -> Answer:
    empty = tuple(f for f in ("cause", "analysis", "measure") if not getattr(cmd, f).strip())
    if empty:
        return refuse("report_incomplete", *empty)
    filed = e.FalseReportFiled(cause=cmd.cause, analysis=cmd.analysis, measure=cmd.measure)
    return (filed, *meet(now, "false_report"))


def community_report(now: Incident, order: c.Order, cmd: c.CommunityReport, facts: Facts) -> Answer:
    if not cmd.state.strip():
        return refuse("report_incomplete", "state")
    return (e.CommunityReported(state=cmd.state), *meet(now, "community_report"))


def authority_report(now: Incident, order: c.Order, cmd: c.AuthorityReport, facts: Facts) -> Answer:
    if not cmd.authority.strip():
        return refuse("report_incomplete", "authority")
    told = e.AuthorityReported(authority=cmd.authority, by=cmd.by, situation=cmd.situation)
    return (told, *meet(now, "authority_report"))


def unit_contacted(now: Incident, order: c.Order, cmd: c.UnitContacted, facts: Facts) -> Answer:
    return (e.UnitReached(unit=cmd.unit, by=cmd.by), *meet(now, "unit_contacted"))


def check_result(now: Incident, order: c.Order, cmd: c.CheckResult, facts: Facts) -> Answer:
    return (e.Checked(result=cmd.result, value=cmd.value), *meet(now, "check_result"))


def cause_found(now: Incident, order: c.Order, cmd: c.CauseFound, facts: Facts) -> Answer:
    """B.2: the leak is looked for only after release (T11)."""
    gas = Kind.GAS in now.kinds
    if gas and now.state is not State.RELEASED:
        return refuse("after_release_only")
    debt = "leak_cause" if gas else "cause_found"
    return (e.CauseEstablished(code=cmd.code, note=cmd.note), *meet(now, debt))


def waive(now: Incident, order: c.Order, cmd: c.Waive, facts: Facts) -> Answer:
    if cmd.obligation in NEVER_WAIVED:
        return refuse("never_waived", cmd.obligation)
    if not cmd.reason.strip():
        return refuse("reason_needed")
    if not now.owes(cmd.obligation):
        return ()
    return (e.ObligationWaived(code=cmd.obligation, reason=cmd.reason),)


def archive(now: Incident, order: c.Order, cmd: c.Archive, facts: Facts) -> Answer:
    debts = [o.code for o in now.obligations if not o.settled]
    if now.cordon.state == "set":
        debts.append("cordon_lifted")
    if now.evacuation.state == "running":
        debts.append("evacuation")
    if debts:
        return refuse("obligations_open", *debts)
    return () if now.archive_requested_at is not None else (e.ArchiveRequested(),)


def seal(now: Incident, order: c.Order, cmd: c.Seal, facts: Facts) -> Answer:
    if now.archive_requested_at is None:
        return refuse("wrong_state", now.state)
    return (e.Archived(hash=cmd.hash, previous=cmd.previous, sealed_at=cmd.sealed_at),)


def addendum(now: Incident, order: c.Order, cmd: c.Addendum, facts: Facts) -> Answer:
    if not cmd.reason.strip() or not cmd.text.strip():
        return refuse("reason_needed")
    if not facts.second_person:
        return refuse("two_persons_needed")
    added = e.AddendumAppended(
        reason=cmd.reason, text=cmd.text, approved_by=cmd.approved_by, answers=cmd.answers
    )
    return (added,)


# --- applying -----------------------------------------------------------------------------


def released(now: Incident, event: e.Event, fact: e.Released) -> Incident:
    return put(
        now,
        state=State.RELEASED,
        released_at=event.received_at,
        released_how=fact.how,
        category=fact.category,
        dispatch_open=False,
        entered={},
    )


def overruled(now: Incident, event: e.Event, fact: e.FalseOverruled) -> Incident:
    return put(now, real=None, lead=None, false_by=None, false_declared_at=None)


def handed(now: Incident, event: e.Event, fact: e.HandedToAuthority) -> Incident:
    return put(
        now,
        state=State.MONITORED,
        entered={},
        baseline={d.id: d.raised_value for d in now.detectors.values()},
        monitored_s=fact.cycle_d * DAY_S,
    )


def debt(now: Incident, event: e.Event, fact: e.ObligationDue) -> Incident:
    done_at = event.occurred_at if fact.code in now.met else None
    owed = Obligation(code=fact.code, due_at=fact.due_at, done_at=done_at)
    return put(now, obligations=(*now.obligations, owed))


def settled(now: Incident, event: e.Event, fact: e.ObligationMet) -> Incident:
    obligations = tuple(
        put(o, done_at=event.occurred_at) if o.code == fact.code and not o.settled else o
        for o in now.obligations
    )
    return put(now, obligations=obligations, met=now.met | {fact.code})


def waived(now: Incident, event: e.Event, fact: e.ObligationWaived) -> Incident:
    obligations = tuple(
        put(o, waived_at=event.occurred_at) if o.code == fact.code else o for o in now.obligations
    )
    return put(now, obligations=obligations)


def kept(now: Incident, event: e.Event, fact: object) -> Incident:
    return now


def asked_archive(now: Incident, event: e.Event, fact: e.ArchiveRequested) -> Incident:
    return put(now, archive_requested_at=event.received_at)


def archived(now: Incident, event: e.Event, fact: e.Archived) -> Incident:
    sealed = Sealed(hash=fact.hash, previous=fact.previous, sealed_at=fact.sealed_at)
    return put(now, state=State.ARCHIVED, seal=sealed)


def proposed(now: Incident, event: e.Event, fact: e.AddendumProposed) -> Incident:
    return put(now, after_seal=(*now.after_seal, event.version))


def answered(now: Incident, event: e.Event, fact: e.AddendumAppended) -> Incident:
    return put(now, after_seal=tuple(v for v in now.after_seal if v != fact.answers))


def late_statement(now: Incident, event: e.Event, fact: e.LateStatement) -> Incident:
    said = Statement(
        at=event.occurred_at,
        by=event.actor.name or event.actor.id,
        command=fact.command,
        why=fact.why,
        arguments=fact.arguments,
    )
    return put(now, late_statements=(*now.late_statements, said))


DECIDE: dict[type[c.Command], Decide] = {
    c.SubstituteC1: substitute_c1,
    c.DeskReleaseReal: desk_release_real,
    c.DeskReleaseFalse: desk_release_false,
    c.DeskOverrulesFalse: desk_overrules_false,
    c.HandToAuthority: hand_to_authority,
    c.PartyAdvised: party_advised,
    c.SubmitFalseReport: submit_false_report,
    c.CommunityReport: community_report,
    c.AuthorityReport: authority_report,
    c.UnitContacted: unit_contacted,
    c.CheckResult: check_result,
    c.CauseFound: cause_found,
    c.Waive: waive,
    c.Archive: archive,
    c.Seal: seal,
    c.Addendum: addendum,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.Released: released,
    e.FalseOverruled: overruled,
    e.HandedToAuthority: handed,
    e.ObligationDue: debt,
    e.ObligationMet: settled,
    e.ObligationWaived: waived,
    e.Advised: kept,
    e.FalseReportFiled: kept,
    e.CommunityReported: kept,
    e.AuthorityReported: kept,
    e.UnitReached: kept,
    e.Checked: kept,
    e.CauseEstablished: kept,
    e.ArchiveRequested: asked_archive,
    e.Archived: archived,
    e.AddendumAppended: answered,
    e.AddendumProposed: proposed,
    e.LateStatement: late_statement,
    e.LateRaise: kept,
}
