"""Ways in without an account: one household's page, or one report for an office."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from backend.access.problems import LinkNotValid
from backend.access.tokens import TOKEN_MAX, fingerprint, new_token
from backend.audit import service as audit
from backend.shared.db import OPERATIONS

Purpose = Literal["household", "report"]

USE_AUDITED_EVERY = timedelta(minutes=10)
"""A page that refreshes itself is one use, not hundreds of audit rows."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What a token opens: the household's id, or the report's."""

    purpose: Purpose
    subject_id: UUID


async def mint(
    purpose: Purpose,
    subject_id: UUID,
    ttl: timedelta,
    *,
    actor: UUID | str,
    role: str = audit.SYSTEM,
    at: datetime,
) -> str:
    """Make a link token. It is returned here and never again; only its SHA-256 is kept."""
    token = new_token()
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "INSERT INTO link (token_sha256, purpose, subject_id, minted_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            fingerprint(token),
            purpose,
            subject_id,
            at,
            at + ttl,
        )
        await _audited("access.link_minted", purpose, subject_id, actor, role, at)
    return token


async def resolve(token: str, *, at: datetime) -> Link:
    """What a token opens now. Its use is audited, at most every ten minutes.

    Raises:
        LinkNotValid: the token is unknown, expired or revoked; never said which.
    """
    if not token or len(token) > TOKEN_MAX:
        raise _not_valid()
    key = fingerprint(token)
    rows = await OPERATIONS.fetch(
        "SELECT purpose, subject_id, used_at FROM link"
        " WHERE token_sha256 = $1 AND expires_at > $2 AND revoked_at IS NULL",
        key,
        at,
    )
    if not rows:
        raise _not_valid()
    link = Link(purpose=rows[0]["purpose"], subject_id=rows[0]["subject_id"])
    used_at = rows[0]["used_at"]
    if used_at is None or at - used_at >= USE_AUDITED_EVERY:
        async with OPERATIONS.transaction():
            await OPERATIONS.execute(
                "UPDATE link SET used_at = $2 WHERE token_sha256 = $1", key, at
            )
            await _audited(
                "access.link_used",
                link.purpose,
                link.subject_id,
                f"link:{link.purpose}",
                "link",
                at,
            )
    return link


async def still_open(keys: Collection[str], *, at: datetime) -> frozenset[str]:
    """Which of these links, given by their tokens' fingerprints, still open something."""
    rows = await OPERATIONS.fetch(
        "SELECT token_sha256 FROM link WHERE token_sha256 = ANY($1::text[])"
        " AND expires_at > $2 AND revoked_at IS NULL",
        list(keys),
        at,
    )
    return frozenset(row["token_sha256"] for row in rows)


async def revoke(
    purpose: Purpose, subject_id: UUID, *, actor: UUID | str, role: str = audit.SYSTEM, at: datetime
) -> int:
    """Withdraw every link to a household or report; returns how many were open."""
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "UPDATE link SET revoked_at = $3 WHERE purpose = $1 AND subject_id = $2"
            " AND revoked_at IS NULL AND expires_at > $3 RETURNING token_sha256",
            purpose,
            subject_id,
            at,
        )
        if rows:
            await _audited("access.link_revoked", purpose, subject_id, actor, role, at)
    return len(rows)


async def _audited(
    action: str, purpose: Purpose, subject_id: UUID, actor: UUID | str, role: str, at: datetime
) -> None:
    await audit.record(
        OPERATIONS,
        actor=actor,
        role=role,
        action=action,
        subject=subject_id,
        after={"purpose": purpose},
        at=at,
    )


def _not_valid() -> LinkNotValid:
    return LinkNotValid(
        "链接无效或已过期，请拨打服务电话 The link is not valid; call the service number"
    )
