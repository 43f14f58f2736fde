"""Where things are and what hangs there. Coordinates are WGS-84 degrees."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    Boolean,
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
    """One detector; ``address`` is ``<protocol>/<device name in that protocol>``, which belongs to
    one detector in service. ``tag`` is the unguessable word in its QR label, ``number`` the
    owner's own; ``datum`` and ``entered_*`` are the position as somebody gave it."""

    id = UUID(primary_key=True)
    address = Text()
    protocol = Text()
    kind = Text()
    model = Text()
    label = Text()
    household_id = UUID(null=True)
    building_id = UUID(null=True)
    lat = DoublePrecision()
    lon = DoublePrecision()
    report_interval_s = Integer()
    event_only = Boolean()
    state = Text()
    unit_name = Text(null=True)
    unit_phone = Text(null=True)
    number = Text(null=True, unique=True)
    tag = Text(unique=True)
    model_id = UUID(null=True)
    rule_group = Text(null=True)
    link = Text(null=True)
    point = Text(null=True)
    datum = Text()
    entered_lat = DoublePrecision(null=True)
    entered_lon = DoublePrecision(null=True)
    photo = Text(null=True)
    note = Text(null=True)
    replaced_by = UUID(null=True)
    commissioned_at = Timestamptz(null=True)
    version = Integer()


class Model(Table, db=OPERATIONS):
    """A maker's model and the certificate that 5.1.1.3 asks for, or who waived it and why."""

    id = UUID(primary_key=True)
    maker = Text()
    name = Text()
    kind = Text()
    sensing_class = Text()
    link = Text(null=True)
    protocol = Text(null=True)
    report_interval_s = Integer(null=True)
    certificate_standard = Text(null=True)
    certificate_number = Text(null=True)
    certificate_until = Date(null=True)
    certificate_note = Text(null=True)
    waived_by = Text(null=True)
    waived_reason = Text(null=True)
    waived_at = Timestamptz(null=True)
    version = Integer()


class DetectorChange(Table, db=OPERATIONS):
    """One change of a detector as its page tells it: who, when, what, and why."""

    id = UUID(primary_key=True)
    detector_id = UUID()
    action = Text()
    before = JSONB()
    after = JSONB()
    reason = Text(null=True)
    by_account = UUID(null=True)
    by_name = Text()
    at = Timestamptz()


class Pause(Table, db=OPERATIONS):
    """A maintenance window or a test session; ``flag`` is what its readings get."""

    id = UUID(primary_key=True)
    flag = Text()
    detector_id = UUID(null=True)
    building_id = UUID(null=True)
    model_id = UUID(null=True)
    gateway = Text(null=True)
    begins_at = Timestamptz()
    ends_at = Timestamptz()
    reason = Text()
    by_account = UUID()
    by_name = Text()
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True)
    ended_by = Text(null=True)


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
    """Work for a technician: one open ticket per kind and address, with how many times."""

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
    last_at = Timestamptz()
    taken_at = Timestamptz(null=True)
    taken_by = UUID(null=True)
    taken_by_name = Text(null=True)
    done_by = UUID(null=True)
    done_by_name = Text(null=True)
    done_how = Text(null=True)
    ended_at = Timestamptz(null=True)
