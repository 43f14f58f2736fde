"""The audit rows waiting beside the data, and the log that they are shipped to.

``audit_entry`` exists three times with the same shape, in operations, identity and telemetry, so
that a change and its row are one transaction. Triggers (see the migrations) refuse every change but
the stamp ``shipped_at``; ``audit_log`` refuses change and deletion altogether.
"""

from piccolo.columns import JSONB, UUID, Text, Timestamptz, Varchar
from piccolo.table import Table

from backend.shared.db import IDENTITY, OPERATIONS, RECORDS


class OperationsEntry(Table, db=OPERATIONS, tablename="audit_entry"):
    """An audited act on operations data."""

    id = UUID(primary_key=True)
    at = Timestamptz(default=None)
    actor = Varchar(length=64)
    role = Varchar(length=80)
    action = Varchar(length=64)
    subject = Varchar(length=120)
    before = JSONB(null=True, default=None)
    after = JSONB(null=True, default=None)
    reason = Text(null=True, default=None)
    shipped_at = Timestamptz(null=True, default=None)


class IdentityEntry(Table, db=IDENTITY, tablename="audit_entry"):
    """An audited act on residents' data, which includes looking at it."""

    id = UUID(primary_key=True)
    at = Timestamptz(default=None)
    actor = Varchar(length=64)
    role = Varchar(length=80)
    action = Varchar(length=64)
    subject = Varchar(length=120)
    before = JSONB(null=True, default=None)
    after = JSONB(null=True, default=None)
    reason = Text(null=True, default=None)
    shipped_at = Timestamptz(null=True, default=None)


class AuditLog(Table, db=RECORDS, tablename="audit_log"):
    """Every audited act of the three databases, kept for the audit administrator."""

    id = UUID(primary_key=True)
    origin = Varchar(length=16)
    at = Timestamptz(default=None, index=True)
    actor = Varchar(length=64)
    role = Varchar(length=80)
    action = Varchar(length=64)
    subject = Varchar(length=120, index=True)
    before = JSONB(null=True, default=None)
    after = JSONB(null=True, default=None)
    reason = Text(null=True, default=None)
    logged_at = Timestamptz(default=None)
