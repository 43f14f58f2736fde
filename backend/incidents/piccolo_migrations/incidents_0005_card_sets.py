"""Wordings of cards and equipment, proposed by one person and approved by another. Drop to undo."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "incidents_0005_card_sets"

FORWARDS = """
CREATE TABLE card_set (
    version integer PRIMARY KEY CHECK (version > 0),
    based_on integer NOT NULL,
    body jsonb NOT NULL,
    note text NOT NULL,
    proposed_by uuid NOT NULL,
    proposed_name text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by uuid CHECK (approved_by <> proposed_by),
    approved_name text,
    approved_at timestamptz,
    declined_at timestamptz,
    declined_name text,
    declined_why text,
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK (approved_at IS NULL OR declined_at IS NULL)
);
CREATE INDEX card_set_approved ON card_set (approved_at);
"""


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=["DROP TABLE card_set"])
