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
