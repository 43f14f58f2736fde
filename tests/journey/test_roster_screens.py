"""The roster on screens: the lead fills a gap, and two phones change a shift between them."""

import os
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Page, expect

from backend.staff import service as staff
from backend.staff.schemas import NewPerson
from geo.point import Point
from tests.journey.looks import Way, axe, seen_as, spills
from tests.journey.pages import Phone
from tests.journey.screens import StreetOnScreens
from tests.journey.stage import MOBILE
from tests.journey.street import LON, PEOPLE, Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
LANES, SHEN = UUID(int=950), UUID(int=951)
ZHOU, LI, WANG = (PEOPLE[name][0] for name in ("周建国", "李明", "王芳"))
SHOTS = os.environ.get("JIEAN_ROSTER_SHOTS")


async def shot(page: Page, name: str, *, size: tuple[int, int] | None = None) -> None:
    """For somebody who looks at the screens; nothing without a folder."""
    if not SHOTS:
        return
    before = page.viewport_size
    for look in ("day", "night"):
        await page.evaluate(f"document.documentElement.dataset.look = '{look}'")
        if size:
            await page.set_viewport_size({"width": size[0], "height": size[1]})
        await page.screenshot(path=Path(SHOTS) / f"{name}-{look}.png")
    await page.evaluate("document.documentElement.dataset.look = 'day'")
    if before:
        await page.set_viewport_size(before)


async def reads_well(page: Page, *ways: Way) -> None:
    """By axe's rules, and no text spills, in each of these ways."""
    for way in ways:
        async with seen_as(page, way):
            found = [*await axe(page), *await spills(page)]
            assert not found, f"{way.name}: {found}"


async def a_week(screens: StreetOnScreens, lead: Person) -> None:
    """Days and nights for the three, one night without anybody, and one desk."""
    world = screens.world
    await world.operations.execute("DELETE FROM shift; DELETE FROM roster_area")
    desk = NewPerson(
        id=SHEN, name="沈静", badge="GS-0951", post="desk", phone="138",
        qualified_from=date(2025, 1, 1),
    )  # fmt: skip
    await staff.register(desk, actor="t", role="system", at=world.clock.now())
    area = {"name": "平江路片区", "fieldMin": 1, "deskMin": 1, "streets": []}
    answer = await lead.client.put(f"/api/roster/areas/{LANES}", json=area)
    assert answer.status_code == 204, answer.text
    begin = world.clock.now() - timedelta(hours=8)  # 08:00 of that Monday in Shanghai
    for day in range(15):
        turns = [
            ((ZHOU, LI)[day % 2], "field", 0, 12),
            *([] if day == 3 else [(WANG, "field", 12, 12)]),
            (SHEN, "desk", 0, 24),
        ]
        for person, role, from_h, hours in turns:
            at = begin + timedelta(days=day, hours=from_h)
            body = {
                "personId": str(person), "role": role, "areaId": str(LANES), "insist": True,
                "fromAt": at.isoformat(), "untilAt": (at + timedelta(hours=hours)).isoformat(),
            }  # fmt: skip
            answer = await lead.client.put(f"/api/roster/shifts/{uuid4()}", json=body)
            assert answer.status_code == 200, answer.text


@pytest.mark.clause("4.1-c")
async def test_the_lead_sees_a_gap_in_red_and_fills_it_in_spite_of_a_warning(
    screens: StreetOnScreens,
) -> None:
    await a_week(screens, await screens.desk_lead())
    tablet = await screens.tablet(lead=True)
    await tablet.tap("manage", "tab-roster")
    gaps = await tablet.shows("roster-gaps")
    await expect(gaps).to_contain_text("03-05 周四 20:00–次日 08:00")
    await expect(tablet.at("gap-field").first).to_have_text("20:00–24:00")
    await shot(tablet.page, "roster-tablet")
    await shot(tablet.page, "roster-wall", size=(1920, 1080))
    await reads_well(tablet.page, Way(1180, 820), Way(1920, 1080, "night"))
    await tablet.at("gap-field").first.click()
    await tablet.page.select_option("[data-testid=shift-person]", str(LI))
    await tablet.fill("shift-until", "08:00")
    await tablet.tap("shift-save")
    await expect(await tablet.shows("roster-no")).to_contain_text("连续 24 小时")
    await shot(tablet.page, "roster-warned")
    await reads_well(tablet.page, Way(1180, 820, "night"))
    await tablet.fill("shift-reason", "王芳休假")
    await tablet.tap("shift-insist")
    await tablet.at("shift-editor").wait_for(state="detached")
    await expect(tablet.at("roster-gaps")).to_contain_text("没有缺岗")
    await expect(tablet.at("roster-history")).to_contain_text("王芳休假")
    await tablet.tap("roster-copy", "plan-preview")
    await expect(tablet.at("plan-counts")).to_be_visible()
    await shot(tablet.page, "roster-copy")
    screens.nothing_went_wrong()


async def test_two_phones_change_a_shift_the_lead_approves_and_duty_outside_it_says_why(
    screens: StreetOnScreens,
) -> None:
    lead = await screens.desk_lead()
    await a_week(screens, lead)
    zhou, wang = await the_phone(screens, "周建国"), await the_phone(screens, "王芳")
    await wang.tap("duty-on")
    await wang.shows("outside-reason")
    await shot(wang.page, "outside")
    await wang.fill("outside-reason", "顶替李明")
    await wang.tap("outside-go")
    await expect(await wang.shows("shift-line")).to_contain_text("顶替李明")

    await zhou.tap("shifts-open")
    await zhou.at("swap-ask").first.click()
    await zhou.page.select_option("[data-testid=swap-colleague]", str(LI))
    await zhou.fill("swap-note", "孩子家长会")
    await shot(zhou.page, "swap-sheet")
    await reads_well(zhou.page, Way(360, 640, "night"))
    await zhou.tap("swap-send")
    await expect(await zhou.shows("swap-open")).to_contain_text("等对方答复")
    await shot(zhou.page, "shifts", size=(360, 640))
    await shot(zhou.page, "shifts-tall")
    await reads_well(zhou.page, Way(360, 640), Way(390, 844, "night", text=2.0))

    li = await the_phone(screens, "李明")
    await li.tap("shifts-open")
    await expect(await li.shows("swap-to-me")).to_contain_text("孩子家长会")
    await shot(li.page, "swap-asked")
    await li.tap("swap-accept")
    await expect(await li.shows("swap-open")).to_contain_text("等批准")

    tablet = await screens.tablet(lead=True)
    await tablet.page.evaluate("location.hash = 'roster'")  # as the message about it does
    await expect(await tablet.shows("roster-swaps")).to_contain_text("李明 顶 周建国 的班")
    await shot(tablet.page, "roster-swap")
    await tablet.tap("swap-approve")
    await expect(tablet.at("roster-history")).to_contain_text("换班生效")
    await li.tap("shifts-back")
    await li.page.evaluate("location.hash = 'shifts'")  # as a notice about it does
    await expect(li.at("my-shift")).to_have_count(8)

    await li.device.context.set_offline(True)
    await li.tap("shifts-back", "shifts-open")
    await li.shows("shifts-stale")
    await expect(li.at("my-shift")).to_have_count(8)
    await expect(li.at("swap-ask").first).to_be_disabled()
    await shot(li.page, "shifts-offline")
    screens.nothing_went_wrong()


async def the_phone(screens: StreetOnScreens, name: str) -> Phone:
    """Somebody's phone with the app open, not on duty."""
    person_id, lat = PEOPLE[name]
    person = await screens.signed_in(
        "field", login=f"f{person_id.int}", name=name, staff_id=person_id
    )
    device = await screens._device(390, 844, person, at=Point(lat, LON), **MOBILE)
    phone = Phone(device, screens.base)
    await phone.page.goto(f"{screens.base}/field")
    await phone.shows("duty-on")
    return phone
