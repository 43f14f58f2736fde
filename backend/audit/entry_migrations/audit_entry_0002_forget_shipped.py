"""What the audit log has had for a week may be deleted beside the data; nothing else, ever.

Locks nothing but the function's row. Undone by putting the old function back.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "audit_entry_0002_forget_shipped"

_ONLY = """
            CREATE OR REPLACE FUNCTION audit_entry_only_shipped() RETURNS trigger
            LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' AND OLD.shipped_at IS NULL
                    AND to_jsonb(NEW) - 'shipped_at' = to_jsonb(OLD) - 'shipped_at'
                THEN
                    RETURN NEW;
                END IF;{more}
                RAISE EXCEPTION 'audit_entry keeps what it has: % refused', TG_OP
                    USING ERRCODE = 'insufficient_privilege';
            END $$;
"""
_FORGET = """
                IF TG_OP = 'DELETE' AND OLD.shipped_at < now() - interval '7 days' THEN
                    RETURN OLD;
                END IF;"""


async def forwards() -> MigrationManager:
    """Let old, shipped rows go."""
    return migrating.steps(
        ID,
        forwards=[
            _ONLY.format(more=_FORGET),
            "CREATE INDEX audit_entry_shipped ON audit_entry (shipped_at)"
            " WHERE shipped_at IS NOT NULL",
        ],
        backwards=["DROP INDEX audit_entry_shipped", _ONLY.format(more="")],
    )
