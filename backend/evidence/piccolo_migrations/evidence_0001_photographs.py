"""What is known of each stored photograph.

Locks: nothing that exists. Undo: drops the table; the files stay.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "evidence_0001_photographs"


async def forwards() -> MigrationManager:
    """Make the table."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE evidence (
                sha256 varchar(64) PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
                bytes integer NOT NULL CHECK (bytes > 0),
                width integer NOT NULL CHECK (width > 0),
                height integer NOT NULL CHECK (height > 0),
                mime varchar(16) NOT NULL,
                uploaded_by uuid NOT NULL,
                uploaded_at timestamptz NOT NULL
            );
            """
        ],
        backwards=["DROP TABLE evidence"],
    )
