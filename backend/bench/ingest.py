"""Readings through a real mosquitto into ``jiean serve``: what one costs, and how soon an alarm.

Everything is real but the detectors: the service as a child, its PostgreSQL, a mosquitto of its
own, 4,000 messages of 200 bytes a second. Beside it paho receives the same messages and does
nothing: the ceiling that 60 % is asked of. Counted is processor time of our own processes (the
service, and those that store for it); broker, PostgreSQL and publisher are told apart.
"""

import asyncio
import importlib
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from backend.bench.figures import percentile
from backend.bench.speaker import Asked, Said, topic
from backend.demo.child import Serve, ServeFailed, free_port
from backend.settings import Mqtt, load
from backend.shared.broker import Broker, found_mosquitto
from backend.shared.db import OPERATIONS, TELEMETRY
from backend.shared.listen import Listener
from backend.shared.visit import visiting

PER_S = 4000.0
FEW, MANY, SOME = 1_000, 200_000, 100_000
ALARMS = 400
"""Buildings with a smoke detector each, so that every alarm is an incident of its own."""
ALARM_GAP_S = 0.25
ALARM_LIMIT_S = 30.0
"""An alarm that is not in the journal by then counts as this late."""
WARM_S = 4.0
DRAIN_LIMIT_S = 120.0
FOLLOW_LIMIT_S = 600.0

PATIENCE = {
    f"JIEAN_TIMERS_{name}_S": "3600"
    for name in ("OFFER_FIRST", "OFFER_NEXT", "NOBODY_LEFT", "DESK_CLAIM")
}
LIMITS = {
    "readings_per_cpu_s": 8_000.0, "ratio": 0.6, "alarm_p99_ms": 150.0, "rss_mb_100k": 400.0,
    "growth_1k_to_200k": 0.2, "chart_p99_ms": 50.0,
}  # fmt: skip
AT_LEAST = frozenset({"readings_per_cpu_s", "ratio"})


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        readings_per_cpu_s: stored, with rules evaluated, per second of our processor time.
        ceiling_per_cpu_s: paho's messages per second of its own, doing nothing.
        ratio: the first of the second.
        alarm_p99_ms: publish → incident in the journal, under the full load.
        rss_mb_100k: of the service once 100,000 detectors have spoken.
        growth_1k_to_200k: how much dearer a reading is with 200,000 detectors than with 1,000.
        chart_p99_ms: one detector's day out of 20 million readings.
    """

    readings_per_cpu_s: float
    ceiling_per_cpu_s: float
    ratio: float
    alarm_p99_ms: float
    rss_mb_100k: float
    growth_1k_to_200k: float
    chart_p99_ms: float


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of the load, from the first reading to the last one stored."""

    readings: int
    seconds: float
    ours_s: float
    postgres_s: float
    broker_s: float
    spoken: Said

    @property
    def per_cpu_s(self) -> float:
        """Readings for a second of our processor time."""
        return self.readings / self.ours_s


async def measure(
    folder: Path, *, seconds: float = 20.0, rows: int = 20_000_000, processes: int = 0,
    client: str = "native", detectors: int = MANY,
) -> Figures:  # fmt: skip
    """Run the measurement.

    Args:
        folder: an empty one.
        seconds: of each measured stretch.
        rows: of the chart's part; 0 leaves it out.
        processes: that store readings; 0: the service itself.
        client: ``native`` or ``paho``.
        detectors: how many speak in the last stretch.

    Raises:
        ServeFailed: the service did not start, or no mosquitto is on this machine.
    """
    settings = {
        "JIEAN_SENSING_PROCESSES": str(processes), "JIEAN_MQTT_CLIENT": client, **PATIENCE,
    }  # fmt: skip
    async with standing(folder, settings) as (broker, watch):
        await register(detectors)
        _say(f"{detectors:,} 个探测器已登记 detectors registered")
        port = int(broker.url.rpartition(":")[2])
        alarms = Alarms(port)
        await run(Asked(what="speak", port=port, per_s=PER_S, seconds=WARM_S))
        async with asyncio.TaskGroup() as both:
            ceiling = both.create_task(run(Asked(what="listen", port=port, seconds=seconds - 2)))
            alarming = both.create_task(alarms.raise_for(seconds))
            few = both.create_task(
                watch.window(Asked(what="speak", port=port, per_s=PER_S, seconds=seconds))
            )
        few_w, said, waits = few.result(), ceiling.result(), alarming.result()
        _tell("1,000 个探测器", few_w)
        per_s = said.messages / said.seconds
        _say(f"paho 空转 doing nothing: {said.per_cpu_s:,.0f} per CPU-s at {per_s:,.0f}/s")
        some = min(SOME, detectors)
        await run(Asked(what="speak", port=port, count=some, detectors=some))
        await watch.drained()
        rss_mb = watch.rss_mb()
        _say(f"{some:,} 个探测器说过话 have spoken: {rss_mb:.0f} MB")
        if detectors > some:
            rest = detectors - some
            await run(Asked(what="speak", port=port, count=rest, detectors=rest, first=some))
            await watch.drained()
        again = Asked(what="speak", port=port, per_s=PER_S, seconds=seconds, detectors=FEW)
        many = Asked(what="speak", port=port, per_s=PER_S, seconds=seconds, detectors=detectors)
        few_again = await watch.window(again)
        many_w = await watch.window(many)
        _tell("1,000 个探测器 alone", few_again)
        _tell(f"{detectors:,} 个探测器", many_w)
        _say(f"{detectors:,}: {watch.rss_mb():.0f} MB; 告警 alarms: {len(waits)}, "
             f"p50 {percentile(waits, 0.5):.0f} ms")  # fmt: skip
    asked = 0.0
    if rows:
        chart = importlib.import_module("backend.bench.chart")
        asked = (await chart.chart_p99_ms(rows=rows, folder=folder))["chart_p99_ms"]
    figures = Figures(
        readings_per_cpu_s=round(few_w.per_cpu_s),
        ceiling_per_cpu_s=round(said.per_cpu_s),
        ratio=round(few_w.per_cpu_s / said.per_cpu_s, 2),
        alarm_p99_ms=round(percentile(waits, 0.99), 1),
        rss_mb_100k=round(rss_mb),
        growth_1k_to_200k=round(few_again.per_cpu_s / many_w.per_cpu_s - 1, 3),
        chart_p99_ms=round(float(asked), 1),
    )
    for name, limit in LIMITS.items():
        value = getattr(figures, name)
        well = value >= limit if name in AT_LEAST else value <= limit
        sign = "≥" if name in AT_LEAST else "≤"
        mark = "达到 met" if well else "未达到 NOT MET"
        if name == "chart_p99_ms" and not rows:
            mark = "未测 left out"
        _say(f"{name}: {value:g} ({sign} {limit:g}) {mark}")
    return figures


class Watch:
    """The processes and the tables of one running service."""

    def __init__(self, serve: Serve, broker: Broker) -> None:
        self.serve, self._broker = serve, broker

    async def stored(self) -> int:
        """Readings in the table, of the bench's load."""
        found: int = await TELEMETRY.fetch_value(
            "SELECT count(*) FROM reading WHERE quantity = 'residual_current'"
        )
        return found

    async def drained(self) -> int:
        """Wait until the last of the load is stored."""
        async with asyncio.timeout(DRAIN_LIMIT_S):
            count, still = await self.stored(), 0
            while still < 6:
                await asyncio.sleep(0.3)
                count, before = await self.stored(), count
                still = still + 1 if count == before else 0
            return count

    async def window(self, asked: Asked) -> Window:
        """One stretch of load with everybody's processor time."""
        stored, used, began = await self.stored(), self._cpu(), time.monotonic()
        spoken = await run(asked)
        readings = await self.drained() - stored
        now = self._cpu()
        return Window(
            readings=readings, seconds=time.monotonic() - began, ours_s=now[0] - used[0],
            postgres_s=now[1] - used[1], broker_s=now[2] - used[2], spoken=spoken,
        )  # fmt: skip

    def rss_mb(self) -> float:
        """Of the service and the processes that store for it."""
        return sum(p.memory_info().rss for p in self._ours()) / 2**20

    def _ours(self) -> list[psutil.Process]:
        serve = psutil.Process(self.serve.pid)
        return [serve, *(p for p in serve.children() if "backend.lane" in words_of(p))]

    def _cpu(self) -> tuple[float, float, float]:
        """Ours, PostgreSQL's, the broker's."""
        ours = self._ours()
        servers = [
            p
            for p in ours[0].children(recursive=True)
            if p not in ours and "postgres" in words_of(p)
        ]
        assert self._broker._child is not None
        return (
            sum(map(_cpu_s, ours)),
            sum(map(_cpu_s, servers)),
            _cpu_s(psutil.Process(self._broker._child.pid)),
        )


class Alarms:
    """Smoke alarms of one building after the other, and how long each takes to the journal."""

    def __init__(self, port: int) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._next = 0

    async def raise_for(self, seconds: float) -> list[float]:
        """Raise one after the other; milliseconds from publish to the journal's notice."""
        listener = Listener(OPERATIONS)
        news = listener.event("news")
        await listener.start()
        waits: list[float] = []
        until = time.monotonic() + seconds
        try:
            await asyncio.sleep(1.0)
            known = await _incidents()
            while time.monotonic() < until and self._next < ALARMS:
                began = time.monotonic()
                self._client.publish(f"jiean/a{self._next:06d}/reading",
                                     b'{"quantity": "smoke", "value": true}', qos=1)  # fmt: skip
                self._next += 1
                while True:
                    await news.wait(1.0)
                    heard = time.monotonic()
                    if (count := await _incidents()) > known or heard - began > ALARM_LIMIT_S:
                        known = count
                        break
                waits.append((heard - began) * 1000)
                await asyncio.sleep(ALARM_GAP_S)
        finally:
            await listener.stop()
            self._client.disconnect()
            self._client.loop_stop()
        return waits


async def _incidents() -> int:
    found: int = await OPERATIONS.fetch_value("SELECT count(*) FROM incident")
    return found


@asynccontextmanager
async def standing(folder: Path, settings: dict[str, str]) -> AsyncIterator[tuple[Broker, Watch]]:
    """A service, its broker beside it, and the engines of this process pointed to its databases."""
    program = found_mosquitto()
    if program is None:
        raise ServeFailed("需要 mosquitto (apt install mosquitto): no mosquitto on this machine")
    async with AsyncExitStack() as stack:
        broker = Broker(Mqtt(port=free_port()), folder / "beside", mosquitto=program)
        (folder / "beside").mkdir(mode=0o711)
        broker.launch()
        stack.push_async_callback(broker.stop)
        await broker.ready()
        data = folder / "data"
        settings = {**settings, "JIEAN_MQTT_URL": broker.url}
        serve = Serve(data, port=free_port(), mqtt_port=free_port(), settings=settings)
        await serve.start()
        stack.push_async_callback(serve.stop)
        await stack.enter_async_context(
            visiting(load({"JIEAN_DATA": str(data)}), OPERATIONS, TELEMETRY)
        )
        yield broker, Watch(serve, broker)


async def register(count: int) -> None:
    """So many detectors of current, and ``ALARMS`` smoke detectors in buildings of their own."""
    await OPERATIONS.execute(
        "INSERT INTO building (id, street, number, storeys, lane_width_m, lat, lon)"
        " SELECT md5('bench building ' || n)::uuid, '测速巷', n::text, 2, 2.4, 31.2 + n * 0.001,"
        " 120.6 FROM generate_series(0, $1::int - 1) n",
        ALARMS,
    )
    insert = (
        "INSERT INTO detector (address, protocol, kind, label, building_id, lat, lon)"
        " SELECT {address}, 'jiean', $2, '', {building}, {lat}, 120.6"
        " FROM generate_series($3::int, $1::int - 1) n"
    )
    address = "'jiean/b' || lpad(n::text, 6, '0')"
    for first in range(0, count, 20_000):
        last = min(count, first + 20_000)
        await OPERATIONS.execute(
            insert.format(address=address, building="NULL", lat="31.3"), last, "electric", first
        )
    await OPERATIONS.execute(
        insert.format(
            address="'jiean/a' || lpad(n::text, 6, '0')",
            building="md5('bench building ' || n)::uuid",
            lat="31.2 + n * 0.001",
        ),
        ALARMS, "smoke", 0,
    )  # fmt: skip
    assert topic(0) == "jiean/b000000/reading"
    async with asyncio.timeout(FOLLOW_LIMIT_S):
        while True:  # until the watch for silence has taken them up
            watched = await TELEMETRY.fetch_value("SELECT count(*) FROM silence_watch")
            if watched >= count + ALARMS:
                return
            await asyncio.sleep(0.5)


async def run(asked: Asked) -> Said:
    """A speaker or listener in a process of its own."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.bench.speaker", msgspec.json.encode(asked).decode(),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    said = await child.stdout.read()
    await child.wait()
    return msgspec.json.decode(said.strip().splitlines()[-1], type=Said)


def _cpu_s(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(used.user + used.system)


def words_of(process: psutil.Process) -> str:
    """Its command line; nothing of one that is ending."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def _tell(what: str, window: Window) -> None:
    per = 1e6 / window.readings
    _say(
        f"{what}: {window.readings:,} stored of {window.spoken.messages:,} sent at"
        f" {window.spoken.messages / window.spoken.seconds:,.0f}/s; per reading ours"
        f" {window.ours_s * per:.0f} µs, PostgreSQL {window.postgres_s * per:.0f} µs, broker"
        f" {window.broker_s * per:.0f} µs, publisher {window.spoken.cpu_s * per:.0f} µs:"
        f" {window.per_cpu_s:,.0f} per CPU-s"
    )


def _say(words: str) -> None:
    print(f"[{datetime.now(UTC):%H:%M:%S}] {words}", flush=True)
