"""Messages, attempts, receipts, and the browsers that may be pushed to.

Locks nothing (new tables). Undone by dropping them, which loses the record of who was told what.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "messages_0001_outbox"

FORWARDS = """
CREATE TABLE message (
    id uuid PRIMARY KEY,
    address text NOT NULL,
    audience text NOT NULL,
    urgency text NOT NULL,
    handling text NOT NULL,
    body jsonb NOT NULL,
    collapse_key text NOT NULL,
    incident_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    next_at timestamptz,
    ended text,
    told_person boolean NOT NULL DEFAULT false,
    CHECK ((next_at IS NULL) = (ended IS NOT NULL))
);
CREATE INDEX message_due ON message (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX message_incident ON message (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX message_collapse ON message (collapse_key) WHERE next_at IS NOT NULL;
CREATE TABLE delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL REFERENCES message (id),
    door text NOT NULL,
    at timestamptz NOT NULL,
    outcome text,
    code text NOT NULL DEFAULT '',
    retry_after_s double precision
);
CREATE INDEX delivery_message ON delivery (message_id);
CREATE TABLE receipt (
    message_id uuid NOT NULL REFERENCES message (id),
    kind text NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    door text,
    PRIMARY KEY (message_id, kind)
);
CREATE TABLE subscription (
    id uuid PRIMARY KEY,
    address text NOT NULL,
    device_id text NOT NULL,
    endpoint text NOT NULL UNIQUE,
    p256dh text NOT NULL,
    auth text NOT NULL,
    created_at timestamptz NOT NULL,
    gone_at timestamptz
);
CREATE INDEX subscription_address ON subscription (address) WHERE gone_at IS NULL;
"""
BACKWARDS = "DROP TABLE subscription, receipt, delivery, message;"


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
