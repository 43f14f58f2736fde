"""Databases, roles and tables brought up to date: one lock, one order, one transaction per file.

Each domain has one Piccolo app per database. A migration is a file of its folder; which ones ran
is remembered in the ``migration`` table of the same database. Start with ``APPS``.
"""

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg

from backend.settings import Settings, SettingsError, load
from backend.shared import migrating
from backend.shared.postgres import EmbeddedPostgres, PostgresFailed
from backend.shared.where import NAMES, Where, configured

APPS: list[tuple[str, str]] = [
    # (database, module of the app); the folder of its migrations is the module's name with
    # ``_app`` replaced by ``_migrations``. Add a row only when the domain exists.
    ("operations", "backend.audit.entry_app"),
    ("identity", "backend.audit.entry_app"),
    ("telemetry", "backend.audit.entry_app"),
    ("records", "backend.audit.piccolo_app"),
    ("operations", "backend.access.piccolo_app"),
    ("operations", "backend.devices.piccolo_app"),
    ("telemetry", "backend.sensing.piccolo_app"),
    ("operations", "backend.evidence.piccolo_app"),
    ("operations", "backend.staff.piccolo_app"),
    ("operations", "backend.offices.piccolo_app"),
    ("identity", "backend.residents.piccolo_app"),
    ("operations", "backend.messages.piccolo_app"),
    ("operations", "backend.reach.piccolo_app"),
    ("operations", "backend.incidents.piccolo_app"),
    ("operations", "backend.documents.piccolo_app"),
    ("operations", "backend.inspection.piccolo_app"),
    ("operations", "backend.dispatch.piccolo_app"),
    ("records", "backend.archive.piccolo_app"),
]

ROOT = Path(__file__).resolve().parent.parent
LOCK_KEY = 8_317_001
App = tuple[str, str]


class MigrationFailed(Exception):
    """A database could not be brought up to date; the sentence says which and why."""


def names(app: App) -> list[str]:
    """The migrations of an app, oldest first: the names of its files.

    Raises:
        MigrationFailed: the app has no folder; a missing domain must not pass silently.
    """
    folder = _folder(app)
    if not folder.is_dir():
        raise MigrationFailed(f"{app[1]}: no folder {folder.name} with migrations")
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def _folder(app: App) -> Path:
    return ROOT.joinpath(*_package(app).split("."))


def _package(app: App) -> str:
    return app[1].removesuffix("_app") + "_migrations"


def app_name(app: App) -> str:
    """How the app is called in the ``migration`` table: ``access``, ``audit.records``."""
    module = app[1].removeprefix("backend.")
    return module.removesuffix(".piccolo_app").removesuffix("_app")


async def pending(where: Where, apps: Sequence[App] | None = None) -> bool:
    """True where any database, table or migration is missing; quick, changes nothing."""
    wanted = APPS if apps is None else apps
    found = await asyncio.gather(*(_ran(where.app[name]) for name in NAMES))
    by_database = dict(zip(NAMES, found, strict=True))
    if any(ran is None for ran in found):
        return True
    return any(
        (app_name(app), name) not in (by_database[app[0]] or set())
        for app in wanted
        for name in names(app)
    )


async def _ran(config: dict[str, Any]) -> set[tuple[str, str]] | None:
    try:
        connection = await asyncpg.connect(**config)
    except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError):
        return None
    try:
        rows = await connection.fetch("SELECT app_name, name FROM migration")
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        return None
    finally:
        await connection.close()
    return {(row["app_name"], row["name"]) for row in rows}


async def up(where: Where, apps: Sequence[App] | None = None) -> int:
    """Make what is missing in all four databases.

    Safe when several processes do it at once: each database is held by an advisory lock.

    Returns:
        How many migrations ran.

    Raises:
        MigrationFailed: one did not; everything before it stays, itself is undone.
    """
    wanted = list(APPS if apps is None else apps)
    if not await pending(where, wanted):
        return 0
    await prepare(where)
    count = 0
    for name in NAMES:
        async with _held(where, name):
            count += await _forwards(where, name, [app for app in wanted if app[0] == name])
    return count


async def down(where: Where, apps: Sequence[App] | None = None) -> int:
    """Undo every migration, newest first; data go with them. Returns how many."""
    wanted = list(APPS if apps is None else apps)
    count = 0
    for name in NAMES:
        async with _held(where, name):
            mine = [app for app in wanted if app[0] == name]
            count += await _backwards(where, name, mine)
    return count


@contextlib.asynccontextmanager
async def _held(where: Where, name: str) -> Any:
    """The advisory lock of one database, on a connection of its own."""
    config = {**where.owner[name], "command_timeout": None}
    connection = await asyncpg.connect(**config)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        yield
    finally:
        await connection.close()  # gives the lock back, also when we are cancelled


async def _forwards(where: Where, name: str, apps: Iterable[App]) -> int:
    from piccolo.apps.migrations.tables import Migration

    database, count = where.owner_of(name), 0
    await database.execute(_grants(name))
    with _piccolo(database):
        if not await Migration.table_exists():
            await Migration.create_table()
        for app in apps:
            ran = set(await Migration.get_migrations_which_ran(app_name(app)))
            for migration in names(app):
                if migration not in ran:
                    await _step(database, app, migration, backwards=False)
                    count += 1
    return count


async def _backwards(where: Where, name: str, apps: Sequence[App]) -> int:
    from piccolo.apps.migrations.tables import Migration

    database, count = where.owner_of(name), 0
    with _piccolo(database):
        for app in reversed(apps):
            ran = set(await Migration.get_migrations_which_ran(app_name(app)))
            for migration in reversed(names(app)):
                if migration in ran:
                    await _step(database, app, migration, backwards=True)
                    count += 1
    return count


async def _step(database: Any, app: App, migration: str, *, backwards: bool) -> None:
    """One file and the row that remembers it, in one transaction."""
    from piccolo.apps.migrations.tables import Migration

    module = import_module(f"{_package(app)}.{migration}")
    if migration != module.ID:
        raise MigrationFailed(f"{migration}.py calls itself {module.ID}")
    try:
        async with database.transaction():
            with contextlib.redirect_stdout(io.StringIO()):  # Piccolo tells each step there
                manager: Any = await module.forwards()
                await manager.run(backwards=backwards)
            if backwards:
                await Migration.delete().where(
                    (Migration.name == migration) & (Migration.app_name == app_name(app))
                )
            else:
                await Migration.insert(Migration(name=migration, app_name=app_name(app)))
    except asyncpg.PostgresError as error:
        way = "backwards" if backwards else "forwards"
        raise MigrationFailed(f"{database.name}: {migration} {way}: {error}") from error


@contextlib.contextmanager
def _piccolo(database: Any) -> Any:
    """Aim Piccolo's own machinery, which knows one database per process, at this one."""
    from piccolo.apps.migrations.tables import Migration

    before, conf = Migration._meta._db, os.environ.get("PICCOLO_CONF")
    Migration._meta._db = database
    os.environ["PICCOLO_CONF"] = "backend.piccolo_conf"
    migrating.aim(database)
    try:
        yield
    finally:
        migrating.aim(None)
        Migration._meta._db = before
        if conf is None:
            del os.environ["PICCOLO_CONF"]
        else:
            os.environ["PICCOLO_CONF"] = conf


def _grants(name: str) -> str:
    """Rights of the service on tables that the owner will make.

    In ``records`` the service may only add and read (7.3.4: graded storage).
    """
    rights = "SELECT, INSERT" if name == "records" else "SELECT, INSERT, UPDATE, DELETE"
    role = migrating.APP_ROLE
    return f"""
        GRANT USAGE ON SCHEMA public TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON TABLES TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role};
    """


async def prepare(where: Where) -> None:
    """Roles and empty databases, where they are missing.

    Raises:
        MigrationFailed: the owner of the configured server may not make them.
    """
    connection = await asyncpg.connect(**where.admin)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        await _roles(connection, where)
        for name in NAMES:
            database = where.owner[name]["database"]
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname=$1", database):
                continue
            owner = f" OWNER {where.owner_login[0]}" if where.owner_login else ""
            await connection.execute(f'CREATE DATABASE "{database}"{owner} TEMPLATE template0')
            if where.logins:
                login = where.app[name]["user"]
                await connection.execute(
                    f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC;'
                    f'GRANT CONNECT ON DATABASE "{database}" TO {login}'
                )
    except asyncpg.InsufficientPrivilegeError as refused:
        raise MigrationFailed(
            f"the database server refuses: {refused}. Give JIEAN_DATABASE_OWNER_URL a user with "
            f"CREATEDB and CREATEROLE, or make the role {migrating.APP_ROLE} and the databases "
            + ", ".join(where.owner[name]["database"] for name in NAMES)
        ) from refused
    finally:
        await connection.close()


async def _roles(connection: Any, where: Where) -> None:
    known = {row[0] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    if migrating.APP_ROLE not in known:
        await connection.execute(f"CREATE ROLE {migrating.APP_ROLE} NOLOGIN")
    # the passwords are 256 random bits: stretching them would only make connecting slow
    await connection.execute("SET scram_iterations = 1")
    owners = [where.owner_login] if where.owner_login else []
    for role, password in [*owners, *where.logins.items()]:
        verb = "ALTER" if role in known else "CREATE"
        await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{password}'")
    for role in where.logins:
        await connection.execute(f"GRANT {migrating.APP_ROLE} TO {role}")
    if not where.logins:
        user = await _user_of(where.app["operations"])
        owner = await connection.fetchval("SELECT current_user")
        if user != owner:
            await connection.execute(f'GRANT {migrating.APP_ROLE} TO "{user}"')


async def _user_of(config: dict[str, Any]) -> str:
    connection = await asyncpg.connect(**{**config, "database": "postgres"})
    try:
        user: str = await connection.fetchval("SELECT current_user")
        return user
    finally:
        await connection.close()


USAGE = """usage: jiean migrate

Makes or updates the four databases and ends; `jiean serve` does the same at its start.
建立或更新四个数据库。"""


def main(argv: list[str]) -> int:
    """``jiean migrate``: 0 when everything is up to date, 1 with a reason, 2 for wrong words."""
    from backend import serve

    if argv:
        print(USAGE, file=sys.stderr)
        return 0 if argv[0] in ("-h", "--help") else 2
    try:
        settings = load()
        with serve.held(settings.data.folder):
            count = serve.run(_main(settings))
    except SettingsError as wrong:
        return serve.tell("设置有误 Wrong settings:", *wrong.problems)
    except (serve.CannotStart, MigrationFailed, PostgresFailed) as why:
        return serve.tell(str(why))
    except (OSError, asyncpg.PostgresError) as failed:
        return serve.tell(f"数据库连不上 The database cannot be used: {failed}")
    print(f"已是最新 up to date ({count} migrations ran)")
    return 0


async def _main(settings: Settings) -> int:
    if settings.database.url:
        return await up(configured(settings.database))
    postgres = EmbeddedPostgres(settings.data.folder, port=settings.database.port)
    try:
        postgres.launch()
        await postgres.ready()
        return await up(postgres.where(settings.database))
    finally:
        await postgres.stop()
