"""Which devices are walked to, when, in what order and by whom."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.inspection.flow import rounds as r

FIRST = date(2026, 1, 1)
DAYS = st.dates(FIRST, date(2030, 12, 31))
CYCLES = st.sampled_from(["week", *r.MONTHS])


def device(n: int, **more: Any) -> r.Device:
    facts: dict[str, Any] = {
        "id": UUID(int=n), "kind": "smoke", "model": "GS524", "street": "织锦街",
        "building": f"{n}", "floor": "1 楼", "label": f"烟感 {n}", "lat": 31.3, "lon": 120.6,
        "state": "active",
    }  # fmt: skip
    return r.Device(**{**facts, **more})


def plan(n: int = 1, **more: Any) -> r.Plan:
    facts: dict[str, Any] = {
        "id": UUID(int=n), "name": "每月巡检", "cycle": "month", "first_on": FIRST,
    }  # fmt: skip
    return r.Plan(**{**facts, **more})


@given(CYCLES, DAYS)
def test_periods_lie_side_by_side_and_hold_every_day_once(cycle: Any, on: date) -> None:
    period = r.period_of(cycle, on)
    assert period.first_on <= on <= period.last_on
    assert r.period_of(cycle, period.last_on) == period
    after = r.period_of(cycle, period.last_on + timedelta(days=1))
    assert after.first_on == period.last_on + timedelta(days=1)
    assert after.key != period.key


@pytest.mark.clause("5.1.2.1")
@given(DAYS, DAYS)
def test_the_same_period_gives_the_same_rounds_and_another_gives_others(a: date, b: date) -> None:
    devices = [device(n) for n in range(3)]
    one, two = (r.drafts(plan(), [plan()], devices, on) for on in (a, b))
    same = (a.year, a.month) == (b.year, b.month)
    assert ([each.id for each in one] == [each.id for each in two]) == same


@pytest.mark.clause("5.1.2.1")
def test_a_new_device_joins_and_a_retired_one_leaves_the_next_round() -> None:
    devices = [device(1), device(2, state="retired"), device(3, state="faulty"),
               device(4, state="planned"), device(5, street="栀子弄")]  # fmt: skip
    found = r.drafts(plan(), [plan()], devices, date(2026, 3, 9))
    walked = {draft.street: {one.int for one in draft.devices} for draft in found}
    assert walked == {"织锦街": {1, 3}, "栀子弄": {5}}


def test_a_device_is_walked_to_by_the_plan_that_means_it_most_exactly() -> None:
    every, kind = plan(1), plan(2, kinds=("smoke",))
    street, model = plan(3, streets=("织锦街",)), plan(4, models=("GS524",))
    asked: tuple[list[r.Plan], ...] = (
        [every, kind],
        [every, kind, street],
        [model, every, street],
        [plan(5), plan(6)],
        [],
    )
    assert [r.plan_of(device(1), plans) for plans in asked] == [
        kind, street, model, plan(5), None,
    ]  # fmt: skip
    off = plan(7, models=("GS524",), active=False)
    assert r.plan_of(device(1), [off, every]) == every
    assert r.drafts(off, [off, every], [device(1)], FIRST) == []


def test_a_plan_that_begins_in_the_last_days_begins_with_the_next_period() -> None:
    late = plan(first_on=date(2026, 3, 27))
    assert r.runs(late, date(2026, 3, 30)) is None
    assert r.runs(late, date(2026, 4, 1)) is not None
    assert r.runs(plan(first_on=date(2026, 3, 20)), date(2026, 3, 20)) is not None


def test_one_walks_from_door_to_door_and_upwards() -> None:
    devices = [
        device(1, building="9", lon=120.6030, floor="2 楼"),
        device(2, building="9", lon=120.6030, floor="1 楼"),
        device(3, building="1", lon=120.6000),
        device(4, building="5", lon=120.6012),
        device(5, building="9", lon=120.6030, floor="地下 1 层"),
    ]
    assert [one.id.int for one in r.walking_order(devices)] == [3, 4, 5, 2, 1]


PEOPLE = st.dictionaries(
    st.integers(1, 5).map(lambda n: UUID(int=n)), st.floats(0, 200), max_size=4
)


@given(st.dictionaries(st.integers(10, 40).map(lambda n: UUID(int=n)), st.integers(1, 90)), PEOPLE)
def test_rounds_are_shared_among_those_who_have_duty_there(
    sizes: dict[UUID, int], hours: dict[UUID, float]
) -> None:
    found = r.shared_out(sizes, dict.fromkeys(sizes, hours))
    able = {who for who, h in hours.items() if h > 0}
    assert set(found.values()) <= able
    assert set(found) == (set(sizes) if able else set())
    assert found == r.shared_out(dict(reversed(sizes.items())), dict.fromkeys(sizes, hours))
