"""The front of the core: once, by the right person, in the right state, and never lowering late.

``decide`` asks the table first and the region second; ``evolve`` folds the journal.
"""

from collections.abc import Callable, Iterable
from functools import reduce

import msgspec

from backend.incidents.flow import (
    alarm,
    contact,
    cordon,
    dispatching,
    evacuation,
    grouped,
    handling,
    helping,
    linking,
    release,
    reminders,
    rescue,
)
from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, Refusal, refuse
from backend.incidents.flow.incident import Change, Incident
from backend.incidents.flow.rules import OFF_SHIFT_TOO, RULES, offline_class
from backend.incidents.flow.shared import Answer, Decide, Evolve
from backend.incidents.flow.vocabulary import Offline, Role, State

REGIONS = (
    alarm, contact, dispatching, helping, handling, rescue, evacuation, cordon, release, grouped,
    linking, reminders,
)  # fmt: skip
DECIDE: dict[type[c.Command], Decide] = {k: v for r in REGIONS for k, v in r.DECIDE.items()}
RELEVANT = (
    e.AlertRaised,
    e.EpisodeAdded,
    e.LeadReleased,
    e.AssessedControllable,
    e.AssessedUncontrollable,
    e.InjuredChanged,
    e.CordonSet,
)
EVOLVE: dict[type[e.Fact], Evolve] = {k: v for r in REGIONS for k, v in r.EVOLVE.items()}


class Repeated(msgspec.Struct, frozen=True):
    """The command was applied before; ``version`` is what it led to then."""

    version: int


def decide(now: Incident, order: c.Order, facts: Facts) -> tuple[e.Event, ...] | Refusal | Repeated:
    """Accept, repeat or refuse one order.

    Args:
        now: the incident before the order (a fresh ``Incident()`` for ``raise_alert``).
        order: the command with actor and both times, UTC.
        facts: what the shell looked up; no clock is read here.

    Returns:
        The events to append in order (possibly none), the answer of an earlier application,
        or a refusal with its code. Late field facts that no longer fit become a
        ``LateStatement`` and never a refusal (lifecycle 8.3, 8.5).
    """
    if order.command_id in now.applied:
        return Repeated(now.applied[order.command_id])
    answer = _answer(now, order, facts)
    if isinstance(answer, Refusal):
        return answer
    return _recorded(now, order, answer)


def _answer(now: Incident, order: c.Order, facts: Facts) -> Answer:
    command = order.command
    rule = RULES[type(command)]
    if order.actor.role not in rule.roles:
        return refuse("not_your_role")
    kept = _kept_for_later(now, order)
    if order.actor.role is Role.FIELD:
        unfit = _unfit(now, order, facts)
        if unfit is not None:
            return kept(unfit.code) if order.late and not facts.disabled_before else unfit
    if now.state not in rule.states:
        return kept("state") if _keeps(now, order) else _state_refusal(now)
    if lowers(now, command) and _unaware(now, order):
        return kept("changed_since") if order.late else refuse("changed_unseen")
    answer = DECIDE[type(command)](now, order, command, facts)
    if isinstance(answer, Refusal) and order.late and offline_class(command) is not None:
        return kept(answer.code)
    return answer


def _unfit(now: Incident, order: c.Order, facts: Facts) -> Refusal | None:
    """G1 and G2: qualified, and on shift unless already on it or doing one's paperwork."""
    if not facts.qualified:
        return refuse("not_qualified")
    on_it = now.on_it(order.actor.staff)
    if facts.on_shift or on_it or order.late or type(order.command) in OFF_SHIFT_TOO:
        return None
    return refuse("off_shift")


def _state_refusal(now: Incident) -> Refusal:
    if now.state is State.NEW:
        return refuse("no_such_incident")
    if now.state is State.ARCHIVED:
        return refuse("archived")
    return refuse("wrong_state", now.state)


def _keeps(now: Incident, order: c.Order) -> bool:
    """Field facts and raises are never thrown away, however the state moved on: late, or
    tapped before the phone could know that it had."""
    if now.state is State.NEW:
        return False
    kind = offline_class(order.command)
    if kind is Offline.RAISES:
        return order.late or now.state in {State.RELEASED, State.ARCHIVED}
    overtaken = order.seen_version is not None and order.seen_version < now.state_since
    return kind is not None and (order.late or (overtaken and kind is Offline.FACT))


def lowers(now: Incident, command: c.Command) -> bool:
    """Whether this makes the incident look less severe than it is said to be."""
    if isinstance(command, c.ReportTrapped):
        return command.count < now.people.trapped
    return offline_class(command) is Offline.LOWERS


def _unaware(now: Incident, order: c.Order) -> bool:
    """G20: something that matters was changed by somebody else and this person had not seen it
    (or, late, could not have), or by themselves only after this tap."""
    seen = order.seen_version
    for who, change in now.relevant.items():
        if who == order.actor.id:
            if order.late and change.at > order.occurred_at:
                return True
        elif (order.late and change.received_at > order.occurred_at) or (
            seen is not None and change.version > seen
        ):
            return True
    return False


def _matters(fact: e.AnyFact) -> bool:
    """What a lowering command must have seen: alarms, who leads, the assessment, people."""
    match fact:
        case e.Accepted():
            return fact.lead
        case e.TrappedChanged():
            return fact.count > fact.before
        case _:
            return isinstance(fact, RELEVANT)


def _kept_for_later(now: Incident, order: c.Order) -> Callable[[str], tuple[e.AnyFact, ...]]:
    """What the journal keeps of a command that cannot be applied any more."""
    name = c.name_of(order.command)
    # as the journal will give it back: lists, not tuples
    arguments = msgspec.json.decode(msgspec.json.encode(order.command))
    del arguments["name"]

    def keep(why: str) -> tuple[e.AnyFact, ...]:
        over = now.state in {State.RELEASED, State.ARCHIVED}
        raises = offline_class(order.command) is Offline.RAISES
        if over and raises:
            return (e.LateRaise(command=name, arguments=arguments),)
        if now.state is State.ARCHIVED:
            return (e.AddendumProposed(command=name, arguments=arguments),)
        return (e.LateStatement(command=name, arguments=arguments, why=why),)

    return keep


def _recorded(now: Incident, order: c.Order, facts: tuple[e.AnyFact, ...]) -> tuple[e.Event, ...]:
    return tuple(
        e.Event(
            incident_id=order.incident_id,
            version=now.version + n,
            command_id=order.command_id,
            actor=order.actor,
            occurred_at=order.occurred_at,
            received_at=order.received_at,
            late=order.late,
            source=order.source,
            skew_ms=msgspec.UNSET if order.skew_ms is None else order.skew_ms,
            fact=fact,
        )
        for n, fact in enumerate(facts, start=1)
    )


def evolve(now: Incident, event: e.Event) -> Incident:
    """Apply one fact; total on every event that ``decide`` can make."""
    after = EVOLVE[type(event.fact)](now, event, event.fact)
    relevant = now.relevant
    if _matters(event.fact):
        change = Change(at=event.occurred_at, received_at=event.received_at, version=event.version)
        relevant = {**relevant, event.actor.id: change}
    return msgspec.structs.replace(
        after,
        version=event.version,
        relevant=relevant,
        state_since=event.version if after.state is not now.state else now.state_since,
        applied={**now.applied, event.command_id: event.version},
    )


def replay(events: Iterable[e.Event], start: Incident | None = None) -> Incident:
    """Fold a journal, oldest first."""
    return reduce(evolve, events, start or Incident())
