"""Detectors that speak only when something happens: their silence says nothing."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "devices_0007_event_only"

# An interval every reader may count with, and beside it whether the detector keeps to one.
FORWARDS = """
UPDATE detector SET report_interval_s = 3600 WHERE report_interval_s IS NULL;
ALTER TABLE detector ALTER COLUMN report_interval_s SET NOT NULL;
ALTER TABLE detector ADD COLUMN event_only boolean NOT NULL DEFAULT false;
"""

ALTERED = """
CREATE OR REPLACE FUNCTION detector_altered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watch_change SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
    WHERE n.report_interval_s IS DISTINCT FROM o.report_interval_s OR n.protocol <> o.protocol
        {more}
        OR (n.state IN ('planned', 'replaced', 'retired'))
            <> (o.state IN ('planned', 'replaced', 'retired'))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
"""


async def forwards() -> MigrationManager:
    """A column, and the watch hears of it."""
    return migrating.steps(
        ID,
        forwards=[FORWARDS, ALTERED.format(more="OR n.event_only <> o.event_only")],
        backwards=[
            ALTERED.format(more=""),
            "ALTER TABLE detector ALTER COLUMN report_interval_s DROP NOT NULL,"
            " DROP COLUMN event_only",
        ],
    )
