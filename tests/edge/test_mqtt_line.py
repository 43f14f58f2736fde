"""Whichever client speaks to the broker, it does the same: one contract, both lines."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from backend.demo.child import free_port
from backend.sensing.deliveries import Arrived
from backend.sensing.mqtt_line import MqttLine, NativeLine, Wishes
from backend.sensing.mqtt_paho import PahoLine
from backend.settings import Mqtt
from backend.shared.broker import Broker

SOON_S = 30.0


@pytest.fixture
async def broker(mosquitto_path: Path) -> AsyncIterator[Broker]:
    with tempfile.TemporaryDirectory(prefix="jiean-test-") as name:
        await asyncio.to_thread(Path(name).chmod, 0o711)
        made = Broker(Mqtt(port=free_port()), Path(name), mosquitto=mosquitto_path)
        made.launch()
        await made.ready()
        yield made
        await made.stop()


@pytest.fixture(params=[NativeLine, PahoLine])
def kind(request: pytest.FixtureRequest) -> type[Any]:
    made: type[Any] = request.param
    return made


class Heard:
    """What a line gave, and a way to wait for it."""

    def __init__(self) -> None:
        self.messages: list[Arrived] = []
        self._more = asyncio.Event()

    def take(self, messages: list[Arrived]) -> None:
        self.messages += messages
        self._more.set()

    async def all(self, count: int) -> list[Arrived]:
        async with asyncio.timeout(SOON_S):
            while len(self.messages) < count:
                self._more.clear()
                await self._more.wait()
        return self.messages


@asynccontextmanager
async def opened(
    kind: type[Any], broker: Broker, heard: Heard, receive_max: int = 100, **asked: Any
) -> AsyncIterator[MqttLine]:
    mqtt = msgspec.structs.replace(Mqtt(client_id="contract", topics=("t/#",)), **asked)
    line: MqttLine = kind(
        Wishes(mqtt, broker.url, receive_max), heard.take, lambda: datetime.now(UTC)
    )
    line.open(mqtt.topics)
    try:
        await until(lambda: line.connected)
        yield line
    finally:
        await line.close()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(SOON_S):
        while not true():
            await asyncio.sleep(0.005)


def say(broker: Broker, *said: tuple[str, bytes], retain: bool = False) -> None:
    """Publish, and return once the broker has accepted all of it."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", int(broker.url.rpartition(":")[2]))
    client.loop_start()
    for topic, payload in said:
        client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(SOON_S)
    client.disconnect()
    client.loop_stop()


async def test_what_is_not_acknowledged_comes_again_and_what_is_does_not(
    kind: type[Any], broker: Broker
) -> None:
    first, second = Heard(), Heard()
    async with opened(kind, broker, first, receive_max=6) as line:
        await asyncio.to_thread(say, broker, *[("t/1", b"%d" % n) for n in range(10)])
        arrived = list(await first.all(6))
        assert [m.payload for m in arrived] == [b"%d" % n for n in range(6)]
        assert not any(m.dup or m.retained for m in arrived)
        line.acknowledge(arrived[:4])
        await first.all(10)  # so it has heard all four
    async with opened(kind, broker, second):
        again = await second.all(6)
    assert [(m.payload, m.dup) for m in again] == [(b"%d" % n, True) for n in range(4, 10)]


async def test_the_broker_sends_no_more_ahead_than_was_asked(
    kind: type[Any], broker: Broker
) -> None:
    heard = Heard()
    async with opened(kind, broker, heard, receive_max=10) as line:
        await asyncio.to_thread(say, broker, *[("t/1", b"%d" % n) for n in range(25)])
        assert len(await heard.all(10)) == 10
        line.acknowledge(heard.messages[:5])
        await heard.all(15)
        line.acknowledge(heard.messages[5:])
        await heard.all(25)
    assert [m.payload for m in heard.messages] == [b"%d" % n for n in range(25)]


async def test_what_was_said_while_the_line_was_away_is_heard(
    kind: type[Any], broker: Broker
) -> None:
    heard = Heard()
    async with opened(kind, broker, heard):
        pass
    await asyncio.to_thread(say, broker, ("t/1", b"meanwhile"))
    async with opened(kind, broker, heard):
        assert [m.payload for m in await heard.all(1)] == [b"meanwhile"]


async def test_a_kept_message_is_marked_and_comes_with_a_new_subscription_only(
    kind: type[Any], broker: Broker
) -> None:
    await asyncio.to_thread(say, broker, ("t/kept", b"old"), retain=True)
    heard = Heard()
    async with opened(kind, broker, heard) as line:
        assert [m.retained for m in await heard.all(1)] == [True]
        line.acknowledge(heard.messages)
    async with opened(kind, broker, heard):
        await asyncio.to_thread(say, broker, ("t/1", b"new"))
        await heard.all(2)
    assert [m.payload for m in heard.messages] == [b"old", b"new"]
    assert not heard.messages[1].retained


async def test_a_long_message_is_cut_at_our_limit_and_those_behind_it_are_whole(
    kind: type[Any], broker: Broker
) -> None:
    heard = Heard()
    async with opened(kind, broker, heard, message_max_bytes=1024):
        long = bytes(200_000)
        await asyncio.to_thread(say, broker, ("t/1", long), ("t/2", b"short"), ("t/3", b""))
        await heard.all(3)
    assert [len(m.payload) for m in heard.messages] == [1024, 5, 0]


async def test_subscriptions_may_change_while_the_line_is_open(
    kind: type[Any], broker: Broker
) -> None:
    heard = Heard()
    async with opened(kind, broker, heard) as line:
        line.follow(("t/#", "more/+"))
        await asyncio.to_thread(say, broker, ("more/1", b"kept"), retain=True)
        await heard.all(1)
        line.follow(("more/+",))
        await asyncio.to_thread(say, broker, ("t/1", b"no"), ("more/1", b"yes"))
        await heard.all(2)
    assert [m.payload for m in heard.messages][-1] == b"yes"


async def test_a_broker_that_comes_back_is_found_again_and_told_that_we_are_there(
    kind: type[Any], broker: Broker
) -> None:
    heard, status = Heard(), Heard()
    async with opened(kind, broker, heard) as line:
        await broker.stop()
        await until(lambda: not line.connected)
        broker._stopping = False
        broker.launch()
        await broker.ready()
        await until(lambda: line.connected)
        async with opened(
            NativeLine, broker, status, client_id="watcher", topics=("jiean-status/contract",)
        ):
            assert [m.payload for m in await status.all(1)] == [b"online"]
            await line.close()
            assert [m.payload for m in await status.all(2)] == [b"online", b"offline"]


async def test_a_command_goes_out_at_once_and_is_not_kept(kind: type[Any], broker: Broker) -> None:
    heard = Heard()
    async with opened(kind, broker, heard) as line:
        line.command("t/NCMD/n", b"be born")
        (found,) = await heard.all(1)
    assert (found.topic, found.payload, found.mid, found.retained) == (
        *("t/NCMD/n", b"be born", 0, False),
    )
