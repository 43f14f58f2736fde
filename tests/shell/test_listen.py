"""A wakeup reaches whoever waits, and comes back after the connection was cut."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from backend.shared.db import OPERATIONS
from backend.shared.listen import Listener
from tests.plugin.world import World

WHO = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'"


@pytest.fixture
async def listener(world: World) -> AsyncIterator[Listener]:
    made = Listener(OPERATIONS, retry_s=0.01)
    yield made
    await made.stop()


async def test_a_notification_wakes_every_waiter_of_its_channel_only(listener: Listener) -> None:
    one, two, other = listener.event("news"), listener.event("news"), listener.event("work")
    await listener.start()
    for wakeup in (one, two, other):
        assert await wakeup.wait(5), "at the start everybody looks once"
    await OPERATIONS.notify("news", "42")
    assert await one.wait(5)
    assert await two.wait(5)
    assert (one.payload, two.payload) == ("42", "42")
    assert not await other.wait(0.01)


async def test_a_notification_waits_for_the_commit(listener: Listener) -> None:
    news = listener.event("news")
    await listener.start()
    await news.wait(5)
    with pytest.raises(LookupError):
        async with OPERATIONS.transaction():
            await OPERATIONS.notify("news", "undone")
            raise LookupError
    async with OPERATIONS.transaction():
        await OPERATIONS.notify("news", "done")
        assert news.payload == ""
    assert await news.wait(5)
    assert news.payload == "done"


async def test_after_a_cut_connection_everybody_is_woken_to_catch_up(
    listener: Listener, world: World
) -> None:
    news = listener.event("news")
    await listener.start()
    await news.wait(5)
    boss = await world.server.superuser("operations")
    await boss.execute(WHO)
    await boss.close()
    assert await news.wait(10), "woken by the reconnection itself"
    await OPERATIONS.notify("news", "again")
    assert await news.wait(5)
    assert news.payload == "again"


async def test_a_channel_asked_for_later_is_listened_to_as_well(listener: Listener) -> None:
    await listener.start()
    late = listener.event("late")
    assert await late.wait(5)
    await OPERATIONS.notify("late", "1")
    assert await late.wait(5)


async def test_the_start_waits_for_a_database_that_is_still_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dict(OPERATIONS.config)
    monkeypatch.setattr(OPERATIONS, "config", {**config, "port": 1})
    listener = Listener(OPERATIONS, retry_s=0.01)
    start = asyncio.create_task(listener.start())
    done, _ = await asyncio.wait({start}, timeout=0.1)
    assert not done
    monkeypatch.setattr(OPERATIONS, "config", config)
    await asyncio.wait_for(start, 10)
    await listener.stop()
