"""Remembers which clauses of the standard were proved by tests that passed.

A test says what it proves: ``@pytest.mark.clause("6.3.6.1-a")``. After a run the outcomes are in
``.jiean/conformance.json``; ``jiean conformance`` reads them. A full run replaces the record; a
run of some tests replaces only what it ran. An id that ``docs/clauses.tsv`` does not know stops
the run before any test, so that a slip of the pen cannot look like a proof.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from backend import conformance

_proves = pytest.StashKey[dict[str, list[str]]]()
_outcomes = pytest.StashKey[dict[str, str]]()
_whole = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_proves] = {}
    config.stash[_outcomes] = {}
    config.stash[_whole] = config.args_source is pytest.Config.ArgsSource.TESTPATHS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.option.markexpr:
        measured = [item for item in items if item.get_closest_marker("speed")]
        items[:] = [item for item in items if item not in measured]
    known = conformance.clauses().keys()
    for item in items:
        named = [name for mark in item.iter_markers("clause") for name in mark.args]
        unknown = sorted(set(named) - known)
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: no such clause {', '.join(unknown)}")
        if named:
            config.stash[_proves][item.nodeid] = sorted(set(named))


def pytest_deselected(items: list[pytest.Item]) -> None:
    if items:
        items[0].config.stash[_whole] = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report: pytest.TestReport = yield
    outcomes = item.config.stash[_outcomes]
    if item.nodeid in item.config.stash[_proves]:
        worst = outcomes.get(item.nodeid, "passed")
        outcomes[item.nodeid] = worst if worst != "passed" else report.outcome
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if config.option.collectonly:
        return
    proves, outcomes = config.stash[_proves], config.stash[_outcomes]
    ran = {
        node: {"clauses": proves[node], "outcome": outcome} for node, outcome in outcomes.items()
    }
    kept = {} if config.stash[_whole] else conformance.last_run()
    kept = {
        node: row for node, row in kept.items() if (config.rootpath / node.split("::")[0]).is_file()
    }
    record = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "tests": kept | ran}
    conformance.RECORD.parent.mkdir(exist_ok=True)
    conformance.RECORD.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")
