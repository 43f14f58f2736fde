"""Detectors muted for a set time: by whom, until when and why."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "devices_0003_mutes"

FORWARDS = """
CREATE TABLE mute (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    detector_id uuid NOT NULL REFERENCES detector,
    until timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    by_account uuid NOT NULL,
    by_name text NOT NULL,
    muted_at timestamptz NOT NULL
);
CREATE INDEX mute_of_detector ON mute (detector_id, muted_at DESC);
CREATE INDEX mute_until ON mute (until);
"""
BACKWARDS = "DROP TABLE mute"


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
