"""What I was on, and any incident again from its first second: timeline, people, readings."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import FromPath, Parameter

from backend.access.guards import requires, signed_in
from backend.documents import service as documents
from backend.incidents import journal, traces
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.vocabulary import Place
from backend.incidents.traces import Trace
from backend.incidents.views import Entry, entry
from backend.screens.incident import LIVING, Series, may_see
from backend.screens.reading import existing
from backend.sensing import service as sensing
from backend.shared.db import OPERATIONS
from backend.staff.problems import NoStaffRecord

AnyRequest = Request[Any, Any, Any]
BEFORE = timedelta(minutes=5)
AFTER = timedelta(minutes=2)
POINTS_AT_MOST = 400


class Past(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of my history. ``part``: lead, helper or asked."""

    id: UUID
    no: str
    kind: str
    urgency: str
    state: str
    handling: str
    address: str
    emitted_at: datetime
    released_at: datetime | None
    released_how: str | None
    category: str | None
    part: str
    answer: str | None
    owed: list[str]
    papers: int


class History(msgspec.Struct, frozen=True, kw_only=True):
    """``next`` is what to ask for the following page, None on the last."""

    incidents: list[Past]
    next: str | None


class Replay(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything for showing an incident at any of its moments."""

    id: UUID
    no: str
    kind: str
    urgency: str
    handling: str
    place: Place
    begins_at: datetime
    ends_at: datetime
    timeline: list[Entry]
    traces: list[Trace]
    series: list[Series]
    cordon: dict[str, Any] | None


@get("/api/field/history", guards=[requires("field")], operation_id="History")
async def history(
    request: AnyRequest,
    before: Annotated[str | None, Parameter(max_length=40)] = None,
    limit: Annotated[int, Parameter(ge=1, le=50)] = 20,
) -> History:
    """Incidents that I led, helped at or was asked to, newest first."""
    me = request.user.staff_id
    if me is None:
        raise NoStaffRecord("此账户没有人员档案 This account has no staff record")
    rows = await OPERATIONS.fetch(
        "SELECT i.id, i.no FROM incident i WHERE ($2::text IS NULL OR i.no < $2) AND"
        " (i.responders @> ARRAY[$1::uuid] OR EXISTS (SELECT FROM event e WHERE"
        " e.incident_id = i.id AND e.type = 'Offered' AND e.body -> 'fact' ->> 'staffId' = $3))"
        " ORDER BY i.no DESC LIMIT $4",
        me,
        before,
        str(me),
        limit + 1,
    )
    shown = rows[:limit]
    return History(
        incidents=[await _past(await journal.load(row["id"]), me) for row in shown],
        next=shown[-1]["no"] if len(rows) > limit else None,
    )


async def _past(now: Incident, me: UUID) -> Past:
    assert now.id is not None
    assert now.emitted_at is not None
    mine = [o for o in now.offers if o.staff_id == me]
    answer = mine[-1].outcome if mine else None
    part = "lead" if now.leads(me) else "helper" if now.on_it(me) else "asked"
    return Past(
        id=now.id,
        no=now.no,
        kind=now.kind,
        urgency=now.urgency,
        state=now.state,
        handling=now.handling,
        address=now.place.address,
        emitted_at=now.emitted_at,
        released_at=now.released_at,
        released_how=now.released_how,
        category=now.category,
        part=part,
        answer=answer,
        owed=[o.code for o in now.obligations if not o.settled] if now.on_it(me) else [],
        papers=len(await documents.papers_of(now.id)),
    )


@get("/api/incidents/{incident_id:uuid}/replay", guards=[signed_in], operation_id="Replay")
async def replay(request: AnyRequest, incident_id: FromPath[UUID]) -> Replay:
    """One incident, whole, to be shown moment by moment."""
    now = await existing(incident_id)
    may_see(now, request.user)
    assert now.id is not None
    assert now.emitted_at is not None
    past = await journal.events_of(incident_id)
    spots = await traces.traces_of(incident_id)
    ends_at = max(event.received_at for event in past)
    readings = await sensing.series(
        [d.id for d in now.detectors.values() if d.kind not in LIVING],
        now.emitted_at - BEFORE,
        limit=20_000,
        until=ends_at + AFTER,
    )
    return Replay(
        id=now.id,
        no=now.no,
        kind=now.kind,
        urgency=now.urgency,
        handling=now.handling,
        place=now.place,
        begins_at=now.emitted_at,
        ends_at=max(ends_at, *(spot.at for spot in spots)) if spots else ends_at,
        timeline=[entry(event) for event in sorted(past, key=lambda e: (e.occurred_at, e.version))],
        traces=spots,
        series=[
            Series(
                detector_id=d.id,
                label=d.label,
                quantity=d.quantity,
                unit=d.unit,
                limit=d.limit,
                points=_thinned(
                    [
                        (p.measured_at, p.value)
                        for p in readings
                        if p.detector_id == d.id and p.quantity == d.quantity
                    ]
                ),
            )
            for d in now.detectors.values()
        ],
        cordon=now.cordon.shape,
    )


def _thinned(points: list[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """At most ``POINTS_AT_MOST``: of each stretch the value furthest from nothing is kept."""
    step = -(-len(points) // POINTS_AT_MOST)
    if step <= 1:
        return points
    return [
        max(points[at : at + step], key=lambda p: abs(p[1])) for at in range(0, len(points), step)
    ]


ROUTES = [history, replay]
