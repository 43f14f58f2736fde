"""The examples in the docstrings of push are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["message", "ladder", "vapid", "breaker", "window", "bundle", "lanes"]
)
def test_the_examples_in_the_docstrings_run_and_are_true(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(f"push.{name}"))
    assert outcome.attempted > 0
    assert outcome.failed == 0
