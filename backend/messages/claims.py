"""One short transaction: take what is due, ask the ladder, write down what is about to happen.

Claiming and handing over are one step: a message is only claimed for a door whose provider has a
place for it now, so nothing that was answered in the meantime waits in our memory to ring after
all. What finds no place stays in the outbox, in line.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from backend.messages.jobs import Directory, Doors, Job
from backend.messages.outbox import ALARMS, NEW, REST, URGENT
from backend.messages.plans import DEVICES, NUMBERS, Known, Plan, plan
from backend.shared.db import OPERATIONS, Row
from backend.shared.listen import AWAY

log = logging.getLogger("jiean.messages")

BATCH = 60
"""Planned without a pause: so many take some milliseconds, which is all that an alarm waits."""
BOOKKEEPING = "SET LOCAL synchronous_commit = off"
"""For claims and outcomes: nobody waits for the disk. What a power cut may take of them is the
last half second of who holds what, and the message goes once more, known by its id. What was
asked for and what a person answered is on the disk before anybody is told that it is."""
LEAST = 4
"""So many in line are looked at even when every known provider is full."""
PASSED = "live_passed"
"""Told when a message waits for a screen at another node."""
NODE_LOST_S = 30.0
"""A node not heard of for so long holds no screen any more."""


class Claimed(msgspec.Struct, frozen=True):
    """What to carry out, and whether there may be more that is due and not merely in line."""

    jobs: list[Job]
    more: bool


async def claim(now: datetime, doors: Doors, *, lanes: Sequence[int]) -> Claimed:
    """Claim what is due in some lanes of the outbox, as much as there is room for.

    The places in ``Job.places`` are taken; whoever carries the job gives them back.
    """
    plans: list[Plan] = []
    try:
        async with OPERATIONS.transaction():
            await OPERATIONS.execute(BOOKKEEPING)
            rows = await _due(now, doors, lanes)
            if not rows:
                return Claimed([], more=False)
            known = await _look_up(rows, doors, now)
            for row in rows:
                plans.append(plan(row, known, now, doors))
            jobs = await _write(plans, now)
    except BaseException:
        for place in (place for each in plans if each.job for place in each.job.places):
            doors.lanes.give(place)
        raise
    return Claimed(jobs, more=any(not each.in_line for each in plans))


async def _due(now: datetime, doors: Doors, lanes: Sequence[int]) -> list[Row]:
    rows: list[Row] = []
    for lane in lanes:
        most = BATCH - len(rows)
        if lane in (URGENT, REST):
            most = min(most, max(LEAST, doors.lanes.room()))
        if most > 0:
            rows += await OPERATIONS.fetch(
                "SELECT id, address, body, incident_id, told_person, lane, only_doors"
                " FROM message WHERE lane = $3 AND next_at <= $1"
                " ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED",
                now,
                most,
                lane,
            )
    return rows


async def _write(plans: Sequence[Plan], now: datetime) -> list[Job]:
    """Lease or end the rows, and write the attempts down before anything leaves."""
    await OPERATIONS.execute(
        "UPDATE message m SET next_at = p.next_at, ended = p.ended, last_error = p.last_error,"
        " ended_at = CASE WHEN p.ended IS NOT NULL THEN $5::timestamptz END,"
        " lane = CASE WHEN m.lane <> $6 THEN m.lane WHEN m.urgency = 'emergency' THEN $7 ELSE $8"
        " END"
        " FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[])"
        " AS p (id, next_at, ended, last_error) WHERE m.id = p.id",
        [each.message_id for each in plans],
        [each.next_at for each in plans],
        [each.ended for each in plans],
        [each.last_error for each in plans],
        now,
        NEW,
        URGENT,
        REST,
    )
    if absent := [each.message_id for each in plans if each.nobody_here]:
        await OPERATIONS.execute(
            "INSERT INTO delivery (message_id, door, at, ended_at, outcome, code)"
            " SELECT id, 'live', $2, $2, 'retry', 'not-connected'"
            " FROM unnest($1::uuid[]) AS p (id)",
            absent,
            now,
        )
    jobs = [each.job for each in plans if each.job is not None]
    knocks = [job for job in jobs if job.door is not None]
    begun = await OPERATIONS.fetch(
        "INSERT INTO delivery (message_id, door, at, provider)"
        " SELECT p.id, p.door, $4, p.provider"
        " FROM unnest($1::uuid[], $2::text[], $3::text[]) AS p (id, door, provider)"
        " RETURNING id, message_id",
        [job.message.id for job in knocks],
        [job.door for job in knocks],
        [" ".join(dict.fromkeys(job.places)) for job in knocks],
        now,
    )
    by_message = {row["message_id"]: row["id"] for row in begun}
    passes = [
        (node, each.message_id, by_message[each.message_id])
        for each in plans
        for node in each.elsewhere
    ]
    if passes:
        await OPERATIONS.execute(
            "INSERT INTO live_pass (node, message_id, delivery_id)"
            " SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])",
            *(list(column) for column in zip(*passes, strict=True)),
        )
        await OPERATIONS.notify(PASSED)
    return [
        msgspec.structs.replace(job, delivery_id=by_message.get(job.message.id)) for job in jobs
    ]


async def _look_up(rows: list[Row], doors: Doors, now: datetime) -> Known:
    ids = [row["id"] for row in rows]
    addresses = list({row["address"] for row in rows})
    attempts = await OPERATIONS.fetch(
        "SELECT message_id AS key, door, at, coalesce(outcome, 'retry') AS outcome, code,"
        " retry_after_s, outcome IS NULL AS lost FROM delivery"
        " WHERE message_id = ANY($1::uuid[]) ORDER BY id",
        ids,
    )
    if any(row["lost"] for row in attempts):
        # The lease is over, so whoever began these has died: we cannot know whether they left.
        await OPERATIONS.execute(
            "UPDATE delivery SET outcome = 'retry', code = 'lost', ended_at = $2"
            " WHERE message_id = ANY($1::uuid[]) AND outcome IS NULL",
            ids,
            now,
        )
    devices = []
    if any(name in doors.reaches for name in DEVICES):
        devices = await OPERATIONS.fetch(
            "SELECT address AS key, id, door, endpoint, p256dh, auth FROM subscription"
            " WHERE gone_at IS NULL AND address = ANY($1::text[]) ORDER BY created_at",
            addresses,
        )
    screens = await OPERATIONS.fetch(
        "SELECT s.address AS key, s.node FROM live_screen s JOIN live_node n ON n.id = s.node"
        " WHERE s.address = ANY($1::text[]) AND s.node <> $2 AND n.seen_at > $3",
        addresses,
        doors.node,
        now - timedelta(seconds=NODE_LOST_S),
    )
    with_numbers = any(name in doors.reaches for name in NUMBERS)
    return Known(
        attempts=_grouped(attempts),
        devices=_grouped(devices),
        elsewhere={key: [row["node"] for row in group] for key, group in _grouped(screens).items()},
        ways=await _ask(doors.directory, addresses) if with_numbers else {},
    )


async def _ask(directory: Directory, addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    try:
        return await directory(addresses)
    except AWAY as away:
        # The other database is gone: screens and locked phones must not wait for it.
        log.warning("telephones cannot be looked up: %s", away)
        return {}


def _grouped(rows: Iterable[Row]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row["key"], []).append(row)
    return found


ALARM_LANES, OTHER_LANES = (ALARMS,), (NEW, URGENT, REST)
"""Each pair of lanes has a loop of its own in the carrier, so alarms wait for nothing else."""
