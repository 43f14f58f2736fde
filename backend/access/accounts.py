"""Make, list, disable accounts and set their passwords. There is none until somebody makes one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.access import passwords
from backend.access.flow import LOGIN_MAX, password_faults, role_faults, tidy_login
from backend.access.principal import Principal
from backend.access.problems import AccountRefused
from backend.access.tokens import fingerprint
from backend.audit import service as audit
from backend.shared.db import OPERATIONS, Row
from backend.shared.ids import uuid7


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """An account as the command line lists it."""

    id: UUID
    login: str
    name: str
    roles: tuple[str, ...]
    disabled_at: datetime | None
    exercise: bool


async def create(
    *,
    login: str,
    name: str,
    password: str,
    roles: Iterable[str],
    staff_id: UUID | None = None,
    office_id: UUID | None = None,
    exercise: bool = False,
    actor: UUID | str,
    at: datetime,
    account_id: UUID | None = None,
) -> UUID:
    """Make an account and return its id.

    Raises:
        AccountRefused: the login is taken or empty, or the password or the roles break a rule.
    """
    tidy, wanted = tidy_login(login), sorted(set(roles))
    faults = (*role_faults(wanted), *password_faults(password, tidy))
    if not 1 <= len(tidy) <= LOGIN_MAX:
        faults = (*faults, "bad_login")
    if faults:
        raise AccountRefused(
            f"账户不符合规则 Account breaks a rule: {', '.join(faults)}", faults=faults
        )
    stored = await passwords.hashed(password)
    new_id = account_id or uuid7()
    async with OPERATIONS.transaction():
        made = await OPERATIONS.fetch(
            "INSERT INTO account (id, login, name, password_hash, roles, staff_id, office_id,"
            " exercise, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
            " ON CONFLICT (login) DO NOTHING RETURNING id",
            new_id, tidy, name, stored, wanted, staff_id, office_id, exercise, at,
        )  # fmt: skip
        if not made:
            raise AccountRefused("账号已存在 The login is taken", faults=("login_taken",))
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=audit.SYSTEM,
            action="access.account_made",
            subject=new_id,
            after={"roles": wanted, "staff_id": staff_id, "office_id": office_id},
            at=at,
        )
    return new_id


async def disable(login: str, *, actor: UUID | str, at: datetime) -> bool:
    """Close an account and end its sessions; False when there is no such open account."""
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "UPDATE account SET disabled_at = $2 WHERE login = $1 AND disabled_at IS NULL"
            " RETURNING id",
            tidy_login(login),
            at,
        )
        if not rows:
            return False
        await _changed(rows[0]["id"], "access.account_disabled", actor, at)
    return True


async def set_password(login: str, password: str, *, actor: UUID | str, at: datetime) -> bool:
    """Replace a password, end all sessions and any lock; False when there is no such account.

    Raises:
        AccountRefused: the password breaks a rule.
    """
    tidy = tidy_login(login)
    faults = password_faults(password, tidy)
    if faults:
        raise AccountRefused(f"密码不符合规则 Password: {', '.join(faults)}", faults=faults)
    stored = await passwords.hashed(password)
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "UPDATE account SET password_hash = $2 WHERE login = $1 AND disabled_at IS NULL"
            " RETURNING id",
            tidy,
            stored,
        )
        if not rows:
            return False
        await OPERATIONS.execute(
            "DELETE FROM login_attempt WHERE login_sha256 = $1", fingerprint(tidy)
        )
        await _changed(rows[0]["id"], "access.password_set", actor, at)
    return True


async def _changed(account_id: UUID, action: str, actor: UUID | str, at: datetime) -> None:
    await OPERATIONS.execute("DELETE FROM session WHERE account_id = $1", account_id)
    await audit.record(
        OPERATIONS, actor=actor, role=audit.SYSTEM, action=action, subject=account_id, at=at
    )


async def listed() -> Sequence[AccountRow]:
    """Every account, by login."""
    rows = await OPERATIONS.fetch(
        "SELECT id, login, name, roles, disabled_at, exercise FROM account ORDER BY login"
    )
    return [msgspec.convert(dict(row), AccountRow) for row in rows]


async def with_roles(roles: Sequence[str]) -> list[UUID]:
    """Ids of accounts in use that have at least one of these roles."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM account WHERE disabled_at IS NULL AND roles && $1::varchar[] ORDER BY id",
        list(roles),
    )
    return [row["id"] for row in rows]


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff whose account was closed, and when."""

    who: Principal
    disabled_at: datetime


def _principal(row: Row) -> Principal:
    return Principal(
        account_id=row["id"],
        name=row["name"],
        roles=frozenset(row["roles"]),
        staff_id=row["staff_id"],
        office_id=row["office_id"],
        device_id=None,
        exercise=row["exercise"],
    )


async def all_closed() -> list[Principal]:
    """Accounts that are closed, but for those whose person or office has another open one."""
    rows = await OPERATIONS.fetch(
        "SELECT id, name, roles, staff_id, office_id, exercise FROM account a"
        " WHERE disabled_at IS NOT NULL AND NOT EXISTS (SELECT FROM account b"
        " WHERE b.disabled_at IS NULL AND (b.staff_id = a.staff_id OR b.office_id = a.office_id))"
    )
    return [_principal(row) for row in rows]


async def closed_of(staff_id: UUID) -> Closed | None:
    """The account of a member of staff who has none any more that is open; None for others."""
    rows = await OPERATIONS.fetch(
        "SELECT id, name, roles, staff_id, office_id, exercise, disabled_at FROM account"
        " WHERE staff_id = $1 ORDER BY disabled_at DESC NULLS FIRST",
        staff_id,
    )
    if not rows or rows[0]["disabled_at"] is None:
        return None
    row = rows[0]
    who = _principal(row)
    return Closed(who=who, disabled_at=row["disabled_at"])


async def in_use(account_id: str) -> bool:
    """Whether this is the id of an account that is not disabled; any text may be asked."""
    found = await OPERATIONS.fetch_value(
        "SELECT true FROM account WHERE id::text = $1 AND disabled_at IS NULL", account_id
    )
    return bool(found)
