"""Sign in, be recognised, sign out. Sessions live on the server and end at once when told to."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from backend.access import passwords
from backend.access.flow import tidy_login
from backend.access.principal import Principal
from backend.access.problems import LockedOut, WrongCredentials
from backend.access.tokens import TOKEN_MAX, fingerprint, new_token
from backend.audit import service as audit
from backend.shared.db import OPERATIONS

LIFE = timedelta(days=14)
"""A session ends after this, used or not."""

SEEN_EVERY = timedelta(minutes=1)
"""How often, at most, a session's last use is written down."""

FORGET_ATTEMPTS = timedelta(days=1)


class Lockout(msgspec.Struct, frozen=True, kw_only=True):
    """After how many failures in a row a login is refused, and for how long."""

    failures: int = 5
    lasts: timedelta = timedelta(minutes=15)


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The one moment at which a session's token is known."""

    token: str
    principal: Principal


async def sign_in(
    login: str, password: str, *, device_id: str | None, lockout: Lockout, now: datetime
) -> SignedIn:
    """Check a login and start a session.

    A known login, an unknown one and a disabled one answer alike, in the same time, and lock
    alike. Attempts on one login stand in line, so that many at once get no more guesses.

    Raises:
        LockedOut: too many failures in a row; even the right password waits.
        WrongCredentials: anything else that is wrong.
    """
    key = fingerprint(tidy_login(login))
    async with passwords.turn(), OPERATIONS.transaction():
        attempt = (
            await OPERATIONS.fetch(
                "INSERT INTO login_attempt AS kept (login_sha256, failures, last_at)"
                " VALUES ($1, 0, $2) ON CONFLICT (login_sha256) DO UPDATE SET last_at = $2,"
                " failures = CASE WHEN kept.locked_until <= $2 THEN 0 ELSE kept.failures END"
                " RETURNING failures, locked_until",
                key, now,
            )
        )[0]  # fmt: skip
        locked_until: datetime | None = attempt["locked_until"]
        if locked_until is not None and locked_until > now:
            seconds = int((locked_until - now).total_seconds()) + 1
            raise LockedOut(
                "尝试次数过多，请稍后再试 Too many attempts, try later", retryAfterS=seconds
            )
        rows = await OPERATIONS.fetch(
            "SELECT id, name, password_hash, roles, staff_id, office_id, exercise FROM account"
            " WHERE login = $1 AND disabled_at IS NULL",
            tidy_login(login),
        )
        account = rows[0] if rows else None
        stored = account["password_hash"] if account else None
        right = await passwords.matches(password, stored)
        if account is not None and right:
            return await _start(account, key, password, device_id, now)
        failures = attempt["failures"] + 1
        locks = failures >= lockout.failures
        await OPERATIONS.execute(
            "UPDATE login_attempt SET failures = $2, locked_until = $3 WHERE login_sha256 = $1",
            key, failures, now + lockout.lasts if locks else None,
        )  # fmt: skip
        await OPERATIONS.execute(
            "DELETE FROM login_attempt WHERE login_sha256 IN (SELECT login_sha256"
            " FROM login_attempt WHERE last_at < $1 LIMIT 100 FOR UPDATE SKIP LOCKED)",
            now - FORGET_ATTEMPTS,
        )
        await audit.record(
            OPERATIONS,
            actor=account["id"] if account else "nobody",
            role="none",
            action="access.locked_out" if locks else "access.sign_in_failed",
            subject=account["id"] if account else f"login:{key[:12]}",
            at=now,
        )
    raise WrongCredentials("账号或密码不正确 Login or password is wrong")


async def _start(
    account: Mapping[str, Any], key: str, password: str, device_id: str | None, now: datetime
) -> SignedIn:
    """The right password was given: forget the failures, keep a session, inside the caller's
    transaction."""
    principal = _principal(account, device_id)
    token = new_token()
    await OPERATIONS.execute("DELETE FROM login_attempt WHERE login_sha256 = $1", key)
    await OPERATIONS.execute(
        "DELETE FROM session WHERE token_sha256 IN (SELECT token_sha256 FROM session"
        " WHERE expires_at < $1 LIMIT 100 FOR UPDATE SKIP LOCKED)",
        now,
    )
    if passwords.outdated(account["password_hash"]):
        await OPERATIONS.execute(
            "UPDATE account SET password_hash = $2 WHERE id = $1",
            principal.account_id,
            await passwords.rehashed(password),
        )
    await OPERATIONS.execute(
        "INSERT INTO session (token_sha256, account_id, device_id, created_at, seen_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $4, $5)",
        fingerprint(token),
        principal.account_id,
        device_id,
        now,
        now + LIFE,
    )
    await audit.record(
        OPERATIONS,
        actor=principal.account_id,
        role=principal.role,
        action="access.signed_in",
        subject=principal.account_id,
        at=now,
    )
    return SignedIn(token=token, principal=principal)


async def recognise(token: str, *, idle: timedelta, now: datetime) -> Principal | None:
    """The account behind a session token, or None: unknown, ended, idle too long or disabled.

    One look-up by primary key. Changes to an account hold from the next request on.
    """
    if not token or len(token) > TOKEN_MAX:
        return None
    key = fingerprint(token)
    rows = await OPERATIONS.fetch(
        "SELECT s.device_id, s.seen_at, a.id, a.name, a.roles, a.staff_id, a.office_id, a.exercise"
        " FROM session s JOIN account a ON a.id = s.account_id WHERE s.token_sha256 = $1"
        " AND s.expires_at > $2 AND s.seen_at > $3 AND a.disabled_at IS NULL",
        key,
        now,
        now - idle,
    )
    if not rows:
        return None
    row = rows[0]
    if now - row["seen_at"] >= SEEN_EVERY:
        await OPERATIONS.execute(
            "UPDATE session SET seen_at = $2 WHERE token_sha256 = $1 AND seen_at <= $3",
            key,
            now,
            now - SEEN_EVERY,
        )
    return _principal(row, row["device_id"])


async def still_open(keys: Collection[str], *, idle: timedelta, now: datetime) -> frozenset[str]:
    """Which of these sessions would still be recognised. Asking is no use of a session.

    Args:
        keys: fingerprints of tokens.
    """
    rows = await OPERATIONS.fetch(
        "SELECT s.token_sha256 FROM session s JOIN account a ON a.id = s.account_id"
        " WHERE s.token_sha256 = ANY($1::text[])"
        " AND s.expires_at > $2 AND s.seen_at > $3 AND a.disabled_at IS NULL",
        list(keys),
        now,
        now - idle,
    )
    return frozenset(row["token_sha256"] for row in rows)


async def sign_out(token: str, principal: Principal, *, now: datetime) -> None:
    """End one session; its cookie is worth nothing from now on."""
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "DELETE FROM session WHERE token_sha256 = $1 AND account_id = $2",
            fingerprint(token),
            principal.account_id,
        )
        await audit.record(
            OPERATIONS,
            actor=principal.account_id,
            role=principal.role,
            action="access.signed_out",
            subject=principal.account_id,
            at=now,
        )


def _principal(account: Mapping[str, Any], device_id: str | None) -> Principal:
    return Principal(
        account_id=account["id"],
        name=account["name"],
        roles=frozenset(account["roles"]),
        staff_id=account["staff_id"],
        office_id=account["office_id"],
        device_id=device_id,
        exercise=account["exercise"],
    )
