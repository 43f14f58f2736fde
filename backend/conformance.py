"""``jiean conformance``: every clause of the standard, and the tests that prove it.

A clause counts as proved when at least one test that names it passed in the last run, and none
that names it failed. The clauses with our short words stand in ``docs/clauses.tsv``; the record of
the last run is written by ``tests/plugin/clauses.py``. Needs a checkout, not a running server.
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parent.parent
CLAUSES = ROOT / "docs" / "clauses.tsv"
RECORD = ROOT / ".jiean" / "conformance.json"


class Row(TypedDict):
    """One test in the record: the clauses it names and how it ended."""

    clauses: list[str]
    outcome: str


def clauses() -> dict[str, tuple[str, str]]:
    """Every clause id, in the standard's order, with its words: (Chinese, English)."""
    with CLAUSES.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["id"]: (row["zh"], row["en"]) for row in rows}


def last_run() -> dict[str, Row]:
    """Test id to what it named and how it ended; empty before the first run."""
    if not RECORD.is_file():
        return {}
    tests: dict[str, Row] = json.loads(RECORD.read_text("utf-8"))["tests"]
    return tests


def proofs(known: dict[str, tuple[str, str]], run: dict[str, Row]) -> dict[str, list[str]]:
    """For each clause the tests that prove it; empty where none does or where one failed."""
    named: dict[str, list[str]] = {name: [] for name in known}
    broken: set[str] = set()
    for test, row in run.items():
        for name in row["clauses"]:
            if name not in named:
                continue
            if row["outcome"] == "passed":
                named[name].append(test)
            elif row["outcome"] == "failed":
                broken.add(name)
    return {name: [] if name in broken else sorted(tests) for name, tests in named.items()}


def main(argv: list[str]) -> int:
    """Print one block per clause and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        prog="jiean conformance",
        description="哪些条款由上次测试证明 Which clauses the last test run proved.",
    )
    parser.add_argument("--missing", action="store_true", help="only the clauses without proof")
    only_missing: bool = parser.parse_args(argv).missing
    if not CLAUSES.is_file():
        print(f"{CLAUSES} is missing: run this in a checkout", file=sys.stderr)
        return 1
    known = clauses()
    proved = proofs(known, last_run())
    missing = [name for name, tests in proved.items() if not tests]
    for name, tests in proved.items():
        if tests and only_missing:
            continue
        zh, en = known[name]
        print(f"{'✓' if tests else '·'} {name:<11} {zh} · {en}")
        for test in tests:
            print(f"    {test}")
    print(
        json.dumps({"clauses": len(known), "proved": len(known) - len(missing), "missing": missing})
    )
    return 0
