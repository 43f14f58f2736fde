"""Secret tokens: made once, handed over once, stored only as their SHA-256."""

import hashlib
import secrets

TOKEN_MAX = 64
"""Characters; a longer one is nobody's and is not even hashed."""


def new_token() -> str:
    """256 random bits, safe in a cookie and in a URL fragment."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """The 64 hexadecimal digits under which a token is stored and found."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
