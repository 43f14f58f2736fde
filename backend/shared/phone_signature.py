"""A phone's signature: ECDSA on P-256 with SHA-256, as WebCrypto makes it. Pure."""

import base64
import binascii
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

HALF = 32
"""Bytes of r and of s in a P-256 signature as WebCrypto writes it."""
ALGORITHM = ec.ECDSA(SHA256())


def from_base64url(text: str) -> bytes:
    """Without padding.

    Raises:
        ValueError: it is none.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def to_base64url(data: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@lru_cache(maxsize=1024)
def point(x: str, y: str) -> ec.EllipticCurvePublicKey:
    """The public key with these coordinates, in base64url as in RFC 7517.

    Raises:
        ValueError: no point on the curve.
    """
    at = [int.from_bytes(from_base64url(half), "big") for half in (x, y)]
    return ec.EllipticCurvePublicNumbers(at[0], at[1], ec.SECP256R1()).public_key()


def signs(x: str, y: str, signature: str, said: bytes) -> bool:
    """Whether the key with these coordinates made this signature over these bytes.

    Args:
        signature: r and s of 32 bytes each, in base64url. Broken text is simply not a signature.
    """
    try:
        pair = from_base64url(signature)
        key = point(x, y)
    except (binascii.Error, ValueError):
        return False
    if len(pair) != 2 * HALF:
        return False
    r, s = (int.from_bytes(half, "big") for half in (pair[:HALF], pair[HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), said, ALGORITHM)
    except InvalidSignature:
        return False
    return True
