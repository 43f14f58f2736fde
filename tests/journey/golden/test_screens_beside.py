"""Somebody beside the lead, on the screens: asked for, equipped, inside, and heard of."""

import pytest
from playwright.async_api import expect

from tests.journey.screens import DOOR, StreetOnScreens
from tests.journey.street import PEOPLE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_one_more_person_goes_in_equipped_and_a_third_joins_at_the_door(
    screens: StreetOnScreens,
) -> None:
    lead, tablet = await screens.phone_of("周建国"), await screens.tablet()
    incident = await screens.alarm()
    await tablet.claims()
    await lead.goes()
    await lead.tap("confirm-real", "controllable-yes")
    await lead.equip()
    second = await screens.phone_of("李明")
    await tablet.tap("call-helper")
    await second.goes(DOOR)
    await second.step("gear")
    for item in await second.page.locator("[role=checkbox]").all():
        await item.click()
    await second.tap("ppe-confirm", "enter")
    await second.shows("check-in")
    crew = tablet.at(f"crew-{PEOPLE['李明'][0]}")
    await expect(crew).to_contain_text("在里面")
    await screens.forward(301)
    await expect(crew).to_contain_text("没有报平安")
    await crew.get_by_test_id("crew-safe").click()
    await expect(crew).to_contain_text("在里面")
    events = await screens.events(incident, "Entered", "CheckedIn")
    assert events == ["Entered", "Entered", "CheckedIn"]
    third = await screens.phone_of("王芳")
    await third.shows("near")
    await expect(third.at(f"join-{incident}")).to_have_count(0)
    await third.device.stands(DOOR)
    await third.tap(f"join-{incident}")
    await third.step("way")
    await expect(tablet.at(f"crew-{PEOPLE['王芳'][0]}")).to_contain_text("在路上")
    screens.nothing_went_wrong()
