"""Find the incident that names a photograph's small preview. A partial index; drop to undo."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "incidents_0006_previews"

FORWARDS = """
CREATE INDEX event_photo_preview ON event ((body -> 'fact' ->> 'previewSha256'))
    WHERE type = 'PhotoAdded';
"""
BACKWARDS = "DROP INDEX event_photo_preview;"


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
