"""A node of Sparkplug whose birth we do not know is asked for it over the broker's own line."""

from collections.abc import Sequence

from backend.devices.service import Register
from backend.sensing.adapters import sparkplug
from backend.sensing.deliveries import Arrived
from backend.sensing.mqtt import Consumer
from tests.plugin.world import World


class Line:
    """A broker's line that only remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.acknowledged = 0

    def command(self, topic: str, payload: bytes) -> None:
        self.said.append((topic, payload))

    def acknowledge(self, messages: Sequence[Arrived]) -> None:
        self.acknowledged += len(messages)


async def test_a_stored_message_of_an_unborn_node_asks_for_its_birth(world: World) -> None:
    consumer, line = Consumer(world.ctx, Register()), Line()
    consumer.line = line  # type: ignore[assignment]
    at = world.clock.now()
    batch = [
        Arrived(topic="spBv1.0/g/DDATA/n/d", payload=b"\x18\x05", received_at=at, mid=1),
        Arrived(topic="zigbee2mqtt/d0", payload=b"{}", received_at=at, mid=2),
    ]
    consumer._stored(batch)
    ((topic, payload),) = line.said
    assert topic == "spBv1.0/g/NCMD/n"
    assert [metric.name for metric in sparkplug.read(payload).metrics] == ["Node Control/Rebirth"]
    assert line.acknowledged == 2
