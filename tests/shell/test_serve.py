"""``jiean serve`` as its operator meets it: starts, says what is wrong, stops cleanly."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

LIMIT_S = 100


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """One ``jiean serve`` in a process of its own."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.port = int(more.get("JIEAN_HTTP_PORT", free_port()))
        own = {key: value for key, value in os.environ.items() if not key.startswith("JIEAN_")}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "backend.cli", "serve"],
            env={
                **own,
                "JIEAN_DATA": str(folder),
                "JIEAN_HTTP_PORT": str(self.port),
                "JIEAN_MQTT_PORT": str(free_port()),
                **more,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if ": ready" in line:
                self._ready.set()
        self._ready.set()

    def ready(self) -> "Served":
        assert self._ready.wait(LIMIT_S), self.text
        assert self.process.poll() is None, self.text
        return self

    @property
    def text(self) -> str:
        return "".join(self.said)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def health(self) -> dict[str, object]:
        answer = httpx.get(f"http://127.0.0.1:{self.port}/api/health", timeout=20)
        found: dict[str, object] = answer.json()
        return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder that lives through the file's tests: the second start is the usual one."""
    made = Path(tempfile.mkdtemp(prefix="jiean-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def children(pid: int) -> set[int]:
    """Processes whose parent is ``pid``."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(stat.parent.name))
    return found


linux = pytest.mark.skipif(sys.platform != "linux", reason="counts processes by /proc")


@linux
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_answers_and_stops_without_leaving_a_process(
    folder: Path, how: signal.Signals
) -> None:
    served = Served(folder).ready()
    assert served.health()["status"] == "ok"
    beside = children(served.process.pid)
    assert len(beside) >= 2, "database server and broker"
    assert served.end(how) == 0, served.text
    assert not any(Path(f"/proc/{pid}").exists() for pid in beside)
    assert "Traceback" not in served.text


@linux
def test_after_a_kill_it_starts_again_on_the_same_folder(folder: Path) -> None:
    served = Served(folder).ready()
    served.end(signal.SIGKILL)
    again = Served(folder).ready()
    assert again.health()["status"] == "ok"
    assert again.end() == 0, again.text


def test_a_second_one_on_the_same_folder_is_refused_and_told_who_has_it(folder: Path) -> None:
    first = Served(folder).ready()
    second = Served(folder)
    assert second.wait() == 1
    assert f"in use by process {first.process.pid}" in second.text
    assert first.end() == 0


def test_a_port_that_is_taken_is_said_before_anything_is_started(
    folder: Path, tmp_path: Path
) -> None:
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        port = str(thief.getsockname()[1])
        served = Served(tmp_path / "web", JIEAN_HTTP_PORT=port)
        assert served.wait() == 1
        assert "JIEAN_HTTP_PORT" in served.text
        assert not (tmp_path / "web" / "postgres").exists()
        served = Served(folder, JIEAN_MQTT_PORT=port)
        assert served.wait() == 1
        assert "JIEAN_MQTT_PORT" in served.text
        assert "Traceback" not in served.text


def test_all_wrong_settings_are_told_at_once_and_nothing_starts(tmp_path: Path) -> None:
    served = Served(
        tmp_path / "data", JIEAN_TIMERS_CALL_120_S="soon", JIEAN_MQTT_BACH_MS="1",
        JIEAN_ACCESS_LOCKOUT_MIN="0",
    )  # fmt: skip
    assert served.wait() == 1
    for name in ("CALL_120_S", "BACH_MS", "LOCKOUT_MIN"):
        assert name in served.text
    assert not (tmp_path / "data").exists()


def test_a_database_server_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    served = Served(
        tmp_path / "data", JIEAN_DATABASE_URL=f"postgresql://jiean:x@127.0.0.1:{free_port()}"
    )
    assert served.wait() == 1
    assert "The database cannot be used" in served.text
    assert "Traceback" not in served.text


@linux
def test_a_stop_during_the_start_is_obeyed(folder: Path) -> None:
    served = Served(folder)
    lock = folder / "lock"
    while not lock.exists() or lock.read_text().strip() != str(served.process.pid):
        assert served.process.poll() is None, served.text
    code = served.end()
    assert code in (0, -signal.SIGTERM), served.text
    again = Served(folder).ready()
    assert again.end() == 0
