"""What phones say of themselves, communication tests, and who cannot be reached.

Locks: nothing that exists. Undo: drops the tables; phones report again by themselves, and
the record of tests is lost.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "reach_0001_phones"

FORWARDS = """
CREATE TABLE phone_report (
    person_id uuid PRIMARY KEY,
    device_id text NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    notification text NOT NULL CHECK (notification IN ('granted', 'denied', 'unknown')),
    location text NOT NULL CHECK (location IN ('granted', 'denied', 'unknown')),
    camera text NOT NULL CHECK (camera IN ('granted', 'denied', 'unknown')),
    battery_pct integer CHECK (battery_pct BETWEEN 0 AND 100),
    charging boolean NOT NULL,
    version text NOT NULL,
    current boolean
);
CREATE TABLE test_plan (
    person_id uuid PRIMARY KEY,
    every_s double precision CHECK (every_s >= 600),
    at_start boolean NOT NULL,
    sound text NOT NULL CHECK (sound IN ('never', 'day', 'always'))
);
CREATE TABLE communication_test (
    message_id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    why text NOT NULL CHECK (why IN ('start', 'planned', 'self', 'desk')),
    door text,
    planned_at timestamptz NOT NULL,
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    answered_at timestamptz,
    answered_by text,
    missed_at timestamptz,
    dropped_at timestamptz
);
CREATE INDEX communication_test_open ON communication_test (expires_at)
    WHERE answered_at IS NULL AND missed_at IS NULL AND dropped_at IS NULL;
CREATE INDEX communication_test_person ON communication_test (person_id, sent_at DESC);
CREATE TABLE reach_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id uuid NOT NULL,
    at timestamptz NOT NULL,
    reachable boolean NOT NULL,
    why text NOT NULL,
    number integer NOT NULL,
    parts jsonb NOT NULL
);
CREATE INDEX reach_change_person ON reach_change (person_id, id DESC);
CREATE TABLE unreachable (
    person_id uuid PRIMARY KEY,
    since timestamptz NOT NULL,
    why text NOT NULL,
    number integer NOT NULL,
    zh text NOT NULL,
    en text NOT NULL
);
"""
BACKWARDS = "DROP TABLE unreachable, reach_change, communication_test, test_plan, phone_report;"


async def forwards() -> MigrationManager:
    """Make the tables."""
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
