"""The real ``jiean serve`` as a child process of the demonstration and of the bench.

The same program with the same door as in service; only its settings differ.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0


class ServeFailed(Exception):
    """The service did not come up; the sentence holds its last words."""


class Serve:
    """One child.

    Args:
        folder: its data folder; the log is ``serve.log`` in it.
        port: of the web face.
        mqtt_port: of the broker that it starts.
        settings: further ``JIEAN_…`` variables; with a certificate among them it speaks HTTPS.
        verify: what its clients trust, where it speaks HTTPS.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        mqtt_port: int,
        settings: Mapping[str, str],
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.verify = verify
        self.base = f"{'https' if verify else 'http'}://127.0.0.1:{port}"
        self.mqtt_url = f"mqtt://127.0.0.1:{mqtt_port}"
        self.environment = {
            "JIEAN_DATA": str(self.folder),
            "JIEAN_HTTP_PORT": str(port),
            "JIEAN_MQTT_PORT": str(mqtt_port),
            **settings,
        }
        self._child: subprocess.Popen[bytes] | None = None
        self.start_ms = 0.0

    @property
    def pid(self) -> int:
        """Of the running child."""
        assert self._child is not None
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child lives."""
        return self._child is not None and self._child.poll() is None

    async def start(self) -> None:
        """Spawn it and wait until ``/api/health`` says 200; ``start_ms`` is how long that took.

        Raises:
            ServeFailed: it ended, or did not answer within a minute.
        """
        began = time.monotonic()
        child = self._child = self._spawn()
        verify = self.verify or True
        async with httpx.AsyncClient(base_url=self.base, timeout=2.0, verify=verify) as client:
            while True:
                if child.poll() is not None:
                    raise ServeFailed(f"服务没有启动 serve ended: {self._last_words()}")
                if time.monotonic() - began > START_LIMIT_S:
                    await self.stop()
                    raise ServeFailed(f"服务一分钟未就绪 not ready: {self._last_words()}")
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get("/api/health")).status_code == 200:
                        break
                await asyncio.sleep(0.02)
        self.start_ms = (time.monotonic() - began) * 1000

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("JIEAN_")}
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "backend.cli", "serve"],
                env={**inherited, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is ours to pass on, in order
                preexec_fn=_dies_with_us(),
            )

    async def stop(self) -> None:
        """Ask it to stop, wait, and end it if it does not."""
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            await asyncio.wait_for(asyncio.to_thread(child.wait), STOP_LIMIT_S)
        except TimeoutError:
            child.kill()
            await asyncio.to_thread(child.wait)

    async def kill(self) -> None:
        """End it as a crash would, by kill -9."""
        child = self._child
        if child is not None:
            child.kill()
            await asyncio.to_thread(child.wait)

    @property
    def _log(self) -> Path:
        return self.folder / "serve.log"

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._log.read_text(errors="replace").strip().splitlines()
            return " | ".join(lines[-4:]) + f" ({self._log})"
        return str(self._log)


def _dies_with_us() -> Callable[[], None] | None:
    """On Linux, have the kernel stop the child when we die, even by kill -9."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # found before the fork

    def tie() -> None:
        prctl(1, int(signal.SIGTERM), 0, 0, 0)  # PR_SET_PDEATHSIG

    return tie


def free_port() -> int:
    """A TCP port of the loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
