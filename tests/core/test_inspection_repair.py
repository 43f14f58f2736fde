"""The technician's one clock over plan and doing: 20 h, 24 h, and what stays on the record."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.inspection.flow import repair as r
from backend.inspection.flow.refused import Refused

NOTICED = datetime(2026, 3, 2, 1, tzinfo=UTC)
TANG = UUID(int=4)
CLOCK = r.Clock()


class Job:
    """A repair that was just noticed."""

    def __init__(self) -> None:
        self.now = r.Repair()
        self.add((r.Event(fact=r.Noticed(what="电池没电", items=("battery",)), at=NOTICED),))

    def add(self, events: tuple[r.Event, ...]) -> list[str]:
        for event in events:
            self.now = r.evolve(self.now, event)
        return [type(event.fact).__name__ for event in events]

    def step(self, said: r.Said, after_h: float, **more: Any) -> r.Step:
        at = NOTICED + timedelta(hours=after_h)
        facts = {"command_id": uuid4(), "at": at, "today": at.date(), "by": TANG, **more}
        return r.Step(said=said, by_name="唐一鸣", **facts)

    def take(self, said: r.Said, after_h: float, **more: Any) -> list[str]:
        return self.add(r.decide(self.now, self.step(said, after_h, **more), CLOCK))

    def refused(self, said: r.Said, after_h: float, **more: Any) -> str:
        with pytest.raises(Refused) as why:
            self.take(said, after_h, **more)
        return why.value.code


PLAN, DONE = r.Plan(what="换电池"), r.Done(what="已换")


@pytest.mark.clause("5.1.2.2-c")
@pytest.mark.parametrize(
    ("after", "says"),
    [
        (timedelta(hours=19, minutes=59, seconds=59), []),
        (timedelta(hours=20), ["Warned"]),
        (timedelta(hours=23, minutes=59, seconds=59), ["Warned"]),
        (timedelta(hours=24), ["Warned"]),
        (timedelta(hours=24, seconds=1), ["Warned", "Breached"]),
    ],
)
@pytest.mark.parametrize("planned", [False, True])
def test_one_clock_warns_at_twenty_hours_and_is_broken_past_twenty_four(
    after: timedelta, says: list[str], planned: bool
) -> None:
    job = Job()
    if planned:
        job.take(PLAN, 0.5)
    assert job.add(r.tick(job.now, NOTICED + after, CLOCK)) == says
    assert r.tick(job.now, NOTICED + after, CLOCK) == ()


@pytest.mark.clause("5.1.2.2-c")
def test_plan_and_doing_are_within_the_day_or_it_is_a_breach() -> None:
    job = Job()
    assert job.refused(DONE, 1) == "repair_plan_first"
    job.take(PLAN, 2)
    assert job.take(DONE, 24) == ["Warned", "Done"]
    assert (job.now.state, job.now.breached_at) == ("done", None)
    assert r.tick(job.now, NOTICED + timedelta(days=3), CLOCK) == ()


def test_past_the_day_a_reason_and_a_new_date_come_first_and_the_breach_stays() -> None:
    job = Job()
    job.take(PLAN, 2)
    assert job.refused(DONE, 24.001) == "repair_overrun"
    assert job.refused(r.Overrun(reason="等配件", new_on=date(2026, 3, 1)), 25) == "repair_date"
    said = job.take(r.Overrun(reason="等配件", new_on=date(2026, 3, 5)), 25)
    assert said == ["Warned", "Breached", "Overrun"]
    job.take(DONE, 60)
    job.take(r.Confirm(), 61, signal_at=NOTICED + timedelta(hours=60.9))
    assert (job.now.state, job.now.overrun) == ("closed", "等配件")
    assert job.now.breached_at is not None


def test_nobody_gives_a_reason_for_what_is_in_time() -> None:
    said = r.Overrun(reason="等配件", new_on=date(2026, 3, 9))
    assert Job().refused(said, 3) == "repair_not_over"


def test_it_is_closed_by_a_good_test_after_the_work_and_goes_on_after_a_bad_one() -> None:
    job = Job()
    job.take(PLAN, 1)
    assert job.refused(r.Confirm(), 2, signal_at=NOTICED) == "repair_not_done"
    job.take(DONE, 3)
    assert job.refused(PLAN, 3.1) == "repair_is_done"
    old = NOTICED + timedelta(hours=3) - CLOCK.test_lead - timedelta(seconds=1)
    assert job.refused(r.Confirm(), 3.2, signal_at=old) == "repair_no_signal"
    assert job.refused(r.Confirm(), 3.2) == "repair_no_signal"
    job.take(r.NotGood(why="还是不响"), 4)
    assert job.now.state == "planned"
    assert job.add(r.tick(job.now, NOTICED + timedelta(hours=25), CLOCK)) == ["Warned", "Breached"]
    job.take(r.Overrun(reason="主板坏", new_on=date(2026, 3, 4)), 26)
    job.take(DONE, 30)
    job.take(r.Confirm(), 31, signal_at=NOTICED + timedelta(hours=30))
    assert job.refused(r.NotGood(why="再看"), 32) == "repair_over"


WORDS = st.sampled_from([
    PLAN, DONE, r.Confirm(), r.NotGood(why="不响"),
    r.Overrun(reason="缺件", new_on=date(2026, 4, 1)),
])  # fmt: skip


@given(st.lists(st.tuples(WORDS, st.floats(0, 6)), max_size=14))
def test_no_order_of_words_hides_a_breach(said: list[tuple[r.Said, float]]) -> None:
    job, hours = Job(), 0.0
    for word, more in said:
        hours += more
        step = job.step(word, hours, signal_at=NOTICED + timedelta(hours=hours))
        try:
            events = r.decide(job.now, step, CLOCK)
        except Refused:
            continue
        was = job.now
        job.add(events)
        assert r.decide(job.now, step, CLOCK) == ()
        if was.runs and hours > 24:
            assert job.now.breached_at is not None
