"""Storing in other processes: one session with the broker, several lanes behind it.

The process with the broker's line sends each message to the lane of its detector (by its topic),
batch by batch, and acknowledges what a lane says it stored. So the order of each detector holds,
and as many lanes as there are processors evaluate and store beside each other.

A lane that dies is started again and given the same batch, with the token by which it sees
whether the batch was stored before the death (``deliveries``). A lane whose parent dies ends; what
it may still be committing is waited for by the next one's epoch.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import msgspec

from backend.sensing.deliveries import Arrived, Superseded
from backend.sensing.store import Stored
from backend.settings import Settings
from backend.shared import place
from backend.shared.db import OPERATIONS, TELEMETRY

log = logging.getLogger("jiean.lanes")

ROOT = Path(__file__).parents[2]
RUN = "import sys; sys.path.insert(0, sys.argv[1]); from backend.lane import main; main({})"
"""What a lane's process runs; -P and its folder "/" keep everything else off its path."""
START_LIMIT_S = 30.0
MAX_FRAME = 1 << 30


class LaneGone(OSError):
    """The lane's process ended; what became of the batch is not known."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a lane needs to know; sent over its socket, since it holds passwords."""

    lane: int
    settings: dict[str, Any]
    databases: dict[str, dict[str, Any]]


def given(lane: int, settings: Settings) -> Given:
    """What a lane of this service gets; its databases are those of this process."""
    return Given(
        lane=lane,
        settings=msgspec.to_builtins(settings, enc_hook=str),
        databases={one.name: one.config for one in (OPERATIONS, TELEMETRY)},
    )


def settings_of(said: dict[str, Any]) -> Settings:
    """The settings in ``Given``, as the service has them."""
    return msgspec.convert(said, Settings, dec_hook=lambda kind, text: kind(text))


class Order(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a lane is asked. ``start`` and ``poison`` are those of ``batches.Writer``."""

    what: Literal["start", "write", "poison"]
    messages: tuple[Arrived, ...] = ()
    token: bytes | None = None
    again: bool = False
    detail: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a lane answers; ``wrong`` is why it could not, ``kind`` how the asker has to take it."""

    stored: Stored = msgspec.field(default_factory=Stored)
    kind: Literal["well", "away", "superseded", "poison"] = "well"
    wrong: str = ""


class Lane:
    """A lane's process seen from here; a ``batches.Writer``."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._child: place.Child | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def pid(self) -> int | None:
        """Of its present process."""
        return self._child.pid if self._child is not None else None

    async def start(self) -> None:
        """See ``batches.Writer``; makes the process where there is none."""
        await self._ask(Order(what="start"))

    async def write(
        self, messages: Sequence[Arrived], token: bytes | None = None, *, again: bool = False
    ) -> Stored:
        """See ``batches.Writer``."""
        return await self._ask(
            Order(what="write", messages=tuple(messages), token=token, again=again)
        )

    async def write_poison(self, message: Arrived, detail: str) -> None:
        """See ``batches.Writer``."""
        await self._ask(Order(what="poison", messages=(message,), detail=detail))

    async def stop(self) -> None:
        """End the process; what it was storing is stored or not, and never acknowledged."""
        if self._writer is not None:
            self._writer.close()
        child, self._child, self._writer = self._child, None, None
        if child is not None:
            child.terminate()
            await asyncio.to_thread(child.wait)

    async def _ask(self, order: Order) -> Stored:
        if self._writer is None:
            await self._open()
        assert self._reader is not None
        assert self._writer is not None
        try:
            send(self._writer, order)
            answer = msgspec.msgpack.decode(await receive(self._reader), type=Answer)
        except (OSError, EOFError, msgspec.DecodeError) as gone:
            log.warning("lane %d ended: %s", self._given.lane, gone)
            await self.stop()
            raise LaneGone(str(gone)) from gone
        except asyncio.CancelledError:
            await self.stop()  # its answer would be taken for the next one's
            raise
        if answer.kind == "away":
            raise ConnectionError(answer.wrong)
        if answer.kind == "superseded":
            raise Superseded(answer.wrong)
        if answer.kind == "poison":
            raise ValueError(answer.wrong)
        return answer.stored

    async def _open(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = place.start(
                [sys.executable, "-P", "-c", RUN.format(theirs.fileno()), ROOT],
                2,
                signal.SIGTERM,
                as_us=True,
                keep=(theirs.fileno(),),
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=MAX_FRAME)
        send(self._writer, self._given)
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(START_LIMIT_S):
                await receive(self._reader)  # it is there
            await self._ask(Order(what="start"))
            return
        await self.stop()
        raise LaneGone(f"lane {self._given.lane} did not start")


def lane_of(topic: str, lanes: int) -> int:
    """The lane of a topic: all that one detector, or one Sparkplug node, says has the same."""
    return crc32(_speaker(topic).encode(errors="replace")) % lanes


def _speaker(topic: str) -> str:
    """Who speaks, as far as the topic tells. What no adapter of ours knows is one speaker: a
    mapping template may find its device anywhere in a message."""
    levels = topic.split("/", 5)
    match levels[0]:
        case "zigbee2mqtt":
            return "/".join(levels[:2])
        case "jiean":
            return topic.rpartition("/")[0]
        case "application":
            return "/".join(levels[:4])
        case "spBv1.0" if len(levels) > 3:
            return f"{levels[1]}/{levels[3]}"
        case first:
            return first


def send(writer: asyncio.StreamWriter, what: msgspec.Struct) -> None:
    """Four bytes of length, and MessagePack."""
    raw = msgspec.msgpack.encode(what)
    writer.write(len(raw).to_bytes(4, "big") + raw)


async def receive(reader: asyncio.StreamReader) -> bytes:
    """One frame.

    Raises:
        EOFError: the other side is gone.
    """
    length = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(length)
