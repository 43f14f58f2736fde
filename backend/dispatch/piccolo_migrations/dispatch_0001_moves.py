"""Moves of people into areas left empty, with everybody looked at; drop to undo."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "dispatch_0001_moves"

FORWARDS = """
CREATE TABLE move_up (
    id uuid PRIMARY KEY,
    area text NOT NULL,
    area_name text NOT NULL,
    lat double precision NOT NULL,
    lon double precision NOT NULL,
    staff_id uuid NOT NULL,
    staff_name text NOT NULL,
    metres double precision,
    minutes double precision,
    because jsonb NOT NULL,
    candidates jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'accepted', 'declined')),
    proposed_at timestamptz NOT NULL,
    answered_at timestamptz,
    answered_name text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    ended_at timestamptz,
    ended_how text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX move_up_one_for_an_area ON move_up (area) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX move_up_one_for_a_person ON move_up (staff_id)
    WHERE ended_at IS NULL AND state <> 'declined';
CREATE INDEX move_up_proposed ON move_up (proposed_at);
"""
BACKWARDS = "DROP TABLE move_up;"


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
