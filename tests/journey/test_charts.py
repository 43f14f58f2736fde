"""How a value develops: on desk and phone, with a network and without; and for whom not."""

from datetime import timedelta
from uuid import UUID

import pytest
from playwright.async_api import expect

from tests.journey.screens import StreetOnScreens
from tests.journey.street import DETECTORS, Street

GAS, LEAK, SMOKE = (DETECTORS[name][0] for name in ("gas", "leak", "smoke"))
PUT = (
    "INSERT INTO reading (detector_id, quantity, value, unit, flags, measured_at, received_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $6)"
)


async def an_hour_of_gas(street: Street) -> None:
    """One reading a minute, a silence of ten, a test, and a value that creeps up."""
    await street.world.operations.execute(
        "UPDATE detector SET report_interval_s = 60 WHERE id = $1", GAS
    )
    now = street.world.clock.now()
    rows = [
        (GAS, "gas_value", 0.6 + (n % 5) / 10 + max(0, n - 40) * 0.3, "%LEL",
         ["test"] if n == 12 else [], now - timedelta(minutes=59 - n))
        for n in range(58) if not 20 <= n < 30
    ]  # fmt: skip
    await street.world.telemetry.execute_many(PUT, rows)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_curve_of_an_alarm_is_on_the_desk_and_on_the_phone_even_without_a_network(
    screens: StreetOnScreens,
) -> None:
    await an_hour_of_gas(screens)
    phone = await screens.phone_of("周建国", cuttable=True)
    desk = await screens.tablet()
    await screens.hears("gas", gas_value=9.4)
    await desk.claims()
    await desk.shows("chart")
    await expect(desk.at("chart")).to_have_attribute("data-fresh", "true")
    plot = desk.at("chart").locator("svg[role=slider]")
    await expect(plot.locator(".curve")).to_have_count(2)
    await expect(plot.locator(".odd")).to_have_count(1)
    await expect(plot.locator(".limit-word.urgent").last).to_contain_text("8 %LEL")
    await plot.focus()
    await plot.press("ArrowLeft")
    await plot.press("ArrowLeft")
    await expect(desk.at("chart-readout")).to_contain_text("%LEL")
    await desk.tap("span-month")
    await expect(desk.at("chart")).to_have_attribute("data-fresh", "true")
    await expect(plot.locator(".curve")).not_to_have_count(0)

    await phone.tap("offer-accept")
    await phone.step("way")
    await phone.tap("live-value")
    await expect(phone.at("chart")).to_have_attribute("data-fresh", "true")
    await phone.tap("dialog-close")
    await phone.device.network.cut()
    await phone.tap("live-value")
    await phone.shows("chart-old")
    await expect(phone.at("chart").locator(".curve").first).to_be_visible()


async def test_nobody_sees_the_curve_of_a_household_s_water_and_the_desk_hours_only_on_record(
    street: Street,
) -> None:
    now = street.world.clock.now()
    for hours, value in ((30, 1.0), (20, 1.0), (14, 1.5), (5, 1.5), (0, 1.5)):
        at = now - timedelta(hours=hours)
        await street.world.telemetry.execute(PUT, LEAK, "water_used", value, "m³", [], at)
    await street.measures("leak", "water_leak", True)
    incident = await street.newest()
    desk, phone = await street.desk(), await street.phone("周建国")
    keeper = await street.signed_in("technician", name="唐一鸣")
    mine = await desk.get(f"/api/incidents/{incident}/series?detector={LEAK}&quantity=water_used")
    theirs = await keeper.get(f"/api/detectors/{LEAK}/series?quantity=water_used&span=month")
    for seen in (mine, theirs):
        assert seen["private"]
        assert (seen["runs"], seen["bars"], seen["gaps"], seen["last"]) == ([], [], [], None)
    [own] = (await desk.get(f"/api/incidents/{incident}/readings"))["series"]
    assert own["points"] == []
    replay = await desk.get(f"/api/incidents/{incident}/replay")
    assert [one["points"] for one in replay["series"]] == [[]]
    hours = await desk.get(f"/api/incidents/{incident}/living?detector={LEAK}")
    assert (hours["unusedH"], hours["atLeast"]) == (14, False)
    assert hours["hours"].count(True) == 1
    assert hours["hours"][-15] is True
    assert hours["hours"][-6] is False
    found = await street.world.operations.fetch_value(
        "SELECT subject FROM audit_entry WHERE action = 'sensing.living_opened'"
    )
    assert UUID(str(found)) == LEAK
    refused = await phone.client.get(f"/api/incidents/{incident}/living?detector={LEAK}")
    assert refused.status_code == 403


async def test_field_staff_see_the_curves_of_their_own_incident_s_detectors_and_of_no_other(
    street: Street,
) -> None:
    phone, other = await street.phone("周建国"), await street.phone("王芳")
    incident = await street.alarm("smoke")
    await street.to_the_scene(phone, incident)

    async def asks(person: object, path: str) -> int:
        answer = await person.client.get(path)  # type: ignore[attr-defined]
        return int(answer.status_code)

    mine = f"/api/incidents/{incident}/series?detector="
    assert await asks(phone, f"{mine}{SMOKE}") == 200
    assert await asks(phone, f"{mine}{GAS}") == 404
    assert await asks(other, f"{mine}{SMOKE}") == 403
    assert await asks(phone, f"/api/detectors/{SMOKE}/series") == 403
