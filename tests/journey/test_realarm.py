"""The alarm comes back: nothing said before it counts as an all-clear."""

from uuid import UUID

import pytest

from tests.journey.street import PEOPLE, Person, Street


async def clearing(street: Street) -> tuple[Person, Person, str]:
    """Desk, lead, and an incident with both conditions met and nobody having released it yet."""
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await street.handled(phone, incident)
    await street.quiet("smoke")
    await phone.does(incident, "final_check")
    await phone.does(incident, "field_confirm_eliminated")
    return desk, phone, incident


@pytest.mark.clause("6.3.6.1-0", "6.3.6.1-a")
async def test_an_alarm_while_waiting_for_release_voids_both_conditions(street: Street) -> None:
    desk, phone, incident = await clearing(street)
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["state"], bool(view["c1"]), bool(view["c2"])) == ("clearing", True, True)
    assert await street.alarm() == incident
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["state"], view["c1"], view["c2"]) == ("on_scene", None, None)
    refusal = await desk.is_refused(incident, "desk_release_real", category="real_fire")
    assert refusal["code"] == "wrong_state"
    await street.quiet("smoke")
    assert (await desk.get(f"/api/incidents/{incident}"))["c2"] is None
    unchecked = await phone.is_refused(incident, "field_confirm_eliminated")
    assert unchecked["code"] in {"not_handling", "not_eliminated"}


async def test_the_conditions_can_be_met_again_after_it(street: Street) -> None:
    desk, phone, incident = await clearing(street)
    await street.alarm()
    await phone.does(incident, "assess_controllable", controllable=True)
    await phone.does(incident, "start_handling")
    await street.quiet("smoke")
    await phone.does(incident, "final_check")
    await phone.does(incident, "field_confirm_eliminated")
    await desk.does(incident, "desk_release_real", category="real_fire")


@pytest.mark.clause("6.3.6.1-b")
async def test_a_confirmation_older_than_the_last_alarm_is_none(street: Street) -> None:
    """The tap was made offline before the alarm came back and arrives after it."""
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await street.handled(phone, incident)
    await street.quiet("smoke")
    await phone.does(incident, "final_check")
    tap = phone.envelope(incident, "field_confirm_eliminated")
    street.world.clock.forward(seconds=30)
    await street.alarm()
    [answer] = await phone.batch([tap])
    assert answer["outcome"] != "accepted"
    assert (await desk.get(f"/api/incidents/{incident}"))["c2"] is None


async def test_a_message_of_the_alarm_still_on_is_no_new_alarm(street: Street) -> None:
    await street.phone("周建国")
    incident = await street.alarm()
    for _ in range(3):
        street.world.clock.forward(seconds=5)
        await street.hears("smoke", smoke=True)
    assert await street.events(incident, "EpisodeAdded") == []
    assert await street.world.operations.fetch_value("SELECT count(*) FROM incident") == 1


async def test_an_alarm_soon_after_release_is_a_new_incident_that_follows(street: Street) -> None:
    desk, phone, first = await clearing(street)
    await street.phone("李明")
    await desk.does(first, "desk_release_real", category="real_fire")
    street.world.clock.forward(seconds=600)
    await street.stands(phone, lat=PEOPLE["王芳"][1])
    second = await street.alarm()
    assert second != first
    view = await desk.get(f"/api/incidents/{second}")
    assert view["links"]["follows"] == first
    assert await street.state(first) == "released"
    [offer] = view["offers"]
    assert UUID(offer["staffId"]) == PEOPLE["周建国"][0], "who knows the place is asked first"


async def test_an_alarm_long_after_release_is_another_incident_with_a_link_to_the_first(
    street: Street,
) -> None:
    desk, _phone, first = await clearing(street)
    await desk.does(first, "desk_release_real", category="real_fire")
    street.world.clock.forward(seconds=31 * 60)
    second = await street.alarm()
    view = await desk.get(f"/api/incidents/{second}")
    assert second != first
    assert view["links"]["follows"] == first


async def test_an_alarm_after_a_false_alarm_was_called_takes_it_back(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过")
    await street.quiet("smoke")
    assert await street.alarm() == incident
    assert await street.state(incident) == "on_scene"
    refusal = await desk.is_refused(incident, "desk_release_false")
    assert refusal["code"] == "wrong_state"
