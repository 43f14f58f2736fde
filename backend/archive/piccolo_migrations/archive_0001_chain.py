"""Sealed records, each naming the one before. Insert-only by role and trigger."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "archive_0001_chain"

FORWARDS = """
CREATE TABLE sealed (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id uuid NOT NULL UNIQUE,
    no text NOT NULL UNIQUE,
    sha256 text NOT NULL UNIQUE,
    sm3 text NOT NULL,
    previous text NOT NULL UNIQUE,
    sealed_at timestamptz NOT NULL,
    export text NOT NULL
);
"""
BACKWARDS = "DROP TABLE sealed;"


async def forwards() -> MigrationManager:
    return migrating.steps(
        ID, forwards=[FORWARDS, migrating.insert_only("sealed")], backwards=[BACKWARDS]
    )
