"""Random histories of one incident, with what the core said to every field command in them.

One JSON line each: ``{"rulebook": …}`` first; ``{"view": …}`` when somebody else moved the
incident; ``{"step": {command, actor, facts, answer, view}}`` for a field command, where ``view`` is
the one after it (absent when nothing happened). Views carry no timeline but the step's own lines.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.decide import decide, replay
from backend.incidents.flow.evacuation import STATUSES
from backend.incidents.flow.facts import Facts, Policy, Refusal
from backend.incidents.flow.handling import buildings
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.kinds import KINDS, required_ppe
from backend.incidents.flow.rules import RULES
from backend.incidents.flow.vocabulary import SYSTEM, Actor, Kind, Role
from backend.incidents.rulebook import rulebook
from backend.incidents.views import entry, incident_view
from tests.core.incident_steps import (
    ANNA,
    BEN,
    DESK,
    DETECTOR,
    HOME,
    LEAD,
    NEXT_DOOR,
    OFFICES,
    RESIDENT,
    SECOND,
    Story,
    field,
)

CAROL = UUID(int=33)
CIRCLE = {"type": "Point", "coordinates": [120.6, 31.3]}
ROUND: dict[str, Any] = {"shape": CIRCLE, "radius_m": 50.0}
PEOPLE = ("p", "q", "home:h")
TEXTS = ("", "理由", "x", " ")


def histories(seed: int, steps: int) -> Iterator[dict[str, Any]]:
    """Lines as above until ``steps`` field commands are in them."""
    rng = random.Random(seed)
    yield {"rulebook": msgspec.Raw(rulebook(Policy()))}
    done = 0
    while done < steps:
        for line in Walk(rng).lines(rng.randint(8, 30)):
            done += "step" in line
            yield line


class Walk:
    """One incident, begun somewhere along its way, and then whatever comes."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.smooth = rng.random() < 0.2
        """Everybody fit, in time and sensible: the far ends of the way are reached."""
        own = {Kind.SMOKE: ("helmet", "x1"), Kind.DOOR: ("badge",)} if rng.random() < 0.2 else {}
        self.story = Story(
            rng.choice(list(Kind)),
            at_once=rng.random() < 0.7,
            equipment=own,
            surroundings=("平江路 14 号",) if rng.random() < 0.3 else (),
        )
        begin = rng.choice(
            (None, "offered", "offered", "helped", "on_scene", "on_scene", "handling", "handling",
             "handling", "clearing", "clearing", "released", "stood_down", "archived")
        )  # fmt: skip
        if begin is not None:
            getattr(self, f"_{begin}")()

    # --- where it begins ------------------------------------------------------------------

    def _offered(self) -> None:
        self.story.offered()

    def _helped(self) -> None:
        """A lead under way, and somebody asked to come as well."""
        self.story.say(field(ANNA), c.Accept(offer_id=self.story.offered()))
        beside = self.story.helper_offered()
        if self.rng.random() < 0.7:
            self.story.say(field(BEN), c.Accept(offer_id=beside))

    def _on_scene(self) -> None:
        self.story.on_scene()
        if self.rng.random() < 0.5:
            self.story.say(field(BEN), c.SelfAssign(), metres=20.0)

    def _handling(self) -> None:
        self.story.handling()

    def _clearing(self) -> None:
        who = self.story.handling()
        for item in (i for k in self.story.state.kinds for i in KINDS[k].card.items):
            for about in buildings(self.story.state) if item.each_building else ("",):
                if item.mandatory:
                    cause = item.causes[0][0] if item.causes else None
                    done = c.Tick(
                        card=item.code[:3], item=item.code, result="done", cause=cause, about=about
                    )
                    self.story.say(who, done)
        self.story.say(who, c.FinalCheck())
        self.story.say(who, c.FieldConfirmEliminated())

    def _released(self) -> None:
        self._clearing()
        self.story.normal()
        self.story.say(DESK, c.DeskReleaseReal(category="real_fire"))

    def _stood_down(self) -> None:
        who = self.story.on_scene()
        self.story.say(who, c.FieldDeclaresFalse(no_photo_reason="看过"))

    def _archived(self) -> None:
        """However many debts its kind leaves, each settled in its own way or waived."""
        self._released()
        if self.story.state.owes("authority_report"):
            self.story.say(DESK, c.AuthorityReport(authority="住建局"))
        for debt in self.story.state.obligations:
            if not debt.settled:
                self.story.say(LEAD, c.Waive(obligation=debt.code, reason="x"))
        if not any(not o.settled for o in self.story.state.obligations):
            self.story.say(DESK, c.Archive())
            at = self.story.now
            self.story.say(SYSTEM, c.Seal(hash="h", previous="p", sealed_at=at))

    # --- and then -------------------------------------------------------------------------

    def lines(self, count: int) -> Iterator[dict[str, Any]]:
        seen = None
        if self.story.state.state in {"released", "archived"}:
            count //= 3
        for _ in range(count):
            if self.rng.random() < 0.1:
                self.story.now += timedelta(seconds=self.rng.choice((5, 400, 4000)))
            if self.rng.random() < 0.2:
                self._somebody_else()
                continue
            if self.story.state is not seen:
                yield {"view": self._view(self.story.state, ())}
            yield {"step": self._field_step()}
            seen = self.story.state

    def _somebody_else(self) -> None:
        """A move of the platform, the desk or the party; refusals change nothing."""
        one, state = self.rng.choice, self.story.state
        command = one(self._others())
        roles = RULES[type(command)].roles
        who: Actor = one([a for a in (SYSTEM, DESK, LEAD, RESIDENT) if a.role in roles])
        kind = self.rng.random() < 0.9 or state.state in {"released", "archived"}
        self.story.try_(who, command, other_open=kind)

    def _others(self) -> list[c.AnyCommand]:
        one, at, text = self.rng.choice, self.story.now, self.rng.choice(TEXTS)
        offers = [o.id for o in self.story.state.offers]
        reports = [r.id for r in self.story.state.reports]
        who = one((ANNA, BEN))
        expires = at + timedelta(seconds=25)
        return [
            c.Offer(offer_id=self._id(), staff_id=who, name_="n", badge="G-1", expires_at=expires,
                    metres=120.0, minutes=2.0),
            c.Offer(offer_id=self._id(), staff_id=who, name_="n", expires_at=expires),
            c.Offer(offer_id=self._id(), staff_id=BEN, name_="n", minutes=4.0, expires_at=expires,
                    helper=True),
            c.CallHelper(reason=text),
            c.NewAlarm(detector_id=one((DETECTOR, SECOND)), label="x",
                       kind=one((Kind.SMOKE, Kind.GAS, Kind.STRUCTURE)), quantity="q",
                       emitted_at=at, household_id=one((HOME, NEXT_DOOR))),
            c.DataNormal(detector_id=one((DETECTOR, SECOND)), at=at, normals=2),
            c.DispatchNow(reason=text), c.Reassign(reason="换人", to=one((ANNA, None))),
            c.PartyHandled(speaker="户主"), c.PartyNeedsRescue(speaker="户主"),
            c.PartyReportsFalse(speaker="户主", on_spot=True), c.PresentToDesk(desk="d"),
            c.DeskOverrulesFalse(reason=text), c.DeskReleaseFalse(),
            c.DeskReleaseReal(category="real_fire"), c.NobodyLeft(),
            c.DrawRoster(people=tuple(self.rng.sample(PEOPLE, 2))),
            *[c.ExpireOffer(offer_id=offer) for offer in offers[-1:]],
            *[c.ReportFailed(report_id=report, reason="x") for report in reports[:1]],
        ]  # fmt: skip

    def _field_step(self) -> dict[str, Any]:
        rng, before = self.rng, self.story.state
        staff = rng.choice((ANNA, ANNA, BEN, CAROL))
        asked = before.open_offer
        wanted = before.lead or asked
        if wanted is not None and rng.random() < 0.8:
            staff = wanted.staff_id
        if before.offers and rng.random() < 0.05:  # somebody asked earlier answers after all
            late = rng.choice(before.offers)
            answer = rng.choice((c.Accept(offer_id=late.id),
                                 c.Decline(offer_id=late.id, reason="busy")))  # fmt: skip
            return self._decided(field(late.staff_id), answer)
        if before.helpers and rng.random() < 0.1:  # who only helps thinks better of it
            to_help = [o for o in before.offers if o.helper]
            if to_help:
                decline = c.Decline(offer_id=to_help[-1].id, reason="unwell")
                return self._decided(field(to_help[-1].staff_id), decline)
        actor = field(staff)
        if rng.random() < 0.02:
            actor = msgspec.structs.replace(actor, staff=None)
        commands = self._field_commands()
        fitting = [cmd for cmd in commands if before.state in RULES[type(cmd)].states]
        # sensible ones get further into the graph than chance would
        way = rng.random() * (0.5 if self.smooth else 1.0)
        if way < 0.35:
            return self._decided(actor, self._next())
        return self._decided(actor, rng.choice(fitting if fitting and way < 0.9 else commands))

    def _decided(self, actor: Actor, command: c.AnyCommand) -> dict[str, Any]:
        """The core's answer, with facts by chance, as a line."""
        rng, before = self.rng, self.story.state
        self.story.now += timedelta(seconds=1)
        ago = 0.0 if self.smooth else rng.choice((0.0, 0.0, 0.0, 30.0, 120.0, 900.0))
        order = self.story.order(actor, command, ago_s=ago, command_id=self._id())
        if not self.smooth and rng.random() < 0.3:  # a phone that has not heard the newest
            seen = max(1, before.version - rng.randint(0, 6))
            order = msgspec.structs.replace(order, seen_version=seen)
        facts = Facts(
            now=self.story.now,
            qualified=self.smooth or rng.random() < 0.97,
            on_shift=self.smooth or rng.random() < 0.9,
            leads_elsewhere=not self.smooth and rng.random() < 0.1,
            disabled_before=rng.random() < 0.1,
            second_person=rng.random() < 0.7,
            staff_name=rng.choice(("", "周建国")),
            badge=rng.choice(("", "G-7")),
            metres=rng.choice((None, 20.0, 20.5, 150.0, 500.0)),
            below_clear=rng.choice((None, True, False)),
            offices=rng.choice(((), OFFICES, OFFICES, OFFICES[:2])),
            new_ids=tuple(self._id() for _ in range(3)),
        )
        found = decide(before, order, facts)
        step = {
            "command": msgspec.to_builtins(command),
            "actor": {"id": actor.id, "name": actor.name, "staffId": actor.staff,
                      "roles": ["field"]},
            "facts": _facts(order, facts),
        }  # fmt: skip
        if isinstance(found, Refusal):
            return step | {"answer": {"refusal": found}}
        assert isinstance(found, tuple)
        self.story.events.extend(found)
        self.story.state = replay(found, before)
        said = {"facts": [msgspec.to_builtins(event.fact) for event in found]}
        after = {"view": self._view(self.story.state, found)} if found else {}
        return step | {"answer": said, **after}

    def _next(self) -> c.AnyCommand:
        """What a sensible lead does next."""
        state = self.story.state
        ppe = tuple(c.PpeItem(code=code, has=True) for code in required_ppe(state.kinds))
        done = {i.item for i in state.items}
        items = [
            i for k in state.kinds for i in KINDS[k].card.items
            if i.code not in done and (set(i.after) <= done or self.rng.random() < 0.1)
        ]  # fmt: skip
        ticks = [
            c.Tick(card=i.code[:3], item=i.code, result="done",
                   cause=i.causes[0][0] if i.causes and self.rng.random() < 0.7 else None)
            for i in items
        ]  # fmt: skip
        fit: dict[str, list[c.AnyCommand]] = {
            "dispatching": [c.Accept(offer_id=o.id) for o in state.offers[-1:]],
            "en_route": [c.Arrived(metres_off=12.0), c.Arrived(), c.ConfirmPpe(items=ppe),
                         *[c.Decline(offer_id=o.id, reason="other") for o in state.offers[-1:]]],
            "on_scene": [c.ConfirmReal(), c.AssessControllable(controllable=True, reason="小"),
                         c.ConfirmPpe(items=ppe), c.StartHandling(), c.FinalCheck(),
                         c.FieldConfirmEliminated(), *ticks],
            "handling": [*ticks, *ticks, c.FinalCheck(), c.FieldConfirmEliminated(), c.CheckIn(),
                         c.HandToAuthority(authority="住建局", acknowledged_by="王",
                                           reason=self.rng.choice(("", "移交"))),
                         c.LeaveScene(), c.Enter(), c.CallHelper(),
                         c.StartEvacuation(), c.SetCordon(**ROUND)],
            "rescue": [c.HandToAuthority(authority="住建局", acknowledged_by="王", reason="移交"),
                       *ticks, c.FinalCheck(), c.FieldConfirmEliminated(), c.RoadCleared(),
                       c.ReportTrapped(count=0, outcome="已救出"), c.ReportTo(),
                       c.ReportTrapped(count=0), c.ReportInjured(count=self.rng.randint(1, 3))],
            "stood_down": [c.SubmitFalseReport(cause="c", analysis="a", measure="m"),
                           c.PartyAdvised(kind="prevention", way="sent")],
            "clearing": [c.LiftCordon(), c.StartEvacuation(), c.SetCordon(**ROUND),
                         c.FireCommandTakesOver(commander="王"), c.CloseEvacuation(),
                         c.SubstituteC1(how="hand_measured", evidence="x", second="y")],
            "released": [c.PartyAdvised(kind="handling", way="spoken"), *ticks],
        }  # fmt: skip
        return self.rng.choice(fit.get(state.state) or [c.SelfAssign()])

    def _field_commands(self) -> list[c.AnyCommand]:
        """One of each field command with arguments by chance, sensible or not."""
        rng, one, state = self.rng, self.rng.choice, self.story.state
        text, other, at = one(TEXTS), one(TEXTS), self.story.now
        offer = one([o.id for o in state.offers] or [self._id()])
        items = [i.code for k in (*state.kinds, Kind.GAS) for i in KINDS[k].card.items]
        ppe = required_ppe(state.kinds, state.equipment)
        worn = rng.sample(ppe, rng.randint(0, len(ppe)))
        shape = one((CIRCLE, CIRCLE, _ring(rng), _ring(rng), _ring(rng), {"type": "Polygon"},
                     {"type": "Line", "coordinates": [1]}, {}))  # fmt: skip
        spots = ((120.6, 31.3), (120.601, 31.3), (31.3, 120.6))
        offices = one((None, (OFFICES[0].id,), (OFFICES[3].id,), (CAROL,), ()))
        commands: list[c.AnyCommand] = [
            c.Accept(offer_id=offer), c.Decline(offer_id=offer, reason="busy", note=text),
            c.SelfAssign(), c.Arrived(metres_off=one((None, 3.5, 400.0))),
            c.FieldDeclaresFalse(detector_photo=one((None, "", "a")), no_photo_reason=text),
            c.ConfirmReal(note=text),
            c.AssessControllable(controllable=one((True, False)), reason=text),
            c.ConfirmPpe(items=tuple(c.PpeItem(code=p, has=one((True, True, False)))
                                     for p in worn)),
            c.StartHandling(), c.Enter(), c.CallHelper(reason=text),
            c.Tick(card="B.3", item=one([*items, "B.9-9"]), result=one(("done", "not_possible")),
                   reason=one((None, text)), value=one((None, 1.5)), photo=one((None, "a")),
                   cause=one((None, "hazard", "well")), about=one(("", "", "隔壁"))),
            c.Withdraw(reason=text), c.LeaveScene(), c.CheckIn(staff=one((None, BEN))),
            c.ReportTrapped(count=rng.randint(-1, 3), outcome=one((None, text)), place=other),
            c.ReportInjured(count=rng.randint(-1, 3), handed_over=rng.randint(-1, 3)),
            c.LogEmergencyCall(number=one(("119", "120", "110"))),
            c.ReportTo(situation=text, offices=offices), c.RoadCleared(),
            c.GuidePosted(person=text, place=other, lat=one((None, 31.3)), lon=one((None, 120.6))),
            c.VehicleArrived(what=text), c.StartEvacuation(),
            c.PersonOut(person_id=one((None, *PEOPLE)), household=text, count=rng.randint(-1, 3),
                        household_id=one((None, HOME)), status=one(STATUSES)),
            c.CloseEvacuation(unaccounted=rng.randint(0, 2), handed_to=one((None, text))),
            c.SetCordon(shape=shape, radius_m=one((None, 50.0, 50.0, 2000.0)),
                        posts=rng.randint(0, 3),
                        post_places=tuple(rng.choices(spots, (8, 8, 1), k=one((0, 0, 2, 21))))),
            c.LiftCordon(), c.FireCommandTakesOver(commander=text),
            c.FireCommandGivesBack(commander=text), c.FinalCheck(note=text),
            c.FieldConfirmEliminated(note=text),
            c.SubstituteC1(how=one(("replaced", "hand_measured")), evidence=text,
                           second=one((None, other, field().id))),
            c.HandToAuthority(authority=text, acknowledged_by=other, reason=one(TEXTS),
                              cycle_d=one((None, 2))),
            c.PartyAdvised(kind=one(("handling", "prevention")), way="spoken"),
            c.SubmitFalseReport(cause=text, analysis=other, measure="m"),
            c.CommunityReport(state=text), c.AuthorityReport(authority=text, by=other),
            c.UnitContacted(unit=text, by=other),
            c.CheckResult(result=text, value=one((None, 0.3))), c.CauseFound(code=text),
            c.Note(text=text), c.Photo(sha256=one(("a", "b")), taken_at=at, caption=text,
                                         preview_sha256=one((None, "p"))),
        ]  # fmt: skip
        assert {type(command) for command in commands} == {
            rule.command for rule in RULES.values() if Role.FIELD in rule.roles
        }, "a field command has no history"
        return commands

    def _view(self, now: Incident, past: tuple[e.Event, ...]) -> Any:
        view = incident_view(
            now,
            (),
            cursor=0,
            live={},
            photos_missing=frozenset({"p", *(p.sha256 for p in now.photos)}),
            roles=frozenset({"field"}),
        )
        return msgspec.structs.replace(view, timeline=[entry(event) for event in past])

    def _id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)


def _ring(rng: random.Random) -> dict[str, Any]:
    """A closed line that may cross itself, be tiny, huge, open, of too many corners or swapped."""
    metre = rng.choice((1e-5, 1e-5, 1e-5, 1e-4, 1e-6, 3e-3))
    corners = [
        [120.6 + rng.randint(-9, 9) * metre, 31.3 + rng.randint(-9, 9) * metre]
        for _ in range(rng.choice((2, 3, 3, 4, 4, 5, 6, 70)))
    ]
    if rng.random() < 0.1:
        corners = [[lat, lon] for lon, lat in corners]
    ring = corners if rng.random() < 0.1 else [*corners, corners[0]]
    return {"type": "Polygon", "coordinates": [ring] if rng.random() < 0.95 else [ring, ring]}


def _facts(order: c.Order, facts: Facts) -> dict[str, Any]:
    """The facts as the phone's rules name them."""
    return {
        "occurredAt": order.occurred_at,
        "now": facts.now,
        "late": order.late,
        "seenVersion": order.seen_version,
        "qualified": facts.qualified,
        "onShift": facts.on_shift,
        "leadsElsewhere": facts.leads_elsewhere,
        "disabledBefore": facts.disabled_before,
        "secondPerson": facts.second_person,
        "staffName": facts.staff_name,
        "badge": facts.badge,
        "metres": facts.metres,
        "belowClear": facts.below_clear,
        "offices": facts.offices,
        "newIds": facts.new_ids,
    }
