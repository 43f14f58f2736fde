"""Region: several incidents that are one, one that is several, and exercises (52, 53)."""

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.shared import Answer, Decide, Evolve
from backend.incidents.flow.vocabulary import Handling, State

put = msgspec.structs.replace


def merge(now: Incident, order: c.Order, cmd: c.Merge, facts: Facts) -> Answer:
    """Only active with active; everybody asked or under way for this one is told to stop."""
    if cmd.into == now.id or not facts.other_open:
        return refuse("not_mergeable")
    if now.entered:
        return refuse("somebody_inside")
    asked = tuple(
        e.OfferReleased(offer_id=o.id, staff_id=o.staff_id, reason="merged")
        for o in now.offers
        if o.outcome == "open"
    )
    people = tuple(r.staff_id for r in (now.lead, *now.helpers) if r is not None)
    stop = (e.RespondersStoodDown(staff_ids=people),) if people else ()
    return (*asked, *stop, e.Merged(into=cmd.into, reason=cmd.reason))


def absorb(now: Incident, order: c.Order, cmd: c.Absorb, facts: Facts) -> Answer:
    added = tuple(
        e.EpisodeAdded(
            voids=now.c1 is not None or now.c2 is not None,
            **{f: getattr(alarm, f) for f in alarm.__struct_fields__},
        )
        for alarm in cmd.detectors
        if alarm.detector_id in cmd.alarming and alarm.detector_id not in now.detectors
    )
    return (e.Absorbed(source=cmd.source, no=cmd.no), *added)


def split(now: Incident, order: c.Order, cmd: c.Split, facts: Facts) -> Answer:
    """A further household goes its own way; the one it began in stays."""
    theirs = tuple(d.id for d in now.detectors.values() if d.household_id == cmd.household_id)
    if not theirs or cmd.household_id == now.place.household_id:
        return refuse("not_splittable")
    gone = e.SplitOff(household_id=cmd.household_id, detector_ids=theirs, reason=cmd.reason)
    stay = [d for d in now.detectors.values() if d.id not in theirs]
    quiet = now.c1 is None and all(not d.alarming for d in stay)
    return (gone, e.NormalConditionMet(how="normal")) if quiet else (gone,)


def mark_drill(now: Incident, order: c.Order, cmd: c.MarkDrill, facts: Facts) -> Answer:
    return () if now.handling is Handling.EXERCISE else (e.DrillMarked(),)


def play_in_drill(now: Incident, order: c.Order, cmd: c.PlayInDrill, facts: Facts) -> Answer:
    if now.handling is not Handling.EXERCISE:
        return refuse("not_a_drill")
    if now.archive_requested_at is not None:
        return ()  # what a script still had to say when the drill was ended
    return (e.DrillPlayed(zh=cmd.zh, en=cmd.en),)


def end_drill(now: Incident, order: c.Order, cmd: c.EndDrill, facts: Facts) -> Answer:
    """Closed like any incident: offers withdrawn, released, nothing left owing, to be sealed."""
    if now.handling is not Handling.EXERCISE:
        return refuse("not_a_drill")
    ended = e.DrillEnded(
        scenario=cmd.scenario, review=cmd.review, leader=cmd.leader, staff=cmd.staff
    )
    if now.archive_requested_at is not None:
        return (ended,)
    released: tuple[e.AnyFact, ...] = ()
    if now.state is not State.RELEASED:
        asked = tuple(
            e.OfferReleased(offer_id=o.id, staff_id=o.staff_id, reason="drill_ended")
            for o in now.offers
            if o.outcome == "open"
        )
        released = (*asked, e.Released(how="drill", category="drill"))
    loose: tuple[e.AnyFact, ...] = ()
    if now.evacuation.state == "running":
        loose = (e.EvacuationClosed(handed_to="演练结束", unaccounted=0),)
    if now.cordon.state == "set":
        loose = (*loose, e.CordonLifted())
    debts = tuple(
        e.ObligationWaived(code=o.code, reason="演练结束") for o in now.obligations if not o.settled
    )
    return (ended, *loose, *released, *debts, e.ArchiveRequested())


# --- applying -----------------------------------------------------------------------------


def merged(now: Incident, event: e.Event, fact: e.Merged) -> Incident:
    return put(
        now,
        state=State.RELEASED,
        lead=None,
        helpers=(),
        merged_into=fact.into,
        released_at=event.received_at,
        released_how="merged",
        category="merged",
        dispatch_open=False,
    )


def absorbed(now: Incident, event: e.Event, fact: e.Absorbed) -> Incident:
    return put(now, absorbed=(*now.absorbed, fact.no))


def split_off(now: Incident, event: e.Event, fact: e.SplitOff) -> Incident:
    gone = set(fact.detector_ids)
    return put(
        now,
        detectors={i: d for i, d in now.detectors.items() if i not in gone},
        threads={h: t for h, t in now.threads.items() if h != fact.household_id},
    )


def drill_marked(now: Incident, event: e.Event, fact: e.DrillMarked) -> Incident:
    return put(now, handling=Handling.EXERCISE)


def noted(now: Incident, event: e.Event, fact: e.DrillPlayed | e.DrillEnded) -> Incident:
    return now


DECIDE: dict[type[c.Command], Decide] = {
    c.Merge: merge,
    c.Absorb: absorb,
    c.Split: split,
    c.MarkDrill: mark_drill,
    c.PlayInDrill: play_in_drill,
    c.EndDrill: end_drill,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.Merged: merged,
    e.Absorbed: absorbed,
    e.SplitOff: split_off,
    e.DrillMarked: drill_marked,
    e.DrillPlayed: noted,
    e.DrillEnded: noted,
}
