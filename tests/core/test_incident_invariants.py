"""Any order of any commands by anybody, late, lost, twice: what must hold always, holds.

``JIEAN_DEEP=20`` runs twenty times as many histories, each time others.
"""

import os
import random
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.decide import Repeated, decide, replay
from backend.incidents.flow.facts import Facts, Refusal, Rule
from backend.incidents.flow.rules import RULES, TABLE
from backend.incidents.flow.vocabulary import ALERTING, OPEN, Actor, Control, Kind, State
from backend.incidents.flow.words import REFUSALS
from tests.core.incident_commands import INDOORS, MAKERS
from tests.core.incident_phones import Phone, Taken, Town
from tests.core.incident_steps import ANNA, BEN, DESK, LEAD, RESIDENT, field, same
from tests.core.incident_ways import next_steps, small_stories, turns

DEEP = int(os.environ.get("JIEAN_DEEP", "1"))
SHRINK = os.environ.get("JIEAN_SHRINK", "1") == "1"
REACHED: Counter[tuple[str, str]] = Counter()
"""(rule, "accepted" or "refused") → how often, over the whole run."""
EDGES: defaultdict[tuple[State, State], set[str]] = defaultdict(set)
"""From which state to which, and by which rules, as seen."""
RELEASING = {State.CLEARING, State.STOOD_DOWN}
"""From where an incident is released, but for one merged into another and a drill ended."""
CHANGES = (
    e.EpisodeAdded,
    e.LeadReleased,
    e.AssessedControllable,
    e.AssessedUncontrollable,
    e.InjuredChanged,
    e.CordonSet,
)
LOWERING = (e.FalseDeclared, e.AssessedControllable, e.HazardEliminated, e.CordonLifted)
BEGINNINGS = (
    "", "", "offered", "en_route", "on_scene", "handling", "handling", "clearing", "released",
    "archived",
)  # fmt: skip


class Anything(RuleBasedStateMachine):
    """Whoever sends whatever, whenever, from wherever."""

    @initialize(
        kind=st.sampled_from(list(Kind)),
        at_once=st.booleans(),
        drill=st.booleans(),
        begin=st.sampled_from(BEGINNINGS),
    )
    def begin(self, kind: Kind, at_once: bool, drill: bool, begin: str) -> None:
        self.town = Town(kind, at_once=at_once)
        self.story = self.town.story
        REACHED["L1", "accepted"] += 1
        if drill:
            self._indoors(LEAD, c.MarkDrill())
        for _ in range(60):
            if not begin or self.story.state.state == begin or self._offered(begin):
                break
            self._one_step()

    def _offered(self, begin: str) -> bool:
        return begin == "offered" and self.story.state.open_offer is not None

    def _one_step(self) -> bool:
        """The first sensible step that is accepted; False where none is."""
        for who, command in next_steps(self.story):
            taken = self._indoors(who, command)
            if isinstance(taken.found, tuple) and taken.found:
                return True
        return False

    # --- what happens ---------------------------------------------------------------------

    @rule(data=st.data(), who=st.sampled_from(INDOORS))
    def somebody_indoors_does_something(self, data: st.DataObject, who: Actor) -> None:
        self._indoors(who, self._some_command(data))

    @rule(data=st.data())
    def the_right_role_does_another_thing(self, data: st.DataObject) -> None:
        self.the_right_role_does_it(data)

    @rule(data=st.data())
    def the_right_role_does_it(self, data: st.DataObject) -> None:
        """Sensible issuers get further into the graph than chance would."""
        state = self.story.state.state
        fit = [kind for kind in MAKERS if state in RULES[kind].states]
        command = self._some_command(data, fit)
        fitting = [a for a in (*INDOORS, field(ANNA)) if a.role in RULES[type(command)].roles]
        lead = self.story.state.lead
        mine = [field(lead.staff_id)] if lead and fitting[-1].staff else []
        self._indoors((mine or fitting)[0], command)

    @precondition(lambda self: self.story.state.state is not State.ARCHIVED)
    @rule()
    def people_who_mean_well_go_on(self) -> None:
        self._one_step()

    @rule(data=st.data())
    def the_day_takes_a_turn(self, data: st.DataObject) -> None:
        self._indoors(*data.draw(st.sampled_from(turns(self.story))))

    @rule(data=st.data())
    def a_small_story_happens(self, data: st.DataObject) -> None:
        stories = small_stories(self.story)
        for who, command in stories[data.draw(st.sampled_from(sorted(stories)))]:
            self._indoors(who, command)

    @rule(data=st.data())
    def somebody_tries_what_is_not_their_role(self, data: st.DataObject) -> None:
        command = self._some_command(data)
        others = [a for a in (*INDOORS, field(BEN)) if a.role not in RULES[type(command)].roles]
        taken = self._indoors(data.draw(st.sampled_from(others)), command)
        assert isinstance(taken.found, Refusal)
        assert taken.found.code == "not_your_role"

    @rule(data=st.data(), staff=st.sampled_from((ANNA, BEN)))
    def somebody_taps(self, data: st.DataObject, staff: Any) -> None:
        phone = self.town.phones[staff]
        self.town.tap(phone, self._some_command(data))
        if phone.online:
            self._deliver(phone)

    @rule(
        staff=st.sampled_from((ANNA, BEN)),
        torn=st.sampled_from((None, 1, 2)),
        reply_lost=st.booleans(),
        reversed_=st.sampled_from((False, False, True)),
    )
    def the_network_comes(
        self, staff: Any, torn: int | None, reply_lost: bool, reversed_: bool
    ) -> None:
        phone = self.town.phones[staff]
        phone.online = not reply_lost and torn is None
        self._deliver(phone, torn_after=torn, reply_lost=reply_lost, reversed_=reversed_)

    @rule(staff=st.sampled_from((ANNA, BEN)))
    def the_network_goes(self, staff: Any) -> None:
        self.town.phones[staff].online = False

    @rule(staff=st.sampled_from((ANNA, BEN)), s=st.sampled_from((0, 37, -240, 86_400, -86_400)))
    def a_phones_clock_is_set_wrong(self, staff: Any, s: int) -> None:
        self.town.phones[staff].ahead = timedelta(seconds=s)

    @rule(staff=st.sampled_from((ANNA, BEN)), fit=st.tuples(st.booleans(), st.booleans()))
    def a_shift_ends_or_a_qualification_lapses(self, staff: Any, fit: tuple[bool, bool]) -> None:
        phone = self.town.phones[staff]
        phone.qualified, phone.on_shift = fit

    @rule(staff=st.sampled_from((ANNA, BEN)), closed=st.booleans())
    def an_account_is_closed_or_opened(self, staff: Any, closed: bool) -> None:
        self.town.phones[staff].closed_at = self.story.now if closed else None

    @rule(s=st.sampled_from((5, 20, 61, 400, 1800, 90_000)))
    def time_passes(self, s: int) -> None:
        for taken in self.town.pass_time(timedelta(seconds=s)):
            self._lawful(taken)

    @rule(both=st.tuples(st.booleans(), st.booleans()))
    def other_incidents_and_second_persons_come_and_go(self, both: tuple[bool, bool]) -> None:
        self.town.another_is_open, self.town.second_person = both

    def _some_command(
        self, data: st.DataObject, kinds: list[type[c.Command]] | None = None
    ) -> c.AnyCommand:
        kind = data.draw(st.sampled_from(kinds or list(MAKERS)))
        return MAKERS[kind](self.story, lambda values: data.draw(st.sampled_from(values)))

    def _indoors(self, who: Actor, command: c.AnyCommand) -> Taken:
        taken = self.town.indoors(who, command)
        self._lawful(taken)
        return taken

    def _deliver(self, phone: Phone, **how: Any) -> None:
        known = {event.command_id for event in self.story.events}
        for taken in self.town.deliver(phone, **how):
            if taken.order.command_id in known:  # I10
                assert isinstance(taken.found, Repeated)
            self._lawful(taken)

    # --- what must hold of every answer ---------------------------------------------------

    def _lawful(self, taken: Taken) -> None:
        found, code = taken.found, RULES[type(taken.order.command)].code
        if isinstance(found, Repeated):
            return
        if isinstance(found, Refusal):
            REACHED[code, "refused"] += 1
            assert found.code in REFUSALS, found.code
            return
        if found:
            whole = {e.Merged: "merged", e.DrillEnded: "drill"}
            how = next((whole[type(x.fact)] for x in found if type(x.fact) in whole), code)
            EDGES[taken.before.state, self.story.state.state].add(how)
        kept = (e.LateStatement, e.LateRaise, e.AddendumProposed)
        if found and not isinstance(found[0].fact, kept):
            REACHED[code, "accepted"] += 1
        past = self.story.events[: len(self.story.events) - len(found)]
        for event in found:
            _said_by_whom_and_when(event)
            _staff_was_fit(taken, event)
            _entry_was_guarded(past, taken, event)
            _release_was_earned(past, taken, event, self.story.state)
            past.append(event)
        _late_never_lowers(self.story.events[: len(self.story.events) - len(found)], taken)

    def teardown(self) -> None:
        """I1, and no dead end: people who mean well always get every incident to the archive."""
        if not hasattr(self, "town"):
            return
        assert same(replay(self.story.events), self.story.state)
        self.town.second_person = True
        for phone in self.town.phones.values():
            phone.qualified = phone.on_shift = True
            phone.closed_at = None
        for _ in range(120):
            if self.story.state.state is State.ARCHIVED:
                return
            if not self._one_step():
                self.town.pass_time(timedelta(seconds=30))
        tried = [(c.name_of(cmd), self.town.indoors(who, cmd).found)
                 for who, cmd in next_steps(self.story)]  # fmt: skip
        raise AssertionError(f"no way out of {self.story.state.state}: {tried}")

    # --- what must hold of every state ----------------------------------------------------

    @invariant()
    def what_must_hold_holds(self) -> None:
        self.trapped_means_uncontrollable_and_reported()
        self.hurt_means_120_or_an_open_alarm()
        self.at_most_one_lead_and_one_open_offer()
        self.active_exactly_while_alerting()
        self.emergency_calls_are_logged_until_the_seal()
        self.a_journal_row_survives_its_wire_form()

    def trapped_means_uncontrollable_and_reported(self) -> None:  # I4
        state = self.story.state
        if state.people.trapped > 0 and state.state in OPEN:
            assert state.control is Control.UNCONTROLLABLE
            assert state.reports

    def hurt_means_120_or_an_open_alarm(self) -> None:  # I5
        if self.story.state.people.injured > 0:
            assert self.story.state.people.call120 != "not_needed"

    def at_most_one_lead_and_one_open_offer(self) -> None:  # I6
        state = self.story.state
        assert sum(o.outcome == "open" for o in state.offers) <= 1
        on_it = [r.staff_id for r in (state.lead, *state.helpers) if r is not None]
        assert len(on_it) == len(set(on_it))
        assert set(state.entered) <= set(on_it) or state.state not in OPEN

    def active_exactly_while_alerting(self) -> None:  # I16
        still = {State.STOOD_DOWN, State.RELEASED, State.ARCHIVED}
        assert self.story.state.alert_active == (self.story.state.state not in still)
        assert self.story.state.alert_active == (self.story.state.state in ALERTING)

    def emergency_calls_are_logged_until_the_seal(self) -> None:  # I18
        for who in (RESIDENT, field(BEN), DESK):
            order = self.story.order(who, c.LogEmergencyCall(number="119"))
            said = decide(self.story.state, order, Facts(now=self.story.now, on_shift=False))
            assert isinstance(said, Refusal) == (self.story.state.state is State.ARCHIVED)

    def a_journal_row_survives_its_wire_form(self) -> None:
        if self.story.events:
            last = self.story.events[-1]
            assert msgspec.json.decode(msgspec.json.encode(last), type=e.Event) == last


def _said_by_whom_and_when(event: e.Event) -> None:  # I17
    assert event.actor.id
    assert event.actor.role
    assert event.source
    assert event.occurred_at <= event.received_at


def _staff_was_fit(taken: Taken, event: e.Event) -> None:  # I7
    if isinstance(event.fact, e.Offered | e.Accepted):
        assert taken.qualified
        assert taken.on_shift or taken.before.on_it(event.actor.staff) or event.late


def _entry_was_guarded(past: list[e.Event], taken: Taken, event: e.Event) -> None:  # I3
    if not isinstance(event.fact, e.Entered):
        return
    who = event.fact.staff_id
    worn = [
        p.fact
        for p in past
        if isinstance(p.fact, e.PpeConfirmed | e.PpeMissing) and p.fact.staff_id == who
    ]
    assert worn
    assert isinstance(worn[-1], e.PpeConfirmed)
    assert set(taken.before.kinds) <= set(worn[-1].kinds)
    assert taken.before.control is Control.CONTROLLABLE
    assert any(isinstance(p.fact, e.ArrivedOnScene) and p.fact.staff_id == who for p in past)


def _release_was_earned(past: list[e.Event], taken: Taken, event: e.Event, after: Any) -> None:
    fact, before = event.fact, taken.before
    if isinstance(fact, e.Released):
        drill = fact.how == "drill"
        assert before.handling == "exercise" if drill else before.state in RELEASING
        if fact.how == "real":  # I2
            assert before.c1 is not None
            assert before.c2.at > before.last_alarm_at
            assert not before.alarming
        elif not drill:  # I11
            assert any(o.code == "false_report" for o in before.obligations)
    if isinstance(fact, e.Merged):
        assert not before.entered
    if isinstance(fact, e.EpisodeAdded):  # I20
        assert (after.c1, after.c2) == (None, None)
    if before.state is State.ARCHIVED:  # I8
        assert isinstance(fact, e.AddendumAppended | e.AddendumProposed | e.LateRaise)
    if isinstance(fact, e.Archived):  # I11 I12 I13
        assert all(o.settled for o in before.obligations)
        assert before.cordon.state != "set"
        ended = any(isinstance(p.fact, e.DrillEnded) for p in past)
        for needed in set() if ended else _must_be_reported(before):
            assert needed in before.met, needed


def _must_be_reported(before: Any) -> set[str]:
    wanted = {
        "community_report": before.kind in {Kind.WATER, Kind.DOOR},
        "unit_contacted": before.kind is Kind.HYDRANT,
        "authority_report": before.structure_hazard and before.released_how == "real",
        "false_report": before.released_how == "false",
    }
    return {code for code, true in wanted.items() if true}


def _late_never_lowers(past: list[e.Event], taken: Taken) -> None:  # I9, G20
    order, found = taken.order, taken.found
    assert isinstance(found, tuple)
    lowered = [event for event in found if _lowers(event.fact)]
    if not lowered:
        return
    for event in past:
        if event.actor.id == order.actor.id or not _changed(event.fact):
            continue
        assert not (order.late and event.received_at > order.occurred_at), event
        assert order.seen_version is None or event.version <= order.seen_version, event


def _lowers(fact: e.AnyFact) -> bool:
    if isinstance(fact, e.TrappedChanged):
        return fact.count < fact.before
    return isinstance(fact, LOWERING)


def _changed(fact: e.AnyFact) -> bool:
    more = isinstance(fact, e.TrappedChanged) and fact.count > fact.before
    return more or isinstance(fact, CHANGES) or (isinstance(fact, e.Accepted) and fact.lead)


Anything.TestCase.settings = settings(
    max_examples=150 * DEEP,
    stateful_step_count=40,
    derandomize=DEEP == 1,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
TestAnything = Anything.TestCase


def test_every_rule_was_accepted_and_refused_under_these_laws() -> None:
    """A rule that no history reaches is a rule that no invariant watches. What chance left out
    above is looked for on purpose, under the same laws."""
    dice = random.Random(8)
    for _ in range(120):
        missing = _unreached()
        if not missing:
            break
        _look_for(missing, dice)
    for rule_ in TABLE:
        yes, no = REACHED[rule_.code, "accepted"], REACHED[rule_.code, "refused"]
        print(f"{rule_.code}: accepted {yes}, refused {no}")
    assert _unreached() == []


def _unreached() -> list[Rule]:
    return [r for r in TABLE if not (REACHED[r.code, "accepted"] and REACHED[r.code, "refused"])]


def _look_for(missing: list[Rule], dice: random.Random) -> None:
    """One more history, with the missing commands tried wherever it comes by."""
    history = Anything()
    history.begin(
        kind=dice.choice(list(Kind)),
        at_once=dice.random() < 0.5,
        drill=dice.random() < 0.5,
        begin=dice.choice(BEGINNINGS),
    )
    everybody = (*INDOORS, field(ANNA), field(BEN))
    for _ in range(30):
        stories = small_stories(history.story)
        for step in dice.choice([*stories.values(), turns(history.story)[:1]]):
            history._indoors(*step)
        history._indoors(*dice.choice(turns(history.story)))
        wanted = dice.choice(missing)
        for who in (dice.choice(everybody), *[a for a in everybody if a.role in wanted.roles]):
            history._indoors(who, MAKERS[wanted.command](history.story, dice.choice))
    history.teardown()


def test_every_state_is_reached_and_leads_to_the_archive_and_only_two_lead_to_release() -> None:
    """The graph of states as histories show it; a history that stops short fails by itself."""
    dice = random.Random(9)
    for _ in range(40):
        _look_for(list(TABLE), dice)
    onward: dict[State, set[State]] = defaultdict(set)
    back: dict[State, set[State]] = defaultdict(set)
    for before, after in EDGES:
        onward[before].add(after)
        back[after].add(before)
    everything = set(State) - {State.NEW}
    assert _closure(State.RAISED, onward) == everything
    assert _closure(State.ARCHIVED, back) >= everything
    into = {(one, other): how for (one, other), how in EDGES.items() if other is State.RELEASED}
    other_ways = {"merged", "drill"}
    ordinary = {one for (one, _), how in into.items() if how - other_ways} - {State.RELEASED}
    assert ordinary == RELEASING
    assert onward[State.RELEASED] <= {State.RELEASED, State.ARCHIVED}
    assert onward[State.ARCHIVED] <= {State.ARCHIVED}


def _closure(start: State, edges: dict[State, set[State]]) -> set[State]:
    found, waiting = {start}, [start]
    while waiting:
        fresh = edges[waiting.pop()] - found
        found |= fresh
        waiting.extend(fresh)
    return found


def test_there_is_some_command_of_every_kind_to_try() -> None:
    assert set(MAKERS) == set(RULES)
