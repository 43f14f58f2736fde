"""G18: a hydrant, a silent door or running water is no reason to clear a house."""

import pytest

from backend.incidents.flow import commands as c
from backend.incidents.flow.vocabulary import SYSTEM, Kind
from tests.core.incident_steps import DESK, SECOND, START, Story

ROUND = {"type": "Point", "coordinates": [120.6, 31.3]}


@pytest.mark.parametrize("kind", [Kind.HYDRANT, Kind.WATER, Kind.DOOR])
def test_no_evacuation_and_no_cordon_until_it_is_out_of_hand(kind: Kind) -> None:
    story = Story(kind)
    for asked in (c.StartEvacuation(), c.SetCordon(shape=ROUND, radius_m=50)):
        assert story.refused(DESK, asked).code == "kind_without_danger"
    story.say(DESK, c.AssessControllable(controllable=False, reason="门后有烟"))
    story.say(DESK, c.StartEvacuation())
    story.say(DESK, c.SetCordon(shape=ROUND, radius_m=50))


def test_a_second_alarm_of_a_dangerous_kind_opens_both() -> None:
    story = Story(Kind.WATER)
    more = c.NewAlarm(
        detector_id=SECOND, label="厨房", kind=Kind.GAS, quantity="gas", emitted_at=START
    )
    story.say(SYSTEM, more)
    story.say(DESK, c.StartEvacuation())
    story.say(DESK, c.SetCordon(shape=ROUND, radius_m=50))
