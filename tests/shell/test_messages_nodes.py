"""Two nodes on one database: a message reaches an open screen whichever of them claimed it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from backend.messages import ledger, service
from backend.messages.carrier import Carrier
from backend.messages.presence import Presence
from backend.shared.context import Context
from push.live import LiveSockets
from push.message import Message
from push.port import Reach
from tests.plugin.world import World
from tests.shell.test_messages_carrier import INCIDENT, WANG, FakeDoor, browser_of, idle, say


class Node:
    """One more process of the platform, as far as screens and messages go."""

    def __init__(self, world: World) -> None:
        self.context = Context(
            settings=world.settings,
            clock=world.clock,
            live=LiveSockets(),
            operations_listener=world.ctx.operations_listener,
            telemetry_listener=world.ctx.telemetry_listener,
            mqtt_url="",
        )
        self.browsers = FakeDoor("webpush", Reach.INTERNET)
        self.carrier = Carrier(self.context, (self.context.live, self.browsers))
        self.presence: Presence = self.carrier._presence
        self.shown: asyncio.Queue[str] = asyncio.Queue()

    @asynccontextmanager
    async def screen(self, address: str) -> AsyncIterator[None]:
        async with self.context.live.connected(address, self.shown.put, _closed):
            await self.presence.tell()
            yield

    async def next_shown(self) -> str:
        frame = await asyncio.wait_for(self.shown.get(), 20)
        return str(msgspec.json.decode(frame)["message"]["id"])


async def _closed() -> None:
    """A screen of these tests has nothing to close."""


@pytest.fixture
def nodes(world: World) -> tuple[Node, Node]:
    return Node(world), Node(world)


async def codes(message: Message) -> list[tuple[str, str | None, str]]:
    line = (await ledger.of_messages([message.id]))[0]
    return [(each.door, each.outcome, each.code) for each in line.deliveries]


async def test_a_message_claimed_at_one_node_is_shown_on_a_screen_at_another(
    world: World, nodes: tuple[Node, Node]
) -> None:
    here, there = nodes
    await here.presence.tell()
    async with there.screen(WANG):
        message = await say(world)
        await idle(here.carrier)
        assert await there.presence.show() == 1
        assert await there.next_shown() == str(message.id)
        assert await codes(message) == [("live", "sent", "passed-on")]


async def test_somebody_with_a_screen_at_each_node_gets_it_on_both(
    world: World, nodes: tuple[Node, Node]
) -> None:
    here, there = nodes
    async with here.screen(WANG), there.screen(WANG):
        message = await say(world)
        await idle(here.carrier)
        await there.presence.show()
        assert await here.next_shown() == await there.next_shown() == str(message.id)


async def test_a_screen_that_closed_on_the_way_lets_the_ladder_climb_at_once(
    world: World, nodes: tuple[Node, Node]
) -> None:
    here, there = nodes
    await browser_of(world, WANG)
    await here.presence.tell()
    async with there.screen(WANG):
        message = await say(world)
        await idle(here.carrier)
    await there.presence.show()
    await idle(here.carrier)
    assert here.browsers.ids == [message.id]
    assert (await codes(message))[0] == ("live", "retry", "not-connected")


async def test_a_node_that_died_holds_no_screen_any_more(
    world: World, nodes: tuple[Node, Node]
) -> None:
    here, there = nodes
    await browser_of(world, WANG)
    async with there.screen(WANG):
        world.clock.forward(seconds=31)
        await here.presence.tell()
        message = await say(world)
        await idle(here.carrier)
    assert here.browsers.ids == [message.id]


async def test_a_screen_that_was_closed_and_told_is_not_asked_for(
    world: World, nodes: tuple[Node, Node]
) -> None:
    here, there = nodes
    await here.presence.tell()
    async with there.screen(WANG):
        pass
    await there.presence.tell()
    message = await say(world)
    await idle(here.carrier)
    assert await codes(message) == [("live", "retry", "not-connected")]
    assert await there.presence.show() == 0


async def test_what_ended_on_the_way_is_not_shown_any_more(
    world: World, nodes: tuple[Node, Node]
) -> None:
    here, there = nodes
    await here.presence.tell()
    async with there.screen(WANG):
        message = await say(world)
        await idle(here.carrier)
        await service.withdraw(ids=[message.id])
        assert await there.presence.show() == 0
        assert there.shown.empty()


async def test_running_nodes_pass_a_message_on_by_themselves(
    world: World, nodes: tuple[Node, Node]
) -> None:
    here, there = nodes
    stop = asyncio.Event()
    await world.ctx.operations_listener.start()
    running = [asyncio.create_task(there.carrier._presence.run(stop))]
    try:
        async with there.context.live.connected(WANG, there.shown.put, _closed):
            while not await world.operations.fetch_value("SELECT true FROM live_screen"):
                await asyncio.sleep(0)
            running.append(asyncio.create_task(here.carrier.run(stop)))
            message = await say(world)
            assert await there.next_shown() == str(message.id)
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*running), 20)
        await world.ctx.operations_listener.stop()
    assert (await ledger.of_incident(INCIDENT))[0].message_id == message.id
    assert await world.operations.fetch_value("SELECT count(*) FROM live_node") == 0
