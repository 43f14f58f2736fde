"""kill -9 under load, and everything counted: lost, doubled, out of order, alarms missed.

A mosquitto of its own accepts numbered readings and alarms, each once. Meanwhile the service, its
PostgreSQL or one of the processes that store is killed at moments that a seed chooses. At the end
every number that the broker had accepted stands in the table exactly once.
"""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import msgspec
import psutil
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from backend.bench.ingest import ALARMS, PATIENCE, register, run, standing, words_of
from backend.bench.speaker import Asked
from backend.demo.child import Serve
from backend.settings import load
from backend.shared.db import OPERATIONS, TELEMETRY
from backend.shared.visit import visiting

WAIT_S = 120.0
VICTIMS = ("lane", "postgres", "service")


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of everything that the broker had accepted."""

    accepted: int
    lost: int
    doubled: int
    out_of_order: int
    alarms: int
    alarms_missed: int
    alarms_doubled: int
    incidents: int
    killed: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Nothing lost, doubled, missed or out of order."""
        return not (
            self.lost or self.doubled or self.out_of_order or self.alarms_missed
            or self.alarms_doubled
        )  # fmt: skip


async def measure(
    folder: Path, *, kills: int, seed: int, processes: int = 2, per_s: float = 1500.0,
    detectors: int = 40, gap_s: float = 1.5,
) -> Counted:  # fmt: skip
    """Run it.

    Args:
        folder: an empty one.
        kills: how many, of the three victims in turn.
        seed: of the moments.
        gap_s: between two kills, about; the load lasts as long as they do.

    Raises:
        TimeoutError: what was accepted was not stored within a minute and a half.
    """
    chance = Random(seed)  # noqa: S311 - moments, no secret
    settings = {"JIEAN_SENSING_PROCESSES": str(processes), **PATIENCE}
    count = int(per_s * gap_s * (kills + 1))
    async with standing(folder, settings) as (broker, watch):
        await register(detectors)
        port = int(broker.url.rpartition(":")[2])
        speaking = asyncio.create_task(
            run(Asked(what="number", port=port, per_s=per_s, count=count, detectors=detectors))
        )
        alarming = asyncio.create_task(_alarms(port, kills * 4, gap_s / 4, chance))
        killed = []
        await _some_stored()
        for number in range(kills):
            await asyncio.sleep(gap_s * chance.uniform(0.6, 1.4))
            victim = VICTIMS[number % len(VICTIMS)]
            if victim == "lane" and not processes:
                victim = "service"
            killed.append(await _kill(victim, watch.serve, chance))
            if victim == "service":
                await watch.serve.start()
        said, alarms = await speaking, await alarming
        async with AsyncExitStack() as stack:
            # PostgreSQL was killed under our own connections too: new ones, as by anybody else
            await OPERATIONS.stop()
            await TELEMETRY.stop()
            data = load({"JIEAN_DATA": str(watch.serve.folder)})
            await stack.enter_async_context(visiting(data, OPERATIONS, TELEMETRY))
            return await _counted(said.messages, alarms, tuple(killed))


async def _some_stored() -> None:
    """Wait until the load arrives in the table."""
    async with asyncio.timeout(WAIT_S):
        while True:
            if await TELEMETRY.fetch_value("SELECT EXISTS (SELECT FROM reading)"):
                return
            await asyncio.sleep(0.05)


async def _kill(victim: str, serve: Serve, chance: Random) -> str:
    """Kill -9 it; says what and when."""
    if victim == "service":
        await serve.kill()
    else:
        service = psutil.Process(serve.pid)
        word = "backend.lane" if victim == "lane" else "postgres"
        found: list[int] = []
        while not found:  # one that was killed before may not be back yet
            found = sorted(p.pid for p in service.children() if word in words_of(p))
            await asyncio.sleep(0.05)
        os.kill(chance.choice(found), signal.SIGKILL)
    return f"{victim} at {time.time() % 1000:.2f} s"


async def _alarms(port: int, count: int, gap_s: float, chance: Random) -> int:
    """Raise so many, each of another building and each said once, for good."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    count = min(count, ALARMS)
    try:
        for number in range(count):
            await asyncio.sleep(gap_s * chance.uniform(0.2, 1.8))
            sent = client.publish(
                f"jiean/a{number:06d}/reading", b'{"quantity": "smoke", "value": true}', qos=1
            )
            await asyncio.to_thread(sent.wait_for_publish, WAIT_S)
    finally:
        client.disconnect()
        client.loop_stop()
    return count


async def _counted(accepted: int, alarms: int, killed: tuple[str, ...]) -> Counted:
    """Wait until all is there, or nothing more comes, and count."""
    seen, still = -1, 0
    async with asyncio.timeout(WAIT_S):
        while still < 60:
            rows = await TELEMETRY.fetch_value("SELECT count(*) FROM reading")
            incidents = await OPERATIONS.fetch_value("SELECT count(*) FROM incident")
            if rows >= accepted + alarms and incidents >= alarms:
                break
            still = still + 1 if rows + incidents == seen else 0
            seen = rows + incidents
            await asyncio.sleep(0.5)
    numbers = await TELEMETRY.fetch_one(
        "SELECT count(*) AS stored, count(DISTINCT value) AS different FROM reading"
        " WHERE quantity = 'energy'"
    )
    disorder = await TELEMETRY.fetch_value(
        "SELECT count(*) FROM (SELECT value < lag(value) OVER (PARTITION BY detector_id"
        " ORDER BY received_at, value) AS back FROM reading WHERE quantity = 'energy') r WHERE back"
    )
    behind = await TELEMETRY.fetch_value(
        "SELECT count(*) FROM detector_state s WHERE quantity = 'energy' AND value <>"
        " (SELECT max(value) FROM reading r WHERE r.detector_id = s.detector_id)"
    )
    raised = await TELEMETRY.fetch_one(
        "SELECT count(*) AS all, count(DISTINCT detector_id) AS different FROM alert_outbox"
        " WHERE type = 'raised'"
    )
    assert numbers is not None
    assert raised is not None
    return Counted(
        accepted=accepted,
        lost=accepted - numbers["different"],
        doubled=numbers["stored"] - numbers["different"],
        out_of_order=disorder + behind,
        alarms=alarms,
        alarms_missed=alarms - raised["different"],
        alarms_doubled=raised["all"] - raised["different"],
        incidents=await OPERATIONS.fetch_value("SELECT count(*) FROM incident"),
        killed=killed,
    )
