"""Whom to ask about an incident, and why those who were asked: for the desk."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath
from msgspec import Meta

from backend.access.guards import requires
from backend.finding import as_recorded
from backend.incidents import journal
from backend.incidents.flow.vocabulary import Candidate
from backend.incidents.searches import Search, searches_of
from backend.screens.incident import DESKS
from backend.screens.reading import existing
from backend.screens.services import Services
from backend.shared.context import Ctx


class Candidates(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everybody on duty as dispatch sees them now, in the order of asking, the passed-over last.

    ``near_step_min`` and ``rest_s`` are the numbers by which load and rest decide.
    """

    candidates: list[Candidate]
    near_step_min: Annotated[float, Meta(description="ways closer than this are equal, min")]
    rest_s: float


class Searches(msgspec.Struct, frozen=True, kw_only=True):
    """Oldest first."""

    searches: tuple[Search, ...]


@get("/api/incidents/{incident_id:uuid}/candidates", guards=[requires(*DESKS)],
     operation_id="Candidates")  # fmt: skip
async def candidates(incident_id: FromPath[UUID], services: Services, ctx: Ctx) -> Candidates:
    """Who could be asked now; nobody is asked by looking."""
    now = await existing(incident_id)
    choice, _ = await services.finding.choice(now, ctx.clock.now())
    policy = services.finding.policy()
    return Candidates(
        candidates=[as_recorded(one) for one in choice.candidates],
        near_step_min=policy.near_step_min,
        rest_s=policy.rest_s,
    )


@get("/api/incidents/{incident_id:uuid}/searches", guards=[requires(*DESKS)],
     operation_id="Searches")  # fmt: skip
async def searches(incident_id: FromPath[UUID]) -> Searches:
    """Every search of the incident: who was asked, who was passed over and why."""
    await existing(incident_id)
    return Searches(searches=searches_of(await journal.events_of(incident_id)))


ROUTES = [candidates, searches]
