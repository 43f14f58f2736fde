"""What may stand in an audit row. Pure."""

from collections.abc import Mapping
from typing import Any

HIDDEN = "•••"

PRIVATE = frozenset(
    {
        "password",
        "password_hash",
        "token",
        "token_sha256",
        "secret",
        "phone",
        "needs_help",
        "speaks",
        "endpoint",
        "keys",
        "p256dh",
        "auth",
        "vapid_private_key",
    }
)
"""Field names whose values never reach the audit log. It is read by people who may not see them."""


def _key(name: str) -> str:
    """``needsHelp`` and ``needs_help`` are one name."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def redact(value: Any) -> Any:
    """Copy JSON-like data with every private value hidden, at any depth.

    That a private value *changed* stays visible: its key stays, its value reads ``•••``.
    """
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if _key(str(name)) in PRIVATE and inner is not None else redact(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner) for inner in value]
    return value
