"""Mapping templates with their versions, what they read, and the last messages as they came.

A body never changes once it was in force. ``recent_message`` and ``mapping_tally`` are for the
technician's screen: bounded, thrown away by age, and no truth of anything. Locks: nothing that
exists. Undo: drops the tables, and the templates with them.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "sensing_0004_mapping"

TABLES = """
CREATE TABLE mapping_version (
    name text NOT NULL,
    version int NOT NULL,
    body jsonb NOT NULL,
    note text NOT NULL DEFAULT '',
    copied_from int,
    made_by uuid,
    made_name text NOT NULL,
    made_at timestamptz NOT NULL,
    begun_name text,
    begun_at timestamptz,
    begun_why text,
    ended_name text,
    ended_at timestamptz,
    ended_why text,
    PRIMARY KEY (name, version)
);
CREATE UNIQUE INDEX mapping_in_force ON mapping_version (name)
    WHERE begun_at IS NOT NULL AND ended_at IS NULL;
CREATE UNIQUE INDEX mapping_draft ON mapping_version (name)
    WHERE begun_at IS NULL AND ended_at IS NULL;
CREATE FUNCTION mapping_body_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.begun_at IS NOT NULL AND NEW.body <> OLD.body THEN
        RAISE EXCEPTION 'a template that was in force is not changed'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER mapping_body_stays BEFORE UPDATE ON mapping_version
    FOR EACH ROW EXECUTE FUNCTION mapping_body_stays();

CREATE TABLE mapping_tally (
    hour timestamptz NOT NULL,
    name text NOT NULL,
    read bigint NOT NULL,
    refused bigint NOT NULL,
    readings bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (hour, name)
);

CREATE TABLE recent_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    family text NOT NULL,
    topic text NOT NULL,
    payload bytea NOT NULL,
    whole_bytes int NOT NULL,
    protocol text NOT NULL,
    outcome text NOT NULL,
    detail text NOT NULL,
    received_at timestamptz NOT NULL,
    forget_at timestamptz NOT NULL
);
CREATE INDEX recent_message_family ON recent_message (family, id DESC);

CREATE TABLE mapping_listening (
    topic text PRIMARY KEY,
    until timestamptz NOT NULL,
    by_name text NOT NULL
);
"""


async def forwards() -> MigrationManager:
    """Make the tables."""
    return migrating.steps(
        ID,
        forwards=[TABLES],
        backwards=[
            "DROP TABLE mapping_version, mapping_tally, recent_message, mapping_listening",
            "DROP FUNCTION mapping_body_stays",
        ],
    )
