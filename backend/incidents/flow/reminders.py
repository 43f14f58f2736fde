"""Region: deadlines that passed. Each speaks or acts only if its question is still open."""

from collections.abc import Callable
from uuid import UUID

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts
from backend.incidents.flow.helping import want_helper
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.shared import (
    Answer,
    Decide,
    Evolve,
    call_for_people,
    escalate,
    report_to_offices,
)
from backend.incidents.flow.vocabulary import OPEN, State

HELPING_OFFICES = frozenset({"community", "fire"})
"""Whom a search that found nobody is put to: the community and the fire station nearby."""
Due = Callable[[Incident, UUID | None, Facts], bool]
Then = Callable[[Incident, UUID | None, Facts], tuple[e.AnyFact, ...]]


def remind(now: Incident, order: c.Order, cmd: c.Remind, facts: Facts) -> Answer:
    matters = MATTERS.get(cmd.about)
    if matters is None or not matters(now, cmd.ref, facts):
        return ()
    if cmd.about in INSTEAD:
        return INSTEAD[cmd.about](now, cmd.ref, facts)
    again = now.monitored_s if cmd.about == "monitored" else None
    said = e.Reminded(about=cmd.about, ref=cmd.ref, again_s=again)
    also = BESIDES.get(cmd.about)
    return (said, *(also(now, cmd.ref, facts) if also else ()))


def _report_waits(status: str | None) -> Due:
    def due(now: Incident, ref: UUID | None, facts: Facts) -> bool:
        report = now.report(ref) if ref else None
        if report is None or now.state not in OPEN:
            return False
        return report.status == status if status else report.acknowledged_at is None

    return due


def _silent(called: bool) -> Due:
    """Inside, and no sign of life within the limit; ``called``: nor while being telephoned."""

    def due(now: Incident, ref: UUID | None, facts: Facts) -> bool:
        last = now.entered.get(ref) if ref else None
        policy = facts.policy
        limit_s = policy.lone_worker_s + (policy.lone_worker_call_s if called else 0.0)
        return last is not None and (facts.now - last).total_seconds() >= limit_s

    return due


def _under_way(now: Incident, ref: UUID | None, facts: Facts) -> bool:
    slow = now.state is State.EN_ROUTE and now.leads(ref)
    return slow and now.lead is not None and now.lead.arrived_at is None


def _if(open_question: Callable[[Incident], bool]) -> Due:
    def due(now: Incident, ref: UUID | None, facts: Facts) -> bool:
        return open_question(now)

    return due


_UNCLAIMED = _if(lambda now: now.claimed_at is None and now.alert_active)
_STOOD_DOWN = _if(lambda now: now.state is State.STOOD_DOWN)


MATTERS: dict[str, Due] = {
    "desk_claim": _UNCLAIMED,
    "desk_claim_lead": _UNCLAIMED,
    "contact_limit": _if(lambda now: now.state is State.DESK_HANDLING),
    "en_route": _under_way,
    "nobody_left": _if(lambda now: now.state is State.DISPATCHING and now.lead is None),
    "lone_worker": _silent(called=False),
    "lone_worker_silent": _silent(called=True),
    "call_119": _if(lambda now: now.state in OPEN and "119" not in now.calls),
    "call_120": _if(lambda now: now.people.call120 == "needed"),
    "report_delivered": _report_waits("sent"),
    "report_voice": _report_waits(None),
    "stand_down_release": _STOOD_DOWN,
    "stand_down_lead": _STOOD_DOWN,
    "false_report": _if(lambda now: now.owes("false_report")),
    "archive": _if(lambda now: now.state is State.RELEASED),
    "monitored": _if(lambda now: now.state is State.MONITORED),
    "shift_over": lambda now, ref, _facts: now.alert_active and now.leads(ref),
    "gateway_storm": _if(lambda now: now.id is not None),
}
"""Every deadline by name, and whether its question is still open; a storm of a gateway is said
when it begins."""


def _send_in_parallel(now: Incident, ref: UUID | None, facts: Facts) -> tuple[e.AnyFact, ...]:
    return call_for_people(now, "contact_limit")


def _second_person(now: Incident, ref: UUID | None, facts: Facts) -> tuple[e.AnyFact, ...]:
    return want_helper(now, "slow")


def _ask_offices(now: Incident, ref: UUID | None, facts: Facts) -> tuple[e.AnyFact, ...]:
    near = tuple(o for o in facts.offices if o.kind in HELPING_OFFICES)
    return report_to_offices(now, facts, "nobody_left", offices=near, purpose="people")


def _rescue_inside(now: Incident, ref: UUID | None, facts: Facts) -> tuple[e.AnyFact, ...]:
    return escalate(now, facts, "lone_worker")


INSTEAD: dict[str, Then] = {"contact_limit": _send_in_parallel}
BESIDES: dict[str, Then] = {
    "en_route": _second_person,
    "nobody_left": _ask_offices,
    "lone_worker_silent": _rescue_inside,
}


DECIDE: dict[type[c.Command], Decide] = {c.Remind: remind}
EVOLVE: dict[type[e.Fact], Evolve] = {}
