"""One story per rule of an incident, written out by hand. Failure paths as much as success."""

from datetime import timedelta
from uuid import uuid4

import pytest

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.advice import situation
from backend.incidents.flow.decide import Repeated
from backend.incidents.flow.vocabulary import SYSTEM, Actor, Control, Kind, Role, State
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
    tells,
)

COMMUNITY = Actor(id=f"office:{OFFICES[0].id}", role=Role.OFFICE, name="community")


# --- the desk and the telephone -----------------------------------------------------------


@pytest.mark.clause("6.2.1-b")
def test_the_desks_stamp_is_measured_from_emission_and_given_once() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="desk-1"))
    assert (story.state.state, story.state.presented_ms) == (State.DESK_HANDLING, 2000)
    assert story.say(SYSTEM, c.PresentToDesk(desk="desk-2")) == ()


@pytest.mark.clause("4.1-c")
def test_with_no_desk_after_the_limit_somebody_is_sent() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.NoDesk())
    assert story.happened(e.DeskMissing)
    assert story.state.state is State.DISPATCHING


@pytest.mark.clause("6.2.2-a", "6.2.3-a")
@tells("L5")
def test_two_unanswered_calls_send_somebody() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    story.say(DESK, c.LogCall(contact="户主", result="no_answer"))
    assert not story.state.dispatch_open
    story.say(DESK, c.LogCall(contact="女儿", result="busy"))
    assert story.state.contact.phase == "unreachable"
    assert story.state.state is State.DISPATCHING


@pytest.mark.clause("6.2.3-b")
@tells("L8a")
def test_a_party_that_cannot_cope_gets_somebody() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    story.say(DESK, c.PartyCannotHandle(speaker="户主"))
    assert story.state.state is State.DISPATCHING


@pytest.mark.clause("A.1-d")
def test_a_call_for_rescue_evacuates_reports_and_sends_somebody() -> None:
    story = Story(at_once=False)
    story.say(DESK, c.PartyNeedsRescue(speaker="户主"))
    assert story.state.evacuation.state == "running"
    assert len(story.state.reports) == 4
    assert (story.state.control, story.state.state) == (
        Control.UNCONTROLLABLE,
        State.DISPATCHING,
    )


@pytest.mark.clause("A.1-c")
@tells("L7")
def test_handled_by_the_party_still_wants_a_visit() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    story.say(DESK, c.PartyHandled(speaker="户主"))
    assert story.happened(e.VerificationVisitDue)
    assert story.state.state is State.PARTY_HANDLED
    assert story.refused(DESK, c.DeskReleaseReal(category="x")).code == "wrong_state"


@pytest.mark.clause("6.2.4-a", "A.1-b")
@tells("L6")
def test_false_by_telephone_stands_down_only_when_the_detector_is_quiet() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    said = c.PartyReportsFalse(speaker="户主", on_spot=True)
    assert story.refused(DESK, said).missing == ("still_alarming",)
    story.normal()
    story.say(DESK, said)
    assert story.state.state is State.STOOD_DOWN
    assert not story.state.alert_active
    assert story.state.owes("false_report")


def test_false_by_somebody_elsewhere_or_unknown_is_refused() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    story.normal()
    assert story.refused(DESK, c.PartyReportsFalse(speaker=" ")).missing == ("speaker", "on_spot")


def test_a_residents_word_is_kept_even_when_it_is_not_enough() -> None:
    story = Story(at_once=False)
    story.say(RESIDENT, c.PartyReportsFalse(speaker="住户", on_spot=True))
    assert story.state.contact.outcome == "no_abnormality"
    assert story.state.state is State.DISPATCHING


def test_two_detectors_are_never_called_false_by_telephone() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    story.alarm(SECOND)
    story.normal()
    story.normal(SECOND)
    refusal = story.refused(DESK, c.PartyReportsFalse(speaker="户主", on_spot=True))
    assert refusal.missing == ("two_detectors",)


# --- dispatch -----------------------------------------------------------------------------


@tells("L1")
def test_smoke_and_gas_look_for_somebody_in_the_same_breath_as_the_alert() -> None:
    assert Story(at_once=True).state.dispatch_open
    assert not Story(at_once=False).state.dispatch_open


@pytest.mark.clause("6.2.3-c")
@tells("L13b")
def test_an_offer_that_expires_goes_to_the_next_and_never_twice_to_one() -> None:
    story = Story()
    offer_id = story.offered(ANNA)
    assert story.say(SYSTEM, c.ExpireOffer(offer_id=offer_id)) == ()
    story.now += timedelta(seconds=30)
    story.say(SYSTEM, c.ExpireOffer(offer_id=offer_id))
    again = c.Offer(offer_id=uuid4(), staff_id=ANNA, name_="a", expires_at=story.now)
    assert story.refused(SYSTEM, again).code == "asked_already"
    assert story.refused(field(ANNA), c.Accept(offer_id=offer_id)).code == "offer_over"
    story.offered(BEN)


@pytest.mark.clause("4.2.4.2")
@pytest.mark.parametrize(
    ("unfit", "code"),
    [
        ({"qualified": False}, "not_qualified"),
        ({"on_shift": False}, "off_shift"),
        ({"leads_elsewhere": True}, "leads_elsewhere"),
    ],
)
def test_nobody_unqualified_off_shift_or_busy_is_asked(unfit: dict[str, bool], code: str) -> None:
    story = Story()
    story.say(SYSTEM, c.DispatchNow())
    asks = c.Offer(offer_id=uuid4(), staff_id=ANNA, name_="a", expires_at=story.now)
    assert story.refused(SYSTEM, asks, **unfit).code == code


def test_somebody_else_cannot_accept_my_offer() -> None:
    story = Story()
    offer_id = story.offered(ANNA)
    assert story.refused(field(BEN), c.Accept(offer_id=offer_id)).code == "no_such_offer"


def test_an_acceptance_can_be_undone_for_a_moment_and_the_next_is_asked() -> None:
    story = Story()
    offer_id = story.offered(ANNA)
    story.say(field(ANNA), c.Accept(offer_id=offer_id))
    story.say(field(ANNA), c.Decline(offer_id=offer_id, reason="other"))
    assert story.state.lead is None
    assert story.state.state is State.DISPATCHING


def test_an_acceptance_cannot_be_undone_later() -> None:
    story = Story()
    offer_id = story.offered(ANNA)
    story.say(field(ANNA), c.Accept(offer_id=offer_id))
    story.now += timedelta(seconds=60)
    declining = c.Decline(offer_id=offer_id, reason="other")
    assert story.refused(field(ANNA), declining).code == "offer_over"


def test_the_desk_opens_a_new_round_only_when_nobody_is_left() -> None:
    story = Story()
    story.offered(ANNA)
    assert story.say(DESK, c.DispatchNow(reason="again")) == ()
    story.now += timedelta(seconds=30)
    story.say(SYSTEM, c.ExpireOffer(offer_id=story.state.offers[0].id))
    story.say(SYSTEM, c.NobodyLeft())
    story.say(LEAD, c.DispatchNow(reason="again"))
    assert (story.state.round, story.state.tried) == (2, frozenset())


@tells("L15")
def test_reassigning_needs_a_reason_and_frees_the_lead() -> None:
    story = Story()
    story.on_scene()
    assert story.refused(DESK, c.Reassign(reason=" ")).code == "reason_needed"
    story.say(DESK, c.Reassign(reason="受伤", to=BEN))
    assert story.state.lead is None
    assert story.state.preferred == BEN


def test_somebody_at_the_door_joins_as_lead_or_helper_but_not_from_afar() -> None:
    story = Story()
    story.say(SYSTEM, c.DispatchNow())
    assert story.refused(field(BEN), c.SelfAssign(), metres=900.0).code == "too_far_to_join"
    story.say(field(BEN), c.SelfAssign(), metres=40.0)
    assert story.state.leads(BEN)
    story.say(field(ANNA), c.SelfAssign(), metres=40.0)
    assert story.state.helpers[0].staff_id == ANNA


# --- on scene -----------------------------------------------------------------------------


@pytest.mark.clause("6.3.2-0", "B.3-1")
def test_arriving_puts_the_lead_on_scene_outside() -> None:
    story = Story()
    story.on_scene()
    assert story.state.state is State.ON_SCENE
    assert not story.state.entered


@pytest.mark.clause("6.3.2-a")
def test_false_on_scene_ends_the_alert_at_once_and_owes_the_report() -> None:
    story = Story()
    who = story.on_scene()
    refusal = story.refused(who, c.FieldDeclaresFalse())
    assert refusal.missing == ("detector_photo",)
    story.say(who, c.FieldDeclaresFalse(no_photo_reason="够不到"))
    assert not story.state.alert_active
    assert story.happened(e.RespondersStoodDown)
    assert story.state.owes("false_report")


@pytest.mark.clause("6.2.4-b")
@tells("L42")
def test_only_the_desk_releases_a_false_alarm_and_may_overrule_it() -> None:
    story = Story()
    who = story.on_scene()
    story.say(who, c.FieldDeclaresFalse(no_photo_reason="够不到"))
    assert story.refused(who, c.DeskReleaseFalse()).code == "not_your_role"
    story.say(DESK, c.DeskOverrulesFalse(reason="数值仍高"))
    assert story.state.state is State.DISPATCHING


@pytest.mark.clause("6.2.4-c", "6.2.4-d")
@tells("L45")
def test_a_false_alarm_is_archived_only_with_its_written_report() -> None:
    story = Story()
    who = story.on_scene()
    story.say(who, c.FieldDeclaresFalse(no_photo_reason="够不到"))
    story.say(DESK, c.DeskReleaseFalse())
    assert story.refused(DESK, c.Archive()).missing == ("false_report",)
    assert story.refused(LEAD, c.Waive(obligation="false_report", reason="x")).code
    empty = c.SubmitFalseReport(cause="", analysis="x", measure="y")
    assert story.refused(who, empty).missing == ("cause",)
    story.say(who, c.SubmitFalseReport(cause="cooking", analysis="油烟", measure="移位"))
    story.say(DESK, c.Archive())
    assert story.happened(e.ArchiveRequested)


@pytest.mark.clause("6.3.2-b", "Fig.1")
def test_nothing_is_handled_before_it_is_confirmed_real_and_under_control() -> None:
    story = Story()
    who = story.on_scene()
    controllable = c.AssessControllable(controllable=True)
    assert "real" in story.refused(who, controllable).missing
    assert set(story.refused(who, c.StartHandling()).missing) >= {"real", "situation", "ppe"}


@pytest.mark.clause("6.3.3.1-a", "6.3.3.1-b")
@tells("L18", "L22")
def test_nobody_enters_with_equipment_missing() -> None:
    story = Story()
    who = story.on_scene()
    story.say(who, c.ConfirmReal())
    story.say(who, c.AssessControllable(controllable=True))
    story.say(who, c.ConfirmPpe(items=(c.PpeItem(code="helmet", has=True),)))
    refusal = story.refused(who, c.StartHandling())
    assert refusal.code == "entry_refused"
    assert "hood" in refusal.missing
    story.equipped(who)
    story.say(who, c.StartHandling())
    assert ANNA in story.state.entered


@pytest.mark.clause("6.3.3.1-c")
@tells("L24")
def test_withdrawing_ends_the_entry_and_reports_for_rescue() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.Withdraw(reason="浓烟"))
    assert not story.state.entered
    assert (story.state.state, len(story.state.reports)) == (State.RESCUE, 4)
    back = c.AssessControllable(controllable=True)
    assert story.refused(who, back).missing == ("reason",)


@pytest.mark.clause("6.3.3.1-d", "B.3-2", "B.3-3")
def test_the_card_opens_only_while_handling_and_in_the_order_of_the_text() -> None:
    story = Story()
    who = story.on_scene()
    search = c.Tick(card="B.3", item="B.3-2", result="done")
    assert story.refused(who, search).code == "not_handling"
    story = Story()
    who = story.handling()
    seat = c.Tick(card="B.3", item="B.3-3", result="done")
    assert story.refused(who, seat).missing == ("B.3-2",)
    story.say(who, search)
    story.say(who, seat)
    assert "fire_seat" in story.state.met


def test_an_action_of_another_kind_or_without_a_reason_is_refused() -> None:
    story = Story()
    who = story.handling()
    gas = c.Tick(card="B.2", item="B.2-2", result="done")
    assert story.refused(who, gas).code == "item_of_another_kind"
    lazy = c.Tick(card="B.3", item="B.3-2", result="not_possible")
    assert story.refused(who, lazy).code == "reason_needed"


@pytest.mark.clause("B.3-5", "6.3.4.1-a")
def test_a_fire_that_does_not_go_out_is_reported_to_all_four_offices() -> None:
    story = Story()
    who = story.handling()
    story.done(who, "B.3-2", "B.3-3", "B.3-4")
    story.say(who, c.Tick(card="B.3", item="B.3-5", result="not_possible", reason="火势大"))
    assert story.state.state is State.RESCUE
    assert {r.office.kind for r in story.state.reports} == {o.kind for o in OFFICES}


@pytest.mark.clause("B.2-2", "B.2-3")
def test_gas_is_shut_off_before_anything_else() -> None:
    story = Story(Kind.GAS)
    who = story.handling()
    windows = c.Tick(card="B.2", item="B.2-3", result="done")
    assert story.refused(who, windows).missing == ("B.2-2",)
    story.done(who, "B.2-2", "B.2-3", "B.2-4")
    story.say(who, c.FinalCheck())


@pytest.mark.clause("B.2-4")
def test_gas_above_its_clear_value_is_never_eliminated() -> None:
    story = Story(Kind.GAS)
    who = story.handling()
    story.done(who, "B.2-2", "B.2-3", "B.2-4")
    story.say(who, c.FinalCheck())
    refusal = story.refused(who, c.FieldConfirmEliminated(), below_clear=False)
    assert refusal.missing == ("gas_value",)
    story.say(who, c.FieldConfirmEliminated(), below_clear=True)


@pytest.mark.clause("B.2-5")
def test_the_leak_is_looked_for_after_release_and_blocks_the_archive() -> None:
    story = Story(Kind.GAS)
    who = story.handling()
    found = c.CauseFound(code="hose")
    assert story.refused(who, found).code == "after_release_only"
    story.done(who, "B.2-2", "B.2-3", "B.2-4")
    story.say(who, c.FinalCheck())
    story.say(who, c.FieldConfirmEliminated(), below_clear=True)
    story.normal()
    story.say(DESK, c.DeskReleaseReal(category="hidden_danger"))
    assert "leak_cause" in story.refused(DESK, c.Archive()).missing
    story.say(who, found)
    assert not story.state.owes("leak_cause")


@pytest.mark.clause("6.3.3.3")
@tells("L35", "L36")
def test_the_final_check_wants_every_action_and_elimination_wants_the_check() -> None:
    story = Story()
    who = story.handling()
    assert story.refused(who, c.FinalCheck()).code == "items_open"
    assert "final_check" in story.refused(who, c.FieldConfirmEliminated()).missing


# --- rescue -------------------------------------------------------------------------------


@pytest.mark.clause("6.3.3.2-a")
def test_trapped_people_force_the_report_for_rescue() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.ReportTrapped(count=2, place="二楼"))
    assert (story.state.control, len(story.state.reports)) == (Control.UNCONTROLLABLE, 4)
    assert "trapped" in story.refused(who, c.FieldConfirmEliminated()).missing
    assert story.refused(who, c.ReportTrapped(count=0)).code == "outcome_needed"
    story.say(who, c.ReportTrapped(count=0, outcome="已救出"))
    assert len(story.state.reports) == 4


@pytest.mark.clause("6.3.4.1-b")
@tells("L26")
def test_the_hurt_call_for_120_until_it_is_logged() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.ReportInjured(count=1))
    assert story.state.people.call120 == "needed"
    story.now += timedelta(seconds=61)
    assert story.say(SYSTEM, c.Remind(about="call_120"))
    story.say(who, c.LogEmergencyCall(number="120"))
    assert story.state.people.call120 == "called"
    assert story.say(SYSTEM, c.Remind(about="call_120")) == ()


@pytest.mark.clause("6.3.4.1-c")
def test_a_report_says_kind_stage_and_people_even_when_nobody_wrote_a_word() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.ReportTrapped(count=2))
    text = situation(story.state, story.state.reports[0].situation)
    assert text == "烟雾；有人员被困；被困 2 人，受伤 0 人"


def test_an_incomplete_place_is_reported_with_a_gap_rather_than_not_at_all() -> None:
    story = Story()
    nowhere = story.state.place.__class__(address="")
    story.state = story.state.__class__(
        **{f: getattr(story.state, f) for f in story.state.__struct_fields__ if f != "place"},
        place=nowhere,
    )
    story.say(DESK, c.ReportTo(situation="火势大"))
    assert all(r.location_gap for r in story.state.reports)


@pytest.mark.clause("6.3.5.1-b")
@tells("L31a", "L31c")
def test_an_evacuation_closes_with_everybody_accounted_or_handed_over() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.StartEvacuation())
    assert story.refused(who, c.CloseEvacuation(unaccounted=2)).code == "people_unaccounted"
    story.say(who, c.CloseEvacuation(unaccounted=2, handed_to="消防二中队"))
    assert (story.state.evacuation.state, story.state.evacuation.unaccounted) == ("closed", 2)


@pytest.mark.clause("6.3.5.2")
@tells("L32", "L33")
def test_a_cordon_needs_a_shape_and_is_lifted_before_archive() -> None:
    story = Story()
    who = story.handling()
    assert story.refused(who, c.SetCordon(shape={})).code == "no_geometry"
    story.say(who, c.SetCordon(shape={"type": "Point", "coordinates": [120.6, 31.3]}, radius_m=50))
    story.done(who, "B.3-2", "B.3-3", "B.3-4", "B.3-5")
    story.say(who, c.FinalCheck())
    story.say(who, c.FieldConfirmEliminated())
    story.normal()
    story.say(DESK, c.DeskReleaseReal(category="real_fire"))
    assert "cordon_lifted" in story.refused(DESK, c.Archive()).missing
    story.say(DESK, c.LiftCordon())


@tells("L29c")
def test_an_office_acknowledges_its_own_report_only() -> None:
    story = Story()
    story.say(DESK, c.ReportTo(situation="x"))
    own, other = story.state.reports[0].id, story.state.reports[1].id
    assert story.refused(COMMUNITY, c.AcknowledgeReport(report_id=other)).code == "no_such_report"
    story.say(COMMUNITY, c.AcknowledgeReport(report_id=own, reply="已派人", sent=True))
    assert story.state.reports[0].status == "acknowledged"


# --- release ------------------------------------------------------------------------------


@pytest.mark.clause("6.3.6.1-0", "6.3.6.1-a", "6.3.6.1-b")
@tells("L40")
def test_the_desk_releases_only_when_both_conditions_hold() -> None:
    story = Story()
    story.clearing()
    assert story.refused(DESK, c.DeskReleaseReal(category="x")).missing == ("c1",)
    story.normal()
    story.say(DESK, c.DeskReleaseReal(category="real_fire"))
    assert story.state.state is State.RELEASED


def test_field_staff_never_release_and_the_desk_never_confirms_elimination() -> None:
    story = Story()
    who = story.clearing()
    story.normal()
    assert story.refused(who, c.DeskReleaseReal(category="x")).code == "not_your_role"
    story = Story()
    story.handling()
    assert story.refused(DESK, c.FieldConfirmEliminated()).code == "not_your_role"


@tells("L37")
def test_one_detector_still_high_keeps_the_lock_closed() -> None:
    story = Story()
    story.on_scene()
    story.alarm(SECOND)
    story.normal(DETECTOR)
    assert story.state.c1 is None
    story.normal(SECOND)
    assert story.state.c1 is not None


def test_an_alarm_again_voids_both_locks_before_the_key_turns() -> None:
    story = Story()
    story.clearing()
    story.normal()
    story.alarm(DETECTOR)
    assert (story.state.c1, story.state.c2) == (None, None)
    assert story.state.state is State.ON_SCENE
    assert story.refused(DESK, c.DeskReleaseReal(category="x")).code == "wrong_state"


def test_a_message_repeated_while_the_alarm_is_on_is_no_new_alarm() -> None:
    story = Story()
    assert story.alarm(DETECTOR) == ()


def test_an_alarm_after_the_party_said_that_it_is_handled_sends_people_at_once() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    story.say(DESK, c.PartyHandled(speaker="户主"))
    story.alarm(SECOND)
    assert story.state.state is State.DISPATCHING
    assert story.state.dispatch_open


def test_a_second_kind_suspends_the_entry_until_it_is_assessed_again() -> None:
    story = Story()
    who = story.handling()
    story.alarm(SECOND, Kind.GAS)
    assert (story.state.state, story.state.control) == (State.ON_SCENE, Control.UNKNOWN)
    assert not story.state.entered
    story.say(who, c.AssessControllable(controllable=True))
    assert "ppe" in story.refused(who, c.StartHandling()).missing


@pytest.mark.clause("6.3.6.2-a", "6.3.6.2-b")
@tells("L44")
def test_the_party_is_advised_twice_before_archive() -> None:
    story = Story()
    who = story.released()
    missing = story.refused(DESK, c.Archive()).missing
    assert set(missing) == {"advice_handling", "advice_prevention"}
    story.say(who, c.PartyAdvised(kind="handling", way="spoken"))
    story.say(who, c.PartyAdvised(kind="prevention", way="written"))
    story.say(DESK, c.Archive())


@pytest.mark.clause("6.3.7.1-b")
@tells("L50b", "L51")
def test_after_the_seal_nothing_but_addenda_by_two_persons() -> None:
    story = Story()
    who = story.released()
    for kind in ("handling", "prevention"):
        story.say(who, c.PartyAdvised(kind=kind, way="spoken"))
    story.say(DESK, c.Archive())
    story.say(SYSTEM, c.Seal(hash="h", previous="p", sealed_at=story.now))
    assert story.state.state is State.ARCHIVED
    assert story.refused(DESK, c.Note(text="改一下")).code == "archived"
    alone = c.Addendum(reason="错字", text="更正", approved_by=DESK.id)
    assert story.refused(DESK, alone).code == "two_persons_needed"
    both = c.Addendum(reason="错字", text="更正", approved_by=LEAD.id)
    story.say(DESK, both, second_person=True)


@pytest.mark.clause("B.6-3")
@tells("L46")
def test_a_welfare_incident_is_archived_only_when_the_community_knows() -> None:
    story = Story(Kind.DOOR, at_once=False)
    assert story.state.owes("community_report")
    story.say(DESK, c.CommunityReport(state="平安"))
    assert not story.state.owes("community_report")


@pytest.mark.clause("B.5-1", "B.5-2")
@tells("L47a", "L47b")
def test_a_hydrant_owes_its_unit_and_a_check() -> None:
    story = Story(Kind.HYDRANT, at_once=False)
    assert story.state.owes("unit_contacted")
    assert story.state.owes("check_result")
    who = story.on_scene()
    story.say(who, c.UnitContacted(unit="供水公司"))
    story.say(DESK, c.CheckResult(result="阀门半开", value=0.2))
    story.say(who, c.Tick(card="B.5", item="B.5-1", result="done"))
    story.say(who, c.Tick(card="B.5", item="B.5-2", result="done", value=0.2))
    story.say(who, c.FinalCheck())
    story.say(who, c.FieldConfirmEliminated())
    assert story.state.state is State.CLEARING


# --- late and twice -----------------------------------------------------------------------


def test_the_same_tap_sent_twice_counts_once() -> None:
    story = Story()
    order = story.order(DESK, c.Claim())
    story.take(order)
    version = story.state.version
    found = story.take(order)
    assert found == Repeated(version)
    assert story.state.version == version


def test_a_late_false_alarm_after_a_second_detector_is_a_statement_not_a_release() -> None:
    story = Story()
    who = story.on_scene()
    story.now += timedelta(seconds=600)
    story.alarm(SECOND)
    story.now += timedelta(seconds=2700)
    story.say(who, c.FieldDeclaresFalse(no_photo_reason="x"), ago_s=3300)
    assert story.state.state is State.ON_SCENE
    assert story.state.late_statements[0].command == "field_declares_false"


def test_a_late_cry_for_rescue_is_applied_at_any_age() -> None:
    story = Story()
    who = story.handling()
    story.now += timedelta(seconds=3600)
    story.say(who, c.AssessControllable(controllable=False), ago_s=3500)
    assert story.state.state is State.RESCUE
    assert story.events[-1].late


def test_trapped_reported_after_release_opens_a_linked_incident() -> None:
    story = Story()
    who = story.released()
    [event] = story.say(who, c.ReportTrapped(count=1))
    assert isinstance(event.fact, e.LateRaise)
    assert story.state.state is State.RELEASED


def test_late_facts_after_the_state_moved_on_are_kept() -> None:
    story = Story()
    who = story.clearing()
    story.now += timedelta(seconds=600)
    story.say(who, c.ConfirmPpe(items=()), ago_s=500)
    assert story.state.late_statements[-1].command == "confirm_ppe"


# --- one, several, exercises --------------------------------------------------------------


def test_each_household_has_its_own_thread_of_calls() -> None:
    story = Story(at_once=False)
    story.alarm(SECOND, home=NEXT_DOOR)
    for _ in range(2):
        story.say(DESK, c.LogCall(contact="邻居", result="no_answer", household_id=NEXT_DOOR))
    assert story.state.thread(NEXT_DOOR).phase == "unreachable"
    assert story.state.contact.phase == "idle"


@tells("L52c")
def test_a_household_split_off_takes_its_detectors_with_it() -> None:
    story = Story()
    story.alarm(SECOND, home=NEXT_DOOR)
    assert story.refused(DESK, c.Split(household_id=HOME)).code == "not_splittable"
    story.normal(DETECTOR)
    assert story.state.c1 is None
    story.say(DESK, c.Split(household_id=NEXT_DOOR))
    assert set(story.state.detectors) == {DETECTOR}
    assert story.state.c1 is not None


@tells("L52a")
def test_merging_needs_another_open_incident_and_nobody_inside() -> None:
    story = Story()
    into = c.Merge(into=uuid4())
    assert story.refused(DESK, into).code == "not_mergeable"
    assert story.refused(DESK, into, other_open=False).code == "not_mergeable"
    story.handling()
    assert story.refused(DESK, into, other_open=True).code == "somebody_inside"
    story.say(field(ANNA), c.LeaveScene())
    story.say(DESK, into, other_open=True)
    assert (story.state.state, story.state.released_how) == (State.RELEASED, "merged")


@pytest.mark.clause("4.2.4.1-d")
@tells("L53")
def test_a_drill_is_marked_at_creation_only() -> None:
    story = Story(at_once=False)
    story.say(LEAD, c.MarkDrill())
    assert story.state.handling == "exercise"
    story = Story()
    assert story.refused(LEAD, c.MarkDrill()).code == "wrong_state"
