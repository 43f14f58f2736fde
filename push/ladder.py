"""The ladder: by which doors, in which order, after how long. Pure: time comes in as a value.

Read ``LADDERS`` first; it is data, by audience and urgency. What has been tried and what came
back are facts from the delivery ledger, so the answer is the same after a restart. A message
climbs until a device says that it was delivered; it stops at the first act of the person.

    >>> from datetime import UTC, datetime
    >>> noon = datetime(2025, 6, 1, 12, tzinfo=UTC)
    >>> climb = Climb(audience=Audience.STAFF, urgency=Urgency.EMERGENCY,
    ...               handling=Handling.ACTUAL, sent_at=noon, ttl_s=25)
    >>> doors = {"live": Reach.LOOPBACK, "webpush": Reach.INTERNET}
    >>> decide_next(climb, noon, Facts(doors=doors))
    (Try(door='live'),)
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from push.message import Audience, Handling, Urgency
from push.port import Outcome, Reach, ReceiptKind


class Rung(msgspec.Struct, frozen=True):
    """One step.

    Args:
        door: ``Door.name``.
        wait_s: seconds without a ``delivered`` receipt after which the next rung is tried.
        beside: rungs of one name here are tried together: the second does not wait for the first.
    """

    door: str
    wait_s: float
    beside: str = ""


def _pushes(wait_s: float) -> "Ladder":
    """The three ways to a locked phone; which of them a person has is not ours to know."""
    return tuple(Rung(door, wait_s, "push") for door in ("webpush", "fcm", "apns"))


Ladder = tuple[Rung, ...]

LADDERS: Mapping[tuple[Audience, Urgency], Ladder] = {
    # A person without a receipt after 8 s is phoned, so the first two leave that much; and an
    # offer lives 25 s, so there is time to tell a person when the call is not answered either.
    (Audience.STAFF, Urgency.EMERGENCY): (
        *(Rung("live", 3), *_pushes(5), Rung("sms", 0), Rung("voice", 12)),
    ),
    (Audience.STAFF, Urgency.HIGH): (Rung("live", 5), *_pushes(30), Rung("sms", 60)),
    (Audience.STAFF, Urgency.NORMAL): (Rung("live", 10), *_pushes(300)),
    (Audience.DESK, Urgency.EMERGENCY): (
        *(Rung("live", 2), *_pushes(5), Rung("sms", 0), Rung("voice", 12)),
    ),
    (Audience.DESK, Urgency.HIGH): (Rung("live", 5), *_pushes(30), Rung("sms", 60)),
    (Audience.DESK, Urgency.NORMAL): (Rung("live", 60),),
    # A voice is the floor for residents: it rings on any telephone, and needs no reading.
    (Audience.RESIDENT, Urgency.EMERGENCY): (
        *(Rung("live", 3), *_pushes(10), Rung("sms", 5), Rung("voice", 45)),
    ),
    (Audience.RESIDENT, Urgency.HIGH): (
        *(Rung("live", 5), *_pushes(60), Rung("sms", 120), Rung("voice", 60)),
    ),
    (Audience.RESIDENT, Urgency.NORMAL): (Rung("live", 10), *_pushes(300), Rung("sms", 300)),
    # A room is read by whoever looks, so something that reaches one person stands after it.
    (Audience.OFFICE, Urgency.EMERGENCY): (
        *(Rung("live", 5), *_pushes(15), Rung("rooms", 10), Rung("voice", 45)),
    ),
    (Audience.OFFICE, Urgency.HIGH): (
        *(Rung("live", 10), *_pushes(60), Rung("rooms", 60), Rung("voice", 60)),
    ),
    (Audience.OFFICE, Urgency.NORMAL): (Rung("live", 60), Rung("rooms", 300)),
}
"""All waits are ours, not the standard's, except where a line says otherwise."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""A door that said ``RETRY`` without a time is asked again after 2, 4, 8 ... 60 s."""


class Attempt(msgspec.Struct, frozen=True):
    """One try, as the delivery ledger has it.

    Args:
        door: ``Door.name``.
        at: UTC, when it began.
        outcome: None while nothing has come back.
        retry_after_s: the provider's wish with ``RETRY``.
    """

    door: str
    at: datetime
    outcome: Outcome | None = None
    retry_after_s: float | None = None


class Climb(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way to one person: what was asked, and what has been tried.

    Args:
        audience, urgency, handling, sent_at, ttl_s: the message's.
        attempts: oldest first.
    """

    audience: Audience
    urgency: Urgency
    handling: Handling
    sent_at: datetime
    ttl_s: float
    attempts: tuple[Attempt, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known from outside the climb.

    Args:
        doors: every door by which this person has an address, with its reach.
        receipts: every kind that has come back for this message.
        person_told: whether ``TellAPerson`` has been carried out.
        quiet_until: UTC; until then a ``NORMAL`` message only goes to screens that are open.
            Everything more urgent takes no notice of it.
    """

    doors: Mapping[str, Reach]
    receipts: frozenset[ReceiptKind] = frozenset()
    person_told: bool = False
    quiet_until: datetime | None = None


class Ending(StrEnum):
    """Why a climb is over."""

    ACKNOWLEDGED = "acknowledged"
    EXPIRED = "expired"


class Try(msgspec.Struct, frozen=True, tag="try"):
    """Send by this door now."""

    door: str


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    """Nothing to do before this instant (UTC) unless a receipt or an outcome comes."""

    until: datetime


class TellAPerson(msgspec.Struct, frozen=True, tag="tell_a_person"):
    """Every door has had its time and no device answered: somebody must phone. Said once."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """The climb is over."""

    why: Ending


Step = Try | Wait | TellAPerson | Stop


def decide_next(
    state: Climb,
    now: datetime,
    facts: Facts,
    *,
    ladders: Mapping[tuple[Audience, Urgency], Ladder] = LADDERS,
) -> tuple[Step, ...]:
    """What to do now for one message.

    Args:
        state: the climb so far.
        now: UTC.
        facts: doors and receipts.
        ladders: the table.

    Returns:
        What to carry out, in order. After ``Try``, add the attempt to the ledger and ask
        again; after ``Wait``, ask again at that instant or when something comes back; after
        ``Stop``, never again.
    """
    expires = state.sent_at + timedelta(seconds=state.ttl_s)
    if ReceiptKind.ACTED in facts.receipts:
        return (Stop(Ending.ACKNOWLEDGED),)
    if now >= expires:
        return (Stop(Ending.EXPIRED),)
    if facts.receipts:
        # It is on the screen; only the person or the clock ends it now.
        return (Wait(expires),)

    quiet_until = facts.quiet_until if state.urgency is Urgency.NORMAL else None
    if quiet_until is not None and now >= quiet_until:
        quiet_until = None
    ladder = _open_rungs(ladders[state.audience, state.urgency], state, facts, quiet_until)
    tries = {rung.door: [a for a in state.attempts if a.door == rung.door] for rung in ladder}
    patient_until = max(
        (_patient_until(rung, tries[rung.door][-1]) for rung in ladder if tries[rung.door]),
        default=now,
    )
    untried = [rung for rung in ladder if not tries[rung.door]]
    beside = {rung.beside for rung in ladder if rung.beside and tries[rung.door]}
    if untried and (now >= patient_until or untried[0].beside in beside):
        return (Try(untried[0].door),)

    told: tuple[Step, ...] = ()
    if not untried and quiet_until is None and now >= patient_until and not facts.person_told:
        told = (TellAPerson(),)
    again = [(_again_at(t), door) for door, t in tries.items() if t and _may_retry(t[-1])]
    due = min(again, default=None)
    if due and now >= due[0]:
        return (*told, Try(due[1]))
    later = [expires, *([patient_until] if now < patient_until else []), *([due[0]] if due else [])]
    if quiet_until is not None:
        later.append(quiet_until)
    return (*told, Wait(min(later)))


def _open_rungs(ladder: Ladder, state: Climb, facts: Facts, quiet_until: datetime | None) -> Ladder:
    """The rungs that this person has, and that this message may leave by now."""
    inside = quiet_until is not None or state.handling is not Handling.ACTUAL
    return tuple(
        rung
        for rung in ladder
        if rung.door in facts.doors and (not inside or facts.doors[rung.door] is Reach.LOOPBACK)
    )


def _patient_until(rung: Rung, last: Attempt) -> datetime:
    """Until when an attempt deserves patience: none once its door has said no."""
    if last.outcome in (None, Outcome.SENT):
        return last.at + timedelta(seconds=rung.wait_s)
    return last.at


def _may_retry(last: Attempt) -> bool:
    return last.outcome is Outcome.RETRY


def _again_at(tries: list[Attempt]) -> datetime:
    pause_s = min(FIRST_PAUSE_S * 2.0 ** min(len(tries) - 1, 10), LONGEST_PAUSE_S)
    if tries[-1].retry_after_s is not None:
        pause_s = tries[-1].retry_after_s
    return tries[-1].at + timedelta(seconds=pause_s)
