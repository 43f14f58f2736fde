"""The wire shapes of signing in."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta


class Credentials(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """What the login page sends."""

    login: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Annotated[str, Meta(min_length=1, max_length=400)]
    device_id: Annotated[str, Meta(max_length=64)] | None = None


class Me(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The signed-in account, for its own pages."""

    account_id: UUID
    name: str
    roles: list[str]
    staff_id: UUID | None
    office_id: UUID | None
    exercise: bool
