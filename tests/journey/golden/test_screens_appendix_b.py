"""Appendix B on the phone: among gas a call waits for the door (T42), and is never gone."""

import pytest

from tests.journey.screens import StreetOnScreens
from tests.journey.street import PEOPLE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.clause("B.2-1", "B.2-2")
async def test_among_gas_a_call_waits_until_one_stands_outside(screens: StreetOnScreens) -> None:
    phone = await screens.phone_of("周建国")
    incident = await screens.alarm("gas", gas=True, gas_density=20)
    me = PEOPLE["周建国"][0]
    hand = await screens.signed_in("field", login="f1", name="周建国", staff_id=me)
    await screens.to_the_scene(hand, incident)
    await screens.real(hand, incident)
    await screens.wears(hand, incident, "gas")
    await hand.does(incident, "start_handling")
    await phone.step("card")
    await phone.shows("no-sparks")
    assert await phone.page.get_by_test_id("item").get_attribute("data-item") == "B.2-2"
    await phone.tap("dial-119")
    await phone.shows("call-outside")
    before = len(await phone.dialled())
    await phone.tap("call-outside")
    assert (await phone.dialled())[before:] == ["119"]
    await phone.drained()
    view = await hand.get(f"/api/incidents/{incident}")
    assert view["entered"] == []
    await phone.tap("item-cannot", "cannot-tool", "gas-rescue")
    await phone.step("board")
    screens.nothing_went_wrong()
