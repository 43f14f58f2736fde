"""Drills: incidents that only the chosen staff ever hear of (lifecycle 53, I15).

A drill stands at a site of its own: no household, no real detector and no real building belong to
it, so no real alarm joins it, is taken for dealt with by it, or is held back because of it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.incidents.flow.commands import AnyCommand
from backend.shared.db import OPERATIONS, Row
from backend.shared.ids import uuid7


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """One drill. ``site`` stands for the building; ``building_id`` is the real one, whose
    offices are named in it and never told."""

    incident_id: UUID
    scenario: str
    staff: frozenset[UUID]
    started_by: UUID
    started_name: str
    started_at: datetime
    site: UUID
    building_id: UUID | None
    ended_at: datetime | None = None
    outcome: str = ""

    def reaches(self, address: str, *, closing: bool = False) -> bool:
        """Whether a message of this drill may go to ``address``: the chosen, and who started it.

        ``closing``: it says that the drill is over, and is the only one that goes afterwards.
        """
        if self.ended_at is not None and not closing:
            return False
        to = {f"account:{self.started_by}", *(f"staff:{one}" for one in self.staff)}
        return address in to


async def begin(drill: Drill, *, role: str) -> None:
    """Write a drill down, in the transaction that then opens its incident."""
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "INSERT INTO drill (incident_id, scenario, staff, started_by, started_name,"
            " started_at, site, building_id, ended_at, outcome)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (incident_id) DO NOTHING",
            drill.incident_id, drill.scenario, sorted(drill.staff), drill.started_by,
            drill.started_name, drill.started_at, drill.site, drill.building_id, drill.ended_at,
            drill.outcome,
        )  # fmt: skip
        await audit.record(
            OPERATIONS, actor=drill.started_by, role=role, action="drill.started",
            subject=drill.incident_id,
            after={"scenario": drill.scenario, "staff": [str(one) for one in sorted(drill.staff)]},
            at=drill.started_at,
        )  # fmt: skip


async def script(drill: Drill, happenings: Sequence[tuple[datetime, AnyCommand]]) -> None:
    """Have these commands said by themselves at their times; in the transaction of ``begin``."""
    await OPERATIONS.execute_many(
        "INSERT INTO deadline (id, incident_id, name, due_at, command)"
        " VALUES ($1, $2, 'drill_script', $3, $4)",
        [(uuid7(), drill.incident_id, at, command) for at, command in happenings],
    )


async def inherit(child: UUID, parent: UUID) -> None:
    """An incident that comes out of a drill is the same drill; of a real one, nothing happens."""
    await OPERATIONS.execute(
        "INSERT INTO drill (incident_id, scenario, staff, started_by, started_name, started_at,"
        " site, building_id, ended_at, outcome)"
        " SELECT $1, scenario, staff, started_by, started_name, started_at, site, building_id,"
        " ended_at, outcome FROM drill WHERE incident_id = $2"
        " ON CONFLICT (incident_id) DO NOTHING",
        child,
        parent,
    )


async def drill_of(incident_id: UUID | None) -> Drill | None:
    """The drill behind an incident; None for a real one."""
    row = await OPERATIONS.fetch_one("SELECT * FROM drill WHERE incident_id = $1", incident_id)
    return None if row is None else _drill(row)


async def real_building(site: UUID) -> UUID | None:
    """The building that a drill's site stands for; None where ``site`` is a building itself."""
    found: UUID | None = await OPERATIONS.fetch_value(
        "SELECT building_id FROM drill WHERE site = $1 LIMIT 1", site
    )
    return found


async def newest(limit: int = 100) -> list[Drill]:
    """Drills, newest first."""
    rows = await OPERATIONS.fetch("SELECT * FROM drill ORDER BY started_at DESC LIMIT $1", limit)
    return [_drill(row) for row in rows]


async def end(incident_id: UUID, *, outcome: str, actor: UUID, role: str, at: datetime) -> bool:
    """Close a drill: nobody is told or asked any more. False when it was closed before."""
    async with OPERATIONS.transaction():
        ended = await OPERATIONS.execute(
            "UPDATE drill SET ended_at = $2, outcome = $3"
            " WHERE incident_id = $1 AND ended_at IS NULL",
            incident_id,
            at,
            outcome,
        )
        if ended:
            await audit.record(
                OPERATIONS, actor=actor, role=role, action="drill.ended", subject=incident_id,
                after={"outcome": outcome}, at=at,
            )  # fmt: skip
    return bool(ended)


def _drill(row: Row) -> Drill:
    facts = dict(row)
    return Drill(**{**facts, "staff": frozenset(facts["staff"])})
