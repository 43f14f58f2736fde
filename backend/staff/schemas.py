"""The wire shapes of duty and position."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Lat = Annotated[float, Meta(ge=-90, le=90, description="degrees, WGS-84")]
Lon = Annotated[float, Meta(ge=-180, le=180, description="degrees, WGS-84")]
Instant = Annotated[datetime, Meta(tz=True)]
Post = Literal["field", "desk", "technician"]


class Fix(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One position of a phone."""

    lat: Lat
    lon: Lon
    accuracy_m: Annotated[float, Meta(ge=0, le=100_000, description="radius of 68 %, metres")]
    at: Instant
    battery_pct: Annotated[int, Meta(ge=0, le=100)] | None = None


class DutyWish(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Going on or off duty, with the phone's position when it has one."""

    on: bool
    device_id: Annotated[str, Meta(min_length=1, max_length=64)]
    position: Fix | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""
    """Why outside one's shift."""


Coordinate = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{43}$")]


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """A P-256 public key as WebCrypto exports it (RFC 7517); further members are ignored."""

    kty: Literal["EC"] = "EC"
    crv: Literal["P-256"] = "P-256"
    x: Coordinate
    y: Coordinate


class PhoneKey(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A phone and the key that never leaves it, by its public half."""

    device_id: Annotated[str, Meta(min_length=1, max_length=64)]
    public_key_jwk: PublicKey


class DutyView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether somebody is on duty, since when, and with which phone; and what the roster says.

    ``until``: end of the shift, or of extra duty; ``over``: still on duty after it; ``extra``: why
    outside the shift; ``next_at``: when the next shift begins.
    """

    on: bool
    since: datetime | None
    device_id: str | None = None
    until: datetime | None = None
    over: bool = False
    extra: str | None = None
    next_at: datetime | None = None


class NewPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff to be written down. ``post_lat``/``post_lon``: where they stand by."""

    id: UUID
    name: str
    badge: str
    post: Post
    phone: str
    qualified_from: date | None = None
    qualified_until: date | None = None
    photo: str | None = None
    post_lat: float | None = None
    post_lon: float | None = None
    exercise: bool = False


class OnDuty(msgspec.Struct, frozen=True, kw_only=True):
    """A person on duty as dispatch needs them; no fix yet means that lat, lon and at are None.

    ``qualified`` is about today in the service area (Asia/Shanghai); positions are WGS-84.
    """

    person_id: UUID
    name: str
    badge: str
    post: str
    qualified: bool
    on_since: datetime | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    at: datetime | None
    battery_pct: int | None
    post_lat: float | None
    post_lon: float | None
    last_receipt_at: datetime | None
    on_shift: bool
    """False after the end of the shift: nothing new is given to them."""
