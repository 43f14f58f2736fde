"""A photograph that comes in parts, because the network breaks off: what came is kept.

The parts wait in the database, so that the next one may reach another node; they go when the
photograph is whole, or after two days.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from backend.shared.db import OPERATIONS

PART_MAX = 1024 * 1024
KEPT = timedelta(days=2)


async def received(sha256: str, by: UUID) -> int:
    """Bytes that are here from the start on, without a gap."""
    count: int = await OPERATIONS.fetch_value(
        "SELECT coalesce(sum(octet_length(bytes)), 0) FROM evidence_part"
        " WHERE sha256 = $1 AND uploaded_by = $2",
        sha256, by,
    )  # fmt: skip
    return int(count)


async def add(sha256: str, by: UUID, start: int, part: bytes, *, at: datetime) -> int:
    """Keep a part if it is the next one; bytes that are here now. The same again does nothing."""
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))", sha256, str(by)
        )
        there = await received(sha256, by)
        if start != there or not part:
            return there
        await OPERATIONS.execute("DELETE FROM evidence_part WHERE at < $1", at - KEPT)
        await OPERATIONS.execute(
            "INSERT INTO evidence_part (sha256, uploaded_by, start, bytes, at)"
            " VALUES ($1, $2, $3, $4, $5)",
            sha256, by, start, part, at,
        )  # fmt: skip
        return there + len(part)


async def whole(sha256: str, by: UUID) -> AsyncIterator[bytes]:
    """The parts in order, one at a time."""
    starts = await OPERATIONS.fetch(
        "SELECT start FROM evidence_part WHERE sha256 = $1 AND uploaded_by = $2 ORDER BY start",
        sha256, by,
    )  # fmt: skip
    for row in starts:
        yield await OPERATIONS.fetch_value(
            "SELECT bytes FROM evidence_part"
            " WHERE sha256 = $1 AND uploaded_by = $2 AND start = $3",
            sha256, by, row["start"],
        )  # fmt: skip


async def forget(sha256: str, by: UUID) -> None:
    """The photograph is whole, or can never be."""
    await OPERATIONS.execute(
        "DELETE FROM evidence_part WHERE sha256 = $1 AND uploaded_by = $2", sha256, by
    )
