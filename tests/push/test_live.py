import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from push.live import LiveSockets, Socket
from push.message import Handling
from push.port import Door, Outcome, Reach, Receipt, ReceiptKind, Result
from tests.push.contract import DoorContract, Rig
from tests.push.world import NOON, a_message

WANG = "account:wang"


class Screen:
    """The far end of one socket: reads, or has stopped reading, or breaks."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.reads, self.closed, self.got = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.reads.set()
        self.fault: Exception | None = None

    async def write(self, frame: str) -> None:
        await self.reads.wait()
        if self.fault:
            raise self.fault
        self.frames.append(json.loads(frame))
        self.got.set()

    async def close(self) -> None:
        self.closed.set()
        if self.fault:
            raise self.fault

    def shown(self) -> list[dict[str, Any]]:
        return [frame["message"] for frame in self.frames if frame["t"] == "message"]


@pytest.fixture
async def live() -> AsyncIterator[LiveSockets]:
    door = LiveSockets(queue_limit=100)
    yield door
    await door.aclose()


class TestContract(DoorContract):
    @pytest.fixture
    async def rig(self, live: LiveSockets) -> AsyncIterator[Rig]:
        screen = Screen()
        async with live.connected(WANG, screen.write, screen.close):
            yield Rig(live, WANG, ("account:nobody",), screen.shown)


def test_the_door_fits_the_port() -> None:
    door: Door = LiveSockets()
    assert (door.name, door.reach) == ("live", Reach.LOOPBACK)


async def test_somebody_without_an_open_screen_is_left_to_the_next_rung(live: LiveSockets) -> None:
    assert await live.send(WANG, a_message()) == Result(Outcome.RETRY, None, "not-connected")


async def test_all_open_screens_of_a_person_ring_and_nobody_else_s(live: LiveSockets) -> None:
    phone, tablet, other = Screen(), Screen(), Screen()
    async with (
        live.connected(WANG, phone.write, phone.close),
        live.connected(WANG, tablet.write, tablet.close),
        live.connected("account:zhao", other.write, other.close),
    ):
        await live.send(WANG, a_message())
        await phone.got.wait()
        await tablet.got.wait()
    assert (len(phone.frames), len(tablet.frames), len(other.frames)) == (1, 1, 0)


async def test_a_screen_that_stopped_reading_is_dropped_and_the_other_one_still_rings() -> None:
    live = LiveSockets(queue_limit=3)
    stuck, good = Screen(), Screen()
    stuck.reads.clear()
    async with (
        live.connected(WANG, stuck.write, stuck.close) as given_up,
        live.connected(WANG, good.write, good.close) as kept,
    ):
        for n in range(6):
            good.got.clear()
            result = await live.send(WANG, a_message(id=UUID(int=n)))
            await good.got.wait()
            assert result.outcome is Outcome.SENT
        await stuck.closed.wait()
        assert given_up.dropped.is_set()
        assert not kept.dropped.is_set()
        assert [UUID(shown["id"]).int for shown in good.shown()] == list(range(6))
        stuck.reads.set()
        assert stuck.frames == []


async def test_when_the_only_screen_is_too_slow_the_next_rung_is_asked() -> None:
    live = LiveSockets(queue_limit=1)
    stuck = Screen()
    stuck.reads.clear()
    async with live.connected(WANG, stuck.write, stuck.close):
        results = [await live.send(WANG, a_message()) for _ in range(4)]
        codes = [result.provider_code for result in results]
        assert codes[-1] == "not-connected"
        assert "too-slow" in codes
        assert not live.is_connected(WANG)


async def test_a_write_that_never_ends_drops_the_socket() -> None:
    live = LiveSockets(write_timeout_s=0.05)
    stuck = Screen()
    stuck.reads.clear()
    async with live.connected(WANG, stuck.write, stuck.close) as socket:
        await live.send(WANG, a_message())
        async with asyncio.timeout(5):
            await socket.dropped.wait()
            await stuck.closed.wait()
        assert not live.is_connected(WANG)


async def test_a_connection_that_broke_is_dropped_without_a_word_to_the_sender(
    live: LiveSockets,
) -> None:
    broken = Screen()
    broken.fault = RuntimeError("the peer is gone")
    async with live.connected(WANG, broken.write, broken.close) as socket:
        assert (await live.send(WANG, a_message())).outcome is Outcome.SENT
        await socket.dropped.wait()
        await broken.closed.wait()
    assert live.addresses() == frozenset()


async def test_one_person_cannot_open_sockets_without_end() -> None:
    live = LiveSockets(most_per_address=2)
    screens = [Screen() for _ in range(3)]
    sockets: list[Socket] = []
    async with asyncio.TaskGroup() as group:
        over = asyncio.Event()

        async def route(screen: Screen) -> None:
            async with live.connected(WANG, screen.write, screen.close) as socket:
                sockets.append(socket)
                await over.wait()

        for screen in screens:
            group.create_task(route(screen))
        await screens[0].closed.wait()
        assert [socket.dropped.is_set() for socket in sockets] == [True, False, False]
        assert live.publish(WANG, '{"t":"ping"}') == 2
        over.set()


async def test_nothing_is_kept_of_a_screen_that_was_closed(live: LiveSockets) -> None:
    for _ in range(50):
        screen = Screen()
        async with live.connected(WANG, screen.write, screen.close):
            pass
    assert live.addresses() == frozenset()
    assert not live.is_connected(WANG)


async def test_a_receipt_comes_back_with_whose_screen_it_was() -> None:
    heard: list[Receipt] = []

    async def hear(receipt: Receipt) -> None:
        heard.append(receipt)

    live = LiveSockets(hear)
    screen = Screen()
    async with live.connected(WANG, screen.write, screen.close) as socket:
        await socket.receipt(UUID(int=7), ReceiptKind.DELIVERED, NOON)
    assert heard == [
        Receipt(message_id=UUID(int=7), kind=ReceiptKind.DELIVERED, at=NOON, address=WANG)
    ]


async def test_news_and_messages_arrive_in_the_order_in_which_they_were_sent(
    live: LiveSockets,
) -> None:
    screen = Screen()
    async with live.connected(WANG, screen.write, screen.close):
        live.publish(WANG, '{"t":"news","cursor":1}')
        await live.send(WANG, a_message())
        assert live.publish_all('{"t":"news","cursor":2}') == 1
        while len(screen.frames) < 3:
            screen.got.clear()
            await screen.got.wait()
    assert [frame["t"] for frame in screen.frames] == ["news", "message", "news"]


async def test_an_exercise_may_ring_the_screens_of_our_own_people(live: LiveSockets) -> None:
    screen = Screen()
    async with live.connected(WANG, screen.write, screen.close):
        await live.send(WANG, a_message(handling=Handling.EXERCISE))
        await screen.got.wait()
    assert screen.shown()[0]["lockTitle"].startswith("【演练】")


async def test_when_the_server_stops_every_screen_is_closed() -> None:
    live = LiveSockets()
    screen = Screen()
    async with live.connected(WANG, screen.write, screen.close) as socket:
        await live.aclose()
        assert screen.closed.is_set()
        assert socket.dropped.is_set()
        assert not socket.put("{}")
