"""The server's key for counter-signing photographs, and every one that it ever used.

Made on first need in the data folder, or set by JIEAN_EVIDENCE_SIGNING_KEY. To change it, set
another one, or move the file away, and start again: what was signed before stays valid, because
each proof names its key and all of them stay published.
"""

import os
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.settings import Evidence
from backend.shared.db import OPERATIONS
from backend.shared.phone_signature import from_base64url, to_base64url
from backend.shared.photo_proof import key_id

KEY_FILE = "evidence.key"


class ServerKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One public key, Ed25519, 32 bytes in base64url."""

    key_id: str
    public: str
    first_used_at: datetime


def signer_of(settings: Evidence, data: Path) -> Ed25519PrivateKey:
    """The key in use.

    Raises:
        ValueError: what is set or kept is no private key.
        OSError: the data folder cannot be read or written.
    """
    if settings.signing_key:
        return Ed25519PrivateKey.from_private_bytes(from_base64url(settings.signing_key))
    path = data / KEY_FILE
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        with draft.open("w") as file:  # whole or not at all
            file.write(to_base64url(Ed25519PrivateKey.generate().private_bytes_raw()))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # the first of two that make one at the same moment wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Ed25519PrivateKey.from_private_bytes(from_base64url(path.read_text().strip()))


async def publish(signer: Ed25519PrivateKey, at: datetime) -> None:
    """Write its public half down, once."""
    public = to_base64url(signer.public_key().public_bytes_raw())
    await OPERATIONS.execute(
        "INSERT INTO evidence_key (key_id, public, first_used_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (key_id) DO NOTHING",
        key_id(public), public, at,
    )  # fmt: skip


async def published() -> list[ServerKey]:
    """Every key that ever signed here, oldest first."""
    rows = await OPERATIONS.fetch(
        "SELECT key_id, public, first_used_at FROM evidence_key ORDER BY first_used_at, key_id"
    )
    return [ServerKey(**dict(row)) for row in rows]
