"""One short transaction: take what is due, ask the ladder, write down what is about to happen."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.shared.db import OPERATIONS, Row
from backend.shared.listen import AWAY
from push.ladder import Attempt, Climb, Facts, Stop, TellAPerson, Try, Wait, decide_next
from push.message import Audience, Message
from push.port import Outcome, Reach, ReceiptKind
from push.subscription import Keys, Subscription

log = logging.getLogger("jiean.messages")

BATCH = 100
DEVICES = ("webpush", "fcm", "apns")
"""Doors that are addressed by what a person's own devices registered."""
NUMBERS = ("sms", "voice", "rooms")
"""Doors that are addressed by what the directory has; every other takes our own address."""
Directory = Callable[[Sequence[str]], Awaitable[Mapping[str, Mapping[str, str]]]]
"""``directory(addresses)``: address → door of ``NUMBERS`` → the address in that door's form."""


async def no_directory(_addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """The default: nobody has a telephone."""
    return {}


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """The hours of the night in which residents and offices hear only what is urgent."""

    zone: ZoneInfo
    from_hour: int
    to_hour: int

    def until(self, audience: Audience, now: datetime) -> datetime | None:
        """When the quiet ends in which ``now`` (UTC) lies; None when it lies in none."""
        local = now.astimezone(self.zone)
        hours = (local.hour - self.from_hour) % 24
        night = (self.to_hour - self.from_hour) % 24
        if audience not in (Audience.RESIDENT, Audience.OFFICE) or hours >= night:
            return None
        end = local.replace(hour=self.to_hour, minute=0, second=0, microsecond=0)
        return (end if end > local else end + timedelta(days=1)).astimezone(UTC)


TELLING = "telling"
"""In the leases: how long telling a person may take."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One claimed message, and what to do for it now.

    Args:
        tell: a person must be told.
        door: to knock at; None when only ``tell``.
        delivery_id: the attempt's row.
        to: the address in the door's own form.
        devices: for a door of ``DEVICES``: the subscription's id and its address there.
    """

    message: Message
    address: str
    incident_id: UUID | None
    tell: bool
    door: str | None
    delivery_id: int | None = None
    to: str = ""
    devices: tuple[tuple[UUID, str], ...] = ()


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one row: either ``ended`` or looked at again at ``next_at``."""

    message_id: UUID
    next_at: datetime | None
    ended: str | None = None
    job: Job | None = None


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of one batch, by message id; devices and ways by address."""

    attempts: Mapping[Any, list[Row]]
    receipts: Mapping[Any, list[Row]]
    devices: Mapping[Any, list[Row]]
    ways: Mapping[str, Mapping[str, str]]


async def claim(
    now: datetime,
    reaches: Mapping[str, Reach],
    leases: Mapping[str, timedelta],
    *,
    directory: Directory = no_directory,
    quiet: Quiet | None = None,
) -> list[Job] | None:
    """Claim at most ``BATCH`` due messages, emergencies first.

    Args:
        now: UTC.
        reaches: every open door.
        leases: for how long a message is ours while a door, or ``TELLING``, has it.
        directory: asked for telephones and rooms when there is a door to them.
        quiet: the night's hours; None for none.

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
        known = await _look_up(rows, reaches, directory)
        plans = [_plan(row, known, now, reaches, leases, quiet) for row in rows]
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


async def _look_up(rows: list[Row], reaches: Mapping[str, Reach], directory: Directory) -> _Known:
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
    addresses = [row["address"] for row in rows]
    devices = []
    if any(name in reaches for name in DEVICES):
        devices = await OPERATIONS.fetch(
            "SELECT address AS key, id, door, endpoint, p256dh, auth FROM subscription"
            " WHERE gone_at IS NULL AND address = ANY($1::text[]) ORDER BY created_at",
            addresses,
        )
    with_numbers = any(name in reaches for name in NUMBERS)
    return _Known(
        attempts=_grouped(attempts),
        receipts=_grouped(receipts),
        devices=_grouped(devices),
        ways=await _ask(directory, addresses) if with_numbers else {},
    )


async def _ask(directory: Directory, addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    try:
        return await directory(addresses)
    except AWAY as away:
        # The other database is gone: screens and locked phones must not wait for it.
        log.warning("telephones cannot be looked up: %s", away)
        return {}


def _plan(
    row: Row,
    known: _Known,
    now: datetime,
    reaches: Mapping[str, Reach],
    leases: Mapping[str, timedelta],
    quiet: Quiet | None,
) -> _Plan:
    try:
        message = msgspec.json.decode(row["body"], type=Message)
    except msgspec.MsgspecError:
        return _Plan(message_id=row["id"], next_at=None, ended="unreadable")
    here = known.devices.get(row["address"], [])
    ways = known.ways.get(row["address"], {})
    has = {each["door"] for each in here} | ways.keys()
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
            doors={
                name: reach
                for name, reach in reaches.items()
                if name in has or name not in (*DEVICES, *NUMBERS)
            },
            receipts=frozenset(ReceiptKind(r["kind"]) for r in known.receipts.get(row["id"], [])),
            person_told=row["told_person"],
            quiet_until=quiet.until(message.audience, now) if quiet else None,
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
        to=ways.get(door or "", row["address"]),
        devices=tuple((each["id"], _device(each)) for each in here if each["door"] == door),
    )
    return _Plan(message_id=message.id, next_at=now + leases[door or TELLING], job=job)


def _grouped(rows: Iterable[Row]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row["key"], []).append(row)
    return found


def _attempt(row: Row) -> Attempt:
    return Attempt(row["door"], row["at"], Outcome(row["outcome"]), row["retry_after_s"])


def _device(row: Row) -> str:
    """The address of a device in its door's own form."""
    if row["door"] != "webpush":
        return str(row["endpoint"])
    keys = Keys(p256dh=row["p256dh"], auth=row["auth"])
    return msgspec.json.encode(Subscription(endpoint=row["endpoint"], keys=keys)).decode()
