"""Append sealed records to the chain in the records database, and hand them out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.archive.seal import FIRST
from backend.archive.seal import seal as sealed_bytes
from backend.shared.db import RECORDS

CHAIN_LOCK = 7_310_050


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal keeps of a sealed record."""

    hash: str
    previous: str
    sealed_at: datetime


async def seal(incident_id: UUID, no: str, document: Mapping[str, Any], *, at: datetime) -> Sealed:
    """Seal a record once; the same incident again gives the seal that it has.

    Args:
        document: JSON-like, complete; what it holds is never changed again.
        at: UTC.
    """
    async with RECORDS.transaction():
        await RECORDS.execute("SELECT pg_advisory_xact_lock($1)", CHAIN_LOCK)
        known = await RECORDS.fetch_one(
            "SELECT sha256, previous, sealed_at FROM sealed WHERE incident_id = $1", incident_id
        )
        if known is not None:
            return Sealed(
                hash=known["sha256"], previous=known["previous"], sealed_at=known["sealed_at"]
            )
        previous = await RECORDS.fetch_value("SELECT sha256 FROM sealed ORDER BY seq DESC LIMIT 1")
        previous = previous or FIRST
        export = sealed_bytes(document, previous=previous, sealed_at=at)
        found = msgspec.json.decode(export, type=_Hashes)
        await RECORDS.execute(
            "INSERT INTO sealed (incident_id, no, sha256, sm3, previous, sealed_at, export)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            incident_id, no, found.sha256, found.sm3, previous, at, export.decode(),
        )  # fmt: skip
        return Sealed(hash=found.sha256, previous=previous, sealed_at=at)


class _Hashes(msgspec.Struct):
    sha256: str
    sm3: str


async def export(incident_id: UUID) -> bytes | None:
    """The sealed record as a file, or None when it is not sealed."""
    text = await RECORDS.fetch_value(
        "SELECT export FROM sealed WHERE incident_id = $1", incident_id
    )
    return None if text is None else str(text).encode()
