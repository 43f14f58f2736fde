"""The four databases. Everything about connections is here; SQL is in the domains.

``async with OPERATIONS.transaction():`` opens a transaction; Piccolo queries on its tables and
``fetch``/``execute``/``copy`` of the same engine join it. A transaction opened inside another
joins it; if the inner one fails and the failure is swallowed, the outer refuses to commit. To
undo a part only, use ``async with OPERATIONS.savepoint():``.

jsonb goes in as any value msgspec can encode (``str`` and ``bytes`` are taken as ready JSON
text) and comes out as JSON text (``str``): decode it with ``msgspec.json.decode(text, type=T)``.
Inside one transaction never ``gather``; start tasks with ``backend.shared.tasks.spawn``.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, TypeAlias

import asyncpg
import msgspec
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

log = logging.getLogger("jiean.db")
Row: TypeAlias = asyncpg.Record


class Doomed(RuntimeError):
    """A part of this transaction failed and the failure was swallowed: nothing was committed."""


LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a connection says that went away; the last one where its farewell is still being read."""


class Transaction(PostgresTransaction):
    """Piccolo's transaction that never leaks: it always rolls back, releases and resets.

    Piccolo's own keeps the context variable set when the rollback itself fails (connection
    lost), so that every later query of that task fails.
    """

    engine: "Database"

    def __init__(self, engine: "Database", allow_nested: bool = True) -> None:
        super().__init__(engine, allow_nested)
        self.doomed = False
        self._outer = engine.current_transaction.get()

    async def __aenter__(self) -> "Transaction":
        if self._outer is not None:
            return self._outer
        self.connection = await self.get_connection()
        try:
            self.transaction = self.connection.transaction()
            await self.transaction.start()
        except BaseException:
            await self._give_back()
            raise
        self._token = self.engine.current_transaction.set(self)
        return self

    async def get_connection(self) -> Any:
        """A pooled connection, or a new one where no pool runs (migrations)."""
        return await self.engine.acquire()

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        if self._outer is not None:
            if exception is not None:
                self._outer.doomed = True
            return False
        try:
            if exception is not None or self.doomed:
                if not self._rolled_back:
                    try:
                        await self.transaction.rollback()
                    except LOST as lost:
                        # the server rolls back a lost connection by itself; the first error
                        # is the one to tell
                        log.warning("rollback on a lost connection: %s", lost)
                if exception is None:
                    raise Doomed("a nested transaction failed and was not raised further")
            elif not self._committed and not self._rolled_back:
                await self.transaction.commit()
        finally:
            self.engine.current_transaction.reset(self._token)
            await self._give_back()
        return False

    async def _give_back(self) -> None:
        if self.engine.pool is None:
            await self.connection.close()
            return
        try:
            await asyncio.shield(self.engine.pool.release(self.connection))
        except LOST as lost:
            log.warning("lost connection given back: %s", lost)


class Database(PostgresEngine):
    """One of the four databases: a Piccolo engine that connects only when told to."""

    current_transaction: ContextVar[Transaction | None]  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        super().__init__(config={"database": name})
        self.name = name
        self.acquire_timeout_s = 10.0

    async def check_version(self) -> None:
        """Nothing: Piccolo's own connects at import."""

    async def prep_database(self) -> None:
        """Nothing: extensions are made by migrations."""

    def configure(self, config: dict[str, Any], *, acquire_timeout_s: float = 10.0) -> None:
        """Say where it is: keyword arguments of ``asyncpg.connect``. Opens nothing."""
        self.config = config
        self.acquire_timeout_s = acquire_timeout_s

    async def start(self, *, min_size: int = 1, max_size: int = 8) -> None:
        """Open the pool.

        Raises:
            OSError, asyncpg.PostgresError: the server is away or refuses.
        """
        self.pool = await asyncpg.create_pool(
            **self.config, min_size=min_size, max_size=max_size, init=_prepare
        )

    async def stop(self, *, timeout_s: float = 1.0) -> None:
        """Close the pool; connections still busy after ``timeout_s`` are cut."""
        pool, self.pool = self.pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), timeout_s)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()

    async def get_new_connection(self) -> asyncpg.Connection:
        """A connection of its own, with our jsonb form; the caller closes it."""
        connection = await asyncpg.connect(**self.config)
        await _prepare(connection)
        return connection

    async def acquire(self) -> Any:
        """A connection of the pool within ``acquire_timeout_s``, else ``TimeoutError``."""
        if self.pool is None:
            return await self.get_new_connection()
        return await self.pool.acquire(timeout=self.acquire_timeout_s)

    def transaction(self, allow_nested: bool = True) -> Transaction:
        """A new transaction, or the present one again where there is one."""
        return Transaction(self, allow_nested)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only this block when it raises; needs a transaction around it."""
        current = self.current_transaction.get()
        if current is None:
            raise RuntimeError("a savepoint needs a transaction")
        before = current.doomed
        point = current.connection.transaction()  # asyncpg's nested transaction is a savepoint
        await point.start()
        try:
            yield
        except BaseException:
            await point.rollback()
            current.doomed = before
            raise
        await point.commit()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """The present transaction's asyncpg connection, or one of the pool."""
        current = self.current_transaction.get()
        if current is not None:
            yield current.connection
            return
        found = await self.acquire()
        try:
            yield found
        finally:
            if self.pool is None:
                await found.close()
            else:
                await self.pool.release(found)

    async def _run_in_pool(self, query: str, args: Sequence[Any] | None = None) -> Any:
        async with self.connection() as connection:
            return await connection.fetch(query, *(args or ()))

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """Rows of one statement with ``$1``-style arguments."""
        async with self.connection() as connection:
            rows: list[Row] = await connection.fetch(sql, *args)
            return rows

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        """The first row, or None."""
        async with self.connection() as connection:
            row: Row | None = await connection.fetchrow(sql, *args)
            return row

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> int:
        """How many rows one statement changed; without arguments several statements may stand."""
        async with self.connection() as connection:
            status: str = await connection.execute(sql, *args)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for many argument lists, pipelined; all or nothing."""
        async with self.connection() as connection:
            await connection.executemany(sql, rows)

    async def copy(
        self, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]
    ) -> None:
        """COPY rows in, about eight times as fast as INSERT; all or nothing."""
        async with self.connection() as connection:
            await connection.copy_records_to_table(table, columns=list(columns), records=records)

    async def notify(self, channel: str, payload: str = "") -> None:
        """Wake listeners of ``channel`` when the present transaction commits.

        Only a hint: at most a short id in ``payload``, the truth is read from tables.
        """
        await self.execute("SELECT pg_notify($1, $2)", channel, payload)


def _to_jsonb(value: Any) -> bytes:
    if isinstance(value, str):
        return b"\x01" + value.encode()
    if isinstance(value, bytes):
        return b"\x01" + value
    return b"\x01" + msgspec.json.encode(value)


def _from_jsonb(wire: bytes) -> str:
    return wire[1:].decode()


async def _prepare(connection: Any) -> None:
    # binary, because COPY takes no text codec; byte 1 is jsonb's version
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_jsonb, decoder=_from_jsonb, format="binary"
    )


OPERATIONS = Database("operations")
IDENTITY = Database("identity")
TELEMETRY = Database("telemetry")
RECORDS = Database("records")
ALL = (OPERATIONS, IDENTITY, TELEMETRY, RECORDS)
