"""The app is updated while it is used."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from tests.journey.screens import BUILT, StreetOnScreens, street_on_screens
from tests.plugin.world import Server, made_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELD = "() => navigator.serviceWorker.controller !== null"
WAITING = """async () => {
  const registration = await navigator.serviceWorker.getRegistration()
  await registration.update()
  return registration.waiting !== null
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def updated(
    database_server: Server, browser: Browser, tmp_path: Path
) -> AsyncIterator[StreetOnScreens]:
    """The street, whose app lies in a folder of its own: ``tmp_path / "app"``."""
    if not BUILT.is_dir():
        pytest.skip("the web app is not built")
    app = tmp_path / "app"
    shutil.copytree(BUILT, app)
    async with (
        made_world(database_server, tmp_path, None) as world,
        street_on_screens(world, browser, app) as street,
    ):
        yield street
        await street.pictures(tmp_path)


def publish(app: Path) -> None:
    """Another version of the same app: its page says so, its files and its cache have new names."""
    worker, codes = app / "sw.js", sorted((app / "assets").glob("*.js"))
    [version] = re.findall("jiean-([0-9a-f]{12})", worker.read_text("utf-8"))
    names = {code.name: f"{code.stem}-next.js" for code in codes}
    for path in (worker, app / "field.html", *codes):
        said = path.read_text("utf-8").replace(version, "0" * 12)
        for old, new in names.items():
            said = said.replace(old, new)
        path.write_text(said.replace("<html ", '<html data-build="next" '), "utf-8")
    for code in codes:
        code.rename(code.with_name(names[code.name]))


async def test_a_new_version_waits_while_the_incident_is_open_and_what_is_not_understood_is_kept(
    updated: StreetOnScreens, tmp_path: Path
) -> None:
    phone = await updated.phone_of("周建国", installed=True)
    await phone.page.wait_for_function(HELD)
    await updated.alarm()
    await phone.tap("offer-accept")
    await phone.step("way")
    await phone.drained()

    publish(tmp_path / "app")
    await phone.page.wait_for_function(WAITING)
    new = phone.page.locator("html[data-build=next]")

    async def not_understood(route: Route) -> None:
        body = '{"type":"urn:jiean:problem:validation","title":"?","status":400}'
        await route.fulfill(status=400, content_type="application/problem+json", body=body)

    await phone.page.route("**/api/commands", not_understood)
    await phone.tap("arrive")
    await phone.tap("outbox-open")
    await expect(phone.at("said-arrived")).to_have_attribute("data-state", "parked")
    await phone.shows("update-waiting")
    await phone.tap("dialog-close")
    await phone.page.unroute("**/api/commands", not_understood)
    await expect(new).to_have_count(0)

    updated.nothing_went_wrong()
