"""Golden scenarios 15 and 20 on the screens: what the desk decides about several, and a drill."""

import pytest
from playwright.async_api import expect

from tests.journey.screens import DOOR, StreetOnScreens
from tests.journey.street import HOMES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.clause("4.2.4.1-d")
async def test_20_a_drill_is_begun_played_released_and_written_down(
    screens: StreetOnScreens,
) -> None:
    phone, other = await screens.phone_of("周建国"), await screens.phone_of("李明")
    home = await screens.household("east")
    lead = await screens.tablet(lead=True)
    await lead.tap("manage", "drill-kind-smoke", "drill-staff-GS-0001")
    await lead.fill("drill-note", "东厢厨房起烟")
    await lead.tap("drill-begin")
    await phone.shows("offer")
    await phone.shows("exercise-ribbon")
    await phone.goes()
    await phone.tap("confirm-real", "controllable-yes")
    await phone.equip()
    await phone.puts_it_out()
    await screens.forward(5)
    await phone.finishes()
    await lead.tap("drill-normal")
    await phone.shows("both-locks")
    await lead.tap("manage-close")
    await lead.release("other")
    await phone.step("after")
    await lead.tap("manage", "drill-end")
    await lead.fill("drill-review", "合格")
    await lead.tap("drill-end-confirm")
    await expect(lead.at("drill-line")).to_contain_text("合格")
    # a phone hears of the end by itself, at the latest when it looks again after half a minute
    await phone.at("standby").wait_for(timeout=45_000)
    await expect(other.at("standby")).to_be_visible()
    await home.shows("resident-calm")
    assert not await screens.said_to(f"household:{HOMES['east']}")
    screens.nothing_went_wrong()


async def test_15_two_flats_are_one_incident_until_the_desk_splits_one_off(
    screens: StreetOnScreens,
) -> None:
    near, second = await screens.phone_of("周建国"), await screens.phone_of("李明")
    tablet = await screens.tablet()
    first = await screens.alarm("smoke", smoke=True)
    assert await screens.alarm("smoke2", smoke=True) == first
    await tablet.claims()
    await near.goes()
    west = HOMES["west"]
    await tablet.tap(f"split-{west}")
    await tablet.fill("split-reason", "分开处置")
    await tablet.tap("split-confirm")
    await expect(tablet.page.locator("[data-testid^=queue-card-]")).to_have_count(2)
    other = await screens.newest()
    assert other != first
    await second.goes(DOOR)
    view = await (await screens.desk()).get(f"/api/incidents/{other}")
    assert (view["links"]["follows"], view["lead"]["name"]) == (first, "李明")
    assert [d["householdId"] for d in view["detectors"]] == [str(west)]
    assert await screens.state(first) == "on_scene"
    screens.nothing_went_wrong()
