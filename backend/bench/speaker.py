"""Detectors that speak: a cheap MQTT 5 publisher in a process of its own, and one that listens.

``python -m backend.bench.speaker '{"port": …}'``; the last line it prints is JSON. A publisher in
pure paho would cost more than what is measured; this one builds packets and counts answers.
"""

import contextlib
import resource
import select
import socket
import sys
import time
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from backend.sensing import mqtt_packets as packets

PAYLOAD_BYTES = 200
AHEAD = 400
"""Messages that the broker has not answered yet, at most; our mosquitto allows 500."""
MIDS = 60_000


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a speaker or listener did."""

    messages: int
    seconds: float
    cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        """Messages for a second of processor time."""
        return self.messages / self.cpu_s if self.cpu_s else 0.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What one does: ``speak``, ``number`` (values 0, 1, 2 …, each once) or ``listen``.

    ``per_s`` 0: as fast as the broker answers. ``count`` ends it before ``seconds`` do.
    """

    what: str
    port: int
    per_s: float = 0.0
    seconds: float = 1e9
    count: int = 1 << 60
    detectors: int = 1000
    first: int = 0
    receive_max: int = 1000


def payload(number: int, at: float) -> bytes:
    """A reading in our own JSON that raises nothing, filled up to 200 bytes."""
    whole, part = divmod(at, 1)
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    words = (
        f'{{"quantity": "residual_current", "value": {20 + number % 977 / 10:.1f}, "unit": "mA",'
        f' "measuredAt": "{when}.{int(part * 1e6):06d}+00:00", "flags": []}}'
    )
    return words.encode().ljust(PAYLOAD_BYTES)


def numbered(number: int) -> bytes:
    """A reading that carries its own number."""
    return b'{"quantity": "energy", "value": %d, "unit": "kWh"}' % number


def topic(detector: int) -> str:
    """Where a detector of the bench publishes."""
    return f"jiean/b{detector:06d}/reading"


def speak(asked: Asked) -> Said:
    """Publish, evenly; each detector in its turn.

    Returns:
        What was sent and answered; where the broker died, what it had answered until then.
    """
    line = socket.create_connection(("127.0.0.1", asked.port))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.sendall(
        packets.connect(
            f"bench-speaker-{asked.first}", user=None, password=None, keep_alive_s=0,
            session_expiry_s=0, receive_max=100, packet_max=1 << 20,
            will=("bench", b""),
        )
    )  # fmt: skip
    began, used = time.monotonic(), _cpu_s()
    sent = answered = 0
    rest = b""
    answered = -1  # the first answer is to CONNECT
    with contextlib.suppress(ConnectionError):  # the broker died: what it answered counts
        while sent < asked.count or answered < sent:
            now = time.monotonic() - began
            if now > asked.seconds:
                break
            due = asked.count - sent
            if asked.per_s:
                due = min(due, int(now * asked.per_s) - sent)
            due = min(due, AHEAD - (sent - max(answered, 0)))
            if due > 0 and answered >= 0:
                at = time.time()
                line.sendall(b"".join(_packet(asked, sent + n, at) for n in range(due)))
                sent += due
            if select.select([line], [], [], 0.004)[0]:
                heard = line.recv(65_536)
                if not heard:
                    raise ConnectionResetError
                rest += heard
                seen = 0
                while (found := packets.frame(rest, seen)) and found[2] <= len(rest):
                    answered += 1
                    seen = found[2]
                rest = rest[seen:]
        line.sendall(packets.GOODBYE)
        return Said(messages=sent, seconds=time.monotonic() - began, cpu_s=_cpu_s() - used)
    return Said(messages=max(answered, 0), seconds=time.monotonic() - began, cpu_s=_cpu_s() - used)


def _packet(asked: Asked, number: int, at: float) -> bytes:
    where = topic(asked.first + number % asked.detectors)
    said = numbered(number) if asked.what == "number" else payload(number, at)
    plain = packets.publish(where, said, 1 + number % MIDS)
    return b"\x32" + plain[1:]  # not kept by the broker


def listen(asked: Asked) -> Said:
    """paho as the consumer uses it, doing nothing: the ceiling for what is built on it."""
    heard, used = 0, 0.0

    def connected(client: Client, *_: Any) -> None:
        client.subscribe("jiean/#", qos=1)

    def take(client: Client, _data: Any, message: MQTTMessage) -> None:
        nonlocal heard
        heard += 1
        client.ack(message.mid, message.qos)

    client = Client(
        CallbackAPIVersion.VERSION2, client_id="bench-ceiling",
        protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True,
    )  # fmt: skip
    wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    wishes.SessionExpiryInterval, wishes.ReceiveMaximum = 3600, asked.receive_max
    client.on_connect, client.on_message = connected, take
    client.connect("127.0.0.1", asked.port, clean_start=True, properties=wishes)
    client.loop_start()
    while not heard:
        time.sleep(0.01)
    time.sleep(1.0)
    before, used, began = heard, _cpu_s(), time.monotonic()
    time.sleep(asked.seconds)
    said = Said(messages=heard - before, seconds=time.monotonic() - began, cpu_s=_cpu_s() - used)
    client.disconnect()
    client.loop_stop()
    return said


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    given = msgspec.json.decode(sys.argv[1], type=Asked)
    done = listen(given) if given.what == "listen" else speak(given)
    print(msgspec.json.encode(done).decode(), flush=True)
