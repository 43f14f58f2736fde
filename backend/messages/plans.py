"""What becomes of one claimed row: the ladder's answer, with the doors that have room now.

No database and no clock: rows and time come in as values. Only the places of providers are
taken, which the claim gives back if it fails.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from backend.messages.calling_off import APPLE
from backend.messages.jobs import TELLING, Doors, Job
from backend.messages.outbox import ALARMS
from backend.shared.db import Row
from push.ladder import (
    Attempt,
    Climb,
    Ending,
    Facts,
    Step,
    Stop,
    TellAPerson,
    Try,
    Wait,
    decide_next,
)
from push.lanes import provider_of
from push.message import Handling, Message
from push.port import Outcome
from push.subscription import Keys, Subscription

LIVE = "live"
DEVICES = ("webpush", "fcm", "apns")
"""Doors that are addressed by what a person's own devices registered."""
NUMBERS = ("sms", "voice", "family", "rooms")
"""Doors that are addressed by what the directory has; every other takes our own address."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of one batch, by message id; devices, ways and other nodes by address."""

    attempts: Mapping[Any, list[Row]]
    devices: Mapping[Any, list[Row]]
    elsewhere: Mapping[Any, list[UUID]]
    ways: Mapping[str, Mapping[str, str]]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one row: either ``ended`` or looked at again at ``next_at``.

    Args:
        nobody_here: no screen of its person is open anywhere, to be written down as an attempt.
        in_line: nothing was done, because the provider that is next has no place.
        elsewhere: nodes that are asked to show it.
    """

    message_id: UUID
    next_at: datetime | None
    ended: str | None = None
    last_error: str | None = None
    job: Job | None = None
    nobody_here: bool = False
    in_line: bool = False
    elsewhere: tuple[UUID, ...] = ()


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """How one door would reach this person now."""

    to: str = ""
    devices: tuple[tuple[UUID, str, str], ...] = ()
    places: tuple[str, ...] = ()


class _Person(msgspec.Struct, frozen=True, kw_only=True):
    """Everything by which one address can be reached."""

    address: str
    devices: Mapping[str, list[tuple[UUID, str]]]
    ways: Mapping[str, str]
    elsewhere: list[UUID]


def plan(row: Row, known: Known, now: datetime, doors: Doors) -> Plan:
    """Ask the ladder about one row, and take the places that its next step needs."""
    try:
        message = msgspec.json.decode(row["body"], type=Message)
    except msgspec.MsgspecError:
        return Plan(message_id=row["id"], next_at=None, ended="unreadable", last_error="unreadable")
    only = row["only_doors"]
    person = _person(row, known, over=message.data.get("kind") == "over")
    past = known.attempts.get(row["id"], [])
    climb = Climb(
        audience=message.audience,
        urgency=message.urgency,
        handling=message.handling,
        sent_at=message.sent_at,
        ttl_s=message.ttl_s,
        attempts=tuple(map(_attempt, past)),
        seed=str(message.id),
    )
    facts = Facts(
        doors={
            name: reach
            for name, reach in doors.reaches.items()
            if (only is None or name in only) and _has(person, name)
        },
        # No receipts: with the first of them a row is due no more.
        # What replaces another message is nobody's work.
        person_told=row["told_person"] or only is not None,
        quiet_until=doors.quiet.until(message.audience, now) if doors.quiet else None,
    )
    here = doors.connected is None or doors.connected(row["address"])
    nobody_here, full = False, frozenset[str]()
    while True:
        steps = decide_next(climb, now, msgspec.structs.replace(facts, full=full))
        door = next((step.door for step in steps if isinstance(step, Try)), None)
        if door is None:
            way = _Way()
            break
        if door == LIVE and not here and not person.elsewhere:
            nobody_here = True
            climb = _with(climb, door, now, Outcome.RETRY)
            continue
        way_found = _way(door, person, doors, alarm=row["lane"] == ALARMS)
        if way_found is not None:
            way = way_found
            break
        full |= {door}
    tell = any(isinstance(step, TellAPerson) for step in steps)
    ending = next((step.why for step in steps if isinstance(step, Stop)), None)
    if ending is not None:
        ended, why = _ended(ending, message, past, person, replaces=only is not None)
        return Plan(message_id=message.id, next_at=None, ended=ended, last_error=why)
    if not tell and door is None:
        return Plan(
            message_id=message.id,
            next_at=_wait(steps, now),
            nobody_here=nobody_here,
            in_line=bool(full),
        )
    job = Job(
        message=message,
        address=row["address"],
        incident_id=row["incident_id"],
        alarm=row["lane"] == ALARMS,
        tell=tell,
        door=door,
        to=way.to,
        devices=way.devices,
        places=way.places,
        here=here,
        elsewhere=door == LIVE and bool(person.elsewhere),
        rest_until=_rest_until(climb, door, now, facts),
    )
    return Plan(
        message_id=message.id,
        next_at=now + doors.leases[door or TELLING],
        job=job,
        nobody_here=nobody_here,
        elsewhere=tuple(person.elsewhere) if job.elsewhere else (),
    )


def _person(row: Row, known: Known, *, over: bool) -> _Person:
    devices: dict[str, list[tuple[UUID, str]]] = {}
    for each in known.devices.get(row["address"], []):
        if over and urlsplit(each["endpoint"]).hostname == APPLE:
            continue  # never one more push that shows nothing new
        devices.setdefault(each["door"], []).append((each["id"], _device(each)))
    return _Person(
        address=row["address"],
        devices=devices,
        ways=known.ways.get(row["address"], {}),
        elsewhere=known.elsewhere.get(row["address"], []),
    )


def _has(person: _Person, door: str) -> bool:
    if door in DEVICES:
        return door in person.devices
    return door in person.ways or door not in NUMBERS


def _way(door: str, person: _Person, doors: Doors, *, alarm: bool) -> _Way | None:
    """How to knock at a door, its places taken; None when there is none."""
    if door == LIVE:
        return _Way(to=person.address)
    if door not in DEVICES:
        to = person.ways.get(door, person.address)
        place = provider_of(door, to)
        return _Way(to=to, places=(place,)) if doors.lanes.take(place, alarm=alarm) else None
    with_place = [
        (device_id, to, provider)
        for device_id, to in person.devices[door]
        if doors.lanes.take(provider := provider_of(door, to), alarm=alarm)
    ]
    if not with_place:
        return None
    return _Way(devices=tuple(with_place), places=tuple(place for _, _, place in with_place))


def _with(climb: Climb, door: str, now: datetime, outcome: Outcome) -> Climb:
    return msgspec.structs.replace(climb, attempts=(*climb.attempts, Attempt(door, now, outcome)))


def _wait(steps: tuple[Step, ...], now: datetime) -> datetime:
    return next((step.until for step in steps if isinstance(step, Wait)), now)


def _rest_until(climb: Climb, door: str | None, now: datetime, facts: Facts) -> datetime | None:
    """When to look again if the door takes it: saves one claim of nearly every message."""
    if door is None:
        return None
    match decide_next(_with(climb, door, now, Outcome.SENT), now, facts):
        case (Wait(until),):
            return until
    return None


def _ended(
    ending: Ending, message: Message, past: list[Row], person: _Person, *, replaces: bool
) -> tuple[str, str | None]:
    """The word for the ledger, and the last error of a dead letter."""
    taken = any(each["outcome"] == Outcome.SENT for each in past)
    if ending is not Ending.EXPIRED or taken or replaces or message.handling is Handling.TEST:
        return ending.value, None
    if not past:
        return "dead", "nobody-tried" if person.devices or person.ways else "no-address"
    return "dead", f"{past[-1]['door']}: {past[-1]['code']}"


def _attempt(row: Row) -> Attempt:
    return Attempt(row["door"], row["at"], Outcome(row["outcome"]), row["retry_after_s"])


def _device(row: Row) -> str:
    """The address of a device in its door's own form."""
    if row["door"] != "webpush":
        return str(row["endpoint"])
    keys = Keys(p256dh=row["p256dh"], auth=row["auth"])
    return msgspec.json.encode(Subscription(endpoint=row["endpoint"], keys=keys)).decode()
