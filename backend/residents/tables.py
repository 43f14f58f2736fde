"""Residents' people (identity database). Nothing here is copied anywhere else."""

from piccolo.columns import UUID, Boolean, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table

from backend.shared.db import IDENTITY


class Contact(Table, db=IDENTITY, tablename="contact"):
    """A person of a household. ``position`` is the order in which the desk calls."""

    id = UUID(primary_key=True)
    household_id = UUID(index=True)
    name = Varchar(length=80)
    relation = Varchar(length=40)
    phone = Varchar(length=24)
    position = Integer(default=0)
    needs_help = Text(null=True, default=None)
    consent_at = Timestamptz(null=True, default=None)
    lives_here = Boolean(default=True)
    speaks = Varchar(length=40, null=True, default=None)
