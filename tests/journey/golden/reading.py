"""Reading a journal in a test."""

from collections.abc import Sequence


def in_order(happened: Sequence[str], *expected: str) -> None:
    """These events happened, in this order; others may stand between them."""
    rest = iter(happened)
    missing = [name for name in expected if name not in rest]
    assert not missing, f"{missing[0]} did not come in its turn: {list(happened)}"
