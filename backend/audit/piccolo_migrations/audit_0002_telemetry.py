"""The audit log also takes rows from telemetry, where templates and rules of sensing are changed.

Locks: the log, for the moment of a catalogue change (``NOT VALID`` reads no row). Undo: the old
check, which refuses while rows of telemetry are there.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "audit_0002_telemetry"

_CHECK = """
            ALTER TABLE audit_log DROP CONSTRAINT audit_log_origin_check;
            ALTER TABLE audit_log ADD CONSTRAINT audit_log_origin_check
                CHECK (origin IN ({origins})) NOT VALID;
"""


async def forwards() -> MigrationManager:
    """Widen the check."""
    return migrating.steps(
        ID,
        forwards=[_CHECK.format(origins="'operations', 'identity', 'telemetry'")],
        backwards=[_CHECK.format(origins="'operations', 'identity'")],
    )
