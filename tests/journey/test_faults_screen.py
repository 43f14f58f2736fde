"""A blind street on screens: the desk sees how many are offline, a technician mends."""

import pytest
from playwright.async_api import expect

from backend.sensing import silence_watch
from backend.sensing.silence import Door
from tests.edge.detectors import message
from tests.journey.screens import StreetOnScreens

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 40


async def goes_blind(screens: StreetOnScreens) -> None:
    """A bridge with many detectors goes away; one battery is low and stays so."""
    run, clock = screens.world.operations.execute, screens.world.clock
    await run(
        "INSERT INTO detector (id, address, protocol, kind, label, household_id, lat, lon)"
        " SELECT gen_random_uuid(), 'zigbee2mqtt/blind' || n, 'zigbee2mqtt', 'smoke',"
        " '烟感 ' || n, household_id, lat + n * 1e-5, lon FROM detector, generate_series(1, $1) n"
        " WHERE address = 'zigbee2mqtt/smoke'",
        MANY,
    )
    sweep = screens.worker.silence
    await sweep.look()
    await screens.store.write(
        [message(screens.world, {"smoke": False}, f"zigbee2mqtt/blind{n}") for n in range(1, MANY)]
    )
    clock.forward(hours=2.6)
    await silence_watch.listening(Door.BROKER, clock.now())
    await screens.world.telemetry.execute("UPDATE ear SET since = since - interval '3 hours'")
    await screens.hears("smoke", battery=3, smoke=False)
    await sweep.look()


@pytest.mark.clause("5.1.1.2-a")
async def test_a_blind_street_is_seen_by_the_desk_and_mended_by_a_technician(
    screens: StreetOnScreens,
) -> None:
    await goes_blind(screens)
    desk = await screens.tablet()
    await expect(await desk.shows("foot-silent")).to_contain_text("台离线")
    await expect(desk.page.locator("[data-testid^='incident-']")).to_have_count(0)

    keeper = await screens.upkeep()
    await keeper.tap("tab-faults")
    outage = keeper.page.locator("[data-kind=outage]")
    await expect(outage.locator(".outage-remain")).to_contain_text("还有")
    battery = keeper.page.locator("[data-kind=battery]")
    await battery.locator("[data-testid=fault-take]").click()
    await expect(battery.locator("[data-testid=fault-taken]")).to_contain_text("唐一鸣")
    await battery.locator("[data-testid=fault-done]").click()
    await battery.locator("[data-testid=fault-text]").fill("换了电池")
    await battery.locator("[data-testid=fault-save]").click()
    await expect(battery).to_have_count(0)
    await keeper.tap("faults-done")
    await expect(await keeper.shows("fault-closed")).to_contain_text("唐一鸣：换了电池")
    screens.nothing_went_wrong()
