"""Region: evacuation (6.3.5.1). Who is out, by person; several phones may count at once.

The journal holds ids, never names. A person counts once, whoever ticked them and however often:
the newest statement stands, in the phones' corrected time. People nobody knows by name are counted
per home and per counter; of two counters of one home the larger count holds (lifecycle 8.7), so a
head is never counted twice. Whichever phone is heard first, the state becomes the same.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts, refuse
from backend.incidents.flow.incident import Evacuation, Incident, Mark
from backend.incidents.flow.shared import Answer, Decide, Evolve, no_cordon_here

put = msgspec.structs.replace

HOME = "home:"
"""Before a household's id: a home of which nobody is registered, counted as one to be found."""

Status = Literal["out", "with_fire", "nobody_home", "refused", "untick"]
STATUSES: tuple[Status, ...] = ("out", "with_fire", "nobody_home", "refused", "untick")
UNTICK = "untick"


def missing(evac: Evacuation) -> int:
    """How many of those expected nobody has said anything of, or only that it was a mistake."""
    found = evac.marks
    return sum(p not in found or found[p].status == UNTICK for p in evac.expected)


def totals(evac: Evacuation) -> Evacuation:
    """The counts, made anew from what was said."""
    count: dict[str, int] = dict.fromkeys(STATUSES, 0)
    for mark in evac.marks.values():
        count[mark.status] += mark.count
    for counters in evac.heads.values():
        for status in STATUSES:
            count[status] += max(0, *(said.get(status, 0) for said in counters.values()))
    lost = missing(evac)
    if evac.state == "closed":
        lost = min(evac.unaccounted, lost) if evac.expected else evac.unaccounted
    return put(
        evac,
        out=count["out"],
        with_fire=count["with_fire"],
        absent=count["nobody_home"],
        refused=count["refused"],
        unaccounted=lost,
    )


def newer(one: Mark, other: Mark | None) -> bool:
    """Whether ``one``, which arrived later, stands against ``other``.

    By time, then by person, so that of two phones it is the same whoever was heard first. Of one
    phone the later word stands even where both have one time: what it sends comes in its order.
    """
    return other is None or (one.at, one.by) >= (other.at, other.by)


def start_evacuation(now: Incident, order: c.Order, cmd: c.StartEvacuation, facts: Facts) -> Answer:
    if now.evacuation.state == "running":
        return ()
    return no_cordon_here(now) or (e.EvacuationStarted(),)


def draw_roster(now: Incident, order: c.Order, cmd: c.DrawRoster, facts: Facts) -> Answer:
    """Who has to be found; a list drawn again, for a wider cordon, only ever adds."""
    new = tuple(p for p in dict.fromkeys(cmd.people) if p not in now.evacuation.expected)
    return (e.RosterDrawn(people=new),) if new else ()


def person_out(now: Incident, order: c.Order, cmd: c.PersonOut, facts: Facts) -> Answer:
    """One person, or some nobody knows by name; fewer of those is a count below zero."""
    named = cmd.person_id is not None
    if cmd.count < 1 and (named or cmd.count == 0 or cmd.status == UNTICK):
        return refuse("count_below_zero")
    one = named and not str(cmd.person_id).startswith(HOME)
    said = e.PersonAccounted(
        person_id=cmd.person_id,
        household=cmd.household,
        household_id=cmd.household_id,
        count=1 if one else cmd.count,
        status=cmd.status,
    )
    # a tick that arrives after the end belongs to it; that somebody is missing after all does not
    over = now.evacuation.state == "closed" and order.late and cmd.status != UNTICK
    if now.evacuation.state == "running" or over:
        return (said,)
    return (e.EvacuationStarted(), said)


def close_evacuation(now: Incident, order: c.Order, cmd: c.CloseEvacuation, facts: Facts) -> Answer:
    """Not while somebody on the list is unaccounted for, unless fire command looks for them."""
    if now.evacuation.state != "running":
        return ()
    lost = max(cmd.unaccounted, missing(now.evacuation))
    if lost > 0 and not (cmd.handed_to or now.command_held_by):
        return refuse("people_unaccounted", str(lost))
    return (e.EvacuationClosed(handed_to=cmd.handed_to, unaccounted=lost),)


# --- applying -----------------------------------------------------------------------------


def _evacuating(now: Incident, evac: Evacuation) -> Incident:
    return put(now, evacuation=totals(evac))


def started(now: Incident, event: e.Event, fact: e.EvacuationStarted) -> Incident:
    return _evacuating(now, put(now.evacuation, state="running", unaccounted=0))


def drawn(now: Incident, event: e.Event, fact: e.RosterDrawn) -> Incident:
    evac = now.evacuation
    return _evacuating(now, put(evac, expected=(*evac.expected, *fact.people)))


def accounted(now: Incident, event: e.Event, fact: e.PersonAccounted) -> Incident:
    evac = now.evacuation
    if fact.person_id is not None:
        mark = Mark(status=fact.status, at=event.occurred_at, by=event.actor.id, count=fact.count)
        if not newer(mark, evac.marks.get(fact.person_id)):
            return now
        return _evacuating(now, put(evac, marks={**evac.marks, fact.person_id: mark}))
    home = str(fact.household_id or fact.household)
    counters = evac.heads.get(home, {})
    mine = counters.get(event.actor.id, {})
    mine = {**mine, fact.status: mine.get(fact.status, 0) + fact.count}
    return _evacuating(
        now, put(evac, heads={**evac.heads, home: {**counters, event.actor.id: mine}})
    )


def closed(now: Incident, event: e.Event, fact: e.EvacuationClosed) -> Incident:
    evac = put(
        now.evacuation, state="closed", handed_to=fact.handed_to, unaccounted=fact.unaccounted
    )
    return put(now, evacuation=evac)


def in_order(people: Iterable["Listed"]) -> list["Listed"]:
    """The list to go by: who needs help first (I14), then the home on fire, then door by door."""
    return sorted(people, key=lambda p: (not p.needs_help, p.ring, p.door, p.position, p.id))


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What the order of an evacuation list depends on.

    ``ring`` is 0 for the home where it began, 1 for its building, 2 for others in the cordon.
    """

    id: str
    needs_help: bool
    ring: int
    door: str
    position: int = 0


DECIDE: dict[type[c.Command], Decide] = {
    c.StartEvacuation: start_evacuation,
    c.DrawRoster: draw_roster,
    c.PersonOut: person_out,
    c.CloseEvacuation: close_evacuation,
}
EVOLVE: dict[type[e.Fact], Evolve] = {
    e.EvacuationStarted: started,
    e.RosterDrawn: drawn,
    e.PersonAccounted: accounted,
    e.EvacuationClosed: closed,
}
