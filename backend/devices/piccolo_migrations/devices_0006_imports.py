"""The area that a building is in, and tables of detectors on their way into the register."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "devices_0006_imports"

FORWARDS = """
ALTER TABLE building ADD COLUMN area text CHECK (area <> '');
CREATE INDEX building_address ON building (street, number);

CREATE TABLE device_import (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    file_name text NOT NULL,
    sha256 text NOT NULL,
    entries jsonb NOT NULL DEFAULT '[]',
    total int NOT NULL,
    done int NOT NULL DEFAULT 0,
    created int NOT NULL DEFAULT 0,
    changed int NOT NULL DEFAULT 0,
    by_account uuid NOT NULL,
    by_name text NOT NULL,
    made_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX device_import_made ON device_import (made_at);
"""
BACKWARDS = """
DROP TABLE device_import;
DROP INDEX building_address;
ALTER TABLE building DROP COLUMN area;
"""


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
