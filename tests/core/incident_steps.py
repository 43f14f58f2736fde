"""Short words for tests of the incident's core: make an order, take it, look at the state."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID, uuid4

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.decide import Repeated, decide, replay
from backend.incidents.flow.facts import Facts, Policy, Refusal
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import required_ppe
from backend.incidents.flow.rules import TABLE
from backend.incidents.flow.vocabulary import (
    SYSTEM,
    Actor,
    Handling,
    Kind,
    OfficeRef,
    Place,
    Role,
    Urgency,
)

P = ParamSpec("P")
_BY_CODE = {rule.code: rule.command for rule in TABLE}
ORDERED: set[type[c.Command]] = set()
"""Commands that reached the core since the story began."""
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
INCIDENT = UUID(int=1)
HOME, NEXT_DOOR = UUID(int=11), UUID(int=12)
DETECTOR, SECOND = UUID(int=21), UUID(int=22)
ANNA, BEN = UUID(int=31), UUID(int=32)
OFFICES = tuple(
    OfficeRef(id=UUID(int=40 + n), name=kind, kind=kind)
    for n, kind in enumerate(("community", "street", "fire", "emergency"))
)
DESK = Actor(id="desk-1", role=Role.DESK, name="沈静")
LEAD = Actor(id="lead-1", role=Role.DESK_LEAD, name="顾航")
RESIDENT = Actor(id=f"household:{HOME}", role=Role.RESIDENT, name="当事人")


def field(staff: UUID = ANNA) -> Actor:
    return Actor(id=f"account-{staff.int}", role=Role.FIELD, name=f"staff {staff.int}", staff=staff)


class Story:
    """One incident under test with its journal and a clock in hand."""

    def __init__(
        self,
        kind: Kind = Kind.SMOKE,
        *,
        at_once: bool = True,
        handling: Handling = Handling.ACTUAL,
        **raised: Any,
    ) -> None:
        self.now = START
        self.events: list[e.Event] = []
        self.state = Incident()
        self.say(
            SYSTEM,
            c.RaiseAlert(
                no="20260302-0001",
                kind=kind,
                urgency=Urgency.EMERGENCY,
                handling=handling,
                place=Place(address="平江路 12 号", lat=31.3, lon=120.6, household_id=HOME),
                detector_id=DETECTOR,
                label="厨房",
                quantity="smoke",
                emitted_at=START,
                at_once=at_once,
                **raised,
            ),
        )

    def order(
        self,
        actor: Actor,
        command: c.AnyCommand,
        *,
        ago_s: float = 0.0,
        command_id: UUID | None = None,
    ) -> c.Order:
        occurred = max(START, self.now - timedelta(seconds=ago_s))
        return c.Order(
            command_id=command_id or uuid4(),
            incident_id=INCIDENT,
            actor=actor,
            occurred_at=occurred,
            received_at=self.now,
            late=(self.now - occurred).total_seconds() > Policy().late_s,
            source="test",
            command=command,
        )

    def try_(
        self, actor: Actor, command: c.AnyCommand, *, ago_s: float = 0.0, **facts: Any
    ) -> tuple[e.Event, ...] | Refusal | Repeated:
        """Take an order whatever comes of it; one second passes first."""
        self.now += timedelta(seconds=1)
        return self.take(self.order(actor, command, ago_s=ago_s), **facts)

    def take(self, order: c.Order, **facts: Any) -> tuple[e.Event, ...] | Refusal | Repeated:
        known = Facts(
            now=self.now,
            offices=OFFICES,
            new_ids=tuple(uuid4() for _ in range(12)),
            **facts,
        )
        ORDERED.add(type(order.command))
        found = decide(self.state, order, known)
        if isinstance(found, tuple):
            self.events.extend(found)
            self.state = replay(found, self.state)
        return found

    def say(
        self, actor: Actor, command: c.AnyCommand, *, ago_s: float = 0.0, **facts: Any
    ) -> tuple[e.Event, ...]:
        """An order that must be accepted; gives its events."""
        found = self.try_(actor, command, ago_s=ago_s, **facts)
        assert isinstance(found, tuple), (command, found)
        return found

    def refused(
        self, actor: Actor, command: c.AnyCommand, *, ago_s: float = 0.0, **facts: Any
    ) -> Refusal:
        found = self.try_(actor, command, ago_s=ago_s, **facts)
        assert isinstance(found, Refusal), (command, found)
        return found

    def happened(self, fact: type[e.Fact]) -> bool:
        return any(isinstance(event.fact, fact) for event in self.events)

    # --- usual stretches of the way ------------------------------------------------------

    def offered(self, staff: UUID = ANNA) -> UUID:
        if not self.state.dispatch_open:
            self.say(SYSTEM, c.DispatchNow(reason="kind_rule"))
        offer_id = uuid4()
        self.say(
            SYSTEM,
            c.Offer(
                offer_id=offer_id,
                staff_id=staff,
                name_=f"staff {staff.int}",
                expires_at=self.now + timedelta(seconds=25),
            ),
        )
        return offer_id

    def helper_offered(self, staff: UUID = BEN) -> UUID:
        """Somebody asked to come beside the lead."""
        if not self.state.helper_wanted:
            self.say(DESK, c.CallHelper(reason="人手不够"))
        offer_id = uuid4()
        expires = self.now + timedelta(seconds=25)
        asked = c.Offer(offer_id=offer_id, staff_id=staff, name_=f"staff {staff.int}",
                        expires_at=expires, helper=True)  # fmt: skip
        self.say(SYSTEM, asked)
        return offer_id

    def on_scene(self, staff: UUID = ANNA) -> Actor:
        offer_id = self.offered(staff)
        self.say(field(staff), c.Accept(offer_id=offer_id))
        self.say(field(staff), c.Arrived(metres_off=3.0))
        return field(staff)

    def equipped(self, who: Actor) -> None:
        items = tuple(
            c.PpeItem(code=code, has=True)
            for code in required_ppe(self.state.kinds, self.state.equipment)
        )
        self.say(who, c.ConfirmPpe(items=items))

    def handling(self) -> Actor:
        who = self.on_scene()
        self.say(who, c.ConfirmReal())
        self.say(who, c.AssessControllable(controllable=True))
        self.equipped(who)
        self.say(who, c.StartHandling())
        return who

    def done(self, who: Actor, *items: str) -> None:
        for item in items:
            self.say(who, c.Tick(card=item[:3], item=item, result="done"))

    def clearing(self) -> Actor:
        who = self.handling()
        self.done(who, "B.3-2", "B.3-3", "B.3-4", "B.3-5")
        self.say(who, c.FinalCheck())
        self.say(who, c.FieldConfirmEliminated())
        return who

    def normal(self, detector: UUID = DETECTOR) -> None:
        self.say(SYSTEM, c.DataNormal(detector_id=detector, at=self.now, normals=2))

    def alarm(
        self, detector: UUID = SECOND, kind: Kind = Kind.SMOKE, home: UUID | None = None
    ) -> tuple[e.Event, ...]:
        return self.say(
            SYSTEM,
            c.NewAlarm(
                detector_id=detector,
                label="客厅",
                kind=kind,
                quantity="smoke",
                emitted_at=self.now,
                household_id=home,
            ),
        )

    def released(self) -> Actor:
        who = self.clearing()
        self.normal()
        self.say(DESK, c.DeskReleaseReal(category="real_fire"))
        return who


def same(a: Incident, b: Incident) -> bool:
    return msgspec.json.encode(msgspec.to_builtins(a, str_keys=True)) == msgspec.json.encode(
        msgspec.to_builtins(b, str_keys=True)
    )


def tells(*rules: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Mark a story with the rules it tells; one that never orders their commands fails."""

    def marked(story: Callable[P, None]) -> Callable[P, None]:
        @wraps(story)
        def told(*args: P.args, **kwargs: P.kwargs) -> None:
            ORDERED.clear()
            story(*args, **kwargs)
            untold = [code for code in rules if _BY_CODE[code] not in ORDERED]
            assert untold == [], f"the story never comes to {untold}"

        told.tells = rules  # type: ignore[attr-defined]
        return told

    return marked
