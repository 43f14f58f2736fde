"""When a door of pushes was heard last, and since when something may be missing.

One small table; locks nothing that is read. Undone by dropping it.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "sensing_0006_doors"

MARK = """
CREATE TABLE door_mark (
    door text PRIMARY KEY,
    heard_at timestamptz,
    missed_from timestamptz,
    missed_to timestamptz
)
"""


async def forwards() -> MigrationManager:
    """Create it."""
    return migrating.steps(ID, forwards=[MARK], backwards=["DROP TABLE door_mark"])
