"""The rules of accounts, without a clock, a database or a hash: roles, logins, passwords.

Sources:
    Password rule: GB/T 22239-2019 8.1.4.1 asks for complexity and replacement without figures;
    ten characters of three classes is our figure.
    Exclusive administrators: GB/T 22239-2019 8.1.5 (system, audit and security management).
"""

import unicodedata
from collections.abc import Iterable

ROLES = frozenset(
    {
        "field",
        "desk",
        "desk_lead",
        "technician",
        "manager",
        "office",
        "system_admin",
        "security_admin",
        "audit_admin",
    }
)
"""Every role an account may have. Residents and one-report offices have links, not accounts."""

STAFF_ROLES = ROLES - {"office", "system_admin", "security_admin", "audit_admin"}
"""Who works for the service organisation."""

EXCLUSIVE = frozenset({"system_admin", "security_admin", "audit_admin"})
"""An account with one of these has no other role: nobody supervises himself."""

PASSWORD_MIN = 10
PASSWORD_MAX = 200
"""Characters. The upper bound keeps a login from being made expensive on purpose."""

LOGIN_MAX = 64


def tidy_login(login: str) -> str:
    """The one spelling under which a login is stored and looked for."""
    # folding may undo a normal form, so it is made twice
    folded = unicodedata.normalize("NFKC", login).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def tidy_password(password: str) -> str:
    """The one form of a password: the same characters typed on two keyboards are equal."""
    return unicodedata.normalize("NFC", password)


def _class_of(letter: str) -> str:
    """Small, capital, digit, a letter of a script without capitals (such as 汉字), or sign."""
    if letter.isalpha():
        if letter.lower() == letter.upper():
            return "script"
        return "small" if letter.islower() else "capital"
    return "digit" if letter.isdigit() else "sign"


def password_faults(password: str, login: str) -> tuple[str, ...]:
    """Say what is wrong with a new password.

    Returns:
        Codes out of ``too_short too_long too_plain has_login``, empty when it may be used.
    """
    classes = len({_class_of(letter) for letter in password})
    folded = tidy_login(password)
    faults = (
        ("too_short", len(password) < PASSWORD_MIN),
        ("too_long", len(password) > PASSWORD_MAX),
        ("too_plain", classes < 3),
        ("has_login", len(login) >= 3 and tidy_login(login) in folded),
    )
    return tuple(code for code, wrong in faults if wrong)


def role_faults(roles: Iterable[str]) -> tuple[str, ...]:
    """Say what is wrong with a set of roles: ``none``, ``unknown:<role>``, ``not_together``."""
    wanted = set(roles)
    if not wanted:
        return ("none",)
    unknown = tuple(f"unknown:{role}" for role in sorted(wanted - ROLES))
    clash = bool(wanted & EXCLUSIVE) and len(wanted) > 1
    return (*unknown, *(("not_together",) if clash else ()))
