"""Golden scenarios 13 and 14 on the screens: a phone that was away and comes back."""

import pytest
from playwright.async_api import expect

from tests.journey.screens import StreetOnScreens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
MINUTE = 60


@pytest.mark.clause("6.3.2-a")
async def test_13_a_false_alarm_called_in_a_lost_hour_ends_nothing_when_it_comes_in(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国", cuttable=True), await screens.tablet()
    incident = await screens.alarm("gas", gas=True, gas_density=20)
    await tablet.claims()
    await phone.tap("offer-accept")
    await phone.step("way")
    await screens.forward(4 * MINUTE)
    await phone.device.network.cut()
    await screens.forward(2 * MINUTE)
    await phone.tap("arrive")
    await phone.step("scene")
    await screens.forward(4 * MINUTE)
    await phone.tap("confirm-false", "no-photo-np_gas", "false-confirm")
    await phone.step("stood_down")
    await screens.forward(10 * MINUTE)
    assert await screens.alarm("smoke", smoke=True) == incident, "same home, same incident"
    await screens.forward(45 * MINUTE)
    assert await screens.state(incident) == "en_route", "nobody has heard of it yet"

    await phone.device.network.mend()
    await phone.page.clock.run_for(20_000)
    await phone.step("scene")
    await expect(tablet.at("late-statements")).to_be_visible()
    await tablet.state("on_scene")
    view = await (await screens.desk()).get(f"/api/incidents/{incident}")
    assert view["alertActive"], "late words never lower"
    assert view["lead"]["arrivedAt"] < view["lateStatements"][0]["at"]
    screens.nothing_went_wrong()


@pytest.mark.clause("6.3.3.2-a")
async def test_14_somebody_trapped_told_with_no_network_before_the_release_opens_a_new_incident(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国", cuttable=True), await screens.tablet()
    first = await screens.alarm("smoke", smoke=True)
    await tablet.claims()
    await phone.goes()
    await phone.tap("confirm-real", "controllable-yes")
    await phone.equip()
    await phone.puts_it_out()
    await screens.quiet("smoke")
    await screens.hear()
    await phone.finishes()
    await phone.drained()
    await tablet.unlocked(2)
    await phone.device.network.cut()
    await phone.tap("withdraw", "worse-trapped")
    await phone.step("board")
    await screens.forward(MINUTE)
    await tablet.release("real_fire")
    await tablet.state("released")

    await phone.device.network.mend()
    await phone.page.clock.run_for(20_000)
    await expect(tablet.page.locator("[data-testid^=queue-card-]")).to_have_count(2)
    second = await screens.newest()
    assert second != first
    view = await (await screens.desk()).get(f"/api/incidents/{second}")
    assert (view["links"]["follows"], view["state"]) == (first, "dispatching")
    assert await screens.state(first) == "released"
    screens.nothing_went_wrong()
