"""Offices, the buildings they answer for, and their inbox (operations)."""

from piccolo.columns import (
    JSONB,
    UUID,
    BigInt,
    Boolean,
    ForeignKey,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from backend.shared.db import OPERATIONS


class Office(Table, db=OPERATIONS, tablename="office"):
    """Somebody outside the service organisation who must hear of an incident."""

    id = UUID(primary_key=True)
    name = Varchar(length=80)
    kind = Varchar(length=16)
    phone = Varchar(length=24)
    area = Text()
    room = Text()
    exercise = Boolean(default=False)


class OfficeArea(Table, db=OPERATIONS, tablename="office_area"):
    """Which offices answer for a building."""

    building_id = UUID()
    office_id = ForeignKey(references=Office, null=False, on_delete=OnDelete.cascade, index=True)


class Report(Table, db=OPERATIONS, tablename="report"):
    """An office's inbox row, projected from the incident's journal, whose ``version`` it has; or a
    numbered paper, whose ``purpose`` is its kind."""

    id = UUID(primary_key=True)
    incident_id = UUID(index=True)
    office_id = ForeignKey(references=Office, null=False, on_delete=OnDelete.cascade, index=True)
    situation = JSONB()
    status = Varchar(length=16)
    sent_at = Timestamptz(null=True, default=None)
    delivered_at = Timestamptz(null=True, default=None)
    acknowledged_at = Timestamptz(null=True, default=None)
    acknowledged_by = Text()
    reply = Text(null=True, default=None)
    purpose = Text()
    paper_sha256 = Varchar(length=64, null=True, default=None)
    version = Integer(default=0)
    cursor = BigInt(default=0)
