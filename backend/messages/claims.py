"""One short transaction: take what is due, ask the ladder, write down what is about to happen."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend.shared.db import OPERATIONS, Row
from push.ladder import Attempt, Climb, Facts, Stop, TellAPerson, Try, Wait, decide_next
from push.message import Message
from push.port import Outcome, Reach, ReceiptKind
from push.subscription import Keys, Subscription

BATCH = 100
BROWSERS = "webpush"
"""The door that is addressed by subscriptions; every other takes our own address."""
TELLING = "telling"
"""In the leases: how long telling a person may take."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One claimed message, and what to do for it now.

    Args:
        tell: a person must be told.
        door: to knock at; None when only ``tell``.
        delivery_id: the attempt's row.
        browsers: subscription's id and JSON, for the door of browsers.
    """

    message: Message
    address: str
    incident_id: UUID | None
    tell: bool
    door: str | None
    delivery_id: int | None = None
    browsers: tuple[tuple[UUID, str], ...] = ()


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one row: either ``ended`` or looked at again at ``next_at``."""

    message_id: UUID
    next_at: datetime | None
    ended: str | None = None
    job: Job | None = None


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of one batch, by message id; browsers by address."""

    attempts: Mapping[Any, list[Row]]
    receipts: Mapping[Any, list[Row]]
    browsers: Mapping[Any, list[Row]]


async def claim(
    now: datetime, reaches: Mapping[str, Reach], leases: Mapping[str, timedelta]
) -> list[Job] | None:
    """Claim at most ``BATCH`` due messages, emergencies first.

    Args:
        now: UTC.
        reaches: every open door.
        leases: for how long a message is ours while a door, or ``TELLING``, has it.

    Returns:
        What to carry out; None when nothing was due.
    """
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "SELECT id, address, body, incident_id, told_person FROM message WHERE next_at <= $1"
            " ORDER BY urgency <> 'emergency', next_at LIMIT $2 FOR UPDATE SKIP LOCKED",
            now,
            BATCH,
        )
        if not rows:
            return None
        known = await _look_up(rows, with_browsers=BROWSERS in reaches)
        plans = [_plan(row, known, now, reaches, leases) for row in rows]
        await OPERATIONS.execute(
            "UPDATE message m SET next_at = p.next_at, ended = p.ended"
            " FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS p (id, next_at, ended)"
            " WHERE m.id = p.id",
            [plan.message_id for plan in plans],
            [plan.next_at for plan in plans],
            [plan.ended for plan in plans],
        )
        jobs = [plan.job for plan in plans if plan.job is not None]
        knocks = [job for job in jobs if job.door is not None]
        begun = await OPERATIONS.fetch(
            "INSERT INTO delivery (message_id, door, at) SELECT p.id, p.door, $3"
            " FROM unnest($1::uuid[], $2::text[]) AS p (id, door) RETURNING id, message_id",
            [job.message.id for job in knocks],
            [job.door for job in knocks],
            now,
        )
    by_message = {row["message_id"]: row["id"] for row in begun}
    return [
        msgspec.structs.replace(job, delivery_id=by_message.get(job.message.id)) for job in jobs
    ]


async def _look_up(rows: list[Row], *, with_browsers: bool) -> _Known:
    ids = [row["id"] for row in rows]
    # The lease is over, so whoever began these has died: we cannot know whether they left.
    await OPERATIONS.execute(
        "UPDATE delivery SET outcome = 'retry', code = 'lost'"
        " WHERE message_id = ANY($1::uuid[]) AND outcome IS NULL",
        ids,
    )
    attempts = await OPERATIONS.fetch(
        "SELECT message_id AS key, door, at, outcome, retry_after_s FROM delivery"
        " WHERE message_id = ANY($1::uuid[]) ORDER BY id",
        ids,
    )
    receipts = await OPERATIONS.fetch(
        "SELECT message_id AS key, kind FROM receipt WHERE message_id = ANY($1::uuid[])", ids
    )
    browsers = []
    if with_browsers:
        browsers = await OPERATIONS.fetch(
            "SELECT address AS key, id, endpoint, p256dh, auth FROM subscription"
            " WHERE gone_at IS NULL AND address = ANY($1::text[]) ORDER BY created_at",
            [row["address"] for row in rows],
        )
    return _Known(
        attempts=_grouped(attempts), receipts=_grouped(receipts), browsers=_grouped(browsers)
    )


def _plan(
    row: Row,
    known: _Known,
    now: datetime,
    reaches: Mapping[str, Reach],
    leases: Mapping[str, timedelta],
) -> _Plan:
    try:
        message = msgspec.json.decode(row["body"], type=Message)
    except msgspec.MsgspecError:
        return _Plan(message_id=row["id"], next_at=None, ended="unreadable")
    here = known.browsers.get(row["address"], [])
    steps = decide_next(
        Climb(
            audience=message.audience,
            urgency=message.urgency,
            handling=message.handling,
            sent_at=message.sent_at,
            ttl_s=message.ttl_s,
            attempts=tuple(map(_attempt, known.attempts.get(row["id"], []))),
        ),
        now,
        Facts(
            doors={name: reach for name, reach in reaches.items() if name != BROWSERS or here},
            receipts=frozenset(ReceiptKind(r["kind"]) for r in known.receipts.get(row["id"], [])),
            person_told=row["told_person"],
        ),
    )
    tell, door, next_at = False, None, now
    for step in steps:
        match step:
            case Stop(why):
                return _Plan(message_id=message.id, next_at=None, ended=why.value)
            case Wait(until):
                next_at = until
            case TellAPerson():
                tell = True
            case Try(name):
                door = name
    if not tell and door is None:
        return _Plan(message_id=message.id, next_at=next_at)
    job = Job(
        message=message,
        address=row["address"],
        incident_id=row["incident_id"],
        tell=tell,
        door=door,
        browsers=tuple((each["id"], _subscription(each)) for each in here),
    )
    return _Plan(message_id=message.id, next_at=now + leases[door or TELLING], job=job)


def _grouped(rows: Iterable[Row]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row["key"], []).append(row)
    return found


def _attempt(row: Row) -> Attempt:
    return Attempt(row["door"], row["at"], Outcome(row["outcome"]), row["retry_after_s"])


def _subscription(row: Row) -> str:
    keys = Keys(p256dh=row["p256dh"], auth=row["auth"])
    return msgspec.json.encode(Subscription(endpoint=row["endpoint"], keys=keys)).decode()
