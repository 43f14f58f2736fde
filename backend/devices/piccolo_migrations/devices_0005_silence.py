"""Faults: who takes them, what was done, spells of silence, and what to tell the watch for them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "devices_0005_silence"

# NULL: it speaks only when something happens (a door contact without a heartbeat), so its silence
# says nothing.
INTERVAL = "ALTER TABLE detector ALTER COLUMN report_interval_s DROP NOT NULL"

# One open ticket per matter, however many days it lasts; of those that stand, the oldest goes on.
TICKETS = """
ALTER TABLE ticket
    ADD COLUMN last_at timestamptz,
    ADD COLUMN taken_at timestamptz,
    ADD COLUMN taken_by uuid,
    ADD COLUMN taken_by_name text,
    ADD COLUMN done_by uuid,
    ADD COLUMN done_by_name text,
    ADD COLUMN done_how text,
    ADD COLUMN ended_at timestamptz;
UPDATE ticket SET last_at = opened_at;
UPDATE ticket t SET done_at = t.opened_at, done_how = 'one ticket with the older one'
    WHERE done_at IS NULL AND EXISTS (SELECT FROM ticket o WHERE o.done_at IS NULL
    AND o.kind = t.kind AND coalesce(o.address, '') = coalesce(t.address, '')
    AND (o.opened_at, o.id) < (t.opened_at, t.id));
ALTER TABLE ticket ALTER COLUMN last_at SET NOT NULL;
DROP INDEX ticket_open;
CREATE UNIQUE INDEX ticket_open ON ticket (kind, coalesce(address, '')) WHERE done_at IS NULL;
CREATE INDEX ticket_detector ON ticket (detector_id, opened_at DESC);

CREATE TABLE ticket_note (
    id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES ticket,
    at timestamptz NOT NULL,
    by_account uuid NOT NULL,
    by_name text NOT NULL,
    text text NOT NULL CHECK (text <> '')
);
CREATE INDEX ticket_note_of ON ticket_note (ticket_id, at);
"""

SILENCES = """
CREATE TABLE silence (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    detector_id uuid NOT NULL REFERENCES detector,
    ticket_id uuid NOT NULL REFERENCES ticket,
    why text NOT NULL CHECK (why IN ('silent', 'away')),
    heard_at timestamptz,
    found_at timestamptz NOT NULL,
    back_at timestamptz,
    away_s double precision,
    made_faulty boolean NOT NULL
);
CREATE UNIQUE INDEX silence_open ON silence (detector_id) WHERE back_at IS NULL;
CREATE INDEX silence_ticket ON silence (ticket_id);
CREATE INDEX silence_found ON silence (found_at) WHERE back_at IS NULL;
CREATE INDEX silence_detector ON silence (detector_id, found_at DESC);
"""

# What the watch for silence has to hear of: in the transaction that changed the register, so that
# neither a crash nor a lost hint makes it watch the wrong detectors.
CHANGES = """
CREATE TABLE watch_change (detector_id uuid PRIMARY KEY);
INSERT INTO watch_change SELECT id FROM detector;

CREATE FUNCTION detector_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watch_change SELECT id FROM added ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER detector_added AFTER INSERT ON detector
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION detector_added();

CREATE FUNCTION detector_altered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watch_change SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
    WHERE n.report_interval_s IS DISTINCT FROM o.report_interval_s OR n.protocol <> o.protocol
        OR (n.state IN ('planned', 'replaced', 'retired'))
            <> (o.state IN ('planned', 'replaced', 'retired'))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER detector_altered AFTER UPDATE ON detector
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION detector_altered();
"""

BACK = """
DROP TRIGGER detector_added ON detector;
DROP TRIGGER detector_altered ON detector;
DROP FUNCTION detector_added(), detector_altered();
DROP TABLE watch_change, silence, ticket_note;
DROP INDEX ticket_open, ticket_detector;
CREATE UNIQUE INDEX ticket_open ON ticket (kind, coalesce(address, ''), opened_on)
    WHERE done_at IS NULL;
ALTER TABLE ticket
    DROP COLUMN last_at, DROP COLUMN taken_at, DROP COLUMN taken_by, DROP COLUMN taken_by_name,
    DROP COLUMN done_by, DROP COLUMN done_by_name, DROP COLUMN done_how, DROP COLUMN ended_at;
UPDATE detector SET report_interval_s = 3600 WHERE report_interval_s IS NULL;
ALTER TABLE detector ALTER COLUMN report_interval_s SET NOT NULL;
"""


async def forwards() -> MigrationManager:
    """Create everything."""
    return migrating.steps(ID, forwards=[INTERVAL, TICKETS, SILENCES, CHANGES], backwards=[BACK])
