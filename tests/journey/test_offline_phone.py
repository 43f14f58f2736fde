"""An hour without network: late words may raise, never lower, and none is lost."""

from typing import Any

import pytest

from tests.journey.street import Person, Street

MINUTE = 60


async def offline_hour(street: Street) -> tuple[Person, Person, str, list[dict[str, Any]]]:
    """The example of the specification: 10:00 gas; 10:04 the lead's phone is cut off."""
    lead, helper = await street.phone("周建国"), await street.phone("李明")
    await street.hears("gas", gas=True, gas_density=20)
    incident = await street.newest()
    [offer] = (await lead.get("/api/field/home"))["offers"]
    await lead.does(incident, "accept", offerId=offer["id"])
    kept = []
    await street.forward(6 * MINUTE)
    kept.append(lead.envelope(incident, "arrived", metresOff=4))
    await street.forward(4 * MINUTE)
    kept.append(lead.envelope(incident, "field_declares_false", noPhotoReason="没有气味"))
    await street.forward(10 * MINUTE)
    assert await street.alarm("smoke") == incident, "same home, same incident"
    await street.forward(2 * MINUTE)
    await street.stands(helper)
    await helper.does(incident, "self_assign")
    await street.forward(43 * MINUTE)
    for seq, envelope in enumerate(kept, start=1):
        envelope |= {"deviceId": "d1", "seq": seq}
    return lead, helper, incident, kept


@pytest.mark.clause("6.3.2-a")
async def test_a_false_alarm_called_before_the_second_alarm_ends_nothing_an_hour_later(
    street: Street,
) -> None:
    lead, _helper, incident, kept = await offline_hour(street)
    arrived, said_false = await lead.batch(kept)
    assert arrived["outcome"] == "accepted"
    assert said_false["outcome"] == "late_statement"
    desk = await street.desk()
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["state"], view["alertActive"]) == ("on_scene", True)
    [statement] = view["lateStatements"]
    assert statement["command"] == "field_declares_false"
    assert view["lead"]["arrivedAt"] < statement["at"], "both times are the phone's"


async def test_replies_that_were_lost_are_asked_for_again_and_nothing_is_doubled(
    street: Street,
) -> None:
    lead, _helper, incident, kept = await offline_hour(street)
    first = await lead.batch(kept)
    events = await street.events(incident)
    for _ in range(2):
        again = await lead.batch(kept)
        assert [a["outcome"] for a in again] == [a["outcome"] for a in first]
        assert all(a["repeated"] for a in again)
    assert await street.events(incident) == events


async def test_a_late_cry_for_help_still_reports_for_rescue(street: Street) -> None:
    lead, _helper, incident, _kept = await offline_hour(street)
    [answer] = await lead.batch(
        [lead.envelope(incident, "report_trapped", ago_s=58 * MINUTE, count=2, place="阁楼")]
    )
    assert answer["outcome"] == "accepted"
    view = await (await street.desk()).get(f"/api/incidents/{incident}")
    assert (view["control"], view["people"]["trapped"]) == ("uncontrollable", 2)
    assert len(view["reports"]) == 4


async def test_trapped_people_learnt_of_after_release_open_a_linked_incident(
    street: Street,
) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    first = await street.alarm()
    await street.to_the_scene(phone, first)
    await street.handled(phone, first)
    cry = phone.envelope(first, "report_trapped", count=1, place="阁楼")
    await street.quiet("smoke")
    await phone.does(first, "final_check")
    await phone.does(first, "field_confirm_eliminated")
    await desk.does(first, "desk_release_real", category="real_fire")
    [answer] = await phone.batch([cry])
    assert answer["outcome"] == "accepted"
    second = await street.newest()
    view = await desk.get(f"/api/incidents/{second}")
    assert second != first
    assert (view["links"]["follows"], view["state"]) == (first, "dispatching")
    assert await street.state(first) == "released"


async def test_the_whole_scene_done_offline_drains_in_order(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    at = 600.0
    taps: list[tuple[str, dict[str, Any]]] = [
        ("confirm_real", {}),
        ("assess_controllable", {"controllable": True}),
        ("confirm_ppe", {"items": [{"code": c, "has": True} for c in
                                   ("helmet", "hood", "gloves", "torch", "extinguisher")]}),
        ("start_handling", {}),
        *(("tick", {"card": "B.3", "item": i, "result": "done"})
          for i in ("B.3-2", "B.3-3", "B.3-4", "B.3-5")),
        ("photo", {"sha256": "a" * 64, "takenAt": "2026-03-02T08:05:00Z", "caption": "灶台"}),
    ]  # fmt: skip
    street.world.clock.forward(seconds=at)
    kept = [
        phone.envelope(incident, name, ago_s=at - 30 * n, **arguments)
        for n, (name, arguments) in enumerate(taps, start=1)
    ]
    answers = await phone.batch(kept)
    assert [a["outcome"] for a in answers] == ["accepted"] * len(kept)
    home = await phone.get("/api/field/home")
    [view] = home["incidents"]
    assert view["state"] == "handling"
    assert [i["item"] for i in view["items"]] == ["B.3-2", "B.3-3", "B.3-4", "B.3-5"]
    [photo] = view["photos"]
    assert photo["stored"] is False, "the picture itself is still on the phone"
    line = [event for event in view["timeline"] if event["type"] == "HandlingStarted"]
    assert line[0]["late"] is True


async def test_who_never_had_the_offer_but_went_becomes_a_helper(street: Street) -> None:
    lead, other = await street.phone("周建国"), await street.phone("李明")
    incident = await street.alarm()
    await street.to_the_scene(lead, incident)
    await street.stands(other)
    answers = await other.batch([
        other.envelope(incident, "self_assign"), other.envelope(incident, "arrived", metresOff=9),
    ])  # fmt: skip
    assert [a["outcome"] for a in answers] == ["accepted", "accepted"]
    [helper] = (await lead.get("/api/field/home"))["incidents"][0]["helpers"]
    assert helper["name"] == "李明"
    assert helper["arrivedAt"]


async def test_the_desk_hears_of_late_words_once_for_a_whole_batch(street: Street) -> None:
    lead, _helper, incident, kept = await offline_hour(street)
    desk = await street.desk()
    again = lead.envelope(incident, "field_declares_false", ago_s=54 * MINUTE, noPhotoReason="x")
    answers = await lead.batch([*kept, again])
    assert [a["outcome"] for a in answers] == ["accepted", "late_statement", "late_statement"]
    assert await street.told(desk, "late_record") == 1


async def test_a_fact_that_comes_after_the_seal_is_put_before_the_desk_and_changes_nothing(
    street: Street,
) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await street.handled(phone, incident)
    fact = phone.envelope(incident, "party_advised", kind="handling", way="spoken")
    await street.closed(phone, desk, incident)
    before = await desk.get(f"/api/incidents/{incident}")
    street.world.clock.forward(seconds=3600)
    [answer] = await phone.batch([fact])
    assert answer["outcome"] == "accepted", "a fact is never refused"
    after = await desk.get(f"/api/incidents/{incident}")
    assert after["archive"] == before["archive"]
    last = after["timeline"][-1]
    assert (last["type"], last["late"]) == ("AddendumProposed", True)
    assert await street.told(desk, "late_record") == 1


async def test_a_command_this_server_does_not_know_is_refused_in_words_and_may_come_again(
    street: Street,
) -> None:
    lead = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(lead, incident)
    newer = lead.envelope(incident, "measure_the_moon", phase=1)
    known = lead.envelope(incident, "note", text="门锁着")
    refused, accepted = await lead.batch([newer, known])
    assert (refused["refusal"]["code"], accepted["outcome"]) == ("malformed", "accepted")
    assert "更新" in refused["refusal"]["doZh"], "what to do: update the app"
    after_update = newer | {"command": {"name": "note", "text": "同一条"}}
    [answer] = await lead.batch([after_update])
    assert (answer["outcome"], answer["repeated"]) == ("accepted", False), "nothing was used up"


async def test_who_signs_in_next_on_a_phone_never_sends_what_somebody_else_said(
    street: Street,
) -> None:
    lead, other = await street.phone("周建国"), await street.phone("李明")
    incident = await street.alarm()
    await street.to_the_scene(lead, incident)
    said = lead.envelope(incident, "report_trapped", count=3)
    whose = (await lead.get("/api/session"))["accountId"]
    for who, expected in ((other, 401), (lead, 200)):
        answer = await who.client.post(
            "/api/commands", json={"commands": [said]}, headers={"X-Jiean-Account": whose}
        )
        assert answer.status_code == expected, answer.text
    assert answer.json()["answers"][0]["repeated"] is False


async def test_who_is_close_by_on_duty_and_not_on_it_sees_an_incident_to_join(
    street: Street,
) -> None:
    lead, other = await street.phone("周建国"), await street.phone("李明")

    async def near(person: Person) -> list[str]:
        return [one["incidentId"] for one in (await person.get("/api/field/home"))["near"]]

    await street.hears("gas", gas=True, gas_density=20)
    incident = await street.newest()
    await street.to_the_scene(lead, incident)
    assert (await near(lead), await near(other)) == ([], [incident])
    await street.stands(other, lat=31.32)
    assert await near(other) == [], "a kilometre away"
    await street.stands(other)
    await other.does(incident, "self_assign")
    assert await near(other) == []
