"""Region: finding a lead (6.2.3). One offer at a time, nobody asked twice in a round."""

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.incident import Incident, OfferMade, Responder
from backend.incidents.flow.shared import Answer, Decide, Evolve, call_for_people
from backend.incidents.flow.vocabulary import Role, State

put = msgspec.structs.replace


def dispatch_now(now: Incident, order: c.Order, cmd: c.DispatchNow, facts: Facts) -> Answer:
    """A desk may open the next round by hand; the platform never does."""
    reason = cmd.reason or "desk"
    if now.lead is not None:
        return () if order.actor.role is Role.SYSTEM else refuse("lead_on_it", now.lead.name)
    if not now.dispatch_open:
        return call_for_people(now, reason)
    if order.actor.role is Role.SYSTEM or not now.nobody_left:
        return ()
    return (e.DispatchRequested(reason=reason, round=now.round + 1),)


def offer(now: Incident, order: c.Order, cmd: c.Offer, facts: Facts) -> Answer:
    if now.lead is not None or now.open_offer is not None or not now.dispatch_open:
        return refuse("offer_not_wanted")
    if cmd.staff_id in now.tried:
        return refuse("asked_already")
    if not facts.qualified:
        return refuse("not_qualified")
    if not facts.on_shift:
        return refuse("off_shift")
    if facts.leads_elsewhere:
        return refuse("leads_elsewhere")
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
        ),
    )


def accept(now: Incident, order: c.Order, cmd: c.Accept, facts: Facts) -> Answer:
    made = _offer(now, cmd.offer_id)
    if made is None or made.staff_id != order.actor.staff:
        return refuse("no_such_offer")
    if made.outcome == "accepted" and now.leads(order.actor.staff):
        return ()
    if now.lead is not None:
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
            lead=True,
        ),
    )


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
    if now.lead is not None or now.open_offer is not None or now.nobody_left:
        return ()
    return (e.NobodyLeftToAsk(candidates=cmd.candidates),)


def self_assign(now: Incident, order: c.Order, cmd: c.SelfAssign, facts: Facts) -> Answer:
    staff = order.actor.staff
    if staff is None:
        return refuse("field_only")
    if now.on_it(staff):
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
    )
    asked = now.open_offer
    if not lead or asked is None:
        return (joined,)
    freed = e.OfferReleased(offer_id=asked.id, staff_id=asked.staff_id, reason="taken")
    return (freed, joined)


def reassign(now: Incident, order: c.Order, cmd: c.Reassign, facts: Facts) -> Answer:
    if not cmd.reason.strip():
        return refuse("reason_needed")
    asked = now.open_offer
    freed: tuple[e.AnyFact, ...] = ()
    if asked is not None:
        freed = (e.OfferReleased(offer_id=asked.id, staff_id=asked.staff_id, reason="reassigned"),)
    if now.lead is not None:
        gone = e.LeadReleased(
            staff_id=now.lead.staff_id, staff_name=now.lead.name, reason=cmd.reason
        )
        freed = (*freed, gone)
    wanted = e.DispatchRequested(reason=cmd.reason, round=now.round + 1, preferred=cmd.to)
    return (*freed, wanted)


# --- applying -----------------------------------------------------------------------------


def requested(now: Incident, event: e.Event, fact: e.DispatchRequested) -> Incident:
    return put(
        now,
        state=State.DISPATCHING,
        dispatch_open=True,
        round=fact.round,
        tried=now.tried if fact.round == now.round else frozenset(),
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
    return put(now, nobody_left=True, candidates=fact.candidates or now.candidates)


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
        return put(now, helpers=(*now.helpers, who))
    return put(
        now,
        lead=who,
        state=State.EN_ROUTE,
        dispatch_open=False,
        nobody_left=False,
        relevant_at=event.occurred_at,
    )


def lead_released(now: Incident, event: e.Event, fact: e.LeadReleased) -> Incident:
    inside = {staff: at for staff, at in now.entered.items() if staff != fact.staff_id}
    return put(now, lead=None, entered=inside, relevant_at=event.received_at)


def stood_down(now: Incident, event: e.Event, fact: e.RespondersStoodDown) -> Incident:
    stays = now.lead if now.lead is not None and now.lead.arrived_at is not None else None
    return put(now, lead=stays, helpers=(), entered={}, dispatch_open=False)


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
