"""What can be seen to be wrong with a screen by a machine: axe's rules, and text that spills.

The sizes and looks in which every screen must hold are here as well.
"""

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Page

AXE = Path(__file__).parents[2] / "pwa" / "node_modules" / "axe-core" / "axe.min.js"
ASKED = Path(__file__).with_suffix(".js").read_text("utf-8").partition("\n")[2].strip()


class Way(NamedTuple):
    """One way of looking at a screen.

    ``text`` is the size of the browser's text, 1 = usual; ``axe``: its rules are asked here too.
    """

    width: int
    height: int
    look: str = "day"
    text: float = 1.0
    axe: bool = False

    @property
    def name(self) -> str:
        return f"{self.width}x{self.height}-{self.look}" + ("-large" if self.text > 1 else "")


HAND = (
    Way(390, 844),
    Way(390, 844, "night", axe=True),
    Way(390, 844, text=2.0, axe=True),
    Way(360, 640, "night"),
    Way(844, 390),
    Way(640, 360, "night"),
)
TABLET = (Way(1180, 820, axe=True), Way(1180, 820, "night", axe=True))


@functools.cache
def _axe() -> str:
    return AXE.read_text("utf-8")


@asynccontextmanager
async def seen_as(page: Page, way: Way) -> AsyncIterator[None]:
    """The page in that size, look and size of text; afterwards as it was."""
    before: Any = page.viewport_size
    await page.set_viewport_size({"width": way.width, "height": way.height})
    await page.emulate_media(color_scheme="dark" if way.look == "night" else "light")
    await page.evaluate(SETTLED, f"{way.text * 100:g}%")
    try:
        yield
    finally:
        await page.set_viewport_size(before)
        await page.emulate_media(color_scheme="light")
        await page.evaluate(SETTLED, "")


SETTLED = """size => {
  document.documentElement.style.fontSize = size
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
}"""


async def axe(page: Page) -> list[str]:
    """What axe finds, one line for each place; [] is the only good answer."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(_axe())
    found: list[str] = await page.evaluate(f"() => {ASKED}.axe()")
    return found


async def spills(page: Page) -> list[str]:
    """Text that is cut off, outside the screen or only to be had by scrolling sideways."""
    found: list[str] = await page.evaluate(f"() => {ASKED}.spills()")
    return found


async def out_of_reach(page: Page) -> list[str]:
    """Main actions that a thumb cannot press."""
    found: list[str] = await page.evaluate(f"() => {ASKED}.reach()")
    return found
