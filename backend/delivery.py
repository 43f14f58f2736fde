"""A filed paper goes to the office that it concerns, and the desk hears when nobody answers.

B.6 asks for the community, B.4 for the authority for housing and building; that the community
also gets the reason of a false alarm (6.2.4) is ours ▲.
"""

from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid5

from backend import notices
from backend.documents.flow import Paper, PaperKind
from backend.documents.schemas import PaperLine
from backend.incidents import drills, journal
from backend.incidents.flow.incident import Incident
from backend.offices import papers
from backend.offices import service as offices
from backend.offices.schemas import Caller, ReportPlace, Situation
from backend.shared.context import Context
from push.message import Message

CONCERNS = {
    PaperKind.COMMUNITY: "community",
    PaperKind.AUTHORITY: "housing",
    PaperKind.FALSE_ALARM: "community",
}
"""Which kind of office a paper goes to; the other papers go to nobody outside."""
OFFICE_SILENT = "office_silent"
"""A deadline that is no command: the incident may be sealed when it passes."""
DESKS = ("desk", "desk_lead")


class Sends(Protocol):
    """What the pipeline lends: its clock, and the one way out for messages."""

    ctx: Context

    async def send(self, message: Message, address: str, now: Incident, /) -> None: ...

    async def tell_desks(
        self, now: Incident, about: str, cause: UUID, roles: tuple[str, ...], /
    ) -> None: ...


async def deliver(p: Sends, now: Incident, paper: Paper, line: PaperLine) -> None:
    """Put a paper before every office of the address that it concerns.

    Where no such office is registered the desk is told to telephone. A drill's papers stay with
    the drill.
    """
    concerned = CONCERNS.get(paper.kind)
    if concerned is None or now.id is None or await drills.drill_of(now.id) is not None:
        return
    cause = uuid5(now.id, f"{paper.kind} {paper.version}")
    building = now.place.building_id
    known = await offices.offices_for(building) if building else []
    wanted = [one for one in known if one.kind == concerned]
    if not wanted:
        await p.tell_desks(now, "no_office", cause, DESKS)
    at = p.ctx.clock.now()
    for office in wanted:
        report_id = uuid5(cause, str(office.id))
        fresh = await papers.deliver(
            office,
            _situation(now, paper, line),
            report_id=report_id,
            incident_id=now.id,
            sha256=line.sha256,
            version=paper.version,
            at=at,
        )
        if not fresh:
            continue
        message = notices.paper_to_office(now, line, report_id, at=at)
        await p.send(message, f"office:{office.id}", now)
        await _wait(p, now.id, uuid5(report_id, OFFICE_SILENT))


def _situation(now: Incident, paper: Paper, line: PaperLine) -> Situation:
    """What the inbox shows of it: the paper's own sections in one text."""
    return Situation(
        no=now.no,
        kind=now.kind,
        urgency=now.urgency,
        state=now.state,
        handling=now.handling,
        situation="；".join(body for _head, body in paper.sections if body),
        place=ReportPlace(**{f: getattr(now.place, f) for f in ReportPlace.__struct_fields__}),
        contact=Caller(name=paper.author) if paper.author else None,
        purpose=paper.kind,
        paper=line.number,
        paper_title=line.title,
    )


async def _wait(p: Sends, incident_id: UUID, deadline_id: UUID) -> None:
    due_at = p.ctx.clock.now() + timedelta(seconds=p.ctx.settings.timers.office_ack_s)
    await journal.start_deadline(deadline_id, incident_id, OFFICE_SILENT, due_at)


async def office_silent(p: Sends, incident_id: UUID, cause: UUID) -> None:
    """Tell the desk of papers that nobody acknowledged in time, and again until somebody does."""
    limit = timedelta(seconds=p.ctx.settings.timers.office_ack_s)
    at = p.ctx.clock.now()
    sent = await papers.sent_for(incident_id)
    silent = [one for one in sent if one.acknowledged_at is None and at - one.sent_at >= limit]
    if not silent:
        return
    now = await journal.load(incident_id)
    await p.tell_desks(now, OFFICE_SILENT, cause, DESKS)
    await _wait(p, incident_id, uuid5(cause, "again"))
