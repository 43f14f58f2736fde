"""Clock, ids and canonical JSON: the small things that everything else relies on."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.shared.canonical import canonical, sha256
from backend.shared.clock import HandClock, SystemClock
from backend.shared.ids import uuid7

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_hand_clock_moves_only_when_told_and_never_back() -> None:
    clock = HandClock(datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))))
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.forward(seconds=30, minutes=1) == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="backwards"):
        clock.forward(seconds=-1)
    with pytest.raises(ValueError, match="zone"):
        HandClock(datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_system_clock_has_a_zone() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_ids_are_version_7_and_sort_by_their_making() -> None:
    made = [uuid7() for _ in range(2000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {(one.version, type(one)) for one in made} == {(7, UUID)}


@given(JSON)
def test_canonical_json_is_the_same_value_and_one_form_only(value: object) -> None:
    text = canonical(value)
    assert msgspec.json.decode(text) == value
    assert canonical(msgspec.json.decode(text)) == text


def test_canonical_json_sorts_by_utf_16_and_hashes_as_published() -> None:
    # RFC 8785, section 3.2.3: U+1F600 sorts before U+FB33, as its surrogates do
    assert canonical({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
