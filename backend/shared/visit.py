"""The databases for one short command, whether the service runs now or not."""

import contextlib
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from backend.settings import Settings
from backend.shared.db import Database
from backend.shared.postgres import EmbeddedPostgres, PostgresFailed
from backend.shared.where import configured


class NotReachable(Exception):
    """The databases cannot be used; the sentence is for the person at the keyboard."""


@asynccontextmanager
async def visiting(settings: Settings, *databases: Database) -> AsyncIterator[None]:
    """Open some databases: of the configured server, of the service that runs on this data
    folder, or, when none runs, of a server of our own that ends with the block.

    Raises:
        NotReachable: there is no database yet, or it does not answer.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            if settings.database.url:
                configured(settings.database).configure(settings.database)
            else:
                postgres = await _embedded(settings, stack)
                postgres.where(settings.database).configure(settings.database)
            for database in databases:
                stack.push_async_callback(database.stop)
                await database.start(min_size=1, max_size=2)
        except PostgresFailed as failed:
            raise NotReachable(str(failed)) from failed
        except (OSError, TimeoutError, asyncpg.PostgresError) as failed:
            raise NotReachable(f"数据库连不上 The database cannot be used: {failed}") from failed
        yield


async def _embedded(settings: Settings, stack: contextlib.AsyncExitStack) -> EmbeddedPostgres:
    folder = settings.data.folder
    postgres = EmbeddedPostgres(folder, port=settings.database.port)
    postgres.attach()
    claim = stack.enter_context((folder / "lock").open("a+"))
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return postgres  # the service holds the folder and runs the server
    postgres.launch()
    stack.push_async_callback(postgres.stop)
    await postgres.ready()
    return postgres
