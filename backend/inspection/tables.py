"""Cycles, rounds and checks (operations). What happened is in ``inspection_event``, which only
grows; state, version and dates of checks and repairs are read from it."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    Boolean,
    Date,
    Integer,
    Text,
    Timestamptz,
)
from piccolo.table import Table

from backend.shared.db import OPERATIONS


class InspectionPlan(Table, db=OPERATIONS, tablename="inspection_plan"):
    """A cycle; empty lists mean every kind, model or street."""

    id = UUID(primary_key=True)
    name = Text()
    cycle = Text()
    kinds = Array(base_column=Text())
    models = Array(base_column=Text())
    streets = Array(base_column=Text())
    active = Boolean()
    first_on = Date()


class InspectionRun(Table, db=OPERATIONS, tablename="inspection_run"):
    """A plan's period whose rounds were made: they are made once."""

    plan_id = UUID()
    period = Text()
    made_at = Timestamptz()


class InspectionRound(Table, db=OPERATIONS, tablename="inspection_round"):
    """One street of one plan in one period, and who walks it."""

    id = UUID(primary_key=True)
    plan_id = UUID()
    plan_name = Text()
    period = Text()
    street = Text()
    area_id = UUID(null=True)
    starts_on = Date()
    due_on = Date()
    assignee = UUID(null=True)
    made_at = Timestamptz()


class InspectionCheck(Table, db=OPERATIONS, tablename="inspection_check"):
    """One device of one round."""

    id = UUID(primary_key=True)
    round_id = UUID()
    detector_id = UUID()
    place = Integer()
    state = Text()
    version = Integer()
    bad = Array(base_column=Text())
    handed = Boolean()
    over_at = Timestamptz(null=True)
    over_by = UUID(null=True)


class Repair(Table, db=OPERATIONS, tablename="repair"):
    """A technician's work on one device, from an inspection."""

    id = UUID(primary_key=True)
    check_id = UUID()
    detector_id = UUID()
    opened_by = UUID(null=True)
    items = Array(base_column=Text())
    state = Text()
    version = Integer()
    noticed_at = Timestamptz()
    done_at = Timestamptz(null=True)
    breached_at = Timestamptz(null=True)
    over_at = Timestamptz(null=True)


class InspectionEvent(Table, db=OPERATIONS, tablename="inspection_event"):
    """Every step of every check and repair; insert-only."""

    stream = UUID()
    version = Integer()
    body = JSONB()
    command_id = UUID(null=True)
    received_at = Timestamptz()
