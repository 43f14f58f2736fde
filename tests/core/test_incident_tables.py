"""The tables of the incident's core are whole: rules, words in both languages, timers."""

import typing

import pytest

from backend.incidents.flow import commands as c
from backend.incidents.flow import events as e
from backend.incidents.flow.decide import DECIDE, EVOLVE
from backend.incidents.flow.facts import Policy
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.reminders import MATTERS
from backend.incidents.flow.rules import RULES
from backend.incidents.flow.vocabulary import Kind, State
from backend.incidents.flow.words import COMMANDS, EVENTS, MISSING, OBLIGATIONS, REFUSALS, STATES
from backend.notices import REMINDERS
from backend.settings import Timers


def test_every_command_is_decided_and_every_fact_can_be_applied() -> None:
    assert set(typing.get_args(c.AnyCommand)) == set(DECIDE) == set(RULES)
    assert set(typing.get_args(e.AnyFact)) == set(EVOLVE)


def test_every_state_command_and_event_has_words_in_both_languages() -> None:
    assert set(STATES) == {str(s) for s in State if s is not State.NEW}
    assert set(COMMANDS) == {c.name_of_type(command) for command in RULES}
    assert set(EVENTS) == {e.type_name(fact) for fact in EVOLVE}
    owed = {code for k in KINDS.values() for code in (*k.owed_at_raise, *k.owed_when_real)}
    assert owed <= set(OBLIGATIONS)
    for table in (STATES, COMMANDS, EVENTS, REFUSALS, MISSING):
        assert all(words.zh and words.en for words in table.values())


@pytest.mark.clause("1-b")
def test_there_are_seven_kinds_and_no_more() -> None:
    assert {str(k) for k in Kind} == {
        "electric", "gas", "smoke", "structure", "hydrant", "water", "door",
    }  # fmt: skip
    assert set(KINDS) == set(Kind)


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_a_refusal_says_in_both_languages_what_to_do(code: str) -> None:
    words = REFUSALS[code]
    assert words.do_zh
    assert words.do_en


def test_every_deadline_has_words_for_whoever_is_told() -> None:
    silent = {"contact_limit"}
    """Sends somebody instead of saying something."""
    assert set(MATTERS) - silent <= set(REMINDERS)


def test_every_number_of_the_rules_is_a_setting_with_the_same_default() -> None:
    ours, settings = Policy(), Timers()
    fixed = {"self_assign_m"}
    for name in Policy.__struct_fields__:
        if name in fixed or not hasattr(settings, name):
            continue
        assert getattr(ours, name) == getattr(settings, name), name
    timers = {n for n in Policy.__struct_fields__ if n.endswith("_s")} - fixed
    assert timers <= set(Timers.__struct_fields__)


@pytest.mark.clause("6.2.1-b")
def test_the_standards_own_number_is_kept_apart_from_ours() -> None:
    assert Timers().desk_presentation_s == 2.0
