"""On real screens: two phones count people with no network, and a cordon is drawn by finger."""

import pytest
from playwright.async_api import expect

from geo.point import Point
from tests.journey.pages import Phone
from tests.journey.screens import StreetOnScreens
from tests.journey.street import LAT, LON, Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CORNERS = ((60, 60), (300, 60), (300, 260), (60, 260))
"""Where the finger taps on the map, px from its upper left corner."""


async def on_the_board(street: StreetOnScreens) -> tuple[Phone, Phone, Person, str]:
    """Two phones on one incident that is out of control, both with the rescue board open."""
    first, second = await street.phone_of("周建国"), await street.phone_of("李明")
    lead = await street.signed_in("field", login="f1")
    helper = await street.signed_in("field", login="f2")
    desk = await street.desk()
    incident = await street.alarm()
    await street.to_the_scene(lead, incident)
    await lead.does(incident, "assess_controllable", controllable=False, reason="明火")
    await street.stands(helper, LAT, LON)
    await helper.does(incident, "self_assign")
    await helper.does(incident, "arrived", metresOff=3)
    await lead.does(incident, "start_evacuation")
    await first.step("board")
    await second.step("board")
    return first, second, desk, incident


@pytest.mark.clause("6.3.5.1-a", "6.3.5.1-b", "6.3.5.1-c", "6.3.5.2")
async def test_two_phones_count_offline_and_a_cordon_is_drawn_by_finger(
    screens: StreetOnScreens,
) -> None:
    first, second, desk, incident = await on_the_board(screens)
    for phone in (first, second):
        await phone.tap("open-roster")
        await expect(phone.at("roster-left")).to_have_text("2")
        await phone.device.network.cut()
    frail = first.at("roster-frail").get_by_test_id("person")
    east, west = [await one.get_attribute("data-person") for one in await frail.all()]

    await first.tap(f"out-{east}", "person-out")
    await expect(first.at("roster-left")).to_have_text("1")
    await second.tap(f"who-{east}", "tick-nobody_home", f"out-{west}")
    await expect(second.at("roster-left")).to_have_text("0")
    await second.tap(f"who-{east}", "tick-out")
    for phone in (first, second):
        await phone.device.network.mend()
    for phone in (first, second):
        await expect(phone.at("roster-left")).to_have_text("0")
        await expect(phone.page.locator("[data-status=out]")).to_have_count(2)
    counted = (await desk.get(f"/api/incidents/{incident}"))["evacuation"]
    assert (counted["out"], counted["absent"], counted["unaccounted"]) == (3, 0, 0)

    await first.device.network.cut()
    await first.tap("back", "open-cordon", "cordon-draw")
    drawing = await first.shows("shape-map")
    box = await drawing.bounding_box()
    assert box is not None
    for n, (x, y) in enumerate(CORNERS, start=1):
        await first.page.touchscreen.tap(box["x"] + x, box["y"] + y)
        await expect(drawing).to_have_attribute("data-corners", str(n))
    await first.tap("cordon-undo")
    await expect(drawing).to_have_attribute("data-corners", "3")
    await first.tap("cordon-set")
    await expect(first.at("tile-cordon")).to_have_attribute("data-state", "set")
    await first.device.network.mend()
    await expect(second.at("roster")).to_be_visible()
    await second.tap("back")
    await expect(second.at("tile-cordon")).to_have_attribute("data-state", "set")
    passer_by = await screens.phone_of("王芳")
    await passer_by.device.network.cut()
    await expect(passer_by.at("cordon-warning")).to_have_count(0)
    await passer_by.device.stands(Point(LAT, LON))
    await passer_by.shows("cordon-warning")
    cordon = (await desk.get(f"/api/incidents/{incident}"))["cordon"]
    ring = cordon["shape"]["coordinates"][0]
    assert (len(ring), ring[0]) == (4, ring[-1])
    assert all(abs(lon - LON) < 0.01 and abs(lat - LAT) < 0.01 for lon, lat in ring)
    screens.nothing_went_wrong()
