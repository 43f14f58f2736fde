"""Publishes the neighbourhood's telemetry over MQTT, and raises and ends alarms on request.

Detectors that report often come round often; one in alarm repeats its alarm until it is ended,
then says that it is normal until it is let go.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from random import Random
from urllib.parse import urlsplit
from uuid import UUID

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from backend.demo import payloads
from backend.demo.town import Detector

REPEAT_S = 2.0
"""Between two messages of a detector that is in alarm or on its way out of it."""
NORMALS = 60
"""Normal messages after an alarm before the detector is an ordinary one again."""


class Telemetry:
    """One publisher for all detectors.

    Args:
        url: ``mqtt://host:port`` of the broker.
        detectors: all of them.
        per_s: background messages per second.
        seed: of the choice which detector raises when only a kind is asked for.
    """

    def __init__(
        self, url: str, detectors: Sequence[Detector], *, per_s: float, seed: int = 1
    ) -> None:
        self._where = urlsplit(url)
        self._random = Random(seed)  # noqa: S311  # which house burns in an exercise
        self._per_s = per_s
        self._by_id = {d.id: d for d in detectors}
        self._queue: deque[Detector] = deque(self._random.sample(list(detectors), len(detectors)))
        self._last: dict[UUID, datetime] = {}
        self._turns: dict[UUID, int] = {}
        self._alarms: set[UUID] = set()
        self._ending: dict[UUID, int] = {}
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="jiean-demo", protocol=mqtt.MQTTv5
        )
        self._client.max_queued_messages_set(20_000)
        self.published = 0

    @property
    def alarms(self) -> frozenset[UUID]:
        """Detectors that are in alarm now."""
        return frozenset(self._alarms)

    def connect(self) -> None:
        """Reach the broker; reconnects by itself afterwards.

        Raises:
            OSError: nothing answers there.
        """
        self._client.connect(self._where.hostname or "127.0.0.1", self._where.port or 1883)
        self._client.loop_start()

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    async def run(self) -> None:
        """Publish until cancelled."""
        await asyncio.gather(self._background(), self._repeat())

    def raise_alarm(self, detector: Detector) -> datetime:
        """Put one detector into alarm; returns the instant of publishing."""
        now = datetime.now(UTC)
        self._alarms.add(detector.id)
        self._ending.pop(detector.id, None)
        self._send(detector, payloads.raising(detector, now, self._last.get(detector.id)), now)
        return now

    def raise_kind(self, kind: str) -> Detector | None:
        """Put some detector of a kind into alarm; None when all of them are."""
        wait_s = payloads.PERSISTENCE_S.get(kind, 0.0)
        now = datetime.now(UTC)
        quiet = [d for d in self._by_id.values() if d.kind == kind and d.id not in self._alarms]
        # One whose last word is old enough can be dated back, so the alarm shows at once.
        ready = [d for d in quiet if self._silent_s(d, now) > wait_s] or quiet
        if not ready:
            return None
        found = self._random.choice(ready)
        self.raise_alarm(found)
        return found

    def end_alarm(self, detector: Detector) -> None:
        """From now on the detector says that all is normal."""
        if detector.id in self._alarms:
            self._alarms.discard(detector.id)
            self._ending[detector.id] = NORMALS
            self._one(detector)

    def _silent_s(self, detector: Detector, now: datetime) -> float:
        last = self._last.get(detector.id)
        return 1e9 if last is None else (now - last).total_seconds()

    async def _background(self) -> None:
        loop = asyncio.get_running_loop()
        due, period_s = loop.time(), 0.02
        owed = 0.0
        while True:
            owed += self._per_s * period_s
            for _ in range(int(owed)):
                self._next_ordinary()
            owed -= int(owed)
            due += period_s
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _next_ordinary(self) -> None:
        """The next detector that is not busy with an alarm and may speak again."""
        now = datetime.now(UTC)
        for _ in range(8):
            detector = self._queue[0]
            self._queue.rotate(-1)
            rests_s = payloads.PERSISTENCE_S.get(detector.kind, 0.0) and detector.report_interval_s
            if detector.id in self._alarms or detector.id in self._ending:
                continue
            if self._silent_s(detector, now) >= rests_s:
                turn = self._turn(detector)
                self._send(detector, (payloads.ordinary(detector, now, turn),), now)
                return

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(REPEAT_S)
            for id_ in (*self._alarms, *self._ending):
                self._one(self._by_id[id_])

    def _one(self, detector: Detector) -> None:
        """The next message of a detector in alarm or on its way out."""
        now, turn = datetime.now(UTC), self._turn(detector)
        if detector.id in self._alarms:
            self._send(detector, (payloads.alarming(detector, now, turn),), now)
            return
        self._send(detector, (payloads.normal(detector, now, turn),), now)
        self._ending[detector.id] -= 1
        if self._ending[detector.id] <= 0:
            del self._ending[detector.id]

    def _turn(self, detector: Detector) -> int:
        turn = self._turns[detector.id] = self._turns.get(detector.id, 0) + 1
        return turn

    def _send(
        self, detector: Detector, messages: Iterable[payloads.Message], now: datetime
    ) -> None:
        for topic, payload in messages:
            self._client.publish(topic, payload, qos=1)
            self.published += 1
        self._last[detector.id] = now
