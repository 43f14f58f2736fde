"""The line to the broker by paho, in paho's own thread. See ``mqtt_line.MqttLine``."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from backend.sensing.deliveries import Arrived
from backend.sensing.mqtt_line import KEEP_ALIVE_S, MAX_PACKET, Take, Wishes

log = logging.getLogger("jiean.mqtt")

WISH = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
"""Retained messages come with a new subscription, not with every reconnect."""


class PahoLine:
    """One persistent session by paho.

    Args:
        take: gets what arrived, in order; called on the event loop.
        now: UTC; called in paho's thread.
    """

    def __init__(self, wishes: Wishes, take: Take, now: Callable[[], datetime]) -> None:
        self._wishes, self._take, self._now = wishes, take, now
        self.connected = False
        self._session = 0
        self._topics: tuple[str, ...] = ()
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[Arrived] = deque()
        self._told = False

    def open(self, topics: Sequence[str]) -> None:
        """See ``MqttLine``."""
        self._topics = tuple(topics)
        self._loop = asyncio.get_running_loop()
        wishes, mqtt = self._wishes, self._wishes.mqtt
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=mqtt.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=True,
        )
        if wishes.user is not None:
            client.username_pw_set(wishes.user, wishes.password)
        if wishes.tls:
            client.tls_set()
        client.reconnect_delay_set(min_delay=1, max_delay=10)
        client.will_set(wishes.status_topic, b"offline", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        asked = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        asked.SessionExpiryInterval = mqtt.session_expiry_s
        asked.ReceiveMaximum = wishes.receive_max
        asked.MaximumPacketSize = MAX_PACKET
        client.connect_async(
            wishes.host, wishes.port, KEEP_ALIVE_S, clean_start=False, properties=asked
        )
        client.loop_start()
        self._client = client

    def follow(self, topics: Sequence[str]) -> None:
        """See ``MqttLine``."""
        before, self._topics = self._topics, tuple(topics)
        if self._client is None or not self.connected:
            return
        if new := [(topic, WISH) for topic in topics if topic not in before]:
            self._client.subscribe(new)
        if old := [topic for topic in before if topic not in topics]:
            self._client.unsubscribe(old)

    def acknowledge(self, messages: Sequence[Arrived]) -> None:
        """See ``MqttLine``."""
        client, session = self._client, self._session
        if client is not None:
            for message in messages:
                if message.mid and message.session == session:
                    client.ack(message.mid, 1)

    def command(self, topic: str, payload: bytes) -> None:
        """See ``MqttLine``."""
        if self._client is not None and self.connected:
            self._client.publish(topic, payload, qos=0)

    async def close(self) -> None:
        """See ``MqttLine``."""
        client, self._client = self._client, None
        if client is not None:
            client.publish(self._wishes.status_topic, b"offline", qos=1, retain=True)
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)
        self.connected = False

    # ---- paho's thread ----

    def _on_connect(
        self, client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if code.is_failure:
            log.warning("the broker refuses us: %s", code)
            return
        self._session += 1
        client.subscribe([(topic, WISH) for topic in self._topics])
        client.publish(self._wishes.status_topic, b"online", qos=1, retain=True)

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [code for code in codes if code.is_failure]
        if refused:
            log.error("the broker refuses a subscription: %s", refused)
        self.connected = not refused

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        self.connected = False
        log.info("broker connection ended: %s", code)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        loop = self._loop
        if loop is None:
            return
        arrived = Arrived(
            topic=message.topic,
            payload=bytes(message.payload[: self._wishes.mqtt.message_max_bytes]),
            received_at=self._now(),
            retained=bool(message.retain),
            mid=message.mid if message.qos else 0,
            dup=bool(message.dup),
            session=self._session,
        )
        self._waiting.append(arrived)
        if not self._told:
            self._told = True
            with contextlib.suppress(RuntimeError):  # the loop is closing
                loop.call_soon_threadsafe(self._hand_over)

    # ---- the event loop ----

    def _hand_over(self) -> None:
        self._told = False  # first: what is put behind what we take now wakes us again
        waiting = self._waiting
        self._take([waiting.popleft() for _ in range(len(waiting))])
