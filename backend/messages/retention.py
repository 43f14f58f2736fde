"""Finished rows go after their time, a few at a time, so that no alarm waits behind a clean-up."""

from datetime import datetime, timedelta

from backend.shared.db import OPERATIONS

BATCH = 1_000
"""▲ Messages of one transaction: some milliseconds of locks on rows that nobody waits for."""
BREAKERS_KEPT = timedelta(days=30)


async def sweep(now: datetime, *, keep: timedelta) -> int:
    """Delete one batch of messages that ended long ago, with their attempts and receipts.

    What still climbs is never touched, however old; dead letters go with the others. Several
    nodes may sweep at once: each takes rows that no other has.

    Args:
        now: UTC.
        keep: since a message expired.

    Returns:
        How many messages went; ``BATCH`` when there may be more.
    """
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "SELECT id FROM message WHERE next_at IS NULL AND expires_at < $1"
            " ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            now - keep,
            BATCH,
        )
        ids = [row["id"] for row in rows]
        if ids:
            for table in ("receipt", "delivery"):
                await OPERATIONS.execute(
                    f"DELETE FROM {table} WHERE message_id = ANY($1::uuid[])",  # noqa: S608 - ours
                    ids,
                )
            await OPERATIONS.execute("DELETE FROM message WHERE id = ANY($1::uuid[])", ids)
        await OPERATIONS.execute("DELETE FROM provider WHERE changed_at < $1", now - BREAKERS_KEPT)
        await OPERATIONS.execute("DELETE FROM subscription WHERE gone_at < $1", now - keep)
    return len(ids)
