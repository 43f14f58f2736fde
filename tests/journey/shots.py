"""Pictures of every screen in both looks and all sizes, for people to look at.

``python -m tests.journey.shots FOLDER``: one alarm goes its way once for each look; at every
step each screen is photographed at 390×844, 360×640 (phone pages) and 1180×820 (desk, office).
``--tour``: the walk of ``tour.py`` instead, in every way of ``looks.py``, large text and a phone
on its side among them; what axe and the ruler find is printed.
"""

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import async_playwright

from tests.journey import looks, tour
from tests.journey.pages import Household, Inbox, Phone, Screen, Tablet
from tests.journey.screens import street_on_screens
from tests.journey.stage import FLAGS, MOBILE, Stage, beside, room, spot, stage
from tests.plugin.world import Server, made_world
from tools import machine

HAND = ((390, 844), (360, 640))
TABLET = ((1180, 820),)
LOOKS = ("day", "night")
CARD = ("B.3-2", "B.3-3", "B.3-4", "B.3-5")


class Album:
    """Where the pictures of one look go."""

    def __init__(self, folder: Path, look: str) -> None:
        self._folder, self._look = folder, look

    async def take(self, screen: Screen, name: str, sizes: tuple[tuple[int, int], ...]) -> None:
        for width, height in sizes:
            await screen.page.set_viewport_size({"width": width, "height": height})
            path = self._folder / f"{name}-{width}x{height}-{self._look}.png"
            await screen.page.screenshot(path=path, animations="disabled")
        await screen.page.set_viewport_size({"width": sizes[0][0], "height": sizes[0][1]})


async def one_look(town: Stage, folder: Path, look: str, scene: int) -> None:
    """The whole way of one alarm."""
    home, detector = town.scenes()[scene]
    album, password = Album(folder, look), town.here.password
    async with AsyncExitStack() as stack:
        hand = await stack.enter_async_context(
            town.device(390, 844, at=beside(home.at, 50), look=look, **MOBILE)
        )
        own = await stack.enter_async_context(town.device(390, 844, look=look, **MOBILE))
        board = await stack.enter_async_context(town.device(1180, 820, look=look))
        clerk = await stack.enter_async_context(town.device(1180, 820, look=look))
        phone, resident = Phone(hand, town.base), Household(own, town.base)
        tablet, inbox = Tablet(board, town.base), Inbox(clerk, town.base)

        await phone.page.goto(f"{town.base}/login")
        await phone.shows("sign-in")
        await album.take(phone, "login", HAND + TABLET)
        await phone.sign_in(("zhou", "li")[scene], password, "/field")
        await phone.shows("duty-on")
        await album.take(phone, "field-off-duty", HAND)
        await phone.on_duty(("zhou", "li")[scene], password)
        await album.take(phone, "field-standby", HAND)
        await tablet.on_watch("desk", password)
        await album.take(tablet, "desk-before", TABLET)
        await inbox.open("community", password)
        await album.take(inbox, "office-before", TABLET + HAND)
        await resident.open(town.here.links[str(home.id)])
        await resident.shows("resident-calm")
        await album.take(resident, "resident-calm", HAND)

        town.telemetry.raise_alarm(detector)
        await tablet.open(spot(home))
        await tablet.shows("claim")
        await album.take(tablet, "desk-alarm", TABLET)
        await tablet.tap("claim")
        await tablet.page.locator("[data-testid^=outcome-]").first.wait_for()
        await album.take(tablet, "desk-claimed", TABLET)
        await resident.shows("resident-card")
        await album.take(resident, "resident-alarm", HAND)
        await tablet.nobody_answers(2)
        await phone.shows("offer")
        await album.take(phone, "field-offer", HAND)
        await phone.tap("offer-decline")
        await phone.page.locator("[data-testid^=decline-reason]").first.wait_for()
        await album.take(phone, "field-decline", HAND)
        await phone.tap("dialog-close", "offer-accept")
        await phone.step("way")
        await album.take(phone, "field-way", HAND)
        await phone.tap("show-map")
        await phone.page.locator("[data-testid=map] canvas, [data-testid=map] svg").first.wait_for()
        await album.take(phone, "field-way-map", HAND)
        await resident.shows("resident-coming")
        await album.take(resident, "resident-coming", HAND)
        await album.take(tablet, "desk-en-route", TABLET)
        await tablet.tap("escalate")
        await album.take(tablet, "desk-escalate", TABLET)
        await tablet.tap("dialog-close")
        await tablet.report("厨房冒烟，外勤已出发，可能有老人在屋内")
        first = inbox.page.locator("[data-testid^=inbox-MS], [data-testid^=ack-]").first
        await first.wait_for()
        await album.take(inbox, "office-inbox", TABLET + HAND)
        await inbox.page.locator(".inbox-open").first.click()
        await inbox.shows("report")
        await album.take(inbox, "office-report", TABLET + HAND)
        await inbox.page.locator("[data-testid^=ack-], [data-testid=report-ack]").first.click()
        await inbox.shows("report-acknowledged")
        await album.take(inbox, "office-acknowledged", TABLET + HAND)

        await phone.tap("arrive")
        await phone.step("scene")
        await album.take(phone, "field-scene", HAND)
        await phone.tap("confirm-false")
        await album.take(phone, "field-false", HAND)
        await phone.tap("dialog-close", "confirm-real")
        await phone.step("control")
        await album.take(phone, "field-control", HAND)
        await phone.tap("controllable-yes")
        await phone.step("gear")
        await album.take(phone, "field-gear", HAND)
        await phone.equip()
        await phone.item(CARD[0])
        await album.take(phone, "field-card", HAND)
        await phone.tap("take-photo")
        await phone.shows("shutter")
        await album.take(phone, "field-camera", HAND)
        await phone.tap("shutter")
        await phone.at("shutter").wait_for(state="detached")
        await phone.tap("card-list")
        await album.take(phone, "field-card-list", HAND)
        await phone.tap("dialog-close", "item-cannot")
        await album.take(phone, "field-cannot", HAND)
        await phone.tap("dialog-close", "live-value")
        await album.take(phone, "field-facts", HAND)
        await phone.tap("dialog-close", "withdraw")
        await album.take(phone, "field-worse", HAND)
        await phone.tap("dialog-close", "outbox-open")
        await album.take(phone, "field-outbox", HAND)
        await phone.tap("dialog-close")
        await album.take(tablet, "desk-handling", TABLET)
        for code in CARD:
            await phone.item(code)
            await phone.tap("item-done")
        await phone.step("final")
        await album.take(phone, "field-final", HAND)
        await phone.tap("final-check", "eliminated")
        await phone.step("locks")
        await album.take(phone, "field-locks", HAND)
        town.telemetry.end_alarm(detector)
        await phone.shows("both-locks")
        await album.take(phone, "field-both-locks", HAND)
        await tablet.tap("release-real")
        await album.take(tablet, "desk-release", TABLET)
        await tablet.tap("category-kitchen_fire", "release-confirm")
        await phone.step("after")
        await album.take(phone, "field-after", HAND)
        await phone.tap("debt-advice_handling")
        await album.take(phone, "field-advice", HAND)
        await phone.tap("advise-handling-spoken")
        await phone.owe("prevention", "spoken")
        await resident.page.locator("[data-testid=resident-card][data-state=released]").wait_for()
        await album.take(resident, "resident-released", HAND)
        await album.take(tablet, "desk-released", TABLET)
        await tablet.tap("archive", "archive-open")
        await tablet.shows("archive-verified")
        await album.take(tablet, "desk-archive", TABLET)
        await phone.off_duty()


async def rescue(town: Stage, folder: Path, look: str, scene: int) -> None:
    """A fire that is not under control: the board of the phone and the desk's counts."""
    home, detector = town.scenes()[scene]
    album, password = Album(folder, look), town.here.password
    async with AsyncExitStack() as stack:
        hand = await stack.enter_async_context(
            town.device(390, 844, at=beside(home.at, 50), look=look, **MOBILE)
        )
        board = await stack.enter_async_context(town.device(1180, 820, look=look))
        phone, tablet = Phone(hand, town.base), Tablet(board, town.base)
        await phone.on_duty(("wang", "zhao")[scene % 2], password)
        await tablet.on_watch("desk2", password)
        town.telemetry.raise_alarm(detector)
        await tablet.open(spot(home))
        await tablet.tap("claim")
        await tablet.nobody_answers(2)
        await phone.tap("offer-accept", "arrive", "confirm-real", "controllable-no")
        await phone.step("board")
        await album.take(phone, "field-board", HAND)
        await phone.tap("trapped-more", "start-evacuation")
        await phone.shows("open-roster")
        await phone.tap("open-roster")
        await phone.shows("roster-frail")
        await album.take(phone, "field-roster", HAND)
        await phone.tap("back", "open-cordon")
        await phone.shows("shape-map")
        await album.take(phone, "field-cordon", HAND)
        await phone.tap("cordon-50", "cordon-set")
        for tile in ("evacuation", "cordon"):
            await phone.at(f"tile-{tile}").scroll_into_view_if_needed()
            await album.take(phone, f"field-board-{tile}", HAND)
        await tablet.state("rescue")
        await album.take(tablet, "desk-rescue", TABLET)
        await tablet.tap("language")
        await album.take(tablet, "desk-rescue-en", TABLET)
        town.telemetry.end_alarm(detector)


async def main(folder: Path) -> None:
    """Fill the folder."""
    chromium = machine.chromium()
    if chromium is None:
        sys.exit("no Chromium on this machine")
    with room() as data:
        async with stage(data, chromium) as town:
            flowing = asyncio.create_task(town.telemetry.run())
            for scene, look in enumerate(LOOKS):
                await one_look(town, folder, look, scene)
            for scene, look in enumerate(LOOKS, start=2):
                await rescue(town, folder, look, scene)
            flowing.cancel()


async def walk(folder: Path) -> int:
    """The tour, photographed and judged; how much was found."""
    chromium = machine.chromium()
    if chromium is None:
        sys.exit("no Chromium on this machine")
    found: list[str] = []

    async def seen(name: str, screen: Screen) -> None:
        hand = (screen.page.viewport_size or {"width": 0})["width"] < 700
        for way in looks.HAND if hand else looks.TABLET:
            async with looks.seen_as(screen.page, way):
                path = folder / f"{name}-{way.name}.png"
                await screen.page.screenshot(path=path, animations="disabled")
                wrong = [*await looks.spills(screen.page), *await looks.axe(screen.page)]
            found.extend(f"{name} {way.name}: {each}" for each in wrong)

    with room() as data:
        data.mkdir()
        data.chmod(0o711)  # PostgreSQL may run as nobody below it
        server = Server(data)
        try:
            await server.migrate()
            async with async_playwright() as driver:
                browser = await driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
                for way in tour.WAYS:
                    own = data / way.__name__
                    own.mkdir()
                    async with (
                        made_world(server, own) as world,
                        street_on_screens(world, browser) as street,
                    ):
                        await way(street, seen)
                await browser.close()
        finally:
            await server.postgres.stop()
    print("\n".join(found) or "nothing found")
    return len(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tour", action="store_true")
    words = parser.parse_args()
    wanted: Path = words.folder
    wanted.mkdir(parents=True, exist_ok=True)
    if words.tour:
        sys.exit(1 if asyncio.run(walk(wanted)) else 0)
    asyncio.run(main(wanted))
