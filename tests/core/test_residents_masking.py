"""How names and numbers are shortened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.residents.flow import masked_name, masked_phone


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812341234", "138****1234"),
        ("138 1234 1234", "138****1234"),
        ("+8613812341234", "861****1234"),
        ("0512-65220000", "051****0000"),
        ("65220012", "****12"),
        ("110", "****"),
        ("", "****"),
    ],
)
def test_a_number_keeps_its_ends(phone: str, masked: str) -> None:
    assert masked_phone(phone) == masked


@given(st.text(alphabet="0123456789-+ ", max_size=20))
def test_at_least_four_digits_or_all_but_two_are_gone(phone: str) -> None:
    had = sum(letter.isdigit() for letter in phone)
    left = sum(letter.isdigit() for letter in masked_phone(phone))
    assert left <= max(had - 4, 2)
    assert left <= had


@given(st.text(min_size=1, max_size=20))
def test_a_masked_name_shows_one_character_and_no_length(name: str) -> None:
    assert masked_name(name) == name[0] + "**"
