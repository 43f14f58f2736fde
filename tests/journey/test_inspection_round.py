"""A round on the phone: an alarm in the middle of it, no network, a photograph, a hand-over."""

from typing import Any

import pytest
from playwright.async_api import expect

from backend.screens.inspection_watch import Inspecting
from tests.journey.pages import Phone
from tests.journey.screens import StreetOnScreens
from tests.journey.street import DETECTORS, PEOPLE

pytestmark = pytest.mark.asyncio(loop_scope="session")
SMOKE = DETECTORS["smoke"][0]


async def asked(phone: Phone, number: int) -> None:
    """The phone asks this one of the six."""
    await expect(phone.at(f"seg-{number}")).to_have_class(r"seg open here")


async def photographs(phone: Phone, button: str) -> None:
    await phone.tap(button, "shutter")
    await phone.at("shutter").wait_for(state="detached")


async def state_of(street: StreetOnScreens, table: str) -> Any:
    row = await street.world.operations.fetch_one(
        f"SELECT state FROM {table} WHERE detector_id = $1", SMOKE
    )
    return row and row["state"]


@pytest.mark.clause("5.1.2.1", "5.1.2.2-b")
async def test_a_round_goes_on_without_network_and_after_an_alarm_and_ends_in_a_good_test(
    screens: StreetOnScreens,
) -> None:
    street = screens
    await street.world.operations.execute(
        "DELETE FROM shift WHERE person_id <> $1", PEOPLE["周建国"][0]
    )
    await street.world.operations.execute(
        "UPDATE detector SET number = 'PJ-0001' WHERE id = $1", SMOKE
    )
    await Inspecting(street.world.ctx).look()
    phone = await street.phone_of("周建国", cuttable=True)
    technician = await street.upkeep()
    await phone.tap("rounds-open", "scan")
    await phone.fill("code", "pj-0001")
    await phone.tap("code-open")
    await asked(phone, 1)
    await phone.tap("answer-ok")

    await street.alarm("smoke_far")
    await phone.shows("offer-decline")
    await phone.tap("offer-decline")
    await phone.tap("decline-reason-other")
    await asked(phone, 2)
    await phone.at("strip").wait_for()

    await phone.device.network.cut()
    await phone.tap("answer-ok")
    await asked(phone, 3)
    await phone.tap("answer-na", "why-na_mains")
    await asked(phone, 4)
    await phone.tap("test-start", "answer-ok")
    await asked(phone, 5)
    await phone.tap("answer-ok")
    await asked(phone, 6)
    await phone.tap("answer-bad")
    await photographs(phone, "bad-photo")
    await phone.fill("bad-note", "底座断裂")
    await phone.tap("bad-go", "deal-hand")
    await phone.fill("deal-what", "要换底座")
    await phone.tap("deal-send", "check-close")
    await expect(phone.at("check")).to_have_attribute("data-state", "done")
    assert await state_of(street, "inspection_check") == "begun"

    await street.hears("smoke", smoke=True, test=True)
    await phone.device.network.mend()
    await phone.drained()
    assert await state_of(street, "inspection_check") == "done"
    await technician.tap("tab-inspection")
    await technician.tap("repair-plan")
    await technician.fill("repair-text", "换底座")
    await technician.tap("repair-send", "repair-done")
    await technician.fill("repair-text", "已换底座")
    await technician.tap("repair-send")
    await technician.shows("repair-confirm")

    await phone.tap("check-list")
    await phone.page.reload()
    await phone.shows("retest")
    await phone.tap("test-start")
    await street.forward(5)
    await street.hears("smoke", smoke=True, test=True)
    await phone.shows("test-seen")
    await phone.tap("retest-good")
    await phone.drained()
    assert await state_of(street, "repair") == "closed"
    assert (
        await street.world.operations.fetch_value("SELECT state FROM detector WHERE id = $1", SMOKE)
        == "active"
    )
    street.nothing_went_wrong()
