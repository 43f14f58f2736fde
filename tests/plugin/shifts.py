"""One shift that covers everything, for tests that are about something else."""

from datetime import datetime, timedelta
from uuid import UUID

from backend.shared.db import OPERATIONS

AREA = UUID(int=900)


async def always_on(*people: UUID, at: datetime, role: str = "field") -> None:
    """These people have a shift at any time a test can come to."""
    await OPERATIONS.execute(
        "INSERT INTO roster_area (id, name, desk_min, field_min) VALUES ($1, '全部', 0, 0)"
        " ON CONFLICT DO NOTHING",
        AREA,
    )
    long = timedelta(days=4000)
    await OPERATIONS.execute_many(
        "INSERT INTO shift (id, person_id, role, area_id, from_at, until_at)"
        " VALUES (gen_random_uuid(), $1, $2, $3, $4, $5)",
        [(person, role, AREA, at - long, at + long) for person in people],
    )
