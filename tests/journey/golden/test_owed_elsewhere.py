"""Golden scenarios 10, 11 and 12: an authority, a unit, a community have to know."""

import pytest

from tests.journey.golden.reading import in_order
from tests.journey.street import Person, Street

DAY_S = 86_400


@pytest.mark.clause("B.4-2", "B.4-3")
async def test_10_a_growing_crack_is_handed_over_watched_and_released_by_a_new_baseline(
    street: Street,
) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    await street.measures("crack", "crack", 1.2)
    incident = await street.newest()
    await desk.does(incident, "claim")
    await desk.does(incident, "dispatch_now", reason="派人看裂缝")
    await street.to_the_scene(phone, incident)
    await street.real(phone, incident)
    await street.wears(phone, incident, "structure")
    await phone.does(incident, "start_handling")
    for item in ("B.4-2a", "B.4-2b", "B.4-2c", "B.4-2d"):
        await street.ticks(phone, incident, item, cause="none")
    await street.ticks(phone, incident, "B.4-2e", cause="hazard", value=1.2)
    silent = await phone.is_refused(
        incident, "hand_to_authority", authority="姑苏区住建委", acknowledgedBy=" "
    )
    assert silent["code"] == "authority_silent"
    await phone.does(
        incident, "hand_to_authority", authority="姑苏区住建委", acknowledgedBy="陆科", cycleD=7
    )
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["state"], view["alertActive"]) == ("monitored", True)

    street.world.clock.forward(seconds=7 * DAY_S)
    await street.forward(1)
    desk, phone = await street.desk(), await street.phone("周建国")  # a week has passed
    technician = await street.signed_in("technician", name="钱工")
    assert await street.told(desk, "monitored") == 1, "looked at again every seven days"
    await technician.does(
        incident, "substitute_c1", how="rebaselined", evidence="加固后重定基线 报告 2026-031"
    )
    await phone.does(incident, "final_check")
    await phone.does(incident, "field_confirm_eliminated")
    await desk.does(incident, "desk_release_real", category="hidden_danger")
    await street.settled_debts(phone, incident)
    await desk.does(incident, "archive")
    record = await street.record(desk, incident)
    assert record["conditions"]["c1"]["how"] == "rebaselined"
    in_order(
        await street.events(incident),
        "ItemDone", "HandedToAuthority", "NormalConditionMet", "HazardEliminated",
        "Released", "Archived",
    )  # fmt: skip


@pytest.mark.clause("B.5-1", "B.5-2")
async def test_11_low_hydrant_pressure_reaches_its_unit_is_checked_normal_and_released(
    street: Street,
) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    await street.measures("pressure", "pressure", 0.05)
    street.world.clock.forward(seconds=121)
    await street.measures("pressure", "pressure", 0.05)
    incident = await street.newest()
    assert await street.said_to(f"household:{None}") == []
    await desk.does(incident, "claim")
    await desk.does(incident, "dispatch_now", reason="水压低")
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "confirm_real")
    await phone.does(incident, "unit_contacted", unit="自来水公司", by="值班员")
    await street.ticks(phone, incident, "B.5-1")
    await street.ticks(phone, incident, "B.5-2", value=0.06)
    await phone.does(incident, "check_result", result="阀门半关，已开", value=0.28)
    await street.finished(phone, incident)
    for _ in range(3):
        street.world.clock.forward(seconds=150)
        await street.measures("pressure", "pressure", 0.28)
    await desk.does(incident, "desk_release_real", category="hidden_danger")
    await street.settled_debts(phone, incident)
    await desk.does(incident, "archive")
    record = await street.record(desk, incident)
    assert {debt["code"] for debt in record["obligations"]} >= {"unit_contacted", "check_result"}
    in_order(
        await street.events(incident),
        "UnitReached", "Checked", "HazardEliminated", "NormalConditionMet", "Released",
        "Archived",
    )  # fmt: skip


async def nobody_home(street: Street, desk: Person) -> str:
    """Water that runs, and a household and a family that do not answer."""
    await street.measures("leak", "water_leak", True)
    incident = await street.newest()
    await desk.does(incident, "claim")
    await desk.does(incident, "log_call", contact="户主", result="no_answer")
    await desk.does(incident, "log_call", contact="女儿", result="no_answer")
    return incident


@pytest.mark.clause("B.6-2", "B.6-3")
async def test_12_water_and_no_answer_goes_to_family_and_community_until_they_are_found(
    street: Street,
) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    incident = await nobody_home(street, desk)
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "confirm_real")
    await street.ticks(phone, incident, "B.6-2", cause="no_answer")
    await desk.does(incident, "report_to", offices=None, situation="敲门无人应答")
    community = await street.office("community")
    [report] = (await community.get("/api/office/inbox"))["reports"]
    await community.does(
        incident, "acknowledge_report", reportId=report["id"], reply="在女儿家，平安", sent=True
    )
    await desk.does(incident, "log_call", contact="社区", result="reached")
    await street.ticks(phone, incident, "B.6-2", cause="absent")
    await street.ticks(phone, incident, "B.6-3")
    await street.finished(phone, incident)
    for _ in range(3):
        street.world.clock.forward(seconds=40)
        await street.measures("leak", "water_leak", False)
    await desk.does(incident, "desk_release_real", category="other")
    await phone.does(incident, "community_report", state="在女儿家，平安")
    await street.settled_debts(phone, incident)
    await desk.does(incident, "archive")
    record = await street.record(desk, incident)
    assert "CommunityReported" in [line["fact"]["type"] for line in record["measures"]]
    in_order(
        await street.events(incident),
        "CallLogged", "PartyUnreached", "ArrivedOnScene", "ReportQueued", "ReportAcknowledged",
        "HazardEliminated", "NormalConditionMet", "Released", "CommunityReported", "Archived",
    )  # fmt: skip
