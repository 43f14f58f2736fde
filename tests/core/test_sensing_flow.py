"""When a reading raises, when it counts as normal, when the alert clears."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sensing.flow import DetectorState, Signal, SignalType, due_at, elapse, evaluate
from backend.sensing.muting import muted
from backend.sensing.quantities import KINDS, QUANTITIES
from backend.sensing.reading import Reading, Value
from backend.sensing.rule import Form, Of, Rule
from backend.sensing.rules import RuleBook, defaults

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RULES = {rule.quantity: rule for rule in defaults() if rule.first}
BOOK = RuleBook(defaults())
RAISED, VALUE, NORMAL, CLEARED, LATE, NOTED = SignalType


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Detector:
    """One detector and everything it was heard to say."""

    def __init__(self, *rules: str) -> None:
        self.rules = {name: BOOK.of(QUANTITIES[name].kind)[name] for name in rules}
        self.state = DetectorState()
        self.told: list[Signal] = []
        self._episodes = 0

    def says(
        self,
        quantity: str,
        value: Value,
        seconds: float,
        *flags: str,
        timed: bool = True,
        received: float | None = None,
        released: float | None = None,
    ) -> list[SignalType]:
        reading = Reading(
            device="d", kind=QUANTITIES[quantity].kind, quantity=quantity, value=value,
            unit=QUANTITIES[quantity].unit, measured_at=at(seconds), timed=timed, flags=flags,
            received_at=at(seconds if received is None else received),
        )  # fmt: skip
        self.state, told = evaluate(
            self.state,
            reading,
            self.rules.get(quantity, ()),
            episode=self._episode(),
            released_at=None if released is None else at(released),
        )
        self.told += told
        return [signal.type for signal in told]

    def waits_until(self, seconds: float) -> list[SignalType]:
        self.state, told = elapse(self.state, self.rules, at(seconds), episode=self._episode())
        self.told += told
        return [signal.type for signal in told]

    def due(self) -> float | None:
        found = due_at(self.state, self.rules)
        return None if found is None else (found - T0).total_seconds()

    def _episode(self) -> UUID:
        self._episodes += 1
        return UUID(int=self._episodes)


@pytest.mark.clause("5.1.1.1-c")
def test_smoke_raises_at_once_and_clears_after_two_normals_and_a_minute() -> None:
    d = Detector("smoke")
    assert d.says("smoke", True, 0, "alarm") == [RAISED]
    assert d.says("smoke", False, 10) == [NORMAL]
    assert d.says("smoke", False, 30) == [NORMAL]
    assert d.due() == 70
    assert d.says("smoke", False, 70) == [NORMAL, CLEARED]
    assert not d.state.alarming
    assert [s.normals for s in d.told] == [0, 1, 2, 3, 3]
    assert {s.normals_needed for s in d.told} == {2}


def test_a_repeated_message_of_an_alarm_still_on_is_no_new_alarm() -> None:
    d = Detector("smoke")
    d.says("smoke", True, 0)
    assert [d.says("smoke", True, t) for t in (1, 2, 600)] == [[], [], []]
    assert d.state.watches["smoke"].episode == d.told[0].episode


def test_an_alarm_in_between_starts_the_count_of_normals_again() -> None:
    d = Detector("smoke")
    d.says("smoke", True, 0)
    d.says("smoke", False, 10)
    d.says("smoke", True, 20)
    assert d.says("smoke", False, 30) == [NORMAL]
    assert d.told[-1].normals == 1
    assert d.says("smoke", False, 80) == [NORMAL], "a minute since the first normal counts"


def test_normal_readings_alone_clear_when_the_minute_passes_without_another() -> None:
    d = Detector("smoke")
    d.says("smoke", True, 0)
    d.says("smoke", False, 10)
    d.says("smoke", False, 20)
    assert d.waits_until(69) == []
    assert d.waits_until(70) == [CLEARED]
    assert d.says("smoke", True, 100) == [RAISED], "after the clear it is a new alarm"
    assert d.told[0].episode != d.told[-1].episode


@pytest.mark.clause("5.1.1.1-b")
def test_gas_waits_ten_seconds_unless_a_density_confirms_it() -> None:
    alone = Detector("gas")
    assert alone.says("gas", True, 0) == []
    assert alone.due() == 10
    assert alone.waits_until(10) == [RAISED]
    confirmed = Detector("gas")
    confirmed.says("gas_density", 12, 0)
    assert confirmed.says("gas", True, 0) == [RAISED]
    powered_up = Detector("gas")
    powered_up.says("gas_density", 0, 0)
    assert powered_up.says("gas", True, 0) == []
    assert powered_up.says("gas", False, 3) == []
    assert powered_up.waits_until(60) == [], "what went away by itself raises nothing"


def test_gas_needs_three_fresh_normals_and_two_minutes() -> None:
    d = Detector("gas_value")
    assert d.says("gas_value", 8, 0) == [RAISED], "the limit itself is inside"
    assert d.says("gas_value", 4, 1) == [NORMAL]
    assert d.says("gas_value", 6, 60) == [], "between the limits is not normal"
    assert d.says("gas_value", 5, 100) == [NORMAL]
    assert d.says("gas_value", 1, 150) == [NORMAL]
    assert d.says("gas_value", 0, 220) == [NORMAL, CLEARED]


@pytest.mark.clause("5.1.1.1-a")
@pytest.mark.parametrize("quantity", ["residual_current", "temperature", "load"])
def test_an_electric_value_must_stay_over_its_limit_for_its_delay(quantity: str) -> None:
    rule = RULES[quantity]
    d = Detector(quantity)
    assert d.says(quantity, rule.raise_at, 0) == []
    assert RAISED not in d.says(quantity, rule.clear_at, rule.on_delay_s - 1)
    again = d.says(quantity, rule.raise_at, rule.on_delay_s)
    assert RAISED not in again, "a dip starts the wait again"
    assert RAISED in d.says(quantity, rule.raise_at, 2 * rule.on_delay_s)


@pytest.mark.clause("5.1.1.1-e")
def test_a_hydrant_under_a_tenth_of_a_megapascal_raises_after_two_minutes() -> None:
    d = Detector("pressure")
    assert d.says("pressure", 0.10, 0) == []
    assert d.due() == 600, "0.10 MPa is what a fire needs: no alarm, but a note in ten minutes"
    assert d.says("pressure", 0.09, 60) == []
    assert d.waits_until(180) == [RAISED]
    assert d.says("pressure", 0.14, 200) == [], "0.14 is above the alarm, not yet normal"
    assert d.says("pressure", 0.15, 300) == [NORMAL]
    assert d.says("pressure", 0.16, 700) == [NORMAL, CLEARED]


@pytest.mark.clause("5.1.1.1-d")
@pytest.mark.parametrize("value", [7.0, -7.0])
def test_a_tilt_raises_in_either_direction(value: float) -> None:
    assert Detector("tilt_horizontal").says("tilt_horizontal", value, 0) == [RAISED]


@pytest.mark.clause("5.1.1.1-g")
def test_a_door_left_open_for_ten_minutes_raises_and_clears_when_it_closes() -> None:
    d = Detector("contact")
    assert d.says("contact", False, 0, "open") == []
    assert d.waits_until(599) == []
    assert d.waits_until(600) == [RAISED]
    assert d.says("contact", True, 700) == [NORMAL, CLEARED]


@pytest.mark.clause("5.1.1.1-f")
def test_a_water_leak_raises_at_once() -> None:
    assert Detector("water_leak").says("water_leak", True, 0, "alarm") == [RAISED]


@pytest.mark.parametrize("flag", ["test", "fault"])
def test_a_test_or_a_sensor_fault_never_raises_and_never_counts_as_normal(flag: str) -> None:
    d = Detector("smoke")
    assert d.says("smoke", True, 0, "alarm", flag) == []
    d.says("smoke", True, 1)
    assert d.says("smoke", False, 100, flag) == []
    assert d.state.watches["smoke"].normals == 0


def test_a_late_alarm_is_told_as_late_and_raises_nothing() -> None:
    d = Detector("smoke")
    d.says("smoke", False, 10_000)
    assert d.says("smoke", True, 100, "alarm", "clock", "late", received=10_001) == [LATE]
    assert not d.state.alarming
    assert d.state.watches["smoke"].value == 0


def test_an_alarm_out_of_order_changes_nothing() -> None:
    d = Detector("smoke")
    d.says("smoke", False, 100)
    assert d.says("smoke", True, 99) == []
    assert not d.state.alarming


def test_a_device_clock_that_runs_ahead_is_not_believed() -> None:
    d = Detector("smoke")
    assert d.says("smoke", False, 90_000, "clock", received=0) == []
    assert d.says("smoke", True, 90_010, "clock", received=10) == [RAISED]
    assert d.says("smoke", False, 20, received=20) == [NORMAL], "a clock that was set right again"


def test_a_retained_alarm_raises_only_when_quiet_and_newer_than_all_we_know() -> None:
    d = Detector("smoke")
    assert d.says("smoke", True, 0, "retained") == [RAISED], "a fire while we were away"
    assert d.says("smoke", True, 5, "retained") == []
    known = Detector("smoke")
    known.says("smoke", False, 50)
    assert known.says("smoke", True, 50, "retained") == []
    released = Detector("smoke")
    assert released.says("smoke", True, 50, "retained", released=60) == []
    untimed = Detector("smoke")
    untimed.says("smoke", False, 10)
    assert untimed.says("smoke", True, 50, "retained", timed=False) == []


def test_a_retained_alarm_of_unknown_age_from_a_new_detector_is_shown_to_a_person() -> None:
    assert Detector("smoke").says("smoke", True, 0, "retained", timed=False) == [LATE]


def test_a_retained_normal_never_counts_towards_release() -> None:
    d = Detector("smoke")
    d.says("smoke", True, 0)
    assert d.says("smoke", False, 100, "retained") == []
    assert d.state.watches["smoke"].normals == 0


def test_the_value_of_a_raised_alert_is_told_again_when_it_moves() -> None:
    d = Detector("gas_value")
    d.says("gas_value", 10, 0)
    assert d.says("gas_value", 10.1, 1) == []
    assert d.says("gas_value", 19, 2) == [VALUE]
    assert d.says("gas_value", 19.1, 13) == [VALUE]


def test_the_rules_cover_every_kind_and_their_numbers_make_sense() -> None:
    rules = defaults()
    assert {rule.kind for rule in rules} == set(KINDS)
    assert len({rule.code for rule in rules}) == len(rules) == len({rule.key for rule in rules})
    assert {rule.quantity for rule in rules if rule.first} == {rule.quantity for rule in rules}
    for rule in rules:
        assert QUANTITIES[rule.quantity].kind == rule.kind
        counts_hours = rule.of is Of.STILL
        assert QUANTITIES[rule.quantity].boolean == (rule.form is Form.FLAG or counts_hours)
        assert rule.normals >= (3 if rule.kind == "gas" else 1)
        if rule.form in (Form.ABOVE, Form.BEYOND):
            assert rule.clear_at < rule.raise_at
        if rule.form is Form.BELOW:
            assert rule.clear_at > rule.raise_at
    assert all(r.on_delay_s <= 15 for r in rules if r.kind in ("gas", "smoke") and r.alarms)


def test_a_limit_holds_only_for_its_kind_and_a_fire_flag_for_every_detector() -> None:
    book = RuleBook(defaults())
    assert "temperature" in book.of("electric")
    assert "temperature" not in book.of("smoke")
    assert all("smoke" in book.of(kind) and "gas" in book.of(kind) for kind in KINDS)


# ---- any order of readings ---------------------------------------------------------------------

values = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-20, 600))
steps = st.lists(
    st.tuples(
        values,
        st.integers(-1000, 400),
        st.sampled_from(
            [(), (), (), ("late", "clock"), ("test",), ("fault",), ("retained",), ("clock",)]
        ),
        st.booleans(),
    ),
    max_size=40,
)
watched = st.sampled_from([r for r in defaults() if r.first and r.quantity != "gas"])


def play(rule: Rule, story: list[tuple[float, int, tuple[str, ...], bool]]) -> Detector:
    d = Detector(rule.quantity)
    clock = 0.0
    for value, step, flags, waits in story:
        clock = max(clock, clock + step)
        said: Value = value
        if rule.form is Form.FLAG:
            said = value > 0
        before = d.state.watches.get(rule.quantity)
        told = d.says(rule.quantity, said, clock + min(step, 0), *flags, received=clock)
        if {"late", "test", "fault"} & set(flags) or said != said:
            assert RAISED not in told
            assert NORMAL not in told
            assert d.state.watches.get(rule.quantity) == before
        if waits:
            d.waits_until(clock)
    return d


@given(rule=watched, story=steps)
def test_raises_and_clears_alternate_and_every_clear_was_earned(
    rule: Rule, story: list[tuple[float, int, tuple[str, ...], bool]]
) -> None:
    d = play(rule, story)
    on: set[UUID | None] = set()
    raised: list[UUID | None] = []
    for signal in d.told:
        if signal.type is RAISED:
            assert signal.episode not in raised
            raised.append(signal.episode)
            on.add(signal.episode)
        if signal.type is CLEARED:
            on.remove(signal.episode)
            assert signal.normals >= signal.normals_needed > 0
            assert signal.normal_since is not None
            assert signal.still == bool(on)
    assert d.state.alarming == bool(on)


@given(rule=watched, story=steps)
def test_the_same_reading_again_tells_nothing_but_a_normal_of_its_own(
    rule: Rule, story: list[tuple[float, int, tuple[str, ...], bool]]
) -> None:
    d = play(rule, story)
    watch = d.state.watches.get(rule.quantity)
    if watch is None or watch.last_at is None or watch.value is None:
        return
    seconds = (watch.last_at - T0).total_seconds()
    over = watch.episode is not None
    d.says(rule.quantity, watch.value, seconds)
    if over:
        assert d.says(rule.quantity, watch.value, seconds).count(RAISED) == 0


@given(rule=watched, story=steps)
def test_time_alone_never_goes_past_what_is_due(
    rule: Rule, story: list[tuple[float, int, tuple[str, ...], bool]]
) -> None:
    d = play(rule, story)
    due = d.due()
    if due is None:
        assert d.waits_until(1e8) == []
    else:
        assert d.waits_until(due - 0.001) == []
        assert d.waits_until(due) in ([RAISED], [CLEARED], [NOTED], [])


def test_a_mute_holds_back_raises_and_late_tickets_until_its_end() -> None:
    d = Detector("smoke")
    d.state = muted(d.state, at(600))
    assert d.says("smoke", True, 0, "alarm") == []
    assert d.says("smoke", True, 20, "late", received=300) == []
    assert d.due() == 600
    assert d.waits_until(599) == []
    assert d.waits_until(600) == [RAISED]
    assert d.says("smoke", True, 601) == []


def test_a_normal_reading_while_muted_leaves_nothing_to_raise_at_its_end() -> None:
    d = Detector("smoke")
    d.state = muted(d.state, at(600))
    d.says("smoke", True, 0)
    assert d.says("smoke", False, 30) == []
    assert d.due() is None
    assert d.says("smoke", True, 600) == [RAISED]


def test_muting_ends_an_alarm_that_is_on_and_keeps_its_last_value() -> None:
    d = Detector("smoke")
    d.says("smoke", True, 0)
    d.state = muted(d.state, at(600))
    assert not d.state.alarming
    assert d.state.watches["smoke"].value == 1.0
    assert d.waits_until(600) == [RAISED]


def test_a_clear_that_has_begun_goes_on_as_quiet_under_a_mute() -> None:
    d = Detector("smoke")
    d.says("smoke", True, 0)
    d.says("smoke", False, 10)
    d.state = muted(d.state, at(600))
    assert d.due() is None


@given(
    st.lists(st.tuples(st.integers(0, 900), st.booleans()), max_size=12), st.integers(0, 900)
)  # fmt: skip
def test_nothing_is_raised_before_the_end_of_a_mute_whatever_is_heard(
    heard: list[tuple[int, bool]], until: int
) -> None:
    d = Detector("smoke")
    d.state = muted(d.state, at(until))
    for second, alarm in sorted(heard):
        raised = RAISED in (*d.waits_until(second), *d.says("smoke", alarm, second))
        assert not raised or second >= until
