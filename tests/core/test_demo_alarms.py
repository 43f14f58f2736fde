"""What the demonstration's detectors say is understood by the real adapters and real rules."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from backend.bench.figures import percentile
from backend.demo import payloads
from backend.demo.people import invent
from backend.demo.town import Detector, build
from backend.sensing.adapters import jiean, zigbee2mqtt
from backend.sensing.flow import DetectorState, Signal, SignalType, due_at, elapse, evaluate
from backend.sensing.reading import Reading, Rejected
from backend.sensing.rules import RuleBook, defaults

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
EPISODE = UUID(int=7)
ADAPTERS = {"zigbee2mqtt": zigbee2mqtt.decode, "jiean": jiean.decode}
BOOK = RuleBook(defaults(smoke_clear_s=6))


def one(kind: str) -> Detector:
    return next(d for d in build(1).detectors if d.kind == kind)


def heard(
    state: DetectorState, detector: Detector, message: payloads.Message, at: datetime
) -> tuple[DetectorState, list[Signal]]:
    """The state and signals after one message, by the platform's own code."""
    found: list[Signal] = []
    decode = ADAPTERS[message.topic.partition("/")[0]]
    for said in decode(message.topic, message.payload, at, False):
        assert not isinstance(said, Rejected), said
        if isinstance(said, Reading):
            assert said.device == detector.address
            rules = BOOK.of(detector.kind).get(said.quantity, ())
            state, signals = evaluate(state, said, rules, episode=EPISODE)
            found += signals
    return state, found


def passed(
    state: DetectorState, detector: Detector, now: datetime
) -> tuple[DetectorState, list[Signal]]:
    state, signals = elapse(state, BOOK.of(detector.kind), now, episode=EPISODE)
    return state, list(signals)


@pytest.mark.parametrize("kind", payloads.KEYS)
def test_an_alarm_asked_for_is_raised_within_two_seconds(kind: str) -> None:
    detector, state = one(kind), DetectorState()
    signals: list[Signal] = []
    for message in payloads.raising(detector, NOW, None):
        state, more = heard(state, detector, message, NOW)
        signals += more
    if not signals:
        assert due_at(state, BOOK.of(kind)) is not None
        state, signals = passed(state, detector, NOW + timedelta(seconds=2))
    assert [s.type for s in signals if s.type is SignalType.RAISED] == [SignalType.RAISED]


@pytest.mark.parametrize("kind", payloads.KEYS)
def test_ordinary_telemetry_never_raises_anything(kind: str) -> None:
    detector, state = one(kind), DetectorState()
    for turn in range(200):
        at = NOW + timedelta(seconds=20 * turn)
        state, signals = heard(state, detector, payloads.ordinary(detector, at, turn), at)
        assert signals == []
    assert due_at(state, BOOK.of(kind)) is None


@pytest.mark.parametrize("kind", payloads.KEYS)
def test_an_alarm_that_is_ended_clears_by_normal_messages(kind: str) -> None:
    detector, state = one(kind), DetectorState()
    for message in payloads.raising(detector, NOW, None):
        state, _ = heard(state, detector, message, NOW)
    state, _ = passed(state, detector, NOW + timedelta(seconds=2))
    assert state.alarming
    signals: list[Signal] = []
    for turn in range(payloads.NORMALS_AT_LEAST):
        at = NOW + timedelta(seconds=10 + 2 * turn)
        state, more = heard(state, detector, payloads.normal(detector, at, turn), at)
        signals += more
    state, more = passed(state, detector, NOW + timedelta(seconds=400))
    assert SignalType.CLEARED in {s.type for s in (*signals, *more)}
    assert not state.alarming


def test_nobody_has_a_telephone_number_that_could_ring() -> None:
    company = invent(build(1))
    phones = [s.phone for s in company.staff] + [o.phone for o in company.offices]
    phones += [c.phone for c in company.contacts]
    assert {phone[:8] for phone in phones} == {"138 0000"}


def test_every_home_has_somebody_to_call_first() -> None:
    town = build(1)
    first = {c.household_id for c in invent(town).contacts if c.position == 0}
    assert first == {h.id for h in town.households}


def test_eight_field_staff_stand_beside_desk_technician_manager_and_three_offices() -> None:
    company = invent(build(1))
    assert len(company.post("field")) == 8
    for role in ("desk", "desk_lead", "technician", "manager"):
        assert company.post(role)
    assert {o.kind for o in company.offices} >= {"community", "street", "fire"}


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value
