"""The outbox: messages climb the ladder, receipts stop them, and nothing is lost or doubled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import pytest

from backend.messages import ledger, service, tokens
from backend.messages.carrier import Carrier, Unreached
from backend.messages.doors import doors, vapid_key
from backend.messages.schemas import BrowserKeys, NewSubscription
from backend.shared.ids import uuid7
from push.message import Handling, Message, Urgency
from push.port import Outcome, Reach, ReceiptKind, Result
from push.vapid import VapidKey
from push.webpush import Subscription, WebPush
from tests.plugin.world import World, made_world
from tests.push.provider import PushService, push_service
from tests.push.world import a_message

WANG, LI = "staff:wang", "staff:li"
INCIDENT = UUID(int=1)


class FakeDoor:
    """A door that remembers; it answers what it is told to, when it is let."""

    def __init__(self, name: str = "live", reach: Reach = Reach.LOOPBACK) -> None:
        self.name, self.reach = name, reach
        self.sent: list[tuple[str, Message]] = []
        self.result = Result(Outcome.SENT, None, "ok")
        self.go_on, self.arrived = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self.black_hole_for: str | None = None
        self.fault: Exception | None = None

    async def send(self, address: str, message: Message) -> Result:
        self.sent.append((address, message))
        self.arrived.set()
        if self.fault is not None:
            raise self.fault
        if address == self.black_hole_for:
            await asyncio.Event().wait()
        await self.go_on.wait()
        return self.result

    @property
    def ids(self) -> list[UUID]:
        return [message.id for _, message in self.sent]


async def browser_of(world: World, address: str, service_: PushService | None = None) -> None:
    """A subscription; of the loopback push service where one is given."""
    subscription = msgspec.json.decode(service_.browser.address if service_ else b"null")
    given = subscription or {
        "endpoint": f"https://push.example.invalid/{address}",
        "keys": {"p256dh": "B" * 87, "auth": "A" * 22},
    }
    await tokens.subscribe(
        address,
        NewSubscription(
            endpoint=given["endpoint"],
            keys=msgspec.convert(given["keys"], BrowserKeys),
            device_id="phone",
        ),
        actor=uuid7(),
        role="field",
        now=world.clock.now(),
    )


async def say(world: World, address: str = WANG, **changes: Any) -> Message:
    message = a_message(
        **({"id": uuid7(), "sent_at": world.clock.now(), "collapse_key": ""} | changes)
    )
    assert await service.enqueue(message, address, incident_id=INCIDENT)
    return message


async def idle(carrier: Carrier) -> None:
    while await carrier.step():
        pass


async def test_an_open_screen_is_tried_first_and_the_browser_after_it(world: World) -> None:
    live, browsers = FakeDoor(), FakeDoor("webpush", Reach.INTERNET)
    carrier = Carrier(world.ctx, (live, browsers))
    await browser_of(world, WANG)
    message = await say(world)
    await idle(carrier)
    assert (live.ids, browsers.ids) == ([message.id], [])
    world.clock.forward(seconds=2.9)
    await idle(carrier)
    assert browsers.ids == []
    world.clock.forward(seconds=0.2)
    await idle(carrier)
    assert browsers.ids == [message.id]
    assert msgspec.json.decode(browsers.sent[0][0], type=Subscription).endpoint.endswith(WANG)


async def test_a_screen_that_is_not_connected_makes_it_climb_at_once(world: World) -> None:
    browsers = FakeDoor("webpush", Reach.INTERNET)
    carrier = Carrier(world.ctx, (world.ctx.live, browsers))
    await browser_of(world, WANG)
    message = await say(world)
    await idle(carrier)
    assert browsers.ids == [message.id]
    line = (await ledger.of_incident(INCIDENT))[0]
    assert [(each.door, each.outcome, each.code) for each in line.deliveries] == [
        ("live", "retry", "not-connected"),
        ("webpush", "sent", "ok"),
    ]


@pytest.mark.parametrize("kind", list(ReceiptKind))
async def test_a_receipt_ends_the_climb(world: World, kind: ReceiptKind) -> None:
    live, browsers = FakeDoor(), FakeDoor("webpush", Reach.INTERNET)
    told: list[Unreached] = []
    carrier = Carrier(world.ctx, (live, browsers), on_unreached=_into(told))
    await browser_of(world, WANG)
    message = await say(world)
    await idle(carrier)
    await receive(world, message, kind)
    world.clock.forward(seconds=15)
    await idle(carrier)
    assert (len(live.sent), browsers.sent, told) == (1, [], [])


async def test_a_receipt_that_comes_while_a_door_is_busy_ends_the_climb(world: World) -> None:
    live = FakeDoor()
    live.go_on.clear()
    carrier = Carrier(world.ctx, (live,))
    message = await say(world)
    await carrier.launch()
    await asyncio.wait_for(live.arrived.wait(), 10)
    await receive(world, message, ReceiptKind.DELIVERED)
    live.result = Result(Outcome.RETRY, None, "timeout")
    live.go_on.set()
    await carrier.drain()
    world.clock.forward(seconds=10)
    await idle(carrier)
    assert len(live.sent) == 1


async def test_a_person_is_told_once_when_every_door_had_its_time(world: World) -> None:
    told: list[Unreached] = []
    carrier = Carrier(world.ctx, (FakeDoor(),), on_unreached=_into(told))
    message = await say(world)
    for _ in range(10):
        await idle(carrier)
        world.clock.forward(seconds=1)
    assert [(each.message.id, each.address, each.incident_id) for each in told] == [
        (message.id, WANG, INCIDENT)
    ]
    assert (await ledger.of_incident(INCIDENT))[0].told_person


async def test_telling_that_failed_is_done_again_and_not_in_a_hot_loop(world: World) -> None:
    tries = 0

    async def fails_once(_: Unreached) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("the line is busy")

    carrier = Carrier(world.ctx, (), on_unreached=fails_once)
    await say(world)
    await idle(carrier)
    assert tries == 1
    world.clock.forward(seconds=10)
    await idle(carrier)
    assert tries == 2


async def test_nobody_is_told_of_a_test_that_nobody_answers(world: World) -> None:
    told: list[Unreached] = []
    carrier = Carrier(world.ctx, (), on_unreached=_into(told))
    await say(world, handling=Handling.TEST)
    await idle(carrier)
    assert told == []


async def test_an_expired_message_is_not_tried_any_more(world: World) -> None:
    live = FakeDoor()
    carrier = Carrier(world.ctx, (live,))
    await say(world, ttl_s=5)
    world.clock.forward(seconds=5)
    await idle(carrier)
    assert live.sent == []
    line = (await ledger.of_incident(INCIDENT))[0]
    assert (line.ended, line.last_error) == ("dead", "no-address")


async def test_a_withdrawn_message_is_not_tried_any_more(world: World) -> None:
    live = FakeDoor()
    carrier = Carrier(world.ctx, (live,))
    by_id = await say(world)
    await say(world, collapse_key="offer-7")
    kept = await say(world)
    assert await service.withdraw(ids=[by_id.id]) == 1
    assert await service.withdraw(collapse_key="offer-7") == 1
    assert await service.withdraw(collapse_key="") == 0
    await idle(carrier)
    assert live.ids == [kept.id]


async def test_a_message_withdrawn_while_a_door_is_busy_goes_no_further(world: World) -> None:
    live = FakeDoor()
    live.go_on.clear()
    carrier = Carrier(world.ctx, (live,))
    message = await say(world)
    await carrier.launch()
    await asyncio.wait_for(live.arrived.wait(), 10)
    assert await service.withdraw(ids=[message.id]) == 1
    live.result = Result(Outcome.RETRY, None, "timeout")
    live.go_on.set()
    await carrier.drain()
    world.clock.forward(seconds=10)
    await idle(carrier)
    assert len(live.sent) == 1
    assert (await ledger.of_incident(INCIDENT))[0].ended == "withdrawn"


async def test_the_same_message_asked_for_twice_is_sent_once(world: World) -> None:
    live = FakeDoor()
    carrier = Carrier(world.ctx, (live,))
    message = await say(world)
    assert not await service.enqueue(message, WANG, incident_id=INCIDENT)
    await idle(carrier)
    assert live.ids == [message.id]


async def test_a_message_of_a_transaction_that_fails_is_never_sent(world: World) -> None:
    live = FakeDoor()
    with pytest.raises(RuntimeError, match="the offer failed"):
        async with world.operations.transaction():
            await say(world)
            raise RuntimeError("the offer failed")
    await idle(Carrier(world.ctx, (live,)))
    assert live.sent == []


async def test_carriers_beside_each_other_send_each_message_once(world: World) -> None:
    live = FakeDoor()
    carriers = [Carrier(world.ctx, (live,)) for _ in range(3)]
    wanted = {(await say(world, f"staff:{n}")).id for n in range(150)}
    for _ in range(4):
        await asyncio.gather(*(carrier.step() for carrier in carriers))
    assert len(live.ids) == 150
    assert set(live.ids) == wanted


async def test_a_carrier_killed_between_claim_and_door_loses_nothing(world: World) -> None:
    dead, live = FakeDoor(), FakeDoor()
    dead.black_hole_for = WANG
    first = Carrier(world.ctx, (dead,))
    message = await say(world)
    await first.launch()
    for flight in list(first._flying):
        flight.cancel()
    await first.drain()
    second = Carrier(world.ctx, (live,))
    assert not await second.step(), "the lease still stands"
    world.clock.forward(seconds=6)
    await idle(second)
    assert live.ids == [message.id]
    line = (await ledger.of_incident(INCIDENT))[0]
    assert [(each.outcome, each.code) for each in line.deliveries] == [
        ("retry", "lost"),
        ("sent", "ok"),
    ]


async def test_a_hanging_door_delays_no_other_message(world: World) -> None:
    live = FakeDoor()
    live.black_hole_for = WANG
    carrier = Carrier(world.ctx, (live,))
    await say(world, WANG)
    await carrier.launch()
    other = await say(world, LI)
    while await carrier.launch():
        await asyncio.sleep(0)
    assert other.id in live.ids
    await carrier.drain()  # the black hole ends at the carrier's own limit
    outcomes = {
        line.address: line.deliveries[0].code for line in await ledger.of_incident(INCIDENT)
    }
    assert outcomes == {WANG: "timeout", LI: "ok"}


async def test_a_door_that_raises_is_tried_again(world: World) -> None:
    live = FakeDoor()
    carrier = Carrier(world.ctx, (live,))

    live.fault = RuntimeError("a bug in a door")
    await say(world)
    await idle(carrier)
    live.fault = None
    world.clock.forward(seconds=3)
    await idle(carrier)
    assert [each.outcome for each in (await ledger.of_incident(INCIDENT))[0].deliveries] == [
        "retry",
        "sent",
    ]


async def test_an_emergency_overtakes_what_waits(world: World) -> None:
    live = FakeDoor()
    carrier = Carrier(world.ctx, (live,))
    for n in range(120):
        await say(world, f"staff:{n}", urgency=Urgency.NORMAL)
    urgent = await say(world)
    await carrier.step()
    assert urgent.id in live.ids


async def test_the_same_receipt_twice_counts_once(world: World) -> None:
    heard: list[UUID] = []

    async def on_receipt(_: str, message_id: UUID, *_rest: Any) -> None:
        heard.append(message_id)

    message = await say(world)
    for _ in range(2):
        accepted = await service.take_receipts(
            WANG,
            [(message.id, ReceiptKind.SEEN, world.clock.now())],
            door="live",
            now=world.clock.now(),
            on_receipt=on_receipt,
        )
        assert accepted == [message.id]
    assert heard == [message.id]
    assert len((await ledger.of_incident(INCIDENT))[0].receipts) == 1


async def test_nobody_answers_for_somebody_elses_message(world: World) -> None:
    live = FakeDoor()
    message = await say(world)
    now = world.clock.now()
    accepted = await service.take_receipts(
        LI, [(message.id, ReceiptKind.ACTED, now)], door="live", now=now
    )
    assert accepted == []
    await idle(Carrier(world.ctx, (live,)))
    assert live.ids == [message.id]
    assert (await ledger.of_incident(INCIDENT))[0].receipts == []


async def test_a_browser_that_is_gone_is_forgotten_and_others_get_it(world: World) -> None:
    browsers = FakeDoor("webpush", Reach.INTERNET)
    browsers.result = Result(Outcome.FORGET_DEVICE, None, "410")
    carrier = Carrier(world.ctx, (browsers,))
    await browser_of(world, WANG)
    await say(world)
    await idle(carrier)
    await say(world)
    await idle(carrier)
    assert len(browsers.sent) == 1


async def test_an_exercise_never_reaches_a_browser(world: World) -> None:
    live, browsers = FakeDoor(), FakeDoor("webpush", Reach.INTERNET)
    carrier = Carrier(world.ctx, (live, browsers))
    await browser_of(world, WANG)
    for handling in (Handling.EXERCISE, Handling.TEST):
        await say(world, handling=handling)
    for _ in range(30):
        await idle(carrier)
        world.clock.forward(seconds=1)
    assert len(live.sent) == 2
    assert browsers.sent == []


async def test_a_demonstration_has_no_door_to_the_internet(
    database_server: Any, tmp_path: Any
) -> None:
    async with made_world(database_server, tmp_path, {"JIEAN_DEMO_EXERCISE": "true"}) as world:
        assert [door.name for door in doors(world.ctx)] == ["live"]


async def test_the_key_is_made_once_and_kept_for_its_owner_only(world: World) -> None:
    first = vapid_key(world.settings, world.ctx.data)
    assert vapid_key(world.settings, world.ctx.data).public == first.public
    assert (world.ctx.data / "vapid.key").stat().st_mode & 0o077 == 0


async def test_a_browser_gets_the_message_encrypted_over_real_http(world: World) -> None:
    key = VapidKey.generate()
    async with push_service(key.public) as provider, _web_push(key) as door:
        await browser_of(world, WANG, provider)
        message = await say(world)
        await idle(Carrier(world.ctx, (world.ctx.live, door)))
        assert [shown["id"] for shown in provider.shown] == [str(message.id)]
        provider.answers(410)
        await say(world)
        await idle(Carrier(world.ctx, (world.ctx.live, door)))
    assert await world.operations.fetch_value("SELECT gone_at FROM subscription") is not None


async def test_a_committed_message_wakes_the_running_carrier(world: World) -> None:
    live, stop = FakeDoor(), asyncio.Event()
    carrier = Carrier(world.ctx, (live,))
    await world.ctx.operations_listener.start()
    running = asyncio.create_task(carrier.run(stop))
    try:
        message = await say(world)
        await asyncio.wait_for(live.arrived.wait(), 10)
        assert live.ids == [message.id]
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)
        await world.ctx.operations_listener.stop()


async def receive(world: World, message: Message, kind: ReceiptKind) -> None:
    now = world.clock.now()
    await service.take_receipts(WANG, [(message.id, kind, now)], door="live", now=now)


def _into(told: list[Unreached]) -> Any:
    async def on_unreached(unreached: Unreached) -> None:
        told.append(unreached)

    return on_unreached


@asynccontextmanager
async def _web_push(key: VapidKey) -> AsyncIterator[WebPush]:
    door = WebPush(key, "mailto:duty@example.invalid", reach=Reach.LOOPBACK)
    try:
        yield door
    finally:
        await door.aclose()
