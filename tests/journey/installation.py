"""A ``jiean serve`` of its own for tests that kill it, and people who try again until answered."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from backend import settings
from backend.access import accounts
from backend.demo import seed
from backend.demo.child import Serve, free_port
from backend.demo.wire import Away, Wire
from backend.shared.ids import uuid7
from tests.journey.street import OFFICES, PASSWORD, PEOPLE, furnish

TIMERS = {
    # nobody is too slow while the server is down
    "JIEAN_TIMERS_OFFER_FIRST_S": "170",
    "JIEAN_TIMERS_OFFER_NEXT_S": "170",
    "JIEAN_SENSING_SMOKE_CLEAR_S": "1",
    "JIEAN_DEMO_EXERCISE": "true",
}
Found = TypeVar("Found")
PATIENCE_S = 30.0
SOFT = (Away, httpx.HTTPError, TimeoutError)
"""What a client meets while the server is down."""


async def patiently(ask: Callable[[], Awaitable[Found | None]]) -> Found:
    """Ask until there is something, through any number of restarts."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                found = await ask()
            except SOFT:
                found = None
            if found:
                return found
            await asyncio.sleep(0.05)


class Hand:
    """Somebody at an app: each tap has its id once and is sent until it is answered."""

    def __init__(self, base: str, login: str) -> None:
        self.wire, self.login = Wire(base, login), login
        self.sent: list[str] = []

    async def open(self) -> None:
        await self.wire.sign_in(self.login, PASSWORD, f"device-{self.login}")

    async def ask(self, path: str) -> Any:
        """Read once; raises one of ``SOFT`` while the server is down."""
        return await self.wire.call("GET", path)

    async def post(self, method: str, path: str, body: Any) -> None:
        async def once() -> bool:
            await self.wire.call(method, path, body)
            return True

        await patiently(once)

    async def does(self, incident: str, name: str, **arguments: Any) -> None:
        """One command, accepted once."""
        command_id = str(uuid7())
        envelope = {
            "commandId": command_id,
            "incidentId": incident,
            "occurredAt": datetime.now(UTC).isoformat(),
            "command": {"name": name, **arguments},
        }
        body = {"commands": [envelope]}
        said = await patiently(lambda: self.wire.call("POST", "/api/commands", body))
        [answer] = said["answers"]
        assert answer["outcome"] == "accepted", (name, answer)
        self.sent.append(command_id)

    async def keeps(self, raw: bytes, sha256: str) -> None:
        """A photograph."""

        async def once() -> bytes:
            path = f"/api/evidence/{sha256}"
            return await self.wire.raw("PUT", path, raw, "image/jpeg")

        await patiently(once)


class Installation:
    """The place, its people, and the server that is killed now and then."""

    def __init__(self, folder: Path, serve: Serve) -> None:
        self.folder, self.serve = folder, serve
        self.kills = 0
        self.desk = Hand(serve.base, "desk")
        self.phones = [Hand(serve.base, f"f{person.int}") for person, _ in PEOPLE.values()]
        self.community = Hand(serve.base, "community")

    @property
    def hands(self) -> list[Hand]:
        return [self.desk, self.community, *self.phones]

    async def opens(self) -> None:
        """Everybody signs in; the field goes on duty where they stand."""
        for hand in self.hands:
            await hand.open()
        for phone, (_, lat) in zip(self.phones, PEOPLE.values(), strict=True):
            spot = {"lat": lat, "lon": 120.63, "accuracyM": 8, "at": datetime.now(UTC).isoformat()}
            duty = {"on": True, "deviceId": f"device-{phone.login}", "position": spot}
            await phone.post("POST", "/api/field/duty", duty)

    async def killed(self) -> None:
        """kill -9, then the same command again on the same folder."""
        await self.dies()
        await self.serve.start()

    async def dies(self) -> None:
        """kill -9, and nobody starts it again yet."""
        pid = self.serve.pid
        os.kill(pid, signal.SIGKILL)
        while self.serve.running:
            await asyncio.sleep(0.01)
        self.kills += 1

    async def says(self, payload: bytes, device: str = "smoke") -> None:
        """A detector's message, published until the broker has accepted it."""
        await patiently(lambda: asyncio.to_thread(self._publish, [payload], device))

    async def says_all(self, payloads: list[bytes], device: str) -> None:
        await asyncio.to_thread(self._publish, payloads, device)

    def _publish(self, payloads: list[bytes], device: str) -> bool:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        try:
            client.connect("127.0.0.1", int(self.serve.mqtt_url.rpartition(":")[2]))
        except OSError:
            return False
        client.loop_start()
        try:
            sent = [client.publish(f"zigbee2mqtt/{device}", raw, qos=1) for raw in payloads]
            for one in sent:
                one.wait_for_publish(5)
            return all(one.is_published() for one in sent)
        except (RuntimeError, ValueError):
            return False
        finally:
            client.disconnect()
            client.loop_stop()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The stopped installation's databases, to count in."""
        await self.serve.stop()
        async with seed.databases(settings.load(self._environment)):
            yield

    @property
    def _environment(self) -> Mapping[str, str]:
        return self.serve.environment


@asynccontextmanager
async def installed(more: Mapping[str, str] | None = None) -> AsyncIterator[Installation]:
    """A furnished installation, running."""
    # not tmp_path: PostgreSQL may run as nobody and must pass through
    folder = Path(tempfile.mkdtemp(prefix="jiean-kill-"))
    os.chmod(folder, 0o711)  # noqa: PTH101
    data = folder / "data"
    serve = Serve(
        data, port=free_port(), mqtt_port=free_port(), settings={**TIMERS, **(more or {})}
    )
    made = Installation(data, serve)
    if more and "JIEAN_MQTT_URL" in more:
        serve.mqtt_url = more["JIEAN_MQTT_URL"]
    try:
        async with seed.databases(settings.load(made._environment)):
            await furnished()
        await serve.start()
        await made.opens()
        yield made
    finally:
        for hand in made.hands:
            await hand.wire.close()
        await serve.stop()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def furnished() -> None:
    """The street and an account for everybody who acts."""
    now = datetime.now(UTC)
    await furnish(now)
    people: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
        ("desk", ("desk",), {}),
        ("community", ("office",), {"office_id": OFFICES["community"]}),
        *((f"f{who.int}", ("field",), {"staff_id": who}) for who, _ in PEOPLE.values()),
    ]
    for login, roles, more in people:
        await accounts.create(
            login=login, name=login, password=PASSWORD, roles=roles, actor="t", at=now, **more
        )


__all__ = ["Hand", "Installation", "installed", "patiently"]
