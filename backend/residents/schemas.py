"""A household's people as others see them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from backend.residents.flow import Way

Language = Literal["zh", "en"]


class ContactView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One person to call, in the household's order."""

    id: UUID
    name: str
    relation: str
    phone: str
    masked: bool
    needs_help: str | None


class Dweller(msgspec.Struct, frozen=True, kw_only=True):
    """One person who lives behind a door. Masked, the name is short and the need only a sign."""

    id: UUID
    household_id: UUID
    name: str
    needs_help: str | None
    position: int


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
    lives_here: bool = True
    """False for a relative elsewhere, a neighbour, a landlord: called, never looked for."""


class PreferenceView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one person of a household wants to be reached; name and number masked.

    ``consent_at`` None: nothing is kept, and the defaults hold.
    """

    contact_id: UUID
    name: str
    relation: str
    phone: str
    way: Way = Way.CALL
    large_text: bool = False
    language: Language = "zh"
    consent_at: datetime | None = None


class NewPreference(msgspec.Struct, frozen=True, kw_only=True, rename="camel",
                    forbid_unknown_fields=True):  # fmt: skip
    """What a person wishes. Without consent what was kept is deleted and the defaults hold."""

    contact_id: UUID
    way: Way
    large_text: bool
    language: Language
    consent: bool
