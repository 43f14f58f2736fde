"""The embedded server: dies with its owner, comes back alone, keeps every committed row."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from backend.settings import DatabaseSettings
from backend.shared import place, postgres
from backend.shared.postgres import EmbeddedPostgres, PostgresFailed

OWNER = """
import asyncio, sys, time
from pathlib import Path
from backend.shared.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.launch()
asyncio.run(server.ready())
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder with a cluster in it, made once: initdb is the slow part."""
    folder = Path(tempfile.mkdtemp(prefix="jiean-test-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder)
    server.launch()
    asyncio.run(server.ready())
    asyncio.run(server.stop())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def server(made: Path) -> AsyncIterator[EmbeddedPostgres]:
    one = EmbeddedPostgres(made)
    one.launch()
    await one.ready()
    yield one
    await one.stop()


async def sql(server: EmbeddedPostgres, text: str) -> Any:
    """One statement as superuser; tried again while the server is away."""
    config = server.where(DatabaseSettings()).admin
    async with asyncio.timeout(30):
        while True:
            try:
                connection = await asyncpg.connect(**config)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.02)
                continue
            try:
                return await connection.fetchval(text)
            finally:
                await connection.close()


def exists(pid: int) -> bool:
    """True where a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


linux = pytest.mark.skipif(sys.platform != "linux", reason="the tie to the owner is Linux's")


@linux
async def test_a_killed_owner_leaves_no_server_behind_and_every_row_kept(made: Path) -> None:
    owner = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", OWNER, str(made)], stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    pid = int(await asyncio.to_thread(owner.stdout.readline))
    server = EmbeddedPostgres(made)
    server.attach()
    await sql(server, "CREATE TABLE IF NOT EXISTS kept (id int)")
    await sql(server, "INSERT INTO kept VALUES (1)")
    owner.kill()
    owner.wait()
    owner.stdout.close()
    async with asyncio.timeout(20):
        while exists(pid):
            await asyncio.sleep(0.01)
    again = EmbeddedPostgres(made)
    again.launch()
    await again.ready()
    assert await sql(again, "SELECT count(*) FROM kept") == 1
    await again.stop()


async def test_a_killed_server_comes_back_with_every_row(server: EmbeddedPostgres) -> None:
    server.watch()
    await sql(server, "CREATE TABLE IF NOT EXISTS back (id int)")
    await sql(server, "INSERT INTO back VALUES (1)")
    first = server.pid
    os.kill(first, signal.SIGKILL)
    assert await sql(server, "SELECT count(*) FROM back") == 1
    assert server.pid != first
    assert server.restarts >= 1


async def test_a_stop_leaves_no_process_and_no_claim(made: Path) -> None:
    server = EmbeddedPostgres(made)
    server.launch()
    await server.ready()
    server.watch()
    pid = server.pid
    await server.stop()
    assert not exists(pid)
    assert not (made / "postgres" / "postmaster.pid").exists()
    assert server.restarts == 0


async def test_a_claim_whose_process_is_somebody_else_is_no_obstacle(made: Path) -> None:
    (made / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\nelsewhere\n")
    server = EmbeddedPostgres(made)
    server.launch()
    await server.ready()
    assert await sql(server, "SELECT 1") == 1
    await server.stop()


async def test_a_port_that_was_taken_meanwhile_is_changed(made: Path) -> None:
    kept = int((made / "postgres.port").read_text())
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past TIME_WAIT
        thief.bind(("127.0.0.1", kept))
        thief.listen()
        server = EmbeddedPostgres(made)
        server.launch()
        await server.ready()
        assert server.port != kept
        assert await sql(server, "SELECT 1") == 1
        await server.stop()


def test_a_port_of_the_settings_that_is_taken_is_said(made: Path) -> None:
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        with pytest.raises(PostgresFailed, match="JIEAN_DATABASE_PORT"):
            EmbeddedPostgres(made, port=thief.getsockname()[1]).launch()


async def test_a_server_that_cannot_start_says_what_it_said_itself(made: Path) -> None:
    config = made / "postgres" / "postgresql.auto.conf"
    before = config.read_text()
    config.write_text("work_mem = 'a lot'\n")
    server = EmbeddedPostgres(made)
    server.launch()
    with pytest.raises(PostgresFailed, match="work_mem"):
        await server.ready()
    await server.stop()
    config.write_text(before)


async def test_rows_are_on_disk_before_a_commit_is_told(server: EmbeddedPostgres) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await sql(server, f"SHOW {setting}") == "on"


async def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    config = {**server.where(DatabaseSettings()).admin, "password": "wrong"}
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(**config)
    secrets = (server._data / "postgres.json").stat()
    assert secrets.st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root moves a server to open ground")
def test_below_a_closed_folder_the_server_lives_on_open_ground(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "OPEN_GROUND", made / "ground")
    closed = made / "closed"
    closed.mkdir(mode=0o700)
    home = place.home(closed / "data")
    assert home.parent == made / "ground"
    assert home.owner() == "nobody"
    assert (closed / "data").resolve() == home
    assert place.home(closed / "data") == home
    installed, version, libraries = postgres._installation()
    package = closed / "packages" / installed.parent.name
    shutil.copytree(installed, package / installed.name, symlinks=True)
    shutil.copytree(libraries, package.with_name(libraries.name), symlinks=True)
    copy = place.programs(package / installed.name, version, package.with_name(libraries.name))
    assert copy.is_relative_to(made / "ground")
    shutil.rmtree(closed / "packages")
    done = subprocess.run([copy / "bin" / "initdb", "--version"], user="nobody", check=True)
    assert done.returncode == 0
