"""What Piccolo's migration machinery asks for: ``DB`` is the database being migrated now."""

from typing import Any

from backend.shared import migrating


def __getattr__(name: str) -> Any:
    if name == "DB":
        return migrating.target()
    raise AttributeError(name)
