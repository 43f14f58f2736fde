"""The detectors' broker: the configured one, else mosquitto of this machine, else iotcore.

mosquitto keeps what it accepted over a kill -9 of ours and, but for its last second, of its own
(``autosave_interval 1``, acknowledged messages only leave it after our commit). iotcore keeps
nothing over its own restart: good for a trial, and said so at start.
"""

import asyncio
import logging
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

from backend.settings import Mqtt
from backend.shared import place, tasks
from backend.shared.postgres import ended

log = logging.getLogger("jiean.broker")

START_LIMIT_S = 10.0
STOP_LIMIT_S = 2.0
IOTCORE = """id = 0
[router]
id = 0
max_connections = 2000
max_outgoing_packet_count = 500
max_segment_size = 10485760
max_segment_count = 20
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {largest}
max_inflight_count = 500
dynamic_filters = true
"""
MOSQUITTO = """# written at each start by jiean serve
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 1
persistent_client_expiration 14d
max_inflight_messages 500
max_queued_messages 1000000
message_size_limit {largest}
log_dest stderr
log_type warning
log_type error
log_type notice
"""


class BrokerFailed(Exception):
    """The broker did not start; the sentence says why."""


class Broker:
    """One broker for this service. ``launch`` → ``ready`` → (``watch``) → ``stop``.

    Args:
        settings: ``url`` set = nothing is started, only ``url`` is told.
        data: the data folder.
        mosquitto: the program to use; None looks for one.
    """

    def __init__(self, settings: Mqtt, data: Path, *, mosquitto: Path | None = None) -> None:
        self._settings, self._data = settings, data.absolute()
        self._mosquitto = mosquitto or found_mosquitto()
        self._child: place.Child | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def url(self) -> str:
        """Where clients connect."""
        return self._settings.url or f"mqtt://127.0.0.1:{self._settings.port}"

    @property
    def kind(self) -> str:
        """``configured``, ``mosquitto`` or ``iotcore``."""
        if self._settings.url:
            return "configured"
        return "mosquitto" if self._mosquitto else "iotcore"

    def launch(self) -> None:
        """Start it without waiting.

        Raises:
            BrokerFailed: its port is taken.
        """
        if self.kind == "configured":
            return
        if _answers(self._settings.port):
            raise BrokerFailed(
                f"端口已被占用 Port {self._settings.port} is taken: "
                "set JIEAN_MQTT_PORT, or JIEAN_MQTT_URL to use the broker that is there"
            )
        self._start()

    def _start(self) -> None:
        port, largest = self._settings.port, self._settings.message_max_bytes
        argv: list[str | Path]
        if self._mosquitto:
            folder = place.home(self._data / "broker")
            config = folder / "mosquitto.conf"
            text = MOSQUITTO.format(port=port, folder=folder, largest=largest)
            argv = [self._mosquitto, "-c", config]
        else:
            folder = self._data / "broker"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            config = folder / "iotcore.toml"
            text = IOTCORE.format(port=port, largest=largest)
            # as ourselves: the interpreter may lie where nobody cannot go
            argv = [sys.executable, "-P", "-m", "iotcore", "--config", config]
        config.write_text(text)
        config.chmod(0o644)
        path = self._data / "broker.log"
        with path.open("wb") as sink:
            self._child = place.start(argv, sink, signal.SIGTERM, as_us=self._mosquitto is None)

    async def ready(self) -> None:
        """Wait until it takes connections; a configured one is not waited for.

        Raises:
            BrokerFailed: it ended or does not answer within 10 s.
        """
        if self._child is None:
            return
        deadline = time.monotonic() + START_LIMIT_S
        while not _answers(self._settings.port):
            if self._child.poll() is not None or time.monotonic() > deadline:
                said = (self._data / "broker.log").read_text(errors="replace").strip()
                raise BrokerFailed(f"{self.kind} did not start: {said[-500:]}")
            await asyncio.sleep(0.02)

    def watch(self) -> None:
        """From now on, start it again whenever it ends by itself."""
        if self._child is not None:
            self._watcher = tasks.spawn(self._keep(), name="broker supervisor")

    async def _keep(self) -> None:
        pause = 0.1
        while True:
            assert self._child is not None
            began = time.monotonic()
            await ended(self._child)
            if self._stopping:
                return
            log.warning("%s ended with %s; starting it again", self.kind, self._child.returncode)
            pause = 0.1 if time.monotonic() - began > 5 else min(pause * 2, 5.0)
            await asyncio.sleep(pause)
            self._start()

    async def stop(self) -> None:
        """Stop it; wait until it is gone."""
        self._stopping = True
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                await asyncio.wait_for(ended(child), STOP_LIMIT_S)
            except TimeoutError:
                child.kill()
                await ended(child)
        await tasks.stop(self._watcher)


def found_mosquitto() -> Path | None:
    """The mosquitto of this machine; Debian has it outside an ordinary user's PATH."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
