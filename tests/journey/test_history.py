"""What somebody was on stays readable, and an incident can be watched again."""

from datetime import datetime
from typing import Any

from tests.journey.street import LAT, LON, PEOPLE, Person, Street


async def _false_alarm(street: Street, phone: Person) -> str:
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过", note="油烟")
    await (await street.desk()).does(incident, "desk_release_false")
    return incident


async def test_my_history_is_newest_first_and_comes_in_pages(street: Street) -> None:
    phone = await street.phone("周建国")
    first = await _false_alarm(street, phone)
    await street.quiet()
    await street.forward(90_000)  # past the half hour in which an alarm follows the released one
    phone = await street.phone("周建国")
    second = await _false_alarm(street, phone)
    page = await phone.get("/api/field/history?limit=1")
    assert [p["id"] for p in page["incidents"]] == [second]
    line = page["incidents"][0]
    assert (line["part"], line["answer"], line["owed"]) == ("lead", "accepted", ["false_report"])
    rest = await phone.get(f"/api/field/history?limit=1&before={page['next']}")
    assert ([p["id"] for p in rest["incidents"]], rest["next"]) == ([first], None)
    stranger = await street.phone("王芳")
    assert (await stranger.get("/api/field/history"))["incidents"] == []


async def test_who_was_asked_and_did_not_go_finds_it_too(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    [offer] = (await phone.get("/api/field/home"))["offers"]
    await phone.does(incident, "decline", offerId=offer["id"], reason="busy")
    [line] = (await phone.get("/api/field/history"))["incidents"]
    assert (line["part"], line["answer"]) == ("asked", "declined")


async def test_a_replay_holds_the_timeline_the_spots_and_the_readings(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    [offer] = (await phone.get("/api/field/home"))["offers"]
    at = street.world.clock.now().isoformat()
    tap: dict[str, Any] = phone.envelope(incident, "accept", offerId=offer["id"])
    tap["position"] = {"lat": LAT + 0.001, "lon": LON, "accuracyM": 9, "at": at}
    await phone.batch([tap])
    await phone.batch([tap])
    shown = await phone.get(f"/api/incidents/{incident}/replay")
    assert [spot["what"] for spot in shown["traces"]] == ["offer", "accept"]
    asked, went = shown["traces"]
    assert (asked["lat"], went["lat"]) == (PEOPLE["周建国"][1], LAT + 0.001)
    times = [datetime.fromisoformat(line["at"]) for line in shown["timeline"]]
    assert times == sorted(times)
    assert shown["timeline"][0]["type"] == "AlertRaised"
    [series] = shown["series"]
    assert series["points"][-1][1] == 1
    stranger = await street.phone("王芳")
    assert (await stranger.client.get(f"/api/incidents/{incident}/replay")).status_code == 403
