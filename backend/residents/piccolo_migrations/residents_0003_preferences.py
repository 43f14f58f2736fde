"""How a resident wants to be reached (4.1-f), with whose consent.

Locks: nothing that exists. Undo: drops the table; everybody is called again.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "residents_0003_preferences"


async def forwards() -> MigrationManager:
    """Make the table."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE preference (
                contact_id uuid PRIMARY KEY REFERENCES contact (id) ON DELETE CASCADE,
                household_id uuid NOT NULL,
                way varchar(8) NOT NULL CHECK (way IN ('call', 'text', 'family')),
                large_text boolean NOT NULL,
                language varchar(2) NOT NULL CHECK (language IN ('zh', 'en')),
                consent_at timestamptz NOT NULL,
                said_by varchar(80) NOT NULL
            );
            CREATE INDEX preference_household_id ON preference (household_id);
            """
        ],
        backwards=["DROP TABLE preference"],
    )
