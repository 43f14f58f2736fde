"""Area, buildings, households, detectors and tickets."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "devices_0001_register"

TABLES = """
CREATE TABLE area (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL UNIQUE,
    geojson jsonb NOT NULL,
    etag text NOT NULL
);

CREATE TABLE building (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    street text NOT NULL,
    number text NOT NULL,
    court text,
    name text,
    storeys int CHECK (storeys > 0),
    lane_width_m real CHECK (lane_width_m > 0),
    engine_stop text,
    lat double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    community_office_id uuid
);

CREATE TABLE household (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    building_id uuid NOT NULL REFERENCES building,
    door text NOT NULL,
    floor text,
    room text,
    entrance_note text,
    lat double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon double precision NOT NULL CHECK (lon BETWEEN -180 AND 180)
);
CREATE INDEX household_building ON household (building_id);

CREATE TABLE detector (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    address text NOT NULL UNIQUE,
    protocol text NOT NULL,
    kind text NOT NULL CHECK (
        kind IN ('electric', 'gas', 'smoke', 'structure', 'hydrant', 'water', 'door')
    ),
    model text NOT NULL DEFAULT '',
    label text NOT NULL DEFAULT '',
    household_id uuid REFERENCES household,
    building_id uuid REFERENCES building,
    lat double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    report_interval_s int NOT NULL DEFAULT 3600 CHECK (report_interval_s > 0),
    state text NOT NULL DEFAULT 'active' CHECK (
        state IN ('planned', 'active', 'faulty', 'muted', 'replaced', 'retired')
    )
);
CREATE INDEX detector_building ON detector (building_id);
CREATE INDEX detector_household ON detector (household_id);

CREATE TABLE ticket (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL,
    detector_id uuid REFERENCES detector,
    address text,
    reason text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    opened_at timestamptz NOT NULL,
    opened_on date NOT NULL,
    times int NOT NULL DEFAULT 1,
    sources uuid[] NOT NULL DEFAULT '{}',
    done_at timestamptz
);
CREATE UNIQUE INDEX ticket_open ON ticket (kind, coalesce(address, ''), opened_on)
    WHERE done_at IS NULL;
CREATE INDEX ticket_opened ON ticket (opened_at DESC);
"""

# Caches of the register listen; a hint only, sent when the change commits.
NOTIFY = """
CREATE FUNCTION devices_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('devices', '');
    RETURN NULL;
END $$;
CREATE TRIGGER detector_changed AFTER INSERT OR UPDATE OR DELETE ON detector
    FOR EACH STATEMENT EXECUTE FUNCTION devices_changed();
"""


async def forwards() -> MigrationManager:
    """Create everything."""
    return migrating.steps(
        ID,
        forwards=[TABLES, NOTIFY],
        backwards=[
            "DROP TABLE ticket, detector, household, building, area",
            "DROP FUNCTION devices_changed()",
        ],
    )
