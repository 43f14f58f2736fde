"""The state's version, for who keeps it in memory; a token of each batch; a fence per lane."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "sensing_0002_ingest"

# lane and token stand beside what was there: rows of an older process stay readable
FORWARDS = """
ALTER TABLE detector_state ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN lane smallint NOT NULL DEFAULT 0, ADD COLUMN token bytea;
CREATE TABLE delivery_fence (
    client_id text NOT NULL,
    lane smallint NOT NULL,
    epoch bigint NOT NULL,
    PRIMARY KEY (client_id, lane)
);
"""


async def forwards() -> MigrationManager:
    """Add them."""
    return migrating.steps(
        ID,
        forwards=[FORWARDS],
        backwards=[
            "DROP TABLE delivery_fence",
            "ALTER TABLE delivery DROP COLUMN lane, DROP COLUMN token",
            "ALTER TABLE detector_state DROP COLUMN version",
        ],
    )
