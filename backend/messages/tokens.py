"""The browsers and apps that may be pushed to: registered, renewed, replaced, gone.

A token is gone when its owner takes it back, a newer one of the same phone replaces it, its
provider says so, or its phone or account is closed; ``gone_why`` says which. A token that comes
again is alive again and belongs to whoever brought it last.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from backend.access.principal import Principal
from backend.audit import service as audit
from backend.messages.addresses import address_of
from backend.messages.schemas import NewSubscription, Token
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7

SUBSCRIPTIONS_MOST = 10
"""Browsers of one address; the oldest goes for a new one."""


async def subscribe(
    address: str, wish: NewSubscription, *, actor: UUID, role: str, now: datetime
) -> None:
    """Let a browser be pushed to. The same browser again belongs to whoever asked last."""
    async with OPERATIONS.transaction():
        before = await OPERATIONS.fetch_one(
            "SELECT id, address, device_id, gone_at FROM subscription WHERE endpoint = $1"
            " FOR UPDATE",
            wish.endpoint,
        )
        kept = await OPERATIONS.fetch_value(
            "INSERT INTO subscription (id, address, device_id, endpoint, p256dh, auth, created_at,"
            " door) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (endpoint) DO UPDATE SET"
            " address = $2, device_id = $3, p256dh = $5, auth = $6, created_at = $7, door = $8,"
            " gone_at = NULL, gone_why = NULL RETURNING id",
            uuid7(),
            address,
            wish.device_id,
            wish.endpoint,
            wish.keys.p256dh if wish.keys else "",
            wish.keys.auth if wish.keys else "",
            now,
            wish.door,
        )
        if wish.door != "webpush":
            # An app has one token; the one that it had before is replaced by this.
            await OPERATIONS.execute(
                "UPDATE subscription SET gone_at = $4, gone_why = 'replaced'"
                " WHERE address = $1 AND device_id = $2"
                " AND door = $3 AND gone_at IS NULL AND id <> $5",
                address,
                wish.device_id,
                wish.door,
                now,
                kept,
            )
        await OPERATIONS.execute(
            "UPDATE subscription SET gone_at = $2, gone_why = 'too-many'"
            " WHERE id IN (SELECT id FROM subscription"
            " WHERE address = $1 AND gone_at IS NULL AND id <> $3"
            " ORDER BY created_at DESC, id DESC OFFSET $4)",
            address,
            now,
            kept,
            SUBSCRIPTIONS_MOST - 1,
        )
        active = before if before is not None and before["gone_at"] is None else None
        if active and (active["address"], active["device_id"]) == (address, wish.device_id):
            return
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="messages.subscription_added",
            subject=kept,
            before={"address": before["address"]} if before else None,
            after={"address": address, "device_id": wish.device_id},
            at=now,
        )


async def unsubscribe(
    address: str, endpoint: str, *, actor: UUID, role: str, now: datetime
) -> bool:
    """Push to this browser no more; False when it was not this address's."""
    async with OPERATIONS.transaction():
        gone = await OPERATIONS.fetch_value(
            "UPDATE subscription SET gone_at = $3, gone_why = 'taken-back'"
            " WHERE endpoint = $1 AND address = $2"
            " AND gone_at IS NULL RETURNING id",
            endpoint,
            address,
            now,
        )
        if gone is not None:
            await audit.record(
                OPERATIONS,
                actor=actor,
                role=role,
                action="messages.subscription_removed",
                subject=gone,
                after={"address": address},
                at=now,
            )
    return gone is not None


async def close(
    address: str,
    *,
    why: str,
    actor: UUID | str,
    role: str,
    now: datetime,
    device_id: str | None = None,
) -> int:
    """Push no more to a person's devices, or to the one that was lost.

    Joins the caller's transaction of operations.

    Args:
        address: whose, see ``addresses``.
        why: a word for the record, such as ``account-closed`` or ``phone-lost``.
        actor, role: who closes it.
        now: UTC.
        device_id: only this phone's; None for all of them.

    Returns:
        How many were alive.
    """
    async with OPERATIONS.transaction():
        gone = await OPERATIONS.fetch(
            "UPDATE subscription SET gone_at = $3, gone_why = $4 WHERE address = $1"
            " AND gone_at IS NULL AND ($2::text IS NULL OR device_id = $2) RETURNING id",
            address,
            device_id,
            now,
            why,
        )
        await audit.record_many(
            OPERATIONS,
            actor=actor,
            role=role,
            action="messages.subscription_closed",
            subjects=[(row["id"], {"address": address}) for row in gone],
            reason=why,
            at=now,
        )
    return len(gone)


async def close_closed(people: Sequence[Principal], *, now: datetime) -> int:
    """Push no more to people whose accounts are closed; how many devices were alive."""
    async with OPERATIONS.transaction():
        gone = await OPERATIONS.fetch(
            "UPDATE subscription SET gone_at = $2, gone_why = 'account-closed'"
            " WHERE address = ANY($1::text[]) AND gone_at IS NULL RETURNING id, address",
            sorted({address_of(who) for who in people}),
            now,
        )
        await audit.record_many(
            OPERATIONS,
            actor=audit.SYSTEM,
            role=audit.SYSTEM,
            action="messages.subscription_closed",
            subjects=[(row["id"], {"address": row["address"]}) for row in gone],
            reason="account-closed",
            at=now,
        )
    return len(gone)


async def refused(gone: Sequence[tuple[UUID, datetime]], *, now: datetime) -> None:
    """Forget devices that their provider gave up, each with since when.

    One that registered again after that is alive. Joins the caller's transaction.
    """
    await OPERATIONS.execute(
        "UPDATE subscription s SET gone_at = $3, gone_why = 'provider'"
        " FROM unnest($1::uuid[], $2::timestamptz[]) AS g (id, since)"
        " WHERE s.id = g.id AND s.created_at <= g.since AND s.gone_at IS NULL",
        [each for each, _ in gone],
        [since for _, since in gone],
        now,
    )


async def accepted(devices: Sequence[UUID], *, now: datetime) -> None:
    """Providers took a message for these devices. Joins the caller's transaction."""
    await OPERATIONS.execute(
        "UPDATE subscription SET accepted_at = $2 WHERE id = ANY($1::uuid[])", devices, now
    )


async def of_address(address: str) -> list[Token]:
    """Every device that ever asked to be pushed to, newest first. No token or endpoint."""
    rows = await OPERATIONS.fetch(
        "SELECT id, door, device_id, created_at, accepted_at, gone_at, gone_why FROM subscription"
        " WHERE address = $1 ORDER BY created_at DESC, id DESC",
        address,
    )
    return [Token(**dict(row)) for row in rows]
