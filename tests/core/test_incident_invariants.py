"""Any order of any commands by anybody, late or twice: what must hold always, holds."""

import typing
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.decide import DECIDE, EVOLVE, Repeated, replay
from backend.incidents.flow.facts import Refusal
from backend.incidents.flow.kinds import KINDS, required_ppe
from backend.incidents.flow.rules import RULES
from backend.incidents.flow.vocabulary import ALERTING, SYSTEM, Actor, Control, Kind, Role, State
from backend.incidents.flow.words import COMMANDS, EVENTS, MISSING, OBLIGATIONS, REFUSALS, STATES
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
    same,
)

OFFICE = Actor(id=f"office:{OFFICES[0].id}", role=Role.OFFICE, name="community")
TECHNICIAN = Actor(id="tech", role=Role.TECHNICIAN, name="tech")
ANYBODY = (SYSTEM, DESK, LEAD, RESIDENT, OFFICE, TECHNICIAN, field(ANNA), field(BEN))
TEXT = st.sampled_from(("", "理由", "x"))
SEVERITY = (
    e.AssessedUncontrollable,
    e.EpisodeAdded,
    e.TrappedChanged,
    e.InjuredChanged,
    e.CordonSet,
)


def a_command(story: Story) -> st.SearchStrategy[c.AnyCommand]:
    """Some command, sensible or not, about what is in the incident."""
    state = story.state
    offers = [o.id for o in state.offers] or [uuid4()]
    reports = [r.id for r in state.reports] or [uuid4()]
    items = [i.code for k in state.kinds for i in KINDS[k].card.items]
    ppe = required_ppe(state.kinds)
    at = story.now

    def some(make: Callable[..., c.AnyCommand], **parts: st.SearchStrategy[Any]) -> Any:
        return st.builds(make, **parts)

    one = st.sampled_from
    return st.one_of(
        some(c.NewAlarm, detector_id=one((DETECTOR, SECOND)), label=st.just("x"),
             kind=one((Kind.SMOKE, Kind.GAS)), quantity=st.just("smoke"), emitted_at=st.just(at),
             household_id=one((HOME, NEXT_DOOR))),
        some(c.DataNormal, detector_id=one((DETECTOR, SECOND)), at=st.just(at),
             normals=st.just(2)),
        some(c.PresentToDesk, desk=st.just("d")), st.just(c.NoDesk()),
        some(c.Offer, offer_id=st.builds(uuid4), staff_id=one((ANNA, BEN)), name_=st.just("n"),
             expires_at=st.just(at + timedelta(seconds=25))),
        some(c.ExpireOffer, offer_id=one(offers)), st.just(c.NobodyLeft()),
        some(c.ReportDelivered, report_id=one(reports)),
        some(c.AcknowledgeReport, report_id=one(reports), reply=TEXT, sent=st.booleans()),
        st.just(c.Claim()),
        some(c.LogCall, contact=TEXT, result=one(("no_answer", "reached"))),
        some(c.PartyReportsFalse, speaker=TEXT, on_spot=st.booleans()),
        some(c.PartyHandled, speaker=TEXT), some(c.PartyCannotHandle, speaker=TEXT),
        st.just(c.PartyUnreachable()), some(c.PartyNeedsRescue, speaker=TEXT),
        some(c.DispatchNow, reason=TEXT), some(c.Reassign, reason=TEXT, to=one((ANNA, BEN, None))),
        some(c.Accept, offer_id=one(offers)),
        some(c.Decline, offer_id=one(offers), reason=st.just("busy")), st.just(c.SelfAssign()),
        st.just(c.Arrived()), some(c.FieldDeclaresFalse, no_photo_reason=TEXT),
        st.just(c.ConfirmReal()),
        some(c.AssessControllable, controllable=st.booleans(), reason=TEXT),
        some(c.ConfirmPpe, items=one(((), tuple(c.PpeItem(code=p, has=True) for p in ppe)))),
        st.just(c.StartHandling()),
        some(c.Tick, card=st.just("B.3"), item=one(items), result=one(("done", "not_possible")),
             reason=TEXT, cause=one((None, "hazard", "well"))),
        st.just(c.Withdraw()), st.just(c.LeaveScene()),
        some(c.ReportTrapped, count=st.integers(-1, 3), outcome=TEXT),
        some(c.ReportInjured, count=st.integers(-1, 3), handed_over=st.integers(0, 3)),
        some(c.LogEmergencyCall, number=one(("119", "120", "110"))),
        some(c.ReportTo, situation=TEXT),
        st.just(c.StartEvacuation()), some(c.CloseEvacuation, unaccounted=st.integers(0, 1)),
        some(c.SetCordon, shape=st.just({"type": "Point", "coordinates": [120.6, 31.3]}),
             radius_m=st.just(50.0)),
        st.just(c.LiftCordon()), some(c.FireCommandTakesOver, commander=TEXT),
        some(c.FireCommandGivesBack, commander=TEXT), st.just(c.FinalCheck()),
        st.just(c.FieldConfirmEliminated()),
        some(c.SubstituteC1, how=one(("replaced", "hand_measured")), evidence=TEXT, second=TEXT),
        some(c.DeskReleaseReal, category=TEXT), st.just(c.DeskReleaseFalse()),
        some(c.DeskOverrulesFalse, reason=TEXT),
        some(c.HandToAuthority, authority=TEXT, acknowledged_by=TEXT),
        some(c.PartyAdvised, kind=one(("handling", "prevention")), way=st.just("spoken")),
        some(c.SubmitFalseReport, cause=TEXT, analysis=st.just("a"), measure=st.just("m")),
        some(c.CommunityReport, state=TEXT),
        some(c.Waive, obligation=st.just("fire_seat"), reason=TEXT),
        some(c.CauseFound, code=TEXT), st.just(c.Archive()),
        some(c.Seal, hash=st.just("h"), previous=st.just("p"), sealed_at=st.just(at)),
        some(c.Addendum, reason=TEXT, text=TEXT, approved_by=TEXT), some(c.Note, text=TEXT),
        some(c.Merge, into=st.just(UUID(int=99))),
        some(c.Split, household_id=one((HOME, NEXT_DOOR))),
        st.just(c.MarkDrill()), some(c.Photo, sha256=one(("a", "b")), taken_at=st.just(at)),
    )  # fmt: skip


class Anything(RuleBasedStateMachine):
    """Whoever sends whatever, whenever."""

    @initialize(kind=st.sampled_from(list(Kind)), at_once=st.booleans())
    def begin(self, kind: Kind, at_once: bool) -> None:
        self.story = Story(kind, at_once=at_once)
        self.fit: dict[UUID, tuple[bool, bool]] = {ANNA: (True, True), BEN: (True, True)}
        self.another_is_open = at_once
        self.orders: list[tuple[c.Order, tuple[e.Event, ...]]] = []

    @rule(
        data=st.data(), who=st.sampled_from(ANYBODY), ago=st.sampled_from((0.0, 0.0, 30.0, 900.0))
    )
    def somebody_does_something(self, data: st.DataObject, who: Actor, ago: float) -> None:
        self._take(who, data.draw(a_command(self.story)), ago)

    @rule(data=st.data(), staff=st.sampled_from((ANNA, BEN)))
    def the_right_person_does_it(self, data: st.DataObject, staff: UUID) -> None:
        """Sensible issuers get further into the graph than chance would."""
        command = data.draw(a_command(self.story))
        roles = RULES[type(command)].roles
        fitting = [a for a in ANYBODY if a.role in roles]
        lead = self.story.state.lead
        mine = [a for a in fitting if a.staff == (lead.staff_id if lead else staff)]
        self._take((mine or fitting)[0], command, 0.0)

    @rule(minutes=st.integers(0, 30))
    def time_passes(self, minutes: int) -> None:
        self.story.now += timedelta(minutes=minutes)

    @rule(staff=st.sampled_from((ANNA, BEN)), fit=st.tuples(st.booleans(), st.booleans()))
    def somebodys_shift_or_qualification_changes(self, staff: UUID, fit: tuple[bool, bool]) -> None:
        self.fit[staff] = fit

    @rule(data=st.data())
    def an_old_tap_is_sent_again(self, data: st.DataObject) -> None:
        if not self.orders:
            return
        order, _ = data.draw(st.sampled_from(self.orders))
        version = self.story.state.version
        assert isinstance(self.story.take(order), Repeated)
        assert self.story.state.version == version

    def _take(self, who: Actor, command: c.AnyCommand, ago: float) -> None:
        story, before = self.story, self.story.state
        story.now += timedelta(seconds=1)
        order = story.order(who, command, ago_s=ago)
        subject = command.staff_id if isinstance(command, c.Offer) else who.staff
        qualified, on_shift = self.fit.get(subject, (True, True)) if subject else (True, True)
        found = story.take(
            order,
            qualified=qualified,
            on_shift=on_shift,
            metres=50.0,
            staff_name="n",
            other_open=self.another_is_open,
            second_person=self.another_is_open,
        )
        if isinstance(found, Refusal):
            assert found.code in REFUSALS, found.code
            return
        assert isinstance(found, tuple)
        if found:
            self.orders.append((order, found))
        for event in found:
            self._event_is_lawful(before, event, qualified, on_shift)

    def _event_is_lawful(
        self, before: Any, event: e.Event, qualified: bool, on_shift: bool
    ) -> None:
        fact, after = event.fact, self.story.state
        assert (event.actor, event.command_id, event.source) is not None  # I17
        assert event.occurred_at <= event.received_at
        if isinstance(fact, e.Offered | e.Accepted):  # I7
            assert qualified
            assert on_shift or before.on_it(event.actor.staff) or event.late
        if isinstance(fact, e.Entered):  # I3
            assert before.ppe[fact.staff_id].ok
        if isinstance(fact, e.Released) and fact.how == "real":  # I2
            assert before.c1 is not None
            assert before.c2 is not None
            assert before.c2.at > before.last_alarm_at
            assert not before.alarming
        if isinstance(fact, e.Merged):
            assert not before.entered
        if isinstance(fact, e.Released):  # released only from two states
            assert before.state in {State.CLEARING, State.STOOD_DOWN}
        if isinstance(fact, e.EpisodeAdded):  # I20
            assert (after.c1, after.c2) == (None, None)
        if before.state is State.ARCHIVED:  # I8
            assert isinstance(fact, e.AddendumAppended | e.AddendumProposed | e.LateRaise)
        if isinstance(fact, e.ArchiveRequested):  # I11 I12 I13
            assert all(o.settled for o in before.obligations)
            assert before.cordon.state != "set"
            assert before.false_by is None or "false_report" in before.met
        if event.late and before.relevant_at and before.relevant_at > event.occurred_at:  # I9
            assert not isinstance(
                fact, e.FalseDeclared | e.AssessedControllable | e.HazardEliminated | e.CordonLifted
            )

    def teardown(self) -> None:
        """I1, once a run: replaying the whole journal gives the same state."""
        if hasattr(self, "story"):
            assert same(replay(self.story.events), self.story.state)

    @invariant()
    def trapped_means_uncontrollable_and_reported(self) -> None:  # I4
        state = self.story.state
        if state.people.trapped > 0 and state.state is not State.ARCHIVED:
            over = state.state in {State.RELEASED, State.ARCHIVED}
            assert over or state.control is not Control.CONTROLLABLE
            assert state.reports

    @invariant()
    def hurt_means_120_or_an_open_alarm(self) -> None:  # I5
        if self.story.state.people.injured > 0:
            assert self.story.state.people.call120 != "not_needed"

    @invariant()
    def at_most_one_open_offer_and_lead(self) -> None:  # I6
        state = self.story.state
        assert sum(o.outcome == "open" for o in state.offers) <= 1
        if state.lead is not None:
            assert all(h.staff_id != state.lead.staff_id for h in state.helpers)

    @invariant()
    def active_exactly_while_alerting(self) -> None:  # I16
        assert self.story.state.alert_active == (self.story.state.state in ALERTING)

    @invariant()
    def there_is_always_something_to_do(self) -> None:  # I18 I19
        state = self.story.state.state
        open_rules = [r for r in RULES.values() if state in r.states]
        assert open_rules
        if state is not State.ARCHIVED:
            assert state in RULES[c.LogEmergencyCall].states

    @invariant()
    def a_journal_row_survives_its_wire_form(self) -> None:
        if self.story.events:
            last = self.story.events[-1]
            assert msgspec.json.decode(msgspec.json.encode(last), type=e.Event) == last


Anything.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnything = Anything.TestCase


def test_every_command_is_decided_and_every_fact_can_be_applied() -> None:
    assert set(typing.get_args(c.AnyCommand)) == set(DECIDE) == set(RULES)
    assert set(typing.get_args(e.AnyFact)) == set(EVOLVE)


def test_every_state_command_and_event_has_words_in_both_languages() -> None:
    assert set(STATES) == {str(s) for s in State if s is not State.NEW}
    assert set(COMMANDS) == {c.name_of_type(command) for command in RULES}
    assert set(EVENTS) == {e.type_name(fact) for fact in EVOLVE}
    owed = {code for k in KINDS.values() for code in (*k.owed_at_raise, *k.owed_when_real)}
    assert owed <= set(OBLIGATIONS)
    for table in (STATES, COMMANDS, EVENTS, REFUSALS, MISSING):
        assert all(words.zh and words.en for words in table.values())


@pytest.mark.clause("1-b")
def test_there_are_seven_kinds_and_no_more() -> None:
    assert {str(k) for k in Kind} == {
        "electric", "gas", "smoke", "structure", "hydrant", "water", "door",
    }  # fmt: skip
    assert set(KINDS) == set(Kind)


def test_every_state_can_be_reached_and_can_reach_the_archive() -> None:
    """A walk over the states that stories and the table allow."""
    story = Story()
    story.released()
    for kind in ("handling", "prevention"):
        story.say(field(ANNA), c.PartyAdvised(kind=kind, way="spoken"))
    story.say(DESK, c.Archive())
    story.say(SYSTEM, c.Seal(hash="h", previous="p", sealed_at=story.now))
    assert story.state.state is State.ARCHIVED
