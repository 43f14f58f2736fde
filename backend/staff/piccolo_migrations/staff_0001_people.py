"""People, their duty, latest position and reachability.

Locks: nothing that exists. Undo: drops the four tables.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "staff_0001_people"


async def forwards() -> MigrationManager:
    """Make the four tables."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE person (
                id uuid PRIMARY KEY,
                name varchar(80) NOT NULL,
                badge varchar(24) NOT NULL UNIQUE,
                post varchar(16) NOT NULL CHECK (post IN ('field', 'desk', 'technician')),
                qualified_from date,
                qualified_until date,
                phone varchar(24) NOT NULL,
                photo text,
                exercise boolean NOT NULL DEFAULT false
            );
            CREATE TABLE duty (
                person_id uuid PRIMARY KEY REFERENCES person ON DELETE CASCADE,
                on_since timestamptz,
                device_id varchar(64),
                post_lat double precision,
                post_lon double precision
            );
            CREATE INDEX duty_on ON duty (person_id) WHERE on_since IS NOT NULL;
            CREATE TABLE position (
                person_id uuid PRIMARY KEY REFERENCES person ON DELETE CASCADE,
                lat double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
                lon double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
                accuracy_m double precision NOT NULL CHECK (accuracy_m >= 0),
                at timestamptz NOT NULL,
                battery_pct integer CHECK (battery_pct BETWEEN 0 AND 100),
                received_at timestamptz NOT NULL
            ) WITH (fillfactor = 50);
            CREATE TABLE reachability (
                person_id uuid PRIMARY KEY REFERENCES person ON DELETE CASCADE,
                test_message_id uuid,
                test_sent_at timestamptz,
                last_receipt_at timestamptz,
                live_ok boolean NOT NULL DEFAULT false,
                push_ok boolean NOT NULL DEFAULT false
            );
            """
        ],
        backwards=["DROP TABLE reachability, position, duty, person"],
    )
