"""What the desk lead decides on the screen: one incident of two, two persons for one lock, a debt
that is let go, and a record that came after the seal."""

import pytest
from playwright.async_api import expect

from tests.journey.screens import StreetOnScreens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.clause("6.3.7.1-b", "6.3.7.3-b")
async def test_the_lead_merges_substitutes_waives_and_adds_to_the_record(
    screens: StreetOnScreens,
) -> None:
    phone = await screens.phone("周建国")
    lead = await screens.tablet(lead=True)
    first = await screens.alarm("smoke")
    screens.world.clock.forward(seconds=1)
    second = await screens.alarm("smoke_far")
    assert first != second
    await (
        lead.page.get_by_test_id("beside-20260302-0001")
        .or_(lead.page.get_by_test_id("beside-20260302-0002"))
        .first.wait_for()
    )
    await lead.at("queue-card-20260302-0002").click()
    await lead.tap("merge-20260302-0001")
    await lead.fill("merge-reason", "同一场火")
    await lead.tap("merge-confirm")
    await expect(lead.at("incident")).to_have_attribute("data-incident", first)
    assert await screens.state(second) == "released"

    await screens.to_the_scene(phone, first)
    await screens.handled(phone, first)
    await screens.finished(phone, first)
    await lead.state("clearing")
    await lead.tap("substitute-open")
    await lead.fill("decide-text", "手持烟感两次为零")
    await lead.at("second-person").select_option(label="周建国")
    await lead.tap("decide-send")
    await lead.unlocked(1)

    await lead.release("real_fire")
    await lead.tap("waive-advice_prevention")
    await lead.fill("waive-reason", "住户已搬走")
    await lead.tap("waive-confirm")
    await lead.at("waive-advice_prevention").wait_for(state="detached")
    await phone.does(first, "party_advised", kind="handling", way="spoken")
    await lead.tap("archive")
    await lead.state("archived")

    await screens.signed_in("desk", name="沈静")
    await screens.forward(200)
    await phone.batch([phone.envelope(first, "note", ago_s=150, text="门牌为 12 号")])
    card = lead.at("queue-card-20260302-0001")
    await expect(card).to_contain_text("封存后有新记录")
    await lead.tap("addendum-adopt")
    await lead.fill("decide-reason", "手机当时没有网络")
    await lead.at("second-person").select_option(label="沈静")
    await lead.tap("decide-send")
    await lead.at("after-seal").wait_for(state="detached")
    await card.wait_for(state="detached")
    assert (await screens.events(first))[-1] == "AddendumAppended"
    screens.nothing_went_wrong()
