"""What several doors bring at once: stored together, told only then, and never blocked by one."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from backend.sensing.deliveries import Arrived
from backend.sensing.intake import Full, Intake

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def said(text: str) -> Arrived:
    return Arrived(topic="t", payload=text.encode(), received_at=NOW)


class FakeStore:
    """Remembers its batches; what says ``bad`` cannot be stored, ``away`` when the base is away."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.poison: list[str] = []
        self.away = False
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, messages: Sequence[Arrived]) -> None:
        await self.open.wait()
        if self.away:
            raise ConnectionRefusedError
        texts = [message.payload.decode() for message in messages]
        if "bad" in texts:
            raise ValueError("bad")
        self.batches.append(texts)

    async def write_poison(self, message: Arrived, detail: str) -> None:
        self.poison.append(message.payload.decode())


def made(**more: Any) -> tuple[Intake, FakeStore]:
    store = FakeStore()
    return Intake(store, **more), store  # type: ignore[arg-type]


async def test_who_comes_while_a_batch_is_written_shares_the_next_one() -> None:
    intake, store = made()
    store.open.clear()
    takes = [asyncio.create_task(intake.take([said(text)])) for text in "abc"]
    await asyncio.sleep(0)  # the first is being written
    await asyncio.sleep(0)
    late = asyncio.create_task(intake.take([said("d"), said("e")]))
    await asyncio.sleep(0)
    assert not any(take.done() for take in takes)
    store.open.set()
    await asyncio.gather(*takes, late)
    assert [text for batch in store.batches for text in batch] == ["a", "b", "c", "d", "e"]
    assert len(store.batches) <= 2
    assert intake.held == 0


async def test_a_message_that_cannot_be_stored_is_kept_raw_and_blocks_nobody() -> None:
    intake, store = made()
    await asyncio.gather(*(intake.take([said(text)]) for text in ("a", "bad", "c")))
    assert [text for batch in store.batches for text in batch] == ["a", "c"]
    assert store.poison == ["bad"]


async def test_while_the_database_is_away_nobody_is_told_that_it_is_stored() -> None:
    intake, store = made()
    store.away = True
    found = await asyncio.gather(
        *(intake.take([said(text)]) for text in "ab"), return_exceptions=True
    )
    assert [type(one) for one in found] == [ConnectionRefusedError] * 2
    store.away = False
    await intake.take([said("a")])
    assert store.batches == [["a"]]


async def test_no_more_waits_than_may() -> None:
    intake, store = made(max_bytes=10)
    store.open.clear()
    first = asyncio.create_task(intake.take([said("x" * 20)]))  # one is always taken
    await asyncio.sleep(0)
    with pytest.raises(Full):
        await intake.take([said("y")])
    store.open.set()
    await first
    await intake.take([said("y")])


async def test_what_a_sender_that_was_cut_off_had_brought_is_stored_all_the_same() -> None:
    intake, store = made()
    store.open.clear()
    gone = asyncio.create_task(intake.take([said("a")]))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    store.open.set()
    await intake.take([said("b")])
    assert [text for batch in store.batches for text in batch] == ["a", "b"]
    assert intake.held == 0
