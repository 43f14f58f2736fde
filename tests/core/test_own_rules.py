"""The repository's own rules see the fault that each is there for, and nothing else."""

import ast
from collections.abc import Callable, Iterator

import pytest

from tools import rules

Rule = Callable[[rules.Source], Iterator[rules.Complaint]]


def complaints(rule: Rule, path: str, code: str) -> list[str]:
    return [found.text for found in rule(rules.Source(path, ast.parse(code)))]


@pytest.mark.parametrize(
    ("rule", "path", "fault", "sound"),
    [
        (rules.pure_core, "backend/dispatch/flow.py", "datetime.now()", "at.isoformat()"),
        (rules.pure_core, "backend/dispatch/flow.py", "import time", "import datetime"),
        (rules.pure_core, "backend/dispatch/flow.py", "from random import choice", "import enum"),
        (rules.pure_core, "backend/dispatch/flow.py", "uuid.uuid4()", "uuid.UUID(text)"),
        (rules.pure_core, "backend/incidents/flow/x.py", "async def f(): ...", "def f(): ..."),
        (rules.pure_core, "backend/archive/seal.py", "open('x')", "hash(b'x')"),
        (
            rules.frozen_facts,
            "backend/dispatch/flow.py",
            "class A(Struct): ...",
            "class A(msgspec.Struct, frozen=True): ...",
        ),
        (rules.one_place_for_settings, "backend/app.py", "os.environ['X']", "settings.http.port"),
        (rules.no_sleeping_tests, "tests/core/test_x.py", "time.sleep(1)", "asyncio.sleep(0)"),
        (rules.no_sleeping_tests, "tests/core/test_x.py", "sleep(pause_s)", "sleep(0.01)"),
    ],
)
def test_a_planted_fault_is_named(rule: Rule, path: str, fault: str, sound: str) -> None:
    assert len(complaints(rule, path, fault)) == 1
    assert complaints(rule, path, sound) == []


def test_the_clock_may_be_read_outside_the_core() -> None:
    assert complaints(rules.pure_core, "backend/dispatch/service.py", "datetime.now()") == []


def test_settings_may_read_the_environment() -> None:
    assert complaints(rules.one_place_for_settings, "backend/settings.py", "os.environ") == []


def test_a_problem_is_known_by_its_ancestors_in_any_order_of_files() -> None:
    child = ast.parse("class Wrong(Refused):\n    slug, status, title = 'wrong', 409, 'Wrong'")
    parent = ast.parse("class Refused(Problem):\n    status: ClassVar[int] = 400")
    first = ast.parse("class Problem(Exception):\n    slug: str = 'unexpected'")
    sources = [
        rules.Source("backend/a.py", child),
        rules.Source("backend/b.py", parent),
        rules.Source("backend/c.py", first),
    ]
    assert rules.problems(sources) == {
        "unexpected": (500, "backend/c.py", 1),
        "wrong": (409, "backend/a.py", 1),
    }
