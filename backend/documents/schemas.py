"""The wire shape of a paper in a list."""

from datetime import datetime
from uuid import UUID

import msgspec


class PaperLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A paper that was filed. ``replaced``: a later one of the same kind stands for it."""

    sha256: str
    incident_id: UUID
    kind: str
    handling: str
    number: str
    title: str
    author: str
    filed_at: datetime
    size: int
    replaced: bool
