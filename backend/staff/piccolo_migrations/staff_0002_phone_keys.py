"""The public key with which a person's phone signs its commands.

Locks: nothing that exists. Undo: drops the table; phones register again when they are next used.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "staff_0002_phone_keys"


async def forwards() -> MigrationManager:
    """Make the table."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE phone_key (
                person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
                device_id varchar(64) NOT NULL,
                x char(43) NOT NULL,
                y char(43) NOT NULL,
                registered_at timestamptz NOT NULL,
                PRIMARY KEY (person_id, device_id)
            );
            """
        ],
        backwards=["DROP TABLE phone_key"],
    )
