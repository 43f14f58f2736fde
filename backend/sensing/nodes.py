"""The births of Sparkplug nodes, kept while we run: the one adapter that needs a memory.

After a restart a node is unknown until its next birth; its data is then refused as ``no-birth``
and kept, and its plain names still count.
"""

from collections import OrderedDict
from datetime import datetime

from backend.sensing.adapters import sparkplug
from backend.sensing.reading import Adapter, Decoded

MAX_NODES = 2000


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
