"""Residents' people (identity database). Nothing here is copied anywhere else."""

from piccolo.columns import UUID, Boolean, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
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


class Preference(Table, db=IDENTITY, tablename="preference"):
    """How a person wants to be reached. Only kept while they consent; ``said_by`` wrote it down."""

    contact_id = ForeignKey(
        references=Contact, null=False, on_delete=OnDelete.cascade, primary_key=True
    )
    household_id = UUID(index=True)
    way = Varchar(length=8)
    large_text = Boolean()
    language = Varchar(length=2)
    consent_at = Timestamptz(default=None)
    said_by = Varchar(length=80)
