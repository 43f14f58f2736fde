"""Every provider takes what it is given and never answers: alarms, offers and screens go on.

Counted, not timed: how many calls hang, which frames came meanwhile, and whether anything that
others need too (connections of the database, threads) is left. ``jiean bench push`` has the times.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest

from backend.messages import service, tokens
from backend.messages.carrier import Carrier
from backend.messages.outbox import Letter
from backend.messages.schemas import BrowserKeys, NewSubscription
from backend.shared.ids import uuid7
from push.lanes import Lanes
from push.message import Audience, Message
from push.port import Reach, Result
from push.vapid import VapidKey
from push.webpush import WebPush
from tests.journey.street import PEOPLE, Street
from tests.push.provider import PushService, push_service
from tests.push.wild import wild
from tests.push.world import a_message

MOST, KEPT = 12, 4
CROWD = 40


class Hole:
    """A door to nowhere: it takes and never answers."""

    reach = Reach.LOOPBACK

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken: list[str] = []

    async def send(self, address: str, message: Message) -> Result:
        self.taken.append(address)
        await asyncio.Event().wait()
        raise AssertionError("nothing comes out of it")


class Everybody:
    """The directory: a telephone for all."""

    async def __call__(self, addresses: Any) -> dict[str, dict[str, str]]:
        ways = {"sms": "13800000000", "voice": "13800000000"}
        return {address: ways for address in addresses if address.startswith("household:")}


class Swamped:
    """The street, its carrier's providers all hanging with everything they may have."""

    def __init__(self, street: Street, carrier: Carrier, holes: dict[str, Hole]) -> None:
        self.street, self.carrier, self.holes = street, carrier, holes
        self.frames: dict[str, list[dict[str, Any]]] = {}

    async def launch_all(self) -> None:
        while await self.carrier.launch():
            await asyncio.sleep(0)

    @asynccontextmanager
    async def screen(self, address: str) -> AsyncIterator[list[dict[str, Any]]]:
        seen = self.frames.setdefault(address, [])
        came = asyncio.Event()

        async def write(frame: str) -> None:
            seen.append(msgspec.json.decode(frame))
            came.set()

        async with self.street.world.ctx.live.connected(address, write, _closed):
            yield seen


async def _closed() -> None:
    """A screen of these tests has nothing to close."""


async def told(frames: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The first frame of this kind, once its writer has had its turn."""
    for _ in range(100_000):
        for frame in frames:
            if frame["t"] == kind:
                return frame
        await asyncio.sleep(0)
    raise AssertionError(f"no {kind} in {frames}")


async def a_device(street: Street, address: str, endpoint: str, service_: PushService) -> None:
    given = msgspec.json.decode(service_.browser.address)
    await tokens.subscribe(
        address,
        NewSubscription(
            endpoint=endpoint,
            keys=msgspec.convert(given["keys"], BrowserKeys),
            device_id=address,
        ),
        actor=uuid7(),
        role="test",
        now=street.world.clock.now(),
    )


@pytest.fixture(params=["hanging", "dripping"])
async def swamped(street: Street, request: pytest.FixtureRequest) -> AsyncIterator[Swamped]:
    key = VapidKey.generate()
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(wild(request.param, tls=False))
        provider = await stack.enter_async_context(push_service(key.public))
        browsers = WebPush(key, "mailto:duty@example.invalid", reach=Reach.LOOPBACK, timeout_s=60)
        stack.push_async_callback(browsers.aclose)
        holes = {name: Hole(name) for name in ("sms", "voice")}
        ctx = street.world.ctx
        carrier = Carrier(
            ctx,
            (ctx.live, browsers, *holes.values()),
            directory=Everybody(),
            lanes=Lanes(most=MOST, kept=KEPT),
        )
        carrier._limits_s = dict.fromkeys(carrier._limits_s, 3600.0)
        street.worker.carrier = carrier
        # The street waits until nothing is left to do; these attempts never end.
        carrier.step = carrier.launch  # type: ignore[method-assign]
        for n in range(CROWD):
            await a_device(street, f"household:{n}", f"{origin}/push/{n}", provider)
        for name, (person_id, _) in PEOPLE.items():
            await a_device(street, f"staff:{person_id}", f"{origin}/push/{name}", provider)
        now = street.world.clock.now()
        await service.enqueue_all(
            [
                Letter(
                    message=a_message(
                        id=uuid7(), sent_at=now, audience=Audience.RESIDENT, ttl_s=600, actions=()
                    ),
                    address=f"household:{n}",
                    incident_id=None,
                )
                for n in range(CROWD)
            ]
        )
        found = Swamped(street, carrier, holes)
        await found.launch_all()
        # Whoever waited in line before the browsers long enough is telephoned: those hang too.
        for _ in range(3):
            street.world.clock.forward(seconds=11)
            await found.launch_all()
        try:
            yield found
        finally:
            for flight in carrier._flying:
                flight.cancel()
            await carrier.drain()


async def test_an_alarm_is_raised_offered_and_shown_while_every_provider_hangs(
    swamped: Swamped,
) -> None:
    street, carrier = swamped.street, swamped.carrier
    hanging = carrier._lanes.taken()
    assert len(hanging) == 3, "browsers, texts and calls"
    assert set(hanging.values()) == {MOST - KEPT}, "full, but for what is kept for alarms"
    assert len(carrier._flying) == sum(hanging.values())

    phone = await street.phone("周建国")
    desk = await street.desk()
    who = f"staff:{PEOPLE['周建国'][0]}"
    async with swamped.screen(who) as frames, swamped.screen("account:desk") as desk_frames:
        incident = await street.alarm("smoke", smoke=True)
        await desk.does(incident, "claim")
        for _ in range(2):
            await desk.does(incident, "log_call", contact="户主", result="no_answer")
        await street.worker.broadcaster.news()
        assert (await told(desk_frames, "news"))["cursor"] > 0
        offer = await told(frames, "message")
        assert offer["message"]["data"]["incidentId"] == incident
        [mine] = (await phone.get("/api/field/home"))["offers"]
        await phone.does(incident, "accept", offerId=mine["id"])
        assert await street.state(incident)

    still = carrier._lanes.taken()
    assert all(still[name] >= count for name, count in hanging.items()), "they all hang still"
    pool = street.world.operations.pool
    assert pool is not None
    assert pool.get_idle_size() == pool.get_size(), "none waits inside a transaction"
    assert await asyncio.wait_for(asyncio.to_thread(int, "1"), 30) == 1, "threads are left"


async def test_an_alarm_for_a_locked_phone_has_a_place_where_residents_have_none(
    swamped: Swamped,
) -> None:
    street, carrier = swamped.street, swamped.carrier
    before = carrier._lanes.taken()
    for person_id, _ in list(PEOPLE.values())[:KEPT]:
        message = a_message(id=uuid7(), sent_at=street.world.clock.now(), collapse_key="")
        await service.enqueue(message, f"staff:{person_id}", incident_id=None)
    await swamped.launch_all()
    grown = {name: n - before[name] for name, n in carrier._lanes.taken().items()}
    asked = min(KEPT, len(PEOPLE))
    assert sorted(grown.values()) == [0, 0, asked], "each asked the push service at once"
