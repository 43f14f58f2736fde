"""A technician makes a template out of messages that nobody reads, by tapping on their values."""

import json

import pytest
from playwright.async_api import expect

from backend.sensing.deliveries import Arrived
from backend.sensing.mapping.live import Mappings
from backend.shared.db import TELEMETRY
from tests.journey.screens import StreetOnScreens

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.clause("5.1.1.2-b")
async def test_a_technician_taps_a_template_together_sees_its_readings_and_puts_it_in_force(
    screens: StreetOnScreens,
) -> None:
    mappings = screens.store.mappings = Mappings(screens.world.clock)

    async def says(*bodies: object) -> None:
        for body in bodies:
            raw = json.dumps(body).encode()
            at = screens.world.clock.now()
            topic = "acme/860123/up"
            await screens.store.write([Arrived(topic=topic, payload=raw, received_at=at)])
        await mappings.recent.flush()

    points = [{"id": "p", "v": 140}, {"id": "t", "v": 21.5}, {"id": "st", "v": "ALARM"}]
    await says({"ts": 1772438400, "data": points}, {"ts": 1772438460, "data": points[:2]})
    keeper = await screens.upkeep()
    await keeper.tap("tab-mapping")
    await keeper.tap("map-make")
    await expect(keeper.at("map-name")).to_have_value("acme")
    await expect(keeper.at("map-device")).to_have_value("topic:1")
    tree = await keeper.shows("map-messages")
    await keeper.at("map-readings.0.quantity").select_option("pressure")
    await keeper.at("map-readings.0.unit").select_option("kPa")
    await keeper.at("map-readings.0.value").click()
    await tree.get_by_text("140").click()
    await expect(keeper.at("map-readings.0.value")).to_have_value("data[?id=='p'].v | [0]")
    await expect(keeper.page.locator("[data-testid=map-result]")).to_have_count(2)
    await expect(await keeper.shows("map-results")).to_contain_text("0.14")
    await keeper.tap("map-add")
    await keeper.at("map-readings.1.quantity").select_option("smoke")
    await expect(await keeper.shows("map-begin")).to_be_disabled()
    await keeper.at("map-readings.1.value").fill("data[?id=='st'].v | [0")
    await expect(keeper.at("readings.1")).to_contain_text("写法不对")
    await keeper.at("map-readings.1.value").fill("data[?id=='st'].v | [0]")
    await keeper.at("map-readings.1.true_when").fill("ALARM")
    await keeper.at("map-readings.1.false_when").fill("OK")
    await keeper.at("map-readings.1.false_when").blur()
    await expect(await keeper.shows("map-results")).to_contain_text("烟雾报警")
    await keeper.tap("map-begin")
    await keeper.at("map-why").fill("三号楼新装")
    await keeper.tap("map-sure")
    await keeper.shows("map-told")
    await keeper.shows("map-version")
    await keeper.tap("map-back")
    row = await keeper.shows("map-acme")
    await expect(row).to_contain_text("生效中")
    await expect(keeper.page.locator("[data-testid=map-unread]")).to_have_count(0)
    mappings = screens.store.mappings = Mappings(screens.world.clock)
    await says({"ts": 1, "data": points})
    read = await TELEMETRY.fetch_value("SELECT sum(read) FROM mapping_tally WHERE name = 'acme'")
    assert read == 1
    screens.nothing_went_wrong()
