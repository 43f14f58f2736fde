"""A refusal with a stable name. How it looks on the wire is written in ``backend/app.py``.

Each class is one row of ``docs/problems.md``. Slugs are never used again for something else.
"""

from typing import Any, ClassVar


class Problem(Exception):
    """A refusal with a stable slug, an HTTP status and the facts behind it.

    Args:
        detail: one sentence about this occurrence, for a person who reads logs.
        facts: JSON values; they stand beside ``detail`` on the wire. Keys in camelCase.
            ``retryAfterS`` also becomes the ``Retry-After`` header.
    """

    slug: ClassVar[str] = "unexpected"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Unexpected error"

    def __init__(self, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail, self.facts = detail or self.title, facts


class Malformed(Problem):
    """The request cannot be read: broken JSON, unknown field, value out of range."""

    slug, status, title = "malformed", 400, "Request cannot be read"


class NotFound(Problem):
    """Nothing is at this address, or it is not for this asker."""

    slug, status, title = "not-found", 404, "Not found"


class TooLarge(Problem):
    """The body is longer than allowed here."""

    slug, status, title = "too-large", 413, "Body too large"


class Unavailable(Problem):
    """A part that the answer needs is away for the moment; try again."""

    slug, status, title = "unavailable", 503, "Temporarily unavailable"


class TwoPersons(Problem):
    """Whoever proposed a version does not bring it into force."""

    slug, status, title = "two-persons-needed", 409, "Somebody else must approve"
