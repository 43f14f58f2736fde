"""The databases are made, undone and made again; two at once do it once; rights hold."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from backend import migrate
from backend.settings import DatabaseSettings
from backend.shared import migrating
from backend.shared.where import NAMES, Where, configured
from tests.plugin.world import Server, World

FILE = """
from backend.shared import migrating
ID = "{name}"
async def forwards():
    return migrating.steps(ID, forwards=[{forwards!r}], backwards=[{backwards!r}])
"""


@pytest.fixture
async def trial(database_server: Server) -> AsyncIterator[Where]:
    """Four empty databases of another prefix on the same server."""
    where = database_server.postgres.where(DatabaseSettings(prefix="trial_"))
    yield where
    boss = await database_server.superuser("operations")
    for name in NAMES:
        await boss.execute(f"DROP DATABASE IF EXISTS trial_{name} WITH (FORCE)")
    await boss.close()


@pytest.fixture
def pebbles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A domain with two migrations, importable as ``stones``."""
    folder = tmp_path / "stones" / "piccolo_migrations"
    folder.mkdir(parents=True)
    for name, forwards, backwards in (
        ("stones_0001_pebble", "CREATE TABLE pebble (id int)", "DROP TABLE pebble"),
        ("stones_0002_rock", "CREATE TABLE rock (id int)", "DROP TABLE rock"),
    ):
        text = FILE.format(name=name, forwards=forwards, backwards=backwards)
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(migrate, "ROOT", tmp_path)
    return folder


STONES = [("telemetry", "stones.piccolo_app")]


async def tables(where: Where, name: str) -> set[str]:
    rows = await where.owner_of(name).fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    return {row["tablename"] for row in rows}


async def test_every_migration_runs_forwards_backwards_and_forwards_again(trial: Where) -> None:
    count = await migrate.up(trial)
    assert count == sum(len(migrate.names(app)) for app in migrate.APPS)
    made = {name: await tables(trial, name) for name in NAMES}
    assert await migrate.up(trial) == 0
    assert await migrate.down(trial) == count
    for name in NAMES:
        assert await tables(trial, name) == {"migration"}
    assert await migrate.up(trial) == count
    assert {name: await tables(trial, name) for name in NAMES} == made


async def test_two_that_start_at_once_migrate_once(trial: Where, pebbles: Path) -> None:
    counts = await asyncio.gather(*(_apart(trial) for _ in range(3)))
    assert sorted(counts) == [0, 0, 2]


async def _apart(where: Where) -> int:
    """In a process of its own: what is aimed at is one per process."""
    script = (
        "import asyncio, sys, msgspec; from backend import migrate;"
        "from backend.shared.where import Where; from pathlib import Path;"
        f"migrate.ROOT = Path({str(migrate.ROOT)!r}); sys.path.insert(0, {str(migrate.ROOT)!r});"
        "where = msgspec.json.decode(sys.stdin.buffer.read(), type=Where);"
        f"print(asyncio.run(migrate.up(where, {STONES!r})))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=-1, stdout=-1, stderr=-1
    )
    out, errors = await process.communicate(msgspec.json.encode(where))
    assert process.returncode == 0, errors.decode()
    return int(out)


async def test_a_failing_migration_leaves_nothing_of_itself_and_stops(
    trial: Where, pebbles: Path
) -> None:
    broken = "CREATE TABLE sand (id int); SELECT 1/0"
    name = "stones_0003_sand"
    (pebbles / f"{name}.py").write_text(FILE.format(name=name, forwards=broken, backwards=""))
    with pytest.raises(migrate.MigrationFailed, match="stones_0003_sand forwards: division"):
        await migrate.up(trial, STONES)
    assert await tables(trial, "telemetry") == {"migration", "pebble", "rock"}
    assert await migrate.pending(trial, STONES)


async def test_an_app_without_its_folder_is_an_error_not_a_silence(trial: Where) -> None:
    with pytest.raises(migrate.MigrationFailed, match="no folder"):
        await migrate.up(trial, [("operations", "backend.nowhere.piccolo_app")])


async def test_a_file_that_names_itself_otherwise_is_refused(trial: Where, pebbles: Path) -> None:
    text = FILE.format(name="other", forwards="SELECT 1", backwards="SELECT 1")
    (pebbles / "stones_0009_named.py").write_text(text)
    with pytest.raises(migrate.MigrationFailed, match="calls itself other"):
        await migrate.up(trial, STONES)


async def test_an_insert_only_table_refuses_change_even_by_its_owner(trial: Where) -> None:
    await migrate.up(trial, [])
    owner = trial.owner_of("operations")
    await owner.execute("CREATE TABLE fact (id int)")
    await owner.execute(migrating.insert_only("fact"))
    app = await asyncpg.connect(**trial.app["operations"])
    try:
        await app.execute("INSERT INTO fact VALUES (1)")
        for refused in ("UPDATE fact SET id = 2", "DELETE FROM fact", "TRUNCATE fact"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.execute(refused)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(refused)
        assert await app.fetchval("SELECT count(*) FROM fact") == 1
    finally:
        await app.close()


async def test_the_service_may_only_add_and_read_in_records(trial: Where) -> None:
    await migrate.up(trial, [])
    await trial.owner_of("records").execute("CREATE TABLE leaf (id int)")
    app = await asyncpg.connect(**trial.app["records"])
    try:
        await app.execute("INSERT INTO leaf VALUES (1)")
        for refused in ("UPDATE leaf SET id = 2", "DELETE FROM leaf", "DROP TABLE leaf"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(refused)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE more (id int)")
    finally:
        await app.close()


@pytest.mark.clause("7.3.4-a")
async def test_each_role_of_the_service_reaches_its_own_database_only(world: World) -> None:
    where = world.server.where
    for name in NAMES:
        for other in NAMES:
            config = {**where.app[name], "database": where.app[other]["database"]}
            if name == other:
                await (await asyncpg.connect(**config)).close()
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await asyncpg.connect(**config)


async def test_a_configured_server_is_prepared_by_its_owner_and_used_by_its_user(
    trial: Where, database_server: Server
) -> None:
    admin = database_server.where.admin
    boss = await database_server.superuser("operations")
    await boss.execute("DROP ROLE IF EXISTS tenant; CREATE ROLE tenant LOGIN PASSWORD 'pw'")
    address = f"127.0.0.1:{admin['port']}"
    where = configured(
        DatabaseSettings(
            url=f"postgresql://tenant:pw@{address}",
            owner_url=f"postgresql://{admin['user']}:{admin['password']}@{address}",
            prefix="trial_",
        )
    )
    try:
        assert await migrate.up(where) > 0
        assert await migrate.up(where) == 0
        app = await asyncpg.connect(**where.app["operations"])
        assert await app.fetchval("SELECT current_user") == "tenant"
        assert await app.fetchval("SELECT count(*) FROM account") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("DROP TABLE account")
        await app.close()
    finally:
        await boss.execute("REVOKE jiean_app FROM tenant; DROP ROLE tenant")
        await boss.close()


async def test_an_owner_who_may_not_make_databases_is_told_what_to_give(
    trial: Where, database_server: Server
) -> None:
    admin = database_server.where.admin
    boss = await database_server.superuser("operations")
    await boss.execute("DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN PASSWORD 'pw'")
    where = configured(
        DatabaseSettings(url=f"postgresql://weak:pw@127.0.0.1:{admin['port']}", prefix="trial_")
    )
    try:
        with pytest.raises(migrate.MigrationFailed, match="JIEAN_DATABASE_OWNER_URL"):
            await migrate.up(where)
    finally:
        await boss.execute("DROP ROLE weak")
        await boss.close()
