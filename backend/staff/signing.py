"""Is this what the phone signed? Pure: key and envelope in, yes or no out."""

import base64
import binascii
from functools import lru_cache
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from backend.staff.schemas import PublicKey

HALF = 32
"""Bytes of r and of s in a P-256 signature as WebCrypto writes it."""
ALGORITHM = ec.ECDSA(SHA256())


def _bytes(text: str) -> bytes:
    """base64url without padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@lru_cache(maxsize=1024)
def _point(key: PublicKey) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(_bytes(half), "big") for half in (key.x, key.y))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def usable(key: PublicKey) -> bool:
    """True for a point on the curve."""
    try:
        _point(key)
    except (ValueError, binascii.Error):
        return False
    return True


def signed_by(key: PublicKey, sent: dict[str, Any]) -> bool:
    """Does ``signature`` belong to this key and to every other member of ``sent``?

    Args:
        key: the phone's public key, P-256.
        sent: an envelope exactly as it was received. Signed is its RFC 8785 form without
            ``signature``: ECDSA with SHA-256, r and s of 32 bytes each, in base64url.
    """
    signature = sent.get("signature")
    if not isinstance(signature, str):
        return False
    try:
        pair = _bytes(signature)
        said = rfc8785.dumps({name: part for name, part in sent.items() if name != "signature"})
    except (binascii.Error, ValueError, rfc8785.CanonicalizationError):
        return False
    if len(pair) != 2 * HALF:
        return False
    r, s = (int.from_bytes(half, "big") for half in (pair[:HALF], pair[HALF:]))
    try:
        _point(key).verify(encode_dss_signature(r, s), said, ALGORITHM)
    except InvalidSignature:
        return False
    return True
