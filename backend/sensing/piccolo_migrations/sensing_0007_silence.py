"""Signs of life: when each detector was last heard, who is watched, and when our doors were open."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "sensing_0007_silence"

# heard_at has no index: it is written with every batch, and an index would make each of those
# writes twice as dear. Who may be silent is found by silence_watch.check_at instead, which is put
# off lazily: a detector is looked at about once in 2.5 of its intervals.
TABLES = """
ALTER TABLE detector_state ADD COLUMN heard_at timestamptz;
UPDATE detector_state SET heard_at = received_at;

CREATE TABLE silence_watch (
    detector_id uuid PRIMARY KEY,
    door text NOT NULL CHECK (door IN ('broker', 'panels', 'push')),
    interval_s int CHECK (interval_s > 0),
    since timestamptz NOT NULL,
    check_at timestamptz,
    away_at timestamptz,
    silent_at timestamptz,
    heard_before timestamptz
) WITH (fillfactor = 80);
CREATE INDEX silence_watch_check ON silence_watch (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX silence_watch_silent ON silence_watch (detector_id) WHERE silent_at IS NOT NULL;

CREATE TABLE ear (
    door text PRIMARY KEY,
    since timestamptz NOT NULL,
    last_at timestamptz NOT NULL
);
"""

# A raise never waits behind a technician's work.
OUTBOX = """
DROP INDEX alert_outbox_waiting;
CREATE INDEX alert_outbox_waiting ON alert_outbox ((type = 'ticket'), seq) WHERE taken_at IS NULL;
"""


async def forwards() -> MigrationManager:
    """Create everything."""
    return migrating.steps(
        ID,
        forwards=[TABLES, OUTBOX],
        backwards=[
            "DROP INDEX alert_outbox_waiting;"
            "CREATE INDEX alert_outbox_waiting ON alert_outbox (seq) WHERE taken_at IS NULL",
            "DROP TABLE silence_watch, ear",
            "ALTER TABLE detector_state DROP COLUMN heard_at",
        ],
    )
