"""The broker beside the service: the configured one, mosquitto, or iotcore; never a stranger's."""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.settings import Mqtt
from backend.shared import broker as module
from backend.shared.broker import Broker, BrokerFailed


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the broker's user may reach (tmp_path is closed)."""
    made = Path(tempfile.mkdtemp(prefix="jiean-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=["iotcore", "mosquitto"])
async def broker(
    request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Broker]:
    """Each of the two that we may start ourselves, running."""
    path = None
    if request.param == "mosquitto":
        path = request.getfixturevalue("mosquitto_path")
    else:
        monkeypatch.setattr(module, "found_mosquitto", lambda: None)
    made = Broker(Mqtt(port=free_port()), folder, mosquitto=path)
    assert made.kind == request.param
    made.launch()
    await made.ready()
    yield made
    await made.stop()


def listening_at(port: int) -> list[str]:
    """Where this machine listens on ``port``, as hexadecimal ``address:port``; Linux only."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        return []
    rows = [line.split() for line in table.read_text().splitlines()]
    return [row[1] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"]


async def greeting(broker: Broker) -> bytes:
    """What it answers to an MQTT 5 CONNECT; tried again while it is away."""
    port = int(broker.url.rpartition(":")[2])
    connect = b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc"
    async with asyncio.timeout(20):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(connect)
                answer = await reader.read(4)
                writer.close()
                if answer:
                    return answer
            except OSError:
                pass
            await asyncio.sleep(0.02)


async def test_it_speaks_mqtt_5_on_loopback_only(broker: Broker) -> None:
    answer = await greeting(broker)
    assert (answer[0], answer[3]) == (0x20, 0), "CONNACK, success"
    port = int(broker.url.rpartition(":")[2])
    assert listening_at(port) in ([f"0100007F:{port:04X}"], [])


async def test_it_comes_back_when_it_was_killed(broker: Broker) -> None:
    broker.watch()
    assert broker._child is not None
    first = broker._child.pid
    os.kill(first, signal.SIGKILL)
    broker._child.wait()
    assert (await greeting(broker))[0] == 0x20
    assert broker._child.pid != first


async def test_a_stop_ends_it(broker: Broker) -> None:
    broker.watch()
    child = broker._child
    assert child is not None
    await broker.stop()
    assert child.poll() is not None


async def test_a_configured_broker_is_used_and_none_is_started(folder: Path) -> None:
    made = Broker(Mqtt(url="mqtt://broker.example:1883"), folder)
    made.launch()
    await made.ready()
    made.watch()
    assert (made.kind, made.url) == ("configured", "mqtt://broker.example:1883")
    assert made._child is None
    await made.stop()


def test_a_strangers_broker_on_our_port_is_never_taken_for_ours(folder: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        made = Broker(Mqtt(port=stranger.getsockname()[1]), folder)
        with pytest.raises(BrokerFailed, match="JIEAN_MQTT_PORT"):
            made.launch()


async def test_a_broker_that_ends_at_once_is_said_with_its_own_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "found_mosquitto", lambda: None)
    monkeypatch.setattr(module, "IOTCORE", "this is no configuration")
    made = Broker(Mqtt(port=free_port()), folder)
    made.launch()
    with pytest.raises(BrokerFailed, match=r"(?s)iotcore did not start: .*TOML"):
        await made.ready()
    await made.stop()
