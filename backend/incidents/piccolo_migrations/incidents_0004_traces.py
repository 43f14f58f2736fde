"""Where somebody of an incident was when they were asked, and at each tap. Drop to undo."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "incidents_0004_traces"

FORWARDS = """
CREATE TABLE trace (
    command_id uuid PRIMARY KEY,
    incident_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    what text NOT NULL,
    lat double precision NOT NULL,
    lon double precision NOT NULL,
    accuracy_m double precision NOT NULL
);
CREATE INDEX trace_incident ON trace (incident_id, at);
"""


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=["DROP TABLE trace"])
