"""The street of the journeys on real screens: one Chromium, and a browser context per person.

The app is served from this process, so the database, the clock moved by hand and the screens are
one world. The clock stands still unless ``forward`` moves it; ``forward`` returns when every
screen has heard the new time.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Browser, Page, WebSocket

from backend import web
from backend.access.middleware import COOKIE
from geo.point import Point
from tests.edge.detectors import store_of
from tests.journey.pages import Household, Inbox, Phone, Screen, Tablet
from tests.journey.stage import DIALLER, MOBILE, Device, Json
from tests.journey.street import LAT, LON, PEOPLE, Person, Street, furnish
from tests.plugin.world import World

BUILT = Path(os.environ.get("JIEAN_TEST_DIST", web.DIST))
"""The built web app; another folder may be named while the usual one is being rebuilt."""
PATIENCE_MS = 20_000
DOOR = Point(LAT, LON)
"""Where it happens."""


class Heard:
    """The server's time as one device last heard it on its live socket."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.now = ""
        self.news = asyncio.Event()
        device.page.on("websocket", self._opened)
        device.network.listeners.append(self._frame)

    def _opened(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: self._frame(msgspec.json.decode(payload)))

    def _frame(self, frame: Json) -> None:
        if frame["t"] in ("hello", "ping"):
            self.now = frame["now"]
            self.news.set()

    async def until(self, now: str) -> None:
        """Wait for that very stamp; the clock stands still meanwhile."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while self.now != now and self.now:
                self.news.clear()
                await self.news.wait()


class StreetOnScreens(Street):
    """The street whose people have devices. Made by ``street_on_screens``."""

    base: str
    browser: Browser

    def __init__(self, world: World, store: Any, stack: AsyncExitStack) -> None:
        super().__init__(world, store, stack)
        self._heard: list[Heard] = []
        self._own_clocks: list[Page] = []
        self._alone = asyncio.Lock()

    async def settle(self) -> None:
        """Do all that waits or is due; when it returns, it is done."""
        async with self._alone:
            await self.worker.run_until_idle()

    async def work(self, stop: asyncio.Event) -> None:
        """Do what the screens ask for, as it comes, until ``stop``."""
        wake = self.world.ctx.operations_listener.event("work")
        telling = asyncio.create_task(self.worker.broadcaster.run(stop))
        while not stop.is_set():
            await self.settle()
            await wake.wait(0.2)
        await telling

    async def forward(self, seconds: float) -> None:
        """Move the clock, do what is due, and let every screen hear what time it is."""
        for page in self._own_clocks:
            await page.clock.fast_forward(round(seconds * 1000))
        await super().forward(seconds)
        await self.hear()

    async def hear(self) -> None:
        """Every screen that has a network knows the time."""
        await self.worker.broadcaster.ping()
        now = msgspec.json.decode(msgspec.json.encode(self.world.clock.now()), type=str)
        listening = [heard for heard in self._heard if not heard.device.network.is_cut]
        await asyncio.gather(*(heard.until(now) for heard in listening))

    async def phone_of(
        self, name: str, *, cuttable: bool = False, installed: bool = False
    ) -> Phone:
        """Somebody of the field staff, on duty at their usual spot, with the app open.

        Args:
            name: who.
            cuttable: the phone's network can be cut, and its own clock moves with the street's.
            installed: the app is kept on the phone by its service worker.
        """
        person_id, lat = PEOPLE[name]
        person = await self.signed_in(
            "field", login=f"f{person_id.int}", name=name, staff_id=person_id
        )
        device = await self._device(
            390, 844, person, at=Point(lat, LON),
            service_workers="allow" if installed else "block", **MOBILE,
        )  # fmt: skip
        if cuttable:
            await device.network.attach()
            await device.page.clock.install()
            self._own_clocks.append(device.page)
        phone = Phone(device, self.base)
        await phone.page.goto(f"{self.base}/field")
        await phone.take_duty()
        return phone

    async def tablet(self, *, lead: bool = False) -> Tablet:
        """The duty desk, or the desk lead's, with its screen open."""
        who = await (self.desk_lead() if lead else self.desk())
        tablet = Tablet(await self._device(1180, 820, who, has_touch=True), self.base)
        await tablet.page.goto(f"{self.base}/desk")
        await tablet.shows("data-age")
        return tablet

    async def upkeep(self) -> Screen:
        """The page of a technician who has no seat at the desk."""
        who = await self.signed_in("technician", name="唐一鸣")
        page = Screen(await self._device(1180, 820, who), self.base)
        await page.page.goto(f"{self.base}/desk")
        await page.shows("upkeep")
        return page

    async def household(self, home: str = "east") -> Household:
        """The page behind a household's link, on a small phone."""
        token = await self.link(home)
        page = Household(await self._device(360, 640, None, **MOBILE), self.base)
        await page.open(token)
        await page.shows("resident-calm")
        return page

    async def inbox(self, kind: str) -> Inbox:
        """An office's inbox."""
        inbox = Inbox(await self._device(1180, 820, await self.office(kind)), self.base)
        await inbox.page.goto(f"{self.base}/office")
        await inbox.shows("inbox-empty")
        return inbox

    async def _device(
        self, width: int, height: int, who: Person | None, *, at: Point | None = None,
        service_workers: Any = "block", **more: Any,
    ) -> Device:  # fmt: skip
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            permissions=["geolocation", "notifications", "camera"],
            base_url=self.base,
            service_workers=service_workers,
            **more,
        )
        self.stack.push_async_callback(context.close)
        self.stack.push_async_callback(context.unroute_all, behavior="ignoreErrors")
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(DIALLER)
        if who is not None:
            token = who.client.cookies[COOKIE]
            await context.add_cookies([{"name": COOKIE, "value": token, "url": self.base}])
        device = Device(context, await context.new_page())
        if at is not None:
            await device.stands(at)
        self._heard.append(Heard(device))
        return device

    async def pictures(self, folder: Path) -> None:
        """What each screen shows now, to look at where a scenario fails."""
        for number, heard in enumerate(self._heard):
            await heard.device.page.screenshot(path=folder / f"screen-{number}.png")

    def nothing_went_wrong(self) -> None:
        """No screen met an error of its own."""
        assert [heard.device.wrong for heard in self._heard if heard.device.wrong] == []


@asynccontextmanager
async def street_on_screens(
    world: World, browser: Browser, dist: Path = BUILT
) -> AsyncIterator[StreetOnScreens]:
    """Build the place, serve the app in ``dist`` on a port of its own, and let the worker work."""
    await furnish(world.clock.now())
    world.serve_from(dist)
    listener = world.ctx.operations_listener
    async with world.serving() as base, AsyncExitStack() as stack:
        street = StreetOnScreens(world, await store_of(world), stack)
        street.base, street.browser = base, browser
        await listener.start()
        stack.push_async_callback(listener.stop)
        stop = asyncio.Event()
        working = asyncio.create_task(street.work(stop))
        try:
            yield street
        finally:
            stop.set()
            await working
