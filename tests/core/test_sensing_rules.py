"""Every quantity of 5.1.1.1 raises and clears by its rules: limits, stages, rates, hours."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sensing import derived
from backend.sensing.changes import Change
from backend.sensing.flow import DetectorState, Signal, SignalType, due_at, elapse, evaluate
from backend.sensing.quantities import QUANTITIES
from backend.sensing.reading import Reading, Value
from backend.sensing.rule import Form, Of, Stage
from backend.sensing.rule_faults import faults
from backend.sensing.rules import SCOPED, RuleBook, defaults
from tools import thresholds

T0 = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # 08:00 in the street
HOUR, DAY = 3600.0, 86_400.0
BOOK = RuleBook(defaults())
RAISED, VALUE, NORMAL, CLEARED, LATE, NOTED = SignalType


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Detector:
    """One registered detector; ``told`` is all it made us say, as (rule, what)."""

    def __init__(
        self,
        kind: str,
        *changes: Change,
        group: str | None = None,
        interval_s: float | None = None,
        away: Sequence[tuple[float, float]] = (),
    ) -> None:
        self.rules = RuleBook(defaults(), changes).of(kind, group)
        spells = tuple((at(start), at(end)) for start, end in away)
        self.state = DetectorState(interval_s=interval_s, away=spells)
        self.told: list[Signal] = []
        self._made = 0

    def says(self, quantity: str, value: Value, seconds: float, *flags: str) -> list[str]:
        reading = Reading(
            device="d", kind=QUANTITIES[quantity].kind, quantity=quantity, value=value,
            unit=QUANTITIES[quantity].unit, measured_at=at(seconds), received_at=at(seconds),
            timed=True, flags=flags,
        )  # fmt: skip
        rules = self.rules.get(quantity, ())
        self.state, told = evaluate(self.state, reading, rules, episode=self._episode())
        return self._keep(told)

    def waits_until(self, seconds: float) -> list[str]:
        found: list[str] = []
        while (due := due_at(self.state, self.rules)) is not None and due <= at(seconds):
            self.state, told = elapse(self.state, self.rules, due, episode=self._episode())
            found += self._keep(told)
        return found

    def alarms(self) -> list[tuple[str, str]]:
        ends = (RAISED, CLEARED, NOTED)
        return [(signal.rule, signal.type.value) for signal in self.told if signal.type in ends]

    def _keep(self, told: Sequence[Signal]) -> list[str]:
        self.told += told
        return [signal.type.value for signal in told]

    def _episode(self) -> UUID:
        self._made += 1
        return UUID(int=self._made)


# --- electric -----------------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.1-a")
def test_a_leak_to_earth_is_noted_at_300_and_alarms_at_500_milliamperes() -> None:
    d = Detector("electric")
    d.says("residual_current", 320, 0)
    assert d.waits_until(30) == ["noted"]
    assert not d.state.alarming, "a note is no alarm"
    d.says("residual_current", 510, 100)
    assert d.waits_until(130) == ["raised"]
    for seconds in (200, 230, 262):
        d.says("residual_current", 350, seconds)
    assert d.alarms() == [("E1n", "noted"), ("E1", "raised"), ("E1", "cleared")]


def test_a_note_beside_an_alarm_of_its_quantity_is_not_told() -> None:
    d = Detector("electric")
    d.says("residual_current", 600, 0)
    assert d.waits_until(60) == ["raised"]
    assert d.says("residual_current", 600, 90) == []


@pytest.mark.clause("5.1.1.1-a")
def test_a_cable_that_warms_ten_degrees_in_five_minutes_alarms_below_any_limit() -> None:
    d = Detector("electric")
    for minute in range(60):
        d.says("temperature", 20 + minute / 2, minute * 60)
    assert d.alarms() == [], "half a degree a minute is no alarm"
    for step, value in enumerate((51, 54, 57, 61, 62)):
        d.says("temperature", value, 3600 + 60 * step)
    assert ("E3r", "raised") in d.alarms()
    assert d.told[-1].limit == 10 or d.told[-1].type is VALUE
    for step in range(9):
        d.says("temperature", 62, 4000 + 60 * step)
    assert d.alarms()[-1] == ("E3r", "cleared")


@pytest.mark.clause("5.1.1.1-a")
def test_overload_waits_ten_minutes_at_105_and_one_at_130_per_cent() -> None:
    d = Detector("electric")
    d.says("load", 110, 0)
    assert d.waits_until(599) == []
    d.says("load", 131, 599)
    assert d.waits_until(660) == ["raised", "raised"]
    assert [rule for rule, _ in d.alarms()] == ["E8", "E5"]


@pytest.mark.clause("5.1.1.1-a")
@pytest.mark.parametrize(
    ("quantity", "over", "normal"), [("short_circuit", True, False), ("arc", 14, 9)]
)
def test_a_short_circuit_and_an_arc_alarm_at_once(
    quantity: str, over: Value, normal: Value
) -> None:
    d = Detector("electric")
    assert d.says(quantity, over, 0) == ["raised"]
    assert d.says(quantity, normal, 10) == ["normal"]
    assert d.says(quantity, normal, 70) == ["normal", "cleared"]


# --- gas, smoke ---------------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.1-b")
def test_gas_has_two_stages_and_the_alarm_ends_when_both_have() -> None:
    d = Detector("gas")
    assert d.says("gas_value", 9, 0) == ["raised"]
    assert d.says("gas_value", 22, 5) == ["raised"]
    first, second = (signal.episode for signal in d.told)
    assert first != second
    for seconds in (10, 70, 130, 140):
        d.says("gas_value", 2, seconds)
    assert d.alarms()[-2:] == [("G4", "cleared")] or d.alarms()[-1][1] == "cleared"
    assert not d.state.alarming


def test_rules_that_raise_on_one_reading_are_one_alarm_told_by_the_gravest() -> None:
    d = Detector("gas")
    assert d.says("gas_value", 30, 0) == ["raised"]
    assert (d.told[0].rule, d.told[0].limit) == ("G4", 20)
    for seconds in (10, 70, 130):
        d.says("gas_value", 2, seconds)
    assert [what for _, what in d.alarms()] == ["raised", "cleared"]


@pytest.mark.clause("5.1.1.1-c")
def test_a_smoke_density_is_a_note_before_the_detector_s_own_alarm() -> None:
    d = Detector("smoke")
    d.says("smoke_density_dbm", 0.12, 0)
    assert d.waits_until(30) == ["noted"]
    assert d.says("smoke", True, 40, "alarm") == ["raised"]


# --- structure ----------------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.1-d")
@pytest.mark.parametrize("quantity", ["tilt_horizontal", "tilt_vertical"])
def test_a_slow_drift_of_a_wall_alarms_by_its_rate_and_a_day_s_swing_does_not(
    quantity: str,
) -> None:
    calm, drifting = Detector("structure"), Detector("structure")
    for hour in range(24 * 6):
        swing = 0.8 * math.sin(hour / 24 * 2 * math.pi)
        calm.says(quantity, swing, hour * HOUR)
        drifting.says(quantity, swing + max(0, hour - 72) / 24 * 1.3, hour * HOUR)
    assert calm.alarms() == []
    rate = {"tilt_horizontal": "B1r", "tilt_vertical": "B2r"}[quantity]
    assert (rate, "raised") in drifting.alarms()


@pytest.mark.clause("5.1.1.1-d")
def test_a_wall_s_own_lean_is_learned_and_only_a_change_of_it_alarms() -> None:
    d = Detector("structure")
    for hour in range(24 * 8):
        d.says("displacement", 3.0 + (hour % 2) / 10, hour * HOUR)
    memory = d.state.watches["displacement"].memory
    assert memory is not None
    assert memory.baseline == pytest.approx(3.05, abs=0.06)
    assert d.says("displacement", 7.9, 8 * DAY) == [], "4.9 mm from where it always was"
    assert d.says("displacement", 8.2, 8 * DAY + 60) == ["raised"]
    assert d.told[-1].value == pytest.approx(5.15, abs=0.06)


def test_what_alarms_from_the_first_day_is_never_learned_as_normal() -> None:
    d = Detector("structure")
    for hour in range(24 * 9):
        d.says("displacement", 9.0, hour * HOUR)
    assert d.alarms() == [("B4", "raised")]
    assert d.state.alarming


@pytest.mark.clause("5.1.1.1-d")
def test_settlement_is_noted_at_two_and_alarms_at_four_millimetres_in_a_month() -> None:
    d = Detector("structure")
    for day in range(200):
        d.says("settlement", -day * 3.5 / 30, day * DAY)
    assert d.alarms() == [("B3n", "noted")], "3.5 mm a month, for ever"
    for day in range(200, 230):
        d.says("settlement", -23.4 - (day - 200) * 0.3, day * DAY)
    assert ("B3", "raised") in d.alarms()


@pytest.mark.clause("5.1.1.1-d")
def test_a_crack_is_noted_by_its_week_and_alarms_by_its_width() -> None:
    d = Detector("structure")
    for hour in range(0, 24 * 7, 6):
        d.says("crack", 0.2, hour * HOUR)
    assert d.says("crack", 0.55, 7 * DAY) == ["noted"]
    assert d.says("crack", 1.25, 8 * DAY) == ["raised"]


# --- hydrants -----------------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.1-e")
def test_a_hydrant_s_limits_go_by_where_it_hangs() -> None:
    street, indoor = Detector("hydrant"), Detector("hydrant", group="indoor_outlet_35")
    for d in (street, indoor):
        d.says("pressure", 0.30, 0)
        d.waits_until(DAY)
    assert (street.alarms(), indoor.alarms()) == ([], [("H1", "raised")])
    high = Detector("hydrant", group="indoor_outlet_35")
    high.says("pressure", 0.75, 0)
    street.says("pressure", 0.75, 2 * DAY)
    assert high.waits_until(200) == ["raised"], "above 0.70 MPa a hose cannot be held"
    assert street.waits_until(3 * DAY) == []


@pytest.mark.clause("5.1.1.1-e")
def test_a_street_hydrant_is_noted_below_what_is_normal_and_alarms_below_what_a_fire_needs() -> (
    None
):
    d = Detector("hydrant")
    d.says("pressure", 0.12, 0)
    assert d.waits_until(600) == ["noted"]
    d.says("pressure", 0.09, 700)
    assert d.waits_until(820) == ["raised"]
    for n in range(4):
        d.says("pressure", 0.16, 900 + 150 * n)
    assert d.alarms() == [("H1n", "noted"), ("H1", "raised"), ("H1", "cleared")]


@pytest.mark.clause("5.1.1.1-e")
def test_a_tilted_hydrant_is_an_alarm_and_an_open_cap_a_note() -> None:
    d = Detector("hydrant")
    assert d.says("hydrant_tilted", True, 0) == ["raised"]
    assert d.says("hydrant_opened", True, 0) == ["noted"]


# --- water and door -----------------------------------------------------------------------------


def meter(d: Detector, hours: float, use: float, start_h: float = 0.0, base: float = 5.0) -> float:
    """Readings each quarter of an hour; ``use`` m³ an hour. The counter at the end."""
    for quarter in range(int(hours * 4)):
        base += use / 4
        d.says("water_used", round(base, 6), (start_h + quarter / 4) * HOUR)
    return base


@pytest.mark.clause("5.1.1.1-f")
def test_no_water_for_twelve_waking_hours_raises_once_and_five_litres_clear_it() -> None:
    d = Detector("water")
    base = meter(d, 11.9, 0.0)
    assert d.alarms() == []
    base = meter(d, 30, 0.0, 11.9, base)
    assert d.alarms() == [("W2", "raised")]
    raised = next(signal for signal in d.told if signal.type is RAISED)
    assert (raised.unit, raised.limit) == ("h", 12)
    assert raised.measured_at >= at(12 * HOUR)
    assert "normal" not in d.says("water_used", base + 0.004, 50 * HOUR)
    assert d.says("water_used", base + 0.005, 50.5 * HOUR) == ["normal", "cleared"]


@pytest.mark.clause("5.1.1.1-f")
def test_hours_of_the_night_do_not_count_as_hours_without_water() -> None:
    d = Detector("water")
    meter(d, 3, 0.02, 11)  # until 22:00 in the street
    meter(d, 8 + 11.5, 0.0, 14, 5.06)
    assert d.alarms() == []
    meter(d, 1, 0.0, 33.5, 5.06)
    assert d.alarms() == [("W2", "raised")]


@pytest.mark.clause("5.1.1.1-f")
def test_water_that_never_stops_for_half_an_hour_of_a_day_is_a_leak() -> None:
    d = Detector("water")
    meter(d, 24.5, 0.012)
    assert ("W4", "raised") in d.alarms()
    pausing = Detector("water")
    base = 5.0
    for hour in range(60):
        base = meter(pausing, 0.25, 0.03, hour, base)
        base = meter(pausing, 0.75, 0.0, hour + 0.25, base)
    assert pausing.alarms() == []


@pytest.mark.clause("5.1.1.1-f")
def test_more_than_two_cubic_metres_in_a_day_is_an_alarm_and_a_new_meter_is_none() -> None:
    d = Detector("water", Change(code="W4", off=True))
    meter(d, 19, 0.1)
    assert d.says("water_used", 0.3, 23 * HOUR) == [], "the meter was exchanged"
    fresh = Detector("water", Change(code="W4", off=True))
    meter(fresh, 20, 0.11)
    assert fresh.alarms() == [("W3", "raised")]


@pytest.mark.clause("5.1.1.1-f")
def test_nobody_is_missed_while_the_home_is_known_to_be_empty() -> None:
    d = Detector("water", away=[(2 * HOUR, 70 * HOUR)])
    meter(d, 70, 0.0)
    assert d.alarms() == []
    meter(d, 16, 0.0, 70)
    assert d.alarms() == [("W2", "raised")]


@pytest.mark.clause("5.1.1.1-g")
def test_a_gate_left_open_alarms_in_ten_minutes_by_day_and_in_five_by_night() -> None:
    d = Detector("door")
    d.says("contact", False, 0, "open")
    assert d.waits_until(600) == ["raised"]
    night = Detector("door")
    night.says("contact", False, 15 * HOUR, "open")  # 23:00
    assert night.waits_until(15 * HOUR + 299) == []
    assert night.waits_until(15 * HOUR + 300) == ["raised"]
    dusk = Detector("door")
    dusk.says("contact", False, 14 * HOUR - 400, "open")
    assert dusk.waits_until(14 * HOUR) == ["raised"], "night falls with the gate open"


@pytest.mark.clause("5.1.1.1-g")
def test_a_gate_that_nobody_opened_for_days_alarms_unless_they_are_away_or_it_is_silent() -> None:
    def closed(d: Detector, hours: int) -> list[tuple[str, str]]:
        for hour in range(hours):
            d.says("contact", True, hour * HOUR)
            d.waits_until(hour * HOUR + 1800)
        return d.alarms()

    assert closed(Detector("door"), 48) == []
    assert closed(Detector("door"), 50) == [("D2", "raised")]
    assert closed(Detector("door", group="lives_alone"), 26) == [("D2", "raised")]
    assert closed(Detector("door", away=[(0, 40 * HOUR)]), 60) == []
    silent = Detector("door", interval_s=3600)
    silent.says("contact", True, 0)
    assert silent.waits_until(30 * DAY) == [], "a sensor that says nothing proves nothing"
    d = Detector("door")
    closed(d, 50)
    assert d.says("contact", False, 50 * HOUR, "open") == ["normal", "cleared"]


# --- what is common -----------------------------------------------------------------------------


def test_normals_before_a_silence_do_not_count_towards_a_release() -> None:
    d = Detector("smoke", interval_s=60)
    d.says("smoke", True, 0)
    d.says("smoke", False, 30)
    assert d.says("smoke", False, 3600) == ["normal"]
    assert d.told[-1].normals == 1
    assert d.waits_until(DAY) == [], "one normal, and then silence again"
    assert d.state.alarming


def test_the_clock_alone_raises_nothing_when_the_last_reading_is_stale() -> None:
    d = Detector("electric", interval_s=10)
    d.says("residual_current", 600, 0)
    assert d.waits_until(DAY) == []
    assert d.says("residual_current", 600, 100) == [], "it was silent for longer than it may be"
    assert d.says("residual_current", 600, 120) == []
    assert d.waits_until(130) == ["raised"]


def test_an_alarm_that_is_on_ends_by_the_numbers_that_are_in_force_then() -> None:
    d = Detector("electric")
    d.says("residual_current", 600, 0)
    d.waits_until(30)
    higher = Change(code="E1", raise_at=700, clear_at=650)
    d.rules = RuleBook(defaults(), (higher,), version=4).of("electric")
    assert d.state.alarming
    assert "normal" in d.says("residual_current", 600, 40)
    d.says("residual_current", 600, 60)
    assert d.waits_until(100) == ["cleared"]
    assert d.told[-1].version == 4


def test_a_rule_that_is_switched_off_raises_nothing_but_still_ends_what_is_on() -> None:
    d = Detector("hydrant")
    d.says("pressure", 0.05, 0)
    d.waits_until(120)
    d.rules = RuleBook(defaults(), (Change(code="H1", off=True),)).of("hydrant")
    d.says("pressure", 0.2, 200)
    d.says("pressure", 0.2, 300)
    assert d.waits_until(500) == ["cleared"]
    d.says("pressure", 0.05, 600)
    assert "raised" not in d.waits_until(DAY)


def test_a_change_for_one_detector_goes_before_its_group_s_and_that_before_everybody_s() -> None:
    one, other = UUID(int=1), UUID(int=2)
    book = RuleBook(
        defaults(),
        (
            Change(code="H1", detector=one, raise_at=0.3),
            Change(code="H1", raise_at=0.1, on_delay_s=5),
            Change(code="H1", group="indoor_outlet_25", raise_at=0.2),
        ),
    )

    def h1(group: str | None, detector: UUID) -> tuple[float, float]:
        rule = next(r for r in book.of("hydrant", group, detector)["pressure"] if r.code == "H1")
        return rule.raise_at, rule.on_delay_s

    assert h1(None, other) == (0.1, 5)
    assert h1("indoor_outlet_25", other) == (0.2, 5)
    assert h1("indoor_outlet_25", one) == (0.3, 5)


def test_the_program_s_own_numbers_and_groups_have_no_fault() -> None:
    assert faults(defaults(), SCOPED) == []
    for rule in defaults():
        same = Change(code=rule.code, normals=rule.normals)
        assert faults(defaults(), [same]) == [], rule.code


def test_a_stored_state_of_an_older_process_is_read_and_goes_on() -> None:
    old = (
        b'{"watches":{"smoke":["2026-03-02T00:00:00Z",1.0,["alarm"],null,'
        b'"00000000-0000-0000-0000-000000000007","2026-03-02T00:00:00Z",0,null,1.0,'
        b'"2026-03-02T00:00:00Z","2026-03-02T00:00:00Z",null]}}'
    )
    d = Detector("smoke")
    d.state = msgspec.json.decode(old, type=DetectorState)
    assert d.state.alarming
    d.says("smoke", False, 10)
    d.says("smoke", False, 20)
    assert d.waits_until(70) == ["cleared"]


# --- whatever comes -----------------------------------------------------------------------------

QUANTITY = st.sampled_from(sorted({rule.quantity for rule in defaults()}))
STORY = st.lists(
    st.tuples(st.floats(-50, 700), st.integers(0, 40_000), st.booleans()), min_size=1, max_size=25
)
UNUSABLE = ("test", "fault", "late", "unscaled")


def tell(d: Detector, quantity: str, story: list[tuple[float, int, bool]]) -> float:
    clock = 0.0
    for value, step, waits in story:
        clock += step
        if waits:
            d.waits_until(clock)
        boolean = QUANTITIES[quantity].boolean
        d.says(quantity, value > 0 if boolean else value, clock)
    return clock


@given(quantity=QUANTITY, story=STORY, flag=st.sampled_from(UNUSABLE), value=st.floats(-1e9, 1e9))
def test_what_cannot_be_trusted_changes_nothing_at_all(
    quantity: str, story: list[tuple[float, int, bool]], flag: str, value: float
) -> None:
    d = Detector(QUANTITIES[quantity].kind)
    clock = tell(d, quantity, story)
    before = d.state
    boolean = QUANTITIES[quantity].boolean
    said = d.says(quantity, value > 0 if boolean else value, clock + 1, flag)
    assert d.state == before
    assert set(said) <= {"late"}


@given(quantity=QUANTITY, story=STORY, value=st.floats(-1e9, 1e9))
def test_a_reading_of_a_maintenance_window_tells_nothing_and_never_counts_as_normal(
    quantity: str, story: list[tuple[float, int, bool]], value: float
) -> None:
    d = Detector(QUANTITIES[quantity].kind)
    clock = tell(d, quantity, story)
    before = {key: watch for key, watch in d.state.watches.items() if watch.episode is not None}
    boolean = QUANTITIES[quantity].boolean
    assert not d.says(quantity, value > 0 if boolean else value, clock + 1, "maintenance")
    assert before.items() <= d.state.watches.items()


@given(
    quantity=QUANTITY,
    story=STORY,
    value=st.sampled_from([math.nan, math.inf, -math.inf]),
)
def test_what_is_no_number_changes_nothing_at_all(
    quantity: str, story: list[tuple[float, int, bool]], value: float
) -> None:
    d = Detector(QUANTITIES[quantity].kind)
    clock = tell(d, quantity, story)
    before = d.state
    assert d.says(quantity, value, clock + 1) == []
    assert d.state == before


@given(quantity=QUANTITY, story=STORY)
def test_the_past_told_again_raises_nothing_and_counts_as_nothing(
    quantity: str, story: list[tuple[float, int, bool]]
) -> None:
    d = Detector(QUANTITIES[quantity].kind)
    clock = tell(d, quantity, story) + 1
    d.says(quantity, False if QUANTITIES[quantity].boolean else 0.0, clock)
    before = d.state
    for value, step, _ in story:
        boolean = QUANTITIES[quantity].boolean
        d.says(quantity, value > 0 if boolean else value, min(step, clock - 1))
    assert d.state == before


@given(quantity=QUANTITY, story=STORY)
def test_a_state_that_was_stored_goes_on_as_if_it_had_not_been(
    quantity: str, story: list[tuple[float, int, bool]]
) -> None:
    kept, stored = (Detector(QUANTITIES[quantity].kind, interval_s=600) for _ in range(2))
    half = len(story) // 2
    for d in (kept, stored):
        tell(d, quantity, story[:half])
    stored.state = msgspec.json.decode(msgspec.json.encode(stored.state), type=DetectorState)
    for d in (kept, stored):
        tell(d, quantity, [(v, s + 700_000, w) for v, s, w in story[half:]])
    assert kept.told == stored.told


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), max_size=4),
    st.integers(0, 900),
    st.integers(1, 200),
)
def test_hours_at_home_reach_what_is_wanted_exactly_when_they_say_so(
    spells: list[tuple[int, int]], start: int, wanted: int
) -> None:
    away: list[tuple[datetime, datetime]] = []
    for begin, length in sorted(spells):
        if not away or at(begin * HOUR) >= away[-1][1]:
            away.append((at(begin * HOUR), at((begin + length) * HOUR)))
    since = at(start * HOUR)
    when = derived.reached(since, wanted, away)
    assert derived.hours(since, when, away, awake=False) == pytest.approx(wanted)


def test_every_kind_names_its_quantities_and_only_the_reading_itself_draws_a_line() -> None:
    assert {rule.kind for rule in defaults()} == {q.kind for q in QUANTITIES.values()}
    drawn = BOOK.limits_of("electric", "temperature")
    assert [(line.limit, line.stage, line.direction) for line in drawn] == [
        (65, Stage.NOTE, Form.ABOVE),
        (80, Stage.ALARM, Form.ABOVE),
    ]
    assert BOOK.limits_of("door", "contact") == []
    assert [x.limit for x in BOOK.limits_of("hydrant", "pressure", "indoor_outlet_35")] == [
        0.7,
        0.35,
    ]
    assert all(rule.of in Of for rule in defaults())


def test_the_page_of_thresholds_says_what_the_rules_say() -> None:
    written = (Path(__file__).parents[2] / "docs" / "thresholds.md").read_text("utf-8")
    assert written == thresholds.page(), "python -m tools.thresholds > docs/thresholds.md"
    unverified = ("GB 15322", "GB 14287", "JGJ", "GB 50007", "GB 50292")
    assert not any(name in written for name in unverified), "their texts were not verified"
