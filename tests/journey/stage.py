"""One Chromium and one running neighbourhood, for journeys through the screens themselves.

Every person has a browser context of their own, as everybody has a device of their own; its
network can be cut, mended, and made to lose the server's replies.
"""

import gzip
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from playwright.async_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Route,
    WebSocketRoute,
    async_playwright,
)

from backend.demo.child import free_port
from backend.demo.ground import Ground, ground
from backend.demo.telemetry import Telemetry
from backend.demo.town import Detector, Household
from backend.incidents import journal
from backend.incidents.flow.events import Event
from backend.settings import load
from backend.shared.db import OPERATIONS
from backend.shared.visit import visiting
from geo.point import Point

FLAGS = (
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
DIALLER = """
window.dialled = []
const opens = (link) => link.href.startsWith('tel:') && window.dialled.push(link.href.slice(4))
const click = HTMLAnchorElement.prototype.click
HTMLAnchorElement.prototype.click = function () { if (!opens(this)) click.call(this) }
addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href]')
  if (link && opens(link)) event.preventDefault()
}, true)
"""
"""A telephone for a browser that has none: without it, Chromium asks for another program and
takes no more taps."""

MOBILE: dict[str, Any] = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
QUICK = {"JIEAN_SENSING_SMOKE_CLEAR_S": "2", "JIEAN_TIMERS_REPORT_DELIVERED_S": "5"}
"""A detector is quiet sooner than in service; nothing else differs."""

Json = dict[str, Any]


class Network:
    """What lies between one device and the server."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._sockets: list[WebSocketRoute] = []
        self.is_cut = False
        self.replies_to_lose = 0
        self.asked: list[list[Json]] = []
        """Every batch of commands that reached the server, in order."""
        self.answered: list[list[Json]] = []
        """What the server answered to each, whether the device heard it or not."""
        self.frames: list[Json] = []
        """What the server said on the live socket."""
        self.listeners: list[Callable[[Json], None]] = []
        """Told of each frame as it comes."""

    async def attach(self) -> None:
        """Stand in the way of everything that is asked of the server."""
        await self._context.route("**/api/**", self._pass)
        await self._context.route_web_socket("**/ws**", self._speak)

    async def cut(self) -> None:
        """No network from now on, as in a cellar."""
        self.is_cut = True
        await self._context.set_offline(True)
        for socket in self._sockets:
            with suppress(Error):
                await socket.close()
        self._sockets.clear()

    async def mend(self, *, lose_replies: int = 0) -> None:
        """The network is back; the server's next answers to commands do not arrive."""
        self.replies_to_lose = lose_replies
        self.is_cut = False
        await self._context.set_offline(False)

    async def _pass(self, route: Route) -> None:
        if self.is_cut:
            await route.abort("internetdisconnected")
            return
        if not route.request.url.endswith("/commands"):
            await route.continue_()
            return
        sent = route.request.post_data_buffer or b"{}"
        if route.request.headers.get("content-encoding") == "gzip":
            sent = gzip.decompress(sent)
        asked = msgspec.json.decode(sent)["commands"]
        response = await route.fetch()
        self.asked.append(asked)
        self.answered.append((await response.json()).get("answers", []))
        if self.replies_to_lose:
            self.replies_to_lose -= 1
            await route.abort("connectionreset")
            return
        await route.fulfill(response=response)

    def _speak(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            return  # it never opens
        server = socket.connect_to_server()
        self._sockets.append(socket)

        def said(frame: str | bytes) -> None:
            self.frames.append(msgspec.json.decode(frame))
            for listener in self.listeners:
                listener(self.frames[-1])
            socket.send(frame)

        server.on_message(said)


class Device:
    """One person's device: its page, its network, and what went wrong in it."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context, self.page, self.network = context, page, Network(context)
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(str(error)))

    async def stands(self, place: Point) -> None:
        """Be there, as the device's satellite receiver says."""
        await self.context.set_geolocation(
            {"latitude": place.lat, "longitude": place.lon, "accuracy": 6}
        )


class Stage:
    """The neighbourhood, its broker and the browser."""

    def __init__(self, here: Ground, telemetry: Telemetry, browser: Browser) -> None:
        self.here, self.telemetry, self.browser = here, telemetry, browser
        self.base = here.serve.base

    def scenes(self) -> list[tuple[Household, Detector]]:
        """Homes with a link, each in a building of its own, with their smoke detectors."""
        smoke = {d.household_id: d for d in self.here.town.detectors if d.kind == "smoke"}
        homes = {h.building_id: h for h in self.here.linked() if h.id in smoke}
        return [(home, smoke[home.id]) for home in homes.values()]

    @asynccontextmanager
    async def device(
        self, width: int, height: int, *, at: Point | None = None, look: str = "day", **more: Any
    ) -> AsyncIterator[Device]:
        """A device with a page of that size; it stands at ``at``, if it knows where it is."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            color_scheme="dark" if look == "night" else "light",
            permissions=["geolocation", "notifications", "camera"],
            base_url=self.base,
            **more,
        )
        context.set_default_timeout(20_000)
        await context.add_init_script(DIALLER)
        # an older browser that packs nothing: what it asks can be read, and sent again, on the way
        await context.add_init_script("delete globalThis.CompressionStream")
        device = Device(context, await context.new_page())
        await device.network.attach()
        if at is not None:
            await device.stands(at)
        try:
            yield device
        finally:
            await context.unroute_all(behavior="ignoreErrors")
            await context.close()

    def log(self) -> str:
        """What the service said so far."""
        return (self.here.serve.folder / "serve.log").read_text(errors="replace")

    async def journal(self, incident: str) -> list[Event]:
        """The stored events of an incident, oldest first, read past the service."""
        settings = load({"JIEAN_DATA": str(self.here.serve.folder)})
        async with visiting(settings, OPERATIONS):
            return await journal.events_of(UUID(incident))


@contextmanager
def room() -> Iterator[Path]:
    """A folder for a stage, gone afterwards; PostgreSQL may run as nobody and must get in."""
    with tempfile.TemporaryDirectory(prefix="jiean-stage-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "data"


@asynccontextmanager
async def stage(
    folder: Path, chromium: Path, *, settings: Mapping[str, str] = QUICK
) -> AsyncIterator[Stage]:
    """Sow, serve, and open a browser; all of it ends with the block."""
    async with (
        ground(folder, seed=8, port=free_port(), mqtt_port=free_port(), settings=settings) as here,
        async_playwright() as driver,
    ):
        browser = await driver.chromium.launch(executable_path=str(chromium), args=list(FLAGS))
        telemetry = Telemetry(here.serve.mqtt_url, here.town.detectors, per_s=5.0)
        telemetry.connect()
        try:
            yield Stage(here, telemetry, browser)
        finally:
            telemetry.close()
            await browser.close()


def spot(home: Household) -> str:
    """Street and number, as the start of every address of the home that a screen shows."""
    return home.address.partition(" 号")[0] + " 号"


def beside(place: Point, north_m: float) -> Point:
    """A point that far north."""
    return Point(place.lat + north_m / 111_195, place.lon)
