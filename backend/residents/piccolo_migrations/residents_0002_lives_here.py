"""Whether a contact sleeps behind that door: an evacuation looks for those who do.

Locks: the table for a moment (a constant default rewrites nothing). Undo: drops the column.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "residents_0002_lives_here"


async def forwards() -> MigrationManager:
    """Add the column."""
    return migrating.steps(
        ID,
        forwards=["ALTER TABLE contact ADD COLUMN lives_here boolean NOT NULL DEFAULT true"],
        backwards=["ALTER TABLE contact DROP COLUMN lives_here"],
    )
