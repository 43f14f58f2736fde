"""What proves a photograph: the phone's signed statement, and the server's own signature over it.

At the shutter the phone signs a short JSON text: which bytes (SHA-256 of the untouched picture, of
the copy with time and place burnt in, of the small preview), which incident, when by the server's
time and when by the phone's own clock, where and how exactly. The server judges it, adds when it
received it and how far both clocks were apart, and signs all of this with its Ed25519 key. Both
signatures can be checked by anybody with the proof and the picture; no server is needed. Pure.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from backend.shared.canonical import canonical
from backend.shared.phone_signature import from_base64url, signs, to_base64url

FORMAT = "jiean-photo/1"
STATEMENT_MAX = 4000
"""▲ Characters; an ordinary statement has some 600."""

PhoneSays = Literal["sound", "forged", "unknown_phone", "unsigned"]
"""sound: the named phone signed it, and it is about this picture and incident · forged: signed
wrongly, or about something else · unknown_phone: signed, but no key of that phone is known ·
unsigned: the phone could not sign (no WebCrypto, or an older app)."""


class Said(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The statement, read. ``taken_at`` is the server's time as the phone knew it; ``clock`` says
    ``phone`` where it never knew it."""

    sha256: str
    incident_id: str
    taken_at: datetime
    phone_clock: datetime
    device_id: str | None = None
    clock: Literal["server", "phone"] = "phone"
    elapsed_ms: int | None = None
    burnt_sha256: str | None = None
    preview_sha256: str | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The photograph that the journal names."""

    incident_id: str
    sha256: str
    burnt_sha256: str | None
    preview_sha256: str | None
    statement: str | None
    signature: str | None


def read(statement: str | None) -> Said | None:
    """The statement's content, or None when it is none."""
    if statement is None or len(statement) > STATEMENT_MAX:
        return None
    try:
        return msgspec.json.decode(statement, type=Said)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def judge(picture: Picture, key: Mapping[str, str] | None) -> PhoneSays:
    """What the phone's signature is worth.

    Args:
        key: ``x`` and ``y`` of the phone that the statement names; None when none is known.
    """
    if picture.statement is None and picture.signature is None:
        return "unsigned"
    said = read(picture.statement)
    if said is None or picture.statement is None or picture.signature is None:
        return "forged"
    named = (said.incident_id, said.sha256, said.burnt_sha256, said.preview_sha256)
    meant = (picture.incident_id, picture.sha256, picture.burnt_sha256, picture.preview_sha256)
    if named != meant:
        return "forged"
    if key is None:
        return "unknown_phone"
    statement = picture.statement.encode("utf-8", "surrogatepass")
    return "sound" if signs(key["x"], key["y"], picture.signature, statement) else "forged"


def proof_of(
    picture: Picture,
    key: Mapping[str, str] | None,
    *,
    by: str,
    received_at: datetime,
    skew_ms: int | None,
    signer: Ed25519PrivateKey,
) -> dict[str, Any]:
    """The proof: what was said and judged, counter-signed.

    Args:
        by: id of the account in whose name it came.
        received_at: by the server's clock, UTC.
        skew_ms: server minus phone clock at the shutter; None where the phone never knew.
    """
    public = signer.public_key().public_bytes_raw()
    body: dict[str, Any] = {
        "format": FORMAT,
        "incidentId": picture.incident_id,
        "sha256": picture.sha256,
        "burntSha256": picture.burnt_sha256,
        "previewSha256": picture.preview_sha256,
        "statement": picture.statement,
        "signature": picture.signature,
        "phoneKey": None if key is None else {"x": key["x"], "y": key["y"]},
        "phone": judge(picture, key),
        "by": by,
        "receivedAt": received_at.isoformat(),
        "skewMs": skew_ms,
        "serverKey": to_base64url(public),
    }
    return {**body, "counterSignature": to_base64url(signer.sign(canonical(body)))}


def key_id(public: str) -> str:
    """A short name for a server key: the first 16 digits of its SHA-256."""
    return hashlib.sha256(from_base64url(public)).hexdigest()[:16]


def fault_of(proof: Any, *, trusted: frozenset[str] | None = None) -> str | None:
    """What is wrong with a proof, or None. Never raises.

    A sound proof may still say that the phone's signature was forged: that is what it proves.

    Args:
        trusted: the server's keys, where they are known from elsewhere; None takes the proof's.
    """
    if not isinstance(proof, dict) or proof.get("format") != FORMAT:
        return "not a proof of a photograph"
    try:
        body = {name: part for name, part in proof.items() if name != "counterSignature"}
        server = Ed25519PublicKey.from_public_bytes(from_base64url(str(proof["serverKey"])))
        server.verify(from_base64url(str(proof["counterSignature"])), canonical(body))
        picture = Picture(
            incident_id=proof["incidentId"], sha256=proof["sha256"],
            burnt_sha256=proof["burntSha256"], preview_sha256=proof["previewSha256"],
            statement=proof["statement"], signature=proof["signature"],
        )  # fmt: skip
        phone = judge(picture, proof["phoneKey"])
    except InvalidSignature:
        return "the server's signature does not match"
    except (KeyError, ValueError, TypeError, AttributeError) as why:
        return f"unreadable: {why!r}"
    if trusted is not None and proof["serverKey"] not in trusted:
        return "signed with a key that is not the server's"
    if phone != proof["phone"]:
        return f"the phone's signature is {phone}, not {proof['phone']}"
    return None
