"""Out of control: four offices hear of it, sign, people are brought out, and the way back."""

import pytest

from tests.journey.street import OFFICES, Person, Street

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[120.629, 31.309], [120.631, 31.309], [120.631, 31.311], [120.629, 31.309]]],
}


async def burning(street: Street) -> tuple[Person, Person, str]:
    """Desk, lead on scene, and an incident that the lead called uncontrollable."""
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await desk.does(incident, "claim")
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "assess_controllable", controllable=False, reason="明火上了屋顶")
    return desk, phone, incident


async def status(desk: Person, incident: str) -> dict[str, str]:
    """Office kind → where its report stands."""
    view = await desk.get(f"/api/incidents/{incident}")
    return {report["kind"]: report["status"] for report in view["reports"]}


@pytest.mark.clause("6.3.4.1-a")
async def test_each_of_the_four_offices_gets_its_own_report_and_signs_for_itself(
    street: Street,
) -> None:
    desk, _phone, incident = await burning(street)
    assert await status(desk, incident) == dict.fromkeys(OFFICES, "sent")
    for kind in OFFICES:
        office = await street.office(kind)
        [report] = (await office.get("/api/office/inbox"))["reports"]
        assert report["incidentId"] == incident
        assert (await status(desk, incident))[kind] == "delivered"
        if kind != "street":
            await office.does(
                incident, "acknowledge_report", reportId=report["id"], reply="已出动", sent=True
            )
    done = dict.fromkeys(OFFICES, "acknowledged") | {"street": "delivered"}
    assert await status(desk, incident) == done


async def test_an_office_signs_no_other_offices_report(street: Street) -> None:
    desk, _phone, incident = await burning(street)
    community, fire = await street.office("community"), await street.office("fire")
    [report] = (await community.get("/api/office/inbox"))["reports"]
    refusal = await fire.is_refused(
        incident, "acknowledge_report", reportId=report["id"], sent=True
    )
    assert refusal["code"] == "no_such_report"
    assert (await status(desk, incident))["community"] == "delivered"


@pytest.mark.clause("6.3.4.1-c", "6.3.4.1-d")
async def test_a_report_says_what_happens_and_exactly_where(street: Street) -> None:
    _desk, phone, incident = await burning(street)
    await phone.does(incident, "report_trapped", count=2, place="二楼")
    await phone.does(incident, "report_injured", count=1)
    [report] = (await (await street.office("fire")).get("/api/office/inbox"))["reports"]
    assert "明火上了屋顶" in report["situation"]
    assert (report["kind"], report["people"]["trapped"], report["people"]["injured"]) == (
        "smoke", 2, 1,
    )  # fmt: skip
    place = report["place"]
    assert "平江路" in place["address"]
    assert place["entranceNote"]
    assert place["engineStop"]
    assert report["coordinates"]["wgs84"] == [31.31, 120.63]
    assert report["coordinates"]["gcj02"] != report["coordinates"]["wgs84"]


@pytest.mark.clause("6.3.4.2-a", "6.3.4.2-b")
async def test_the_way_in_is_cleared_and_the_engines_are_met(street: Street) -> None:
    desk, phone, incident = await burning(street)
    await phone.does(incident, "road_cleared")
    await phone.does(incident, "guide_posted", person="李明", place="白塔东路口")
    await desk.does(incident, "vehicle_arrived", what="平江消防救援站 1 车")
    kept = ("RoadOpened", "GuideInPlace", "VehicleCame")
    assert tuple(await street.events(incident, *kept)) == kept


@pytest.mark.clause("6.3.5.1-a", "6.3.5.1-b", "6.3.5.2", "6.3.6.1-0")
async def test_from_uncontrollable_through_fire_command_back_to_release(street: Street) -> None:
    desk, phone, incident = await burning(street)
    await phone.does(incident, "start_evacuation")
    await phone.does(incident, "person_out", household="东厢", count=3)
    unsafe = await phone.is_refused(incident, "close_evacuation", unaccounted=1)
    assert unsafe["code"] == "people_unaccounted"
    nowhere = await phone.is_refused(incident, "set_cordon", shape={"type": "Polygon"})
    assert nowhere["code"] == "no_geometry"
    await phone.does(incident, "set_cordon", shape=SQUARE, posts=2)
    await phone.does(incident, "fire_command_takes_over", commander="王队")
    await phone.does(incident, "close_evacuation", unaccounted=1, handedTo="消防")

    await street.quiet("smoke")
    items = [{"code": c, "has": True} for c in ("helmet", "hood", "gloves", "torch")]
    items.append({"code": "extinguisher", "has": True})
    await phone.does(incident, "confirm_ppe", items=items)
    for item in ("B.3-2", "B.3-3", "B.3-4", "B.3-5"):
        await phone.does(incident, "tick", card="B.3", item=item, result="done")
    await phone.does(incident, "final_check")
    held = await phone.is_refused(incident, "field_confirm_eliminated")
    assert held["missing"] == ["fire_command"]
    await phone.does(incident, "fire_command_gives_back", commander="王队")
    await phone.does(incident, "field_confirm_eliminated")
    await desk.does(incident, "desk_release_real", category="real_fire")
    await street.settled_debts(phone, incident)

    fenced = await desk.is_refused(incident, "archive")
    assert fenced["missing"] == ["cordon_lifted"]
    await desk.does(incident, "lift_cordon")
    await desk.does(incident, "archive")
    assert await street.state(incident) == "archived"


@pytest.mark.clause("6.3.3.1-c")
async def test_who_withdraws_from_danger_reports_for_rescue_by_doing_so(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await street.handled(phone, incident)
    await phone.does(incident, "withdraw", reason="屋梁有响声")
    assert await street.state(incident) == "rescue"
    assert set((await status(desk, incident)).values()) == {"sent"}
    refusal = await phone.is_refused(incident, "start_handling")
    assert refusal["code"] == "wrong_state"


@pytest.mark.clause("6.3.4.1-b")
async def test_somebody_hurt_and_no_call_to_120_alarms_the_desk(street: Street) -> None:
    desk, phone, incident = await burning(street)
    await phone.does(incident, "report_injured", count=1)
    await street.forward(61)
    assert await street.told(desk, "call_120") == 1


async def test_after_the_call_to_120_nobody_is_reminded(street: Street) -> None:
    desk, phone, incident = await burning(street)
    await phone.does(incident, "report_injured", count=1)
    await phone.does(incident, "log_emergency_call", number="120")
    await street.forward(61)
    assert await street.told(desk, "call_120") == 0


async def test_an_office_without_account_signs_by_its_one_report_link(street: Street) -> None:
    desk, _phone, incident = await burning(street)
    view = await desk.get(f"/api/incidents/{incident}")
    fire = next(r for r in view["reports"] if r["kind"] == "fire")
    made = await desk.client.post(f"/api/reports/{fire['id']}/link")
    token = made.json()["url"].partition("#")[2]
    guest = Person(street, await street.stack.enter_async_context(street.world.client()),
                   f"/api/link/{token}")  # fmt: skip
    page = await guest.get(guest.path)
    assert (page["purpose"], page["report"]["id"]) == ("report", fire["id"])
    await guest.does(incident, "acknowledge_report", reportId=fire["id"], sent=True)
    assert (await status(desk, incident))["fire"] == "acknowledged"
    other = next(r for r in view["reports"] if r["kind"] == "community")
    refusal = await guest.is_refused(incident, "acknowledge_report", reportId=other["id"])
    assert refusal["code"] in {"not_your_role", "no_such_report"}
