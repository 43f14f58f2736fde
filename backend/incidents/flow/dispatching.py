"""Region: finding a lead (6.2.3). One offer at a time, nobody asked twice in a round.

Who comes beside the lead is asked in the same way; ``helping.py`` says when.
"""

from uuid import UUID

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, Refusal, refuse
from backend.incidents.flow.helping import undo_help
from backend.incidents.flow.incident import Incident, OfferMade, Responder
from backend.incidents.flow.shared import Answer, Decide, Evolve, call_for_people
from backend.incidents.flow.vocabulary import Control, Role, State, Urgency

put = msgspec.structs.replace


def dispatch_now(now: Incident, order: c.Order, cmd: c.DispatchNow, facts: Facts) -> Answer:
    """Only the desk lead opens the next round, in which people are asked a second time."""
    reason = cmd.reason or "desk"
    if now.lead is not None:
        return () if order.actor.role is Role.SYSTEM else refuse("lead_on_it", now.lead.name)
    if not now.dispatch_open:
        return call_for_people(now, reason)
    if order.actor.role is Role.SYSTEM or not now.nobody_left:
        return ()
    if order.actor.role is not Role.DESK_LEAD:
        return refuse("lead_opens_round")
    return (e.DispatchRequested(reason=reason, round=now.round + 1),)


def offer(now: Incident, order: c.Order, cmd: c.Offer, facts: Facts) -> Answer:
    wanted = now.dispatch_open if now.lead is None else bool(now.helper_wanted)
    if now.open_offer is not None or not wanted or cmd.helper != (now.lead is not None):
        return refuse("offer_not_wanted")
    if now.on_it(cmd.staff_id):
        return refuse("asked_already")
    if cmd.staff_id in now.tried:
        return refuse("asked_already")
    if not facts.qualified:
        return refuse("not_qualified")
    if not facts.on_shift:
        return refuse("off_shift")
    if facts.leads_elsewhere:
        return refuse("leads_elsewhere")
    if facts.asked_elsewhere:
        return refuse("asked_elsewhere")
    return (
        e.Offered(
            offer_id=cmd.offer_id,
            staff_id=cmd.staff_id,
            staff_name=cmd.name_,
            badge=cmd.badge,
            metres=cmd.metres,
            minutes=cmd.minutes,
            basis=cmd.basis,
            expires_at=cmd.expires_at,
            pre_alerted=cmd.pre_alerted,
            candidates=cmd.candidates,
            helper=cmd.helper,
        ),
    )


def accept(now: Incident, order: c.Order, cmd: c.Accept, facts: Facts) -> Answer:
    made = _offer(now, cmd.offer_id)
    if made is None or made.staff_id != order.actor.staff:
        return refuse("no_such_offer")
    if made.outcome == "accepted" and now.on_it(order.actor.staff):
        return ()
    if now.lead is not None and not made.helper:
        return refuse("lead_on_it", now.lead.name)
    if made.outcome != "open" or facts.now > made.expires_at:
        return refuse("offer_over")
    if facts.leads_elsewhere:
        return refuse("leads_elsewhere")
    return (
        e.Accepted(
            offer_id=made.id,
            staff_id=made.staff_id,
            staff_name=made.name,
            badge=made.badge,
            metres=made.metres,
            minutes=made.minutes,
            lead=now.lead is None,
            late_after_s=late_after_s(now, made.minutes, facts) if now.lead is None else None,
        ),
    )


def late_after_s(now: Incident, minutes: float | None, facts: Facts) -> float:
    """When a lead under way is too slow: estimate and slack, and for the urgent never longer than
    the limit of the highest priority; s."""
    policy = facts.policy
    if minutes is None:
        return policy.en_route_p1_s
    expected = minutes * 60 + policy.en_route_slack_s
    return min(expected, policy.en_route_p1_s) if now.urgency is Urgency.EMERGENCY else expected


def _offer(now: Incident, offer_id: object) -> OfferMade | None:
    return next((o for o in now.offers if o.id == offer_id), None)


def decline(now: Incident, order: c.Order, cmd: c.Decline, facts: Facts) -> Answer:
    made = _offer(now, cmd.offer_id)
    if made is None or made.staff_id != order.actor.staff:
        return refuse("no_such_offer")
    said = e.OfferDeclined(
        offer_id=made.id,
        staff_id=made.staff_id,
        staff_name=made.name,
        reason=cmd.reason,
        note=cmd.note,
    )
    if made.outcome == "open":
        return (said,)
    if made.outcome == "accepted" and _may_undo(now, order, facts):
        gone = e.LeadReleased(staff_id=made.staff_id, staff_name=made.name, reason=cmd.reason)
        again = e.DispatchRequested(reason="undone", round=max(1, now.round))
        return (said, gone, again)
    if made.outcome == "accepted" and (left := undo_help(now, order, facts)):
        return (said, *left)
    return () if made.outcome in {"declined", "expired"} else refuse("offer_over")


def _may_undo(now: Incident, order: c.Order, facts: Facts) -> bool:
    lead = now.lead
    if lead is None or lead.staff_id != order.actor.staff or lead.arrived_at is not None:
        return False
    return (order.occurred_at - lead.accepted_at).total_seconds() <= facts.policy.undo_s


def expire_offer(now: Incident, order: c.Order, cmd: c.ExpireOffer, facts: Facts) -> Answer:
    made = _offer(now, cmd.offer_id)
    if made is None or made.outcome != "open" or facts.now < made.expires_at:
        return ()
    return (e.OfferExpired(offer_id=made.id, staff_id=made.staff_id, staff_name=made.name),)


def nobody_left(now: Incident, order: c.Order, cmd: c.NobodyLeft, facts: Facts) -> Answer:
    if now.open_offer is not None:
        return ()
    if now.lead is not None and now.helper_wanted:
        return (e.NobodyLeftToAsk(candidates=cmd.candidates, helper=True),)
    if now.lead is not None or now.nobody_left or not now.dispatch_open:
        return ()
    return (e.NobodyLeftToAsk(candidates=cmd.candidates),)


def self_assign(now: Incident, order: c.Order, cmd: c.SelfAssign, facts: Facts) -> Answer:
    staff = order.actor.staff
    if staff is None:
        return refuse("field_only")
    if now.leads(staff) or (now.on_it(staff) and (now.lead or facts.leads_elsewhere)):
        return ()
    if facts.metres is None or facts.metres > facts.policy.self_assign_m:
        return refuse("too_far_to_join")
    lead = now.lead is None and not facts.leads_elsewhere
    joined = e.Accepted(
        offer_id=None,
        staff_id=staff,
        staff_name=facts.staff_name or order.actor.name,
        badge=facts.badge,
        metres=facts.metres,
        minutes=None,
        lead=lead,
        late_after_s=late_after_s(now, None, facts) if lead else None,
    )
    asked = now.open_offer
    if not lead or asked is None:
        return (joined,)
    freed = e.OfferReleased(offer_id=asked.id, staff_id=asked.staff_id, reason="taken")
    return (freed, joined)


def reassign(now: Incident, order: c.Order, cmd: c.Reassign, facts: Facts) -> Answer:
    """The desk wants somebody else than who was proposed or leads; its reason stays in the record.

    While a lead is still looked for the round goes on, and only the desk lead has anybody asked
    twice in it. Who led is not asked again in the round that follows.
    """
    if not cmd.reason.strip():
        return refuse("reason_needed")
    unfit = _not_for(now, cmd.to, facts)
    if unfit is not None:
        return unfit
    asked, lead = now.open_offer, now.lead
    if asked is not None and asked.staff_id == cmd.to and not asked.helper:
        return ()
    over = now.nobody_left if cmd.to is None else cmd.to in now.tried
    if lead is None and over and order.actor.role is not Role.DESK_LEAD:
        return refuse("lead_opens_round")
    freed: tuple[e.AnyFact, ...] = ()
    if asked is not None:
        freed = (e.OfferReleased(offer_id=asked.id, staff_id=asked.staff_id, reason="reassigned"),)
    if lead is not None:
        gone = e.LeadReleased(staff_id=lead.staff_id, staff_name=lead.name, reason=cmd.reason)
        freed = (*freed, gone)
    fresh = lead is not None or over
    not_again = {one.staff_id for one in (lead, asked) if one is not None} - {cmd.to}
    wanted = e.DispatchRequested(
        reason=cmd.reason,
        round=now.round + 1 if fresh else max(1, now.round),
        preferred=cmd.to,
        not_again=tuple(sorted(not_again)) if fresh else (),
    )
    return (*freed, wanted)


def _not_for(now: Incident, to: UUID | None, facts: Facts) -> Refusal | None:
    """Why the desk's own choice cannot be asked; what is only likely (no receipt) is no reason."""
    if to is None:
        return None
    if now.on_it(to):
        return refuse("on_it_already", facts.staff_name)
    if not facts.qualified:
        return refuse("not_qualified", facts.staff_name)
    if not facts.on_shift:
        return refuse("off_shift", facts.staff_name)
    if facts.leads_elsewhere:
        return refuse("leads_elsewhere", facts.staff_name)
    return refuse("asked_elsewhere", facts.staff_name) if facts.asked_elsewhere else None


# --- applying -----------------------------------------------------------------------------


def requested(now: Incident, event: e.Event, fact: e.DispatchRequested) -> Incident:
    return put(
        now,
        state=State.DISPATCHING,
        dispatch_open=True,
        round=fact.round,
        tried=now.tried if fact.round == now.round else frozenset(fact.not_again),
        preferred=fact.preferred,
        nobody_left=False,
    )


def offered(now: Incident, event: e.Event, fact: e.Offered) -> Incident:
    made = OfferMade(
        id=fact.offer_id,
        staff_id=fact.staff_id,
        name=fact.staff_name,
        badge=fact.badge,
        metres=fact.metres,
        minutes=fact.minutes,
        offered_at=event.received_at,
        expires_at=fact.expires_at,
        helper=fact.helper,
        pre_alerted=fact.pre_alerted,
    )
    return put(
        now,
        offers=(*now.offers, made),
        tried=now.tried | {fact.staff_id},
        candidates=fact.candidates,
        preferred=None,
    )


def _settle(now: Incident, offer_id: object, outcome: str, reason: str | None) -> Incident:
    offers = tuple(
        put(o, outcome=outcome, reason=reason) if o.id == offer_id else o for o in now.offers
    )
    return put(now, offers=offers)


def declined(now: Incident, event: e.Event, fact: e.OfferDeclined) -> Incident:
    return _settle(now, fact.offer_id, "declined", fact.reason)


def expired(now: Incident, event: e.Event, fact: e.OfferExpired) -> Incident:
    return _settle(now, fact.offer_id, "expired", None)


def released(now: Incident, event: e.Event, fact: e.OfferReleased) -> Incident:
    return _settle(now, fact.offer_id, "released", fact.reason)


def nobody(now: Incident, event: e.Event, fact: e.NobodyLeftToAsk) -> Incident:
    looked = fact.candidates or now.candidates
    if fact.helper:
        return put(now, helper_wanted="", candidates=looked)
    return put(now, nobody_left=True, candidates=looked)


def accepted(now: Incident, event: e.Event, fact: e.Accepted) -> Incident:
    if fact.offer_id is not None:
        now = _settle(now, fact.offer_id, "accepted", None)
    who = Responder(
        staff_id=fact.staff_id,
        name=fact.staff_name,
        badge=fact.badge,
        metres=fact.metres,
        minutes=fact.minutes,
        accepted_at=event.occurred_at,
    )
    if not fact.lead:
        return put(now, helpers=(*now.helpers, who), helper_wanted="")
    there = next((h.arrived_at for h in now.helpers if h.staff_id == fact.staff_id), None)
    return put(
        now,
        lead=put(who, arrived_at=there),
        helpers=tuple(h for h in now.helpers if h.staff_id != fact.staff_id),
        state=State.EN_ROUTE if there is None else on_arrival(now),
        dispatch_open=False,
        nobody_left=False,
    )


def on_arrival(now: Incident) -> State:
    """Where the incident stands when its lead is there."""
    return State.RESCUE if now.control is Control.UNCONTROLLABLE else State.ON_SCENE


def lead_released(now: Incident, event: e.Event, fact: e.LeadReleased) -> Incident:
    """Who is inside stays on it until they are out: their signs of life are still waited for."""
    stays = now.lead is not None and now.lead.staff_id in now.entered
    helpers = (*now.helpers, now.lead) if now.lead is not None and stays else now.helpers
    return put(now, lead=None, helpers=helpers, helper_wanted="")


def stood_down(now: Incident, event: e.Event, fact: e.RespondersStoodDown) -> Incident:
    stays = now.lead if now.lead is not None and now.lead.arrived_at is not None else None
    return put(now, lead=stays, helpers=(), entered={}, dispatch_open=False, helper_wanted="")


DECIDE: dict[type[c.Command], Decide] = {
    c.DispatchNow: dispatch_now,
    c.Offer: offer,
    c.Accept: accept,
    c.Decline: decline,
    c.ExpireOffer: expire_offer,
    c.NobodyLeft: nobody_left,
    c.SelfAssign: self_assign,
    c.Reassign: reassign,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.DispatchRequested: requested,
    e.Offered: offered,
    e.OfferDeclined: declined,
    e.OfferExpired: expired,
    e.OfferReleased: released,
    e.NobodyLeftToAsk: nobody,
    e.Accepted: accepted,
    e.LeadReleased: lead_released,
    e.RespondersStoodDown: stood_down,
}
