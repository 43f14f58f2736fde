"""What counts as proof of a clause."""

import json
import re
from pathlib import Path

import pytest

from backend import conformance

STANDARD = conformance.ROOT.parent / "shared" / "spec" / "clause-ids.txt"
KNOWN = {"1-a": ("五", "five"), "3.2": ("线", "line")}


def test_the_clause_list_is_the_standards_own_list_in_its_order() -> None:
    if not STANDARD.is_file():
        pytest.skip("the standard's list of ids is not beside this checkout")
    assert list(conformance.clauses()) == STANDARD.read_text("utf-8").split()


def test_every_clause_has_short_words_in_both_languages() -> None:
    for name, (zh, en) in conformance.clauses().items():
        assert re.search(r"[\u4e00-\u9fff]", zh), name
        assert en, name
        assert len(zh) <= 20, name


def test_only_a_test_that_passed_is_proof() -> None:
    run: dict[str, conformance.Row] = {
        "a": {"clauses": ["1-a"], "outcome": "passed"},
        "b": {"clauses": ["3.2"], "outcome": "skipped"},
    }
    assert conformance.proofs(KNOWN, run) == {"1-a": ["a"], "3.2": []}


def test_one_failing_witness_outweighs_a_passing_one() -> None:
    run: dict[str, conformance.Row] = {
        "a": {"clauses": ["1-a"], "outcome": "passed"},
        "b": {"clauses": ["1-a", "3.2"], "outcome": "failed"},
    }
    assert conformance.proofs(KNOWN, run) == {"1-a": [], "3.2": []}


def test_the_last_line_is_one_json_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = tmp_path / "conformance.json"
    tests = {"t::a": {"clauses": ["6.3.6.1-a"], "outcome": "passed"}}
    record.write_text(json.dumps({"tests": tests}), "utf-8")
    monkeypatch.setattr(conformance, "RECORD", record)
    assert conformance.main([]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["clauses"], said["proved"], len(said["missing"])) == (168, 1, 167)
    assert "6.3.6.1-a" not in said["missing"]


def test_before_the_first_run_nothing_is_proved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(conformance, "RECORD", tmp_path / "none.json")
    assert conformance.main(["--missing"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["proved"] == 0
