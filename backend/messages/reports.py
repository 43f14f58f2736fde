"""What providers of texts and calls say later: it arrived, somebody answered, nobody did.

A good word is a receipt of the person's, and the ladder rests; a bad one is the end of that
attempt, and the ladder goes on at once instead of waiting for a receipt that will not come. The
same report again changes nothing, nor does one that comes after the message is over.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from backend.messages import service
from backend.messages.outbox import CHANNEL
from backend.messages.schemas import OnReceipt
from backend.shared.db import OPERATIONS
from push.port import Outcome, ReceiptKind
from push.reports import Report, Word

log = logging.getLogger("jiean.messages")

OLDEST_H = 72.0
"""▲ A provider pushes again for minutes, not for days: what is older is no news of it."""

CLOCKS_APART = timedelta(minutes=5)

_KINDS = {
    Word.DELIVERED: ReceiptKind.DELIVERED,
    Word.PRESSED: ReceiptKind.SEEN,
    Word.CONFIRMED: ReceiptKind.ACTED,
}


class Taken(msgspec.Struct, frozen=True):
    """How many reports were news, were known, and name no message of ours."""

    new: int = 0
    known: int = 0
    unknown: int = 0


async def take(
    reports: Sequence[Report], *, now: datetime, on_receipt: OnReceipt | None = None
) -> Taken:
    """Write reports into the ledger, each in a transaction of its own.

    Args:
        reports: of one provider.
        now: the server's time, UTC.
        on_receipt: as in ``service.take_receipts``.
    """
    counts = {"new": 0, "known": 0, "unknown": 0}
    for report in reports:
        counts[await _take(report, now, on_receipt)] += 1
    if counts["unknown"]:
        log.warning("%d reports name no message of ours", counts["unknown"])
    return Taken(**counts)


async def _take(report: Report, now: datetime, on_receipt: OnReceipt | None) -> str:
    async with OPERATIONS.transaction():
        row = await OPERATIONS.fetch_one(
            "SELECT id, message_id, door, outcome, at FROM delivery"
            " WHERE reference = $2 AND reference <> ''"
            " AND (door = $1 OR ($1 = 'voice' AND door = 'family'))"
            " ORDER BY id DESC LIMIT 1",
            report.door,
            report.reference,
        )
        if row is None:
            return "unknown"
        if now - row["at"] > timedelta(hours=OLDEST_H):
            return "known"
        if report.word is Word.FAILED:
            return await _failed(row["id"], row["message_id"], report.code, now)
        kind = _KINDS[report.word]
        if await OPERATIONS.fetch_value(
            "SELECT true FROM receipt WHERE message_id = $1 AND kind = $2",
            row["message_id"],
            kind.value,
        ):
            return "known"
        at = report.at or now
        if not row["at"] - CLOCKS_APART <= at <= now:
            at = now  # the provider's clock counts only where it can be true
        await service.take_report(
            row["door"],
            report.reference,
            kind,
            at,
            now=now,
            on_receipt=on_receipt,
        )
    return "new"


async def _failed(delivery_id: int, message_id: object, code: str, now: datetime) -> str:
    # Message first, as everybody does who locks both: two orders would be a deadlock.
    await OPERATIONS.fetch("SELECT 1 FROM message WHERE id = $1 FOR UPDATE", message_id)
    changed = await OPERATIONS.execute(
        "UPDATE delivery SET outcome = $2, code = $3, ended_at = $4 WHERE id = $1 AND outcome = $5",
        delivery_id,
        Outcome.REJECTED.value,
        f"failed {code}"[:39],
        now,
        Outcome.SENT.value,
    )
    if not changed:
        return "known"
    if await OPERATIONS.execute(
        "UPDATE message SET next_at = $2 WHERE id = $1 AND next_at > $2", message_id, now
    ):
        await OPERATIONS.notify(CHANNEL)
    return "new"
