"""The record of a run: what the pytest plugin remembers, and what it forgets."""

import json
from pathlib import Path

import pytest

from backend import conformance
from tests.plugin import clauses

pytest_plugins = ["pytester"]

INI = """
[pytest]
testpaths = .
asyncio_default_fixture_loop_scope = function
markers =
  clause: proves
  speed: measures
"""
TWO = """
import pytest
@pytest.mark.clause("1-a")
def test_good(): pass
@pytest.mark.clause("1-b", "3.1")
def test_bad(): assert {bad}
"""


@pytest.fixture
def run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.Pytester:
    monkeypatch.setattr(conformance, "RECORD", tmp_path / "record" / "conformance.json")
    pytester.makeini(INI)
    pytester.makepyfile(test_two=TWO.format(bad="False"))
    return pytester


def outcomes() -> dict[str, str]:
    tests = json.loads(conformance.RECORD.read_text("utf-8"))["tests"]
    return {node.split("::")[1]: row["outcome"] for node, row in tests.items()}


def go(run: pytest.Pytester, *words: str) -> int | pytest.ExitCode | None:
    return run.inline_run(*words, plugins=[clauses]).ret


def test_each_outcome_is_kept_with_its_clauses(run: pytest.Pytester) -> None:
    go(run)
    assert outcomes() == {"test_good": "passed", "test_bad": "failed"}


def test_a_partial_run_replaces_only_what_it_ran(run: pytest.Pytester) -> None:
    go(run)
    run.makepyfile(test_two=TWO.format(bad="True"))
    go(run, "-k", "test_bad")
    assert outcomes() == {"test_good": "passed", "test_bad": "passed"}


def test_a_full_run_forgets_tests_that_are_gone(run: pytest.Pytester) -> None:
    go(run)
    run.makepyfile(test_two="def test_other(): pass")
    go(run)
    assert outcomes() == {}


def test_an_unknown_clause_stops_the_run(
    run: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    run.makepyfile(test_two="import pytest\n@pytest.mark.clause('9.9')\ndef test_x(): pass\n")
    assert go(run) is pytest.ExitCode.USAGE_ERROR
    assert "no such clause 9.9" in capsys.readouterr().err
