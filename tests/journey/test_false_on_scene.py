"""Nothing burns: one tap on the spot ends the alarm, the desk releases, the report is owed."""

import pytest

from tests.journey.street import Street


@pytest.mark.clause("6.2.4-a", "6.3.2-a")
async def test_the_lead_on_the_spot_ends_a_false_alarm_with_one_tap(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="镜头起雾", note="炒菜油烟")
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["state"], view["alertActive"]) == ("stood_down", False)
    assert await street.told(phone, "stand_down") == 1
    await street.forward(61)
    assert await street.told(desk, "stand_down_release") == 1


async def test_a_false_alarm_needs_a_look_at_the_detector(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    refusal = await phone.is_refused(incident, "field_declares_false", noPhotoReason="  ")
    assert (refusal["code"], refusal["missing"]) == ("false_not_proved", ["detector_photo"])
    assert await street.state(incident) == "on_scene"


async def test_with_somebody_trapped_no_alarm_is_false(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "report_trapped", count=1, place="阁楼")
    refusal = await phone.is_refused(incident, "field_declares_false", noPhotoReason="看过")
    assert refusal["code"] == "wrong_state"
    assert await street.state(incident) == "rescue"


async def test_only_the_lead_who_arrived_says_false(street: Street) -> None:
    lead, other = await street.phone("周建国"), await street.phone("李明")
    incident = await street.alarm()
    [offer] = (await lead.get("/api/field/home"))["offers"]
    await lead.does(incident, "accept", offerId=offer["id"])
    early = await lead.is_refused(incident, "field_declares_false", noPhotoReason="看过")
    assert early["code"] == "wrong_state"
    await lead.does(incident, "arrived", metresOff=2)
    refusal = await other.is_refused(incident, "field_declares_false", noPhotoReason="看过")
    assert refusal["code"] == "not_lead"
    assert await street.state(incident) == "on_scene"


@pytest.mark.clause("6.2.4-b", "6.2.4-c", "6.2.4-d")
async def test_the_desk_releases_and_the_written_report_holds_the_archive(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过", note="油烟")
    assert (await phone.is_refused(incident, "desk_release_false"))["code"] == "not_your_role"
    await desk.does(incident, "desk_release_false")
    debts = await desk.is_refused(incident, "archive")
    assert (debts["code"], debts["missing"]) == ("obligations_open", ["false_report"])
    waived = await (await street.desk_lead()).is_refused(
        incident, "waive", obligation="false_report", reason="忙"
    )
    assert waived["code"] == "never_waived"
    thin = await phone.is_refused(
        incident, "submit_false_report", cause="cooking", analysis=" ", measure="换位置"
    )
    assert (thin["code"], thin["missing"]) == ("report_incomplete", ["analysis"])
    await phone.does(
        incident, "submit_false_report", cause="cooking", analysis="离灶台太近", measure="换位置"
    )
    await desk.does(incident, "archive")
    assert await street.state(incident) == "archived"


async def test_the_report_is_reminded_of_after_a_day(street: Street) -> None:
    await street.desk_lead()
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过")
    await desk.does(incident, "desk_release_false")
    await street.forward(86_390)
    assert await reminded(street) == 0
    await street.forward(20)
    assert await reminded(street) == 1


async def reminded(street: Street) -> int:
    """Reminders of the report; read from the table, yesterday's sessions are over."""
    found: int = await street.world.operations.fetch_value(
        "SELECT count(*) FROM message WHERE body -> 'data' ->> 'about' = 'false_report'"
    )
    return found


async def test_a_desk_that_does_not_believe_it_sends_somebody_again(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    second = await street.phone("李明")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过")
    refusal = await desk.is_refused(incident, "desk_overrules_false", reason=" ")
    assert refusal["code"] == "reason_needed"
    await desk.does(incident, "desk_overrules_false", reason="邻居说看到明火")
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["state"], view["alertActive"]) == ("dispatching", True)
    open_offers = [await p.get("/api/field/home") for p in (phone, second)]
    assert sum(len(home["offers"]) for home in open_offers) == 1
