"""The journal, its projections, deadlines and the work that events call for.

Locks nothing (new tables). Undone by dropping them, which loses every incident.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "incidents_0001_journal"

FORWARDS = """
CREATE SEQUENCE board_cursor;
CREATE TABLE incident (
    id uuid PRIMARY KEY,
    no text NOT NULL UNIQUE,
    kind text NOT NULL,
    handling text NOT NULL,
    urgency text NOT NULL,
    state text NOT NULL,
    alert_active boolean NOT NULL,
    version integer NOT NULL,
    household_id uuid,
    building_id uuid,
    emitted_at timestamptz NOT NULL,
    presented_ms integer,
    claimed_at timestamptz,
    lead_staff uuid,
    responders uuid[] NOT NULL DEFAULT '{}',
    detector_ids uuid[] NOT NULL,
    cursor bigint NOT NULL,
    board jsonb NOT NULL
);
CREATE INDEX incident_cursor ON incident (cursor);
CREATE INDEX incident_live ON incident (building_id) WHERE state NOT IN ('released', 'archived');
CREATE INDEX incident_responders ON incident USING gin (responders);
CREATE INDEX incident_detectors ON incident USING gin (detector_ids);
CREATE UNIQUE INDEX incident_one_lead ON incident (lead_staff) WHERE lead_staff IS NOT NULL;
CREATE TABLE incident_number (day date PRIMARY KEY, last integer NOT NULL);
CREATE TABLE event (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id uuid NOT NULL REFERENCES incident (id) DEFERRABLE INITIALLY DEFERRED,
    version integer NOT NULL,
    type text NOT NULL,
    command_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    UNIQUE (incident_id, version)
);
CREATE TABLE command_answer (
    command_id uuid PRIMARY KEY,
    incident_id uuid NOT NULL,
    at timestamptz NOT NULL,
    answer jsonb NOT NULL
);
CREATE TABLE deadline (
    id uuid PRIMARY KEY,
    incident_id uuid NOT NULL,
    name text NOT NULL,
    due_at timestamptz NOT NULL,
    command jsonb
);
CREATE INDEX deadline_due ON deadline (due_at);
CREATE TABLE work (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id uuid NOT NULL,
    event_seq bigint NOT NULL,
    available_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    failed text,
    dead_at timestamptz
);
CREATE INDEX work_waiting ON work (incident_id, id) WHERE dead_at IS NULL;
"""
BACKWARDS = """
DROP TABLE work; DROP TABLE deadline; DROP TABLE command_answer; DROP TABLE event;
DROP TABLE incident_number; DROP TABLE incident; DROP SEQUENCE board_cursor;
"""


async def forwards() -> MigrationManager:
    return migrating.steps(
        ID,
        forwards=[FORWARDS, migrating.insert_only("event")],
        backwards=[BACKWARDS],
    )
