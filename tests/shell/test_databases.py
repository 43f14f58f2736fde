"""Connections and transactions: nothing leaks, nothing half-done is committed."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest
from piccolo.columns import JSONB, Integer
from piccolo.table import Table

from backend.shared import db, tasks
from backend.shared.db import OPERATIONS
from tests.plugin.world import Server, World


class Pebble(Table, db=OPERATIONS, tablename="pebble"):
    """A table of this file only."""

    id = Integer(primary_key=True)
    body = JSONB()


@pytest.fixture
async def pebbles(world: World, database_server: Server) -> World:
    connection = await database_server.superuser("operations")
    await connection.execute(
        "DROP TABLE IF EXISTS pebble; CREATE TABLE pebble (id int PRIMARY KEY, body jsonb);"
        "GRANT ALL ON pebble TO jiean_app"
    )
    await connection.close()
    return world


def pool() -> Any:
    assert OPERATIONS.pool is not None
    return OPERATIONS.pool


def busy() -> int:
    size: int = pool().get_size() - pool().get_idle_size()
    return size


async def count() -> int:
    found: int = await OPERATIONS.fetch_value("SELECT count(*) FROM pebble")
    return found


async def test_a_connection_lost_inside_a_transaction_spoils_nothing_after_it(
    pebbles: World, database_server: Server
) -> None:
    with pytest.raises(db.LOST):
        async with OPERATIONS.transaction():
            await OPERATIONS.execute("INSERT INTO pebble VALUES (1)")
            pid = await OPERATIONS.fetch_value("SELECT pg_backend_pid()")
            boss = await database_server.superuser("operations")
            await boss.fetchval("SELECT pg_terminate_backend($1)", pid)
            await boss.close()
            await OPERATIONS.execute("INSERT INTO pebble VALUES (2)")
    assert OPERATIONS.current_transaction.get() is None
    assert await count() == 0
    async with OPERATIONS.transaction():
        await Pebble.insert(Pebble(id=3, body={}))
    assert await count() == 1


async def test_the_first_error_is_told_when_the_connection_goes_too(
    pebbles: World, database_server: Server
) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with OPERATIONS.transaction():
            pid = await OPERATIONS.fetch_value("SELECT pg_backend_pid()")
            boss = await database_server.superuser("operations")
            await boss.fetchval("SELECT pg_terminate_backend($1)", pid)
            await boss.close()
            raise LookupError("mine")
    assert await count() == 0


async def test_the_first_error_is_told_while_the_server_s_farewell_is_still_being_read(
    pebbles: World,
) -> None:
    class Farewell:
        async def rollback(self) -> None:
            raise asyncpg.InternalClientError("another operation is in progress")

    with pytest.raises(LookupError, match="mine"):
        async with OPERATIONS.transaction() as ours:
            ours.transaction = Farewell()
            ours.connection.terminate()
            raise LookupError("mine")
    assert await count() == 0


async def test_a_transaction_that_raises_leaves_nothing(pebbles: World) -> None:
    with pytest.raises(LookupError):
        async with OPERATIONS.transaction():
            await OPERATIONS.execute("INSERT INTO pebble VALUES (1)")
            await Pebble.insert(Pebble(id=2))
            raise LookupError
    assert await count() == 0


async def test_a_cancelled_transaction_gives_its_connection_back(pebbles: World) -> None:
    async def slow() -> None:
        async with OPERATIONS.transaction():
            await OPERATIONS.execute("SELECT pg_sleep(60)")

    async with asyncio.timeout(20):
        for _ in range(20):  # more than the pool holds
            task = asyncio.create_task(slow())
            while not busy():
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await count() == 0


async def test_a_swallowed_inner_failure_is_never_committed(pebbles: World) -> None:
    async def inner() -> None:
        async with OPERATIONS.transaction():
            await OPERATIONS.execute("INSERT INTO pebble VALUES (1)")
            raise LookupError

    with pytest.raises(db.Doomed):
        async with OPERATIONS.transaction():
            with pytest.raises(LookupError):
                await inner()
    assert await count() == 0


async def test_a_savepoint_undoes_only_its_own_block(pebbles: World) -> None:
    async with OPERATIONS.transaction():
        await OPERATIONS.execute("INSERT INTO pebble VALUES (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with OPERATIONS.savepoint():
                await OPERATIONS.execute("INSERT INTO pebble VALUES (2)")
                await OPERATIONS.execute("INSERT INTO pebble VALUES (1)")
        await OPERATIONS.execute("INSERT INTO pebble VALUES (3)")
    assert [row["id"] for row in await OPERATIONS.fetch("SELECT id FROM pebble ORDER BY 1")] == [
        1,
        3,
    ]


async def test_a_savepoint_without_a_transaction_is_a_mistake(pebbles: World) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        async with OPERATIONS.savepoint():
            pass


async def test_a_task_started_inside_a_transaction_has_its_own_connection(pebbles: World) -> None:
    async with OPERATIONS.transaction():
        await OPERATIONS.execute("INSERT INTO pebble VALUES (1)")
        seen = await tasks.spawn(count(), name="count")
        assert (seen, await count()) == (0, 1)


async def test_piccolo_and_raw_sql_share_one_transaction(pebbles: World) -> None:
    async with OPERATIONS.transaction():
        await Pebble.insert(Pebble(id=1, body={"a": [1]}))
        assert await OPERATIONS.fetch_value("SELECT body->'a'->0 FROM pebble") == "1"


async def test_jsonb_goes_in_as_a_value_and_comes_out_as_text(pebbles: World) -> None:
    class Body(msgspec.Struct):
        note: str

    await OPERATIONS.execute("INSERT INTO pebble VALUES (1, $1)", Body("水"))
    await OPERATIONS.execute("INSERT INTO pebble VALUES (2, $1)", '{"note":"文"}')
    await OPERATIONS.copy("pebble", ["id", "body"], [(3, {"note": "复"}), (4, None)])
    await Pebble.insert(Pebble(id=5, body={"note": "五"}))
    rows = await OPERATIONS.fetch("SELECT body FROM pebble WHERE body IS NOT NULL ORDER BY id")
    assert [msgspec.json.decode(row["body"], type=Body).note for row in rows] == list("水文复五")
    loaded = await Pebble.select(Pebble.body).where(Pebble.id == 3).output(load_json=True)
    assert loaded == [{"body": {"note": "复"}}]


async def test_a_pool_that_is_used_up_says_so_in_time(
    pebbles: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OPERATIONS, "acquire_timeout_s", 0.05)
    held = [await OPERATIONS.acquire() for _ in range(pebbles.server.settings.pool_max)]
    with pytest.raises(TimeoutError):
        await count()
    for one in held:
        await pool().release(one)
    assert await count() == 0


async def test_execute_tells_how_many_rows_changed(pebbles: World) -> None:
    await OPERATIONS.execute_many("INSERT INTO pebble VALUES ($1)", [(n,) for n in range(5)])
    assert await OPERATIONS.execute("DELETE FROM pebble WHERE id < $1", 3) == 3
    assert await OPERATIONS.fetch_one("SELECT id FROM pebble WHERE id = 1") is None
