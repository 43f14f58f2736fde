"""Each office's own group room. The address holds the robot's key: a secret.

Locks: the table for a moment (a constant default rewrites nothing). Undo: drops the column; the
rooms must be written down again.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "offices_0002_rooms"


async def forwards() -> MigrationManager:
    """Add the column."""
    return migrating.steps(
        ID,
        forwards=["ALTER TABLE office ADD COLUMN room text NOT NULL DEFAULT ''"],
        backwards=["ALTER TABLE office DROP COLUMN room"],
    )
