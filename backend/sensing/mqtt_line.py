"""The line to the broker: one persistent session, whichever client speaks it.

``MqttLine`` is the door; ``NativeLine`` speaks MQTT 5 itself on our event loop, at a fifth of
paho's processor time; ``mqtt_paho.PahoLine`` is the other way through the same door
(``JIEAN_MQTT_CLIENT``). Both pass tests/edge/test_mqtt_line.py.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, cast
from urllib.parse import unquote, urlsplit

from backend.sensing import mqtt_packets as packets
from backend.sensing.deliveries import Arrived
from backend.settings import Mqtt
from backend.shared import tasks

log = logging.getLogger("jiean.mqtt")

STATUS_TOPIC = "jiean-status"
"""Where we say that we are here; our last will says that we are not. Not in our subscriptions."""
MAX_PACKET = 16 * 1024 * 1024
"""The broker sends nothing longer; of what is longer than our limit the beginning is kept."""
KEEP_ALIVE_S = 20
CONNECT_LIMIT_S = 10.0
PAUSES_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Between two tries to connect."""
GOODBYE_LIMIT_S = 1.0

Take = Callable[[list[Arrived]], None]


class MqttLine(Protocol):
    """One persistent session. It connects when it can and again whenever it breaks."""

    @property
    def connected(self) -> bool:
        """The broker has answered our subscriptions: from here on it keeps for us."""
        ...

    def open(self, topics: Sequence[str]) -> None:
        """Begin; returns at once, broker there or not. Called on the event loop."""
        ...

    def follow(self, topics: Sequence[str]) -> None:
        """From now on these subscriptions: the new ones are asked for, the others ended."""
        ...

    def acknowledge(self, messages: Sequence[Arrived]) -> None:
        """Tell the broker that these are stored, in the order of their arrival.

        Those of an ended connection are left out: the broker sends them again by itself.
        """
        ...

    def command(self, topic: str, payload: bytes) -> None:
        """Tell a device something, at quality of service 0; lost while the line is broken."""
        ...

    async def close(self) -> None:
        """Say goodbye. What was not acknowledged stays with the broker."""
        ...


class Wishes:
    """What a line asks of its broker, read from the settings."""

    def __init__(self, mqtt: Mqtt, url: str, receive_max: int) -> None:
        where = urlsplit(url)
        self.mqtt = mqtt
        self.tls = where.scheme == "mqtts"
        self.host = where.hostname or "127.0.0.1"
        self.port = where.port or (8883 if self.tls else 1883)
        self.user = unquote(where.username) if where.username else None
        self.password = unquote(where.password or "") if where.username else None
        self.receive_max = min(receive_max, 65_535)
        self.status_topic = f"{STATUS_TOPIC}/{mqtt.client_id}"


class NativeLine:
    """MQTT 5 on the event loop.

    Args:
        take: gets what arrived, in order; called on the event loop and must not block.
        now: UTC; stamps what came in one read with one time.
    """

    def __init__(self, wishes: Wishes, take: Take, now: Callable[[], datetime]) -> None:
        self.wishes, self.take, self.now = wishes, take, now
        self.connected = False
        self.session = 0
        self.topics: tuple[str, ...] = ()
        self.talk: _Talk | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def open(self, topics: Sequence[str]) -> None:
        """See ``MqttLine``."""
        self.topics = tuple(topics)
        self._task = tasks.spawn(self._keep(), name="broker line")

    def follow(self, topics: Sequence[str]) -> None:
        """See ``MqttLine``."""
        before, self.topics = self.topics, tuple(topics)
        if self.talk is not None and before != self.topics:
            self.talk.subscribe([topic for topic in topics if topic not in before])
            self.talk.unsubscribe([topic for topic in before if topic not in topics])

    def acknowledge(self, messages: Sequence[Arrived]) -> None:
        """See ``MqttLine``."""
        talk, session = self.talk, self.session
        if talk is not None and talk.transport is not None:
            mids = [m.mid for m in messages if m.mid and m.session == session]
            talk.transport.write(packets.pubacks(mids))

    def command(self, topic: str, payload: bytes) -> None:
        """See ``MqttLine``."""
        talk = self.talk
        if talk is not None and talk.transport is not None:
            talk.transport.write(packets.command(topic, payload))

    async def close(self) -> None:
        """See ``MqttLine``."""
        self._closing = True
        talk = self.talk
        if talk is not None:
            talk.leave()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(talk.ended), GOODBYE_LIMIT_S)
            talk.abort()
        if self._task is not None:
            await tasks.stop(self._task)
        self.connected = False

    async def _keep(self) -> None:
        loop, tries = asyncio.get_running_loop(), 0
        while not self._closing:
            talk = _Talk(self)
            try:
                async with asyncio.timeout(CONNECT_LIMIT_S):
                    secured = await asyncio.to_thread(ssl.create_default_context) \
                        if self.wishes.tls else None  # fmt: skip
                    await loop.create_connection(
                        lambda talk=talk: talk,
                        self.wishes.host, self.wishes.port, ssl=secured,
                    )  # fmt: skip
                    await talk.answered
                await talk.ended
                tries = 0 if self.connected else tries
            except (OSError, TimeoutError) as away:
                log.info("broker %s:%d: %s", self.wishes.host, self.wishes.port, away)
                talk.abort()
            finally:
                self.connected, self.talk = False, None
            if not self._closing:
                await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                tries += 1


class _Talk(asyncio.Protocol):
    """One connection, from CONNECT to its end."""

    def __init__(self, line: NativeLine) -> None:
        self._line = line
        self.transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._rest = bytearray()
        self._needed = 0
        self._keep_alive_s = float(KEEP_ALIVE_S)
        self._heard = loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._session = 0
        self._mid = 0

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are no subclass of asyncio's
        self.transport = writing = cast(asyncio.Transport, transport)
        wishes = self._line.wishes
        writing.write(
            packets.connect(
                wishes.mqtt.client_id,
                user=wishes.user,
                password=wishes.password,
                keep_alive_s=KEEP_ALIVE_S,
                session_expiry_s=wishes.mqtt.session_expiry_s,
                receive_max=wishes.receive_max,
                packet_max=MAX_PACKET,
                will=(wishes.status_topic, b"offline"),
            )
        )

    def connection_lost(self, wrong: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for waiting in (self.answered, self.ended):
            if not waiting.done():
                waiting.set_result(None)
        if wrong is not None or self._session:
            log.info("broker connection ended: %s", wrong or "by goodbye")

    def data_received(self, data: bytes) -> None:
        self._heard = asyncio.get_running_loop().time()
        buffer: bytes | bytearray = data
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            buffer, self._rest = self._rest, bytearray()
        try:
            self._read(buffer)
        except packets.Malformed as wrong:
            log.error("what the broker sent is no MQTT 5: %s", wrong)
            if self.transport is not None:
                self.transport.write(packets.BROKEN)
            self.abort()

    # ---- packets ----

    def _read(self, buffer: bytes | bytearray) -> None:
        """All whole packets of ``buffer``; the beginning of the next is kept."""
        at, have = 0, len(buffer)
        arrived: list[Arrived] = []
        now = self._line.now()
        most, session = self._line.wishes.mqtt.message_max_bytes, self._session
        try:
            while True:
                found = packets.frame(buffer, at)
                if found is None or found[2] > have:
                    if at < have:
                        self._rest = bytearray(buffer[at:])
                        self._needed = found[2] - at if found else 0
                    return
                first, body, end = found
                if first >> 4 == packets.PUBLISH:
                    topic, payload, mid = packets.published(buffer, first, body, end, most)
                    arrived.append(
                        Arrived(
                            topic=topic, payload=payload, received_at=now,
                            retained=bool(first & 1), mid=mid, dup=bool(first & 8),
                            session=session,
                        )
                    )  # fmt: skip
                else:
                    self._other(first >> 4, bytes(buffer[body:end]))
                    session = self._session
                at = end
        finally:
            if arrived:
                self._line.take(arrived)

    def _other(self, kind: int, body: bytes) -> None:
        line = self._line
        if kind == packets.CONNACK:
            code, _, keep_alive_s = packets.connack(body)
            if code:
                log.warning("the broker refuses us: reason %#x", code)
                self.abort()
                return
            line.session += 1
            line.talk, self._session = self, line.session
            self._keep_alive_s = float(keep_alive_s or KEEP_ALIVE_S)
            assert self.transport is not None
            self.subscribe(line.topics)
            self.transport.write(
                packets.publish(line.wishes.status_topic, b"online", self._next_mid())
            )
            if not self.answered.done():
                self.answered.set_result(None)
            self._tick()
        elif kind == packets.SUBACK:
            refused = [code for code in packets.suback(body) if code >= 0x80]
            if refused:
                log.error("the broker refuses a subscription: %s", [hex(c) for c in refused])
            line.connected = not refused
        elif kind == packets.DISCONNECT:
            log.info("the broker says goodbye: reason %#x", body[0] if body else 0)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for these; the line counts as connected once the broker agrees."""
        if topics and self.transport is not None:
            self.transport.write(packets.subscribe(self._next_mid(), topics))

    def unsubscribe(self, topics: Sequence[str]) -> None:
        """Want no more of these."""
        if topics and self.transport is not None:
            self.transport.write(packets.unsubscribe(self._next_mid(), topics))

    def _next_mid(self) -> int:
        self._mid = self._mid % 65_535 + 1
        return self._mid

    def _tick(self) -> None:
        """Ping in time; end a connection on which nothing comes back (3.1.2.10)."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._heard > 1.5 * self._keep_alive_s:
            log.warning("the broker has been silent for %.0f s", loop.time() - self._heard)
            self.abort()
            return
        if self.transport is not None:
            self.transport.write(packets.PINGREQ)
        self._timer = loop.call_later(self._keep_alive_s / 2, self._tick)

    # ---- ends ----

    def leave(self) -> None:
        """Say that we go; the broker hangs up. Closing ourselves could cut off its answers, and
        with them what it has not read yet."""
        if self.transport is not None and not self.transport.is_closing():
            status = self._line.wishes.status_topic
            last = packets.publish(status, b"offline", self._next_mid())
            self.transport.write(last + packets.GOODBYE)

    def abort(self) -> None:
        """End at once."""
        if self.transport is not None:
            self.transport.abort()
