"""A technician's work on one device: one 24-hour clock over plan and doing (5.1.2.2, T30). Pure.

The clock begins with the notice to the technician and stops when the work is said to be done. At
20 h (▲) it warns, past 24 h it is a breach, which stays on the record whatever comes after.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.inspection.flow.refused import Refused

Text = Annotated[str, Meta(min_length=1, max_length=300)]


class Plan(msgspec.Struct, frozen=True, kw_only=True, tag="repair_plan", tag_field="name",
           rename="camel"):  # fmt: skip
    """How it will be put right."""

    what: Text


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="repair_done", tag_field="name",
           rename="camel"):  # fmt: skip
    """What was done; the clock stops."""

    what: Text


class Overrun(msgspec.Struct, frozen=True, kw_only=True, tag="repair_overrun", tag_field="name",
              rename="camel"):  # fmt: skip
    """Why it took more than 24 hours, and until when it will be done."""

    reason: Text
    new_on: date


class Confirm(msgspec.Struct, frozen=True, kw_only=True, tag="repair_confirm", tag_field="name",
              rename="camel"):  # fmt: skip
    """Tested, and good."""


class NotGood(msgspec.Struct, frozen=True, kw_only=True, tag="repair_not_good", tag_field="name",
              rename="camel"):  # fmt: skip
    """Tested, and not good: the work goes on, under the same clock."""

    why: Text


class Noticed(msgspec.Struct, frozen=True, kw_only=True, tag="noticed", tag_field="name",
              rename="camel"):  # fmt: skip
    """The platform's: the technicians were told; the clock begins."""

    what: str
    items: tuple[str, ...]


class Warned(msgspec.Struct, frozen=True, kw_only=True, tag="warned", tag_field="name",
             rename="camel"):  # fmt: skip
    """The platform's: 20 hours have passed."""


class Breached(msgspec.Struct, frozen=True, kw_only=True, tag="breached", tag_field="name",
               rename="camel"):  # fmt: skip
    """The platform's: 24 hours have passed and it was not done."""


class Dropped(msgspec.Struct, frozen=True, kw_only=True, tag="dropped", tag_field="name",
              rename="camel"):  # fmt: skip
    """The platform's: the device was retired or replaced."""

    why: str


Said = Plan | Done | Overrun | Confirm | NotGood
Fact = Said | Noticed | Warned | Breached | Dropped


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One accepted step; ``at`` is the platform's time, UTC."""

    fact: Fact
    at: datetime
    by: UUID | None = None
    by_name: str = ""
    command_id: UUID | None = None


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """24 h of the standard; 20 h and the test's lead are ours (▲)."""

    within: timedelta = timedelta(hours=24)
    warn: timedelta = timedelta(hours=20)
    test_lead: timedelta = timedelta(minutes=10)
    """A test made shortly before the word "done" counts as the test of the work."""


class Repair(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a repair stands, folded from its events."""

    state: Literal["noticed", "planned", "done", "closed", "dropped"] = "noticed"
    noticed_at: datetime | None = None
    plan: str | None = None
    planned_at: datetime | None = None
    done: str | None = None
    done_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    overrun: str | None = None
    new_on: date | None = None
    over_at: datetime | None = None
    applied: frozenset[UUID] = frozenset()

    @property
    def runs(self) -> bool:
        """Is the clock running?"""
        return self.state in ("noticed", "planned")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A command with who said it; ``signal_at``: the device's newest signal, for Confirm."""

    command_id: UUID
    said: Said
    at: datetime
    today: date
    by: UUID
    by_name: str
    signal_at: datetime | None = None


def tick(now: Repair, at: datetime, clock: Clock) -> tuple[Event, ...]:
    """What the clock itself says at an instant: a warning, a breach, or nothing."""
    if not now.runs or now.noticed_at is None:
        return ()
    events: list[Event] = []
    if now.warned_at is None and at >= now.noticed_at + clock.warn:
        events.append(Event(fact=Warned(), at=at))
    if now.breached_at is None and at > now.noticed_at + clock.within:
        events.append(Event(fact=Breached(), at=at))
    return tuple(events)


def decide(now: Repair, step: Step, clock: Clock) -> tuple[Event, ...]:
    """Accept, repeat or refuse one step; what the clock says by then comes first.

    Raises:
        Refused: not now, or something is owed before it.
    """
    if step.command_id in now.applied:
        return ()
    if now.state in ("closed", "dropped"):
        raise Refused("repair_over")
    late = tick(now, step.at, clock)
    breached = now.breached_at is not None or any(isinstance(e.fact, Breached) for e in late)
    match step.said:
        case Confirm() | NotGood() if now.state != "done":
            raise Refused("repair_not_done")
        case Plan() | Done() | Overrun() if now.state == "done":
            raise Refused("repair_is_done")
        case Confirm():
            begun = (now.done_at or step.at) - clock.test_lead
            if step.signal_at is None or step.signal_at < begun:
                raise Refused("repair_no_signal")
        case Done() if now.plan is None:
            raise Refused("repair_plan_first")
        case Done() if breached and now.overrun is None:
            raise Refused("repair_overrun")
        case Overrun() if not breached:
            raise Refused("repair_not_over")
        case Overrun(new_on=new_on) if new_on < step.today:
            raise Refused("repair_date")
        case _:
            pass
    return (
        *late,
        Event(
            fact=step.said, at=step.at, by=step.by, by_name=step.by_name,
            command_id=step.command_id,
        ),
    )  # fmt: skip


def evolve(now: Repair, event: Event) -> Repair:
    """A repair after one more event; an event can always be applied."""
    change = msgspec.structs.replace
    now = change(now, applied=now.applied | {event.command_id} if event.command_id else now.applied)
    match event.fact:
        case Noticed():
            return change(now, noticed_at=event.at)
        case Plan(what=what):
            return change(now, state="planned", plan=what, planned_at=event.at)
        case Done(what=what):
            return change(now, state="done", done=what, done_at=event.at)
        case NotGood():
            return change(now, state="planned", done=None, done_at=None)
        case Overrun(reason=reason, new_on=new_on):
            return change(now, overrun=reason, new_on=new_on)
        case Warned():
            return change(now, warned_at=event.at)
        case Breached():
            return change(now, breached_at=event.at)
        case Confirm():
            return change(now, state="closed", over_at=event.at)
        case Dropped():
            return change(now, state="dropped", over_at=event.at)


def replay(events: Iterable[Event]) -> Repair:
    """A repair from all its events."""
    now = Repair()
    for event in events:
        now = evolve(now, event)
    return now
