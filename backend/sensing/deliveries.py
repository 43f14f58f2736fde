"""Which broker deliveries were stored, so that a redelivery of the same is only acknowledged.

Between the commit of a batch and the broker's hearing of it the process may die; the broker then
sends the same packet ids again, marked as duplicates. What was stored is remembered in the
batch's own transaction: packet id and two checksums, ten bytes a message.

Two more holes are closed here. A commit whose answer was lost (the database died) leaves a batch
in doubt: every batch has a token, stored with it, by which the next try sees that it is there. And
a killed process may leave a transaction behind that commits late: who begins takes the next epoch
of the ``delivery_fence``, which waits for that transaction, and every batch checks its epoch.
"""

import struct
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

import msgspec

from backend.shared.db import TELEMETRY

REMEMBERED = 4096
"""Deliveries kept in mind, at least: more than can be stored and not yet acknowledged."""
PRUNE_EVERY = 256
"""Batches between two clean-ups of the table."""

_PACKED = struct.Struct(">HII")

EPOCH_SQL = """
INSERT INTO delivery_fence (client_id, lane, epoch) VALUES ($1, $2, 1)
ON CONFLICT (client_id, lane) DO UPDATE SET epoch = delivery_fence.epoch + 1 RETURNING epoch
"""
NEWEST_SQL = """
SELECT id, stored FROM (
    SELECT id, stored, sum(length(stored)) OVER (ORDER BY id DESC) - length(stored) AS newer
    FROM (SELECT id, stored FROM delivery WHERE client_id = $1 ORDER BY id DESC LIMIT $2::int) d
) w WHERE newer < $2::int * 10 ORDER BY id
"""
SAVE_SQL = """
INSERT INTO delivery (client_id, lane, token, stored)
SELECT $1, $2, $4, $5 FROM delivery_fence
WHERE client_id = $1 AND lane = $2 AND epoch = $3 FOR SHARE
"""


class Superseded(Exception):
    """Another process has begun to store what this one stores; nothing of the batch is kept."""


class Arrived(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message as the broker gave it. ``mid`` is its packet id, 0 for quality of service 0.

    ``session`` is the connection on which it came: only there it can be acknowledged.
    """

    topic: str
    payload: bytes
    received_at: datetime
    retained: bool = False
    mid: int = 0
    dup: bool = False
    session: int = 0


class Deliveries:
    """The stored deliveries of one broker session.

    Args:
        lane: of several that store what one session receives, which one this is.
        keep: how many deliveries are remembered, at least.
    """

    def __init__(self, client_id: str, *, lane: int = 0, keep: int = REMEMBERED) -> None:
        self._client_id, self._lane = client_id, lane
        self._keep = max(keep, REMEMBERED)
        self._packed: deque[bytes] = deque()
        self._bytes = 0
        self._known: dict[int, bytes] | None = None
        self._epoch: int | None = None
        self._saves = 0

    async def begin(self) -> None:
        """From here on, whoever stored for this lane before us stores nothing more."""
        self._epoch = await TELEMETRY.fetch_value(EPOCH_SQL, self._client_id, self._lane)

    async def recall(self) -> None:
        """Read what an earlier process stored last, whatever its lane."""
        rows = await TELEMETRY.fetch(NEWEST_SQL, self._client_id, self._keep)
        self._packed.clear()
        self._bytes, self._known = 0, None
        for row in rows:
            self.remember(row["stored"])

    def known(self, message: Arrived) -> bool:
        """A redelivery of what was stored and could not be acknowledged in time."""
        if not message.dup:
            return False
        if self._known is None:  # redeliveries are rare, and come many at a time
            self._known = {
                int.from_bytes(packed[at : at + 2], "big"): packed[at : at + 10]
                for packed in self._packed
                for at in range(0, len(packed), 10)
            }
        return self._known.get(message.mid) == _pack(message)

    async def stored(self, token: bytes) -> bool:
        """Whether the batch with this token is in the database."""
        return bool(
            await TELEMETRY.fetch_value(
                "SELECT EXISTS (SELECT FROM delivery WHERE client_id = $1 AND token = $2)",
                self._client_id,
                token,
            )
        )

    async def save(self, packed: bytes, token: bytes | None = None) -> None:
        """In the batch's transaction: these are stored.

        Raises:
            Superseded: another process has begun this lane since.
        """
        if not packed and token is None:
            return
        if self._epoch is None:
            await self.begin()
        mine = await TELEMETRY.execute(
            SAVE_SQL, self._client_id, self._lane, self._epoch, token, packed
        )
        if not mine:
            raise Superseded(f"{self._client_id}, lane {self._lane}")
        self._saves += 1
        if self._saves % PRUNE_EVERY == 0:
            await TELEMETRY.execute(
                f"DELETE FROM delivery WHERE client_id = $1 AND id <"  # noqa: S608
                f" (SELECT min(id) FROM ({NEWEST_SQL}) kept)",
                self._client_id,
                self._keep,
            )

    def remember(self, packed: bytes) -> None:
        """After the commit."""
        self._packed.append(packed)
        self._bytes += len(packed)
        self._known = None
        while self._bytes - len(self._packed[0]) >= 10 * self._keep:
            self._bytes -= len(self._packed.popleft())


async def end_all(client_id: str) -> None:
    """Nobody who stored for this session stores any more, whatever their lane; see ``begin``."""
    await TELEMETRY.execute(
        "UPDATE delivery_fence SET epoch = epoch + 1 WHERE client_id = $1", client_id
    )


def pack(messages: Sequence[Arrived]) -> bytes:
    """Packet id (2 bytes) and checksums (8 bytes) of each message that can be redelivered."""
    return b"".join([_pack(m) for m in messages if m.mid])


def _pack(message: Arrived) -> bytes:
    topic = crc32(message.topic.encode(errors="replace"))
    return _PACKED.pack(message.mid, topic, crc32(message.payload))
