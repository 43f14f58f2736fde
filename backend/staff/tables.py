"""People, their duty, their latest position and how they can be reached (operations)."""

from piccolo.columns import (
    UUID,
    Boolean,
    Date,
    DoublePrecision,
    ForeignKey,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from backend.shared.db import OPERATIONS


class Person(Table, db=OPERATIONS, tablename="person"):
    """A member of staff. ``qualified_from`` empty means never qualified for the field."""

    id = UUID(primary_key=True)
    name = Varchar(length=80)
    badge = Varchar(length=24, unique=True)
    post = Varchar(length=16)
    qualified_from = Date(null=True, default=None)
    qualified_until = Date(null=True, default=None)
    phone = Varchar(length=24)
    photo = Text(null=True, default=None)
    exercise = Boolean(default=False)


class Duty(Table, db=OPERATIONS, tablename="duty"):
    """Whether a person is on duty now, and the post they stand at when they have no fix."""

    person_id = ForeignKey(
        references=Person, null=False, on_delete=OnDelete.cascade, primary_key=True
    )
    on_since = Timestamptz(null=True, default=None)
    device_id = Varchar(length=64, null=True, default=None)
    post_lat = DoublePrecision(null=True, default=None)
    post_lon = DoublePrecision(null=True, default=None)


class Position(Table, db=OPERATIONS, tablename="position"):
    """The latest fix of each person, WGS-84; earlier ones are not kept."""

    person_id = ForeignKey(
        references=Person, null=False, on_delete=OnDelete.cascade, primary_key=True
    )
    lat = DoublePrecision()
    lon = DoublePrecision()
    accuracy_m = DoublePrecision()
    at = Timestamptz(default=None)
    battery_pct = Integer(null=True, default=None)
    received_at = Timestamptz(default=None)


class Reachability(Table, db=OPERATIONS, tablename="reachability"):
    """What the last test message to a person's phone showed."""

    person_id = ForeignKey(
        references=Person, null=False, on_delete=OnDelete.cascade, primary_key=True
    )
    test_message_id = UUID(null=True, default=None)
    test_sent_at = Timestamptz(null=True, default=None)
    last_receipt_at = Timestamptz(null=True, default=None)
    live_ok = Boolean(default=False)
    push_ok = Boolean(default=False)
