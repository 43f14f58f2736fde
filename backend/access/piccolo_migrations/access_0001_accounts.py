"""Accounts, sessions, link tokens and counted login failures.

Locks: nothing that exists. Undo: drops the four tables.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "access_0001_accounts"


async def forwards() -> MigrationManager:
    """Make the four tables."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE account (
                id uuid PRIMARY KEY,
                login varchar(64) NOT NULL UNIQUE,
                name varchar(80) NOT NULL,
                password_hash varchar(255) NOT NULL,
                roles varchar(24)[] NOT NULL CHECK (cardinality(roles) > 0),
                staff_id uuid,
                office_id uuid,
                disabled_at timestamptz,
                exercise boolean NOT NULL DEFAULT false,
                created_at timestamptz NOT NULL
            );
            CREATE INDEX account_staff_id ON account (staff_id);
            CREATE INDEX account_office_id ON account (office_id);
            CREATE TABLE login_attempt (
                login_sha256 varchar(64) PRIMARY KEY,
                failures integer NOT NULL DEFAULT 0,
                locked_until timestamptz,
                last_at timestamptz NOT NULL
            );
            CREATE INDEX login_attempt_last_at ON login_attempt (last_at);
            CREATE TABLE session (
                token_sha256 varchar(64) PRIMARY KEY,
                account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
                device_id varchar(64),
                created_at timestamptz NOT NULL,
                seen_at timestamptz NOT NULL,
                expires_at timestamptz NOT NULL
            );
            CREATE INDEX session_account_id ON session (account_id);
            CREATE INDEX session_expires_at ON session (expires_at);
            CREATE TABLE link (
                token_sha256 varchar(64) PRIMARY KEY,
                purpose varchar(16) NOT NULL CHECK (purpose IN ('household', 'report')),
                subject_id uuid NOT NULL,
                minted_at timestamptz NOT NULL,
                expires_at timestamptz NOT NULL,
                revoked_at timestamptz,
                used_at timestamptz
            );
            CREATE INDEX link_subject_id ON link (subject_id);
            """
        ],
        backwards=["DROP TABLE link, session, login_attempt, account"],
    )
