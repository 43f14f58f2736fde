"""``jiean user`` as a person runs it: a program of its own, beside the service or without it."""

import asyncio
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import migrate
from backend.settings import DatabaseSettings
from backend.shared.postgres import EmbeddedPostgres
from tests.plugin.world import PASSWORD, World

ROOT = Path(__file__).parents[2]


async def user(*words: str, typed: str = "", **variables: str) -> tuple[int, str, str]:
    """Exit status, output and error output of ``jiean user WORDS``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JIEAN_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.cli", "user", *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, cwd=ROOT, env={**kept, **variables},
    )  # fmt: skip
    out, err = await child.communicate(typed.encode())
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


def on(world: World) -> dict[str, str]:
    admin = world.server.where.admin
    url = f"postgresql://{admin['user']}:{admin['password']}@{admin['host']}:{admin['port']}"
    return {"JIEAN_DATABASE_URL": url, "JIEAN_DATA": str(world.ctx.data)}


async def test_the_first_account_comes_from_the_command_line_and_signs_in(world: World) -> None:
    add = ("add", "wangfang", "--name", "王芳", "--roles", "desk,desk_lead", "--password-stdin")
    status, out, err = await user(*add, typed=PASSWORD + "\n", **on(world))
    assert (status, err) == (0, "")
    async with world.client() as client:
        answer = await client.post("/api/session", json={"login": "wangfang", "password": PASSWORD})
    assert answer.json()["accountId"] == out.strip()
    status, out, _ = await user("list", **on(world))
    assert out.strip() == "wangfang\t王芳\tdesk,desk_lead"
    assert PASSWORD not in out


async def test_a_weak_password_and_a_taken_login_are_refused_in_words(world: World) -> None:
    add = ("add", "desk", "--roles", "desk", "--password-stdin")
    status, out, err = await user(*add, typed="123456\n", **on(world))
    assert (status, out) == (1, "")
    assert "10" in err
    assert "Traceback" not in err
    await world.account("desk")
    status, _, err = await user(*add, typed=PASSWORD, **on(world))
    assert status == 1
    assert "taken" in err


async def test_a_disabled_account_is_out_at_once(world: World) -> None:
    async with world.client("desk") as client:
        assert (await user("disable", "desk", **on(world)))[0] == 0
        assert (await client.get("/api/session")).status_code == 401
    status, _, err = await user("disable", "desk", **on(world))
    assert (status, "No such account" in err) == (1, True)
    assert (await user("password", "desk", "--password-stdin", typed=PASSWORD, **on(world)))[0] == 1


async def test_a_new_password_from_the_command_line_ends_the_sessions(world: World) -> None:
    async with world.client("desk") as client:
        words = ("password", "desk", "--password-stdin")
        assert (await user(*words, typed="Quite-new-2026\n", **on(world)))[0] == 0
        assert (await client.get("/api/session")).status_code == 401


async def test_without_a_database_the_command_says_what_to_do(tmp_path: Path) -> None:
    status, _, err = await user("list", JIEAN_DATA=str(tmp_path))
    assert status == 1
    assert "jiean serve" in err
    assert "Traceback" not in err
    assert os.listdir(tmp_path) == []  # noqa: PTH208


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Not tmp_path: its folders are closed, and PostgreSQL may run as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="jiean-cli-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def test_the_embedded_database_is_used_whether_it_runs_or_not(open_folder: Path) -> None:
    postgres = EmbeddedPostgres(open_folder, durable=False)
    postgres.launch()
    await postgres.ready()
    await migrate.up(postgres.where(DatabaseSettings()))
    data = {"JIEAN_DATA": str(open_folder)}
    add = ("add", "desk", "--roles", "desk", "--password-stdin")
    with (open_folder / "lock").open("a+") as held:  # as the running service does
        fcntl.flock(held, fcntl.LOCK_EX)
        assert (await user(*add, typed=PASSWORD, **data))[0] == 0
    await postgres.stop()
    status, out, _ = await user("list", **data)
    assert (status, out.startswith("desk\t")) == (0, True)
