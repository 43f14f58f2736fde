"""The audit log, in the records database: rows are added and read, nothing else.

Locks: nothing that exists. Undo: drops the log, which loses it.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "audit_0001_log"


async def forwards() -> MigrationManager:
    """Make the table and close it against change."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE audit_log (
                id uuid PRIMARY KEY,
                origin varchar(16) NOT NULL CHECK (origin IN ('operations', 'identity')),
                at timestamptz NOT NULL,
                actor varchar(64) NOT NULL,
                role varchar(80) NOT NULL,
                action varchar(64) NOT NULL,
                subject varchar(120) NOT NULL,
                before jsonb,
                after jsonb,
                reason text,
                logged_at timestamptz NOT NULL
            );
            CREATE INDEX audit_log_at ON audit_log (at);
            CREATE INDEX audit_log_subject ON audit_log (subject, at);
            CREATE INDEX audit_log_actor ON audit_log (actor, at);
            """,
            migrating.insert_only("audit_log"),
        ],
        backwards=["DROP TABLE audit_log"],
    )
