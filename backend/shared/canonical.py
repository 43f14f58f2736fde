"""One byte string for one value: JSON by RFC 8785, for hashes and signatures."""

import hashlib
from typing import Any

import msgspec
import rfc8785


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of any value msgspec can encode: sorted keys, no spaces, UTF-8.

    Raises:
        rfc8785.CanonicalizationError: a number is not finite, or an integer is beyond 2**53.
    """
    return rfc8785.dumps(msgspec.to_builtins(value, str_keys=True))


def sha256(value: bytes) -> str:
    """Hexadecimal SHA-256, 64 characters."""
    return hashlib.sha256(value).hexdigest()
