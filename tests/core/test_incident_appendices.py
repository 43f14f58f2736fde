"""Appendix A's words and Appendix B's actions, as desk, phone and archive get them."""

from datetime import timedelta

import pytest

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.advice import RESIDENT, script, situation
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.marks import marks
from backend.incidents.flow.vocabulary import Kind, State
from backend.incidents.record import document
from backend.notices import offer
from tests.core.incident_steps import DESK, START, Story, field

CARDS = {
    Kind.ELECTRIC: "B.1-1", Kind.GAS: "B.2-1", Kind.SMOKE: "B.3-1", Kind.STRUCTURE: "B.4-1",
    Kind.WATER: "B.6-1", Kind.DOOR: "B.6-1",
}  # fmt: skip


@pytest.mark.clause("B.1-1", "B.2-1", "B.3-1", "B.4-1", "B.6-1")
@pytest.mark.parametrize("kind", CARDS)
def test_whatever_the_kind_its_card_begins_only_with_somebody_there(kind: Kind) -> None:
    story = Story(kind)
    offer_id = story.offered()
    story.say(field(), c.Accept(offer_id=offer_id))
    first = KINDS[kind].card.items[0].code
    early = c.Tick(card=first[:3], item=first, result="done")
    assert story.refused(field(), early).code == "wrong_state"
    story.say(field(), c.Arrived(metres_off=2.0))
    assert story.state.state is State.ON_SCENE
    assert story.state.lead is not None
    assert story.state.lead.arrived_at is not None


@pytest.mark.clause("B.1-4", "B.2-6")
@pytest.mark.parametrize(("kind", "item"), [(Kind.ELECTRIC, "B.1-4"), (Kind.GAS, "B.2-6")])
def test_the_reminder_of_safe_use_is_an_action_of_its_own_and_stays_in_the_record(
    kind: Kind, item: str
) -> None:
    story = Story(kind)
    who = story.handling()
    if kind is Kind.ELECTRIC:
        story.say(who, c.Tick(card="B.1", item="B.1-2", result="done", cause="overload"))
        story.say(who, c.Tick(card="B.1", item="B.1-3", result="done", value=7))
        assert story.refused(who, c.FinalCheck()).missing == (item,)
    else:
        story.done(who, "B.2-2", "B.2-3", "B.2-4")
        story.say(who, c.FinalCheck())
        story.say(who, c.FieldConfirmEliminated(), below_clear=True)
        story.normal()
        story.say(DESK, c.DeskReleaseReal(category="gas_leak"))
    story.say(who, c.Tick(card=item[:3], item=item, result="done"))
    kept = document(story.state, story.events)["measures"]
    assert item in str(kept)


@pytest.mark.clause("B.3-4")
def test_the_extinguisher_card_says_which_fire_wants_what() -> None:
    [item] = [i for i in KINDS[Kind.SMOKE].card.items if i.code == "B.3-4"]
    for word in ("断电", "油锅", "电池"):
        assert word in item.hint.zh
    assert item.after == ("B.3-3",)


@pytest.mark.clause("B.4-2")
def test_a_building_is_not_done_with_before_all_five_signs_were_looked_for() -> None:
    story = Story(Kind.STRUCTURE)
    who = story.on_scene()
    signs = [f"B.4-2{letter}" for letter in "abcde"]
    for n, sign in enumerate(signs):
        assert story.refused(who, c.FinalCheck()).missing == tuple(signs[n:])
        none = c.Tick(card="B.4", item=sign, result="done", cause="none")
        story.say(who, none)
    story.say(who, c.FinalCheck())


@pytest.mark.clause("B.6-2")
def test_how_the_resident_is_must_be_said_one_way_or_another() -> None:
    story = Story(Kind.WATER)
    who = story.on_scene()
    asked = c.Tick(card="B.6", item="B.6-2", result="done")
    assert story.refused(who, asked).code == "cause_needed"
    story.say(who, c.Tick(card="B.6", item="B.6-2", result="done", cause="well"))
    assert story.state.items[0].cause == "well"


@pytest.mark.clause("6.3.3.2-b")
def test_trapped_people_are_found_counted_out_and_both_times_are_kept() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.ReportTrapped(count=2, place="二楼"))
    story.say(who, c.ReportTrapped(count=0, outcome="梯子救出"))
    told = [
        (ev.occurred_at, ev.fact.before, ev.fact.count)
        for ev in story.events
        if isinstance(ev.fact, e.TrappedChanged)
    ]
    assert [counts for _, *counts in told] == [[0, 2], [2, 0]]
    assert told[0][0] < told[1][0]


@pytest.mark.clause("A.1-a", "6.2.2-b")
@pytest.mark.parametrize("kind", [Kind.SMOKE, Kind.GAS, Kind.ELECTRIC, Kind.STRUCTURE])
def test_the_first_call_names_one_detector_and_asks_one_question(kind: Kind) -> None:
    words = script("A.1-a", kind, Story(kind).state.place).zh
    own = KINDS[kind]
    assert own.detector.zh in words
    assert own.question.zh in words
    others = [k.detector.zh for k in KINDS.values() if k.detector.zh != own.detector.zh]
    assert not any(other in words for other in others)


@pytest.mark.clause("A.1-e", "A.1-f")
@pytest.mark.parametrize("code", ["A.1-e", "A.1-f"])
def test_who_is_asked_for_help_hears_the_place_and_the_detector(code: str) -> None:
    story = Story()
    words = script(code, Kind.SMOKE, story.state.place)
    assert "平江路 12 号" in words.zh
    assert "烟感探测器" in words.zh
    assert "平江路 12 号" in words.en


@pytest.mark.clause("6.2.2-c")
def test_every_kind_with_a_home_tells_the_household_what_to_do_first() -> None:
    for kind, policy in KINDS.items():
        assert bool(RESIDENT[kind]) == policy.resident
    assert RESIDENT[Kind.GAS][0][1] == "关燃气总阀"
    assert "人先出来" in RESIDENT[Kind.SMOKE][0][1]


@pytest.mark.clause("6.2.3-d")
def test_who_is_sent_is_told_the_kind_and_the_place() -> None:
    story = Story(Kind.GAS)
    story.offered()
    [asked] = [ev.fact for ev in story.events if isinstance(ev.fact, e.Offered)]
    message = offer(story.state, asked, message_id=asked.offer_id, at=START)
    assert "可燃气体" in message.title
    assert "平江路 12 号" in message.title
    assert "平江路" not in message.lock_title, "nothing personal on a lock screen"


@pytest.mark.clause("6.3.7.1-a", "6.3.7.1-c")
def test_the_record_writes_itself_with_all_six_fields() -> None:
    story = Story()
    who = story.released()
    for kind in ("handling", "prevention"):
        story.say(who, c.PartyAdvised(kind=kind, way="spoken"))
    story.say(DESK, c.Archive())
    kept = document(story.state, story.events)
    for name in ("raisedAt", "kind", "category", "place", "measures", "releasedAt"):
        assert kept[name], name
    assert kept["category"] == "real_fire"
    assert situation(story.state, "x").startswith("烟雾")


def test_the_record_says_who_was_there_after_one_three_and_five_minutes() -> None:
    story = Story()
    who = story.handling()
    story.now = START + timedelta(seconds=170)
    story.say(DESK, c.VehicleArrived(what="微型消防站"))
    kept = {one["code"]: one for one in document(story.state, story.events)["marks"]}
    assert kept["first"]["afterS"] < 60
    assert kept["station"] == {"code": "station", "limitS": 180.0, "afterS": 171.0}
    assert kept["joint"]["afterS"] is None
    story.say(who, c.FireCommandTakesOver(commander="王"))
    assert marks(START, story.events)[2].kept
