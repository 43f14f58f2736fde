"""The screens themselves in a real Chromium: a phone, a tablet, an office and a resident.

Against a real ``jiean serve`` with a sown neighbourhood and real MQTT. Each test has a house, a
detector and a person of the field staff of its own.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import CDPSession, expect

from backend.demo.town import Detector
from backend.demo.town import Household as Home
from tests.journey.pages import Household, Inbox, Phone, Tablet
from tests.journey.stage import MOBILE, Json, Stage, beside, room, spot, stage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(150),
]
SMOKE_ITEMS = ("B.3-2", "B.3-3", "B.3-4", "B.3-5")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(chromium_path: Path) -> AsyncIterator[Stage]:
    """The neighbourhood at work, with detectors that repeat what they say."""
    with room() as data:
        async with stage(data, chromium_path) as made:
            flowing = asyncio.create_task(made.telemetry.run())
            yield made
            flowing.cancel()
            print(made.log()[-4000:])  # shown where a test failed


class Cast:
    """Who takes part in one test; their devices go with it."""

    def __init__(self, town: Stage, stack: AsyncExitStack, home: Home, detector: Detector) -> None:
        self.town, self.home, self.detector = town, home, detector
        self._stack = stack
        self._password = town.here.password

    async def phone(self, login: str) -> Phone:
        """Somebody of the field staff, on duty fifty metres from the house."""
        device = await self._stack.enter_async_context(
            self.town.device(390, 844, at=beside(self.home.at, 50), **MOBILE)
        )
        phone = Phone(device, self.town.base)
        await phone.on_duty(login, self._password)
        return phone

    async def tablet(self, login: str = "desk", *, clock: bool = False) -> Tablet:
        """The desk at work; with ``clock``, its page's clock can be moved by hand."""
        device = await self._stack.enter_async_context(self.town.device(1180, 820, has_touch=True))
        if clock:
            await device.page.clock.install()
        tablet = Tablet(device, self.town.base)
        await tablet.on_watch(login, self._password)
        return tablet

    async def community(self) -> Inbox:
        device = await self._stack.enter_async_context(self.town.device(1180, 820))
        inbox = Inbox(device, self.town.base)
        await inbox.open("community", self._password)
        return inbox

    async def resident(self) -> Household:
        device = await self._stack.enter_async_context(self.town.device(360, 640, **MOBILE))
        page = Household(device, self.town.base)
        await page.open(self.town.here.links[str(self.home.id)])
        return page

    async def alarm(self) -> None:
        """The house's smoke detector alarms, over MQTT."""
        self.town.telemetry.raise_alarm(self.detector)

    async def dispatched(self, tablet: Tablet) -> str:
        """The desk takes the alarm; nobody answers twice; somebody is asked. The incident's id."""
        await self.alarm()
        incident = await tablet.open(spot(self.home))
        await tablet.tap("claim")
        await tablet.nobody_answers(2)
        return incident


@pytest_asyncio.fixture(loop_scope="module")
async def cast(town: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Cast]:
    """A house of the test's own."""
    order = [f.name for f in request.node.parent.collect()]
    home, detector = town.scenes()[order.index(request.node.name)]
    async with AsyncExitStack() as stack:
        yield Cast(town, stack, home, detector)
        town.telemetry.end_alarm(detector)


async def test_a_desk_without_news_says_that_it_is_blind_and_never_looks_calm(
    cast: Cast, town: Stage
) -> None:
    tablet = await cast.tablet("desk2", clock=True)
    device = tablet.device
    await tablet.shows("queue-empty")
    await device.network.cut()
    await device.page.clock.fast_forward("00:13")
    await tablet.shows("queue-stale")
    await expect(tablet.at("queue-empty")).to_be_hidden()
    await device.network.mend()
    await device.page.clock.fast_forward("00:20")
    await tablet.shows("queue-empty")
    await expect(tablet.at("queue-stale")).to_be_hidden()


async def test_one_alarm_from_the_detector_to_the_sealed_record_partly_without_network(
    cast: Cast, town: Stage
) -> None:
    tablet, phone = await asyncio.gather(cast.tablet(), cast.phone("zhou"))
    inbox, resident = await asyncio.gather(cast.community(), cast.resident())
    await resident.shows("resident-calm")

    incident = await cast.dispatched(tablet)
    stamp = tablet.card(spot(cast.home)).get_by_test_id("stamp")
    await expect(stamp).to_have_class(re.compile(r"^(?!.*\blate\b)"))
    await expect(stamp).to_have_text(re.compile(r"\d\.\d\d"))  # measured by the server
    await resident.shows("resident-nobody")

    await phone.shows("offer")
    await expect(phone.at("offer-place")).to_contain_text(cast.home.door)
    await phone.tap("offer-accept")
    await phone.step("way")
    await expect(await resident.shows("resident-coming")).to_contain_text("周建国")
    await tablet.state("en_route")
    await tablet.report("厨房冒烟，外勤已出发")
    ack = inbox.page.locator("[data-testid^=ack-]")
    await ack.click()
    await expect(tablet.at("reports").locator("li").first).to_contain_text("已收到")

    offline = await _scene_without_network(phone)
    await phone.device.network.mend(lose_replies=1)
    await phone.drained()
    await _told_once_and_in_order(town, phone, incident, offline)
    await tablet.at("photos").locator("img").first.wait_for()

    await phone.tap("final-check", "eliminated")
    await phone.step("locks")
    await expect(tablet.at("release-real")).to_be_disabled()
    town.telemetry.end_alarm(cast.detector)
    await phone.shows("both-locks")
    await tablet.release("kitchen_fire")
    await phone.step("after")
    await resident.page.locator("[data-testid=resident-card][data-state=released]").wait_for()
    for kind in ("handling", "prevention"):
        await phone.owe(kind, "spoken")
    await tablet.tap("archive", "archive-open")
    await tablet.shows("archive-verified")
    await expect(tablet.at("archive-record")).to_contain_text(spot(cast.home))
    await phone.off_duty()  # the record is sealed: the phone is back at rest by itself
    for screen in (phone, tablet, inbox, resident):
        assert screen.device.wrong == []


async def _scene_without_network(phone: Phone) -> list[Json]:
    """Arrive, confirm, equip, work and photograph with no network; a reload in the middle.

    Gives the commands as the phone keeps them.
    """
    before = await phone.counts()
    await phone.works_offline()
    await phone.device.network.cut()
    await phone.tap("arrive")
    await phone.tap("confirm-real", "controllable-yes")
    await phone.equip()
    await phone.item("B.3-2")
    await phone.photograph()
    saved, sent, accepted = await phone.counts()
    assert saved == before[0] + 7  # six taps and the picture's own
    assert (sent, accepted) == before[1:]

    await phone.page.reload()
    await phone.step("card")
    # pictures are counted after the first frame
    await expect(phone.at("count-saved")).to_have_text(str(saved))
    assert await phone.counts() == (saved, sent, accepted)
    for code in SMOKE_ITEMS:
        await phone.item(code)
        await phone.tap("item-done")
    await phone.step("final")
    assert (await phone.counts())[1:] == (sent, accepted)
    kept: list[Json] = await phone.page.evaluate(KEPT)
    return kept


KEPT = """() => new Promise((done, failed) => {
  const open = indexedDB.open('jiean-phone')
  open.onerror = () => failed(open.error)
  open.onsuccess = () => {
    const all = open.result.transaction('outbox').objectStore('outbox').getAll()
    all.onsuccess = () => done(all.result.filter((i) => i.state === 'saved').map((i) => i.envelope))
  }
})"""


async def _told_once_and_in_order(
    town: Stage, phone: Phone, incident: str, kept: list[Json]
) -> None:
    """Although the first reply was lost, the journal has each command once, as it happened."""
    ids = [envelope["commandId"] for envelope in kept]
    sent = [e["commandId"] for batch in phone.device.network.asked for e in batch]
    assert sent.count(ids[0]) == 2
    assert all(a["seq"] < b["seq"] for a, b in pairwise(kept))
    events = await town.journal(incident)
    first = {str(event.command_id): event for event in reversed(events)}
    assert [i for i in dict.fromkeys(str(e.command_id) for e in events) if i in set(ids)] == ids
    assert all(not first[i].late for i in ids)
    for envelope in kept:
        said = datetime.fromisoformat(envelope["occurredAt"])
        stored = first[envelope["commandId"]]
        assert abs((stored.occurred_at - said).total_seconds()) < 1
    facts = [type(event.fact).__name__ for event in events]
    for once in (
        "ArrivedOnScene",
        "RealConfirmed",
        "PpeConfirmed",
        "HandlingStarted",
        "PhotoAdded",
    ):
        assert facts.count(once) == 1


async def test_a_tap_whose_reply_is_lost_counts_once(cast: Cast, town: Stage) -> None:
    tablet, phone = await asyncio.gather(cast.tablet(), cast.phone("li"))
    incident = await cast.dispatched(tablet)
    network = phone.device.network
    await phone.shows("offer")
    network.replies_to_lose = 2
    await phone.tap("offer-accept")
    await phone.step("way")
    await phone.drained()
    accepts = [e["commandId"] for batch in network.asked for e in batch]
    assert len(accepts) == 3
    assert len(set(accepts)) == 1
    first, *again = [answer for batch in network.answered for answer in batch]
    assert first["outcome"] == "accepted"
    assert not first.get("repeated")
    assert all(a["outcome"] == "accepted" and a["repeated"] for a in again)
    events = [e for e in await town.journal(incident) if str(e.command_id) == accepts[0]]
    assert [type(e.fact).__name__ for e in events].count("Accepted") == 1
    assert phone.device.wrong == []


async def test_a_push_shows_the_whole_offer_with_both_answers_and_no_network(
    cast: Cast, town: Stage
) -> None:
    tablet, phone = await asyncio.gather(cast.tablet(), cast.phone("wang"))
    await cast.dispatched(tablet)
    await phone.shows("offer")
    message = await phone.offer_message()
    await phone.device.network.cut()
    notices = await _pushed(phone, town.base, message)
    [shown] = [n for n in notices if n["data"]["id"] == message["id"]]
    assert [a["action"] for a in shown["actions"]] == ["accept", "decline"]
    assert shown["title"] == message["lockTitle"]
    assert shown["body"] == message["lockBody"]
    assert "演练" in shown["title"]
    assert shown["requireInteraction"] is True


NOTICES = """async () => {
  const registration = await navigator.serviceWorker.ready
  let notices = []
  for (let tries = 100; tries > 0 && !notices.length; tries -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    notices = await registration.getNotifications()
  }
  return notices.map(({ title, body, tag, actions, data, requireInteraction }) =>
    ({ title, body, tag, data, requireInteraction,
       actions: actions.map(({ action, title }) => ({ action, title })) }))
}"""


async def _pushed(phone: Phone, origin: str, message: Json) -> list[Json]:
    """What the phone shows once its browser's push service has handed the message over.

    Chromium does not say whether a worker took a push. As a push service would, the message is
    handed over again while nothing shows; one tag makes it one notice.
    """
    session = await phone.device.context.new_cdp_session(phone.page)
    async with asyncio.timeout(20):
        worker = await _registered(session, origin)
    data = msgspec.json.encode(message).decode()
    push = {"origin": origin, "registrationId": worker, "data": data}
    for _ in range(3):
        async with asyncio.timeout(20):
            await session.send("ServiceWorker.deliverPushMessage", push)
        async with asyncio.timeout(30):
            notices: list[Json] = await phone.page.evaluate(NOTICES)
        if notices:
            return notices
    pytest.fail("handed over three times, and the phone shows nothing")


async def _registered(session: CDPSession, origin: str) -> str:
    """The page's service worker, as its browser names it."""
    known: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def registered(event: Json) -> None:
        for registration in event["registrations"]:
            if registration["scopeURL"].startswith(origin) and not known.done():
                known.set_result(registration["registrationId"])

    session.on("ServiceWorker.workerRegistrationUpdated", registered)
    await session.send("ServiceWorker.enable")
    return await known


async def test_a_tap_that_the_rules_refuse_is_told_at_once_without_network(
    cast: Cast, town: Stage
) -> None:
    # somebody whom no earlier test asks: an offer still open would be all that the phone shows
    tablet, phone = await asyncio.gather(cast.tablet(), cast.phone("chen"))
    incident = await cast.dispatched(tablet)
    await phone.shows("offer")
    await phone.tap("offer-accept")
    await phone.step("way")
    await phone.drained()
    await phone.works_offline()
    saved, sent, accepted = await phone.counts()
    await phone.device.network.cut()
    await phone.tap("arrive", "withdraw", "worse-injured")
    await phone.step("scene")
    await expect(phone.at("count-saved")).to_have_text(str(saved + 3))  # hurt, and 120 dialled
    await phone.tap("confirm-false", "no-photo-np_high", "false-confirm")
    refusal = await phone.shows("not-now")
    await expect(refusal).to_have_attribute("data-code", "false_not_proved")
    await phone.tap("not-now-read")
    # it was not said: nothing waits only to be refused later
    assert await phone.counts() == (saved + 3, sent, accepted)
    await phone.step("scene")
    kept: list[Json] = await phone.page.evaluate(KEPT)
    assert all(envelope["signature"] for envelope in kept)

    await phone.device.network.mend()
    await phone.drained()
    facts = [type(event.fact).__name__ for event in await town.journal(incident)]
    assert facts.count("InjuredChanged") == 1  # the server knows the phone's key and took them
    assert "FalseDeclared" not in facts
