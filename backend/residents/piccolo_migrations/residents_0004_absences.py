"""When nobody is at home, as the home itself says, so that no one is looked for meanwhile.

Locks: nothing that exists. Undo: drops the table; every home counts as lived in.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "residents_0004_absences"


async def forwards() -> MigrationManager:
    """Make the table."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE absence (
                id uuid PRIMARY KEY,
                household_id uuid NOT NULL,
                from_at timestamptz NOT NULL,
                to_at timestamptz NOT NULL CHECK (to_at > from_at),
                consent_at timestamptz NOT NULL,
                said_by varchar(80) NOT NULL
            );
            CREATE INDEX absence_household ON absence (household_id, to_at);
            """
        ],
        backwards=["DROP TABLE absence"],
    )
