"""Where the people of an incident were: kept only for their incidents, for its replay."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from backend.shared.db import OPERATIONS


class Trace(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One spot, degrees WGS-84; ``what`` is the command, or ``offer`` for where the asked was."""

    staff_id: UUID
    name: str
    at: datetime
    what: str
    lat: float
    lon: float
    accuracy_m: float


async def leave(incident_id: UUID, spots: Iterable[tuple[UUID, Trace]]) -> None:
    """Keep spots, each once per command, whose id stands before it."""
    await OPERATIONS.execute_many(
        "INSERT INTO trace (command_id, incident_id, staff_id, name, at, what, lat, lon,"
        " accuracy_m) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (command_id) DO NOTHING",
        [
            (command_id, incident_id, spot.staff_id, spot.name, spot.at, spot.what, spot.lat,
             spot.lon, spot.accuracy_m)
            for command_id, spot in spots
        ],
    )  # fmt: skip


async def traces_of(incident_id: UUID) -> list[Trace]:
    """Every spot of an incident, oldest first."""
    rows = await OPERATIONS.fetch(
        "SELECT staff_id, name, at, what, lat, lon, accuracy_m FROM trace"
        " WHERE incident_id = $1 ORDER BY at",
        incident_id,
    )
    return [Trace(**dict(row)) for row in rows]
