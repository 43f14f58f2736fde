"""A change of the rules' numbers: for everybody, for a group of detectors, for one. Pure."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from backend.sensing.rule import Rule

EDITABLE = (
    "raise_at", "clear_at", "on_delay_s", "night_on_delay_s", "off_delay_s", "normals", "times",
    "window_s", "least", "learn_s", "off",
)  # fmt: skip
"""What a change of the rules may set; everything else says what the rule is."""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Numbers of one rule that differ from the default, in one scope; None keeps what was there.

    Without ``group`` and ``detector`` the change holds everywhere; a group's change goes before
    it, and a detector's own before both.
    """

    code: str
    group: str | None = None
    detector: UUID | None = None
    raise_at: float | None = None
    clear_at: float | None = None
    on_delay_s: float | None = None
    night_on_delay_s: float | None = None
    off_delay_s: float | None = None
    normals: int | None = None
    times: int | None = None
    window_s: float | None = None
    least: float | None = None
    learn_s: float | None = None
    off: bool | None = None


def applied(rule: Rule, changes: Iterable[Change]) -> Rule:
    """The rule with those of the changes that name it, in their order."""
    said = {
        name: value
        for change in changes
        if change.code == rule.code
        for name in EDITABLE
        if (value := getattr(change, name)) is not None
    }
    return msgspec.structs.replace(rule, **said) if said else rule
