"""Who is responsible for a detector's thing (B.5: the hydrant's unit), and their telephone."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "devices_0002_responsible_units"

FORWARDS = """
ALTER TABLE detector ADD COLUMN unit_name text, ADD COLUMN unit_phone text;
"""
BACKWARDS = "ALTER TABLE detector DROP COLUMN unit_name, DROP COLUMN unit_phone"


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
