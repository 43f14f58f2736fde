"""A photograph taken with no network, by an app that is killed at once, on its way to the desk."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from backend.shared.photo_proof import fault_of
from tests.journey.pages import Phone
from tests.journey.screens import DOOR, StreetOnScreens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NEVER_HASHES = "() => { crypto.subtle.digest = () => new Promise(() => {}) }"
THIN_LINE = """
Object.defineProperty(navigator, 'connection', { value: { effectiveType: '2g' } })
"""
SHOTS = """() => new Promise((done, failed) => {
  const opening = indexedDB.open('jiean-phone')
  opening.onerror = failed
  opening.onsuccess = () => {
    const kept = opening.result.transaction('kept').objectStore('kept').getAllKeys()
    kept.onsuccess = () => {
      opening.result.close()
      done(kept.result.filter((key) => String(key).startsWith('shot:')).length)
    }
  }
})"""


async def shots(page: Page, count: int) -> None:
    """Wait until the phone holds that many photographs that are not finished."""
    async with asyncio.timeout(20):
        while await page.evaluate(SHOTS) != count:
            await asyncio.sleep(0.05)


async def killed_and_opened_again(phone: Phone, street: StreetOnScreens) -> None:
    """The same phone, a new run of the app, a network that carries little."""
    await phone.page.close()
    await phone.device.context.add_init_script(THIN_LINE)
    await phone.device.network.mend()
    phone.page = phone.device.page = await phone.device.context.new_page()
    await phone.page.goto(f"{street.base}/field")


@pytest.mark.clause("6.3.7.1-a")
async def test_a_photo_cut_off_at_the_shutter_reaches_the_desk_preview_first_and_proved(
    screens: StreetOnScreens,
) -> None:
    phone, tablet = await screens.phone_of("周建国", cuttable=True), await screens.tablet()
    incident = await screens.alarm("smoke", smoke=True)
    await tablet.claims()
    await phone.goes(DOOR)
    await phone.tap("confirm-false")
    await phone.device.network.cut()
    await phone.page.evaluate(NEVER_HASHES)
    await phone.tap("take-photo", "shutter")
    await shots(phone.page, 1)
    await killed_and_opened_again(phone, screens)
    await shots(phone.page, 0)

    coming = tablet.at("original-coming")
    await expect(coming).to_have_count(1)
    [photo] = (await (await screens.desk()).get(f"/api/incidents/{incident}"))["photos"]
    assert (photo["previewStored"], photo["stored"], photo["proof"]) == (True, False, "sound")
    assert 5_000 < await size(screens, photo["previewSha256"]) < 60_000

    await phone.tap("live-value", "originals-now")
    await expect(coming).to_have_count(0)
    desk = await screens.desk()
    [photo] = (await desk.get(f"/api/incidents/{incident}"))["photos"]
    assert photo["stored"] is True
    proof: dict[str, Any] = await desk.get(f"/api/evidence/{photo['sha256']}/proof")
    keys = (await desk.get("/api/evidence/keys"))["keys"]
    assert fault_of(proof, trusted=frozenset(key["public"] for key in keys)) is None
    assert proof["phone"] == "sound"
    assert (await screens.events(incident, "PhotoAdded")) == ["PhotoAdded"]
    screens.nothing_went_wrong()


async def size(screens: StreetOnScreens, sha256: str) -> int:
    """Bytes of a stored photograph."""
    got = await (await screens.desk()).client.get(f"/api/evidence/{sha256}")
    assert got.status_code == 200
    return len(got.content)
