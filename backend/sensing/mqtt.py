"""The detectors' broker: take messages, store them, and only then say that we have them.

paho's thread stamps the time of arrival and puts the bytes on a queue; everything else happens
on the event loop. A batch closes at once when it holds something that may be an alarm, else
after ``batch_ms``. When the database is away, the batch waits and is tried again; the broker
keeps what it may not send us meanwhile (persistent session, receive maximum), so memory stays
bounded and nothing is lost that the broker had accepted.
"""

import asyncio
import contextlib
import logging
import re
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from backend.sensing.adapters.templates import load
from backend.sensing.deliveries import Arrived
from backend.sensing.rules import RuleBook, defaults
from backend.sensing.store import Register, Store
from backend.shared import tasks
from backend.shared.context import Context

log = logging.getLogger("jiean.mqtt")

MAY_ALARM = re.compile(
    rb'"(?:smoke|gas|water_leak|carbon_monoxide|value)"\s*:\s*true'
    rb'|"quantity"\s*:\s*"(?:gas_value|arc)"|"gas_value"\s*:\s*[1-9]'
)
"""A cheap guess on the bytes: such a message does not wait for its batch to fill."""

STATUS_TOPIC = "jiean-status"
"""Where we say that we are here; our last will says that we are not. Not in our subscriptions."""
MAX_WAITING = 20_000
"""Messages of quality of service 0 kept in memory; the broker holds back the others."""
MAX_PACKET = 16 * 1024 * 1024
"""The broker sends nothing longer; of what is longer than our limit the beginning is kept."""
KEEPALIVE_S = 20
ELAPSE_EVERY_S = 1.0
BACK_OFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""The database is away: the same batch will do later."""
BUSY = (
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)


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


class Consumer:
    """One persistent session with the broker. ``start`` returns at once, broker there or not."""

    def __init__(self, context: Context, register: Register) -> None:
        settings = context.settings
        self._mqtt = settings.mqtt
        self._batch_s = settings.sensing.batch_ms / 1000
        self._batch_max = settings.sensing.batch_max
        self._url = context.mqtt_url
        self._now = context.clock.now
        rules = RuleBook(defaults(smoke_clear_s=settings.sensing.smoke_clear_s))
        path = settings.sensing.templates
        own = load(Path(path)) if path else ()
        client_id = self._mqtt.client_id
        self.store = Store(register, rules, context.clock, client_id, templates=own)
        self._queue: deque[tuple[int, int, Arrived]] = deque()
        self._first = asyncio.Event()
        self._hurry = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._session = 0
        self._connected = False
        self._stored = self._repeats = self._dropped = 0
        self._last_message_at: datetime | None = None
        self._failing: str | None = None

    async def start(self) -> None:
        """Begin to consume; reconnects for ever by itself."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            tasks.spawn(self._consume(), name="mqtt batches"),
            tasks.spawn(self._elapse(), name="sensing timers"),
        ]

    async def stop(self) -> None:
        """Stop. What is not stored stays unacknowledged, and the broker keeps it for us."""
        await tasks.stop(*self._tasks)
        client, self._client = self._client, None
        if client is not None:
            client.publish(self._status_topic, b"offline", qos=1, retain=True)
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    def health(self) -> Health:
        """The present figures."""
        return Health(
            connected=self._connected,
            waiting=len(self._queue),
            stored=self._stored,
            repeats=self._repeats,
            dropped=self._dropped,
            last_message_at=self._last_message_at,
            failing=self._failing,
        )

    # ---- paho's thread -----------------------------------------------------------------------

    @property
    def _status_topic(self) -> str:
        return f"{STATUS_TOPIC}/{self._mqtt.client_id}"

    def _connect(self) -> None:
        """Make the client and start its thread; it connects when it can."""
        where = urlsplit(self._url)
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._mqtt.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=True,
        )
        if where.username:
            client.username_pw_set(unquote(where.username), unquote(where.password or ""))
        if where.scheme == "mqtts":
            client.tls_set()
        client.reconnect_delay_set(min_delay=1, max_delay=10)
        client.will_set(self._status_topic, b"offline", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval = self._mqtt.session_expiry_s
        wishes.ReceiveMaximum = min(2 * self._batch_max, 65_535)
        wishes.MaximumPacketSize = MAX_PACKET
        port = where.port or (8883 if where.scheme == "mqtts" else 1883)
        client.connect_async(
            where.hostname or "127.0.0.1",
            port,
            KEEPALIVE_S,
            clean_start=False,
            properties=wishes,
        )
        client.loop_start()
        self._client = client

    def _on_connect(
        self, client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if code.is_failure:
            log.warning("the broker refuses us: %s", code)
            return
        self._session += 1
        # 1: retained messages come with a new subscription, not with every reconnect
        wish = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        client.subscribe([(topic, wish) for topic in self._mqtt.topics])
        client.publish(self._status_topic, b"online", qos=1, retain=True)

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [code for code in codes if code.is_failure]
        if refused:
            log.error("the broker refuses a subscription: %s", refused)
        self._connected = not refused

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        self._connected = False
        log.info("broker connection ended: %s", code)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        queue, loop = self._queue, self._loop
        if loop is None or (message.qos == 0 and len(queue) >= MAX_WAITING):
            self._dropped += 1
            return
        payload = bytes(message.payload[: self._mqtt.message_max_bytes])
        arrived = Arrived(
            topic=message.topic,
            payload=payload,
            received_at=self._now(),
            retained=bool(message.retain),
            mid=message.mid if message.qos else 0,
            dup=bool(message.dup),
        )
        queue.append((self._session, message.qos, arrived))
        with contextlib.suppress(RuntimeError):  # the loop is closing
            if len(queue) >= self._batch_max or MAY_ALARM.search(payload):
                loop.call_soon_threadsafe(self._urgent)
            elif len(queue) == 1:
                loop.call_soon_threadsafe(self._first.set)

    # ---- the event loop ----------------------------------------------------------------------

    def _urgent(self) -> None:
        self._hurry.set()
        self._first.set()

    async def _consume(self) -> None:
        await self._until_stored(self.store.start)
        self._connect()
        while True:
            if not self._queue:
                await self._first.wait()
            self._first.clear()
            if len(self._queue) < self._batch_max and not self._hurry.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), self._batch_s)
            size = min(len(self._queue), self._batch_max)
            batch = [self._queue.popleft() for _ in range(size)]
            if not self._queue:
                self._hurry.clear()
            if batch:
                await self._store([arrived for _, _, arrived in batch])
                self._acknowledge(batch)

    async def _store(self, messages: list[Arrived]) -> None:
        """Store a batch, however long it takes; never give it up."""

        async def write() -> None:
            try:
                stored = await self.store.write(messages)
            except (*AWAY, *BUSY):
                raise
            except Exception as wrong:
                # whatever it is, it must not stop the messages behind it
                if len(messages) > 1:
                    raise Poisoned from wrong
                log.error("message on %s cannot be stored: %s", messages[0].topic, wrong)
                await self.store.write_poison(messages[0], str(wrong))
                return
            self._stored += stored.readings
            self._repeats += stored.repeats

        try:
            await self._until_stored(write)
        except Poisoned:
            for message in messages:
                await self._store([message])
        self._last_message_at = messages[-1].received_at

    async def _until_stored(self, work: Any) -> None:
        """Try until the database takes it, with growing pauses."""
        tries = 0
        while True:
            try:
                await work()
            except (*AWAY, *BUSY) as away:
                if self._failing is None:
                    log.warning("readings wait, the database is away: %s", away)
                self._failing = f"{type(away).__name__}: {away}"[:200]
                await asyncio.sleep(BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
                tries += 1
            else:
                self._failing = None
                return

    def _acknowledge(self, batch: list[tuple[int, int, Arrived]]) -> None:
        """Tell the broker. Of an ended connection nothing: it sends those again by itself."""
        client, session = self._client, self._session
        if client is None:
            return
        for of, qos, arrived in batch:
            if qos and of == session:
                client.ack(arrived.mid, qos)

    async def _elapse(self) -> None:
        while True:
            await asyncio.sleep(ELAPSE_EVERY_S)
            try:
                await self.store.elapse()
            except (*AWAY, *BUSY) as away:
                log.info("timers wait, the database is away: %s", away)


class Poisoned(Exception):
    """Some message of a batch cannot be stored; each is tried alone."""
