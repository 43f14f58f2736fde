"""Models and their certificates, a detector's whole life, its history, and pauses."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "devices_0004_registry"

MODELS = """
CREATE TABLE model (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    maker text NOT NULL CHECK (maker <> ''),
    name text NOT NULL CHECK (name <> ''),
    kind text NOT NULL CHECK (
        kind IN ('electric', 'gas', 'smoke', 'structure', 'hydrant', 'water', 'door')
    ),
    sensing_class text NOT NULL CHECK (sensing_class IN ('fire', 'safety', 'environment')),
    link text CHECK (link IN ('optical', 'mobile', 'lpwan', 'broadcast', 'internet')),
    protocol text,
    report_interval_s int CHECK (report_interval_s > 0),
    certificate_standard text,
    certificate_number text,
    certificate_until date,
    certificate_note text,
    waived_by text,
    waived_reason text,
    waived_at timestamptz,
    version int NOT NULL DEFAULT 1,
    CHECK ((waived_by IS NULL) = (waived_reason IS NULL)),
    UNIQUE (maker, name)
);
"""

# An address belongs to one detector in service; the one that was replaced keeps it in its history.
DETECTORS = """
ALTER TABLE detector
    ADD COLUMN number text CHECK (number <> ''),
    ADD COLUMN tag text NOT NULL DEFAULT substr(md5(gen_random_uuid()::text), 1, 16) UNIQUE,
    ADD COLUMN model_id uuid REFERENCES model,
    ADD COLUMN rule_group text CHECK (rule_group <> ''),
    ADD COLUMN link text CHECK (link IN ('optical', 'mobile', 'lpwan', 'broadcast', 'internet')),
    ADD COLUMN point text,
    ADD COLUMN datum text NOT NULL DEFAULT 'WGS-84' CHECK (datum IN ('WGS-84', 'GCJ-02', 'BD-09')),
    ADD COLUMN entered_lat double precision,
    ADD COLUMN entered_lon double precision,
    ADD COLUMN photo text,
    ADD COLUMN note text,
    ADD COLUMN replaced_by uuid REFERENCES detector,
    ADD COLUMN commissioned_at timestamptz,
    ADD COLUMN version int NOT NULL DEFAULT 1;
ALTER TABLE detector DROP CONSTRAINT detector_address_key;
CREATE UNIQUE INDEX detector_address ON detector (address)
    WHERE state NOT IN ('replaced', 'retired');
CREATE UNIQUE INDEX detector_number ON detector (number);
CREATE INDEX detector_model ON detector (model_id);
CREATE INDEX detector_state ON detector (state) WHERE state <> 'active';
CREATE INDEX detector_replaced_by ON detector (replaced_by) WHERE replaced_by IS NOT NULL;

CREATE TABLE detector_change (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    detector_id uuid NOT NULL REFERENCES detector,
    action text NOT NULL,
    before jsonb NOT NULL DEFAULT '{}',
    after jsonb NOT NULL DEFAULT '{}',
    reason text,
    by_account uuid,
    by_name text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX detector_change_of ON detector_change (detector_id, at DESC);
"""

PAUSES = """
CREATE TABLE pause (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    flag text NOT NULL CHECK (flag IN ('maintenance', 'test')),
    detector_id uuid REFERENCES detector,
    building_id uuid REFERENCES building,
    model_id uuid REFERENCES model,
    gateway text CHECK (gateway <> ''),
    begins_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    by_account uuid NOT NULL,
    by_name text NOT NULL,
    made_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    CHECK (begins_at < ends_at),
    CHECK (num_nonnulls(detector_id, building_id, model_id, gateway) = 1)
);
CREATE INDEX pause_until ON pause (ends_at);
CREATE INDEX pause_of_detector ON pause (detector_id, ends_at DESC);
CREATE TRIGGER pause_changed AFTER INSERT OR UPDATE OR DELETE ON pause
    FOR EACH STATEMENT EXECUTE FUNCTION devices_changed();
"""

BACK = """
DROP TABLE pause, detector_change;
DROP INDEX detector_address, detector_number, detector_model, detector_state,
    detector_replaced_by;
ALTER TABLE detector ADD CONSTRAINT detector_address_key UNIQUE (address);
ALTER TABLE detector
    DROP COLUMN number, DROP COLUMN tag, DROP COLUMN model_id, DROP COLUMN rule_group,
    DROP COLUMN link, DROP COLUMN point, DROP COLUMN datum, DROP COLUMN entered_lat,
    DROP COLUMN entered_lon, DROP COLUMN photo, DROP COLUMN note, DROP COLUMN replaced_by,
    DROP COLUMN commissioned_at, DROP COLUMN version;
DROP TABLE model;
"""


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[MODELS, DETECTORS, PAUSES], backwards=[BACK])
