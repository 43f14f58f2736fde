"""Golden scenarios 1 and 2 on the screens: nothing burns."""

import pytest

from tests.journey.screens import StreetOnScreens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.clause("6.3.2-a", "6.2.4-b", "6.2.4-c", "6.2.4-d")
async def test_2_nobody_answers_and_the_nearest_finds_no_fire(screens: StreetOnScreens) -> None:
    phone = await screens.phone_of("周建国")
    tablet = await screens.tablet()
    incident = await screens.alarm("smoke", smoke=True)
    await tablet.open("平江路")
    await tablet.tap("claim")
    await tablet.nobody_answers(2)

    await phone.tap("offer-accept", "arrive", "confirm-false")
    await phone.tap("no-photo-np_high", "false-confirm")
    await tablet.state("stood_down")
    await tablet.tap("release-false")
    await tablet.state("released")
    assert await screens.state(incident) == "released"
    screens.nothing_went_wrong()
