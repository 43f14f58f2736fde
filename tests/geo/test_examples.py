"""The examples in the docstrings of geo are true."""

import doctest
import importlib

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
