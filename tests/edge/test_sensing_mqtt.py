"""Messages through a real broker: none lost, none doubled, whoever dies in between."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from backend import settings
from backend.devices.service import Register
from backend.sensing.lanes import lane_of
from backend.sensing.mqtt import Consumer
from backend.sensing.store import Store
from backend.shared.broker import Broker
from backend.shared.clock import SystemClock
from backend.shared.context import Context
from tests.edge.detectors import count, message, outbox, plant, stored_values
from tests.plugin.world import World

ROOT = Path(__file__).parents[2]
SOON_S = 60.0


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


@pytest.fixture(params=["mosquitto", "iotcore"])
async def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Broker]:
    """Each broker that may be started for the product, on a port of its own."""
    path = request.getfixturevalue("mosquitto_path") if request.param == "mosquitto" else None
    folder = tmp_path_factory.mktemp("broker")
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)
    made = Broker(settings.Mqtt(port=free_port()), folder, mosquitto=path)
    if path is None:
        made._mosquitto = None
    made.launch()
    await made.ready()
    yield made
    await made.stop()


@pytest.fixture
def mosquitto_only(broker: Broker) -> Broker:
    """iotcore sends no duplicate mark and keeps nothing, so it can promise less."""
    if broker.kind != "mosquitto":
        pytest.skip("only mosquitto marks what it sends again")
    return broker


class Detectors:
    """Whoever publishes: waits until the broker has accepted what was sent."""

    def __init__(self, broker: Broker) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.connect("127.0.0.1", int(broker.url.rpartition(":")[2]))
        self.client.loop_start()

    def say(self, payload: object, topic: str = "zigbee2mqtt/d0", *, retain: bool = False) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.client.publish(topic, raw, qos=1, retain=retain).wait_for_publish(SOON_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def sent(broker: Broker) -> Iterator[Detectors]:
    made = Detectors(broker)
    yield made
    made.close()


@asynccontextmanager
async def consuming(
    world: World, broker: Broker, client_id: str = "test"
) -> AsyncIterator[Consumer]:
    """A consumer in this process, connected."""
    old = world.ctx
    mqtt = msgspec.structs.replace(old.settings.mqtt, client_id=client_id)
    context = Context(
        settings=msgspec.structs.replace(old.settings, mqtt=mqtt),
        clock=old.clock,
        live=old.live,
        operations_listener=old.operations_listener,
        telemetry_listener=old.telemetry_listener,
        mqtt_url=broker.url,
    )
    consumer = Consumer(context, Register())
    await consumer.start()
    try:
        await until(lambda: consumer.health().connected)
        yield consumer
    finally:
        await consumer.stop()


async def until(true: Callable[[], Any]) -> None:
    """Wait for something that another thread or process brings about."""
    async with asyncio.timeout(SOON_S):
        while True:
            found = true()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.01)


@contextmanager
def process(
    world: World, broker: Broker, crash_after: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    """A consumer that can be killed."""
    given = {
        "operations": world.server.where.app["operations"],
        "telemetry": world.server.where.app["telemetry"],
        "url": broker.url,
        "data": str(world.settings.data.folder),
        "batch_max": 50,
        "crash_after": crash_after,
    }
    words = [sys.executable, "-m", "tests.edge.consumer_process", json.dumps(given)]
    child = subprocess.Popen(words, cwd=ROOT)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def has(world: World, table: str, rows: int) -> bool:
    return await count(world, table) >= rows


@pytest.mark.broker
async def test_an_alarm_travels_from_the_broker_into_the_outbox(
    world: World, broker: Broker, sent: Detectors
) -> None:
    await plant(world)
    async with consuming(world, broker) as consumer:
        sent.say({"smoke": True})
        await until(lambda: has(world, "alert_outbox", 1))
        await until(lambda: consumer.health().stored == 1)
    assert await outbox(world) == ["raised"]


@pytest.mark.broker
async def test_what_was_said_while_we_were_away_is_heard_when_we_return(
    world: World, broker: Broker, sent: Detectors
) -> None:
    await plant(world)
    async with consuming(world, broker):
        sent.say({"smoke_density": 0})
        await until(lambda: has(world, "reading", 1))
    for n in range(1, 20):
        sent.say({"smoke_density": n})
    async with consuming(world, broker):
        await until(lambda: has(world, "reading", 20))
    assert await stored_values(world, "smoke_density") == list(range(20))


@pytest.mark.broker
@pytest.mark.clause("7.2-a")
@pytest.mark.parametrize("crash_after", [1, 3])
async def test_a_consumer_killed_between_commit_and_acknowledgement_loses_and_doubles_nothing(
    world: World, mosquitto_only: Broker, sent: Detectors, crash_after: int
) -> None:
    await plant(world)
    with process(world, mosquitto_only, crash_after) as first:
        # it must have subscribed before anything is kept for it: a first message proves it
        first_at = SystemClock().now().isoformat()
        await until(lambda: _arrives(world, sent, 1, first_at))
        for n in range(2, 301):
            sent.say({"smoke_density": n})
        await until(lambda: first.poll() is not None)
    with process(world, mosquitto_only):
        await until(lambda: has(world, "reading", 300))
        sent.say({"smoke_density": 301})
        await until(lambda: has(world, "reading", 301))
    values = await stored_values(world, "smoke_density")
    assert values == sorted(set(values))
    assert set(range(1, 302)) <= set(values)


async def _arrives(world: World, sent: Detectors, number: int, at: str) -> bool:
    if not await has(world, "reading", 1):
        sent.say({"smoke_density": number, "last_seen": at})  # with a time it counts once
        await asyncio.sleep(0.05)
    return await has(world, "reading", 1)


@pytest.mark.broker
async def test_a_retained_alarm_heard_again_after_a_restart_raises_nothing(
    world: World, broker: Broker, sent: Detectors
) -> None:
    await plant(world)
    async with consuming(world, broker):
        sent.say({"smoke": True}, retain=True)
        await until(lambda: has(world, "alert_outbox", 1))
    # a new session is sent what the broker keeps, as if it had lost the old one
    async with consuming(world, broker, client_id="again"):
        await until(lambda: has(world, "reading", 2))
        sent.say({"smoke": True})
        await until(lambda: has(world, "reading", 3))
    assert await outbox(world) == ["raised"]


@pytest.mark.broker
async def test_a_database_stopped_in_the_middle_loses_nothing(
    world: World, broker: Broker, sent: Detectors
) -> None:
    await plant(world)
    async with consuming(world, broker) as consumer:
        sent.say({"smoke_density": 0})
        await until(lambda: has(world, "reading", 1))
        await world.server.postgres.stop()
        for n in range(1, 60):
            sent.say({"smoke_density": n})
        sent.say({"smoke": True})
        await until(lambda: consumer.health().failing is not None)
        world.server.postgres.launch()
        await world.server.postgres.ready()
        await until(lambda: has(world, "alert_outbox", 1))
        await until(lambda: consumer.health().failing is None)
    assert await stored_values(world, "smoke_density") == list(range(60))
    assert await outbox(world) == ["raised"]


@pytest.mark.broker
async def test_a_message_that_cannot_be_stored_does_not_stop_those_behind_it(
    world: World, broker: Broker, sent: Detectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plant(world)
    async with consuming(world, broker) as consumer:
        write = consumer.store.write

        async def write_or_choke(messages: Any, *more: Any, **named: Any) -> Any:
            if any(b'"smoke_density": 13' in m.payload for m in messages):
                raise ValueError("a value that no column takes")
            return await write(messages, *more, **named)

        monkeypatch.setattr(consumer.store, "write", write_or_choke)
        for n in (12, 13, 14):
            sent.say({"smoke_density": n})
        await until(lambda: has(world, "reading", 2))
        await until(lambda: has(world, "raw_message", 1))
    assert await stored_values(world, "smoke_density") == [12, 14]
    assert await world.telemetry.fetch_value("SELECT reason FROM raw_message") == "store-failed"


@pytest.mark.broker
async def test_a_broker_that_goes_away_and_comes_back_is_found_again(
    world: World, broker: Broker
) -> None:
    await plant(world)
    async with consuming(world, broker) as consumer:
        await broker.stop()
        await until(lambda: not consumer.health().connected)
        broker.launch()
        await broker.ready()
        await until(lambda: consumer.health().connected)
        speaker = Detectors(broker)
        speaker.say({"smoke": True})
        await until(lambda: has(world, "alert_outbox", 1))
        speaker.close()


@pytest.mark.broker
async def test_an_alarm_that_a_device_repeats_is_heard_though_the_broker_was_killed(
    world: World, broker: Broker
) -> None:
    await plant(world, 2)
    async with consuming(world, broker) as consumer:
        speaker = Detectors(broker)
        speaker.say({"smoke": False}, "zigbee2mqtt/d1")
        await until(lambda: has(world, "reading", 1))
        assert broker._child is not None
        broker._child.kill()
        broker._child.wait()
        speaker.close()
        await until(lambda: not consumer.health().connected)
        broker.launch()
        await broker.ready()
        await until(lambda: consumer.health().connected)
        speaker = Detectors(broker)
        for _ in range(2):  # as it does until somebody comes
            speaker.say({"smoke": True}, "zigbee2mqtt/d1")
        await until(lambda: has(world, "reading", 3))
        speaker.close()
    assert await outbox(world) == ["raised"]


async def test_what_two_lanes_store_is_acknowledged_in_the_order_of_arrival(world: World) -> None:
    acknowledged: list[int] = []
    consumer = Consumer(world.ctx, Register(), [Store.__new__(Store) for _ in range(2)])
    consumer.line.acknowledge = lambda messages: acknowledged.extend(  # type: ignore[method-assign]
        m.mid for m in messages
    )
    said = [message(world, b"{}", f"zigbee2mqtt/d{n}", mid=n) for n in range(1, 21)]
    consumer._take(said)
    first, second = ([m for m in said if lane_of(m.topic, 2) == lane] for lane in (0, 1))
    assert [lane.waiting for lane in consumer.lanes] == [len(first), len(second)]
    assert first[0].mid == 1 or second[0].mid == 1
    late, early = (first, second) if first[0].mid == 1 else (second, first)
    consumer._stored(early)
    assert acknowledged == []
    consumer._stored(late)
    assert acknowledged == list(range(1, 21))
