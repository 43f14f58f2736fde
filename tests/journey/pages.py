"""The four kinds of screens by what a person does on them. No assertion stands here."""

import re
from urllib.parse import urlsplit

from playwright.async_api import Locator, expect

from geo.point import Point
from tests.journey.stage import Device, Json


class Screen:
    """Anything shown on a device, by test ids."""

    def __init__(self, device: Device, base: str) -> None:
        self.device, self.page, self.base = device, device.page, base

    def at(self, name: str) -> Locator:
        return self.page.get_by_test_id(name)

    async def tap(self, *names: str) -> None:
        for name in names:
            await self.at(name).click()

    async def fill(self, name: str, text: str) -> None:
        await self.at(name).fill(text)

    async def shows(self, name: str) -> Locator:
        """Wait until it is on the screen."""
        found = self.at(name).first
        await found.wait_for()
        return found

    async def sign_in(self, login: str, password: str, where: str) -> None:
        await self.page.goto(f"{self.base}/login?next={where}")
        await self.fill("login", login)
        await self.fill("password", password)
        await self.tap("sign-in")
        # the sign-in page names the wanted one in its query, so only the path tells them apart
        await self.page.wait_for_url(lambda url: urlsplit(url).path.startswith(where))


class Phone(Screen):
    """The field phone."""

    async def on_duty(self, login: str, password: str) -> None:
        """Sign in and take up duty; the phone can then be reached and works with no network."""
        await self.sign_in(login, password, "/field")
        await self.take_duty()
        await self.page.wait_for_function("() => navigator.serviceWorker.controller !== null")

    async def take_duty(self) -> None:
        """The duty button; the phone can then be reached."""
        await self.tap("duty-on")
        await self.shows("reachability")
        await expect(self.at("reach-live")).to_have_attribute("data-good", "true")
        await expect(self.at("reach-position")).to_have_attribute("data-good", "true")

    async def off_duty(self) -> None:
        await self.tap("duty-off", "duty-off-confirm")
        await self.shows("duty-on")

    async def step(self, name: str) -> Locator:
        return await self.shows(f"step-{name}")

    async def equip(self) -> None:
        """Everything worn, the situation clear, and in."""
        await self.shows("situation-clear")
        for item in await self.page.locator("[role=checkbox]").all():
            await item.click()
        await self.tap("ppe-confirm", "start-handling")

    async def goes(self, to: Point | None = None) -> None:
        """Take the offer, go there, and say so at the door."""
        await self.tap("offer-accept")
        await self.step("way")
        if to is not None:
            await self.device.stands(to)
        await expect(self.at("arrive")).to_have_class(re.compile(r"\bprimary\b"))
        await self.tap("arrive")

    async def lacks(self, code: str) -> None:
        """Everything worn but for this one thing."""
        await self.shows("situation-clear")
        for item in await self.page.locator("[role=checkbox]").all():
            if await item.get_attribute("data-testid") != f"ppe-{code}":
                await item.click()
        await self.tap("ppe-confirm")

    async def does_item(self, code: str, *, cause: str = "", value: str = "") -> None:
        """The card's next action, done."""
        await self.item(code)
        if cause:
            await self.tap(f"cause-{cause}")
        if value:
            await self.fill("item-value", value)
        await self.tap("item-done")

    async def puts_it_out(self) -> None:
        """The whole card of smoke, done."""
        await self.does_item("B.3-2")
        await self.does_item("B.3-3", cause="kitchen")
        await self.does_item("B.3-4")
        await self.does_item("B.3-5")

    async def finishes(self) -> None:
        """The last look round, and: the hazard is gone."""
        await self.tap("final-check", "eliminated")
        await self.step("locks")

    async def files_false_report(self) -> None:
        """The guided form of 6.2.4, filled and sent."""
        await self.tap("debt-false_report", "fr-cooking")
        await self.fill("fr-analysis", "离灶台太近")
        await self.tap("fr-next", "fr-m-move", "fr-submit")
        await self.settled("false_report")

    async def settled(self, debt: str) -> None:
        """Wait until that debt is done, and the server knows it."""
        await expect(self.at(f"debt-{debt}")).to_have_attribute("data-done", "true")
        await self.drained()

    async def advises(self) -> None:
        """Both kinds of advice, spoken."""
        for kind in ("handling", "prevention"):
            await self.owe(kind, "spoken")
        await self.drained()

    async def item(self, code: str) -> None:
        """The card's next action is this one."""
        await self.page.locator(f'[data-testid=item][data-item="{code}"]').wait_for()

    async def photograph(self) -> None:
        """With the camera of the app."""
        await self.tap("take-photo", "shutter")
        await self.at("shutter").wait_for(state="detached")

    async def owe(self, kind: str, way: str) -> None:
        """Settle the debt of advice."""
        await self.tap(f"debt-advice_{kind}", f"advise-{kind}-{way}")
        await expect(self.at(f"debt-advice_{kind}")).to_have_attribute("data-done", "true")

    async def dialled(self) -> list[str]:
        """The numbers that this phone has dialled since the page came."""
        found: list[str] = await self.page.evaluate("() => window.dialled")
        return found

    async def counts(self) -> tuple[int, int, int]:
        """Saved, sent, accepted, as the strip says."""
        saved, sent, accepted = [
            int(await self.at(f"count-{name}").inner_text())
            for name in ("saved", "sent", "accepted")
        ]
        return saved, sent, accepted

    async def drained(self) -> None:
        """Wait until all that was kept was accepted, by the strip's own counts."""
        await self.page.wait_for_function(
            """() => {
              const [saved, sent, accepted] = ['saved', 'sent', 'accepted'].map((name) =>
                document.querySelector(`[data-testid=count-${name}]`)?.textContent)
              return saved !== undefined && saved === sent && sent === accepted
            }""",
            timeout=40_000,
        )

    async def works_offline(self) -> None:
        """Wait until every file of the app is kept on the phone."""
        await self.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")

    async def offer_message(self) -> Json:
        """The offer as the server said it on the live socket."""
        said = [f["message"] for f in self.device.network.frames if f["t"] == "message"]
        offers: list[Json] = [m for m in said if m["data"].get("kind") == "offer"]
        return offers[-1]


class Tablet(Screen):
    """The desk."""

    async def on_watch(self, login: str, password: str) -> None:
        await self.sign_in(login, password, "/desk")
        await self.shows("data-age")

    def card(self, address: str) -> Locator:
        return self.page.locator("[data-testid^=queue-card-]", has_text=address)

    async def open(self, address: str) -> str:
        """Open that place's incident; its id."""
        await self.card(address).first.click()
        shown = await self.shows("incident")
        return str(await shown.get_attribute("data-incident"))

    async def state(self, state: str) -> None:
        """Wait until the open incident is in that state."""
        await self.page.locator(f"[data-testid=incident][data-state={state}]").wait_for()

    async def nobody_answers(self, times: int) -> None:
        """Call the next person so often, without an answer."""
        missed = self.page.locator(".rung .try")
        for n in range(times):
            before = await missed.all_inner_texts()
            await self.at("outcome-no-answer").click()
            await self.page.wait_for_function(
                "([n, before]) => JSON.stringify([...document.querySelectorAll('.rung .try')]"
                ".map((e) => e.innerText)) !== JSON.stringify(before)",
                arg=[n, before],
            )

    async def claims(self, address: str = "平江路") -> str:
        """Open that place's incident and take it; its id."""
        incident = await self.open(address)
        await self.tap("claim")
        await self.at("claim").wait_for(state="detached")
        return incident

    async def unlocked(self, number: int) -> None:
        """Wait until that lock of the release is open."""
        await expect(self.at(f"lock-c{number}")).to_have_class(re.compile(r"\bok\b"))

    async def seals(self) -> None:
        """Archive, and look at the sealed record."""
        await self.tap("archive", "archive-open")
        await self.shows("archive-verified")
        await self.tap("dialog-close")

    async def report(self, situation: str) -> None:
        await self.tap("escalate")
        await self.fill("sheet-text", situation)
        await self.tap("report-all")

    async def release(self, category: str) -> None:
        await self.tap("release-real", f"category-{category}", "release-confirm")


class Inbox(Screen):
    """An office's page."""

    async def open(self, login: str, password: str) -> None:
        await self.sign_in(login, password, "/office")


class Household(Screen):
    """The resident's page behind the household's link."""

    async def open(self, token: str) -> None:
        await self.page.goto(f"{self.base}/resident/#{token}")
