"""Find the incident that names a photograph. Two partial indexes on ``event``; drop to undo."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "incidents_0002_photographs"

FORWARDS = """
CREATE INDEX event_photo ON event ((body -> 'fact' ->> 'sha256')) WHERE type = 'PhotoAdded';
CREATE INDEX event_burnt_photo ON event ((body -> 'fact' ->> 'burntSha256'))
    WHERE type = 'PhotoAdded';
"""
BACKWARDS = "DROP INDEX event_photo; DROP INDEX event_burnt_photo;"


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
