"""One device on one round: six items of 5.1.2.1, photographs, and what is done about the bad ones.

Every step is a command of its own, said on the phone with or without a network, and an event once
it is accepted. A check that is over takes nothing more; what still comes is kept as ``Late``.
Pure: times and what the platform saw come in as values.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from backend.inspection.flow.refused import Refused

ITEMS = ("clean", "wiring", "battery", "works", "place", "fixed")
"""5.1.2.1 a to f, in the order of the standard."""
Item = Literal["clean", "wiring", "battery", "works", "place", "fixed"]
Result = Literal["ok", "bad", "na"]
BY_BUTTON = frozenset({"smoke", "gas", "electric"})
"""▲ Kinds that carry a test button; of the others any fresh reading proves that they work."""

ZONE = ZoneInfo("Asia/Shanghai")
Note = Annotated[str, Meta(max_length=300)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag="inspection_begin", tag_field="name",
            rename="camel"):  # fmt: skip
    """Somebody stands before the device; ``found``: how it was recognised."""

    found: Literal["scan", "typed", "list"] = "list"


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="inspection_item", tag_field="name",
             rename="camel"):  # fmt: skip
    """One of the six. ``shown``: what the phone showed beside it, such as the battery."""

    item: Item
    result: Result
    note: Note = ""
    shown: Annotated[str, Meta(max_length=120)] = ""


class Picture(msgspec.Struct, frozen=True, kw_only=True, tag="inspection_photo", tag_field="name",
              rename="camel"):  # fmt: skip
    """A photograph; ``about``: one of the six, ``whole`` the device, ``after`` the repair."""

    sha256: Sha256
    taken_at: datetime
    about: Literal["clean", "wiring", "battery", "works", "place", "fixed", "whole", "after"]
    caption: Note = ""
    burnt_sha256: Sha256 | None = None
    preview_sha256: Sha256 | None = None
    statement: Annotated[str, Meta(max_length=4000)] | None = None
    signature: Annotated[str, Meta(max_length=200)] | None = None


class Test(msgspec.Struct, frozen=True, kw_only=True, tag="inspection_test", tag_field="name",
           rename="camel"):  # fmt: skip
    """From here on the platform looks for the device's signal."""


class Repair(msgspec.Struct, frozen=True, kw_only=True, tag="inspection_repaired",
             tag_field="name", rename="camel"):  # fmt: skip
    """Put right on the spot: what was done."""

    what: Annotated[str, Meta(min_length=1, max_length=300)]


class HandOver(msgspec.Struct, frozen=True, kw_only=True, tag="inspection_hand_over",
               tag_field="name", rename="camel"):  # fmt: skip
    """It cannot be put right here: a technician is told (5.1.2.2)."""

    what: Note = ""


class Close(msgspec.Struct, frozen=True, kw_only=True, tag="inspection_close", tag_field="name",
            rename="camel"):  # fmt: skip
    """This device is inspected."""


class Left(msgspec.Struct, frozen=True, kw_only=True, tag="inspection_left", tag_field="name",
           rename="camel"):  # fmt: skip
    """The platform's: the device was retired or replaced before anybody came."""

    why: str


class FaultOpened(msgspec.Struct, frozen=True, kw_only=True, tag="fault_opened", tag_field="name",
                  rename="camel"):  # fmt: skip
    """The platform's: what is bad is a fault from this moment (5.1.2.2)."""

    item: Item


class Proved(msgspec.Struct, frozen=True, kw_only=True, tag="proved", tag_field="name",
             rename="camel"):  # fmt: skip
    """The platform's: it saw the device's signal."""

    seen_at: datetime


class Late(msgspec.Struct, frozen=True, kw_only=True, tag="late", tag_field="name", rename="camel"):
    """Said of a check that was over: kept, not counted."""

    said: "Said"


Said = Begin | Answer | Picture | Test | Repair | HandOver | Close
Fact = Said | Left | FaultOpened | Proved | Late


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One accepted step. ``at``: when it was said, UTC; ``m``: metres from the register."""

    fact: Fact
    at: datetime
    by: UUID | None = None
    by_name: str = ""
    m: float | None = None
    accuracy_m: float | None = None
    command_id: UUID | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item as it stands; ``asks_m``: so far from the register that the phone asked."""

    result: Result
    note: str = ""
    shown: str = ""
    asks_m: int | None = None
    at: datetime


class Photo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    sha256: str
    about: str
    preview_sha256: str | None = None
    burnt_sha256: str | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a check stands, folded from its events."""

    state: Literal["open", "begun", "done", "left"] = "open"
    begun_at: datetime | None = None
    found: str | None = None
    items: dict[str, Answered] = {}
    was_bad: tuple[str, ...] = ()
    """Every item that was ever answered bad: a repair does not take it from the record."""
    photos: tuple[Photo, ...] = ()
    tested_at: datetime | None = None
    proved_at: datetime | None = None
    repaired: str | None = None
    repaired_at: datetime | None = None
    handed: str | None = None
    over_at: datetime | None = None
    over_by: str = ""
    applied: frozenset[UUID] = frozenset()

    @property
    def bad(self) -> tuple[str, ...]:
        """Items that are bad now, in the order of the standard."""
        return tuple(i for i in ITEMS if i in self.items and self.items[i].result == "bad")


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """▲ ours: from how many metres a place is asked about, and how long a test is waited for."""

    place_m: float = 30.0
    test_min: float = 10.0

    @property
    def test_window(self) -> timedelta:
        return timedelta(minutes=self.test_min)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A command with who said it, when, and where they stood.

    Args:
        m, accuracy_m: metres between phone and register, and how far the phone may be wrong;
            None without a fix.
        signal_at: the first signal that the platform saw since the test began; only for Close.
        gone: the device was retired or replaced meanwhile.
    """

    command_id: UUID
    said: Said
    at: datetime
    by: UUID
    by_name: str
    m: float | None = None
    accuracy_m: float | None = None
    signal_at: datetime | None = None
    gone: bool = False


def asks(m: float | None, accuracy_m: float | None, policy: Policy) -> bool:
    """Is the device perhaps not where the register says? Only what the fix can really tell.

    >>> asks(45.0, 5.0, Policy()), asks(45.0, 20.0, Policy()), asks(None, None, Policy())
    (True, False, False)
    """
    return m is not None and m - (accuracy_m or 0.0) > policy.place_m


def decide(now: Check, step: Step, policy: Policy) -> tuple[Event, ...]:
    """Accept, repeat or refuse one step.

    Returns:
        The events to append; none when this step was applied before.

    Raises:
        Refused: with what is missing.
    """
    if step.command_id in now.applied:
        return ()
    if now.state in ("done", "left"):
        raise refusal_of(now)
    if step.gone:
        raise Refused("inspection_left")
    said = _event(step, step.said)
    match step.said:
        case Answer(item=item, result="bad") if item not in now.bad:
            return said, _event(step, FaultOpened(item=item), first=False)
        case Answer(result="na", note="", item=item):
            raise Refused("inspection_why", item)
        case Repair() | HandOver() if not now.bad:
            raise Refused("inspection_nothing_bad")
        case Repair() | HandOver() if now.handed is not None:
            raise Refused("inspection_handed")
        case Close():
            return _closing(now, step, policy)
        case _:
            return (said,)


def _closing(now: Check, step: Step, policy: Policy) -> tuple[Event, ...]:
    missing = [item for item in ITEMS if item not in now.items]
    if missing:
        raise Refused("inspection_items", *missing)
    pictured = {photo.about for photo in now.photos}
    bare = [item for item in now.was_bad if item not in pictured]
    if bare or not pictured:
        raise Refused("inspection_photo", *(bare or ["whole"]))
    place = now.items["place"]
    if place.result == "ok" and place.asks_m is not None and not place.note:
        raise Refused("inspection_place", "place", m=place.asks_m)
    if now.bad and now.handed is None and now.repaired is None:
        raise Refused("inspection_owed", *now.bad)
    mended = now.repaired is not None and now.handed is None
    if mended and "after" not in pictured:
        raise Refused("inspection_photo", "after")
    if now.items["works"].result == "ok" or mended:
        return _proved(now, step, policy)
    return (_event(step, step.said),)


def _proved(now: Check, step: Step, policy: Policy) -> tuple[Event, ...]:
    """Closing on the platform's own word that the device works."""
    since = now.tested_at
    if since is None or (now.repaired_at is not None and since < now.repaired_at):
        raise Refused("inspection_test", "works")
    seen = step.signal_at
    if seen is None or not since <= seen <= since + policy.test_window:
        raise Refused("inspection_no_signal", "works", n=round(policy.test_min))
    return _event(step, Proved(seen_at=seen), first=False), _event(step, step.said)


def refusal_of(now: Check) -> Refused:
    """What a check that is over answers to anything new."""
    if now.state == "left" or now.over_at is None:
        return Refused("inspection_left")
    at = now.over_at.astimezone(ZONE)
    return Refused("inspection_done", name=now.over_by, time=f"{at:%m-%d %H:%M}")


def _event(step: Step, fact: Fact, *, first: bool = True) -> Event:
    return Event(
        fact=fact, at=step.at, by=step.by, by_name=step.by_name, m=step.m,
        accuracy_m=step.accuracy_m, command_id=step.command_id if first else None,
    )  # fmt: skip


def evolve(now: Check, event: Event, policy: Policy) -> Check:
    """A check after one more event; an event can always be applied."""
    change = msgspec.structs.replace
    now = change(now, applied=now.applied | {event.command_id} if event.command_id else now.applied)
    if now.state == "open" and not isinstance(event.fact, Late | Left):
        now = change(now, state="begun", begun_at=event.at)
    match event.fact:
        case Begin(found=found):
            return change(now, found=now.found or found)
        case Answer(item=item, result=result, note=note, shown=shown):
            far = asks(event.m, event.accuracy_m, policy) and item == "place"
            answer = Answered(
                result=result, note=note, shown=shown, at=event.at,
                asks_m=round(event.m or 0) if far else None,
            )  # fmt: skip
            bad = item not in now.was_bad and result == "bad"
            return change(
                now, items={**now.items, item: answer},
                was_bad=(*now.was_bad, item) if bad else now.was_bad,
            )  # fmt: skip
        case Picture() as photo:
            taken = Photo(
                sha256=photo.sha256, about=photo.about, preview_sha256=photo.preview_sha256,
                burnt_sha256=photo.burnt_sha256,
            )  # fmt: skip
            return change(now, photos=(*now.photos, taken))
        case Test():
            return change(now, tested_at=event.at, proved_at=None)
        case Repair(what=what):
            return change(now, repaired=what, repaired_at=event.at)
        case HandOver(what=what):
            return change(now, handed=what)
        case Proved(seen_at=seen):
            return change(now, proved_at=seen)
        case Close():
            return change(now, state="done", over_at=event.at, over_by=event.by_name)
        case Left():
            return change(now, state="left", over_at=event.at)
        case _:
            return now


def replay(events: Iterable[Event], policy: Policy) -> Check:
    """A check from all its events."""
    now = Check()
    for event in events:
        now = evolve(now, event, policy)
    return now
