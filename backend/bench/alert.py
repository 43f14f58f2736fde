"""The time from an MQTT publish to a card on the desk and to an offer on a phone.

Everything is real: ``jiean serve`` as a child with the demonstration's neighbourhood, background
telemetry over the broker, the desk's own page in a Chromium, a phone's socket. All clocks are the
machine's. A card counts as visible in the first frame after it entered the page.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Page, async_playwright

from backend.bench.figures import LIMITS, met, percentile
from backend.demo.actors import Desk, Field
from backend.demo.child import Serve, free_port
from backend.demo.ground import Ground, ground
from backend.demo.telemetry import Telemetry
from backend.demo.town import Detector
from backend.demo.walking import Lanes
from backend.demo.wire import Json
from tools.machine import chromium

SETTLE_S = 4.0
WAIT_S = 10.0
GAP_S = 0.35
"""Between two alarms: they must not wait for each other."""

PATIENCE = {
    f"JIEAN_TIMERS_{name}_S": "3600"
    for name in ("OFFER_FIRST", "OFFER_NEXT", "NOBODY_LEFT", "DESK_CLAIM")
}
"""Offers stay open and nobody is reminded: only the way in is measured."""

WATCH = """() => {
  const known = new Set([...document.querySelectorAll('[data-incident]')]
    .map(card => card.dataset.incident));
  const look = () => document.querySelectorAll('[data-incident]').forEach(card => {
    const id = card.dataset.incident;
    if (known.has(id)) return;
    known.add(id);
    requestAnimationFrame(() => window.seen(id, performance.timeOrigin + performance.now()));
  });
  new MutationObserver(look).observe(document.body,
    {childList: true, subtree: true, attributes: true, attributeFilter: ['data-incident']});
}"""


async def measure(folder: Path, *, alarms: int, per_s: float, seed: int) -> dict[str, Any]:
    """Run the measurement and return the figures.

    Raises:
        ServeFailed, SomebodyReal, CannotStart: with a sentence for a person.
    """
    _say(f"布置街区 laying out the neighbourhood in {folder}")
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(
            ground(
                folder, seed=seed, port=free_port(), mqtt_port=free_port(),
                settings=PATIENCE,
            )
        )  # fmt: skip
        start_ms = await _start_again(here.serve)
        _say(f"启动 {start_ms:.0f} ms start on an existing database")
        telemetry = Telemetry(here.serve.mqtt_url, here.town.detectors, per_s=per_s, seed=seed)
        telemetry.connect()
        stack.callback(telemetry.close)
        flowing = asyncio.create_task(telemetry.run())
        stack.callback(flowing.cancel)
        run = _Run(here, telemetry)
        await run.open(stack)
        await asyncio.sleep(SETTLE_S)
        sent, began, cpu = telemetry.published, time.monotonic(), _Cpu(here.serve.pid)
        for n, detector in enumerate(_spread(here, alarms), start=1):
            await run.one(detector)
            if n % 10 == 0:
                desk, phone = run.desk_ms[-1], run.phone_ms[-1]
                _say(f"{n}/{alarms}  桌面 desk {desk:.0f} ms  手机 phone {phone:.0f} ms")
        rate = (telemetry.published - sent) / (time.monotonic() - began)
        rss = psutil.Process(here.serve.pid).memory_info().rss / 1e6
        figures = {
            "desk_p50_ms": round(percentile(run.desk_ms, 0.5), 1),
            "desk_p99_ms": round(percentile(run.desk_ms, 0.99), 1),
            "offer_p50_ms": round(percentile(run.phone_ms, 0.5), 1),
            "offer_p99_ms": round(percentile(run.phone_ms, 0.99), 1),
            "background_per_s": round(rate, 1),
            "start_ms": round(start_ms, 1),
            "rss_mb": round(rss, 1),
        }
        parts = run.parts()
        _say(
            "时间去向 where the time goes (p50): "
            + "  ".join(f"{name} {value} ms" for name, value in parts.items())
        )
        cores = cpu.cores()
        busy = psutil.getloadavg()[0]
        _say(f"核心占用 cores used: {cores}，整机负载 load of the machine {busy:.1f}")
        extras = {
            "alarms": alarms,
            "parts_p50_ms": parts,
            "cores": cores,
            "load_1min": round(busy, 1),
            "limits": LIMITS,
            "met": met(figures),
        }
        return {**figures, **extras}


async def _start_again(serve: Serve) -> float:
    """The second start: nothing is created any more."""
    await serve.stop()
    await serve.start()
    return serve.start_ms


def _spread(here: Ground, count: int) -> Sequence[Detector]:
    """Smoke detectors, each in another building."""
    by_building = {d.building_id: d for d in here.town.detectors if d.kind == "smoke"}
    found = list(by_building.values())
    step = max(1, len(found) // count)
    offset = int(time.time()) % step
    return found[offset::step][:count]


class _Run:
    """One run: the desk's page, a pulling desk for the server's own times, the phones."""

    def __init__(self, here: Ground, telemetry: Telemetry) -> None:
        self._here, self._telemetry = here, telemetry
        self.desk_ms: list[float] = []
        self.phone_ms: list[float] = []
        self._stretches: dict[str, list[float]] = {}
        self._cards: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        self._offers: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        self._desk = Desk(here.serve.base, here.company.post("desk")[1], _nothing)
        self._asked: set[str] = set()

    async def open(self, stack: AsyncExitStack) -> None:
        """Everybody signs in."""
        stack.push_async_callback(self._desk.wire.close)
        await self._desk.open(self._here.password)
        lanes = Lanes(self._here.town.paths)
        corners = lanes.corners()
        for n, person in enumerate(self._here.company.post("field")):
            start = corners[n * len(corners) // 8]
            phone = Field(
                self._here.serve.base, person, lanes, start, _nothing,
                seed=n, pace_m_s=0.2, fix_every_s=5.0,
            )  # fmt: skip
            stack.push_async_callback(phone.close)
            await phone.open(self._here.password)
            task = asyncio.create_task(self._note(phone))
            stack.callback(task.cancel)
        page = await self._page(stack)
        await page.evaluate(WATCH)

    async def one(self, detector: Detector) -> None:
        """One alarm, seen on the desk and on the first phone that is asked."""
        published = self._telemetry.raise_alarm(detector).timestamp() * 1000
        incident, seen = await asyncio.wait_for(self._cards.get(), WAIT_S)
        self.desk_ms.append(seen - published)
        while True:
            asked, offered = await asyncio.wait_for(self._offers.get(), WAIT_S)
            if asked == incident:
                break
        self.phone_ms.append(offered - published)
        view = await self._desk.incident(incident)
        marks = {
            "detector → alert": _ms(view["emittedAt"]) - published,
            "alert → journal": _ms(view["timeline"][0]["receivedAt"]) - _ms(view["emittedAt"]),
            "journal → desk's screen": seen - _ms(view["timeline"][0]["receivedAt"]),
            "journal → offer": _ms(_first_offer(view)) - _ms(view["timeline"][0]["receivedAt"]),
            "offer → phone's socket": offered - _ms(_first_offer(view)),
        }
        for name, value in marks.items():
            self._stretches.setdefault(name, []).append(value)
        self._telemetry.end_alarm(detector)
        await asyncio.sleep(GAP_S)

    def parts(self) -> dict[str, float]:
        """Where the time goes, by the server's own stamps: ms, half of the alarms are below."""
        return {name: round(percentile(found, 0.5), 1) for name, found in self._stretches.items()}

    async def _note(self, phone: Field) -> None:
        """Note the first offer of each incident; the offer is left open."""
        while True:
            offer = await phone.offers.get()
            incident = str(offer["incidentId"])
            if incident not in self._asked:
                self._asked.add(incident)
                await self._offers.put((incident, offer["heardAt"] * 1000))

    async def _page(self, stack: AsyncExitStack) -> Page:
        """The desk's page in a real browser, signed in as a person would."""
        driver = await stack.enter_async_context(async_playwright())
        where = chromium()
        browser = await driver.chromium.launch(
            executable_path=str(where) if where else None, args=["--no-sandbox"]
        )
        stack.push_async_callback(browser.close)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})

        async def seen(incident: str, at_ms: float) -> None:
            await self._cards.put((incident, at_ms))

        await page.expose_function("seen", seen)
        base, officer = self._here.serve.base, self._here.company.post("desk")[0]
        await page.goto(f"{base}/login")
        await page.get_by_test_id("login").fill(officer.login)
        await page.get_by_test_id("password").fill(self._here.password)
        await page.get_by_test_id("sign-in").click()
        await page.wait_for_url("**/desk**")
        await page.locator("main, #app > *").first.wait_for()
        return page


def _ms(text: str) -> float:
    """Milliseconds since 1970 of a time on the wire."""
    return datetime.fromisoformat(text).timestamp() * 1000


def _first_offer(view: Json) -> str:
    """When the first person was asked."""
    return str(view["offers"][0]["offeredAt"])


class _Cpu:
    """Processor time of everybody who takes part, between two moments."""

    def __init__(self, serve: int) -> None:
        here = psutil.Process()
        mine = {p.pid for p in here.children(recursive=True)}
        served = psutil.Process(serve)
        servers = served.children(recursive=True)
        browser = mine - {serve} - {p.pid for p in servers}
        self._groups = {
            "serve": [served],
            "postgres and broker": servers,
            "browser": [psutil.Process(pid) for pid in browser],
            "bench": [here],
        }
        self._before = self._taken()
        self._began = time.monotonic()

    def cores(self) -> dict[str, float]:
        """Cores used by each group since the beginning; 1.0 is one core all the time."""
        took = time.monotonic() - self._began
        return {
            name: round((now - self._before[name]) / took, 2) for name, now in self._taken().items()
        }

    def _taken(self) -> dict[str, float]:
        return {
            name: sum(_cpu_s(process) for process in group) for name, group in self._groups.items()
        }


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _nothing(_who: str, _what: str) -> None:
    """Nobody watches."""


def _say(words: str) -> None:
    print(f"  {datetime.now(UTC).astimezone():%H:%M:%S}  {words}", flush=True)
