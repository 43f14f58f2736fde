"""Phones' own apps beside browsers: a subscription says by which door it is reached.

Locks ``subscription`` for the moment of adding a column with a default (no rewrite). Undone by
dropping the column; tokens of apps are deleted first, as they are no browsers.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "messages_0002_tokens"

FORWARDS = """
ALTER TABLE subscription ADD COLUMN door text NOT NULL DEFAULT 'webpush'
    CHECK (door IN ('webpush', 'fcm', 'apns'));
"""
BACKWARDS = """
DELETE FROM subscription WHERE door <> 'webpush';
ALTER TABLE subscription DROP COLUMN door;
"""


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
