"""What the register's pages and tables send and get: detectors, models, changes, pauses."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from backend.devices.flow import Act

Kind = Literal["electric", "gas", "smoke", "structure", "hydrant", "water", "door"]
Link = Literal["optical", "mobile", "lpwan", "broadcast", "internet"]
SensingClass = Literal["fire", "safety", "environment"]
Flag = Literal["maintenance", "test"]
Moment = Annotated[datetime, Meta(tz=True)]
Line = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Degrees in the datum that they were read in; stored as WGS-84."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    datum: Literal["WGS-84", "GCJ-02", "BD-09"] = "WGS-84"


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What somebody writes of a detector; what is not sent stays as it is.

    ``address``: ``<protocol>/<device name in that protocol>``. ``group``: the rule group within
    the kind. ``photo``: SHA-256 of a photograph in the evidence store.
    """

    address: Annotated[str, Meta(max_length=240, pattern=r"^[a-z0-9_-]+/\S")] | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    number: Line | UnsetType | None = UNSET
    label: Line | UnsetType = UNSET
    model_id: UUID | UnsetType | None = UNSET
    group: Line | UnsetType | None = UNSET
    link: Link | UnsetType | None = UNSET
    household_id: UUID | UnsetType | None = UNSET
    building_id: UUID | UnsetType | None = UNSET
    point: Line | UnsetType | None = UNSET
    position: Position | UnsetType = UNSET
    report_interval_s: Annotated[int, Meta(ge=1, le=31_536_000)] | UnsetType = UNSET
    unit_name: Line | UnsetType | None = UNSET
    unit_phone: Line | UnsetType | None = UNSET
    note: Annotated[str, Meta(max_length=1000)] | UnsetType | None = UNSET
    photo: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | UnsetType | None = UNSET


class Edit(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A change of the detector that was seen at ``version``."""

    version: int
    entry: Entry
    reason: Line | None = None


class Doing(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One step of a detector's life. ``successor`` is the address of what takes its place; the
    same address may stand there, where a panel's loop knows the place and not the device."""

    act: Act
    reason: Line = ""
    successor: Annotated[str, Meta(max_length=240, pattern=r"^[a-z0-9_-]+/\S")] | None = None


class Listed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A line of the list. ``troubles``: kinds of its open tickets."""

    id: UUID
    number: str | None
    label: str
    kind: str
    state: str
    address: str
    place: str
    model: str
    street: str
    building_id: UUID | None
    muted_until: datetime | None
    paused_until: datetime | None
    paused_as: str | None
    troubles: tuple[str, ...]


class Page(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``total``: how many match. ``offset``: of the first of these."""

    devices: list[Listed]
    total: int
    offset: int


class Branch(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One building or court under its street and area, and how many detectors hang there."""

    area: str
    street: str
    building_id: UUID
    name: str
    detectors: int
    troubled: int


class Change(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a detector's history; ``before`` and ``after`` hold the changed fields only."""

    action: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str | None
    by_name: str
    at: datetime


class Detail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A detector as its page shows it; degrees WGS-84, and as they were entered."""

    id: UUID
    version: int
    number: str | None
    tag: str
    address: str
    protocol: str
    kind: str
    state: str
    label: str
    model: str
    model_id: UUID | None
    group: str | None
    link: str | None
    household_id: UUID | None
    building_id: UUID | None
    area: str | None
    place: str
    point: str | None
    lat: float
    lon: float
    datum: str
    entered_lat: float | None
    entered_lon: float | None
    report_interval_s: int
    unit_name: str | None
    unit_phone: str | None
    note: str | None
    photo: str | None
    commissioned_at: datetime | None
    replaced_by: UUID | None
    replaces: UUID | None
    gateway: str | None
    acts: tuple[str, ...]
    lacking: str | None
    """Why it may not be put in service, where that is what it waits for."""
    history: list[Change]


class ModelEntry(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A maker's model and its certificate of conformity (5.1.1.3)."""

    maker: Name
    name: Name
    kind: Kind
    sensing_class: SensingClass | None = None
    link: Link | None = None
    protocol: Line | None = None
    report_interval_s: Annotated[int, Meta(ge=1, le=31_536_000)] | None = None
    certificate_standard: Line | None = None
    certificate_number: Line | None = None
    certificate_until: date | None = None
    certificate_note: Annotated[str, Meta(max_length=1000)] | None = None


class ModelView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A model; ``lacking`` says why its detectors may not be put in service."""

    id: UUID
    version: int
    maker: str
    name: str
    kind: str
    sensing_class: str
    link: str | None
    protocol: str | None
    report_interval_s: int | None
    certificate_standard: str | None
    certificate_number: str | None
    certificate_until: date | None
    certificate_note: str | None
    waived_by: str | None
    waived_reason: str | None
    waived_at: datetime | None
    detectors: int
    lacking: str | None


class NewPause(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A maintenance window or test session of exactly one of the four; from now without a begin.

    Either ``ends_at``, or ``lasts_min`` so that a phone whose clock is wrong cannot misplace it.
    """

    flag: Flag
    detector_id: UUID | None = None
    building_id: UUID | None = None
    model_id: UUID | None = None
    gateway: Name | None = None
    begins_at: Moment | None = None
    ends_at: Moment | None = None
    lasts_min: Annotated[int, Meta(ge=1, le=1440)] | None = None
    reason: Name


class PauseView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A pause and what it concerns, in words and number."""

    id: UUID
    flag: str
    scope: str
    of: str
    detector_id: UUID | None
    detectors: int
    life: bool
    begins_at: datetime
    ends_at: datetime
    reason: str
    by_name: str
    ended_at: datetime | None
    ended_by: str | None
