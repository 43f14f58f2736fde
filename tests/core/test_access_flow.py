"""The rules of passwords, logins and roles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access.flow import (
    EXCLUSIVE,
    PASSWORD_MIN,
    ROLES,
    password_faults,
    role_faults,
    tidy_login,
)


@pytest.mark.parametrize(
    ("password", "faults"),
    [
        ("Tr0ub4dor&3", ()),
        ("杏花春雨-江南-2026", ()),
        ("Abcdefgh1", ("too_short",)),
        ("Abcdefgh12", ()),
        ("abcdefghij", ("too_plain",)),
        ("abcdefgh12", ("too_plain",)),
        ("", ("too_short", "too_plain")),
        ("Desk1-now-desk", ("has_login",)),
        ("Aa1-" + "x" * 197, ("too_long",)),
    ],
)
def test_a_password_has_ten_characters_of_three_classes_and_no_login(
    password: str, faults: tuple[str, ...]
) -> None:
    assert password_faults(password, "desk1") == faults


@given(st.text(max_size=PASSWORD_MIN - 1))
def test_no_short_password_passes_whatever_is_in_it(password: str) -> None:
    assert "too_short" in password_faults(password, "nobody")


@given(st.text())
def test_tidying_a_login_again_changes_nothing(login: str) -> None:
    once = tidy_login(login)
    assert tidy_login(login) == once
    assert tidy_login(f"  {login}\t") == tidy_login(login.strip())


@given(st.sets(st.sampled_from(sorted(ROLES)), min_size=1))
def test_an_administrator_of_the_three_has_no_second_role(roles: set[str]) -> None:
    alone = len(roles) == 1 or not roles & EXCLUSIVE
    assert role_faults(roles) == (() if alone else ("not_together",))


def test_an_unknown_role_is_named() -> None:
    assert role_faults(["desk", "king"]) == ("unknown:king",)
    assert role_faults([]) == ("none",)
