"""A household's people as others see them."""

from datetime import datetime
from uuid import UUID

import msgspec


class ContactView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One person to call, in the household's order."""

    id: UUID
    name: str
    relation: str
    phone: str
    masked: bool
    needs_help: str | None


class NewContact(msgspec.Struct, frozen=True, kw_only=True):
    """A person of a household to be written down."""

    id: UUID
    household_id: UUID
    name: str
    relation: str
    phone: str
    position: int = 0
    needs_help: str | None = None
    consent_at: datetime | None = None
    speaks: str | None = None
