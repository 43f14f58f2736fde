"""Audit rows beside the data that they speak of; the same in operations and in identity.

A row may be stamped as shipped, once; any other change and every deletion is refused.

Locks: nothing that exists. Undo: drops the table; rows not yet shipped are lost.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "audit_entry_0001_beside_the_data"


async def forwards() -> MigrationManager:
    """Make the table and its trigger."""
    return migrating.steps(
        ID,
        forwards=[
            """
            CREATE TABLE audit_entry (
                id uuid PRIMARY KEY,
                at timestamptz NOT NULL,
                actor varchar(64) NOT NULL,
                role varchar(80) NOT NULL,
                action varchar(64) NOT NULL,
                subject varchar(120) NOT NULL,
                before jsonb,
                after jsonb,
                reason text,
                shipped_at timestamptz
            );
            CREATE INDEX audit_entry_waiting ON audit_entry (id) WHERE shipped_at IS NULL;
            CREATE INDEX audit_entry_subject ON audit_entry (subject);
            CREATE FUNCTION audit_entry_only_shipped() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' AND OLD.shipped_at IS NULL
                    AND to_jsonb(NEW) - 'shipped_at' = to_jsonb(OLD) - 'shipped_at'
                THEN
                    RETURN NEW;
                END IF;
                RAISE EXCEPTION 'audit_entry keeps what it has: % refused', TG_OP
                    USING ERRCODE = 'insufficient_privilege';
            END $$;
            CREATE TRIGGER audit_entry_only_shipped BEFORE UPDATE OR DELETE ON audit_entry
                FOR EACH ROW EXECUTE FUNCTION audit_entry_only_shipped();
            CREATE TRIGGER audit_entry_never_emptied BEFORE TRUNCATE ON audit_entry
                FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_only_shipped();
            """
        ],
        backwards=["DROP TABLE audit_entry", "DROP FUNCTION audit_entry_only_shipped"],
    )
