"""A drill is an incident like any other, but for whom it reaches (I15)."""

import ast
import inspect
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import pipeline
from backend.incidents.drills import Drill
from backend.incidents.flow import commands as c
from backend.incidents.flow.vocabulary import SYSTEM, State
from tests.core.incident_steps import LEAD, Story, tells

IDS = st.integers(1, 6).map(lambda n: UUID(int=n))


@given(
    staff=st.frozensets(IDS),
    started_by=IDS,
    to=st.sampled_from(("staff", "account", "household", "office")),
    who=IDS,
    ended=st.booleans(),
)
def test_a_drill_reaches_the_chosen_and_who_started_it_and_after_its_end_nobody(
    staff: frozenset[UUID], started_by: UUID, to: str, who: UUID, ended: bool
) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    drill = Drill(
        incident_id=UUID(int=99), scenario="smoke", staff=staff, started_by=started_by,
        started_name="x", started_at=at, site=UUID(int=98), building_id=None,
        ended_at=at if ended else None,
    )  # fmt: skip
    chosen = (to == "staff" and who in staff) or (to == "account" and who == started_by)
    assert drill.reaches(f"{to}:{who}") == (chosen and not ended)


def test_whatever_an_incident_says_goes_out_by_the_one_door_that_asks_for_the_drill() -> None:
    """``messages.enqueue`` stands in ``Pipeline.send`` and nowhere else, behind ``reaches``."""
    tree = ast.parse(inspect.getsource(pipeline))
    doors = [
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Attribute) and call.attr == "enqueue"
    ]
    assert doors == ["send"]
    assert "reaches" in inspect.getsource(pipeline.Pipeline.send)


@pytest.mark.clause("4.2.4.1-d")
@tells("L53", "L53b", "L53c")
def test_a_drill_plays_its_part_and_is_closed_wherever_it_stands() -> None:
    story = Story(at_once=False)
    assert story.refused(SYSTEM, c.PlayInDrill(zh="邻居在喊")).code == "not_a_drill"
    assert story.refused(SYSTEM, c.EndDrill()).code == "not_a_drill"
    story.say(LEAD, c.MarkDrill())
    story.say(SYSTEM, c.PlayInDrill(zh="邻居在喊"))
    story.say(SYSTEM, c.EndDrill(scenario="smoke", staff=("周建国",)))
    assert (story.state.state, story.state.released_how) == (State.RELEASED, "drill")
    assert not any(not o.settled for o in story.state.obligations)
