"""Region: incidents that are one event (lifecycle section 10). Each keeps its own team and release.

Linked are open incidents of one building that were not joined to one, and those of another
building within 50 m whose alarms came within 10 minutes. A drill is linked with nothing. The link
stands in both journals, once, with its reason.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.facts import Facts
from backend.incidents.flow.incident import Incident, Link
from backend.incidents.flow.shared import Answer, Decide, Evolve
from backend.incidents.flow.vocabulary import Handling, Kind

BESIDE_M = 50.0  # ▲
WITHIN = timedelta(minutes=10)  # ▲


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """An open incident as another one may be linked with it."""

    id: UUID
    no: str
    kind: Kind
    handling: Handling
    drill: bool
    building_id: UUID | None
    metres: float
    emitted_at: datetime


def reason_of(one: Neighbour, other: Neighbour) -> Literal["same_building", "near"] | None:
    """Why these are one event, or None. ``other.metres`` is how far it is from ``one``."""
    if one.id == other.id or one.handling is not other.handling or one.drill or other.drill:
        return None
    if one.building_id is not None and one.building_id == other.building_id:
        return "same_building"
    soon = abs(one.emitted_at - other.emitted_at) <= WITHIN
    return "near" if soon and other.metres <= BESIDE_M else None


def links(one: Neighbour, around: Iterable[Neighbour]) -> list[tuple[UUID, c.LinkIncident]]:
    """What to say to whom: for each of ``around`` that is one event with ``one``, both ways."""
    said = []
    for other in around:
        reason = reason_of(one, other)
        if reason is None:
            continue
        metres = round(other.metres, 1)
        said += [
            (
                at.id,
                c.LinkIncident(other=to.id, no=to.no, kind=to.kind, reason=reason, metres=metres),
            )
            for at, to in ((one, other), (other, one))
        ]
    return said


def link(now: Incident, order: c.Order, cmd: c.LinkIncident, facts: Facts) -> Answer:
    if cmd.other == now.id or any(one.incident_id == cmd.other for one in now.linked):
        return ()
    return (
        e.IncidentsLinked(
            other=cmd.other, no=cmd.no, kind=cmd.kind, reason=cmd.reason, metres=cmd.metres
        ),
    )


# --- applying -----------------------------------------------------------------------------


def incidents_linked(now: Incident, event: e.Event, fact: e.IncidentsLinked) -> Incident:
    known = Link(
        incident_id=fact.other,
        no=fact.no,
        kind=fact.kind,
        reason=fact.reason,
        metres=fact.metres,
        at=event.occurred_at,
    )
    return msgspec.structs.replace(now, linked=(*now.linked, known))


DECIDE: dict[type[c.Command], Decide] = {c.LinkIncident: link}
EVOLVE: dict[type[e.Fact], Evolve] = {e.IncidentsLinked: incidents_linked}
