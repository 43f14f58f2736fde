"""Small pure pieces that several regions use: debts, reports, calling for people."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from backend.incidents.flow import events as e
from backend.incidents.flow.commands import Order
from backend.incidents.flow.facts import Facts, Refusal, refuse
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import Control, OfficeRef, State

Answer = tuple[e.AnyFact, ...] | Refusal
Decide = Callable[[Incident, Order, Any, Facts], Answer]
Evolve = Callable[[Incident, e.Event, Any], Incident]

BEFORE_ARRIVAL = frozenset(
    {State.RAISED, State.DESK_HANDLING, State.PARTY_HANDLED, State.DISPATCHING, State.EN_ROUTE}
)


def due(now: Incident, code: str, at: datetime | None = None) -> tuple[e.AnyFact, ...]:
    """A debt that blocks the archive; nothing when it is known already."""
    if any(o.code == code for o in now.obligations):
        return ()
    return (e.ObligationDue(code=code, due_at=at),)


def meet(now: Incident, code: str) -> tuple[e.AnyFact, ...]:
    """Settle a debt, also one that falls due only later."""
    return () if code in now.met else (e.ObligationMet(code=code),)


def owed_when_real(now: Incident, facts: Facts) -> tuple[e.AnyFact, ...]:
    codes = dict.fromkeys(c for kind in now.kinds for c in KINDS[kind].owed_when_real)
    at = facts.after(facts.policy.debt_s)
    return tuple(fact for code in codes for fact in due(now, code, at))


def call_for_people(now: Incident, reason: str) -> tuple[e.AnyFact, ...]:
    """Ask for a lead unless one is coming or being asked for."""
    if now.lead is not None or now.dispatch_open:
        return ()
    return (e.DispatchRequested(reason=reason, round=now.round + 1),)


def report_to_offices(
    now: Incident,
    facts: Facts,
    situation: str,
    *,
    offices: tuple[OfficeRef, ...] | None = None,
    purpose: str = "rescue",
) -> tuple[e.AnyFact, ...]:
    """One report for each office of the address that has none standing for this purpose (T14).

    An incomplete place is sent with a gap flag rather than held back (G10).
    """
    standing = {r.office.id for r in now.reports if r.status != "failed" and r.purpose == purpose}
    wanted = facts.offices if offices is None else offices
    missing = [o for o in wanted if o.id not in standing]
    if not facts.offices and not now.reports:
        return () if now.report_gap else (e.ReportGap(),)
    return tuple(
        e.ReportQueued(
            report_id=report_id,
            office=office,
            situation=situation,
            location_gap=not now.place.complete(),
            purpose=purpose,
        )
        for office, report_id in zip(missing, facts.new_ids, strict=False)
    )


def no_cordon_here(now: Incident) -> Refusal | None:
    """G18: a hydrant, a silent door or running water clears no house, unless it got out of hand."""
    danger = now.control is Control.UNCONTROLLABLE or any(KINDS[k].evacuates for k in now.kinds)
    return None if danger else refuse("kind_without_danger")


def escalate(now: Incident, facts: Facts, reason: str) -> tuple[e.AnyFact, ...]:
    """Uncontrollable: say so, report to every office, and see that somebody comes."""
    said: tuple[e.AnyFact, ...] = (e.AssessedUncontrollable(reason=reason),)
    return (*said, *report_to_offices(now, facts, reason), *call_for_people(now, "uncontrollable"))


def rescue_state(now: Incident) -> State:
    """Where an uncontrollable incident stands: RESCUE once its lead is there."""
    if now.lead is None:
        return State.DISPATCHING
    return State.RESCUE if now.lead.arrived_at is not None else State.EN_ROUTE
