"""Region: people hurt, report for rescue, guiding, fire command (6.3.4)."""

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.incident import Incident, Report, Spot, Vehicle
from backend.incidents.flow.shared import (
    Answer,
    Decide,
    Evolve,
    escalate,
    meet,
    report_to_offices,
)
from backend.incidents.flow.vocabulary import Control

put = msgspec.structs.replace


def report_trapped(now: Incident, order: c.Order, cmd: c.ReportTrapped, facts: Facts) -> Answer:
    """Trapped people force the report for rescue (T13); fewer needs what became of them."""
    if cmd.count < 0:
        return refuse("count_below_zero")
    before = now.people.trapped
    if cmd.count < before and not (cmd.outcome or "").strip():
        return refuse("outcome_needed")
    said = e.TrappedChanged(count=cmd.count, before=before, place=cmd.place, outcome=cmd.outcome)
    if cmd.count == 0 or (cmd.count <= before and now.control is Control.UNCONTROLLABLE):
        return (said,)
    return (said, *escalate(now, facts, "trapped"))


def report_injured(now: Incident, order: c.Order, cmd: c.ReportInjured, facts: Facts) -> Answer:
    if cmd.count < 0 or cmd.handed_over < 0:
        return refuse("count_below_zero")
    if cmd.count < now.people.injured:
        return refuse("count_only_grows", str(now.people.injured))
    said = e.InjuredChanged(count=cmd.count, handed_over=min(cmd.handed_over, cmd.count))
    needs = cmd.count > now.people.injured and now.people.call120 == "not_needed"
    return (said, e.AmbulanceNeeded()) if needs else (said,)


def log_emergency_call(
    now: Incident, order: c.Order, cmd: c.LogEmergencyCall, facts: Facts
) -> Answer:
    return (e.EmergencyCallLogged(number=cmd.number, result=cmd.result),)


def report_to(now: Incident, order: c.Order, cmd: c.ReportTo, facts: Facts) -> Answer:
    wanted = facts.offices
    if cmd.offices is not None:
        wanted = tuple(o for o in facts.offices if o.id in set(cmd.offices))
        if len(wanted) != len(set(cmd.offices)):
            return refuse("office_unknown")
    queued = report_to_offices(now, put(facts, offices=wanted), cmd.situation)
    # offices that have a report already learn what is new
    told = cmd.situation.strip()
    standing = any(r.status != "failed" for r in now.reports)
    new = told and standing and told not in now.supplements
    return (e.ReportSupplemented(text=told), *queued) if new else queued


def report_delivered(now: Incident, order: c.Order, cmd: c.ReportDelivered, facts: Facts) -> Answer:
    report = now.report(cmd.report_id)
    if report is None:
        return refuse("no_such_report")
    reached = report.delivered_at is not None
    return () if reached else (e.ReportReached(report_id=cmd.report_id),)


def report_failed(now: Incident, order: c.Order, cmd: c.ReportFailed, facts: Facts) -> Answer:
    report = now.report(cmd.report_id)
    if report is None:
        return refuse("no_such_report")
    if report.delivered_at is not None or report.status == "failed":
        return ()
    return (e.ReportUndelivered(report_id=cmd.report_id, reason=cmd.reason),)


def acknowledge_report(
    now: Incident, order: c.Order, cmd: c.AcknowledgeReport, facts: Facts
) -> Answer:
    report = now.report(cmd.report_id)
    if report is None or order.actor.id != f"office:{report.office.id}":
        return refuse("no_such_report")
    new = (cmd.reply or None) != report.reply or cmd.sent != report.dispatched
    if report.acknowledged_at is not None and not new:
        return ()
    said = e.ReportAcknowledged(
        report_id=cmd.report_id, office_name=report.office.name, reply=cmd.reply, sent=cmd.sent
    )
    community = report.office.kind == "community" and now.owes("community_report")
    return (said, *meet(now, "community_report")) if community else (said,)


def road_cleared(now: Incident, order: c.Order, cmd: c.RoadCleared, facts: Facts) -> Answer:
    return () if now.road_open else (e.RoadOpened(),)


def guide_posted(now: Incident, order: c.Order, cmd: c.GuidePosted, facts: Facts) -> Answer:
    """Who meets the engines and where; a spot chosen on the map is told to every screen."""
    return (
        e.GuideInPlace(
            person=cmd.person or order.actor.name, place=cmd.place, lat=cmd.lat, lon=cmd.lon
        ),
    )


def vehicle_arrived(now: Incident, order: c.Order, cmd: c.VehicleArrived, facts: Facts) -> Answer:
    return (e.VehicleCame(what=cmd.what),)


def fire_takes(now: Incident, order: c.Order, cmd: c.FireCommandTakesOver, facts: Facts) -> Answer:
    return () if now.command_held_by == cmd.commander else (e.CommandHeld(commander=cmd.commander),)


def fire_gives(now: Incident, order: c.Order, cmd: c.FireCommandGivesBack, facts: Facts) -> Answer:
    held = now.command_held_by is not None
    return (e.CommandReturned(commander=cmd.commander),) if held else ()


# --- applying -----------------------------------------------------------------------------


def trapped(now: Incident, event: e.Event, fact: e.TrappedChanged) -> Incident:
    return put(now, people=put(now.people, trapped=fact.count))


def injured(now: Incident, event: e.Event, fact: e.InjuredChanged) -> Incident:
    return put(now, people=put(now.people, injured=fact.count, handed_over=fact.handed_over))


def ambulance(now: Incident, event: e.Event, fact: e.AmbulanceNeeded) -> Incident:
    called = "120" in now.calls
    return put(now, people=put(now.people, call120="called" if called else "needed"))


def called(now: Incident, event: e.Event, fact: e.EmergencyCallLogged) -> Incident:
    after = put(now, calls=(*now.calls, fact.number))
    if fact.number != "120" or now.people.call120 == "not_needed":
        return after
    return put(after, people=put(now.people, call120="called"))


def queued(now: Incident, event: e.Event, fact: e.ReportQueued) -> Incident:
    report = Report(
        id=fact.report_id,
        office=fact.office,
        situation=fact.situation,
        status="sent",
        sent_at=event.received_at,
        location_gap=fact.location_gap,
        purpose=fact.purpose,
    )
    return put(now, reports=(*now.reports, report))


def supplemented(now: Incident, event: e.Event, fact: e.ReportSupplemented) -> Incident:
    return put(now, supplements=(*now.supplements, fact.text))


def gap(now: Incident, event: e.Event, fact: e.ReportGap) -> Incident:
    return put(now, report_gap=True)


def _mark(now: Incident, report_id: object, **changes: object) -> Incident:
    reports = tuple(put(r, **changes) if r.id == report_id else r for r in now.reports)
    return put(now, reports=reports)


def reached(now: Incident, event: e.Event, fact: e.ReportReached) -> Incident:
    return _mark(now, fact.report_id, status="delivered", delivered_at=event.received_at)


def acknowledged(now: Incident, event: e.Event, fact: e.ReportAcknowledged) -> Incident:
    known = now.report(fact.report_id)
    at = event.received_at
    return _mark(
        now,
        fact.report_id,
        status="acknowledged",
        acknowledged_at=(known.acknowledged_at if known else None) or at,
        delivered_at=(known.delivered_at if known else None) or at,
        reply=fact.reply,
        dispatched=fact.sent,
    )


def undelivered(now: Incident, event: e.Event, fact: e.ReportUndelivered) -> Incident:
    return _mark(now, fact.report_id, status="failed")


def reminded(now: Incident, event: e.Event, fact: e.Reminded) -> Incident:
    """Nobody signed for a report in time: from here on it is the desk's telephone that counts."""
    if fact.about != "report_voice" or fact.ref is None:
        return now
    return _mark(now, fact.ref, voice_at=event.received_at)


def road(now: Incident, event: e.Event, fact: e.RoadOpened) -> Incident:
    return put(now, road_open=True)


def guide(now: Incident, event: e.Event, fact: e.GuideInPlace) -> Incident:
    spot = None
    if fact.lat is not None and fact.lon is not None:
        spot = Spot(lat=fact.lat, lon=fact.lon)
    return put(now, guide=f"{fact.person} · {fact.place}".strip(" ·"), meeting=spot or now.meeting)


def vehicle(now: Incident, event: e.Event, fact: e.VehicleCame) -> Incident:
    return put(now, vehicles=(*now.vehicles, Vehicle(what=fact.what, at=event.occurred_at)))


def held(now: Incident, event: e.Event, fact: e.CommandHeld) -> Incident:
    return put(now, command_held_by=fact.commander)


def returned(now: Incident, event: e.Event, fact: e.CommandReturned) -> Incident:
    return put(now, command_held_by=None)


DECIDE: dict[type[c.Command], Decide] = {
    c.ReportTrapped: report_trapped,
    c.ReportInjured: report_injured,
    c.LogEmergencyCall: log_emergency_call,
    c.ReportTo: report_to,
    c.ReportDelivered: report_delivered,
    c.ReportFailed: report_failed,
    c.AcknowledgeReport: acknowledge_report,
    c.RoadCleared: road_cleared,
    c.GuidePosted: guide_posted,
    c.VehicleArrived: vehicle_arrived,
    c.FireCommandTakesOver: fire_takes,
    c.FireCommandGivesBack: fire_gives,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.TrappedChanged: trapped,
    e.InjuredChanged: injured,
    e.AmbulanceNeeded: ambulance,
    e.EmergencyCallLogged: called,
    e.ReportQueued: queued,
    e.ReportGap: gap,
    e.ReportSupplemented: supplemented,
    e.ReportReached: reached,
    e.ReportAcknowledged: acknowledged,
    e.ReportUndelivered: undelivered,
    e.Reminded: reminded,
    e.RoadOpened: road,
    e.GuideInPlace: guide,
    e.VehicleCame: vehicle,
    e.CommandHeld: held,
    e.CommandReturned: returned,
}
