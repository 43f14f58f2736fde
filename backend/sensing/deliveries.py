"""Which broker deliveries were stored, so that a redelivery of the same is only acknowledged.

Between the commit of a batch and the broker's hearing of it the process may die; the broker then
sends the same packet ids again, marked as duplicates. What was stored is remembered in the
batch's own transaction: packet id and a digest, ten bytes a message.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

import msgspec

from backend.shared.db import TELEMETRY

REMEMBERED = 4096
"""Deliveries kept in mind: more than can be stored and not yet acknowledged."""
PRUNE_EVERY = 256
"""Batches between two clean-ups of the table."""


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """One message as the broker gave it. ``mid`` is its packet id, 0 for quality of service 0."""

    topic: str
    payload: bytes
    received_at: datetime
    retained: bool = False
    mid: int = 0
    dup: bool = False


class Deliveries:
    """The stored deliveries of one broker session."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id
        self._digests: OrderedDict[int, bytes] = OrderedDict()
        self._saves = 0

    async def recall(self) -> None:
        """Read what an earlier process stored last."""
        rows = await TELEMETRY.fetch(
            "SELECT stored FROM delivery WHERE client_id = $1 ORDER BY id DESC LIMIT $2",
            self._client_id,
            REMEMBERED,
        )
        self._digests.clear()
        for row in reversed(rows):
            self.remember(row["stored"])

    def known(self, message: Arrived) -> bool:
        """A redelivery of what was stored and could not be acknowledged in time."""
        return message.dup and self._digests.get(message.mid) == _digest(message)

    async def save(self, packed: bytes) -> None:
        """In the batch's transaction: these are stored."""
        if not packed:
            return
        await TELEMETRY.execute(
            "INSERT INTO delivery (client_id, stored) VALUES ($1, $2)", self._client_id, packed
        )
        self._saves += 1
        if self._saves % PRUNE_EVERY == 0:
            await TELEMETRY.execute(
                "DELETE FROM delivery WHERE client_id = $1 AND id <= (SELECT id FROM delivery"
                " WHERE client_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)",
                self._client_id,
                REMEMBERED,
            )

    def remember(self, packed: bytes) -> None:
        """After the commit: the newest digest of each packet id."""
        for at in range(0, len(packed), 10):
            mid = int.from_bytes(packed[at : at + 2], "big")
            self._digests[mid] = packed[at + 2 : at + 10]
            self._digests.move_to_end(mid)
        while len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)


def pack(messages: Sequence[Arrived]) -> bytes:
    """Packet id (2 bytes) and digest (8 bytes) of each message that can be redelivered."""
    return b"".join(m.mid.to_bytes(2, "big") + _digest(m) for m in messages if m.mid)


def _digest(message: Arrived) -> bytes:
    text = message.topic.encode(errors="replace") + b"\0" + message.payload
    return hashlib.blake2b(text, digest_size=8).digest()
