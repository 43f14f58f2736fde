"""Golden scenarios 1, 2 and 3: it was nothing, or the first one asked did not answer."""

import pytest

from tests.journey.golden.reading import in_order
from tests.journey.street import PEOPLE, Street


@pytest.mark.clause("6.2.2-b", "6.2.4-a", "6.2.4-b", "6.2.4-c", "6.2.4-d", "6.3.7.1-c")
async def test_1_burnt_food_is_false_by_the_partys_word_and_is_reported_and_archived(
    street: Street,
) -> None:
    near, desk = await street.phone("周建国"), await street.desk()
    incident = await street.alarm("smoke", smoke=True)
    await desk.does(incident, "claim")
    await desk.does(incident, "log_call", contact="户主", result="reached", phrase="A.1")
    early = await desk.is_refused(
        incident, "party_reports_false", speaker="陈阿婆", relation="户主", onSpot=True
    )
    assert early["missing"] == ["still_alarming"], "nobody's word is better than the detector's"
    await street.quiet("smoke")
    await desk.does(incident, "party_reports_false", speaker="陈阿婆", relation="户主", onSpot=True)
    assert await street.state(incident) == "stood_down"
    assert (await near.get("/api/field/home"))["offers"] == [], "nobody need go any more"

    await desk.does(incident, "desk_release_false")
    assert (await desk.is_refused(incident, "archive"))["missing"] == ["false_report"]
    [owed] = (await near.get("/api/field/home"))["owed"]
    assert (owed["incidentId"], owed["code"]) == (incident, "false_report"), "who was asked writes"
    await near.does(
        incident, "submit_false_report", cause="cooking", analysis="饭烧焦了", measure="开油烟机"
    )
    await desk.does(incident, "archive")
    record = await street.record(desk, incident)
    assert (record["releasedHow"], record["category"]) == ("false", "false_alarm")
    assert record["falseDeclaredAt"] <= record["releasedAt"]
    in_order(
        await street.events(incident),
        "AlertRaised", "IncidentClaimed", "CallLogged", "PartySaidFalse", "RespondersStoodDown",
        "Released", "FalseReportFiled", "Archived",
    )  # fmt: skip


@pytest.mark.clause("6.2.3-b", "6.2.3-c", "6.3.2-a", "6.2.4-b", "6.2.4-c")
async def test_2_nobody_answers_and_the_nearest_finds_no_fire(street: Street) -> None:
    near, desk = await street.phone("周建国"), await street.desk()
    incident = await street.alarm("smoke", smoke=True)
    await desk.does(incident, "claim")
    for _ in range(2):
        await desk.does(incident, "log_call", contact="户主", result="no_answer")
    await street.to_the_scene(near, incident)
    assert await street.said_to(f"staff:{PEOPLE['周建国'][0]}") == ["offer"]
    await near.does(incident, "field_declares_false", noPhotoReason="镜头起雾", note="油烟")
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["state"], view["alertActive"]) == ("stood_down", False)
    assert (await street.said_to(f"staff:{PEOPLE['周建国'][0]}"))[-1] == "stand_down"
    await desk.does(incident, "desk_release_false")
    await near.does(
        incident, "submit_false_report", cause="cooking", analysis="离灶台太近", measure="换位置"
    )
    await desk.does(incident, "archive")
    record = await street.record(desk, incident)
    assert record["lead"]["name"] == "周建国"
    assert record["falseDeclaredAt"] == view["falseDeclaredAt"]
    in_order(
        await street.events(incident),
        "CallLogged", "CallLogged", "PartyUnreached", "Accepted", "ArrivedOnScene",
        "FalseDeclared", "RespondersStoodDown", "Released", "FalseReportFiled", "Archived",
    )  # fmt: skip


@pytest.mark.clause("6.2.3-c")
async def test_3_the_nearest_ignores_the_offer_and_the_next_nearest_goes(street: Street) -> None:
    near, second = await street.phone("周建国"), await street.phone("李明")
    desk = await street.desk()
    incident = await street.alarm("smoke", smoke=True)
    [offer] = (await near.get("/api/field/home"))["offers"]
    await street.forward(25)
    assert (await near.is_refused(incident, "accept", offerId=offer["id"]))["code"] == "offer_over"
    await street.to_the_scene(second, incident)
    await street.handled(second, incident)
    await street.closed(second, desk, incident)
    record = await street.record(desk, incident)
    assert [(one["staffName"], one["candidates"] != []) for one in record["offers"]] == [
        ("周建国", True), ("李明", True),
    ]  # fmt: skip
    assert [one["outcome"] for one in record["offerOutcomes"]] == ["expired", "accepted"]


async def test_a_report_that_nobody_was_asked_for_is_owed_by_everybody_until_one_writes_it(
    street: Street,
) -> None:
    desk = await street.desk()
    incident = await street.alarm("smoke", smoke=True)
    await street.quiet("smoke")
    await desk.does(incident, "party_reports_false", speaker="陈阿婆", relation="户主", onSpot=True)
    one, other = await street.phone("周建国"), await street.phone("李明")
    for phone in (one, other):
        owed = (await phone.get("/api/field/home"))["owed"]
        assert [debt["code"] for debt in owed] == ["false_report"]
    await one.does(
        incident, "submit_false_report", cause="device", analysis="探头老化", measure="更换"
    )
    assert (await other.get("/api/field/home"))["owed"] == []
