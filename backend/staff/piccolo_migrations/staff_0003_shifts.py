"""Areas, shifts, weekly patterns, swaps, and the roster's history; extra duty outside a shift.

Locks: ``duty`` for a moment, to add two columns without a default. Undo: drops what was made; who
is on duty then stays on duty.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "staff_0003_shifts"


async def forwards() -> MigrationManager:
    """Make five tables and two columns."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE roster_area (
                id uuid PRIMARY KEY,
                name varchar(40) NOT NULL UNIQUE,
                streets varchar(60)[] NOT NULL DEFAULT '{}',
                desk_min integer NOT NULL CHECK (desk_min BETWEEN 0 AND 50),
                field_min integer NOT NULL CHECK (field_min BETWEEN 0 AND 50)
            );
            CREATE TABLE shift (
                id uuid PRIMARY KEY,
                person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
                role varchar(16) NOT NULL
                    CHECK (role IN ('desk', 'desk_lead', 'field', 'technician')),
                area_id uuid NOT NULL REFERENCES roster_area,
                from_at timestamptz NOT NULL,
                until_at timestamptz NOT NULL,
                CHECK (from_at < until_at)
            );
            CREATE INDEX shift_person ON shift (person_id, until_at);
            CREATE INDEX shift_until ON shift (until_at);
            CREATE TABLE shift_pattern (
                id uuid PRIMARY KEY,
                person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
                role varchar(16) NOT NULL
                    CHECK (role IN ('desk', 'desk_lead', 'field', 'technician')),
                area_id uuid NOT NULL REFERENCES roster_area,
                weekdays integer[] NOT NULL,
                from_min integer NOT NULL CHECK (from_min BETWEEN 0 AND 1439),
                length_min integer NOT NULL CHECK (length_min BETWEEN 15 AND 1440),
                every_weeks integer NOT NULL DEFAULT 1 CHECK (every_weeks BETWEEN 1 AND 8),
                first_on date NOT NULL,
                last_on date
            );
            CREATE TABLE shift_swap (
                id uuid PRIMARY KEY,
                asker_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
                colleague_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
                mine jsonb NOT NULL,
                theirs jsonb,
                note varchar(200) NOT NULL DEFAULT '',
                stand varchar(12) NOT NULL,
                asked_at timestamptz NOT NULL,
                answered_at timestamptz,
                decided_at timestamptz,
                decided_by varchar(80),
                why varchar(300) NOT NULL DEFAULT ''
            );
            CREATE INDEX shift_swap_open ON shift_swap (stand) WHERE stand IN ('asked', 'accepted');
            CREATE TABLE roster_change (
                id bigserial PRIMARY KEY,
                batch uuid NOT NULL,
                at timestamptz NOT NULL,
                actor varchar(64) NOT NULL,
                actor_name varchar(80) NOT NULL,
                what varchar(24) NOT NULL,
                person_id uuid,
                shift_id uuid,
                body jsonb NOT NULL
            );
            CREATE INDEX roster_change_shift ON roster_change (shift_id);
            ALTER TABLE duty ADD COLUMN extra_reason varchar(200);
            ALTER TABLE duty ADD COLUMN extra_until timestamptz;
            """,
            migrating.insert_only("roster_change"),
        ],
        backwards=[
            """
            ALTER TABLE duty DROP COLUMN extra_reason, DROP COLUMN extra_until;
            DROP TABLE roster_change, shift_swap, shift_pattern, shift, roster_area;
            """
        ],
    )
