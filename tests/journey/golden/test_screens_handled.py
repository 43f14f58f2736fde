"""Golden scenarios 4, 5, 6 and 8 on the screens: real, and dealt with or not gone into."""

import pytest
from playwright.async_api import expect

from tests.journey.pages import Phone, Tablet
from tests.journey.screens import StreetOnScreens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.clause("6.3.6.1-a", "6.3.6.1-b", "6.3.6.2-a", "6.3.6.2-b")
async def test_4_an_overload_the_party_unplugged_is_visited_before_it_is_released(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    await screens.hears("electric", temperature=90)
    screens.world.clock.forward(seconds=31)
    incident = await screens.alarm("electric", temperature=90)
    await tablet.claims()
    await tablet.tap("outcome-handled")
    await phone.goes()
    await phone.step("scene")
    await screens.forward(1)
    await phone.tap("verified")
    await phone.step("locks")
    await expect(tablet.at("release-real")).to_be_disabled()
    await screens.quiet("electric", temperature=40)
    await tablet.release("overload")
    await phone.advises()
    await phone.tap("debt-cause_found", "cause-overload", "cause-submit")
    await phone.settled("cause_found")
    await phone.tap("debt-rectification", "tick-done")
    await phone.settled("rectification")
    await tablet.seals()
    record = await screens.record(await screens.desk(), incident)
    assert record["category"] == "overload"
    screens.nothing_went_wrong()


async def leaking(screens: StreetOnScreens) -> tuple[Phone, Tablet, str]:
    """Lead inside with the gas shut off, the windows open and the value falling."""
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    incident = await screens.alarm("gas", gas=True, gas_density=20)
    await tablet.claims()
    await phone.goes()
    await phone.tap("confirm-real", "controllable-yes")
    await phone.equip()
    await phone.shows("no-sparks")
    await phone.does_item("B.2-2")
    await phone.does_item("B.2-3")
    await phone.does_item("B.2-4", value="2")
    await phone.step("final")
    return phone, tablet, incident


async def aired(screens: StreetOnScreens) -> None:
    for _ in range(2):
        await screens.quiet("gas", gas=False, gas_density=0)
    await screens.hear()


@pytest.mark.clause("B.2-2", "B.2-3", "B.2-4", "B.2-5")
async def test_5_gas_is_shut_off_aired_normal_confirmed_released_and_then_explained(
    screens: StreetOnScreens,
) -> None:
    phone, tablet, incident = await leaking(screens)
    await phone.tap("final-check")
    await expect(phone.at("eliminated")).to_be_disabled()
    await aired(screens)
    await phone.tap("eliminated")
    await phone.shows("both-locks")
    await tablet.release("gas_hose")
    await phone.advises()
    await phone.tap("debt-leak_cause", "cause-hose", "cause-submit")
    await phone.settled("leak_cause")
    await tablet.seals()
    assert await screens.state(incident) == "archived"
    screens.nothing_went_wrong()


@pytest.mark.clause("6.3.6.1-0")
async def test_6_gas_that_comes_back_while_waiting_for_release_voids_both_conditions(
    screens: StreetOnScreens,
) -> None:
    phone, tablet, _incident = await leaking(screens)
    await aired(screens)
    await phone.finishes()
    await tablet.unlocked(1)
    await tablet.unlocked(2)
    await screens.alarm("gas", gas=True, gas_density=30)
    await phone.step("control")
    await tablet.state("on_scene")
    await expect(tablet.at("release-real")).to_be_disabled()
    screens.nothing_went_wrong()


@pytest.mark.clause("6.3.3.1-a", "6.3.3.1-b", "6.3.4.1-a")
async def test_8_with_equipment_missing_nobody_enters_and_rescue_is_reported(
    screens: StreetOnScreens,
) -> None:
    phone, inbox = await screens.phone_of("周建国"), await screens.inbox("fire")
    incident = await screens.alarm()
    await phone.goes()
    await phone.tap("confirm-real", "controllable-yes")
    await phone.lacks("hood")
    await phone.shows("no-entry")
    await expect(phone.at("start-handling")).to_have_count(0)
    await phone.tap("report-rescue")
    await phone.step("board")
    await inbox.page.locator("[data-testid^=ack-]").first.click()
    await expect(phone.at("tile-reports")).to_contain_text("1 / 4")
    assert "Entered" not in await screens.events(incident)
    screens.nothing_went_wrong()
