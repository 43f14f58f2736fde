"""The rules page is an independent statement; the table must say the same, row by row."""

from pathlib import Path

from backend.incidents.flow.commands import name_of_type
from backend.incidents.flow.rules import TABLE
from backend.incidents.flow.vocabulary import ALERTING, OPEN, UNSEALED, State
from tests.core import test_incident_drills, test_incident_more_stories, test_incident_stories

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
SETS = {
    "open": OPEN,
    "unsealed": UNSEALED,
    "alerting": ALERTING,
    "open but raised": OPEN - {State.RAISED},
    "alerting but raised, desk_handling": ALERTING - {State.RAISED, State.DESK_HANDLING},
}


def _page() -> dict[str, tuple[str, set[str], set[str], str, str]]:
    rows = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0].startswith("L"):
            code, command, roles, states, late, clause = cells
            named = {str(s) for s in SETS[states]} if states in SETS else set(states.split())
            rows[code] = (command.strip("`"), set(roles.split()), named, late, clause)
    return rows


def test_the_page_and_the_table_state_the_same_rules() -> None:
    page = _page()
    assert set(page) == {rule.code for rule in TABLE}
    for rule in TABLE:
        command, roles, states, late, clause = page[rule.code]
        assert command == name_of_type(rule.command)
        assert roles == {str(r) for r in rule.roles}, rule.code
        assert states == {str(s) for s in rule.states}, rule.code
        assert clause == rule.clause, rule.code
        assert late in {rule.offline or "—", "lowers/raises"}, rule.code


def test_every_command_has_exactly_one_rule() -> None:
    commands = [rule.command for rule in TABLE]
    assert len(commands) == len(set(commands))


def test_every_rule_has_a_story() -> None:
    """A story says which rules it tells, and fails when it never comes to their commands."""
    told = {
        code
        for stories in (test_incident_stories, test_incident_more_stories, test_incident_drills)
        for one in vars(stories).values()
        for code in getattr(one, "tells", ())
    }
    assert {rule.code for rule in TABLE} - told == set()
