"""The app as an app: installable, light, readable by everybody, honest about its bells."""

import asyncio
import gzip
import ipaddress
import re
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Page, async_playwright, expect

from backend.access.middleware import COOKIE
from backend.app import create_app
from backend.demo import trust
from backend.serve import http_server
from tests.journey import looks, tour
from tests.journey.pages import Phone, Screen
from tests.journey.screens import BUILT, StreetOnScreens
from tests.journey.stage import FLAGS
from tests.journey.street import PEOPLE

LIMITS_KB = {"js": 90.0, "css": 10.0}
"""Of the field phone's first load, gzip; the map has 80 kB of its own, later."""

SIZES = looks.HAND[1:5]
"""In the suite: all but the usual look by day and the smallest on its side; shots.py has these."""


def packed_kb(paths: set[str]) -> float:
    return sum(len(gzip.compress((BUILT / path).read_bytes(), 7)) for path in paths) / 1000


def test_the_phones_first_load_and_its_map_stay_within_their_budgets() -> None:
    if not BUILT.is_dir():
        pytest.skip("the web app is not built")
    page = (BUILT / "field.html").read_text("utf-8")
    for ending, limit in LIMITS_KB.items():
        asked = set(re.findall(rf'"/(assets/[^"]+\.{ending})"', page))
        assert asked
        assert packed_kb(asked) <= limit, ending
    maps = {f"assets/{path.name}" for path in (BUILT / "assets").glob("*Map*.js")}
    assert maps
    assert packed_kb(maps) <= 80.0
    assert not [path for path in maps if path in page], "the map is not part of the first load"


async def found_wrong(
    street: StreetOnScreens, way: Callable[[StreetOnScreens, tour.Seen], Awaitable[None]]
) -> list[str]:
    """All that is wrong with the screens of one way, by axe and by measure."""
    wrong: list[str] = []

    async def seen(name: str, screen: Screen) -> None:
        wide = (screen.page.viewport_size or {"width": 0})["width"] > 700
        for how in looks.TABLET if wide else SIZES:
            async with looks.seen_as(screen.page, how):
                found = await looks.spills(screen.page)
                if how.axe:
                    found += await looks.axe(screen.page)
                if how == looks.HAND[1]:
                    found += await looks.out_of_reach(screen.page)
            wrong.extend(f"{name} {how.name}: {each}" for each in found)

    await way(street, seen)
    street.nothing_went_wrong()
    return wrong


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("way", [tour.handled, tour.rescue, tour.others])
async def test_every_screen_reads_well_in_both_looks_large_small_and_on_its_side(
    screens: StreetOnScreens, way: Callable[[StreetOnScreens, tour.Seen], Awaitable[None]]
) -> None:
    assert await found_wrong(screens, way) == []


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(240)
async def test_over_the_demonstrations_own_https_the_app_is_installable_and_live(
    screens: StreetOnScreens, chromium_path: Path, tmp_path: Path
) -> None:
    own = [ipaddress.ip_address("192.168.7.20")]
    made = trust.made(tmp_path / "lan", own=own, host="street-pc", now=datetime.now(UTC))
    person_id, _ = PEOPLE["周建国"]
    person = await screens.signed_in("field", login="f1", name="周建国", staff_id=person_id)
    server = http_server(
        create_app(screens.world.ctx, dist=BUILT), tls=(str(made.chain), str(made.key))
    )
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        await server.up.wait()
        base = f"https://127.0.0.1:{door.getsockname()[1]}"
        try:
            async with async_playwright() as driver:
                # no certificate but this authority's is let through
                context = await driver.chromium.launch_persistent_context(
                    tmp_path / "profile",
                    executable_path=chromium_path,
                    args=[*FLAGS, f"--ignore-certificate-errors-spki-list={spki(made)}"],
                )
                token = person.client.cookies[COOKIE]
                await context.add_cookies(
                    [{"name": COOKIE, "value": token, "url": base, "secure": True}]
                )
                page = await context.new_page()
                await page.goto(f"{base}/field")
                assert await page.evaluate("() => isSecureContext")
                phone = page.get_by_test_id("strip").locator(".light:not(.off):not(.waiting)")
                await phone.wait_for()
                await page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
                assert await live_over_tls(page)
                tools = await context.new_cdp_session(page)
                found = await tools.send("Page.getInstallabilityErrors")
                assert found["installabilityErrors"] == []
                manifest = await tools.send("Page.getAppManifest")
                assert manifest["errors"] == []
                await context.close()
        finally:
            server.should_exit = True
            await serving


def spki(made: trust.Trust) -> str:
    """The hash of the authority's public key, as Chromium wants it."""
    authority = x509.load_pem_x509_certificate(made.authority.read_bytes())
    key = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(sha256(key).digest()).decode()


async def live_over_tls(page: Page) -> bool:
    """A socket of the page's own opens with the page's cookie."""
    opened: bool = await page.evaluate(
        """() => new Promise(done => {
          const socket = new WebSocket(location.origin.replace('https', 'wss') + '/ws')
          socket.onmessage = () => { socket.close(); done(true) }
          socket.onclose = () => done(false)
        })"""
    )
    return opened


WATCHED = """() => {
  window.asked = {vibrate: 0, sound: 0, locks: []}
  navigator.vibrate = beat => { if (beat) window.asked.vibrate += 1; return true }
  const Sound = window.AudioContext
  window.AudioContext = class extends Sound {
    constructor() { super(); window.asked.sound += 1; window.sound = this }
  }
  navigator.wakeLock.request = async () => {
    const lock = new EventTarget()
    lock.released = false
    lock.release = async () => { lock.released = true; lock.dispatchEvent(new Event('release')) }
    window.asked.locks.push(lock)
    return lock
  }
}"""


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(120)
async def test_the_duty_button_unlocks_the_bells_and_the_light_turns_when_one_is_lost(
    screens: StreetOnScreens,
) -> None:
    phone = await screens.phone_of("周建国")
    await phone.off_duty()
    await phone.page.add_init_script(f"({WATCHED})()")
    await phone.page.reload()
    await phone.shows("duty-on")
    asked = "() => [asked.vibrate, asked.sound, asked.locks.length]"
    assert await phone.page.evaluate(asked) == [0, 0, 0], "nothing is asked for before the tap"
    await phone.take_duty()
    for light in ("sound", "vibration", "awake"):
        await is_good(phone, light, True)

    await phone.page.evaluate("() => window.sound.suspend()")  # a telephone call takes the sound
    await is_good(phone, "sound", False)
    await phone.tap("reach-sound")
    await is_good(phone, "sound", True)

    await phone.page.evaluate("() => asked.locks.at(-1).release()")  # as in the background
    await is_good(phone, "awake", False)
    await phone.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    await is_good(phone, "awake", True)

    context = phone.device.context
    await context.clear_permissions()
    await context.grant_permissions(["notifications"])
    await is_good(phone, "position", False)
    await expect(phone.at("reachability")).to_have_attribute("data-good", "false")


async def is_good(phone: Phone, light: str, good: bool) -> None:
    """That light of the standby screen; where it is not good it says what to do."""
    row = phone.at(f"reach-{light}")
    await expect(row).to_have_attribute("data-good", str(good).lower())
    if not good:
        await expect(row.locator(".warn-line").first).not_to_be_empty()
