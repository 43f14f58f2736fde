"""Accounts, sessions, link tokens and counted login failures, in the operations database."""

from piccolo.columns import (
    UUID,
    Array,
    Boolean,
    ForeignKey,
    Integer,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.indexes import IndexMethod
from piccolo.table import Table

from backend.shared.db import OPERATIONS


class Account(Table, db=OPERATIONS, tablename="account"):
    """Somebody who signs in. Never deleted: the journal names it; disabled instead."""

    id = UUID(primary_key=True)
    login = Varchar(length=64, unique=True)
    name = Varchar(length=80)
    password_hash = Varchar(length=255, secret=True)
    roles = Array(base_column=Varchar(length=24))
    staff_id = UUID(null=True, default=None, index=True)
    office_id = UUID(null=True, default=None, index=True)
    disabled_at = Timestamptz(null=True, default=None)
    exercise = Boolean(default=False)
    created_at = Timestamptz(default=None)


class LoginAttempt(Table, db=OPERATIONS, tablename="login_attempt"):
    """Failures in a row for one login, known or not: an unknown one locks like a known one."""

    login_sha256 = Varchar(length=64, primary_key=True)
    failures = Integer(default=0)
    locked_until = Timestamptz(null=True, default=None)
    last_at = Timestamptz(default=None, index=True)


class Session(Table, db=OPERATIONS, tablename="session"):
    """One signed-in device. The token itself is only in the browser's cookie."""

    token_sha256 = Varchar(length=64, primary_key=True)
    account_id = ForeignKey(references=Account, null=False, on_delete=OnDelete.cascade, index=True)
    device_id = Varchar(length=64, null=True, default=None)
    created_at = Timestamptz(default=None)
    seen_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, index=True, index_method=IndexMethod.btree)


class Link(Table, db=OPERATIONS, tablename="link"):
    """A way in without an account: a household's alert page, or one report for an office."""

    token_sha256 = Varchar(length=64, primary_key=True)
    purpose = Varchar(length=16)
    subject_id = UUID(index=True)
    minted_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    revoked_at = Timestamptz(null=True, default=None)
    used_at = Timestamptz(null=True, default=None)
