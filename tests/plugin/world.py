"""A whole platform for one test: real PostgreSQL, the app, and a clock moved by hand.

One server per test session, migrated once; every table is emptied before each test. Ask for
``world``. ``world.client()`` speaks to the app without a network; ``world.serving()`` opens a
real port, for sockets and browsers.
"""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

if TYPE_CHECKING:
    from litestar import Litestar

    from backend.settings import Settings
    from backend.shared.clock import HandClock
    from backend.shared.db import Database
    from backend.shared.where import Where

PASSWORD = "杏花春雨-江南-2026"

# Triggers and foreign keys are off for this session only; deleting beats TRUNCATE by far on
# tables of a few rows. Sequences start again, so that numbers in tests are the same each time.
EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
              WHERE schemaname = 'public' AND tablename <> 'migration' LOOP
    EXECUTE 'DELETE FROM ' || name;
  END LOOP;
  FOR name IN SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences
              WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
    EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
  END LOOP;
END $$;
"""


class Server:
    """The test session's PostgreSQL; not durable, gone at the end."""

    def __init__(self, folder: Path) -> None:
        from backend.settings import DatabaseSettings
        from backend.shared.postgres import EmbeddedPostgres

        self.postgres = EmbeddedPostgres(folder, durable=False)
        self.postgres.launch()
        self.settings = DatabaseSettings(pool_max=12)
        self.where: Where = self.postgres.where(self.settings)

    async def migrate(self) -> None:
        """Bring the databases up to date."""
        from backend import migrate

        await self.postgres.ready()
        await migrate.up(self.where)

    async def empty(self) -> None:
        """Take every row out of every table."""
        await asyncio.gather(*(self._empty(name) for name in self.where.app))

    async def _empty(self, name: str) -> None:
        connection = await self.superuser(name)
        try:
            await connection.execute(EMPTY)
        finally:
            await connection.close()

    async def superuser(self, name: str) -> Any:
        """An asyncpg connection past all rights, to one of the four databases."""
        config = {**self.where.admin, "database": self.where.app[name]["database"]}
        return await asyncpg.connect(**config)


_BUILT: dict[object, "Litestar"] = {}


def _built(settings: "Settings", dist: Path | None) -> "Litestar":
    """The routes, made once for all tests: they cost a quarter of a second of processor time."""
    from backend import web
    from backend.app import ROUTES, build

    key = (
        dist,
        tuple(map(id, ROUTES)),
        msgspec.json.encode([settings.http, settings.demo], enc_hook=str),
    )
    if key not in _BUILT:
        _BUILT[key] = build(settings, dist or web.DIST)
    return _BUILT[key]


class World:
    """One test's platform. ``ctx`` is what routes and the worker get."""

    def __init__(self, server: Server, settings: "Settings", clock: "HandClock") -> None:
        from backend.shared import db
        from backend.shared.context import Context
        from backend.shared.listen import Listener
        from push.live import LiveSockets

        self.server, self.settings, self.clock = server, settings, clock
        self.operations: Database = db.OPERATIONS
        self.identity: Database = db.IDENTITY
        self.telemetry: Database = db.TELEMETRY
        self.records: Database = db.RECORDS
        self.ctx = Context(
            settings=settings,
            clock=clock,
            live=LiveSockets(),
            operations_listener=Listener(db.OPERATIONS),
            telemetry_listener=Listener(db.TELEMETRY),
            mqtt_url="mqtt://127.0.0.1:1",
        )
        self._app: Litestar | None = None

    @property
    def app(self) -> "Litestar":
        """The application, wired when first asked for."""
        if self._app is None:
            self.serve_from(None)
        assert self._app is not None
        return self._app

    def serve_from(self, dist: Path | None) -> None:
        """Use the web app built in that folder; None for the usual one."""
        from backend.app import wire

        self._app = wire(_built(self.settings, dist), self.ctx)

    @asynccontextmanager
    async def client(
        self, role: str | None = None, **more: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the app; signed in with ``role`` where one is given (see ``login``)."""
        door = httpx.ASGITransport(app=self.app)  # type: ignore[arg-type]
        headers = {"X-Jiean": "1"}
        async with httpx.AsyncClient(
            transport=door, base_url="http://127.0.0.1", headers=headers
        ) as client:
            if role is not None:
                await self.login(client, role, **more)
            yield client

    async def account(self, *roles: str, login: str = "", **more: Any) -> UUID:
        """Make an account whose password is ``PASSWORD``; the login is the first role's name."""
        from backend.access import accounts

        return await accounts.create(
            login=login or roles[0],
            name=more.pop("name", login or roles[0]),
            password=PASSWORD,
            roles=roles,
            actor="test",
            at=self.clock.now(),
            **more,
        )

    async def login(self, client: httpx.AsyncClient, role: str, **more: Any) -> dict[str, Any]:
        """Sign ``client`` in with an account of that role, made if there is none; gives Me."""
        login = more.get("login") or role
        known = await self.operations.fetch_value("SELECT id FROM account WHERE login=$1", login)
        if known is None:
            await self.account(role, **more)
        answer = await client.post("/api/session", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        me: dict[str, Any] = answer.json()
        return me

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The app on a real loopback port; gives ``http://127.0.0.1:PORT``."""
        from backend.serve import http_server

        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            server = http_server(self.app)
            task = asyncio.create_task(server.serve(sockets=[door]))
            await server.up.wait()
            try:
                yield f"http://127.0.0.1:{door.getsockname()[1]}"
            finally:
                server.should_exit = True
                await task


@pytest.fixture(scope="session")
def database_server() -> Iterator[Server]:
    """The PostgreSQL of this test session, migrated."""
    from argon2 import PasswordHasher

    from backend.access import passwords

    # not tmp_path_factory: its folders are closed, and PostgreSQL may run as nobody
    folder = Path(tempfile.mkdtemp(prefix="jiean-test-"))
    folder.chmod(0o711)
    server = Server(folder)
    # of the kind that service uses, but quick: most tests sign somebody in
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    try:
        asyncio.run(server.migrate())
        yield server
    finally:
        asyncio.run(server.postgres.stop())
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def made_world(
    server: Server, folder: Path, variables: dict[str, str] | None = None
) -> AsyncIterator[World]:
    """A World on an emptied database; for tests that set their own ``variables``.

    Args:
        server: the fixture ``database_server``.
        folder: the data folder (photos, keys).
        variables: settings as in the environment.
    """
    from backend import settings
    from backend.shared import db
    from backend.shared.clock import HandClock

    await server.empty()
    given = settings.load({"JIEAN_DATA": str(folder), **(variables or {})})
    server.where.configure(server.settings)
    async with AsyncExitStack() as stack:
        for database in db.ALL:
            await database.start(min_size=1, max_size=server.settings.pool_max)
            stack.push_async_callback(database.stop)
        yield World(server, given, HandClock())


@pytest.fixture
async def world(database_server: Server, tmp_path: Path) -> AsyncIterator[World]:
    """An empty platform at 2026-03-02 08:00 UTC."""
    async with made_world(database_server, tmp_path) as made:
        yield made
