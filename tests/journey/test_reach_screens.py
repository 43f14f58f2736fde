"""Reachability on screens: a phone tests itself; somebody is lost, and the lead sees why."""

import pytest
from playwright.async_api import expect

from tests.journey.screens import StreetOnScreens
from tests.journey.street import PEOPLE

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_phone_shows_its_number_and_tests_each_way_to_itself(
    screens: StreetOnScreens,
) -> None:
    phone = await screens.phone_of("李明")
    own = await phone.shows("my-reach")
    await phone.tap("test-me")
    await phone.shows("trial-live")
    await expect(phone.at("trial-live")).to_have_attribute("data-answered", "true")
    await phone.tap("my-reach-open")
    await phone.shows("part-receipt")
    came = phone.page.locator("[data-testid=told] > [data-cause=came]").first
    await came.locator("button").click()
    rung = phone.at("rung-live")
    await expect(rung).to_have_class("came")
    assert await rung.get_attribute("data-skipped") is None
    await phone.tap("dialog-close")
    await expect(own).not_to_have_attribute("data-number", "0")
    screens.nothing_went_wrong()


async def test_a_technician_sees_who_can_be_reached_and_what_became_of_messages_and_no_board(
    screens: StreetOnScreens,
) -> None:
    await screens.phone("李明")
    keeper = await screens.upkeep()
    await keeper.tap("tab-reach", "reach-GS-0002")
    await keeper.shows("part-receipt")
    await keeper.tap("reach-messages")
    await expect(keeper.at("tab-delivery")).to_have_attribute("aria-pressed", "true")
    await keeper.shows("told")
    await expect(keeper.at("incident")).to_have_count(0)
    screens.nothing_went_wrong()


@pytest.mark.clause("6.2.3-c")
async def test_who_misses_a_test_stands_first_and_leaves_the_choice_until_a_receipt(
    screens: StreetOnScreens,
) -> None:
    silent = await screens.phone("周建国")
    phone = await screens.phone_of("李明")
    await phone.tap("test-me")  # one receipt of theirs is in, however slow their browser is
    await expect(await phone.shows("trial-live")).to_have_attribute("data-answered", "true")
    await screens.forward(200)
    await screens.worker.reachability.sweep()
    lead = await screens.tablet(lead=True)
    await lead.tap("foot-lost")
    await lead.shows("reach-board")
    first = lead.page.locator("[data-testid^='reach-GS-']").first
    await expect(first).to_have_attribute("data-testid", "reach-GS-0001")
    await lead.tap("reach-GS-0001")
    await lead.shows("part-receipt")
    await lead.tap("reach-messages")
    await lead.page.locator("[data-testid=told] [aria-expanded]").first.wait_for()
    await lead.tap("manage-close")

    await screens.alarm()
    asked = await screens.world.operations.fetch(
        "SELECT DISTINCT address FROM message WHERE body -> 'data' ->> 'kind' = 'offer'"
    )
    assert [row["address"] for row in asked] == [f"staff:{PEOPLE['李明'][0]}"]

    at = screens.world.clock.now().isoformat()
    (warning,) = [
        row["id"]
        for row in await screens.world.operations.fetch(
            "SELECT id FROM message WHERE body -> 'data' ->> 'kind' = 'lost'"
        )
    ]
    receipt = {"messageId": str(warning), "kind": "delivered", "at": at}
    await silent.client.post("/api/receipts", json={"receipts": [receipt]})
    await lead.at("foot-lost").wait_for(state="detached")
    screens.nothing_went_wrong()
