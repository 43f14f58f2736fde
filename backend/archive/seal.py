"""Seal a record, and check a sealed one. Pure: bytes in, verdict out, no server needed.

A sealed record is one line of canonical JSON (RFC 8785) with ``document`` (what happened),
``previous`` (the hash of the record sealed before it, 64 zeros for the first), ``sealedAt``,
``format``, and over exactly these four the two hashes ``sha256`` and ``sm3``. The file itself
must be canonical, so that not one byte of it can change unnoticed.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes

from backend.shared.canonical import canonical
from backend.shared.photo_proof import fault_of

FORMAT = "jiean-archive/1"
FIRST = "0" * 64
HASHED = ("document", "format", "previous", "sealedAt")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """``fault`` is None for a sound record."""

    no: str | None
    sha256: str | None
    previous: str | None
    fault: str | None

    @property
    def sound(self) -> bool:
        return self.fault is None


def sm3(data: bytes) -> str:
    """SM3 (GB/T 32905) in hex."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize().hex()


def seal(document: Mapping[str, Any], *, previous: str, sealed_at: datetime) -> bytes:
    """The sealed record's bytes, as stored and exported.

    Args:
        document: JSON-like data; times already as text.
        previous: SHA-256 in hex of the record sealed before, ``FIRST`` for the first.
        sealed_at: UTC.
    """
    body: dict[str, Any] = {
        "document": document,
        "format": FORMAT,
        "previous": previous,
        "sealedAt": sealed_at.isoformat(),
    }
    plain = canonical(body)
    return canonical({**body, "sha256": hashlib.sha256(plain).hexdigest(), "sm3": sm3(plain)})


def _photo_fault(document: Any) -> str | None:
    """What is wrong with the first unsound proof of a photograph; None when all are sound."""
    proofs = document.get("photoProofs") if isinstance(document, dict) else None
    for proof in proofs if isinstance(proofs, list) else ():
        fault = fault_of(proof)
        if fault is None and proof["incidentId"] != document.get("incidentId"):
            fault = "it belongs to another incident"
        if fault is not None:
            name = str(proof.get("sha256"))[:12] if isinstance(proof, dict) else "?"
            return f"photograph {name}…: {fault}"
    return None


def verify(data: bytes) -> Verdict:
    """Check one exported record.

    Args:
        data: the file's bytes; one line end after the record is allowed.

    Returns:
        Which record it is and what is wrong with it, if anything; never raises.
    """
    record = data.removesuffix(b"\n")
    try:
        body = msgspec.json.decode(record, type=dict[str, Any])
        plain = canonical({name: body[name] for name in HASHED})
        whole = canonical(body)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, ValueError, RecursionError) as why:
        return Verdict(no=None, sha256=None, previous=None, fault=f"unreadable: {why}")
    document = body["document"]
    no = document.get("no") if isinstance(document, dict) else None
    fault = None
    if body["format"] != FORMAT:
        fault = "unknown format"
    elif set(body) != {*HASHED, "sha256", "sm3"} or whole != record:
        fault = "the file is not in its sealed form"
    elif hashlib.sha256(plain).hexdigest() != body["sha256"]:
        fault = "SHA-256 does not match"
    elif sm3(plain) != body["sm3"]:
        fault = "SM3 does not match"
    else:
        fault = _photo_fault(document)
    return Verdict(
        no=str(no) if no is not None else None,
        sha256=str(body.get("sha256")),
        previous=str(body.get("previous")),
        fault=fault,
    )
