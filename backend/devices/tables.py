"""Where things are and what hangs there. Coordinates are WGS-84 degrees."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    Date,
    DoublePrecision,
    Integer,
    Real,
    Text,
    Timestamptz,
)
from piccolo.table import Table

from backend.shared.db import OPERATIONS


class Area(Table, db=OPERATIONS):
    """The base map of one neighbourhood as GeoJSON; ``etag`` is the text's SHA-256."""

    id = UUID(primary_key=True)
    name = Text()
    geojson = JSONB()
    etag = Text()


class Building(Table, db=OPERATIONS):
    """A building or court 院落 with one entrance for the fire engine's crew."""

    id = UUID(primary_key=True)
    street = Text()
    number = Text()
    court = Text(null=True)
    name = Text(null=True)
    storeys = Integer(null=True)
    lane_width_m = Real(null=True)
    engine_stop = Text(null=True)
    lat = DoublePrecision()
    lon = DoublePrecision()
    community_office_id = UUID(null=True)


class Household(Table, db=OPERATIONS):
    """A home or shop behind one door."""

    id = UUID(primary_key=True)
    building_id = UUID()
    door = Text()
    floor = Text(null=True)
    room = Text(null=True)
    entrance_note = Text(null=True)
    lat = DoublePrecision()
    lon = DoublePrecision()


class Detector(Table, db=OPERATIONS):
    """One detector; ``address`` is ``<protocol>/<device name in that protocol>``."""

    id = UUID(primary_key=True)
    address = Text(unique=True)
    protocol = Text()
    kind = Text()
    model = Text()
    label = Text()
    household_id = UUID(null=True)
    building_id = UUID(null=True)
    lat = DoublePrecision()
    lon = DoublePrecision()
    report_interval_s = Integer()
    state = Text()
    unit_name = Text(null=True)
    unit_phone = Text(null=True)


class Mute(Table, db=OPERATIONS):
    """One order to mute a detector, kept for good; the newest of a detector is the one in force."""

    id = UUID(primary_key=True)
    detector_id = UUID()
    until = Timestamptz()
    reason = Text()
    by_account = UUID()
    by_name = Text()
    muted_at = Timestamptz()


class Ticket(Table, db=OPERATIONS):
    """Work for a technician: one open ticket per kind, address and day, with how many times."""

    id = UUID(primary_key=True)
    kind = Text()
    detector_id = UUID(null=True)
    address = Text(null=True)
    reason = Text()
    detail = JSONB()
    opened_at = Timestamptz()
    opened_on = Date()
    times = Integer()
    sources = Array(base_column=UUID())
    done_at = Timestamptz(null=True)
