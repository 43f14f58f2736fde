"""More stories, one for each rule that the first file does not tell: people, time and papers."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.deadlines import started_by
from backend.incidents.flow.facts import Policy
from backend.incidents.flow.linking import Neighbour, links
from backend.incidents.flow.vocabulary import (
    SYSTEM,
    Actor,
    Control,
    Handling,
    Kind,
    Role,
    State,
    Urgency,
)
from tests.core.incident_steps import (
    ANNA,
    BEN,
    DESK,
    DETECTOR,
    LEAD,
    NEXT_DOOR,
    OFFICES,
    RESIDENT,
    SECOND,
    START,
    Story,
    field,
    tells,
)

TECHNICIAN = Actor(id="tech", role=Role.TECHNICIAN, name="tech")


def passed(story: Story, about: str, ref: UUID | None = None) -> tuple[e.AnyFact, ...]:
    """What a deadline says or does when its time is over."""
    return tuple(event.fact for event in story.say(SYSTEM, c.Remind(about=about, ref=ref)))


def deadlines(story: Story) -> dict[str, float]:
    """Names of the deadlines started so far, and after how many seconds each is due."""
    return {
        d.name: (d.due_at - event.received_at).total_seconds()
        for event in story.events
        for d in started_by(event, Policy())
    }


# --- somebody beside the lead ---------------------------------------------------------------


@tells("L15b", "L11", "L12", "L16")
def test_who_is_asked_to_come_as_well_accepts_arrives_and_leads_nothing() -> None:
    story = Story()
    story.on_scene()
    story.say(field(BEN), c.Accept(offer_id=story.helper_offered()))
    story.say(field(BEN), c.Arrived(metres_off=5.0))
    assert story.state.leads(ANNA)
    assert [h.staff_id for h in story.state.helpers if h.arrived_at] == [BEN]
    assert story.refused(field(BEN), c.StartHandling()).code == "not_lead"


@tells("L11", "L15b")
def test_nobody_is_asked_beside_a_lead_unless_somebody_wants_it_and_nobody_on_it_twice() -> None:
    story = Story()
    story.on_scene()
    asks = c.Offer(offer_id=uuid4(), staff_id=BEN, name_="b", expires_at=story.now, helper=True)
    assert story.refused(SYSTEM, asks).code == "offer_not_wanted"
    story.say(DESK, c.CallHelper())
    assert story.say(field(ANNA), c.CallHelper()) == ()
    again = c.Offer(offer_id=uuid4(), staff_id=ANNA, name_="a", expires_at=story.now, helper=True)
    assert story.refused(SYSTEM, again).code == "asked_already"
    assert story.refused(field(BEN), c.CallHelper()).code == "not_assigned"


@tells("L13a", "L15b")
def test_a_helper_who_cannot_come_after_all_says_so_and_the_next_is_asked() -> None:
    story = Story()
    story.on_scene()
    offer_id = story.helper_offered()
    story.say(field(BEN), c.Accept(offer_id=offer_id))
    story.say(field(BEN), c.Decline(offer_id=offer_id, reason="unwell"))
    assert story.state.helpers == ()
    assert story.state.helper_wanted
    assert story.state.leads(ANNA)


@tells("L13c")
def test_nobody_left_to_help_is_said_and_the_lead_stays() -> None:
    story = Story()
    story.on_scene()
    story.say(DESK, c.CallHelper())
    [event] = story.say(SYSTEM, c.NobodyLeft())
    assert isinstance(event.fact, e.NobodyLeftToAsk)
    assert event.fact.helper
    assert (story.state.helper_wanted, story.state.nobody_left) == ("", False)


@tells("L14")
def test_a_helper_on_the_spot_leads_at_once_when_the_lead_is_gone() -> None:
    story = Story()
    story.on_scene()
    story.say(field(BEN), c.SelfAssign(), metres=20.0)
    story.say(field(BEN), c.Arrived())
    story.say(DESK, c.Reassign(reason="受伤"))
    story.say(field(BEN), c.SelfAssign(), metres=20.0)
    assert story.state.leads(BEN)
    assert story.state.helpers == ()
    assert story.state.state is State.ON_SCENE


@pytest.mark.clause("6.3.3.1-a", "6.3.3.1-b")
@tells("L22b", "L21", "L24b")
def test_each_further_person_goes_in_with_their_own_equipment_only() -> None:
    story = Story()
    story.handling()
    story.say(field(BEN), c.SelfAssign(), metres=20.0)
    assert story.refused(field(BEN), c.Enter()).missing == ("arrived", "ppe")
    story.say(field(BEN), c.Arrived())
    assert story.refused(field(BEN), c.Enter()).missing == ("ppe",)
    story.equipped(field(BEN))
    story.say(field(BEN), c.Enter())
    assert set(story.state.entered) == {ANNA, BEN}
    story.say(field(ANNA), c.LeaveScene())
    story.say(field(ANNA), c.Enter())
    assert set(story.state.entered) == {ANNA, BEN}


@pytest.mark.clause("6.2.3-c")
@pytest.mark.parametrize(
    ("kind", "minutes", "after_s"),
    [(Kind.SMOKE, 1.0, 120.0), (Kind.SMOKE, 9.0, 180.0), (Kind.SMOKE, None, 180.0)],
)
@tells("L12", "L55")
def test_a_lead_who_takes_too_long_gets_somebody_beside_them(
    kind: Kind, minutes: float | None, after_s: float
) -> None:
    story = Story(kind)
    expires = story.now + timedelta(seconds=25)
    asks = c.Offer(offer_id=uuid4(), staff_id=ANNA, name_="a", minutes=minutes, expires_at=expires)
    story.say(SYSTEM, asks)
    story.say(field(ANNA), c.Accept(offer_id=asks.offer_id))
    assert story.state.urgency is Urgency.EMERGENCY
    assert deadlines(story)["en_route"] == after_s
    said, wanted = passed(story, "en_route", ANNA)
    assert (said, wanted) == (e.Reminded(about="en_route", ref=ANNA), e.HelperWanted(reason="slow"))
    story.say(field(ANNA), c.Arrived())
    assert passed(story, "en_route", ANNA) == ()


# --- time -----------------------------------------------------------------------------------


@tells("L10")
def test_only_the_desk_lead_has_people_asked_a_second_time() -> None:
    story = Story()
    story.offered(ANNA)
    story.now += timedelta(seconds=30)
    story.say(SYSTEM, c.ExpireOffer(offer_id=story.state.offers[0].id))
    story.say(SYSTEM, c.NobodyLeft())
    assert story.refused(DESK, c.DispatchNow(reason="再问")).code == "lead_opens_round"
    story.say(LEAD, c.DispatchNow(reason="再问"))
    assert story.state.round == 2


@tells("L55")
def test_ninety_seconds_without_anybody_put_it_to_the_community_and_the_fire_station() -> None:
    story = Story()
    reports = [f for f in passed(story, "nobody_left") if isinstance(f, e.ReportQueued)]
    assert {r.office.kind for r in reports} == {"community", "fire"}
    assert {r.purpose for r in reports} == {"people"}
    story.say(DESK, c.AssessControllable(controllable=False))
    rescue = [r for r in story.state.reports if r.purpose == "rescue"]
    assert len(rescue) == len(OFFICES), "asking for people is no report for rescue"


@pytest.mark.clause("6.3.3.1-c")
@tells("L22", "L55")
def test_five_silent_minutes_inside_ring_the_desk_and_then_rescue() -> None:
    story = Story()
    story.handling()
    assert deadlines(story)["lone_worker"] == 300
    story.now += timedelta(seconds=300)
    assert passed(story, "lone_worker", ANNA) == (e.Reminded(about="lone_worker", ref=ANNA),)
    assert deadlines(story)["lone_worker_silent"] == 60
    story.now += timedelta(seconds=60)
    assert e.AssessedUncontrollable(reason="lone_worker") in passed(
        story, "lone_worker_silent", ANNA
    )
    assert story.state.state is State.RESCUE


@tells("L24c")
def test_a_sign_of_life_by_telephone_is_the_desks_to_write_down() -> None:
    story = Story()
    story.handling()
    story.now += timedelta(seconds=300)
    passed(story, "lone_worker", ANNA)
    story.say(DESK, c.CheckIn(staff=ANNA))
    story.now += timedelta(seconds=60)
    assert passed(story, "lone_worker_silent", ANNA) == ()
    assert story.say(DESK, c.CheckIn(staff=BEN)) == (), "who is not inside"


@pytest.mark.clause("A.1-d")
@tells("L9", "L27", "L55")
def test_a_cry_for_rescue_asks_for_119_until_it_is_logged() -> None:
    story = Story(at_once=False)
    story.say(RESIDENT, c.PartyNeedsRescue(speaker="户主"))
    assert deadlines(story)["call_119"] == 60
    assert passed(story, "call_119")
    story.say(TECHNICIAN, c.LogEmergencyCall(number="119"))
    assert passed(story, "call_119") == ()


@pytest.mark.clause("6.2.4-b")
@tells("L17", "L41", "L55")
def test_a_false_alarm_not_released_is_said_to_the_desk_and_then_to_its_lead() -> None:
    story = Story()
    who = story.on_scene()
    story.say(who, c.FieldDeclaresFalse(no_photo_reason="够不到"))
    due = deadlines(story)
    assert (due["stand_down_release"], due["stand_down_lead"]) == (60, 300)
    assert due["false_report"] == 86_400
    assert passed(story, "stand_down_release")
    assert passed(story, "stand_down_lead")
    story.say(DESK, c.DeskReleaseFalse())
    assert passed(story, "stand_down_lead") == ()


@tells("L3", "L4a", "L4b", "L55")
def test_an_alert_nobody_claims_is_said_twice_and_one_that_is_handed_on_is_claimed() -> None:
    story = Story(at_once=False)
    assert (deadlines(story)["desk_claim"], deadlines(story)["desk_claim_lead"]) == (15, 30)
    assert passed(story, "desk_claim")
    story.say(DESK, c.Claim())
    assert passed(story, "desk_claim_lead") == ()
    story.say(DESK, c.HandOver(to=UUID(int=7)), staff_name="顾晓白")
    assert story.state.claimed_name == "顾晓白"
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    assert story.say(SYSTEM, c.NoDesk()) == (), "a desk has shown it"


# --- again ----------------------------------------------------------------------------------


def handed_over(kind: Kind = Kind.STRUCTURE, value: float = 5.0) -> Story:
    story = Story(kind)
    who = story.handling()
    alarm = c.NewAlarm(detector_id=SECOND, label="裂缝", kind=kind, quantity="crack", value=value,
                       limit=2.0, emitted_at=story.now)  # fmt: skip
    story.say(SYSTEM, alarm)
    story.say(who, c.HandToAuthority(authority="住建局", acknowledged_by="王", reason="裂缝"))
    return story


@pytest.mark.clause("B.4-3")
@tells("L43", "L39", "L55")
def test_what_was_handed_over_calls_people_again_only_when_it_is_worse() -> None:
    story = handed_over()
    assert (story.state.state, story.state.baseline[SECOND]) == (State.MONITORED, 5.0)
    assert deadlines(story)["monitored"] == 7 * 86_400
    [again] = passed(story, "monitored")
    assert again == e.Reminded(about="monitored", again_s=7 * 86_400)

    def reads(value: float) -> tuple[e.Event, ...]:
        return story.say(SYSTEM, c.NewAlarm(
            detector_id=SECOND, label="裂缝", kind=Kind.STRUCTURE, quantity="crack", value=value,
            limit=2.0, emitted_at=story.now))  # fmt: skip

    assert reads(5.0) == ()
    reads(5.4)
    assert story.state.state is State.DISPATCHING
    assert story.state.preferred == ANNA
    assert story.state.control is Control.UNKNOWN
    assert e.Reminded(about="tell_authority") in [event.fact for event in story.events]


@tells("L43")
def test_people_come_before_a_hand_over_and_other_kinds_need_a_reason() -> None:
    story = Story()
    who = story.handling()
    hand = c.HandToAuthority(authority="燃气公司", acknowledged_by="王")
    assert story.refused(who, hand).code == "reason_needed"
    story.say(who, c.ReportInjured(count=1))
    hand = c.HandToAuthority(authority="燃气公司", acknowledged_by="王", reason="管道")
    assert story.refused(who, hand).missing == ("injured",)
    story.say(who, c.ReportInjured(count=1, handed_over=1))
    story.say(who, hand)
    assert deadlines(story)["monitored"] == 86_400
    assert story.refused(who, c.HandToAuthority(authority="x", acknowledged_by=" ")).code


@tells("L39", "L17")
def test_called_false_and_again_within_ten_minutes_is_looked_at_by_who_is_still_there() -> None:
    story = Story()
    who = story.on_scene()
    story.normal()
    story.say(who, c.FieldDeclaresFalse(no_photo_reason="油烟"))
    story.now += timedelta(minutes=9)
    story.alarm(DETECTOR)
    assert (story.state.state, story.state.real) == (State.ON_SCENE, None)
    assert story.state.false_declared_at is not None, "the banner says when it was called false"
    story = Story()
    who = story.on_scene()
    story.normal()
    story.say(who, c.FieldDeclaresFalse(no_photo_reason="油烟"))
    story.now += timedelta(minutes=11)
    story.alarm(DETECTOR)
    assert (story.state.state, story.state.lead) == (State.DISPATCHING, None)


@tells("L39", "L25")
def test_a_second_kind_while_people_are_trapped_takes_all_out_and_changes_no_assessment() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.ReportTrapped(count=1))
    story.alarm(SECOND, Kind.GAS)
    assert story.state.control is Control.UNCONTROLLABLE
    assert story.state.state is State.RESCUE
    assert not story.state.entered


@tells("L39", "L2")
def test_two_detectors_of_fire_wait_for_no_telephone() -> None:
    story = Story(Kind.ELECTRIC, at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    story.alarm(SECOND, Kind.SMOKE)
    assert story.state.state is State.DISPATCHING
    assert story.state.urgency is Urgency.EMERGENCY


@tells("L52b")
def test_an_absorbed_alarm_counts_for_the_release_of_the_winner() -> None:
    story = Story()
    story.clearing()
    story.normal()
    theirs = c.NewAlarm(detector_id=SECOND, label="x", kind=Kind.SMOKE, quantity="smoke",
                        emitted_at=story.now, household_id=NEXT_DOOR)  # fmt: skip
    story.say(SYSTEM, c.Absorb(source=uuid4(), no="7", detectors=(theirs,), alarming=(SECOND,)))
    assert (story.state.c1, story.state.c2) == (None, None)
    assert SECOND in story.state.detectors


@tells("L52d")
def test_incidents_beside_each_other_are_linked_once_and_each_keeps_its_own_release() -> None:
    story = Story()
    other = uuid4()
    link = c.LinkIncident(other=other, no="8", kind=Kind.GAS, reason="near", metres=31.0)
    [said] = story.say(SYSTEM, link)
    assert isinstance(said.fact, e.IncidentsLinked)
    assert story.say(SYSTEM, link) == ()
    assert [(one.incident_id, one.reason) for one in story.state.linked] == [(other, "near")]
    assert not story.say(SYSTEM, msgspec.structs.replace(link, other=story.state.id))
    assert len(story.state.detectors) == 1


def beside(**changes: Any) -> Neighbour:
    given: dict[str, Any] = {
        "id": uuid4(),
        "no": "9",
        "kind": Kind.SMOKE,
        "handling": Handling.ACTUAL,
        "drill": False,
        "building_id": UUID(int=100),
        "metres": 0.0,
        "emitted_at": START,
    }
    return Neighbour(**given | changes)


def test_what_is_one_event_is_said_in_both_and_nothing_is_linked_with_a_drill() -> None:
    one, next_door = beside(), UUID(int=101)
    near = beside(building_id=next_door, metres=50.0, emitted_at=START + timedelta(minutes=10))
    said = links(one, [near])
    assert [(to, link.other, link.reason) for to, link in said] == [
        (one.id, near.id, "near"),
        (near.id, one.id, "near"),
    ]
    late = beside(emitted_at=START + timedelta(hours=5))
    assert {link.reason for _, link in links(one, [late])} == {"same_building"}
    put = msgspec.structs.replace
    for apart in (
        put(near, metres=50.1),
        put(near, emitted_at=START + timedelta(minutes=10, seconds=1)),
        put(near, handling=Handling.EXERCISE),
        put(near, drill=True),
        put(late, drill=True),
        one,
    ):
        assert links(one, [apart]) == []
    assert links(put(one, building_id=None), [put(near, building_id=None, metres=60.0)]) == []


# --- what one has seen ------------------------------------------------------------------------


@tells("L19", "L26")
def test_nothing_is_called_better_by_somebody_who_has_not_seen_what_another_said() -> None:
    story = Story()
    who = story.on_scene()
    story.say(field(BEN), c.SelfAssign(), metres=20.0)
    story.say(who, c.ConfirmReal())
    seen = story.state.version
    story.say(field(BEN), c.ReportInjured(count=1))
    better = story.order(who, c.AssessControllable(controllable=True, reason="小"))
    stale = msgspec.structs.replace(better, seen_version=seen)
    found = story.take(stale)
    assert getattr(found, "code", None) == "changed_unseen"
    fresh = story.refused(who, c.AssessControllable(controllable=True, reason="小"))
    assert fresh.missing == ("injured",), "who has seen it hears what is in the way"


@tells("L19")
def test_ones_own_earlier_word_sent_in_the_same_batch_is_no_surprise() -> None:
    story = Story()
    who = story.on_scene()
    story.say(who, c.ConfirmReal())
    story.now += timedelta(minutes=30)
    story.say(who, c.AssessControllable(controllable=False), ago_s=1200)
    story.say(who, c.AssessControllable(controllable=True, reason="火已小"), ago_s=600)
    assert story.state.control is Control.CONTROLLABLE


@tells("L25")
def test_late_word_of_fewer_trapped_does_not_undo_what_another_reported_since() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.ReportTrapped(count=1))
    story.now += timedelta(minutes=20)
    story.say(DESK, c.ReportTrapped(count=3))
    story.say(who, c.ReportTrapped(count=0, outcome="已救出"), ago_s=600)
    assert story.state.people.trapped == 3
    assert story.state.late_statements[-1].why == "changed_since"


# --- papers -----------------------------------------------------------------------------------


@tells("L8b")
def test_nobody_reached_is_said_after_two_calls_or_a_minute() -> None:
    story = Story(at_once=False)
    story.say(SYSTEM, c.PresentToDesk(desk="d"))
    assert story.refused(DESK, c.PartyUnreachable()).code == "call_again_first"
    story.now += timedelta(seconds=60)
    story.say(DESK, c.PartyUnreachable())
    assert story.state.state is State.DISPATCHING


@tells("L38")
def test_condition_one_by_hand_needs_two_persons_and_by_exchange_a_technician() -> None:
    story = Story()
    who = story.clearing()
    hand = c.SubstituteC1(how="hand_measured", evidence="测爆仪 0", second="lead-1")
    assert story.refused(who, hand).code == "two_persons_needed"
    swap = c.SubstituteC1(how="replaced", evidence="新探测器")
    assert story.refused(who, swap, second_person=True).code == "not_your_role"
    assert story.refused(TECHNICIAN, c.SubstituteC1(how="replaced", evidence=" ")).code
    story.say(who, hand, second_person=True)
    assert story.state.c1 is not None
    story.say(TECHNICIAN, swap)


@tells("L49", "L50a")
def test_a_debt_is_waived_by_the_desk_lead_with_a_reason_and_some_never() -> None:
    story = Story()
    story.released()
    assert story.refused(DESK, c.Waive(obligation="fire_seat", reason="x")).code == "not_your_role"
    assert story.refused(LEAD, c.Waive(obligation="advice_handling", reason=" ")).code
    for never in ("false_report", "community_report", "cordon_lifted", "unit_contacted"):
        assert story.refused(LEAD, c.Waive(obligation=never, reason="x")).code == "never_waived"
    for owed in ("advice_handling", "advice_prevention"):
        story.say(LEAD, c.Waive(obligation=owed, reason="无人可告知"))
    story.say(DESK, c.Archive())


@tells("L29a", "L29b", "L28")
def test_a_report_reaches_its_office_or_is_known_to_have_failed() -> None:
    story = Story()
    story.say(DESK, c.ReportTo(situation="火大"))
    one, other = story.state.reports[:2]
    story.say(SYSTEM, c.ReportDelivered(report_id=one.id))
    story.say(SYSTEM, c.ReportFailed(report_id=other.id, reason="busy"))
    assert [r.status for r in story.state.reports[:2]] == ["delivered", "failed"]
    assert story.say(SYSTEM, c.ReportFailed(report_id=one.id, reason="x")) == ()


@pytest.mark.clause("6.3.4.2-a", "6.3.4.2-b")
@tells("L30a", "L30b", "L30c", "L34a", "L34b")
def test_the_way_in_the_guide_the_engines_and_their_command_are_written_down() -> None:
    story = Story()
    who = story.handling()
    story.say(who, c.RoadCleared())
    story.say(who, c.GuidePosted(place="巷口"))
    story.say(DESK, c.VehicleArrived(what="消防车"))
    story.say(who, c.FireCommandTakesOver(commander="王"))
    story.done(who, "B.3-2", "B.3-3", "B.3-4", "B.3-5")
    story.say(who, c.FinalCheck())
    assert story.refused(who, c.FieldConfirmEliminated()).missing == ("fire_command",)
    story.say(who, c.FireCommandGivesBack(commander="王"))
    story.say(who, c.FieldConfirmEliminated())
    assert story.state.road_open
    assert [v.what for v in story.state.vehicles] == ["消防车"]


@pytest.mark.clause("B.1-2", "B.1-3")
@tells("L48", "L23")
def test_an_electrical_cause_is_one_of_the_three_and_comes_before_the_notice() -> None:
    story = Story(Kind.ELECTRIC)
    who = story.handling()
    cause = c.Tick(card="B.1", item="B.1-2", result="done")
    assert story.refused(who, cause).code == "cause_needed"
    notice = c.Tick(card="B.1", item="B.1-3", result="done", value=7)
    assert story.refused(who, notice).code == "order_of_actions"
    story.say(who, c.Tick(card="B.1", item="B.1-2", result="done", cause="overload"))
    story.say(who, notice)
    story.say(TECHNICIAN, c.CauseFound(code="overload"))
    assert {"cause_found", "rectification"} <= story.state.met


@tells("L54a", "L54b", "L46b", "L31d", "L31b")
def test_notes_pictures_lists_and_word_to_the_authority_belong_to_the_record() -> None:
    story = Story(Kind.STRUCTURE)
    who = story.on_scene()
    story.say(who, c.Note(text="门窗变形"))
    story.say(who, c.Photo(sha256="a", taken_at=story.now))
    assert story.say(who, c.Photo(sha256="a", taken_at=story.now)) == ()
    assert story.refused(who, c.AuthorityReport(authority=" ")).missing == ("authority",)
    story.say(who, c.AuthorityReport(authority="住建局", by="王"))
    story.say(SYSTEM, c.DrawRoster(people=("a",)))
    story.say(who, c.PersonOut(person_id="a"))
    assert "authority_report" in story.state.met
    assert story.state.evacuation.out == 1
