"""Golden scenarios 7 and 9 on the screens: out of hand, and people to be brought out."""

import pytest
from playwright.async_api import expect

from tests.journey.screens import StreetOnScreens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.clause("6.3.3.2-a", "6.3.4.1-b")
async def test_9_two_trapped_and_one_hurt_prompt_120_until_it_is_called_and_one_comes_out(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    incident = await screens.alarm()
    await tablet.claims()
    await phone.goes()
    await phone.tap("confirm-real", "withdraw", "worse-trapped")
    await phone.step("board")
    await phone.tap("trapped-more")
    await expect(phone.at("trapped-count")).to_have_text("2")
    await phone.tap("injured-more")
    await phone.shows("call-120")
    await phone.drained()
    await screens.forward(61)
    assert await screens.told(await screens.desk(), "call_120") == 1
    await phone.tap("call-120")
    await phone.at("call-120").wait_for(state="detached")
    assert (await phone.dialled())[-1] == "120"
    await phone.tap("trapped-less")
    await expect(phone.at("trapped-count")).to_have_text("1")
    await phone.drained()
    await expect(tablet.at("count-trapped")).to_contain_text("1")
    people = (await (await screens.desk()).get(f"/api/incidents/{incident}"))["people"]
    assert (people["trapped"], people["injured"], people["call120"]) == (1, 1, "called")
    assert await screens.events(incident, "EmergencyCallLogged") == ["EmergencyCallLogged"]
    screens.nothing_went_wrong()


@pytest.mark.clause("6.3.4.1-a", "6.3.4.2-a", "6.3.5.1-a", "6.3.5.2", "6.3.6.1-0", "6.3.7.1-c")
async def test_7_out_of_control_to_four_offices_and_through_fire_command_back_to_release(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    inbox = await screens.inbox("fire")
    incident = await screens.alarm()
    await tablet.claims()
    await phone.goes()
    await phone.tap("confirm-real", "controllable-no")
    await phone.step("board")
    await inbox.page.locator("[data-testid^=ack-]").first.click()
    await expect(tablet.at("reports")).to_contain_text("已收到")
    await screens.forward(61)
    assert await screens.told(await screens.desk(), "report_voice") == 3, "the others: telephone"

    await phone.tap("open-guide", "road-cleared")
    await phone.fill("meeting-place", "白塔东路口")
    await phone.fill("guide-person", "李明")
    await phone.tap("guide-posted")
    await expect(phone.at("guide-who")).to_contain_text("李明")
    await phone.tap("start-evacuation", "open-roster")
    for person in await phone.at("roster-frail").get_by_test_id("person").all():
        await phone.tap(f"out-{await person.get_attribute('data-person')}")
    await expect(phone.at("roster-left")).to_have_text("0")
    await phone.tap("roster-close", "close-all-found")
    await phone.tap("back")
    await phone.tap("open-cordon", "cordon-50", "cordon-set")
    await expect(phone.at("tile-cordon")).to_have_attribute("data-state", "set")
    await phone.tap("fire-takes-over")
    await phone.fill("fire-name", "王队")
    await phone.tap("fire-confirm")
    await phone.shows("command-held")
    await expect(phone.at("board-final")).to_be_disabled()

    await screens.quiet("smoke")
    await screens.hear()
    await phone.tap("fire-gives-back", "board-card")
    await phone.puts_it_out()
    await phone.tap("back", "board-final")
    await phone.finishes()
    await tablet.release("real_fire")
    await phone.advises()
    await expect(tablet.at("desk-lift-cordon")).to_be_visible()
    await tablet.tap("desk-lift-cordon", "desk-lift-confirm")
    await tablet.at("desk-lift-cordon").wait_for(state="detached")
    await tablet.seals()
    record = await screens.record(await screens.desk(), incident)
    assert {line["fact"]["type"] for line in record["measures"]} >= {
        "CordonSet", "CordonLifted", "EvacuationStarted", "EvacuationClosed", "RoadOpened",
        "GuideInPlace", "ReportQueued", "ReportAcknowledged",
    }  # fmt: skip
    screens.nothing_went_wrong()
