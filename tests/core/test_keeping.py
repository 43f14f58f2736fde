"""Which days of readings go: to the day, never a young one, never by a clock that jumped."""

from datetime import UTC, date, datetime, timedelta

import pytest

from backend.devices.charted import Charted
from backend.sensing.changes import Change
from backend.sensing.keeping import HELD, due, hold, limits
from backend.sensing.rules import RuleBook, defaults
from tests.edge.detectors import detector_id

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS = [TODAY - timedelta(days=n) for n in range(-7, 120)]


@pytest.mark.parametrize("raw_days", [30, 90])
def test_the_last_day_of_the_term_stays_and_the_one_before_it_goes(raw_days: int) -> None:
    gone = due(DAYS, TODAY, raw_days=raw_days, closed=TODAY)
    assert gone[0] == min(DAYS)
    assert gone[-1] == TODAY - timedelta(days=raw_days + 1)
    assert TODAY - timedelta(days=raw_days) not in gone


def test_a_day_that_was_not_gone_through_stays_however_old() -> None:
    closed = TODAY - timedelta(days=100)
    assert max(due(DAYS, TODAY, raw_days=90, closed=closed)) == closed
    assert due(DAYS, TODAY, raw_days=90, closed=None) == []


def test_no_setting_lets_a_day_of_the_last_month_go() -> None:
    assert max(due(DAYS, TODAY, raw_days=1, closed=TODAY)) == TODAY - timedelta(days=31)


def test_after_the_clock_jumped_ahead_nothing_goes_for_a_day_unless_it_is_put_back() -> None:
    assert hold(TODAY, None, NOON + timedelta(days=1)) is None
    ahead = NOON + timedelta(days=3650)
    held = hold(TODAY, None, ahead)
    assert held == ahead + HELD
    assert hold(ahead.date(), held, ahead + timedelta(hours=23)) == held
    assert hold(ahead.date(), held, ahead + HELD) is None
    assert hold(ahead.date(), held, NOON) is None


def test_over_the_limit_is_the_lesser_alarm_limit_of_the_detector_s_own_rules() -> None:
    own = Charted(detector_id(0), "gas", "燃气", None, 60)
    changes = (Change(code="G2", detector=own.detector_id, raise_at=12),)
    found = limits(RuleBook(defaults(), changes), [own])
    rows = zip(found.kinds, found.groups, found.own, found.quantities, found.above, strict=True)
    above = {row[:4]: row[4] for row in rows}
    assert above["gas", None, None, "gas_value"] == 8
    assert above["gas", None, own.detector_id, "gas_value"] == 12
