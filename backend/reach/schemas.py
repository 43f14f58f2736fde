"""What phones send about themselves, and what screens read about who can be reached."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.reach.flow.checks import Plan
from backend.reach.flow.score import Grant

Instant = Annotated[datetime, Meta(tz=True)]


class Permissions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the phone lets us do; ``unknown`` where it was never asked or does not say."""

    notification: Grant
    location: Grant
    camera: Grant


class PhoneReport(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """What a phone says of itself. ``at`` by its corrected clock: it may come much later.

    Args:
        current: whether the running app is the newest; None when the phone cannot tell.
    """

    at: Instant
    device_id: Annotated[str, Meta(min_length=1, max_length=64)]
    permissions: Permissions
    battery_pct: Annotated[int, Meta(ge=0, le=100)] | None = None
    charging: bool = False
    version: Annotated[str, Meta(max_length=40)] = ""
    current: bool | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one person's phone; None where nothing ever came."""

    report: PhoneReport | None = None
    missed_sent_at: datetime | None = None
    """When the newest test began that was not answered."""
    tested_at: datetime | None = None


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who cannot be reached now, since when, and by which rule."""

    since: datetime
    why: str
    number: int
    zh: str
    en: str


class Trial(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One communication test. ``door`` None: the whole ladder; else that door alone."""

    message_id: UUID
    person_id: UUID
    why: str
    door: str | None
    planned_at: datetime
    sent_at: datetime
    expires_at: datetime
    answered_at: datetime | None = None
    answered_by: str | None = None
    missed_at: datetime | None = None
    dropped_at: datetime | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When somebody became, or ceased to be, reachable; with the number of that moment."""

    at: datetime
    reachable: bool
    why: str
    number: int


class PlanWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How somebody is to be tested; ``plan`` None: as everybody else."""

    plan: Plan | None


Plans = dict[UUID, Plan]
"""By person; who is not in it has the installation's plan."""
