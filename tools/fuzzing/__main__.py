"""``./jiean fuzz TARGET [--seconds N]``: a coverage-guided fuzzer (atheris) at one adapter.

Begins with the project's own vectors; what it finds of new paths stays in ``.jiean/fuzz/TARGET``
for the next run. Input that breaks a promise is written into ``tests/vectors/found`` and is from
then on a test. atheris is fetched when it is first needed, hash-locked (``lock/fuzz.txt``), into a
folder of its own: neither product nor tests carry it.

Exit: 0 when nothing was found, 1 when something was, 2 when the words make no sense or there is no
atheris for this machine.
"""

import argparse
import hashlib
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / ".jiean" / "fuzz"
FOUND = ROOT / "tests" / "vectors" / "found"
LOCK = ROOT / "lock" / "fuzz.txt"
MAX_LEN = 4096
SLOW_S = 10
RSS_MB = 1024
LAST = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def fetch() -> bool:
    """Whether atheris is there, after fetching it if need be."""
    site = OWN / "site"
    stamp = site / "stamp"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(site, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
             "--only-binary", ":all:", "--disable-pip-version-check", "--target", site, "-r", LOCK],
            check=False,
        )  # fmt: skip
        if done.returncode:
            return False
        stamp.write_text(wanted)
    return True


def loop(target: str, options: list[str]) -> None:
    """In the child: never returns; libFuzzer ends the process."""
    sys.path.insert(0, str(OWN / "site"))
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["backend.sensing", "jmespath"]):
        from tools.fuzzing.promises import TARGETS

    atheris.Setup([sys.argv[0], *options], TARGETS[target].run)
    atheris.Fuzz()


def hunt(target: str, seconds: int) -> int:
    """Run the fuzzer; how many inputs it executed is said at the end."""
    from tools.fuzzing.promises import TARGETS

    corpus, seeds = OWN / "corpus" / target, OWN / "seeds" / target
    crashes = OWN / "crashes" / target
    for folder in (corpus, seeds, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    for raw in TARGETS[target].seeds():
        (seeds / hashlib.sha256(raw).hexdigest()[:16]).write_bytes(raw)
    before = set(crashes.iterdir())
    child = subprocess.run(
        [sys.executable, "-m", "tools.fuzzing", "--loop", target, "--",
         f"-max_total_time={seconds}", f"-max_len={MAX_LEN}", f"-timeout={SLOW_S}",
         f"-rss_limit_mb={RSS_MB}", f"-artifact_prefix={crashes}/", "-print_final_stats=1",
         "-verbosity=1", str(corpus), str(seeds)],
        check=False, stderr=subprocess.PIPE, text=True, errors="replace", cwd=ROOT,
    )  # fmt: skip
    new = sorted(set(crashes.iterdir()) - before)
    FOUND.mkdir(exist_ok=True)
    for crash in new:
        raw = crash.read_bytes()
        kept = FOUND / f"{target}-{hashlib.sha256(raw).hexdigest()[:12]}.hex"
        kept.write_text(raw.hex() + "\n")
        print(f"{target}: {crash.name.partition('-')[0]} → {kept.relative_to(ROOT)}")
    if new or child.returncode:
        print("\n".join(child.stderr.splitlines()[-40:]), file=sys.stderr)
    executed = LAST.search(child.stderr)
    units = int(executed.group(1)) if executed else 0
    print(f"{target}: {units} executed in {seconds} s, {len(new)} found")
    return 1 if new or child.returncode else 0


def main(argv: list[str]) -> int:
    """Read the words, fetch atheris, hunt."""
    if argv[:1] == ["--loop"]:
        loop(argv[1], argv[3:])
    from tools.fuzzing.promises import TARGETS

    parser = argparse.ArgumentParser(
        prog="jiean fuzz", description="Look for bytes that break an adapter. 模糊测试"
    )
    parser.add_argument("target", choices=[*TARGETS, "all"], metavar="TARGET",
                        help=" ".join([*TARGETS, "all"]))  # fmt: skip
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    try:
        words = parser.parse_args(argv)
    except SystemExit as end:
        return 0 if end.code == 0 else 2
    if not fetch():
        print("jiean fuzz: 本机没有可用的 atheris no atheris for this machine", file=sys.stderr)
        return 2
    targets = list(TARGETS) if words.target == "all" else [words.target]
    return max([hunt(target, words.seconds) for target in targets])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
