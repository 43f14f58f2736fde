"""What a change of the rules may not do. Pure; ``Fault.what`` is a stable word with a text on
the screen."""

import math
from collections.abc import Sequence

import msgspec

from backend.sensing.changes import EDITABLE, Change
from backend.sensing.quantities import QUANTITIES
from backend.sensing.rule import HOURS, Form, Of, Rule
from backend.sensing.rules import GROUPS, RuleBook

LIFE = frozenset({"smoke", "gas"})
"""Kinds whose alarms cannot be switched off or put off: a mute has an end, a rule has none."""
LIFE_DELAY_S = 15.0
"""The longest on-delay of a fire or gas alarm (protocols section 8)."""
GAS_MOST = 25.0
"""%LEL, ▲: no gas alarm begins higher."""
DEAD_BAND = 0.05
"""Part of the limit that must lie between raising and clearing (protocols section 8)."""
DELAY_MOST_S = 7 * 86_400.0
WINDOW_S = (60.0, 90 * 86_400.0)
CHANGES_MOST = 2000


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong: ``what`` in a stable word, ``at`` the rule and scope."""

    what: str
    at: str


def faults(rules: tuple[Rule, ...], changes: Sequence[Change]) -> list[Fault]:
    """Everything wrong with these changes of these rules; empty when they can be used."""
    if len(changes) > CHANGES_MOST:
        return [Fault(what="too_many", at=str(len(changes)))]
    known = {rule.code: rule for rule in rules}
    found: list[Fault] = []
    seen: set[tuple[str, str | None, object]] = set()
    book = RuleBook(rules, tuple(changes))
    for change in changes:
        at = f"{change.code} {change.group or change.detector or ''}".strip()
        rule = known.get(change.code)
        scope = (change.code, change.group, change.detector)
        whats = []
        if scope in seen:
            whats.append("twice")
        seen.add(scope)
        if rule is None:
            whats.append("unknown_rule")
        elif change.group is not None and change.detector is not None:
            whats.append("two_scopes")
        elif change.group is not None and GROUPS.get(change.group) != rule.kind:
            whats.append("unknown_group")
        elif not any(getattr(change, name) is not None for name in EDITABLE):
            whats.append("empty")
        else:
            held = book.of(rule.kind, change.group, change.detector)[rule.quantity]
            whats += _wrong(rule, next(one for one in held if one.code == rule.code), change)
        found += [Fault(what=what, at=at) for what in whats]
    return found


def _wrong(default: Rule, rule: Rule, change: Change) -> list[str]:
    numbers = [getattr(rule, name) for name in EDITABLE if name != "off"]
    if not all(math.isfinite(one) for one in numbers if one is not None):
        return ["not_a_number"]
    said = {name for name in EDITABLE if getattr(change, name) is not None}
    life = rule.kind in LIFE and rule.alarms
    delays = (rule.on_delay_s, rule.night_on_delay_s or 0.0, rule.off_delay_s)
    wrong = {
        "life_off": life and rule.off,
        "life_delayed": life and rule.on_delay_s > LIFE_DELAY_S,
        "gas_high": rule.quantity == "gas_value" and rule.alarms and rule.raise_at > GAS_MOST,
        "flag_has_no_limit": rule.form is Form.FLAG and bool(said & {"raise_at", "clear_at"}),
        "delay": not all(0 <= one <= DELAY_MOST_S for one in delays),
        "normals": not min(default.normals, 3 if rule.kind == "gas" else 2) <= rule.normals <= 20,
        "times": not 1 <= rule.times <= 20,
        "window": bool(rule.window_s or default.window_s)
        and not WINDOW_S[0] <= rule.window_s <= WINDOW_S[1],
        "no_window": "window_s" in said and not default.window_s,
        "learn": rule.learn_s != 0 and not 3600 <= rule.learn_s <= WINDOW_S[1],
        "least": "least" in said and (rule.of is not Of.UNUSED or not 0 < rule.least <= 10),
        "night": "night_on_delay_s" in said and default.night_on_delay_s is None,
        "range": _out_of_range(rule),
        "dead_band": _no_dead_band(rule),
    }
    return [what for what, true in wrong.items() if true]


def _out_of_range(rule: Rule) -> bool:
    if rule.form is Form.FLAG:
        return False
    if rule.of in HOURS:
        return not 1 <= rule.raise_at <= 24 * 30
    quantity = QUANTITIES[rule.quantity]
    return not (quantity.low <= rule.raise_at <= quantity.high and rule.raise_at > 0)


def _no_dead_band(rule: Rule) -> bool:
    """The level of clearing lies on the wrong side of the limit, or too near."""
    if rule.form is Form.FLAG:
        return False
    band = (
        rule.clear_at - rule.raise_at if rule.form is Form.BELOW else rule.raise_at - rule.clear_at
    )
    return band < DEAD_BAND * abs(rule.raise_at) - 1e-9 or rule.clear_at < 0
