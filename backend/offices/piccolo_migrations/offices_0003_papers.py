"""Numbered papers in an office's inbox, and the authority for housing and building.

Locks: both tables for a moment (the new check reads every office, a few rows). Undo: drops the
columns; papers leave the inboxes, and no office may be of the new kind.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "offices_0003_papers"

FORWARDS = """
ALTER TABLE office DROP CONSTRAINT office_kind_check;
ALTER TABLE office ADD CONSTRAINT office_kind_check
    CHECK (kind IN ('community', 'street', 'fire', 'emergency', 'housing'));
ALTER TABLE report
    ADD COLUMN purpose text NOT NULL DEFAULT 'rescue',
    ADD COLUMN paper_sha256 varchar(64),
    ADD COLUMN acknowledged_by text NOT NULL DEFAULT '';
"""
BACKWARDS = """
DELETE FROM report WHERE purpose <> 'rescue';
ALTER TABLE report DROP COLUMN purpose, DROP COLUMN paper_sha256, DROP COLUMN acknowledged_by;
ALTER TABLE office DROP CONSTRAINT office_kind_check;
ALTER TABLE office ADD CONSTRAINT office_kind_check
    CHECK (kind IN ('community', 'street', 'fire', 'emergency'));
"""


async def forwards() -> MigrationManager:
    """Widen the check, add the columns."""
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
