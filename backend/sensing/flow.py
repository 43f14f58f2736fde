"""When a reading raises an alert, when it counts as normal again, and when the alert clears.

Pure: times come in as values. One ``Watch`` per quantity of a detector holds all that has to be
remembered between two readings; it is stored in the transaction that stores the reading.

The life of a watch: quiet → (over the limit for ``on_delay_s``) → raised → (``normals`` fresh
normal readings in a row and ``off_delay_s`` since the first of them) → cleared, which is quiet.
A repeated alarm of a watch that is raised is the same alarm (lifecycle section 9).

What never raises and never counts as normal: a test, a sensor fault, a value that is no number or
has no known scale, a reading from the past (``late``) and one out of order. A late alarm is told
apart as signal ``late``, so that a person sees it; a retained one may raise only when the device
was quiet and the reading is newer than all that we know and than the last release.
"""

import math
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from backend.sensing.reading import Reading, Value
from backend.sensing.rules import Form, Rule

VALUE_EVERY_S = 10.0
"""A raised alert's value is told again no sooner than this, unless it moved."""
VALUE_MOVED = 0.05
"""Part of the limit that counts as moved (the dead band of protocols section 8)."""
CONFIRMED_WITHIN_S = 60.0
"""A density this recent confirms a flag without waiting for persistence."""

UNTRUSTED = frozenset({"test", "maintenance", "fault", "late", "unscaled"})
REHEARSED = frozenset({"test", "maintenance"})
"""Somebody is at the device and knows: not even told as late."""


class Verdict(StrEnum):
    """What one reading says under its rule."""

    OVER = "over"
    NORMAL = "normal"
    BETWEEN = "between"
    NOTHING = "nothing"


class SignalType(StrEnum):
    """What the rest of the platform is told."""

    RAISED = "raised"
    VALUE = "value"
    NORMAL = "normal"
    CLEARED = "cleared"
    LATE = "late"


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell, with the value behind it. ``episode`` is the first raise's id."""

    type: SignalType
    rule: str
    kind: str
    quantity: str
    value: float
    unit: str | None
    limit: float | None
    flags: tuple[str, ...]
    measured_at: datetime
    received_at: datetime
    episode: UUID | None = None
    normals: int = 0
    normals_needed: int = 0
    normal_since: datetime | None = None


class Watch(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What is remembered of one quantity; the field order is the stored form: only append.

    ``last_at`` is the newest trusted time, ``over_since`` is set while a raise waits for its
    on-delay, ``episode`` while the alarm is on, ``normal_since`` while it is on its way out.
    """

    last_at: datetime | None = None
    value: float | None = None
    flags: tuple[str, ...] = ()
    over_since: datetime | None = None
    episode: UUID | None = None
    raised_at: datetime | None = None
    normals: int = 0
    normal_since: datetime | None = None
    told_value: float | None = None
    told_at: datetime | None = None
    received_at: datetime | None = None
    unit: str | None = None


class DetectorState(msgspec.Struct, frozen=True, omit_defaults=True):
    """All watches of one detector, by quantity, and its health as last heard.

    Until ``muted_until`` readings are taken as ever but nothing is raised; what is over the limit
    then raises at that moment, so a mute cannot outlive its end.
    """

    watches: dict[str, Watch] = {}
    health: dict[str, object] = {}
    muted_until: datetime | None = None

    @property
    def alarming(self) -> bool:
        """Some quantity's alarm is on."""
        return any(watch.episode is not None for watch in self.watches.values())

    def muted(self, at: datetime) -> bool:
        """Somebody muted this detector, and ``at`` is before the end of it."""
        return self.muted_until is not None and at < self.muted_until


def number(value: Value) -> float:
    """The value as it is stored: true is 1, false is 0."""
    return float(value)


def judge(rule: Rule, value: float) -> Verdict:
    """What a trusted value means under a rule.

    A value at an upper limit alarms; one at a lower limit is still enough and does not.
    """
    if not math.isfinite(value):
        return Verdict.NOTHING
    if rule.form is Form.FLAG:
        return Verdict.OVER if value == rule.raise_at else Verdict.NORMAL
    if rule.form is Form.BEYOND:
        value = abs(value)
    if rule.form is Form.BELOW:
        if value < rule.raise_at:
            return Verdict.OVER
        return Verdict.NORMAL if value >= rule.clear_at else Verdict.BETWEEN
    if value >= rule.raise_at:
        return Verdict.OVER
    return Verdict.NORMAL if value <= rule.clear_at else Verdict.BETWEEN


def is_repeat(state: DetectorState, reading: Reading) -> bool:
    """The same device-timed measurement again: nothing to store and nothing to judge."""
    watch = state.watches.get(reading.quantity)
    return (
        watch is not None
        and reading.timed
        and reading.measured_at == watch.last_at
        and number(reading.value) == watch.value
    )


def evaluate(
    state: DetectorState,
    reading: Reading,
    rule: Rule | None,
    *,
    episode: UUID,
    released_at: datetime | None = None,
) -> tuple[DetectorState, tuple[Signal, ...]]:
    """Take one reading into a detector's state.

    Args:
        state: the detector before the reading.
        reading: of this detector; ``reading.quantity`` picks the watch.
        rule: the rule for the quantity, or None when none watches it.
        episode: the id that a raise gets, if this reading raises.
        released_at: when an alert of this detector was last released, if ever; a retained
            reading not newer than this never raises.

    Returns:
        The state after it and what to tell, in order.
    """
    watch = state.watches.get(reading.quantity, Watch())
    value = number(reading.value)
    if not math.isfinite(value):
        return state, ()
    if UNTRUSTED.intersection(reading.flags):
        late = rule is not None and "late" in reading.flags
        late = late and REHEARSED.isdisjoint(reading.flags)
        late = late and not state.muted(reading.received_at)
        if not late or watch.episode or {"fault", "unscaled"}.intersection(reading.flags):
            return state, ()
        assert rule is not None
        over = judge(rule, value) is Verdict.OVER
        return state, (_signal(SignalType.LATE, rule, reading, watch),) if over else ()
    # a clock that runs ahead of ours would make everything after it "older": use the arrival
    at = reading.received_at if "clock" in reading.flags else reading.measured_at
    if watch.last_at is not None and at < watch.last_at:
        return state, ()
    known_at = watch.last_at
    retained = "retained" in reading.flags
    watch = msgspec.structs.replace(
        watch,
        last_at=at,
        value=value,
        unit=reading.unit,
        flags=reading.flags,
        received_at=reading.received_at,
    )
    signals: tuple[Signal, ...] = ()
    if rule is not None:
        verdict = judge(rule, value)
        if not retained:
            watch, signals = _step(state, watch, reading, rule, verdict, at, episode)
        elif verdict is Verdict.OVER and watch.episode is None:
            newer = reading.timed and (known_at is None or at > known_at)
            if newer and (released_at is None or at > released_at):
                watch, signals = _step(state, watch, reading, rule, verdict, at, episode)
            elif known_at is None and not reading.timed and not state.muted(reading.received_at):
                signals = (_signal(SignalType.LATE, rule, reading, watch),)
    watches = {**state.watches, reading.quantity: watch}
    return msgspec.structs.replace(state, watches=watches), signals


def _step(
    state: DetectorState,
    watch: Watch,
    reading: Reading,
    rule: Rule,
    verdict: Verdict,
    at: datetime,
    episode: UUID,
) -> tuple[Watch, tuple[Signal, ...]]:
    """The watch after a trusted, fresh reading."""
    change = msgspec.structs.replace
    if watch.episode is None:
        if verdict is not Verdict.OVER:
            return change(watch, over_since=None), ()
        since = watch.over_since or at
        waited = (at - since).total_seconds()
        ripe = waited >= rule.on_delay_s or _confirmed(state, rule, at)
        if ripe and not state.muted(reading.received_at):
            return _raise(watch, reading, rule, at, episode)
        return change(watch, over_since=since), ()
    if verdict is Verdict.OVER:
        watch = change(watch, normals=0, normal_since=None)
        if not _moved(watch, rule, at):
            return watch, ()
        watch = change(watch, told_value=watch.value, told_at=at)
        return watch, (_signal(SignalType.VALUE, rule, reading, watch),)
    if verdict is Verdict.BETWEEN:
        return change(watch, normals=0, normal_since=None), ()
    watch = change(watch, normals=watch.normals + 1, normal_since=watch.normal_since or at)
    told = (_signal(SignalType.NORMAL, rule, reading, watch),)
    if not _may_clear(watch, rule, at):
        return watch, told
    return cleared(watch), (*told, _signal(SignalType.CLEARED, rule, reading, watch))


def _raise(
    watch: Watch, reading: Reading, rule: Rule, at: datetime, episode: UUID
) -> tuple[Watch, tuple[Signal, ...]]:
    watch = msgspec.structs.replace(
        watch, over_since=None, episode=episode, raised_at=at, told_value=watch.value, told_at=at
    )
    return watch, (_signal(SignalType.RAISED, rule, reading, watch),)


def cleared(watch: Watch) -> Watch:
    """Quiet again; the last value stays known."""
    return Watch(
        last_at=watch.last_at,
        value=watch.value,
        unit=watch.unit,
        flags=watch.flags,
        received_at=watch.received_at,
    )


def _confirmed(state: DetectorState, rule: Rule, at: datetime) -> bool:
    """Another quantity of the same detector measured something just now."""
    other = state.watches.get(rule.confirmed_by) if rule.confirmed_by else None
    if other is None or other.last_at is None or not other.value:
        return False
    return other.value > 0 and abs((at - other.last_at).total_seconds()) <= CONFIRMED_WITHIN_S


def _moved(watch: Watch, rule: Rule, at: datetime) -> bool:
    """Worth telling again: a number that moved by the dead band, or after a while."""
    if rule.form is Form.FLAG or watch.value is None or watch.told_value is None:
        return False
    band = VALUE_MOVED * max(abs(rule.raise_at), 1e-9)
    if abs(watch.value - watch.told_value) >= band:
        return True
    waited = (at - (watch.told_at or at)).total_seconds()
    return watch.value != watch.told_value and waited >= VALUE_EVERY_S


def _may_clear(watch: Watch, rule: Rule, at: datetime) -> bool:
    since = watch.normal_since
    if since is None or watch.normals < rule.normals:
        return False
    return (at - since).total_seconds() >= rule.off_delay_s


def due_at(state: DetectorState, rules: dict[str, Rule]) -> datetime | None:
    """When the passing of time alone will change something; None when it will not.

    Args:
        state: the detector now.
        rules: by quantity, as they apply to this detector.
    """
    times = [
        at
        for quantity, watch in state.watches.items()
        if (rule := rules.get(quantity)) and (at := _watch_due(state, watch, rule))
    ]
    return min(times, default=None)


def _watch_due(state: DetectorState, watch: Watch, rule: Rule) -> datetime | None:
    if watch.over_since is not None:
        ripe = watch.over_since + timedelta(seconds=rule.on_delay_s)
        return max(ripe, state.muted_until) if state.muted_until else ripe
    if watch.episode and watch.normal_since and watch.normals >= rule.normals:
        return watch.normal_since + timedelta(seconds=rule.off_delay_s)
    return None


def elapse(
    state: DetectorState, rules: dict[str, Rule], now: datetime, *, episode: UUID
) -> tuple[DetectorState, tuple[Signal, ...]]:
    """Let time pass: a limit exceeded for its whole on-delay raises, a normal spell clears.

    Args:
        state: the detector before.
        rules: by quantity, as they apply to this detector.
        now: UTC.
        episode: the id that a raise gets; one call raises at most one watch (the first due).
    """
    due = [
        (at, quantity)
        for quantity, watch in state.watches.items()
        if (rule := rules.get(quantity)) and (at := _watch_due(state, watch, rule)) and at <= now
    ]
    if not due:
        return state, ()
    _, quantity = min(due)
    watch, rule = state.watches[quantity], rules[quantity]
    last = Reading(
        device="",
        kind=rule.kind,
        quantity=quantity,
        value=watch.value or 0.0,
        unit=rule.unit,
        measured_at=watch.last_at or now,
        received_at=watch.received_at or now,
        flags=watch.flags,
    )
    if watch.over_since is not None:
        watch, signals = _raise(watch, last, rule, now, episode)
    else:
        signals = (_signal(SignalType.CLEARED, rule, last, watch),)
        watch = cleared(watch)
    watches = {**state.watches, quantity: watch}
    return msgspec.structs.replace(state, watches=watches), signals


def _signal(kind: SignalType, rule: Rule, reading: Reading, watch: Watch) -> Signal:
    return Signal(
        type=kind,
        rule=rule.code,
        kind=rule.kind,
        quantity=reading.quantity,
        value=number(reading.value),
        unit=reading.unit,
        limit=rule.limit,
        flags=reading.flags,
        measured_at=reading.measured_at,
        received_at=reading.received_at,
        episode=watch.episode,
        normals=watch.normals,
        normals_needed=rule.normals,
        normal_since=watch.normal_since,
    )
