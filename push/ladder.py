"""The ladder: by which doors, in which order, after how long. Pure: time comes in as a value.

Read ``LADDERS`` first; it is data, by audience and urgency, with a ``VERSION`` that the ledger
keeps with every message. What has been tried and what came back are facts from the delivery
ledger, so the answer is the same after a restart. A message climbs until a device says that it
was delivered; it stops at the first act of the person.

    >>> from datetime import UTC, datetime
    >>> noon = datetime(2025, 6, 1, 12, tzinfo=UTC)
    >>> climb = Climb(audience=Audience.STAFF, urgency=Urgency.EMERGENCY,
    ...               handling=Handling.ACTUAL, sent_at=noon, ttl_s=25)
    >>> doors = {"live": Reach.LOOPBACK, "webpush": Reach.INTERNET}
    >>> decide_next(climb, noon, Facts(doors=doors))
    (Try(door='live'),)
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32

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

VERSION = "2026-11-22b"
"""Of ``LADDERS``: a new one with every change, so that an old ledger can be read rightly."""

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
    # A voice is the floor for residents: it rings on any telephone, and needs no reading. When it
    # rings in vain, or the person does not hear one, it rings at the family's or a neighbour's.
    (Audience.RESIDENT, Urgency.EMERGENCY): (
        *(Rung("live", 3), *_pushes(10), Rung("sms", 5), Rung("voice", 45), Rung("family", 45)),
    ),
    (Audience.RESIDENT, Urgency.HIGH): (
        *(Rung("live", 5), *_pushes(60), Rung("sms", 120), Rung("voice", 60), Rung("family", 60)),
    ),
    (Audience.RESIDENT, Urgency.NORMAL): (Rung("live", 10), *_pushes(300), Rung("sms", 300)),
    # A room is read by whoever looks, so something that reaches one person stands after it.
    (Audience.OFFICE, Urgency.EMERGENCY): (
        *(Rung("live", 5), *_pushes(15), Rung("rooms", 10), Rung("sms", 10), Rung("voice", 45)),
    ),
    (Audience.OFFICE, Urgency.HIGH): (
        *(Rung("live", 10), *_pushes(60), Rung("rooms", 60), Rung("sms", 60), Rung("voice", 60)),
    ),
    (Audience.OFFICE, Urgency.NORMAL): (Rung("live", 60), Rung("rooms", 300)),
}
"""All waits are ours, not the standard's, except where a line says otherwise."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""A door that said ``RETRY`` without a time is asked again after 2, 4, 8 ... 60 s, less up to half
of it: many messages that failed together must not come back together."""
LATER_SHARE = 0.1
"""A time that a provider named is kept, and up to this share of it added, for the same reason."""
LINE_S = 0.5
"""Who stands in line before a full provider looks again after this."""
LEAST_LINE_S = 2.0
"""▲ A rung whose provider is full is waited for this long, or as long as its own ``wait_s``."""


def check(ladders: Mapping[tuple[Audience, Urgency], Ladder], doors: Iterable[str]) -> None:
    """See at the start, not during a fire, that a table of ladders can be climbed.

    Args:
        ladders: the table.
        doors: every name that a rung may have.

    Raises:
        ValueError: one is missing, empty, names an unknown door or one door twice, waits less
            than nothing, tears rungs apart that stand beside each other, does not begin with the
            open screen, or cannot ring a person's telephone in an emergency.
    """
    known = set(doors)
    for audience in Audience:
        for urgency in Urgency:
            where = f"ladder of {audience}, {urgency}"
            ladder = ladders.get((audience, urgency), ())
            names = [rung.door for rung in ladder]
            groups = [rung.beside for rung in ladder]
            blocks = [g for at, g in enumerate(groups) if g and (at == 0 or groups[at - 1] != g)]
            if not ladder or names[0] != "live":
                raise ValueError(f"{where}: it begins with the open screen")
            if unknown := set(names) - known:
                raise ValueError(f"{where}: no such door: {', '.join(sorted(unknown))}")
            if len(set(names)) < len(names) or len(set(blocks)) < len(blocks):
                raise ValueError(f"{where}: a door or a group stands twice")
            if any(rung.wait_s < 0 for rung in ladder):
                raise ValueError(f"{where}: a wait below nothing")
            if urgency is Urgency.EMERGENCY and "voice" not in names:
                raise ValueError(f"{where}: an emergency must be able to ring a telephone")


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
        seed: any text of this message's own, which scatters its retries; empty for none.
    """

    audience: Audience
    urgency: Urgency
    handling: Handling
    sent_at: datetime
    ttl_s: float
    attempts: tuple[Attempt, ...] = ()
    seed: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known from outside the climb.

    Args:
        doors: every door by which this person has an address, with its reach.
        receipts: every kind that has come back for this message.
        person_told: whether ``TellAPerson`` has been carried out.
        quiet_until: UTC; until then a ``NORMAL`` message only goes to screens that are open.
            Everything more urgent takes no notice of it.
        full: doors whose provider has as many messages of ours as it may have now. It is waited
            for as long as its rung is patient, then passed over.
    """

    doors: Mapping[str, Reach]
    receipts: frozenset[ReceiptKind] = frozenset()
    person_told: bool = False
    quiet_until: datetime | None = None
    full: frozenset[str] = frozenset()


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
        default=state.sent_at,
    )
    untried = [rung for rung in ladder if not tries[rung.door]]
    # Who waited in line as long as a rung is patient goes on to the next.
    passed = [
        rung for rung in untried if rung.door in facts.full and _passed(rung, patient_until, now)
    ]
    ahead = [rung for rung in untried if rung not in passed]
    beside = {rung.beside for rung in ladder if rung.beside and tries[rung.door]}
    if ahead and (now >= patient_until or ahead[0].beside in beside):
        together = [r for r in ahead if r is ahead[0] or (r.beside and r.beside == ahead[0].beside)]
        open_now = [rung for rung in together if rung.door not in facts.full]
        if open_now:
            return (Try(open_now[0].door),)
        if now >= patient_until:
            return (Wait(min(expires, now + timedelta(seconds=LINE_S))),)

    told: tuple[Step, ...] = ()
    if not ahead and quiet_until is None and now >= patient_until and not facts.person_told:
        told = (TellAPerson(),)
    again = [
        (_again_at(t, state.seed), door) for door, t in tries.items() if t and _may_retry(t[-1])
    ]
    again += [(now, rung.door) for rung in passed]
    due = min(again, default=None)
    if due and now >= due[0]:
        first = next(
            (door for at, door in sorted(again) if now >= at and door not in facts.full), None
        )
        if first is not None:
            return (*told, Try(first))
        due = (now + timedelta(seconds=LINE_S), due[1])
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


def _passed(rung: Rung, since: datetime, now: datetime) -> bool:
    """Whether a rung was waited for in line as long as it is patient."""
    return now >= since + timedelta(seconds=max(rung.wait_s, LEAST_LINE_S))


def _may_retry(last: Attempt) -> bool:
    return last.outcome is Outcome.RETRY


def _again_at(tries: list[Attempt], seed: str) -> datetime:
    last = tries[-1]
    by_chance = crc32(f"{seed} {last.door} {len(tries)}".encode()) / 2**32 if seed else 0.0
    if last.retry_after_s is not None:
        pause_s = last.retry_after_s * (1.0 + LATER_SHARE * by_chance)
    else:
        pause_s = min(FIRST_PAUSE_S * 2.0 ** min(len(tries) - 1, 10), LONGEST_PAUSE_S)
        pause_s *= 1.0 - by_chance / 2
    return last.at + timedelta(seconds=pause_s)
