"""The telemetry database. Written in bulk by ``store.py``; see its migrations for indexes.

``reading`` is partitioned by the day of arrival (UTC); ``alert_outbox`` is what the rest of the
platform reads; ``delivery`` remembers which broker deliveries were stored, for a redelivery.
"""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigSerial,
    Boolean,
    Bytea,
    DoublePrecision,
    Text,
    Timestamptz,
)
from piccolo.table import Table

from backend.shared.db import TELEMETRY


class DetectorStateRow(Table, db=TELEMETRY, tablename="detector_state"):
    """What is remembered of one detector; ``due_at`` is when time alone changes it."""

    detector_id = UUID(primary_key=True)
    kind = Text()
    state = JSONB()
    quantity = Text(null=True)
    value = DoublePrecision(null=True)
    measured_at = Timestamptz(null=True)
    received_at = Timestamptz(null=True)
    alarming = Boolean()
    due_at = Timestamptz(null=True)


class DetectorEvent(Table, db=TELEMETRY, tablename="detector_event"):
    """What a detector or bridge said that is no measurement: actions, tests, availability."""

    id = BigSerial(primary_key=True)
    detector_id = UUID(null=True)
    address = Text()
    name = Text()
    at = Timestamptz()
    facts = JSONB()


class RawMessage(Table, db=TELEMETRY, tablename="raw_message"):
    """A message that we could not use, as it came, with the reason."""

    id = BigSerial(primary_key=True)
    topic = Text()
    payload = Bytea()
    reason = Text()
    detail = Text()
    received_at = Timestamptz()
    retained = Boolean()


class AlertOutbox(Table, db=TELEMETRY, tablename="alert_outbox"):
    """One thing to tell the rest of the platform, told at least once, in order."""

    seq = BigSerial()
    alert_id = UUID(primary_key=True)
    type = Text()
    detector_id = UUID(null=True)
    kind = Text(null=True)
    quantity = Text(null=True)
    value = DoublePrecision(null=True)
    unit = Text(null=True)
    limit = DoublePrecision(null=True)
    flags = Array(base_column=Text())
    measured_at = Timestamptz(null=True)
    received_at = Timestamptz()
    emitted_at = Timestamptz()
    body = JSONB()
    taken_at = Timestamptz(null=True)
