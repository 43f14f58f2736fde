"""Region: somebody beside the lead (6.2.3). Asked for when the way takes too long, or by hand."""

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.incident import Incident, Responder
from backend.incidents.flow.shared import Answer, Decide, Evolve, call_for_people
from backend.incidents.flow.vocabulary import Role

put = msgspec.structs.replace


def call_helper(now: Incident, order: c.Order, cmd: c.CallHelper, facts: Facts) -> Answer:
    if order.actor.role is Role.FIELD and not now.on_it(order.actor.staff):
        return refuse("not_assigned")
    return want_helper(now, cmd.reason or "asked")


def want_helper(now: Incident, reason: str) -> tuple[e.AnyFact, ...]:
    """One more person; a lead first where there is none."""
    if now.lead is None:
        return call_for_people(now, reason)
    return () if now.helper_wanted else (e.HelperWanted(reason=reason),)


def undo_help(now: Incident, order: c.Order, facts: Facts) -> tuple[e.AnyFact, ...]:
    """A helper who taps "can't come" a moment after accepting; the next nearest is asked."""
    mine = _helper(now, order.actor.staff)
    if mine is None or mine.arrived_at is not None:
        return ()
    if (order.occurred_at - mine.accepted_at).total_seconds() > facts.policy.undo_s:
        return ()
    left = e.HelperLeft(staff_id=mine.staff_id, staff_name=mine.name, reason="undone")
    return (left, *want_helper(now, "undone"))


def _helper(now: Incident, staff: object) -> Responder | None:
    return next((h for h in now.helpers if h.staff_id == staff), None)


# --- applying -----------------------------------------------------------------------------


def wanted(now: Incident, event: e.Event, fact: e.HelperWanted) -> Incident:
    return put(now, helper_wanted=fact.reason)


def left(now: Incident, event: e.Event, fact: e.HelperLeft) -> Incident:
    return put(
        now,
        helpers=tuple(h for h in now.helpers if h.staff_id != fact.staff_id),
        entered={staff: at for staff, at in now.entered.items() if staff != fact.staff_id},
    )


DECIDE: dict[type[c.Command], Decide] = {c.CallHelper: call_helper}
EVOLVE: dict[type[e.Fact], Evolve] = {e.HelperWanted: wanted, e.HelperLeft: left}
