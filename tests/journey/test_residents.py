"""A household's link: what they can say, what they see, and who has seen their number."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from backend.messages.carrier import Unreached
from backend.pipeline import Pipeline
from push.message import Handling, Message
from tests.journey.street import HOMES, Person, Street


async def page(resident: Person) -> dict[str, Any]:
    found: dict[str, Any] = await resident.get(resident.path)
    return found


@pytest.mark.clause("6.2.2-c")
async def test_the_household_sees_its_alert_with_advice_and_who_comes(street: Street) -> None:
    phone = await street.phone("周建国")
    resident = await street.resident("east")
    assert (await page(resident))["incidents"] == []
    incident = await street.alarm()
    [shown] = (await page(resident))["incidents"]
    assert (shown["id"], shown["kind"], shown["alertActive"]) == (incident, "smoke", True)
    assert shown["advice"]
    assert all(line["zh"] and line["en"] for line in shown["advice"])
    assert shown["coming"] is None
    await street.to_the_scene(phone, incident)
    [shown] = (await page(resident))["incidents"]
    assert (shown["coming"]["name"], shown["coming"]["arrived"]) == ("周建国", True)


async def test_another_household_sees_and_says_nothing(street: Street) -> None:
    neighbour = await street.resident("far")
    incident = await street.alarm()
    assert (await page(neighbour))["incidents"] == []
    for name in ("party_handled", "party_reports_false"):
        refusal = await neighbour.is_refused(incident, name, speaker="邻居")
        assert refusal["code"] == "not_your_role"
    assert await street.events(incident, "PartySaidHandled", "PartySaidFalse") == []


async def test_a_household_does_nothing_that_is_not_theirs_to_do(street: Street) -> None:
    resident = await street.resident()
    incident = await street.alarm()
    before = await street.events(incident)
    for name, more in (
        ("claim", {}),
        ("confirm_real", {}),
        ("desk_release_false", {}),
        ("assess_controllable", {"controllable": True}),
        ("archive", {}),
    ):
        refusal = await resident.is_refused(incident, name, **more)
        assert refusal["code"] == "not_your_role", name
    assert await street.events(incident) == before


@pytest.mark.clause("6.2.4-a")
async def test_nothing_wrong_said_while_the_detector_alarms_is_kept_and_looked_at(
    street: Street,
) -> None:
    phone, resident = await street.phone("周建国"), await street.resident()
    incident = await street.alarm()
    await resident.does(
        incident, "party_reports_false", speaker="陈阿婆", relation="户主", onSpot=True
    )
    assert await street.state(incident) == "dispatching"
    assert len((await phone.get("/api/field/home"))["offers"]) == 1


async def test_nothing_wrong_said_on_the_spot_by_a_quiet_detector_stands_down(
    street: Street,
) -> None:
    resident, desk = await street.resident(), await street.desk()
    incident = await street.alarm()
    await street.quiet("smoke")
    await resident.does(
        incident, "party_reports_false", speaker="陈阿婆", relation="户主", onSpot=True
    )
    assert await street.state(incident) == "stood_down"
    await desk.does(incident, "desk_release_false")
    refusal = await desk.is_refused(incident, "archive")
    assert refusal["missing"] == ["false_report"]


async def test_handled_by_the_household_is_still_visited(street: Street) -> None:
    phone, resident = await street.phone("周建国"), await street.resident()
    incident = await street.alarm()
    await resident.does(incident, "party_handled", speaker="陈阿婆", note="锅端走了")
    assert await street.state(incident) in {"party_handled", "dispatching"}
    assert (await page(resident))["incidents"][0]["answered"] == "handled"
    await street.to_the_scene(phone, incident)
    assert await street.state(incident) == "on_scene"


@pytest.mark.clause("A.1-d")
async def test_a_household_in_need_is_reported_for_rescue_and_evacuated(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    resident = await street.resident()
    incident = await street.alarm()
    await resident.does(incident, "party_needs_rescue", speaker="陈阿婆", note="下不了楼")
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["control"], view["evacuation"]["state"]) == ("uncontrollable", "running")
    assert len(view["reports"]) == 4
    assert len((await phone.get("/api/field/home"))["offers"]) == 1


async def test_names_and_numbers_are_open_while_the_alarm_is_and_masked_after(
    street: Street,
) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    [open_] = (await desk.get(f"/api/incidents/{incident}/contacts"))["contacts"]
    assert (open_["name"], open_["phone"], open_["masked"]) == ("陈阿婆", "13800001234", False)
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过")
    await desk.does(incident, "desk_release_false")
    [masked] = (await desk.get(f"/api/incidents/{incident}/contacts"))["contacts"]
    assert masked["masked"] is True
    assert "陈阿婆" not in str(masked)
    assert "13800001234" not in str(masked)


@pytest.mark.clause("7.4.4-e")
async def test_every_look_at_a_households_people_is_written_down(street: Street) -> None:
    desk = await street.desk()
    incident = await street.alarm()
    for _ in range(2):
        await desk.get(f"/api/incidents/{incident}/contacts")
    rows = await street.world.identity.fetch(
        "SELECT actor, subject, reason FROM audit_entry WHERE action = 'residents.contacts_viewed'"
    )
    me = await desk.get("/api/session")
    assert [(r["actor"], r["subject"]) for r in rows] == [(me["accountId"], str(HOMES["east"]))] * 2
    assert all(row["reason"] for row in rows)


async def test_who_is_not_at_the_desk_reads_no_numbers(street: Street) -> None:
    incident = await street.alarm()
    for person in (await street.phone("周建国"), await street.office("community")):
        answer = await person.client.get(f"/api/incidents/{incident}/contacts")
        assert answer.status_code == 403
        assert "13800001234" not in answer.text


async def test_a_home_that_no_way_reaches_is_told_to_the_desk_unless_somebody_spoke_with_it(
    street: Street,
) -> None:
    desk = await street.desk()
    incident = await street.alarm()
    [row] = await street.world.operations.fetch(
        "SELECT address, body FROM message WHERE incident_id = $1 AND audience = 'resident'",
        UUID(incident),
    )
    found = Unreached(
        address=row["address"],
        incident_id=UUID(incident),
        message=msgspec.json.decode(row["body"], type=Message),
    )
    rehearsed = msgspec.structs.replace(
        found, message=msgspec.structs.replace(found.message, handling=Handling.EXERCISE)
    )
    pipeline = Pipeline(street.world.ctx)
    await pipeline.unreached(found)
    assert await street.told(desk, "home_unreached") == 0  # it has no way, and the card says so
    await street.world.operations.execute(
        "INSERT INTO delivery (message_id, door, at, outcome, code)"
        " VALUES ($1, 'voice', $2, 'rejected', 'failed 200003')",
        found.message.id,
        street.world.clock.now(),
    )
    await pipeline.unreached(rehearsed)
    assert await street.told(desk, "home_unreached") == 0
    await pipeline.unreached(found)
    assert await street.told(desk, "home_unreached") == 1


@pytest.mark.clause("4.1-f")
async def test_a_home_is_told_in_the_language_that_it_asked_for(street: Street) -> None:
    resident = await street.resident("east")
    people = await resident.get(f"{resident.path}/preferences")
    wish = {"way": "call", "largeText": False, "language": "en", "consent": True}
    answer = await resident.client.put(
        f"{resident.path}/preferences", json={"contactId": people[0]["contactId"], **wish}
    )
    assert answer.status_code == 200, answer.text
    incident = await street.alarm()
    [row] = await street.world.operations.fetch(
        "SELECT body FROM message WHERE incident_id = $1 AND audience = 'resident'", UUID(incident)
    )
    told = msgspec.json.decode(row["body"], type=Message)
    assert (told.locale, told.lock_title) == ("en", "An alarm at your home")
