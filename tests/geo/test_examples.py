"""The examples in the docstrings of geo are true."""

import doctest
import importlib
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "point",
        "ellipsoid",
        "geodesic",
        "datum",
        "moving",
        "areas",
        "tags",
        "streets",
        "extract",
        "travel",
        "links",
    ],
)
def test_the_examples_in_the_docstrings_run_and_are_true(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(f"geo.{name}"), optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_the_examples_in_the_readme_run_and_are_true() -> None:
    outcome = doctest.testfile(
        str(Path(__file__).parents[2] / "geo" / "README.md"),
        module_relative=False,
        optionflags=doctest.ELLIPSIS,
    )
    assert outcome.attempted > 20
    assert outcome.failed == 0
