"""Nobody is asked about two incidents at once, and the database says so; drop to undo.

``asked_staff`` is who an open offer of a real incident is put to. Offers open at the moment of
the migration end in half a minute and are not written back.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "incidents_0007_one_offer"

FORWARDS = """
ALTER TABLE incident ADD COLUMN asked_staff uuid;
CREATE UNIQUE INDEX incident_one_offer ON incident (asked_staff) WHERE asked_staff IS NOT NULL;
CREATE INDEX incident_emitted ON incident (emitted_at);
CREATE INDEX incident_dispatching ON incident (emitted_at) WHERE state = 'dispatching';
"""
BACKWARDS = """
DROP INDEX incident_dispatching; DROP INDEX incident_emitted; DROP INDEX incident_one_offer;
ALTER TABLE incident DROP COLUMN asked_staff;
"""


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
