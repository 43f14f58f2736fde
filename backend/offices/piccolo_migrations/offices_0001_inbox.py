"""Offices, the buildings they answer for, and their inbox.

Locks: nothing that exists. Undo: drops the tables and the cursor.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "offices_0001_inbox"


async def forwards() -> MigrationManager:
    """Make the tables."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE office (
                id uuid PRIMARY KEY,
                name varchar(80) NOT NULL,
                kind varchar(16) NOT NULL
                    CHECK (kind IN ('community', 'street', 'fire', 'emergency')),
                phone varchar(24) NOT NULL,
                area text NOT NULL DEFAULT '',
                exercise boolean NOT NULL DEFAULT false
            );
            CREATE TABLE office_area (
                id bigserial PRIMARY KEY,
                building_id uuid NOT NULL,
                office_id uuid NOT NULL REFERENCES office ON DELETE CASCADE,
                CONSTRAINT office_area_once UNIQUE (building_id, office_id)
            );
            CREATE INDEX office_area_office_id ON office_area (office_id);
            CREATE SEQUENCE report_cursor;
            CREATE TABLE report (
                id uuid PRIMARY KEY,
                incident_id uuid NOT NULL,
                office_id uuid NOT NULL REFERENCES office ON DELETE CASCADE,
                situation jsonb NOT NULL,
                status varchar(16) NOT NULL CHECK (
                    status IN ('queued', 'sent', 'delivered', 'acknowledged', 'failed')
                ),
                sent_at timestamptz,
                delivered_at timestamptz,
                acknowledged_at timestamptz,
                reply text,
                version integer NOT NULL DEFAULT 0,
                cursor bigint NOT NULL
            );
            CREATE INDEX report_incident_id ON report (incident_id);
            CREATE INDEX report_inbox ON report (office_id, cursor DESC);
            """
        ],
        backwards=["DROP TABLE report, office_area, office", "DROP SEQUENCE report_cursor"],
    )
