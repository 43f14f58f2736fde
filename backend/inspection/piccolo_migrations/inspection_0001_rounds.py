"""Cycles, rounds, checks, repairs, and the events that they are read from.

Locks: nothing that exists. Undo: drops what was made.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "inspection_0001_rounds"

TABLES = """
CREATE TABLE inspection_plan (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    cycle text NOT NULL CHECK (cycle IN ('week', 'month', 'quarter', 'half_year', 'year')),
    kinds text[] NOT NULL DEFAULT '{}',
    models text[] NOT NULL DEFAULT '{}',
    streets text[] NOT NULL DEFAULT '{}',
    active boolean NOT NULL,
    first_on date NOT NULL
);
CREATE TABLE inspection_run (
    plan_id uuid NOT NULL REFERENCES inspection_plan,
    period text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (plan_id, period)
);
CREATE TABLE inspection_round (
    id uuid PRIMARY KEY,
    plan_id uuid NOT NULL REFERENCES inspection_plan,
    plan_name text NOT NULL,
    period text NOT NULL,
    street text NOT NULL,
    area_id uuid,
    starts_on date NOT NULL,
    due_on date NOT NULL,
    assignee uuid,
    made_at timestamptz NOT NULL,
    UNIQUE (plan_id, period, street)
);
CREATE INDEX inspection_round_assignee ON inspection_round (assignee, due_on);
CREATE INDEX inspection_round_due ON inspection_round (due_on);
CREATE TABLE inspection_check (
    id uuid PRIMARY KEY,
    round_id uuid NOT NULL REFERENCES inspection_round,
    detector_id uuid NOT NULL,
    place int NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'begun', 'done', 'left')),
    version int NOT NULL DEFAULT 0,
    bad text[] NOT NULL DEFAULT '{}',
    handed boolean NOT NULL DEFAULT false,
    over_at timestamptz,
    over_by uuid,
    UNIQUE (round_id, detector_id)
);
CREATE INDEX inspection_check_open ON inspection_check (detector_id)
    WHERE state IN ('open', 'begun');
CREATE TABLE repair (
    id uuid PRIMARY KEY,
    check_id uuid NOT NULL REFERENCES inspection_check,
    detector_id uuid NOT NULL,
    opened_by uuid,
    items text[] NOT NULL,
    state text NOT NULL,
    version int NOT NULL,
    noticed_at timestamptz NOT NULL,
    done_at timestamptz,
    breached_at timestamptz,
    over_at timestamptz
);
CREATE INDEX repair_runs ON repair (noticed_at) WHERE over_at IS NULL;
CREATE INDEX repair_detector ON repair (detector_id);
CREATE TABLE inspection_event (
    stream uuid NOT NULL,
    version int NOT NULL,
    body jsonb NOT NULL,
    command_id uuid UNIQUE,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (stream, version)
);
CREATE INDEX inspection_event_photo ON inspection_event ((body -> 'fact' ->> 'sha256'))
    WHERE body -> 'fact' ->> 'sha256' IS NOT NULL;
"""
BACKWARDS = """
DROP TABLE inspection_event, repair, inspection_check, inspection_round, inspection_run,
    inspection_plan
"""


async def forwards() -> MigrationManager:
    return migrating.steps(
        ID,
        forwards=[TABLES, migrating.insert_only("inspection_event")],
        backwards=[BACKWARDS],
    )
