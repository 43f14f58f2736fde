"""A device is muted after a false alarm: for a set time, written down, and never beyond its end."""

from datetime import timedelta
from uuid import UUID

from tests.edge.detectors import message
from tests.journey.street import DETECTORS, Person, Street

SMOKE, LEAK = DETECTORS["smoke"][0], DETECTORS["leak"][0]


async def mutes(
    who: Person, detector: UUID, minutes: int, reason: str = "厨房油烟，约了检修"
) -> int:
    answer = await who.client.post(
        f"/api/detectors/{detector}/mute", json={"minutes": minutes, "reason": reason}
    )
    await who.street.settle()
    return answer.status_code


async def falsely(street: Street, lead: Person) -> str:
    """A false smoke alarm, released though the detector still alarms."""
    phone = await street.phone("周建国")
    incident = await street.alarm("smoke")
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="镜头起雾", note="炒菜油烟")
    await lead.does(incident, "desk_release_false")
    return incident


async def count(street: Street) -> int:
    found: int = await street.world.operations.fetch_value("SELECT count(*) FROM incident")
    return found


async def test_a_muted_detector_raises_nothing_is_still_shown_and_the_mute_is_on_record(
    street: Street,
) -> None:
    lead = await street.desk_lead()
    incident = await falsely(street, lead)
    until = street.world.clock.now() + timedelta(minutes=90)
    assert await mutes(lead, SMOKE, 90) == 204
    await street.quiet("smoke")
    await street.hears("smoke", smoke=True)
    assert await count(street) == 1
    view = await lead.get(f"/api/incidents/{incident}")
    [device] = view["detectors"]
    assert device["mutedUntil"] == until.isoformat().replace("+00:00", "Z")
    assert device["value"] == 1.0
    note = [one for one in view["timeline"] if one["type"] == "NoteAdded"][-1]
    assert "静音至" in note["facts"]["text"]
    assert "约了检修" in note["facts"]["text"]
    assert note["actor"]["name"] == "顾敏"
    [standing] = await lead.get("/api/mutes")
    assert (standing["byName"], standing["reason"]) == ("顾敏", "厨房油烟，约了检修")
    row = await street.world.operations.fetch_one(
        "SELECT subject, reason FROM audit_entry WHERE action = 'devices.muted'"
    )
    assert row is not None
    assert (row["subject"], row["reason"]) == (str(SMOKE), "厨房油烟，约了检修")


async def test_the_mute_ends_by_itself_and_what_still_alarms_then_raises(street: Street) -> None:
    lead = await street.desk_lead()
    await falsely(street, lead)
    assert await mutes(lead, SMOKE, 30) == 204
    street.world.clock.forward(minutes=29)
    await street.store.elapse()
    await street.settle()
    assert await count(street) == 1
    street.world.clock.forward(minutes=2)
    await street.store.elapse()
    await street.settle()
    assert await count(street) == 2
    assert await lead.get("/api/mutes") == []


async def test_lifting_a_mute_lets_the_next_alarm_through_at_once(street: Street) -> None:
    lead = await street.desk_lead()
    assert await mutes(lead, SMOKE, 120) == 204
    await street.hears("smoke", smoke=True)
    assert await count(street) == 0
    assert await mutes(lead, SMOKE, 0, "检修完") == 204
    await street.store.elapse()
    await street.settle()
    assert await count(street) == 1


async def test_no_device_is_muted_while_it_is_in_an_incident_that_is_not_released(
    street: Street,
) -> None:
    lead = await street.desk_lead()
    await street.alarm("smoke")
    assert await mutes(lead, SMOKE, 10) == 422
    assert await lead.get("/api/mutes") == []
    await street.hears("smoke", smoke=True)
    assert await count(street) == 1


async def test_no_device_is_muted_while_its_alarm_is_on_its_way(street: Street) -> None:
    lead = await street.desk_lead()
    await street.store.write([message(street.world, {"smoke": True}, "zigbee2mqtt/smoke")])
    assert await mutes(lead, SMOKE, 10) == 422
    assert await count(street) == 1


async def test_smoke_is_muted_two_hours_at_most_other_kinds_a_day(street: Street) -> None:
    lead = await street.desk_lead()
    technician = await street.signed_in("technician", name="老周")
    assert await mutes(technician, SMOKE, 121) == 422
    assert await mutes(technician, SMOKE, 120) == 204
    assert await mutes(lead, LEAK, 1441) == 422
    assert await mutes(lead, LEAK, 1440) == 204
    assert [one["detectorId"] for one in await lead.get("/api/mutes")] == [str(SMOKE), str(LEAK)]
    assert await mutes(lead, UUID(int=9), 10) == 404
    assert await mutes(await street.desk(), SMOKE, 10) == 403
