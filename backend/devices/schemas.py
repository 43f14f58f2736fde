"""Places, detectors and tickets as the other domains and the apps read them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

KINDS = ("electric", "gas", "smoke", "structure", "hydrant", "water", "door")


class Place(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a detector is, as people find it. Degrees WGS-84; ``address`` is the full line."""

    detector_id: UUID
    kind: str
    label: str
    address: str
    street: str
    number: str
    court: str | None
    floor: str | None
    room: str | None
    entrance_note: str | None
    lane_width_m: float | None
    engine_stop: str | None
    unit: str | None
    unit_phone: str | None
    storeys: int | None = None
    lat: float
    lon: float
    household_id: UUID | None
    building_id: UUID | None
    community_office_id: UUID | None
    datum: str = "WGS-84"


class Home(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A home with the building it is in; degrees WGS-84."""

    id: UUID
    building_id: UUID
    label: str
    door: str
    """The last part of the label, as people of the same building say it."""
    floor: str | None
    lat: float
    lon: float


class DetectorView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One detector of the register."""

    id: UUID
    address: str
    protocol: str
    kind: str
    model: str
    label: str
    household_id: UUID | None
    building_id: UUID | None
    lat: float
    lon: float
    report_interval_s: int
    state: str


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What sensing needs of a detector for every message; a hundred thousand stay in memory.

    ``group`` chooses the rules within a kind (a hydrant's class); ``interval_s`` is how often it
    reports by itself. Until ``paused_until`` (UTC) its readings get the flag ``paused_as``,
    ``maintenance`` or ``test``, and raise nothing.
    """

    detector_id: UUID
    kind: str
    group: str | None = None
    interval_s: int = 3600
    household_id: UUID | None = None
    paused_until: datetime | None = None
    paused_as: str | None = None


class Muted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A detector that raises nothing until ``until`` (UTC), and who said so."""

    detector_id: UUID
    label: str
    kind: str
    until: datetime
    reason: str
    by_name: str
    muted_at: datetime


class TicketView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A technician's ticket; ``times`` is how often the same thing came that day."""

    id: UUID
    kind: str
    detector_id: UUID | None
    label: str | None
    address: str | None
    reason: str
    detail: dict[str, Any]
    opened_at: datetime
    opened_on: date
    times: int
    done_at: datetime | None
