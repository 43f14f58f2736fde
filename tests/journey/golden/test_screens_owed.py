"""Golden scenarios 10, 11 and 12 on the screens: an authority, a unit, a community must know."""

import pytest
from playwright.async_api import expect

from tests.journey.screens import StreetOnScreens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.clause("B.5-1", "B.5-2")
async def test_11_low_hydrant_pressure_reaches_its_unit_is_checked_normal_and_released(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    await screens.measures("pressure", "pressure", 0.05)
    screens.world.clock.forward(seconds=121)
    await screens.measures("pressure", "pressure", 0.05)
    incident = await screens.newest()
    await tablet.claims()
    await tablet.tap("dispatch-now", "sheet-send")
    await phone.goes()
    await phone.tap("confirm-real")
    await phone.does_item("B.5-1")
    await phone.does_item("B.5-2", value="0.28")
    await screens.forward(1)
    await phone.finishes()
    for _ in range(3):
        screens.world.clock.forward(seconds=150)
        await screens.measures("pressure", "pressure", 0.28)
    await tablet.release("low_pressure")
    await phone.advises()
    await tablet.seals()
    record = await screens.record(await screens.desk(), incident)
    assert {debt["code"] for debt in record["obligations"] if debt["doneAt"]} >= {
        "unit_contacted", "check_result",
    }  # fmt: skip
    screens.nothing_went_wrong()


@pytest.mark.clause("B.6-2", "B.6-3")
async def test_12_water_and_no_answer_goes_to_family_and_community_until_they_are_found(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    inbox = await screens.inbox("community")
    await screens.measures("leak", "water_leak", True)
    incident = await screens.newest()
    await tablet.claims()
    await tablet.nobody_answers(2)
    await phone.goes()
    await phone.tap("confirm-real")
    await phone.does_item("B.6-2", cause="no_answer")
    await tablet.report("敲门无人应答")
    await inbox.page.locator("[data-testid^=ack-]").first.click()
    await phone.does_item("B.6-3")
    await screens.forward(1)
    await phone.finishes()
    for _ in range(3):
        screens.world.clock.forward(seconds=40)
        await screens.measures("leak", "water_leak", False)
    await tablet.release("away")
    await phone.advises()
    await tablet.seals()
    record = await screens.record(await screens.desk(), incident)
    [debt] = [one for one in record["obligations"] if one["code"] == "community_report"]
    assert debt["doneAt"]
    screens.nothing_went_wrong()


@pytest.mark.clause("B.4-2", "B.4-3")
async def test_10_a_growing_crack_is_handed_over_and_released_by_a_new_baseline(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    await screens.measures("crack", "crack", 1.2)
    incident = await screens.newest()
    await tablet.claims()
    await tablet.tap("dispatch-now", "sheet-send")
    await phone.goes()
    await phone.tap("confirm-real")
    for item in ("B.4-2a", "B.4-2b", "B.4-2c", "B.4-2d"):
        await phone.does_item(item)
    await phone.item("B.4-2e")
    await phone.tap("item-hazard")
    await phone.tap("final-check", "hand-to-authority")
    await phone.fill("authority", "姑苏区住建委")
    await phone.fill("authority-by", "陆科")
    await phone.tap("authority-confirm")
    await phone.step("monitored")
    await tablet.state("monitored")
    await expect(tablet.at("release-real")).to_be_disabled()

    technician = await screens.signed_in("technician", name="钱工")
    await technician.does(
        incident, "substitute_c1", how="rebaselined", evidence="加固后重定基线 报告 2026-031"
    )
    await screens.forward(1)
    await tablet.unlocked(1)
    await phone.tap("monitored-done", "eliminated")
    await phone.step("locks")
    await tablet.release("crack")
    await phone.advises()
    await tablet.seals()
    record = await screens.record(await screens.desk(), incident)
    assert record["conditions"]["c1"]["how"] == "rebaselined"
    screens.nothing_went_wrong()
