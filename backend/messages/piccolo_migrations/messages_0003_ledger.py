"""What the ledger tells beside the attempts: digests, dead letters, providers, screens elsewhere.

Locks ``message``, ``delivery``, ``receipt`` and ``subscription`` for the moment of adding columns
(no rewrite: every default is a constant) and of building their indexes. Undone by dropping what
it adds; which node holds which screen is written anew at the next start.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "messages_0003_ledger"

FORWARDS = """
ALTER TABLE message
    ADD COLUMN lane smallint NOT NULL DEFAULT 1 CHECK (lane BETWEEN 0 AND 3),
    ADD COLUMN only_doors text[],
    ADD COLUMN digest_id uuid,
    ADD COLUMN ladder text NOT NULL DEFAULT '',
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN last_error text,
    ADD COLUMN requeued_as uuid;
DROP INDEX message_due;
CREATE INDEX message_due ON message (lane, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX message_address ON message (address, created_at);
CREATE INDEX message_dead ON message (ended_at) WHERE ended IN ('dead', 'unreadable');
CREATE INDEX message_expired ON message (expires_at) WHERE next_at IS NULL;
CREATE INDEX message_digest ON message (digest_id) WHERE digest_id IS NOT NULL;
ALTER TABLE delivery
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN provider text NOT NULL DEFAULT '',
    ADD COLUMN reference text NOT NULL DEFAULT '';
CREATE INDEX delivery_reference ON delivery (reference) WHERE reference <> '';
ALTER TABLE receipt ADD COLUMN source text NOT NULL DEFAULT 'device'
    CHECK (source IN ('device', 'provider', 'digest'));
ALTER TABLE subscription
    ADD COLUMN gone_why text,
    ADD COLUMN accepted_at timestamptz;
CREATE TABLE provider (
    node uuid NOT NULL,
    name text NOT NULL,
    failures integer NOT NULL,
    open_until timestamptz,
    last_code text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (node, name)
);
CREATE TABLE live_node (
    id uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL
);
CREATE TABLE live_screen (
    address text NOT NULL,
    node uuid NOT NULL REFERENCES live_node (id) ON DELETE CASCADE,
    PRIMARY KEY (address, node)
);
CREATE INDEX live_screen_node ON live_screen (node);
CREATE TABLE live_pass (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node uuid NOT NULL REFERENCES live_node (id) ON DELETE CASCADE,
    message_id uuid NOT NULL,
    delivery_id bigint
);
CREATE INDEX live_pass_node ON live_pass (node);
"""
BACKWARDS = """
DROP TABLE live_pass, live_screen, live_node, provider;
ALTER TABLE subscription DROP COLUMN gone_why, DROP COLUMN accepted_at;
ALTER TABLE receipt DROP COLUMN source;
ALTER TABLE delivery DROP COLUMN ended_at, DROP COLUMN provider, DROP COLUMN reference;
DROP INDEX message_due, message_address, message_dead, message_expired,
    message_digest;
CREATE INDEX message_due ON message (next_at) WHERE next_at IS NOT NULL;
ALTER TABLE message DROP COLUMN lane, DROP COLUMN only_doors, DROP COLUMN digest_id,
    DROP COLUMN ladder, DROP COLUMN ended_at, DROP COLUMN last_error, DROP COLUMN requeued_as;
"""


async def forwards() -> MigrationManager:
    return migrating.steps(ID, forwards=[FORWARDS], backwards=[BACKWARDS])
