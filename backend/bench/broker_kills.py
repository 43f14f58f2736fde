"""kill -9 of mosquitto itself: how much of what it had accepted its own saving can lose.

A session of ours is away, so that everything waits in the broker. It is killed at random moments
while messages of quality of service 1 come, started again on the same folder, and what it still has
is compared with what it had answered.
"""

import asyncio
import shutil
import signal
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import msgspec

from backend.bench.ingest import run
from backend.bench.speaker import Asked
from backend.demo.child import ServeFailed, free_port
from backend.sensing.deliveries import Arrived
from backend.sensing.mqtt_line import NativeLine, Wishes
from backend.settings import Mqtt
from backend.shared.broker import found_mosquitto

SETTINGS = {
    "autosave_interval 1 (ours)": "autosave_interval 1",
    "autosave_on_changes": "autosave_interval 1\nautosave_on_changes true",
    "mosquitto's default": "autosave_interval 1800",
}
CONFIG = """listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
{saving}
max_inflight_messages 500
max_queued_messages 1000000
log_type error
"""
SILENT_S = 1.5


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """One way of saving: of how many accepted how many were gone, kill by kill."""

    saving: str
    per_s: float
    accepted: tuple[int, ...]
    lost: tuple[int, ...]


async def measure(*, kills: int, seed: int, per_s: float = 1000.0) -> list[Lost]:
    """Kill so many times under each way of saving.

    Raises:
        ServeFailed: no mosquitto on this machine.
    """
    found = []
    for name, saving in SETTINGS.items():
        chance = Random(seed)  # noqa: S311 - moments, no secret
        rounds = [await _round(saving, chance.uniform(1.2, 3.2), per_s) for _ in range(kills)]
        found.append(
            Lost(
                saving=name, per_s=per_s, accepted=tuple(a for a, _ in rounds),
                lost=tuple(a - kept for a, kept in rounds),
            )
        )  # fmt: skip
        print(found[-1], flush=True)
    return found


async def _round(saving: str, after_s: float, per_s: float) -> tuple[int, int]:
    """Accepted, and still there after the kill."""
    program = found_mosquitto()
    if program is None:
        raise ServeFailed("no mosquitto on this machine")
    folder = Path(tempfile.mkdtemp(prefix="jiean-broker-"))
    try:
        await asyncio.to_thread(folder.chmod, 0o777)
        port = free_port()
        config = folder / "mosquitto.conf"
        config.write_text(CONFIG.format(port=port, folder=folder, saving=saving))
        child = await _start(program, config, port)
        assert await _heard(port) == 0  # the session is there, and away again
        speaking = asyncio.create_task(run(Asked(what="number", port=port, per_s=per_s)))
        await asyncio.sleep(after_s + 1.0)
        child.send_signal(signal.SIGKILL)
        await child.wait()
        accepted = (await speaking).messages
        child = await _start(program, config, port)
        kept = await _heard(port)
        child.terminate()
        await child.wait()
        return accepted, kept
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _start(program: Path, config: Path, port: int) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        program, "-c", config, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return child


async def _heard(port: int) -> int:
    """Open our session, take what waits until nothing more comes, and go."""
    arrived: list[Arrived] = []
    wishes = Wishes(Mqtt(client_id="bench", topics=("jiean/#",)), f"mqtt://127.0.0.1:{port}", 1000)

    def take(messages: list[Arrived]) -> None:
        arrived.extend(messages)
        line.acknowledge(messages)

    line = NativeLine(wishes, take, lambda: datetime.now(UTC))
    line.open(("jiean/#",))
    before = -1
    while before != len(arrived) or not line.connected:
        before = len(arrived)
        await asyncio.sleep(SILENT_S)
    await line.close()
    return len({message.payload for message in arrived})
