"""Appendix B in the core: what each card asks for, in which order, and what it leaves owing."""

import pytest

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.handling import open_items
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import SYSTEM, Actor, Handling, Kind, State
from tests.core.incident_steps import DESK, Story

SIGNS = ("B.4-2a", "B.4-2b", "B.4-2c", "B.4-2d", "B.4-2e")
NEXT = "平江路 14 号"


def tick(item: str, how: str = "done", **more: object) -> c.Tick:
    return c.Tick(card=item[:3], item=item, result=how, **more)  # type: ignore[arg-type]


def looked_at(story: Story, who: Actor, building: str = "") -> None:
    for sign in SIGNS:
        story.say(who, tick(sign, cause="none", about=building))


@pytest.mark.clause("B.4-2")
def test_each_building_around_wants_all_five_signs() -> None:
    story = Story(Kind.STRUCTURE, surroundings=(NEXT,))
    who = story.on_scene()
    story.say(who, c.ConfirmReal())
    looked_at(story, who)
    refusal = story.refused(who, c.FinalCheck())
    assert (refusal.code, refusal.missing) == ("items_open", SIGNS)
    looked_at(story, who, NEXT)
    story.say(who, c.FinalCheck())


def test_a_building_added_on_the_spot_wants_its_five_signs_too() -> None:
    story = Story(Kind.STRUCTURE)
    who = story.on_scene()
    looked_at(story, who)
    assert open_items(story.state) == ()
    story.say(who, tick(SIGNS[4], about="后院披屋", value=2.5, cause="none"))
    assert open_items(story.state) == SIGNS[:4]


@pytest.mark.clause("B.4-3")
def test_a_hazard_is_owed_to_the_authority_at_once_and_until_it_is_told() -> None:
    story = Story(Kind.STRUCTURE)
    who = story.on_scene()
    story.say(who, tick("B.4-2e", cause="hazard", value=3.0, about=NEXT))
    [debt] = [o for o in story.state.obligations if o.code == "authority_report"]
    assert debt.due_at is not None
    assert story.refused(who, c.AuthorityReport(authority=" ")).missing == ("authority",)
    story.say(who, c.AuthorityReport(authority="住建局", by="陆科"))
    assert not story.state.owes("authority_report")


@pytest.mark.clause("B.2-5", "B.2-6")
def test_the_leak_is_looked_for_only_after_the_release() -> None:
    story = Story(Kind.GAS)
    who = story.handling()
    for later in ("B.2-5", "B.2-6"):
        assert story.refused(who, tick(later)).code == "after_release_only"
    story.done(who, "B.2-2", "B.2-3", "B.2-4")
    story.say(who, c.FinalCheck())
    story.say(who, c.FieldConfirmEliminated())
    story.normal()
    story.say(DESK, c.DeskReleaseReal(category="gas_hose"))
    assert story.state.owes("leak_cause")
    story.say(who, tick("B.2-5"))
    assert not story.state.owes("leak_cause")


@pytest.mark.clause("B.1-2", "B.1-3", "B.1-4")
def test_the_user_is_told_to_repair_only_after_the_cause_is_known() -> None:
    story = Story(Kind.ELECTRIC)
    who = story.handling()
    assert story.refused(who, tick("B.1-3")).missing == ("B.1-2",)
    assert story.refused(who, tick("B.1-2")).code == "cause_needed"
    story.say(who, tick("B.1-2", cause="overload"))
    story.say(who, tick("B.1-3", value=3))
    story.say(who, tick("B.1-4"))
    assert story.state.met >= {"cause_found", "rectification"}


@pytest.mark.parametrize(
    ("kind", "item", "owed"),
    [(Kind.HYDRANT, "B.5-1", "unit_contacted"), (Kind.DOOR, "B.6-3", "community_report")],
)
def test_what_could_not_be_done_is_still_owed(kind: Kind, item: str, owed: str) -> None:
    story = Story(kind)
    who = story.on_scene()
    story.say(who, tick("B.6-2", cause="well")) if kind is Kind.DOOR else None
    story.say(who, tick(item, "not_possible", reason="没人接电话"))
    assert story.state.owes(owed)


@pytest.mark.clause("B.3-3")
def test_a_seat_of_fire_that_is_not_found_is_a_result() -> None:
    story = Story()
    who = story.handling()
    story.done(who, "B.3-2")
    story.say(who, tick("B.3-3", "not_possible", reason="没找到"))
    assert "fire_seat" in story.state.met


@pytest.mark.clause("B.6-1", "B.6-2")
def test_every_try_at_a_silent_door_is_written_down_and_none_counts_as_asked() -> None:
    story = Story(Kind.DOOR)
    who = story.on_scene()
    [ladder] = [i for i in KINDS[Kind.DOOR].card.items if i.rungs]
    assert [rung.code for rung in ladder.rungs[-2:]] == ["110", "120"]
    assert "不自行破门" in ladder.hint.zh
    for rung in ladder.rungs[:3]:
        story.say(who, tick(ladder.code, "not_possible", about=rung.code, reason="没有应答"))
    assert [i.about for i in story.state.items] == ["knock", "phone", "family"]
    assert "B.6-2" in open_items(story.state)


@pytest.mark.clause("6.3.3.1-a")
def test_the_operator_s_equipment_list_of_the_day_it_was_raised_is_the_gate() -> None:
    story = Story(Kind.SMOKE, equipment={Kind.SMOKE: ("helmet", "radio")})
    who = story.on_scene()
    [said] = story.say(who, c.ConfirmPpe(items=(c.PpeItem(code="helmet", has=True),)))
    assert isinstance(said.fact, e.PpeMissing)
    assert said.fact.missing == ("radio",)
    story.equipped(who)
    assert story.state.ppe[who.staff].ok  # type: ignore[index]


def test_every_debt_has_a_day_by_which_it_is_due() -> None:
    story = Story()
    story.released()
    assert {o.code for o in story.state.obligations} >= {"advice_handling", "advice_prevention"}
    assert all(o.due_at is not None for o in story.state.obligations)


@pytest.mark.clause("4.2.4.1-d")
def test_only_a_drill_can_be_ended_and_then_nothing_is_left_open() -> None:
    real = Story()
    assert real.refused(SYSTEM, c.EndDrill()).code == "not_a_drill"
    assert real.refused(SYSTEM, c.PlayInDrill(zh="x")).code == "not_a_drill"
    drill = Story(handling=Handling.EXERCISE)
    who = drill.handling()
    drill.say(who, c.SetCordon(shape={"type": "Point", "coordinates": [120.6, 31.3]}, radius_m=50))
    drill.say(who, c.StartEvacuation())
    drill.say(SYSTEM, c.EndDrill(scenario="起火", review="合格"))
    state = drill.state
    assert (state.state, state.released_how, state.category) == (State.RELEASED, "drill", "drill")
    assert all(o.settled for o in state.obligations)
    assert (state.cordon.state, state.evacuation.state) == ("lifted", "closed")
    assert state.archive_requested_at is not None
