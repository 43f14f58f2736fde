"""Moves as screens see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.dispatch.flow.moving_up import Busy


class Move(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody proposed for an area left empty; degrees WGS-84, metres and minutes of the way.

    ``state``: proposed, accepted or declined; ``because``: who belongs there and is on what.
    """

    id: UUID
    area: str
    area_name: str
    lat: float
    lon: float
    gcj02: tuple[float, float]
    """The same place (lat, lon) in the datum of Chinese street maps, GCJ-02."""
    staff_id: UUID
    staff_name: str
    metres: float | None
    minutes: float | None
    because: list[Busy]
    state: str
    proposed_at: datetime
    answered_at: datetime | None
    answered_name: str
    reason: str


class MoveAnswer(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """The desk lead's answer; a refusal says why."""

    yes: bool
    reason: Annotated[str, Meta(max_length=200)] = ""


Looked = list[dict[str, Any]]
"""Everybody looked at, as the choice kept them."""
