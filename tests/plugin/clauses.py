"""Remembers which clauses of the standard were proved by tests that passed.

A test says what it proves: ``@pytest.mark.clause("6.3.6.1-a")``. After a run the outcomes are in
``.jiean/conformance.json``; ``jiean conformance`` reads them. A full run replaces the record; a
run of some tests replaces only what it ran. An id that ``docs/clauses.tsv`` does not know stops
the run before any test, so that a slip of the pen cannot look like a proof.
"""

import json
from datetime import UTC, datetime

import pytest

from backend import conformance

PROPERTY = "clauses"
"""Under this name a test's report carries its clauses, from a worker's process too."""

_ran = pytest.StashKey[dict[str, conformance.Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ran] = {}
    config.pluginmanager.register(Record(config), "clause-record")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.option.markexpr:
        items[:] = [item for item in items if not item.get_closest_marker("speed")]
    known = conformance.clauses().keys()
    for item in items:
        named = [name for mark in item.iter_markers("clause") for name in mark.args]
        unknown = sorted(set(named) - known)
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: no such clause {', '.join(unknown)}")
        if named:
            item.user_properties.append((PROPERTY, sorted(set(named))))


class Record:
    """Takes the reports, wherever the tests ran, and writes the record at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        named = dict(report.user_properties).get(PROPERTY)
        if not isinstance(named, list):
            return
        before = self._config.stash[_ran].get(report.nodeid)
        worst = before["outcome"] if before else "passed"
        outcome = worst if worst != "passed" else report.outcome
        self._config.stash[_ran][report.nodeid] = {"clauses": named, "outcome": outcome}

    def pytest_sessionfinish(self) -> None:
        config = self._config
        if config.option.collectonly or hasattr(config, "workerinput"):
            return
        kept = {} if _is_whole(config) else conformance.last_run()
        kept = {
            node: row
            for node, row in kept.items()
            if (config.rootpath / node.split("::")[0]).is_file()
        }
        tests = kept | config.stash[_ran]
        record = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "tests": tests}
        conformance.RECORD.parent.mkdir(exist_ok=True)
        conformance.RECORD.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")


def _is_whole(config: pytest.Config) -> bool:
    """Every test was asked for; a choice among them is no whole run."""
    choices = ("keyword", "markexpr", "deselect", "lf")
    chosen = any(config.getoption(name, None) for name in choices)
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not chosen
