"""People, their duty, their latest position and how they can be reached (operations)."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigSerial,
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
    """Whether a person is on duty now, and the post they stand at when they have no fix.

    ``extra_*``: on duty outside a shift, why, and until when at most.
    """

    person_id = ForeignKey(
        references=Person, null=False, on_delete=OnDelete.cascade, primary_key=True
    )
    on_since = Timestamptz(null=True, default=None)
    device_id = Varchar(length=64, null=True, default=None)
    post_lat = DoublePrecision(null=True, default=None)
    post_lon = DoublePrecision(null=True, default=None)
    extra_reason = Varchar(length=200, null=True, default=None)
    extra_until = Timestamptz(null=True, default=None)


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


class RosterArea(Table, db=OPERATIONS, tablename="roster_area"):
    """Where people stand by, and how many at least. No street: the homes no other area names."""

    id = UUID(primary_key=True)
    name = Varchar(length=40, unique=True)
    streets = Array(base_column=Varchar(length=60))
    desk_min = Integer()
    field_min = Integer()


class Shift(Table, db=OPERATIONS, tablename="shift"):
    """Who works when, the end excluded. Shifts of one person do not overlap (``roster``)."""

    id = UUID(primary_key=True)
    person_id = ForeignKey(references=Person, null=False, on_delete=OnDelete.cascade)
    role = Varchar(length=16)
    area_id = ForeignKey(references=RosterArea, null=False, on_delete=OnDelete.restrict)
    from_at = Timestamptz(default=None)
    until_at = Timestamptz(default=None)


class ShiftPattern(Table, db=OPERATIONS, tablename="shift_pattern"):
    """Shifts that come every week or every nth; see ``flow.planning.Pattern``."""

    id = UUID(primary_key=True)
    person_id = ForeignKey(references=Person, null=False, on_delete=OnDelete.cascade)
    role = Varchar(length=16)
    area_id = ForeignKey(references=RosterArea, null=False, on_delete=OnDelete.restrict)
    weekdays = Array(base_column=Integer())
    from_min = Integer()
    length_min = Integer()
    every_weeks = Integer(default=1)
    first_on = Date(default=None)
    last_on = Date(null=True, default=None)


class ShiftSwap(Table, db=OPERATIONS, tablename="shift_swap"):
    """A swap that was asked for, with both shifts as they stood then."""

    id = UUID(primary_key=True)
    asker_id = ForeignKey(references=Person, null=False, on_delete=OnDelete.cascade)
    colleague_id = ForeignKey(references=Person, null=False, on_delete=OnDelete.cascade)
    mine = JSONB()
    theirs = JSONB(null=True, default=None)
    note = Varchar(length=200, default="")
    stand = Varchar(length=12)
    asked_at = Timestamptz(default=None)
    answered_at = Timestamptz(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    decided_by = Varchar(length=80, null=True, default=None)
    why = Varchar(length=300, default="")


class RosterChange(Table, db=OPERATIONS, tablename="roster_change"):
    """What was ever done to the roster; only grows. One ``batch`` is one act of one person."""

    id = BigSerial(primary_key=True)
    batch = UUID()
    at = Timestamptz(default=None)
    actor = Varchar(length=64)
    actor_name = Varchar(length=80)
    what = Varchar(length=24)
    person_id = UUID(null=True, default=None)
    shift_id = UUID(null=True, default=None)
    body = JSONB()
