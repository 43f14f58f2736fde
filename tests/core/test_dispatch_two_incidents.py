"""Several incidents want the same few people: nobody leads two, nobody is asked about two."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from backend.dispatch.flow.choosing import Choice, Person, Policy, choose
from backend.incidents.flow import commands as c
from backend.incidents.flow.facts import Refusal
from backend.incidents.flow.rules import ANSWERING
from backend.incidents.flow.vocabulary import SYSTEM, State
from backend.incidents.journal import BUSY_STATES
from geo.point import Point
from tests.core.incident_steps import DESK, DETECTOR, LEAD, Story, field

PEOPLE = tuple(UUID(int=900 + n) for n in range(3))
INCIDENTS = st.integers(0, 2)
WHO = st.sampled_from(PEOPLE)


def leads(story: Story) -> UUID | None:
    """What the journal's projection says; its unique index is on this."""
    lead = story.state.lead
    return lead.staff_id if lead is not None and story.state.state in BUSY_STATES else None


def asks(story: Story) -> UUID | None:
    offer = story.state.open_offer
    return offer.staff_id if offer is not None and story.state.state in ANSWERING else None


class TwoIncidents(RuleBasedStateMachine):
    """Three incidents and three people. A choice may be carried out when it is old already."""

    @initialize()
    def alarms(self) -> None:
        self.stories = [Story() for _ in range(3)]
        for story in self.stories:
            if not story.state.dispatch_open:
                story.say(SYSTEM, c.DispatchNow(reason="kind_rule"))
        self.looks: list[tuple[int, Choice]] = []

    def others(self, n: int) -> list[Story]:
        return [story for m, story in enumerate(self.stories) if m != n]

    def facts(self, n: int, who: UUID | None) -> dict[str, Any]:
        """As the shell looks them up, in the transaction that holds the person."""
        return {
            "leads_elsewhere": any(leads(story) == who for story in self.others(n) if who),
            "asked_elsewhere": any(asks(story) == who for story in self.others(n) if who),
            "metres": 5.0,
        }

    def people(self, n: int) -> list[Person]:
        others = self.others(n)
        return [
            Person(
                staff_id=who, name=str(who.int), badge="", qualified=True, post=Point(31.3, 120.6),
                leads=next((s.state.no for s in others if leads(s) == who), None),
                asked=next((s.state.no for s in others if asks(s) == who), None),
            )
            for who in PEOPLE
        ]  # fmt: skip

    @rule(n=INCIDENTS, preferred=st.none() | WHO)
    def look(self, n: int, preferred: UUID | None) -> None:
        now = self.stories[n].state
        on_it = {one.staff_id for one in (now.lead, *now.helpers) if one is not None}
        choice = choose(
            Point(31.3, 120.6), self.people(n), tried=now.tried | on_it,
            preferred=now.preferred or preferred, now=self.stories[n].now, policy=Policy(),
        )  # fmt: skip
        self.looks.append((n, choice))

    @rule(at=st.integers(0, 9))
    def offer(self, at: int) -> None:
        """Carry out one of the looks, however old it is."""
        if not self.looks:
            return
        n, choice = self.looks.pop(at % len(self.looks))
        story = self.stories[n]
        if choice.chosen is None:
            story.try_(SYSTEM, c.NobodyLeft())
            return
        who = choice.chosen.staff_id
        asked = c.Offer(
            offer_id=uuid4(), staff_id=who, name_="n", helper=story.state.lead is not None,
            expires_at=story.now + timedelta(seconds=25),
        )  # fmt: skip
        story.try_(SYSTEM, asked, **self.facts(n, who))

    @rule(n=INCIDENTS, m=INCIDENTS)
    def two_nodes_look_at_once(self, n: int, m: int) -> None:
        for one in (n, m):
            self.look(n=one, preferred=None)
        for _ in (n, m):
            self.offer(at=len(self.looks) - 1)

    @rule(n=INCIDENTS, yes=st.booleans())
    def answer(self, n: int, yes: bool) -> None:
        offer = self.stories[n].state.open_offer
        if offer is not None:
            said = (
                c.Accept(offer_id=offer.id) if yes else c.Decline(offer_id=offer.id, reason="busy")
            )
            who = offer.staff_id
            self.stories[n].try_(field(who), said, **self.facts(n, who))

    @rule(n=INCIDENTS)
    def time_passes(self, n: int) -> None:
        story = self.stories[n]
        story.now += timedelta(seconds=26)
        offer = story.state.open_offer
        if offer is not None:
            story.try_(SYSTEM, c.ExpireOffer(offer_id=offer.id))

    @rule(n=INCIDENTS, who=WHO)
    def somebody_is_at_the_door(self, n: int, who: UUID) -> None:
        self.stories[n].try_(field(who), c.SelfAssign(), **self.facts(n, who))

    @rule(n=INCIDENTS, to=st.none() | WHO, by=st.sampled_from([DESK, LEAD]))
    def the_desk_wants_somebody_else(self, n: int, to: UUID | None, by: Any) -> None:
        self.stories[n].try_(by, c.Reassign(reason="换人", to=to), **self.facts(n, to))

    @rule(n=INCIDENTS)
    def false_alarm(self, n: int) -> None:
        story = self.stories[n]
        lead = story.state.lead
        if lead is not None:
            story.try_(field(lead.staff_id), c.Arrived(metres_off=1))
            said = c.FieldDeclaresFalse(no_photo_reason="看过")
            story.try_(field(lead.staff_id), said)
            story.try_(SYSTEM, c.DataNormal(detector_id=DETECTOR, at=story.now, normals=3))

    @rule(n=INCIDENTS)
    def it_alarms_again(self, n: int) -> None:
        story = self.stories[n]
        again = c.NewAlarm(
            detector_id=DETECTOR, label="x", kind=story.state.kind, quantity="smoke",
            value=9.0, limit=2.0, emitted_at=story.now, household_id=None,
        )  # fmt: skip
        lead = story.state.lead
        concerned = lead.staff_id if story.state.state is State.STOOD_DOWN and lead else None
        story.try_(SYSTEM, again, **self.facts(n, concerned))

    @invariant()
    def nobody_leads_two(self) -> None:
        leading = [leads(story) for story in self.stories]
        found = [who for who in leading if who is not None]
        assert len(found) == len(set(found)), found

    @invariant()
    def nobody_is_asked_about_two(self) -> None:
        asked = [who for story in self.stories if (who := asks(story)) is not None]
        assert len(asked) == len(set(asked)), asked


TwoIncidents.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
test_nobody_leads_two_or_is_asked_about_two_in_any_order_of_looks_and_taps = pytest.mark.clause(
    "6.2.3-c"
)(TwoIncidents.TestCase)


def test_a_lead_called_false_who_leads_something_else_now_is_not_called_back() -> None:
    story = Story()
    who = story.on_scene()
    story.say(who, c.FieldDeclaresFalse(no_photo_reason="看过"))
    story.say(SYSTEM, c.DataNormal(detector_id=DETECTOR, at=story.now, normals=3))
    assert story.state.state is State.STOOD_DOWN
    again = c.NewAlarm(
        detector_id=DETECTOR, label="x", kind=story.state.kind, quantity="smoke", value=9.0,
        limit=2.0, emitted_at=story.now, household_id=None,
    )  # fmt: skip
    story.say(SYSTEM, again, leads_elsewhere=True)
    assert story.state.lead is None, "somebody else has to come"
    assert story.state.dispatch_open


def test_the_desk_is_told_why_its_choice_cannot_be_asked() -> None:
    story = Story()
    story.offered(PEOPLE[0])
    wants = c.Reassign(reason="更熟悉", to=PEOPLE[1])
    for fact, code in (
        ({"qualified": False}, "not_qualified"),
        ({"on_shift": False}, "off_shift"),
        ({"leads_elsewhere": True}, "leads_elsewhere"),
        ({"asked_elsewhere": True}, "asked_elsewhere"),
    ):
        assert story.refused(DESK, wants, staff_name="李明", **fact).code == code
        assert story.state.open_offer is not None, "who was asked is still asked"


def test_the_desks_choice_ends_the_standing_offer_and_the_round_goes_on() -> None:
    story = Story()
    story.offered(PEOPLE[0])
    story.say(DESK, c.Reassign(reason="更熟悉", to=PEOPLE[1]))
    now = story.state
    assert (now.preferred, now.open_offer, now.round) == (PEOPLE[1], None, 1)
    assert now.tried == {PEOPLE[0]}, "who was asked is not asked again in this round"
    assert now.offers[0].reason == "reassigned"


def test_only_the_desk_lead_has_somebody_asked_twice_in_a_round() -> None:
    story = Story()
    offer_id = story.offered(PEOPLE[0])
    story.say(field(PEOPLE[0]), c.Decline(offer_id=offer_id, reason="busy"))
    again = c.Reassign(reason="电话里已答应", to=PEOPLE[0])
    assert story.refused(DESK, again).code == "lead_opens_round"
    story.say(LEAD, again)
    assert (story.state.round, story.state.preferred) == (2, PEOPLE[0])
    assert PEOPLE[0] not in story.state.tried


def test_who_the_incident_is_taken_from_is_not_asked_in_the_round_that_follows() -> None:
    story = Story()
    story.on_scene(PEOPLE[0])
    story.say(DESK, c.Reassign(reason="受伤"))
    assert story.state.tried == {PEOPLE[0]}
    offer = c.Offer(offer_id=uuid4(), staff_id=PEOPLE[0], name_="n", expires_at=story.now)
    assert story.refused(SYSTEM, offer).code == "asked_already"


def test_who_is_inside_when_the_incident_is_given_to_somebody_else_stays_watched() -> None:
    story = Story()
    who = story.handling()
    assert who.staff is not None
    assert who.staff in story.state.entered
    story.say(DESK, c.Reassign(reason="换班"))
    assert story.state.lead is None
    assert who.staff in story.state.entered, "their signs of life are still waited for"
    assert story.state.on_it(who.staff)
    story.say(who, c.LeaveScene())
    assert who.staff not in story.state.entered


def test_the_desk_cannot_give_it_to_who_has_it() -> None:
    story = Story()
    story.on_scene(PEOPLE[0])
    found = story.refused(DESK, c.Reassign(reason="x", to=PEOPLE[0]))
    assert isinstance(found, Refusal)
    assert found.code == "on_it_already"
