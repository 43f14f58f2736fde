"""This repository's own rules, read from the source: ``python -m tools.rules``.

Each rule is a function from one parsed file to complaints; ``RULES`` lists them with the sentence
that CONTRIBUTING.md gives. Nothing here imports the product.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CODE = ("backend", "geo", "push", "tests", "tools")
PURE = re.compile(r"^backend/[a-z_]+/flow(\.py|/.*\.py)$|^backend/archive/seal\.py$")
# migrate.py tells Piccolo its configuration in the only way that Piccolo listens to; demo/child.py
# hands its own environment, without our settings, to the server that it starts.
MAY_READ_ENVIRONMENT = re.compile(
    r"^(backend/(settings|migrate|demo/child)\.py|tests/.*|tools/.*)$"
)
IN_BACKEND = re.compile(r"^backend/(\w+/.*|\w+)\.py$")
STAND_ALONE = {"__init__", "conformance", "piccolo_conf"}
LOOK_AGAIN_S = 0.05
IMPURE_MODULES = {"asyncio", "logging", "os", "random", "secrets", "socket", "structlog", "time"}
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "uuid7", "open", "print", "input"}
# Written apart so that this file does not name what it looks for.
NOT_OURS = re.compile(r'/wor[k]/|/roo[t]/\.|/tmp/jiea[n]|--(extra-)?index-ur[l]|"resolved": *"http')
TEXT = {".py", ".md", ".toml", ".txt", ".in", ".tsv", ".yml", ".yaml", ".json", ".ts", ".vue",
        ".html", ".css", ".js", ".sh", ""}  # fmt: skip


class Source(NamedTuple):
    """One Python file: its path from the top, with slashes, and its tree."""

    path: str
    tree: ast.Module


class Complaint(NamedTuple):
    """Where, and in one sentence what."""

    path: str
    line: int
    text: str


def _last_name(node: ast.expr) -> str:
    """``c`` of ``a.b.c``; empty for anything that is no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def pure_core(source: Source) -> Iterator[Complaint]:
    """Flow files hold no clock, no chance, no input or output, nothing asynchronous."""
    if not PURE.match(source.path):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.stmt | ast.expr):
            continue
        wrong = ""
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            wrong = "asynchronous code"
        elif isinstance(node, ast.Import):
            wrong = " ".join({alias.name.split(".")[0] for alias in node.names} & IMPURE_MODULES)
        elif isinstance(node, ast.ImportFrom):
            wrong = " ".join({(node.module or "").split(".")[0]} & IMPURE_MODULES)
        elif isinstance(node, ast.Call) and _last_name(node.func) in IMPURE_CALLS:
            wrong = f"{_last_name(node.func)}()"
        if wrong:
            yield Complaint(source.path, node.lineno, f"the core is pure: {wrong}")


def frozen_facts(source: Source) -> Iterator[Complaint]:
    """What the core passes about can never be changed: its structs are frozen."""
    if not PURE.match(source.path):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef) or "Struct" not in map(_last_name, node.bases):
            continue
        if not any(word.arg == "frozen" for word in node.keywords):
            yield Complaint(source.path, node.lineno, f"{node.name} is a struct that is not frozen")


def one_place_for_settings(source: Source) -> Iterator[Complaint]:
    """Only backend/settings.py reads the environment."""
    if MAY_READ_ENVIRONMENT.match(source.path):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
            yield Complaint(source.path, node.lineno, "only backend/settings.py reads os.environ")


def no_sleeping_tests(source: Source) -> Iterator[Complaint]:
    """A test waits for an event or moves a clock; 0.05 s to look again at another process."""
    if not source.path.startswith("tests/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "sleep":
            wait = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if not isinstance(wait, int | float) or wait > LOOK_AGAIN_S:
                yield Complaint(source.path, node.lineno, "a test never sleeps")


RULES = (pure_core, frozen_facts, one_place_for_settings, no_sleeping_tests)


def _facts_of(body: list[ast.stmt]) -> dict[str, object]:
    """Class attributes given as plain constants, singly or several on a line."""
    facts: dict[str, object] = {}
    for line in body:
        if isinstance(line, ast.AnnAssign) and line.value:
            pairs: list[tuple[ast.expr, ast.expr]] = [(line.target, line.value)]
        elif isinstance(line, ast.Assign) and isinstance(line.value, ast.Tuple):
            targets = line.targets[0]
            names = list(targets.elts) if isinstance(targets, ast.Tuple) else []
            pairs = list(zip(names, line.value.elts, strict=True))
        elif isinstance(line, ast.Assign):
            pairs = [(line.targets[0], line.value)]
        else:
            continue
        for name, value in pairs:
            if isinstance(value, ast.Constant):
                facts[_last_name(name)] = value.value
    return facts


def problems(sources: list[Source]) -> dict[str, tuple[int, str, int]]:
    """Slug of ``Problem`` and each of its subclasses: status, file and line."""
    family: set[str] = set()
    found: dict[str, tuple[int, str, int]] = {}
    grown = True
    classes = [
        (source.path, node)
        for source in sources
        if not source.path.startswith("tests/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
    ]
    while grown:  # a subclass may stand before its parent's file
        grown = False
        for path, node in classes:
            kin = node.name == "Problem" or family & set(map(_last_name, node.bases))
            if kin and node.name not in family:
                family.add(node.name)
                grown = True
                facts = _facts_of(node.body)
                if "slug" in facts:
                    status = facts.get("status", 500)
                    found[str(facts["slug"])] = (int(str(status)), path, node.lineno)
    return found


def registered_problems(sources: list[Source]) -> Iterator[Complaint]:
    """Every problem has one row in docs/problems.md with its status, and every row a problem."""
    page = "docs/problems.md"
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\d+) \|", (ROOT / page).read_text("utf-8"), re.M)
    told = {slug: int(status) for slug, status in rows}
    known = problems(sources)
    for slug, (status, path, line) in known.items():
        if told.get(slug) != status:
            yield Complaint(path, line, f"problem {slug} ({status}) has no such row in {page}")
    for slug in told.keys() - known.keys():
        yield Complaint(page, 1, f"row {slug}: no such problem in the code")


def every_domain_is_named(paths: list[str]) -> Iterator[Complaint]:
    """All of backend stands in the first import contract, or nothing would guard it."""
    page = "pyproject.toml"
    tools = tomllib.loads((ROOT / page).read_text("utf-8"))["tool"]
    named = " ".join(tools["importlinter"]["contracts"][0]["layers"])
    tops = {path.split("/")[1].removesuffix(".py") for path in paths if IN_BACKEND.match(path)}
    for name in sorted(tops - STAND_ALONE):
        if f"(backend.{name})" not in named:
            yield Complaint(page, 1, f"backend/{name} stands in no layer of the first contract")


def only_ours(paths: list[str]) -> Iterator[Complaint]:
    """No file names a machine's path or a package mirror."""
    for path in paths:
        file = ROOT / path
        if file.suffix not in TEXT or not file.is_file():
            continue
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
            if NOT_OURS.search(line):
                yield Complaint(path, number, f"names a machine or a mirror: {line.strip()[:60]}")


def read(paths: list[str]) -> list[Source]:
    """Parse every Python file of the product, its tests and tools."""
    return [
        Source(path, ast.parse((ROOT / path).read_text("utf-8"), path))
        for path in paths
        if path.endswith(".py") and path.split("/")[0] in CODE and (ROOT / path).is_file()
    ]


def main() -> int:
    """Print every complaint; 1 when there is any."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = sorted(set(listed.stdout.splitlines()))
    sources = read(paths)
    complaints = [found for rule in RULES for source in sources for found in rule(source)]
    complaints += [*registered_problems(sources), *every_domain_is_named(paths), *only_ours(paths)]
    for found in complaints:
        print(f"{found.path}:{found.line}: {found.text}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
