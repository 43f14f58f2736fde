"""Versions of the rules: proposed by one, in force by another, never changed afterwards."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "sensing_0005_rules"

# changes: what differs from the program's own numbers; rules: every rule as it then was, so that a
# version can be read when the program's own numbers have moved on
FORWARDS = """
CREATE TABLE rule_set (
    version integer PRIMARY KEY CHECK (version > 0),
    based_on integer NOT NULL,
    changes jsonb NOT NULL,
    rules jsonb NOT NULL,
    note text NOT NULL CHECK (note <> ''),
    proposed_by uuid NOT NULL,
    proposed_name text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by uuid CHECK (approved_by <> proposed_by),
    approved_name text,
    approved_at timestamptz,
    declined_at timestamptz,
    declined_name text,
    declined_why text,
    CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CHECK (approved_at IS NULL OR declined_at IS NULL)
);
CREATE INDEX rule_set_approved ON rule_set (approved_at);

CREATE FUNCTION rule_set_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.approved_at IS NOT NULL OR OLD.declined_at IS NOT NULL
        OR (NEW.version, NEW.based_on, NEW.changes, NEW.rules, NEW.note, NEW.proposed_by,
            NEW.proposed_at)
        IS DISTINCT FROM (OLD.version, OLD.based_on, OLD.changes, OLD.rules, OLD.note,
            OLD.proposed_by, OLD.proposed_at)
    THEN
        RAISE EXCEPTION 'a version of the rules is never changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rule_set_stays BEFORE UPDATE OR DELETE ON rule_set
    FOR EACH ROW EXECUTE FUNCTION rule_set_stays();
"""


async def forwards() -> MigrationManager:
    """Create the table."""
    return migrating.steps(
        ID,
        forwards=[FORWARDS],
        backwards=["DROP TABLE rule_set", "DROP FUNCTION rule_set_stays"],
    )
