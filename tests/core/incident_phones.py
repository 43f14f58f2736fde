"""Phones as they are: clocks of their own, an outbox, a network that comes and goes and repeats."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.deadlines import RETRY_OFFER, Deadline, started_by
from backend.incidents.flow.decide import Repeated
from backend.incidents.flow.facts import Policy, Refusal, corrected
from backend.incidents.flow.vocabulary import SYSTEM, Actor, Kind
from tests.core.incident_steps import ANNA, BEN, INCIDENT, Story, field

POLICY = Policy()


class Tap(msgspec.Struct, frozen=True, kw_only=True):
    """One signed command in an outbox; ``at`` is the phone's own clock."""

    id: UUID
    command: c.AnyCommand
    at: datetime
    seen: int


class Phone(msgspec.Struct, kw_only=True):
    """One person's phone. ``ahead`` is how wrong its clock is; ``measured`` what the server
    learnt of that at the last contact."""

    staff: UUID
    ahead: timedelta = timedelta()
    measured: timedelta = timedelta()
    online: bool = True
    seen: int = 1
    outbox: list[Tap] = []
    taps: int = 0
    qualified: bool = True
    on_shift: bool = True
    closed_at: datetime | None = None
    """The account was closed then, server's clock."""

    @property
    def actor(self) -> Actor:
        return field(self.staff)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One order that reached the core: what was asked, from where, and what came of it."""

    order: c.Order
    before: Any
    found: tuple[e.Event, ...] | Refusal | Repeated
    qualified: bool
    on_shift: bool


class Town:
    """One incident, the people on it with their phones, and the server's deadlines."""

    def __init__(self, kind: Kind, *, at_once: bool) -> None:
        self.story = Story(kind, at_once=at_once)
        self.phones = {staff: Phone(staff=staff) for staff in (ANNA, BEN)}
        self.due: list[Deadline] = []
        self.known = 0
        self.another_is_open = at_once
        self.second_person = True
        self.deadlines()

    # --- the server -----------------------------------------------------------------------

    def deadlines(self) -> None:
        """Rows that the newest events start, as the journal writes them."""
        for event in self.story.events[self.known :]:
            self.due.extend(d for d in started_by(event, POLICY) if d.name != RETRY_OFFER)
        self.known = len(self.story.events)

    def pass_time(self, span: timedelta) -> list[Taken]:
        """Move the clock; what falls due on the way is done at its time, once."""
        until, done = self.story.now + span, []
        while True:
            ripe = sorted((d for d in self.due if d.due_at <= until), key=lambda d: d.due_at)
            if not ripe:
                break
            first = ripe[0]
            self.due.remove(first)
            self.story.now = max(self.story.now, first.due_at)
            assert first.command is not None
            done.append(self.indoors(SYSTEM, first.command))
        self.story.now = max(self.story.now, until)
        return done

    def indoors(self, who: Actor, command: c.AnyCommand) -> Taken:
        """Somebody with the server's clock: the platform, a desk, an office."""
        self.story.now += timedelta(seconds=1)
        return self._take(self.story.order(who, command), subject=_subject(who, command))

    def _take(self, order: c.Order, *, subject: UUID | None, closed_before: bool = False) -> Taken:
        before, phone = self.story.state, self.phones.get(subject) if subject else None
        open_account = phone is None or phone.closed_at is None
        qualified = open_account and (phone is None or phone.qualified)
        on_shift = open_account and (phone is None or phone.on_shift)
        found = self.story.take(
            order,
            qualified=qualified,
            on_shift=on_shift,
            metres=50.0,
            staff_name="n",
            other_open=self.another_is_open,
            second_person=self.second_person,
            disabled_before=closed_before,
        )
        self.deadlines()
        return Taken(
            order=order, before=before, found=found, qualified=qualified, on_shift=on_shift
        )

    # --- phones ---------------------------------------------------------------------------

    def tap(self, phone: Phone, command: c.AnyCommand) -> None:
        self.story.now += timedelta(seconds=1)
        phone.taps += 1
        tap = Tap(
            id=uuid5(phone.staff, str(phone.taps)),
            command=command,
            at=self.story.now + phone.ahead,
            seen=phone.seen,
        )
        phone.outbox = [*phone.outbox, tap]

    def deliver(
        self, phone: Phone, *, torn_after: int | None = None, reply_lost: bool = False,
        reversed_: bool = False,
    ) -> list[Taken]:  # fmt: skip
        """Send the outbox: whole, torn after some, without the reply coming back, or in an order
        that no honest phone sends."""
        taken = []
        waiting = phone.outbox[::-1] if reversed_ else phone.outbox
        for tap in waiting[:torn_after]:
            taken.append(self._receive(phone, tap))
        if not reply_lost:
            sent = {tap.id for tap in waiting[:torn_after]}
            phone.outbox = [tap for tap in phone.outbox if tap.id not in sent]
            phone.measured = -phone.ahead
            phone.seen = self.story.state.version
        return taken

    def _receive(self, phone: Phone, tap: Tap) -> Taken:
        at = self.story.now
        time = corrected(
            tap.at,
            at,
            skew=phone.measured,
            emitted_at=self.story.state.emitted_at,
            late_s=POLICY.late_s,
        )
        order = c.Order(
            command_id=tap.id,
            incident_id=INCIDENT,
            actor=phone.actor,
            occurred_at=time.occurred_at,
            received_at=at,
            late=time.late,
            source="phone",
            command=tap.command,
            seen_version=tap.seen,
        )
        closed = phone.closed_at is not None and time.occurred_at >= phone.closed_at
        return self._take(order, subject=phone.staff, closed_before=closed)


def _subject(who: Actor, command: c.AnyCommand) -> UUID | None:
    return command.staff_id if isinstance(command, c.Offer) else who.staff
