"""Golden scenarios 1, 2 and 3 on the screens: it was nothing, or the first one did not answer."""

import pytest

from tests.journey.screens import DOOR, StreetOnScreens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.clause("6.2.2-b", "6.2.4-a")
async def test_1_burnt_food_is_false_by_the_partys_word_and_is_reported_and_archived(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    home = await screens.household("east")
    incident = await screens.alarm("smoke", smoke=True)
    await home.shows("resident-card")
    await tablet.claims()
    await phone.shows("offer")
    await screens.quiet("smoke")
    await tablet.tap("outcome-false", "outcome-false-on-spot")
    await tablet.state("stood_down")
    await tablet.tap("release-false")
    await tablet.state("released")
    await phone.files_false_report()
    await tablet.seals()
    record = await screens.record(await screens.desk(), incident)
    assert record["releasedHow"] == "false"
    screens.nothing_went_wrong()


@pytest.mark.clause("6.3.2-a", "6.2.4-b", "6.2.4-c", "6.2.4-d")
async def test_2_nobody_answers_and_the_nearest_finds_no_fire(screens: StreetOnScreens) -> None:
    phone, tablet = await screens.phone_of("周建国"), await screens.tablet()
    incident = await screens.alarm("smoke", smoke=True)
    await tablet.claims()
    await tablet.nobody_answers(2)
    await phone.goes()
    await phone.tap("confirm-false", "no-photo-np_high", "false-confirm")
    await tablet.state("stood_down")
    await screens.forward(61)
    await tablet.tap("release-false")
    await tablet.state("released")
    await phone.files_false_report()
    await tablet.seals()
    record = await screens.record(await screens.desk(), incident)
    assert record["lead"]["name"] == "周建国"
    screens.nothing_went_wrong()


@pytest.mark.clause("6.2.3-c")
async def test_3_the_nearest_ignores_the_offer_and_the_next_nearest_goes(
    screens: StreetOnScreens,
) -> None:
    near, second = await screens.phone_of("周建国"), await screens.phone_of("李明")
    incident = await screens.alarm("smoke", smoke=True)
    await near.shows("offer")
    await screens.forward(25)
    await second.shows("offer")
    await near.shows("standby")
    await second.goes(DOOR)
    await second.step("scene")
    await second.drained()
    assert await screens.state(incident) == "on_scene"
    screens.nothing_went_wrong()
