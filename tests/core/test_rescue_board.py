"""Rescue: who is counted, who comes first, what a cordon may look like."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.cordon import MOST_CORNERS, fault
from backend.incidents.flow.decide import decide, replay
from backend.incidents.flow.evacuation import HOME, STATUSES, Listed, in_order
from backend.incidents.flow.facts import Facts
from backend.incidents.flow.incident import Evacuation
from backend.incidents.flow.vocabulary import SYSTEM, Place
from backend.incidents.flow.words import REFUSALS
from tests.core.incident_steps import ANNA, BEN, Story, field

PEOPLE = ("p1", "p2", "p3", f"{HOME}h9")
HERE = Place(address="平江路 12 号", lat=31.31, lon=120.63)
METRE = 1 / 111_195


def running(*people: str) -> Story:
    """An evacuation with these on its list."""
    story = Story()
    story.say(story.handling(), c.StartEvacuation())
    story.say(SYSTEM, c.DrawRoster(people=people))
    return story


# --- counting -----------------------------------------------------------------------------


@pytest.mark.clause("6.3.5.1-b")
def test_the_same_person_ticked_by_two_phones_counts_once() -> None:
    story = running("p1", "p2")
    story.say(field(ANNA), c.PersonOut(person_id="p1"))
    story.say(field(BEN), c.PersonOut(person_id="p1"))
    assert (story.state.evacuation.out, story.state.evacuation.unaccounted) == (1, 1)
    assert sum(isinstance(event.fact, e.PersonAccounted) for event in story.events) == 2


def test_a_tick_taken_back_makes_the_person_missing_again() -> None:
    story = running("p1")
    story.say(field(ANNA), c.PersonOut(person_id="p1"))
    assert story.state.evacuation.unaccounted == 0
    story.say(field(ANNA), c.PersonOut(person_id="p1", status="untick"))
    assert (story.state.evacuation.out, story.state.evacuation.unaccounted) == (0, 1)


def test_of_one_phone_the_last_word_stands_even_when_its_clock_ran_ahead() -> None:
    """Both taps are put back to the moment they arrived: one time for the two."""
    story = running("p1")
    for status in ("nobody_home", "out"):
        command = c.PersonOut(person_id="p1", status=status)
        story.take(story.order(field(ANNA), command))
    assert story.state.evacuation.marks["p1"].status == "out"


def test_an_older_tick_that_arrives_later_does_not_undo_what_was_seen_since() -> None:
    story = running("p1")
    story.now += timedelta(minutes=10)
    story.say(field(ANNA), c.PersonOut(person_id="p1", status="refused"))
    story.say(field(BEN), c.PersonOut(person_id="p1", status="out"), ago_s=300)
    assert story.state.evacuation.marks["p1"].status == "refused"


def test_people_without_a_name_are_counted_by_the_larger_of_two_counts_of_one_door() -> None:
    story = running()
    for who, count in ((ANNA, 3), (BEN, 2)):
        story.say(field(who), c.PersonOut(count=count))
    story.say(field(BEN), c.PersonOut(count=4, household="西厢"))
    assert story.state.evacuation.out == 3 + 4
    story.say(field(ANNA), c.PersonOut(count=-1))
    assert story.state.evacuation.out == 2 + 4


@pytest.mark.clause("6.3.5.1-b")
def test_nobody_ends_an_evacuation_over_somebody_on_the_list() -> None:
    story = running("p1", "p2")
    story.say(field(), c.PersonOut(person_id="p1"))
    refusal = story.refused(field(), c.CloseEvacuation(unaccounted=0))
    assert (refusal.code, refusal.missing) == ("people_unaccounted", ("1",))
    story.say(field(), c.FireCommandTakesOver(commander="王队"))
    story.say(field(), c.CloseEvacuation(unaccounted=0))
    assert (story.state.evacuation.state, story.state.evacuation.unaccounted) == ("closed", 1)


def test_a_late_tick_after_the_end_finds_the_person_and_reopens_nothing() -> None:
    story = running("p1")
    story.now += timedelta(minutes=10)
    story.say(field(), c.CloseEvacuation(unaccounted=1, handed_to="消防"))
    story.say(field(BEN), c.PersonOut(person_id="p1"), ago_s=300)
    assert (story.state.evacuation.state, story.state.evacuation.unaccounted) == ("closed", 0)


def test_a_journal_from_before_the_list_still_replays_to_its_counts() -> None:
    story = Story()
    story.handling()
    old = msgspec.convert(
        {"type": "PersonAccounted", "personId": None, "household": "", "count": 3, "status": "out"},
        e.AnyFact,
    )
    event = msgspec.structs.replace(story.events[-1], fact=old, version=story.state.version + 1)
    assert replay([event], story.state).evacuation.out == 3


class Tick(msgspec.Struct, frozen=True):
    """One tap on one of two phones."""

    phone: UUID
    at_s: int
    person: str | None
    status: str
    count: int


@st.composite
def ticks(draw: st.DrawFn) -> list[Tick]:
    """What two phones say, each in its own order, many things in one and the same second."""

    def one(at_s: int) -> Tick:
        person = draw(st.sampled_from((None, *PEOPLE)))
        status = draw(st.sampled_from(STATUSES[:4] if person is None else STATUSES))
        phone = draw(st.sampled_from((ANNA, BEN)))
        return Tick(phone, at_s, person, status, draw(st.integers(1, 3)))

    return [one(at) for at in sorted(draw(st.lists(st.integers(0, 9), min_size=1, max_size=8)))]


def one_behind_the_other(said: Sequence[Tick], first: UUID) -> list[int]:
    """One phone is heard whole before the other."""
    return sorted(range(len(said)), key=lambda n: said[n].phone != first)


def merged(said: Sequence[Tick], order: Sequence[int]) -> Evacuation:
    """The state after these ticks arrive in this order, numbers repeated as they come."""
    story = running(*PEOPLE)
    began = story.now
    for n in order:
        tick = said[n]
        story.now = began + timedelta(seconds=50)
        command = c.PersonOut(person_id=tick.person, count=tick.count, status=tick.status)  # type: ignore[arg-type]
        envelope = story.order(
            field(tick.phone), command, ago_s=50 - tick.at_s, command_id=UUID(int=n)
        )
        found = decide(story.state, envelope, Facts(now=story.now))
        if isinstance(found, tuple):
            story.state = replay(found, story.state)
    return story.state.evacuation


@pytest.mark.clause("6.3.5.1-a")
@settings(max_examples=30, deadline=None)
@given(said=ticks(), data=st.data())
def test_whichever_phone_is_heard_first_and_however_often_the_counts_are_the_same(
    said: list[Tick], data: st.DataObject
) -> None:
    usual = list(range(len(said)))
    order = one_behind_the_other(said, data.draw(st.sampled_from((ANNA, BEN))))
    for n in data.draw(st.lists(st.sampled_from(usual), max_size=4)):
        order.insert(data.draw(st.integers(order.index(n), len(order))) + 1, n)
    one, other = merged(said, usual), merged(said, order)
    assert one == other
    assert one.unaccounted <= len(PEOPLE)
    named = sum(mark.status != "untick" for mark in one.marks.values())
    assert named + one.unaccounted == len(PEOPLE)


# --- order --------------------------------------------------------------------------------


LISTED = st.builds(
    Listed,
    id=st.uuids().map(str),
    needs_help=st.booleans(),
    ring=st.integers(0, 2),
    door=st.sampled_from(("东厢", "西厢", "2 楼")),
    position=st.integers(0, 3),
)


@pytest.mark.clause("6.3.5.1-c")
@given(st.lists(LISTED, max_size=12))
def test_whoever_needs_help_stands_before_everybody_else(people: list[Listed]) -> None:
    """I14."""
    needs = [one.needs_help for one in in_order(people)]
    assert needs == sorted(needs, reverse=True)
    assert in_order(reversed(people)) == in_order(people)


# --- the cordon ---------------------------------------------------------------------------


def ring(*corners: tuple[float, float]) -> dict[str, Any]:
    """A closed ring of corners in metres east and north of the place."""
    east = METRE / math.cos(math.radians(HERE.lat))
    at = [[HERE.lon + x * east, HERE.lat + y * METRE] for x, y in corners]
    return {"type": "Polygon", "coordinates": [[*at, at[0]]]}


SQUARE = ring((-30, -30), (30, -30), (30, 30), (-30, 30))


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        (SQUARE, None),
        ({"type": "LineString", "coordinates": [[120.63, 31.31]]}, "no_geometry"),
        ({"type": "Polygon", "coordinates": [SQUARE["coordinates"][0][:-1]]}, "cordon_open"),
        (ring((-30, -30), (30, 30), (30, -30), (-30, 30)), "cordon_crosses"),
        (ring((-30, 0), (30, 0), (0, 0), (0, 30)), "cordon_crosses"),
        (ring(*[(100 * math.cos(n / 10), 100 * math.sin(n / 10)) for n in range(62)]),
         "cordon_corners"),
        (ring((0, 0), (5, 0), (0, 5)), "cordon_size"),
        (ring((0, 0), (5000, 0), (0, 50)), "cordon_far"),
        ({"type": "Polygon",
          "coordinates": [[[lat, lon] for lon, lat in SQUARE["coordinates"][0]]]}, "cordon_far"),
        ({"type": "Polygon", "coordinates": [[["x", 1], [2, 3], [4, 5], ["x", 1]]]}, "no_geometry"),
    ],
)  # fmt: skip
@pytest.mark.clause("6.3.5.2")
def test_a_cordon_is_a_closed_line_of_sensible_size_near_its_incident(
    shape: dict[str, Any], code: str | None
) -> None:
    assert fault(shape, None, HERE) == code


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda deeper: st.lists(deeper, max_size=5) | st.dictionaries(st.text(max_size=3), deeper),
    max_leaves=12,
)
NEAR = st.tuples(
    st.floats(120.62, 120.64, allow_nan=False), st.floats(31.3, 31.32, allow_nan=False)
).map(list)
RING = st.lists(NEAR, min_size=1, max_size=MOST_CORNERS + 4).map(lambda at: [*at, at[0]])
ANY_SHAPE = st.fixed_dictionaries(
    {
        "type": st.sampled_from(("Polygon", "Point", "x")),
        "coordinates": JSON | st.lists(RING | JSON),
    }
) | st.dictionaries(st.text(max_size=4), JSON)


@pytest.mark.clause("6.3.5.2")
@settings(max_examples=120, deadline=None)
@given(shape=ANY_SHAPE, radius=st.none() | st.floats())
def test_whatever_is_sent_as_a_cordon_is_taken_or_refused_by_name(
    shape: dict[str, Any], radius: float | None
) -> None:
    code = fault(shape, radius, HERE)
    assert code is None or code in REFUSALS


def test_a_refused_shape_of_an_hour_ago_is_kept_for_the_desk() -> None:
    story = Story()
    who = story.handling()
    story.now += timedelta(hours=1)
    story.say(who, c.SetCordon(shape=ring((-3, -3), (3, 3), (3, -3), (-3, 3))), ago_s=3000)
    assert story.state.cordon.state == "none"
    assert story.state.late_statements[-1].command == "set_cordon"


@pytest.mark.clause("6.3.5.2")
def test_a_cordon_is_adjusted_with_its_posts_and_keeps_nothing_else_that_was_sent() -> None:
    story = Story()
    who = story.handling()
    at = (story.state.place.lon, story.state.place.lat)
    story.say(who, c.SetCordon(shape={"type": "Point", "coordinates": at}, radius_m=50))
    wider = {"type": "Point", "coordinates": at, "bbox": [1] * 50}
    story.say(who, c.SetCordon(shape=wider, radius_m=100, post_places=(at, at)))
    cordon = story.state.cordon
    assert (cordon.radius_m, cordon.posts, cordon.post_places) == (100, 2, (at, at))
    assert set(cordon.shape or {}) == {"type", "coordinates"}


# --- reports, guide -----------------------------------------------------------------------


@pytest.mark.clause("6.3.4.1-c")
def test_what_is_learnt_later_goes_to_those_who_have_a_report_once() -> None:
    story = Story()
    story.say(field(), c.AssessControllable(controllable=False))
    before = len(story.state.reports)
    story.say(field(), c.ReportTo(situation="院里有煤气罐"))
    story.say(field(), c.ReportTo(situation="院里有煤气罐"))
    assert story.state.supplements == ("院里有煤气罐",)
    assert len(story.state.reports) == before


@pytest.mark.clause("6.3.4.1-a")
def test_a_report_nobody_signed_for_shows_that_it_went_to_the_telephone() -> None:
    story = Story()
    story.say(field(), c.AssessControllable(controllable=False))
    report = story.state.reports[0]
    story.now += timedelta(seconds=60)
    story.say(SYSTEM, c.Remind(about="report_voice", ref=report.id))
    [told] = [one for one in story.state.reports if one.voice_at is not None]
    assert told.id == report.id


@pytest.mark.clause("6.3.4.2-b")
def test_vehicles_are_kept_with_their_times_and_the_meeting_point_with_its_place() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.GuidePosted(person="王芳", place="白塔东路口", lat=31.301, lon=120.601))
    story.say(who, c.VehicleArrived(what="消防车"))
    story.say(who, c.VehicleArrived(what="救护车"))
    assert story.state.meeting is not None
    assert [one.what for one in story.state.vehicles] == ["消防车", "救护车"]
    assert story.state.vehicles[0].at < story.state.vehicles[1].at
