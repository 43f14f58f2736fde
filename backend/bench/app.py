"""How fast the field app opens: cold on a weak line, warm with no line at all.

A real ``jiean serve``, a real Chromium as a phone whose processor is slowed four times. Cold: a
phone that never saw the app opens it while an offer is open (fast 3G, as browsers' own tools
define it). Warm: a phone on duty opens it again with no network, with an offer open and in the
middle of an incident. A screen counts as usable in the first frame that holds its main button.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright

from backend.bench.figures import APP_LIMITS, within
from backend.demo.child import free_port
from backend.demo.ground import Ground, ground
from backend.demo.telemetry import Telemetry
from backend.demo.town import Detector, Household
from tools.machine import chromium

SLOWED = 4
FAST_3G = {
    "offline": False,
    "latency": 562.5,  # ms
    "downloadThroughput": 1.6e6 * 0.9 / 8,  # bytes a second
    "uploadThroughput": 0.75e6 * 0.9 / 8,
}
PATIENCE = {
    f"JIEAN_TIMERS_{name}_S": "3600"
    for name in ("OFFER_FIRST", "OFFER_NEXT", "NOBODY_LEFT", "DESK_CLAIM", "NO_RECEIPT")
}
"""The offer stays open while it is measured."""

WATCH = """selector => {
  const look = () => {
    const button = document.querySelector(selector)
    if (!button || button.disabled || window.usableMs) return
    window.usableMs = -1
    // the frame that holds it has been drawn when the next one begins
    const drawn = () => { window.usableMs = performance.now() }
    requestAnimationFrame(() => requestAnimationFrame(drawn))
  }
  new MutationObserver(look).observe(document, {childList: true, subtree: true, attributes: true})
  new PerformanceObserver(list => list.getEntries().forEach(each => {
    window.lcpMs = each.startTime
  })).observe({type: 'largest-contentful-paint', buffered: true})
}"""
FIGURES = """() => ({
  usable: window.usableMs, lcp: window.lcpMs ?? 0,
  fcp: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
})"""
ACCEPTED = """() => ['saved', 'sent', 'accepted'].every(name =>
  document.querySelector(`[data-testid=count-${name}]`)?.textContent === '1')"""
ACCEPT, ARRIVE = "[data-testid=offer-accept]", "[data-testid=arrive]"
Figures = dict[str, float]


async def measure(folder: Path, *, times: int, seed: int) -> dict[str, Any]:
    """Run the measurement and return the figures.

    Args:
        folder: of the installation's data.
        times: how often each start is measured; the median counts.
        seed: of the neighbourhood.

    Raises:
        ServeFailed, SomebodyReal, CannotStart: with a sentence for a person.
    """
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(
            ground(folder, seed=seed, port=free_port(), mqtt_port=free_port(), settings=PATIENCE)
        )
        telemetry = Telemetry(here.serve.mqtt_url, here.town.detectors, per_s=5.0, seed=seed)
        telemetry.connect()
        stack.callback(telemetry.close)
        driver = await stack.enter_async_context(async_playwright())
        where = chromium()
        browser = await driver.chromium.launch(
            executable_path=str(where) if where else None, args=["--no-sandbox"]
        )
        stack.push_async_callback(browser.close)
        home, detector = _place(here)
        phone = await stack.enter_async_context(_phone(browser, here, home))
        await _on_duty(phone, here)
        telemetry.raise_alarm(detector)
        page = phone.pages[0]
        await page.locator(ACCEPT).wait_for()
        cold = [await _cold(browser, here, home, phone) for _ in range(times)]
        await page.goto("about:blank")  # the app is closed, not beside
        alarm = [await _warm(phone, ACCEPT) for _ in range(times)]
        await page.goto("/field")
        await page.locator(ACCEPT).click()
        await page.locator(ARRIVE).wait_for()
        await page.wait_for_function(ACCEPTED)
        await page.goto("about:blank")
        incident = [await _warm(phone, ARRIVE) for _ in range(times)]
    figures = {
        "cold_fcp_ms": _middle(cold, "fcp"),
        "cold_lcp_ms": _middle(cold, "lcp"),
        "cold_usable_ms": _middle(cold, "usable"),
        "warm_offline_fcp_ms": _middle(alarm, "fcp"),
        "warm_offline_alarm_ms": _middle(alarm, "usable"),
        "warm_offline_incident_ms": _middle(incident, "usable"),
    }
    return figures | {"slowed": SLOWED, "times": times, "met": within(figures, APP_LIMITS)}


def _middle(runs: list[Figures], name: str) -> float:
    return round(median(run[name] for run in runs), 1)


def _place(here: Ground) -> tuple[Household, Detector]:
    """A home with a smoke detector."""
    smoke = {d.household_id: d for d in here.town.detectors if d.kind == "smoke"}
    home = next(h for h in here.linked() if h.id in smoke)
    return home, smoke[home.id]


@asynccontextmanager
async def _phone(
    browser: Browser, here: Ground, home: Household, state: Any = None
) -> AsyncIterator[BrowserContext]:
    """A phone near that home, with one open page."""
    context = await browser.new_context(
        base_url=here.serve.base,
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        locale="zh-CN",
        permissions=["geolocation", "notifications"],
        geolocation={"latitude": home.at.lat + 0.0005, "longitude": home.at.lon, "accuracy": 6},
        storage_state=state,
    )
    try:
        await context.new_page()
        yield context
    finally:
        await context.close()


async def _on_duty(phone: BrowserContext, here: Ground) -> None:
    """Signed in, on duty, and every file of the app kept."""
    page = phone.pages[0]
    await page.goto("/login?next=/field")
    await page.get_by_test_id("login").fill(here.company.post("field")[0].login)
    await page.get_by_test_id("password").fill(here.password)
    await page.get_by_test_id("sign-in").click()
    await page.get_by_test_id("duty-on").click()
    await page.locator("[data-testid=reach-live][data-good=true]").wait_for()
    await page.wait_for_function("() => navigator.serviceWorker.controller !== null")


async def _cold(
    browser: Browser, here: Ground, home: Household, signed_in: BrowserContext
) -> Figures:
    """Somebody's session on a phone that never opened the app."""
    cookies: Mapping[str, Any] = {"cookies": await signed_in.cookies(), "origins": []}
    async with _phone(browser, here, home, cookies) as phone:
        return await _opened(phone.pages[0], ACCEPT, FAST_3G)


async def _warm(phone: BrowserContext, selector: str) -> Figures:
    """The app again in a new page, with no network."""
    await phone.set_offline(True)
    page = await phone.new_page()
    try:
        return await _opened(page, selector, None)
    finally:
        await page.close()
        await phone.set_offline(False)


async def _opened(page: Page, selector: str, line: Mapping[str, Any] | None) -> Figures:
    tools: CDPSession = await page.context.new_cdp_session(page)
    await tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    if line is not None:
        await tools.send("Network.enable")
        await tools.send("Network.emulateNetworkConditions", dict(line))
    await page.add_init_script(f"({WATCH})({selector!r})")
    await page.goto("/field", wait_until="commit")
    await page.wait_for_function(
        "() => window.usableMs > 0"
        " && performance.getEntriesByName('first-contentful-paint').length > 0"
    )
    figures: Figures = await page.evaluate(FIGURES)
    return figures
