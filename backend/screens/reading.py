"""Load what several screens show of an incident."""

from collections.abc import Iterable
from uuid import UUID

from backend.evidence import proofs
from backend.evidence import service as evidence
from backend.incidents import journal
from backend.incidents.flow.incident import Incident
from backend.incidents.views import IncidentView, Live, incident_view
from backend.screens.services import Parts
from backend.sensing import service as sensing
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound


async def live_values(detectors: Iterable[UUID], parts: Parts) -> dict[tuple[UUID, str], Live]:
    """Newest value of each quantity of these detectors."""
    return {
        (one.detector_id, one.quantity): Live(
            value=one.value,
            unit=one.unit,
            measured_at=one.measured_at,
            limit=one.limit,
            normals=one.normals,
            normals_needed=one.normals_needed,
            normal_since=one.normal_since,
            muted_until=one.muted_until,
        )
        for one in await sensing.latest(list(detectors), parts.rules)
    }


async def existing(incident_id: UUID) -> Incident:
    """The incident.

    Raises:
        NotFound: there is none with this id.
    """
    now = await journal.load(incident_id)
    if now.id is None:
        raise NotFound(f"没有这起警情 no incident {incident_id}")
    return now


async def view_of(now: Incident, roles: frozenset[str], parts: Parts) -> IncidentView:
    """One incident, whole, for somebody with these roles."""
    assert now.id is not None
    past = await journal.events_of(now.id)
    hashes = [h for p in now.photos for h in (p.sha256, p.preview_sha256) if h]
    cursor = await OPERATIONS.fetch_value("SELECT cursor FROM incident WHERE id = $1", now.id)
    return incident_view(
        now,
        past,
        cursor=cursor or 0,
        live=await live_values(now.detectors, parts),
        photos_missing=frozenset(await evidence.missing(hashes) if hashes else ()),
        roles=roles,
        proofs=await proofs.verdicts(now.id) if hashes else {},
    )
