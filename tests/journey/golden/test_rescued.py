"""Golden scenarios 7 and 9: out of hand, and people to be brought out."""

import pytest

from tests.journey.golden.reading import in_order
from tests.journey.street import OFFICES, Person, Street

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[120.629, 31.309], [120.631, 31.309], [120.631, 31.311], [120.629, 31.309]]],
}


async def burning(street: Street) -> tuple[Person, Person, str]:
    """Desk, the lead at the door, and smoke that is real."""
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await desk.does(incident, "claim")
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "confirm_real")
    return desk, phone, incident


async def statuses(desk: Person, incident: str) -> dict[str, str]:
    view = await desk.get(f"/api/incidents/{incident}")
    return {report["kind"]: report["status"] for report in view["reports"]}


@pytest.mark.clause("6.3.4.1-a", "6.3.4.2-a", "6.3.5.1-a", "6.3.5.2", "6.3.6.1-0", "6.3.7.1-c")
async def test_7_out_of_control_to_four_offices_and_through_fire_command_back_to_release(
    street: Street,
) -> None:
    desk, phone, incident = await burning(street)
    await phone.does(incident, "assess_controllable", controllable=False, reason="火上了屋顶")
    for kind in ("community", "fire", "street"):
        office = await street.office(kind)
        [report] = (await office.get("/api/office/inbox"))["reports"]
        await office.does(incident, "acknowledge_report", reportId=report["id"], sent=True)
    assert await statuses(desk, incident) == dict.fromkeys(OFFICES, "acknowledged") | {
        "emergency": "sent"
    }
    await street.forward(61)
    assert await street.told(desk, "report_voice") == 1, "the one that is down is telephoned"

    await phone.does(incident, "road_cleared")
    await phone.does(incident, "guide_posted", person="李明", place="白塔东路口")
    await desk.does(incident, "vehicle_arrived", what="平江消防救援站 1 车")
    await phone.does(incident, "start_evacuation")
    await phone.does(incident, "person_out", household="东厢", count=3)
    await phone.does(incident, "set_cordon", shape=SQUARE, posts=2)
    await phone.does(incident, "fire_command_takes_over", commander="王队")
    await phone.does(incident, "close_evacuation", unaccounted=0, handedTo="王队")
    await street.quiet("smoke")
    await street.wears(phone, incident, "smoke")
    await street.ticks(phone, incident, "B.3-2", "B.3-3", "B.3-4", "B.3-5")
    await phone.does(incident, "final_check")
    held = await phone.is_refused(incident, "field_confirm_eliminated")
    assert held["missing"] == ["fire_command"]
    await phone.does(incident, "fire_command_gives_back", commander="王队")
    await phone.does(incident, "field_confirm_eliminated")
    await desk.does(incident, "desk_release_real", category="real_fire")
    await street.settled_debts(phone, incident)
    assert (await desk.is_refused(incident, "archive"))["missing"] == ["cordon_lifted"]
    await desk.does(incident, "lift_cordon")
    await desk.does(incident, "archive")
    record = await street.record(desk, incident)
    assert {line["fact"]["type"] for line in record["measures"]} >= {
        "CordonSet", "CordonLifted", "EvacuationStarted", "EvacuationClosed", "RoadOpened",
        "GuideInPlace", "ReportQueued", "ReportAcknowledged",
    }  # fmt: skip
    in_order(
        await street.events(incident),
        "AssessedUncontrollable", "ReportQueued", "ReportAcknowledged", "RoadOpened",
        "GuideInPlace", "VehicleCame", "EvacuationStarted", "CordonSet", "CommandHeld",
        "EvacuationClosed", "CommandReturned", "HazardEliminated", "Released", "CordonLifted",
        "Archived",
    )  # fmt: skip


@pytest.mark.clause("6.3.3.2-a", "6.3.4.1-b")
async def test_9_two_trapped_and_one_hurt_prompt_120_until_it_is_called_and_one_comes_out(
    street: Street,
) -> None:
    desk, phone, incident = await burning(street)
    await phone.does(incident, "report_trapped", count=2, place="阁楼")
    assert await street.state(incident) == "rescue", "trapped people are never controllable"
    assert set((await statuses(desk, incident)).values()) == {"sent"}
    await phone.does(incident, "report_injured", count=1)
    await street.forward(61)
    assert await street.told(desk, "call_120") == 1
    await phone.does(incident, "log_emergency_call", number="120")
    bare = await phone.is_refused(incident, "report_trapped", count=1, place="阁楼")
    assert bare["missing"] == ["outcome"] or bare["code"] == "outcome_needed"
    await phone.does(incident, "report_trapped", count=1, place="阁楼", outcome="背下来一位")
    people = (await desk.get(f"/api/incidents/{incident}"))["people"]
    assert (people["trapped"], people["injured"], people["call120"]) == (1, 1, "called")
    await phone.is_refused(incident, "assess_controllable", controllable=True, reason="烟小了")
    await phone.does(incident, "report_trapped", count=0, place="阁楼", outcome="消防救出")
    await phone.does(incident, "report_injured", count=1, handedOver=1)
    await phone.does(incident, "assess_controllable", controllable=True, reason="烟小了")
    in_order(
        await street.events(incident),
        "TrappedChanged", "AssessedUncontrollable", "ReportQueued", "InjuredChanged",
        "AmbulanceNeeded", "Reminded", "EmergencyCallLogged", "TrappedChanged", "TrappedChanged",
        "AssessedControllable",
    )  # fmt: skip
