"""``docs/thresholds.md`` from the rules themselves: ``python -m tools.thresholds > docs/…``."""

from backend.sensing.derived import AGAIN
from backend.sensing.rule import Form, Of, Rule
from backend.sensing.rules import SCOPED, defaults

HEAD = """# Thresholds

The program's own rules, from `backend/sensing/rules.py`; a test compares this page with them
(`python -m tools.thresholds > docs/thresholds.md` writes it anew). ▲ marks a number of ours. A
source is named only where its text was verified; delays and counts are ours throughout, within what
the source allows. An installation changes numbers in versions, on the rules page, and a version in
force goes before this table.

A **note** tells technician and lead; an **alarm** opens an incident. *Normals* are fresh normal
readings in a row; *fresh* means within 2.5 of the detector's own report intervals. A test,
maintenance, a sensor fault, a value that is no number, an unscaled one, a late and an out-of-order
one never raise and never count as normal. Night is 22:00–6:00.

| Rule | Function | Quantity | Stage | Raises | After | Clears | Normals, for | Source |
|---|---|---|---|---|---|---|---|---|
"""

TAIL = """
Where a rule compares with a **baseline**, the baseline is the median of the detector's first week
(or what a technician set, with a reason); until then the value counts from zero, and what alarms
from the first day is never learned. Tilt notes and rates are medians of a day; the limit itself is
held against each reading. A rate is held against every sample of its window, thinned to 48. Rules
that raise on one reading are one alarm, told by the gravest. While a home is registered as away, no
use of water and no opening of the gate count for nothing.

## By group

| Group | Rule | Differs |
|---|---|---|
"""


def said(seconds: float) -> str:
    """A span as people count it.

    >>> said(30), said(600), said(172800), said(0)
    ('30 s', '10 min', '2 d', '0 s')
    """
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % (size / 2) == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def amount(rule: Rule, value: float) -> str:
    return f"{value:g} {rule.unit or ''}".strip()


def raises(rule: Rule) -> str:
    """When the rule raises, in words."""
    if rule.form is Form.FLAG:
        return f"is {rule.raise_at:g}" if rule.raise_at == 0 else "the device's own flag"
    sign = {Form.BELOW: "<", Form.BEYOND: "≥ ±"}.get(rule.form, "≥")
    limit = f"{sign} {amount(rule, rule.raise_at)}".replace("± ", "±")
    window = said(rule.window_s)
    return {
        Of.VALUE: limit,
        Of.CHANGE: f"{limit} from baseline" + (f", median of {window}" if rule.window_s else ""),
        Of.RATE: f"{limit} within {window}" + (", by medians" if rule.smooth else ""),
        Of.USED: f"{limit} used in {window}",
        Of.UNUSED: f"< {rule.least:g} m³ in {amount(rule, rule.raise_at)} awake (6:00–22:00)",
        Of.RUNNING: f"never still for half an hour in {amount(rule, rule.raise_at)}",
        Of.STILL: f"not opened for {amount(rule, rule.raise_at)}",
    }[rule.of] + (" (off)" if rule.off else "")


def clears(rule: Rule) -> str:
    """At which level it clears, in words."""
    if rule.form is Form.FLAG:
        return "flag gone"
    if rule.of is Of.UNUSED:
        return f"≥ {AGAIN * 1000:g} L used"
    if rule.of in (Of.RUNNING, Of.STILL):
        return "still for half an hour" if rule.of is Of.RUNNING else "opened"
    return f"{'≥' if rule.form is Form.BELOW else '≤'} {amount(rule, rule.clear_at)}"


def row(rule: Rule) -> str:
    after = said(rule.on_delay_s)
    if rule.night_on_delay_s is not None:
        after += f", night {said(rule.night_on_delay_s)}"
    if rule.times > 1:
        after += f", {rule.times} readings"
    source = rule.source if rule.source == "▲" or not rule.ours else f"▲ {rule.source}"
    cells = (
        rule.code, rule.kind, f"`{rule.quantity}`", rule.stage.value, raises(rule), after,
        clears(rule), f"{rule.normals}, {said(rule.off_delay_s)}", source,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def page() -> str:
    """The whole page."""
    groups = ""
    for change in SCOPED:
        differs = [
            f"{name} {value:g}" if isinstance(value, float | int) and name != "off" else
            ("off" if value else "on")
            for name in ("raise_at", "clear_at", "off")
            if (value := getattr(change, name)) is not None
        ]  # fmt: skip
        groups += f"| `{change.group}` | {change.code} | {', '.join(differs)} |\n"
    return HEAD + "".join(row(rule) for rule in defaults()) + TAIL + groups


if __name__ == "__main__":
    print(page(), end="")
