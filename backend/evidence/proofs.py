"""Counter-sign each photograph that the journal names, once, and hand the proofs out."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.evidence import keys
from backend.settings import Evidence
from backend.shared.db import OPERATIONS
from backend.shared.photo_proof import Picture, proof_of, read

Keys = Mapping[str, Mapping[str, str]]
"""``x`` and ``y`` of a person's phones by device id."""


async def countersign(
    picture: Picture,
    phones: Keys,
    *,
    settings: Evidence,
    data: Path,
    by: str,
    role: str,
    received_at: datetime,
    at: datetime,
) -> None:
    """Judge the phone's signature and sign both clocks; the same photograph again does nothing.

    A wrong signature loses no photograph: it is kept, marked, and written into the audit log.

    Args:
        phones: the keys of whoever sent it.
        by: account of that person.
        received_at: when the command came, by the server's clock.
    """
    incident_id = UUID(picture.incident_id)
    if await _known(incident_id, picture.sha256):
        return
    said = read(picture.statement)
    key = phones.get(said.device_id or "") if said is not None else None
    skew_ms = None
    if said is not None and said.clock == "server":
        skew_ms = round((said.taken_at - said.phone_clock).total_seconds() * 1000)
    signer = keys.signer_of(settings, data)
    proof = proof_of(picture, key, by=by, received_at=received_at, skew_ms=skew_ms, signer=signer)
    await keys.publish(signer, at)
    async with OPERATIONS.transaction():
        new = await OPERATIONS.execute(
            "INSERT INTO evidence_proof (incident_id, sha256, phone, body, made_at)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            incident_id, picture.sha256, proof["phone"], msgspec.json.encode(proof).decode(), at,
        )  # fmt: skip
        if new and proof["phone"] in ("forged", "unknown_phone"):
            await audit.record(
                OPERATIONS, actor=by, role=role, action="evidence.signature_refused",
                subject=picture.sha256, at=at,
                after={"incident": picture.incident_id, "phone": proof["phone"]},
            )  # fmt: skip


async def _known(incident_id: UUID, sha256: str) -> bool:
    found = await OPERATIONS.fetch_value(
        "SELECT true FROM evidence_proof WHERE incident_id = $1 AND sha256 = $2",
        incident_id, sha256,
    )  # fmt: skip
    return bool(found)


async def verdicts(incident_id: UUID) -> dict[str, str]:
    """What the phone's signature of each photograph was worth, by hash."""
    rows = await OPERATIONS.fetch(
        "SELECT sha256, phone FROM evidence_proof WHERE incident_id = $1", incident_id
    )
    return {row["sha256"]: row["phone"] for row in rows}


async def proofs_of(incident_id: UUID) -> list[dict[str, Any]]:
    """Every proof of an incident, in the order of the hashes."""
    rows = await OPERATIONS.fetch(
        "SELECT body FROM evidence_proof WHERE incident_id = $1 ORDER BY sha256", incident_id
    )
    return [msgspec.json.decode(row["body"]) for row in rows]


async def proof(sha256: str) -> dict[str, Any] | None:
    """The first proof of a photograph, or None."""
    body = await OPERATIONS.fetch_value(
        "SELECT body FROM evidence_proof WHERE sha256 = $1 ORDER BY made_at LIMIT 1", sha256
    )
    return None if body is None else msgspec.json.decode(body)
