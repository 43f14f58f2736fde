"""The people of each household, in the identity database.

Locks: nothing that exists. Undo: drops the table.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "residents_0001_contacts"


async def forwards() -> MigrationManager:
    """Make the table."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE contact (
                id uuid PRIMARY KEY,
                household_id uuid NOT NULL,
                name varchar(80) NOT NULL,
                relation varchar(40) NOT NULL,
                phone varchar(24) NOT NULL,
                "position" integer NOT NULL DEFAULT 0,
                needs_help text,
                consent_at timestamptz,
                speaks varchar(40)
            );
            CREATE INDEX contact_household_id ON contact (household_id);
            """
        ],
        backwards=["DROP TABLE contact"],
    )
