"""Sparkplug nodes, remembered while we run: what they said at birth, and whom to ask for it again.

After a restart a node is unknown until its next birth; its data is then refused as ``no-birth``
and kept, its plain names still count, and it is asked to be born again (``Rebirths``): so it is
after a gap in its sequence. Asked seldom, and ever more seldom if it does not answer.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

from backend.sensing.adapters import sparkplug
from backend.sensing.body import Refused
from backend.sensing.deliveries import Arrived
from backend.sensing.reading import Adapter, Decoded

MAX_NODES = 2000
MAX_DEVICES = 1000
"""Devices of one node whose birth is remembered."""
ASK_AGAIN_S = 60.0
ASK_AT_LAST_S = 3600.0
"""▲ A node is asked again after a minute, then after twice as long each time, at most an hour."""


class Nodes:
    """The states of the nodes heard last."""

    def __init__(self) -> None:
        self._nodes: OrderedDict[str, sparkplug.Node | None] = OrderedDict()

    def decode(
        self, topic: str | None, payload: bytes, received_at: datetime, retained: bool
    ) -> tuple[Decoded, ...]:
        """Say what one message means; see ``reading.Adapter``."""
        key = sparkplug.node_of(topic or "")
        node = self._nodes.get(key) if key else None
        after, said = sparkplug.advance(node, topic, payload, received_at, retained)
        if key:
            self._nodes[key] = after
            self._nodes.move_to_end(key)
            while len(self._nodes) > MAX_NODES:
                self._nodes.popitem(last=False)
        return said


def node_adapters() -> dict[str, tuple[str, Adapter]]:
    """A fresh memory for one consumer."""
    return {"spBv1.0": ("sparkplug", Nodes().decode)}


class _Known:
    """One node as ``Rebirths`` sees it."""

    __slots__ = ("alive", "ask_at", "devices", "pause_s", "sequence", "session")

    def __init__(self) -> None:
        self.alive = False
        self.devices: set[str] = set()
        self.sequence: int | None = None
        self.session: int | None = None
        self.ask_at: datetime | None = None
        self.pause_s = ASK_AGAIN_S


class Rebirths:
    """Which nodes are to be asked for their birth. No clock, no I/O.

    It stands beside the broker's line, where commands can be sent; messages are stored and decoded
    elsewhere, perhaps in other processes.
    """

    def __init__(self) -> None:
        self._nodes: OrderedDict[str, _Known] = OrderedDict()

    def asked(self, messages: Iterable[Arrived]) -> list[tuple[str, bytes]]:
        """Topic and payload of each command that these messages call for."""
        commands: list[tuple[str, bytes]] = []
        for message in messages:
            if not message.topic.startswith("spBv1.0/") or message.retained:
                continue
            levels = message.topic.split("/")
            key = sparkplug.node_of(message.topic)
            if key is None or levels[2] not in TAKES:
                continue
            node = self._nodes.setdefault(key, _Known())
            self._nodes.move_to_end(key)
            while len(self._nodes) > MAX_NODES:
                self._nodes.popitem(last=False)
            try:
                found = sparkplug.read(message.payload)
            except Refused:
                continue
            now = message.received_at
            wanted = self._take(node, levels[2], levels[4:], found, message.dup)
            if wanted and (node.ask_at is None or now >= node.ask_at):
                node.ask_at = now + timedelta(seconds=node.pause_s)
                node.pause_s = min(2 * node.pause_s, ASK_AT_LAST_S)
                at_ms = round(now.timestamp() * 1000)
                topic = f"spBv1.0/{levels[1]}/NCMD/{levels[3]}"
                commands.append((topic, sparkplug.rebirth(at_ms)))
        return commands

    def _take(
        self, node: _Known, kind: str, device: list[str], found: sparkplug.Payload, dup: bool
    ) -> bool:
        """Take one message into a node's state; whether its birth is missing."""
        if kind == "NDEATH":
            session = sparkplug.session_of(found)
            if session is None or node.session is None or session == node.session:
                node.alive = False
            return False
        before, node.sequence = node.sequence, found.sequence
        if kind == "NBIRTH":
            node.alive, node.devices, node.pause_s = True, set(), ASK_AGAIN_S
            node.session = sparkplug.session_of(found)
            return False
        gap = (
            node.alive
            and not dup
            and before is not None
            and found.sequence is not None
            and found.sequence not in ((before + 1) % 256, before)
        )
        name = device[0] if device else ""
        unborn = kind == "DDATA" and name not in node.devices
        if kind == "DBIRTH" and len(node.devices) < MAX_DEVICES:
            node.devices.add(name)
        if kind == "DDEATH":
            node.devices.discard(name)
        return gap or unborn or not node.alive


TAKES = frozenset({"NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"})
