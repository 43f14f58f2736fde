"""A technician on the spot: a label opens its detector, a test is seen, a table comes in."""

import pytest
from playwright.async_api import expect

from backend.devices import sheets
from backend.devices.importing import HEAD
from backend.devices.register import Register
from backend.sensing.rules import RuleBook, defaults
from backend.sensing.store import Store
from tests.edge.detectors import message
from tests.journey.screens import StreetOnScreens
from tests.journey.street import DETECTORS

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.clause("5.1.2.1-d")
async def test_a_technician_scans_a_label_tests_the_detector_and_imports_a_table(
    screens: StreetOnScreens,
) -> None:
    world = screens.world
    tag = await world.operations.fetch_value(
        "SELECT tag FROM detector WHERE id = $1", DETECTORS["smoke"][0]
    )
    keeper = await screens.upkeep()
    await keeper.page.goto(f"{screens.base}/d/{tag}")
    page = await keeper.shows("device-page")
    await expect(page).to_have_attribute("data-state", "active")
    await keeper.tap("act-test")
    await keeper.tap("act-confirm")
    tested = await keeper.shows("tested")
    await expect(tested).to_have_attribute("data-arrived", "false")
    store = Store(Register(clock=world.clock), RuleBook(defaults()), world.clock, "spot")
    await store.start()
    await store.write([message(world, {"smoke": True}, "zigbee2mqtt/smoke")])
    await expect(tested).to_have_attribute("data-arrived", "true")
    assert await world.telemetry.fetch_value("SELECT count(*) FROM alert_outbox") == 0
    await keeper.tap("session-end")
    await keeper.shows("device-page")

    await keeper.tap("devices-back")
    await keeper.tap("device-import")
    wanted = {"类别": "门磁", "协议": "zigbee2mqtt", "街巷": "新街", "门牌": "1", "纬度": "31.3",
              "经度": "120.6"}  # fmt: skip
    rows = [{**wanted, "设备地址": "n1", "名称": "前门"}, {**wanted, "类别": "门"}]
    heads = [head.removesuffix("*") for head in HEAD]
    table = sheets.csv_of([HEAD, *[[row.get(head) for head in heads] for row in rows]])
    await keeper.at("import-file").set_input_files(
        {"name": "新街.csv", "mimeType": "text/csv", "buffer": table}
    )
    await expect(await keeper.shows("import-faults")).to_contain_text("B3")
    await keeper.tap("import-go")
    await expect(await keeper.shows("import-progress")).to_contain_text("新增 1 台")
    await keeper.tap("devices-back")
    await keeper.page.get_by_test_id("device-search").fill("新街")
    await keeper.page.keyboard.press("Enter")
    await keeper.page.get_by_test_id("device-life").select_option("planned")
    await expect(keeper.page.locator(".device-row")).to_have_count(1)
    screens.nothing_went_wrong()
