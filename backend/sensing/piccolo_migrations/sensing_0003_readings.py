"""Readings that come and go by day: safe partitions, dropping, what incidents keep, summaries."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from backend.shared import migrating

ID = "sensing_0003_readings"

# brin: a few pages for millions of rows, for what is asked of all detectors over a stretch of time.
# The partial indexes are empty but for late readings, and for raises and clears.
INDEXES = """
CREATE INDEX reading_arrived ON reading USING brin (received_at) WITH (pages_per_range = 32);
CREATE INDEX reading_late ON reading (detector_id, measured_at) WHERE flags @> '{late}';
CREATE INDEX alert_outbox_spans ON alert_outbox (detector_id, quantity, received_at)
    WHERE type IN ('raised', 'cleared');
CREATE INDEX raw_message_by_age ON raw_message USING brin (received_at);
"""

SUMMARIES = f"""
CREATE TABLE reading_kept (incident_id uuid NOT NULL, LIKE reading);
CREATE INDEX reading_kept_incident ON reading_kept (incident_id, detector_id, received_at);
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON reading_kept FROM PUBLIC, {migrating.APP_ROLE};

CREATE TABLE reading_hour (
    detector_id uuid NOT NULL,
    quantity text NOT NULL,
    hour timestamptz NOT NULL,
    unit text,
    n integer NOT NULL,
    odd integer NOT NULL,
    low double precision,
    high double precision,
    mean double precision,
    over_s real NOT NULL,
    PRIMARY KEY (detector_id, quantity, hour)
);
CREATE INDEX reading_hour_hour ON reading_hour USING brin (hour);

CREATE TABLE reading_day (
    detector_id uuid NOT NULL,
    quantity text NOT NULL,
    day date NOT NULL,
    unit text,
    n integer NOT NULL,
    odd integer NOT NULL,
    low double precision,
    high double precision,
    mean double precision,
    over_s real NOT NULL,
    PRIMARY KEY (detector_id, quantity, day)
);
CREATE INDEX reading_day_day ON reading_day USING brin (day);

CREATE TABLE reading_packed (
    detector_id uuid NOT NULL,
    quantity text NOT NULL,
    hour timestamptz NOT NULL,
    unit text,
    at integer[] NOT NULL,
    values double precision[] NOT NULL,
    marks smallint[],
    PRIMARY KEY (detector_id, quantity, hour)
) PARTITION BY RANGE (hour);

CREATE TABLE reading_keeper (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    summed_until timestamptz,
    closed_until date,
    today date,
    held_until timestamptz
);
"""

# Attached instead of made in place: readings go on being stored meanwhile. What lies in the default
# partition for that day, because no partition was there, moves home; it would refuse the day.
ENSURE = """
CREATE OR REPLACE FUNCTION ensure_reading_partitions(first date, days int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    day date;
    name text;
    starts text;
    ends text;
    made int := 0;
BEGIN
    IF days NOT BETWEEN 1 AND 60 THEN
        RAISE EXCEPTION 'days must be 1 to 60';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('reading partitions'));
    FOR n IN 0 .. days - 1 LOOP
        day := first + n;
        name := 'reading_' || to_char(day, 'YYYYMMDD');
        starts := day::text || ' 00:00:00+00';
        ends := (day + 1)::text || ' 00:00:00+00';
        IF to_regclass('public.packed_' || to_char(day, 'YYYYMMDD')) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE public.%I PARTITION OF public.reading_packed'
                ' FOR VALUES FROM (%L) TO (%L)',
                'packed_' || to_char(day, 'YYYYMMDD'), starts, ends
            );
        END IF;
        CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
        LOCK TABLE public.reading_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.reading INCLUDING ALL)', name);
        EXECUTE format(
            'WITH gone AS (DELETE FROM public.reading_default WHERE received_at >= %L'
            ' AND received_at < %L RETURNING *) INSERT INTO public.%I SELECT * FROM gone',
            starts, ends, name
        );
        EXECUTE format(
            'ALTER TABLE public.reading ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
            name, starts, ends
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
"""

# The service may not drop a table. This drops one day of readings, never a young one, and takes
# what incidents need out of it in the same transaction. It waits for nobody: readings would wait
# behind it.
DROP = f"""
CREATE FUNCTION drop_reading_day(
    gone date, incidents uuid[], detectors uuid[], since timestamptz[], until timestamptz[]
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '300ms'
AS $$
DECLARE
    name text := 'reading_' || to_char(gone, 'YYYYMMDD');
    kept bigint;
BEGIN
    IF gone IS NULL OR gone > (now() AT TIME ZONE 'UTC')::date - 30 THEN
        RAISE EXCEPTION 'readings of the last 30 days are not dropped: %', gone
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('reading partitions'));
    IF NOT EXISTS (
        SELECT FROM pg_inherits
        WHERE inhparent = 'public.reading'::regclass AND inhrelid = to_regclass('public.' || name)
    ) THEN
        RETURN 0;
    END IF;
    EXECUTE format(
        'INSERT INTO public.reading_kept SELECT w.incident, r.* FROM'
        ' unnest($1, $2, $3, $4) AS w (incident, detector, since, until)'
        ' JOIN public.%I r ON r.detector_id = w.detector'
        ' AND r.received_at BETWEEN w.since AND w.until',
        name
    ) USING incidents, detectors, since, until;
    GET DIAGNOSTICS kept = ROW_COUNT;
    EXECUTE format('DROP TABLE public.%I', name);
    EXECUTE format('DROP TABLE IF EXISTS public.%I', 'packed_' || to_char(gone, 'YYYYMMDD'));
    RETURN kept;
END $$;
REVOKE ALL ON FUNCTION drop_reading_day(date, uuid[], uuid[], timestamptz[], timestamptz[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_reading_day(date, uuid[], uuid[], timestamptz[], timestamptz[])
    TO {migrating.APP_ROLE};
"""  # noqa: S608 - our own texts

ENSURE_BEFORE = """
CREATE OR REPLACE FUNCTION ensure_reading_partitions(first date, days int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    day date;
    name text;
    made int := 0;
BEGIN
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
    """Add what keeping and showing readings needs."""
    return migrating.steps(
        ID,
        forwards=[INDEXES, SUMMARIES, ENSURE, DROP],
        backwards=[
            "DROP FUNCTION drop_reading_day(date, uuid[], uuid[], timestamptz[], timestamptz[])",
            ENSURE_BEFORE,
            "DROP TABLE reading_kept, reading_hour, reading_day, reading_packed, reading_keeper",
            "DROP INDEX reading_arrived, reading_late, alert_outbox_spans, raw_message_by_age",
        ],
    )
