"""``./jiean test``: every check of this repository, longest first, pytest last.

With arguments only pytest runs, with those arguments. All checks before pytest are run even when
one fails, so that one round shows everything; pytest then waits for them to be mended.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from typing import NamedTuple

from tools import machine

ROOT = Path(__file__).resolve().parent.parent
PWA = ROOT / "pwa"
BIN = ROOT / ".venv" / "bin"
PWA_SCRIPTS = ("check", "test")
SPREAD = [
    f"--numprocesses={min(4, os.cpu_count() or 1)}",
    "--dist=loadfile",
    "--no-loadscope-reorder",
]
"""The whole suite: a file stays in one process, each process has its own PostgreSQL."""


class Check(NamedTuple):
    """One program to run: what it is called here, its words, and where it stands."""

    name: str
    argv: list[str]
    folder: Path = ROOT


def checks() -> list[Check]:
    """All checks before pytest, in order."""
    python = str(BIN / "python")
    found = [Check("mypy --strict", [python, "-m", "mypy", "--no-error-summary"])]
    if (PWA / "node_modules").is_dir():
        scripts = json.loads((PWA / "package.json").read_text("utf-8")).get("scripts", {})
        npm = str(ROOT / ".venv" / "node" / "npm")
        found += [
            Check(f"pwa {name}", [npm, "run", "--silent", name], PWA)
            for name in PWA_SCRIPTS
            if name in scripts
        ]
    return [
        *found,
        Check("import contracts", [str(BIN / "lint-imports"), "--no-logo"]),
        Check("own rules", [python, "-m", "tools.rules"]),
        Check("ruff", [str(BIN / "ruff"), "check", "--quiet", "."]),
        Check("ruff format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
    ]


def passes(check: Check) -> bool:
    """Run one check; its output is shown only when it fails."""
    began = time.monotonic()
    done = subprocess.run(
        check.argv,
        cwd=check.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    mark = "✗" if done.returncode else "✓"
    machine.say(f"{mark} {check.name} ({time.monotonic() - began:.0f} s)")
    if done.returncode:
        print(done.stdout, file=sys.stderr, flush=True)
    return done.returncode == 0


def _before_pytest() -> list[str]:
    """Run the checks, two at a time as most use one core, while a bare machine installs what
    the tests want; gives the names of those that failed."""
    asked = checks()
    with ThreadPoolExecutor(max_workers=3) as hands:
        ready = hands.submit(machine.prepare)
        turns = Semaphore(2)

        def in_turn(check: Check) -> bool:
            with turns:
                return passes(check)

        well = list(hands.map(in_turn, asked))
        ready.result()
    return [check.name for check, fine in zip(asked, well, strict=True) if not fine]


def main(argv: list[str]) -> int:
    """Run everything, or pytest alone with the words given."""
    os.chdir(ROOT)
    node = str(ROOT / ".venv" / "node")
    os.environ["PATH"] = f"{node}:{BIN}:{os.environ.get('PATH', '')}"
    if argv:
        machine.prepare()
    elif failed := _before_pytest():
        machine.say(f"✗ {', '.join(failed)}")
        return 1
    return subprocess.run(
        [str(BIN / "python"), "-m", "pytest", *(argv or SPREAD)],
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
