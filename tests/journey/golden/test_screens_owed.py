"""Golden scenarios 10, 11 and 12 on the screens: an authority, a unit, a community must know."""

import pytest

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
