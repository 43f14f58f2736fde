"""The detectors' broker: take messages, store them, and only then say that we have them.

The line (``mqtt_line``) gives messages as they arrive; ``batches`` gathers and stores them, here
or in other processes (``lanes``); what is stored is acknowledged in the order of its arrival.
When the database is away, the batch waits and is tried again; the broker keeps what it may not
send us meanwhile (persistent session, receive maximum), so memory stays bounded and nothing is
lost that the broker had accepted.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from backend.sensing import rulebook
from backend.sensing.adapters.topics import covers
from backend.sensing.batches import AWAY as AWAY
from backend.sensing.batches import BUSY as BUSY
from backend.sensing.batches import Batches, Writer
from backend.sensing.deliveries import Arrived, end_all
from backend.sensing.lanes import lane_of
from backend.sensing.mapping.live import Mappings
from backend.sensing.mqtt_line import MqttLine, NativeLine, Wishes
from backend.sensing.mqtt_paho import PahoLine
from backend.sensing.nodes import Rebirths
from backend.sensing.silence import Door
from backend.sensing.silence_watch import listening
from backend.sensing.store import Register, Store
from backend.shared import tasks
from backend.shared.context import Context

log = logging.getLogger("jiean.mqtt")

MAX_WAITING = 20_000
"""Messages of quality of service 0 kept in memory; the broker holds back the others."""
ELAPSE_EVERY_S = 1.0
EAR_EVERY = 10
"""Every so many turns it is written down that the broker's door is open."""


class Health(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the door stands. ``failing`` is why the present batch cannot be stored, if so.

    ``connected``: the broker has answered our subscriptions; from here on it keeps for us
    whatever detectors say.
    """

    connected: bool
    waiting: int
    stored: int
    repeats: int
    dropped: int
    last_message_at: datetime | None
    failing: str | None


def store_of(context: Context, register: Register, *, lane: int = 0, alone: bool = True) -> Store:
    """The store behind the broker's line: the same in this process and in a lane's.

    Args:
        alone: it stores all that comes by the line, or its lane's part; else only what time
            brings (``elapse``), and keeps nothing in memory.
    """
    settings = context.settings
    return Store(
        register,
        rulebook.live(context),
        context.clock,
        settings.mqtt.client_id,
        mappings=Mappings(context.clock, context.telemetry_listener),
        lane=lane,
        states_kept=settings.sensing.states_kept if alone else 0,
        deliveries_kept=4 * settings.sensing.batch_max,
    )


class Consumer:
    """One persistent session with the broker. ``start`` returns at once, broker there or not.

    Args:
        lanes: who stores, instead of this process.
    """

    def __init__(self, context: Context, register: Register, lanes: Sequence[Writer] = ()) -> None:
        settings = context.settings
        self._client_id, self._now = settings.mqtt.client_id, context.clock.now
        self._topics = settings.mqtt.topics
        self.store = store_of(context, register, alone=not lanes)
        self.lanes = [
            Batches(
                writer,
                batch_s=settings.sensing.batch_ms / 1000,
                batch_max=settings.sensing.batch_max,
                stored=self._stored,
            )
            for writer in lanes or (self.store,)
        ]
        ahead = 2 * settings.sensing.batch_max * len(self.lanes)
        wishes = Wishes(settings.mqtt, context.mqtt_url, ahead)
        kind: Callable[..., MqttLine] = PahoLine if settings.mqtt.client == "paho" else NativeLine
        self.line = kind(wishes, self._take, context.clock.now)
        self._rebirths = Rebirths()
        self._order: deque[Arrived] = deque()
        self._done: set[tuple[int, int]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._dropped = 0

    @property
    def _connected(self) -> bool:
        return self.line.connected

    async def start(self) -> None:
        """Begin to consume; reconnects for ever by itself."""
        self._tasks = [
            tasks.spawn(self._run(), name="mqtt batches"),
            tasks.spawn(self._elapse(), name="sensing timers"),
        ]

    async def stop(self) -> None:
        """Stop. What is not stored stays unacknowledged, and the broker keeps it for us."""
        await tasks.stop(*self._tasks)
        await self.line.close()

    def health(self) -> Health:
        """The present figures."""
        lanes = self.lanes
        heard = [lane.last_message_at for lane in lanes if lane.last_message_at is not None]
        return Health(
            connected=self._connected,
            waiting=sum(lane.waiting for lane in lanes),
            stored=sum(lane.stored for lane in lanes),
            repeats=sum(lane.repeats for lane in lanes),
            dropped=self._dropped,
            last_message_at=max(heard, default=None),
            failing=next((lane.failing for lane in lanes if lane.failing), None),
        )

    async def _run(self) -> None:
        """Take messages only once nobody else stores for this session any more."""
        await self.lanes[0].until_stored(lambda: end_all(self._client_id))
        async with asyncio.TaskGroup() as all_lanes:
            for lane in self.lanes:
                all_lanes.create_task(lane.run())
            for lane in self.lanes:
                await lane.begun.wait()
            await self.lanes[0].until_stored(self.store.mappings.fresh)
            self.line.open(self.wanted())

    def wanted(self) -> tuple[str, ...]:
        """What the settings name and what templates in force want beside it; nothing twice."""
        own, asked = self._topics, self.store.mappings.wanted
        return (*own, *(topic for topic in asked if not any(covers(wide, topic) for wide in own)))

    def _take(self, messages: list[Arrived]) -> None:
        """What the line gives, to the lanes."""
        lanes = self.lanes
        if sum(lane.waiting for lane in lanes) >= MAX_WAITING:
            kept = [message for message in messages if message.mid]
            self._dropped += len(messages) - len(kept)
            messages = kept
        if len(lanes) == 1:
            lanes[0].put(messages)
            return
        self._order.extend(message for message in messages if message.mid)
        parts: list[list[Arrived]] = [[] for _ in lanes]
        for message in messages:
            parts[lane_of(message.topic, len(lanes))].append(message)
        for lane, part in zip(lanes, parts, strict=True):
            if part:
                lane.put(part)

    def _stored(self, batch: Sequence[Arrived]) -> None:
        """Acknowledge a stored batch; MQTT wants the order of arrival over all lanes (4.6)."""
        for topic, payload in self._rebirths.asked(batch):
            self.line.command(topic, payload)
        if len(self.lanes) == 1:
            self.line.acknowledge(batch)
            return
        self._done.update((message.session, message.mid) for message in batch if message.mid)
        ready: list[Arrived] = []
        order, done = self._order, self._done
        while order and (key := (order[0].session, order[0].mid)) in done:
            done.remove(key)
            ready.append(order.popleft())
        self.line.acknowledge(ready)

    async def _elapse(self) -> None:
        for turn in itertools.count():
            await asyncio.sleep(ELAPSE_EVERY_S)
            try:
                await self.store.elapse()
                await self.store.mappings.fresh()
                self.line.follow(self.wanted())
                if self._connected and turn % EAR_EVERY == 0:
                    await listening(Door.BROKER, self._now())
            except (*AWAY, *BUSY) as away:
                log.info("timers wait, the database is away: %s", away)
