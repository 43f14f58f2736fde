"""A technician changes a rule, tries it on the past and proposes it; the lead puts it in force."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journey.pages import Screen
from tests.journey.screens import StreetOnScreens

pytestmark = pytest.mark.asyncio(loop_scope="session")
ALBUM = os.environ.get("JIEAN_ALBUM")


async def picture(screen: Screen, name: str) -> None:
    """For people to look at, where a folder was named; else nothing."""
    if not ALBUM:
        return
    for look in ("day", "night"):
        await screen.page.evaluate("(look) => (document.documentElement.dataset.look = look)", look)
        for width, height in ((1180, 820), (390, 844)):
            await screen.page.set_viewport_size({"width": width, "height": height})
            await screen.page.screenshot(path=Path(ALBUM) / f"{name}-{width}-{look}.png")
    await screen.page.set_viewport_size({"width": 1180, "height": 820})


async def test_a_rule_is_changed_tried_proposed_and_put_in_force_by_another(
    screens: StreetOnScreens,
) -> None:
    await screens.measures("pressure", "pressure", 0.18)
    keeper = await screens.upkeep()
    await keeper.tap("tab-rules")
    await keeper.shows("rule-E1")
    await picture(keeper, "rules-electric")
    await keeper.tap("kind-hydrant")
    await keeper.tap("edit-H1")
    raise_at, clear_at = keeper.at("H1-raiseAt"), keeper.at("H1-clearAt")
    await raise_at.fill("0.2")
    await raise_at.press("Tab")
    await expect(keeper.at("rule-H1").get_by_role("alert")).to_be_visible()
    await clear_at.fill("0.25")
    await clear_at.press("Tab")
    await expect(keeper.at("rule-H1").get_by_role("alert")).to_have_count(0)
    await expect(keeper.at("rules-propose")).to_be_disabled()
    await keeper.tap("rules-try")
    await keeper.tap("preview-run")
    await keeper.shows("preview-result")
    await picture(keeper, "rules-tried")
    await keeper.at("rules-note").fill("管网改造后压力偏低，先收紧")
    await keeper.tap("rules-propose")
    await keeper.shows("version-1")
    await expect(keeper.at("approve-1")).to_have_count(0)

    lead = await screens.tablet(lead=True)
    await lead.tap("manage")
    await lead.tap("tab-rules")
    await lead.shows("version-1")
    await expect(lead.at("approve-1")).to_be_disabled()
    await lead.tap("look-1")
    await picture(lead, "rules-version")
    await lead.tap("approve-1")
    await expect(lead.at("approve-1")).to_have_count(0)
    found = await screens.world.telemetry.fetch_value(
        "SELECT version FROM rule_set WHERE approved_at IS NOT NULL"
    )
    assert found == 1
    screens.nothing_went_wrong()


async def test_a_home_says_on_its_page_that_nobody_is_there(screens: StreetOnScreens) -> None:
    home = await screens.household("far")
    await home.tap("resident-leave")
    await home.at("away-agree").check()
    await picture(home, "resident-away")
    await home.tap("away-keep")
    await home.shows("away-kept")
    await expect(home.at("away-one")).to_have_count(1)
    await home.tap("away-back")
    await expect(home.at("away-one")).to_have_count(0)
    screens.nothing_went_wrong()
