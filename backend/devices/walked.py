"""The register as an inspection walks it, and a device marked faulty or well again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from backend.shared.db import OPERATIONS


class Walked(msgspec.Struct, frozen=True, kw_only=True):
    """One detector with the words and the place by which it is found; degrees WGS-84."""

    id: UUID
    kind: str
    model: str
    label: str
    state: str
    tag: str
    number: str | None
    street: str
    building: str
    floor: str
    lat: float
    lon: float


Act = Literal["report_fault", "repair"]
STEPS: dict[tuple[str, Act], str] = {
    ("active", "report_fault"): "faulty", ("faulty", "repair"): "active",
}  # fmt: skip
"""The two steps of a device's life that an inspection may take."""
OVER = frozenset({"replaced", "retired"})

SQL = """
SELECT d.id, d.kind, d.model, d.label, d.state, d.tag, d.number, coalesce(b.street, '') AS street,
    coalesce(b.id::text, '') AS building, coalesce(h.floor, '') AS floor, d.lat, d.lon
FROM detector d
LEFT JOIN household h ON h.id = d.household_id
LEFT JOIN building b ON b.id = coalesce(d.building_id, h.building_id)
WHERE ($1::uuid[] IS NULL OR d.id = ANY($1::uuid[]))
    AND ($1::uuid[] IS NOT NULL OR d.state NOT IN ('planned', 'replaced', 'retired'))
ORDER BY d.id
"""


async def to_walk() -> list[Walked]:
    """Every detector in service; of very many it is made beside the event loop."""
    rows = await OPERATIONS.fetch(SQL, None)
    return await asyncio.to_thread(lambda: [Walked(**dict(row)) for row in rows])


async def these(ids: Sequence[UUID]) -> dict[UUID, Walked]:
    """These detectors, in service or not."""
    return {row["id"]: Walked(**dict(row)) for row in await OPERATIONS.fetch(SQL, list(ids))}


async def choices() -> tuple[list[str], list[str], list[str]]:
    """Kinds, models and streets of the detectors in service, each sorted."""
    rows = await OPERATIONS.fetch(
        "SELECT DISTINCT d.kind, d.model, coalesce(b.street, '') AS street FROM detector d"
        " LEFT JOIN household h ON h.id = d.household_id"
        " LEFT JOIN building b ON b.id = coalesce(d.building_id, h.building_id)"
        " WHERE d.state NOT IN ('planned', 'replaced', 'retired')"
    )
    kinds, models, streets = (
        sorted({row[part] for row in rows if row[part]}) for part in ("kind", "model", "street")
    )
    return kinds, models, streets


async def mark(
    detector_id: UUID, act: Act, *, reason: str, by: UUID, name: str, at: datetime
) -> bool:
    """Report a fault or its repair; False where the device's state does not allow it."""
    async with OPERATIONS.transaction():
        state = await OPERATIONS.fetch_value(
            "SELECT state FROM detector WHERE id = $1 FOR UPDATE", detector_id
        )
        then = STEPS.get((state, act))
        if then is None:
            return False
        await OPERATIONS.execute(
            "UPDATE detector SET state = $2, version = version + 1 WHERE id = $1",
            detector_id,
            then,
        )
        await OPERATIONS.execute(
            "INSERT INTO detector_change (detector_id, action, before, after, reason, by_account,"
            " by_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            detector_id, act, {"state": state}, {"state": then}, reason, by, name, at,
        )  # fmt: skip
    return True
