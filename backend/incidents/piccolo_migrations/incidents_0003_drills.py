"""Drills: who started one, who takes part, how it ended (4.2.4.1-d). Drop to undo."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "incidents_0003_drills"

FORWARDS = """
CREATE TABLE drill (
    incident_id uuid PRIMARY KEY,
    scenario text NOT NULL,
    staff uuid[] NOT NULL CHECK (cardinality(staff) > 0),
    started_by uuid NOT NULL,
    started_name text NOT NULL,
    started_at timestamptz NOT NULL,
    site uuid NOT NULL,
    building_id uuid,
    ended_at timestamptz,
    outcome text NOT NULL DEFAULT ''
);
CREATE INDEX drill_started ON drill (started_at);
CREATE INDEX drill_site ON drill (site);
"""


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=["DROP TABLE drill"])
