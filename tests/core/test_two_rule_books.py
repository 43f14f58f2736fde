"""One rule book, two places: the phone says what the core says, in thousands of histories."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backend.incidents.flow.words import REFUSALS
from tests.core.field_histories import histories

PWA = Path(__file__).parents[2] / "pwa"
SEED = int(os.environ.get("JIEAN_HISTORIES_SEED", "20261122"))
STEPS = 8000
NOT_THE_FIELDS = {
    "no_such_incident", "call_again_first", "false_needs_visit", "offer_not_wanted",
    "asked_already", "asked_elsewhere", "on_it_already", "no_such_report", "not_mergeable",
    "not_a_drill", "somebody_inside", "not_splittable",
    "locks_closed", "category_needed", "lead_opens_round", "never_waived", "obligations_open",
    "signature", "disabled", "malformed",
}  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of playing the core's histories through the phone's rules."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    if not (PWA / "node_modules" / "vite").is_dir():
        pytest.skip("pwa/node_modules is not installed: npm ci in pwa/")
    file = tmp_path_factory.mktemp("histories") / "histories.jsonl"
    encode = msgspec.json.Encoder().encode
    with file.open("wb") as out:
        out.writelines(encode(line) + b"\n" for line in histories(SEED, STEPS))
    ended = subprocess.run(
        [node, "tools/parity.mjs", str(file)], cwd=PWA, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.clause("6.3.1")
def test_the_phone_offline_gives_the_same_answers_and_the_same_refusals(
    played: dict[str, Any],
) -> None:
    shown = json.dumps(played["wrong"], ensure_ascii=False, indent=1)
    assert played["differences"] == 0, f"{played['differences']} differ; the first: {shown}"
    assert played["steps"] >= STEPS


def test_every_field_command_is_decided_on_the_phone_and_was_accepted_and_refused(
    played: dict[str, Any],
) -> None:
    assert played["undecided"] == []
    never = [
        (name, outcome)
        for name, counted in played["commands"].items()
        for outcome, times in counted.items()
        if times == 0
    ]
    assert never == []


def test_the_histories_hold_every_fact_and_every_refusal_that_a_phone_may_meet(
    played: dict[str, Any],
) -> None:
    assert played["unseen"] == []
    assert set(REFUSALS) - set(played["codes"]) - NOT_THE_FIELDS == set()
