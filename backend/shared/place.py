"""Starting a server program as our child: as whom, from where, and that it never outlives us.

PostgreSQL refuses to run as root. As root we run it as ``nobody``, which needs a way to the
program and to its folder: both are moved below ``/var/lib/jiean`` where the original lies under a
closed folder (a home, for example). We never open somebody's folder instead.
"""

import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

OPEN_GROUND = Path("/var/lib/jiean")
PR_SET_PDEATHSIG = 1


def user() -> str | None:
    """Whom a server runs as: ``nobody`` where we are root, else None (ourselves)."""
    return "nobody" if os.geteuid() == 0 else None


def open_to_all(path: Path) -> bool:
    """True where every folder above ``path`` lets anybody pass."""
    return all(parent.stat().st_mode & 0o001 for parent in path.absolute().parents)


def home(folder: Path) -> Path:
    """``folder`` made and owned by the server's user, mode 0700; elsewhere with a link if closed.

    Args:
        folder: where it should be, inside the data folder.

    Returns:
        Where it really is.
    """
    if user() is None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    if folder.is_symlink():
        folder = folder.resolve()
    elif not folder.is_dir() and not open_to_all(folder):
        name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]
        target = OPEN_GROUND / f"{folder.name}-{name}"
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        OPEN_GROUND.chmod(0o755)
        folder.symlink_to(target)
        folder = target
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.owner() != "nobody":
        shutil.chown(folder, "nobody")
    return folder


def programs(source: Path, version: str, libraries: Path) -> Path:
    """A folder of programs that the server's user can run: ``source`` itself, or a copy.

    Args:
        source: a folder with ``bin`` and ``lib``.
        version: part of the copy's name, so that an update makes a new copy.
        libraries: a folder beside ``source``'s own parent, which the programs find by their
            relative way to it; copied so that the way stays the same. May be absent.
    """
    if user() is None or open_to_all(source / "bin" / "any"):
        return source
    package = source.parent
    target = OPEN_GROUND / f"{package.name}-{version}"
    if not target.is_dir():
        OPEN_GROUND.mkdir(mode=0o755, parents=True, exist_ok=True)
        half = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(source, half / package.name / source.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        try:
            half.rename(target)
        except OSError:  # another process was quicker
            shutil.rmtree(half)
    return target / package.name / source.name


def start(
    argv: Sequence[str | Path],
    log: IO[bytes] | int,
    end: signal.Signals,
    *,
    as_us: bool = False,
    keep: Sequence[int] = (),
) -> "Child":
    """Start a child that gets ``end`` when we die, even by kill -9 (Linux).

    It runs as ``user()``, or ``as_us``, and has the open files ``keep`` of ours. Must be called
    in the main thread: the kernel sends the signal when the *thread* ends.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("servers are started in the main thread")
    parent = os.getpid()
    return subprocess.Popen(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        user=None if as_us else user(),
        pass_fds=keep,
        start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, in order
        preexec_fn=_tied(parent, end),
    )


Child = subprocess.Popen[bytes]


def _tied(parent: int, end: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # found before the fork: nothing may be loaded after it

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(end), 0, 0, 0)
        if os.getppid() != parent:  # died between fork and here
            os._exit(1)

    return tie
