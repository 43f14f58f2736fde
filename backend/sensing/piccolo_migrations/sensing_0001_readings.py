"""Readings by day, detector state, events, raw messages, the alert outbox."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "sensing_0001_readings"

TABLES = """
CREATE TABLE reading (
    detector_id uuid NOT NULL,
    quantity text NOT NULL,
    value double precision NOT NULL,
    unit text,
    flags text[] NOT NULL DEFAULT '{}',
    measured_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL
) PARTITION BY RANGE (received_at);
CREATE TABLE reading_default PARTITION OF reading DEFAULT;
CREATE INDEX reading_detector ON reading (detector_id, received_at DESC);

CREATE TABLE detector_state (
    detector_id uuid PRIMARY KEY,
    kind text NOT NULL,
    state jsonb NOT NULL DEFAULT '{}',
    quantity text,
    value double precision,
    measured_at timestamptz,
    received_at timestamptz,
    alarming boolean NOT NULL DEFAULT false,
    due_at timestamptz
) WITH (fillfactor = 60);
CREATE INDEX detector_state_due ON detector_state (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX detector_state_alarming ON detector_state (detector_id) WHERE alarming;

CREATE TABLE detector_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    detector_id uuid,
    address text NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX detector_event_detector ON detector_event (detector_id, at DESC);

CREATE TABLE raw_message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    payload bytea NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    received_at timestamptz NOT NULL,
    retained boolean NOT NULL DEFAULT false
);
CREATE INDEX raw_message_received ON raw_message (received_at DESC);

CREATE TABLE alert_outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    alert_id uuid PRIMARY KEY,
    type text NOT NULL,
    detector_id uuid,
    kind text,
    quantity text,
    value double precision,
    unit text,
    "limit" double precision,
    flags text[] NOT NULL DEFAULT '{}',
    measured_at timestamptz,
    received_at timestamptz NOT NULL,
    emitted_at timestamptz NOT NULL,
    body jsonb NOT NULL DEFAULT '{}',
    taken_at timestamptz
);
CREATE INDEX alert_outbox_waiting ON alert_outbox (seq) WHERE taken_at IS NULL;

CREATE TABLE delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_id text NOT NULL,
    stored bytea NOT NULL
);
CREATE INDEX delivery_client ON delivery (client_id, id DESC);
"""

# The service's role may not create tables, hence a function with its owner's rights.
PARTITIONS = """
CREATE FUNCTION ensure_reading_partitions(first date, days int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    day date;
    name text;
    made int := 0;
BEGIN
    IF days NOT BETWEEN 1 AND 60 THEN
        RAISE EXCEPTION 'days must be 1 to 60';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('reading partitions'));
    FOR n IN 0 .. days - 1 LOOP
        day := first + n;
        name := 'reading_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE public.%I PARTITION OF public.reading FOR VALUES FROM (%L) TO (%L)',
            name,
            day::text || ' 00:00:00+00',
            (day + 1)::text || ' 00:00:00+00'
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
"""


async def forwards() -> MigrationManager:
    """Create everything."""
    return migrating.steps(
        ID,
        forwards=[TABLES, PARTITIONS],
        backwards=[
            "DROP FUNCTION ensure_reading_partitions(date, int)",
            "DROP TABLE reading, detector_state, detector_event, raw_message, alert_outbox, delivery",
        ],
    )
