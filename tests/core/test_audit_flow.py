"""What never reaches an audit row."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from backend.audit.flow import HIDDEN, PRIVATE, redact

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
SECRET = "13812341234-secret"


@given(
    JSON, st.sampled_from(sorted(PRIVATE)), st.lists(st.sampled_from(["in", "list"]), max_size=5)
)
def test_a_private_value_is_hidden_at_any_depth(beside: Any, name: str, path: list[str]) -> None:
    facts: Any = {"beside": beside, name: {"deep": [SECRET]}}
    for step in path:
        facts = {"inner": facts} if step == "in" else [beside, facts]
    assert SECRET not in msgspec.json.encode(redact(facts)).decode()


def test_the_camel_spelling_of_a_private_name_is_hidden_too() -> None:
    assert redact({"needsHelp": "轮椅", "tokenSha256": "ab"}) == {
        "needsHelp": HIDDEN,
        "tokenSha256": HIDDEN,
    }


@given(JSON)
def test_what_is_not_private_stays_as_it_is(facts: Any) -> None:
    assert redact({"facts": facts}) == {"facts": redact(facts)}
    assert redact({"on": facts is None}) == {"on": facts is None}


def test_an_empty_private_value_shows_that_it_was_empty() -> None:
    assert redact({"phone": None}) == {"phone": None}
