"""When a reading raises an alert, when it counts as normal again, and when the alert clears.

Pure: times come in as values. One ``Watch`` per rule of a detector holds all that has to be
remembered between two readings; it is stored in the transaction that stores the reading. The watch
of a quantity's first rule stands under the quantity's name and also holds what was last heard.

The life of a watch: quiet → (over the limit for ``on_delay_s`` and ``times`` readings) → raised →
(``normals`` fresh normal readings in a row and ``off_delay_s`` since the first of them) → cleared,
which is quiet. A repeated alarm of a watch that is raised is the same alarm (lifecycle section 9).
A note raises no alarm: it is told once, as ``noted``, and not at all beside an alarm of its
quantity. Rules that raise on one reading are one episode, told by the gravest; a rule that changes
while its alarm is on ends it by its new numbers.

What never raises and never counts as normal: a test, a sensor fault, a value that is no number or
has no known scale, a reading from the past (``late``) and one out of order. A late alarm is told
apart as signal ``late``, so that a person sees it; a retained one may raise only when the device
was quiet and the reading is newer than all that we know and than the last release. Where a
detector fell silent for ``FRESH_INTERVALS`` of its intervals, nothing is raised or cleared by the
clock, and what was counted before the silence counts no more.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

import msgspec

from backend.sensing import derived
from backend.sensing.derived import NOTHING, Memory, Spell
from backend.sensing.reading import Reading, Value
from backend.sensing.rule import HOURS, Form, Of, Rule
from backend.sensing.rules import ByQuantity

VALUE_EVERY_S = 10.0
"""A raised alert's value is told again no sooner than this, unless it moved."""
VALUE_MOVED = 0.05
"""Part of the limit that counts as moved (the dead band of protocols section 8)."""
CONFIRMED_WITHIN_S = 60.0
"""A density this recent confirms a flag without waiting for persistence."""
FRESH_INTERVALS = 2.5
"""Report intervals for which a reading stands for the present (protocols section 8)."""

UNTRUSTED = frozenset({"test", "maintenance", "fault", "late", "unscaled"})
REHEARSED = frozenset({"test", "maintenance"})
"""Somebody is at the device and knows: not even told as late."""
UNSEEING = frozenset({"fault", "unscaled"})


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
    NOTED = "noted"


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell, with the value behind it. ``episode`` is the first raise's id.

    ``value`` is what was held against ``limit``: a change from the baseline, a rate, hours, or the
    reading itself. ``still`` says that another alarm of the detector is on. ``version`` is that of
    the rule book.
    """

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
    version: int = 0
    still: bool = False


class Watch(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What is remembered for one rule; the field order is the stored form: only append.

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
    memory: Memory | None = None

    @property
    def on(self) -> bool:
        """An alarm of it is on; an open note is none."""
        return self.episode is not None and not (self.memory and self.memory.note)


class DetectorState(msgspec.Struct, frozen=True, omit_defaults=True):
    """All watches of one detector by ``Rule.key``, and its health as last heard.

    Until ``muted_until`` readings are taken as ever but nothing is raised; what is over the limit
    then raises at that moment, so a mute cannot outlive its end. In the spells of ``away`` nobody
    is at home. ``interval_s``, ``group`` and ``paused_until``, the end of the maintenance window,
    are the register's, as of the last reading.
    """

    watches: dict[str, Watch] = {}
    health: dict[str, object] = {}
    muted_until: datetime | None = None
    interval_s: float | None = None
    group: str | None = None
    away: tuple[Spell, ...] = ()
    paused_until: datetime | None = None

    @property
    def alarming(self) -> bool:
        """Some quantity's alarm is on."""
        return any(watch.on for watch in self.watches.values())

    def muted(self, at: datetime) -> bool:
        """Somebody muted this detector, and ``at`` is before the end of it."""
        return self.muted_until is not None and at < self.muted_until

    def fresh_until(self, heard_at: datetime) -> datetime | None:
        """How long what was heard then stands for the present; None: for ever."""
        if not self.interval_s:
            return None
        return heard_at + timedelta(seconds=FRESH_INTERVALS * self.interval_s)


def quantity_of(key: str) -> str:
    """The quantity that a watch is about.

    >>> quantity_of("temperature/E3r"), quantity_of("smoke")
    ('temperature', 'smoke')
    """
    return key.partition("/")[0]


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
    rules: Sequence[Rule],
    *,
    episode: UUID,
    released_at: datetime | None = None,
) -> tuple[DetectorState, tuple[Signal, ...]]:
    """Take one reading into a detector's state.

    Args:
        state: the detector before the reading.
        reading: of this detector; ``reading.quantity`` picks the watches.
        rules: those for the quantity, the gravest last; empty when none watches it.
        episode: the id that a raise gets, if this reading raises.
        released_at: when an alert of this detector was last released, if ever; a retained
            reading not newer than this never raises.

    Returns:
        The state after it and what to tell, in order.
    """
    value = float(reading.value)
    if not math.isfinite(value):
        return state, ()
    flags = reading.flags
    if flags and not UNTRUSTED.isdisjoint(flags):
        if UNTRUSTED.intersection(flags) == {"maintenance"}:
            state = _worked_on(state, reading, rules, value)
        return state, _late(state, reading, rules, value)
    watch = state.watches.get(reading.quantity)
    # a clock that runs ahead of ours would make everything after it "older": use the arrival
    at = reading.received_at if "clock" in flags else reading.measured_at
    known_at = None
    if watch is None:
        watch = Watch(last_at=at, value=value, flags=flags, received_at=reading.received_at,
                      unit=reading.unit)  # fmt: skip
    else:
        known_at = watch.last_at
        if known_at is not None and at < known_at:
            return state, ()
        watch = Watch(at, value, flags, watch.over_since, watch.episode, watch.raised_at,
                      watch.normals, watch.normal_since, watch.told_value, watch.told_at,
                      reading.received_at, reading.unit, watch.memory)  # fmt: skip
    watches = {**state.watches, reading.quantity: watch}
    signals: tuple[Signal, ...] = ()
    if not _quiet(rules, watches, value):
        step = _Step(state, reading, at, known_at, watches, episode)
        if "retained" in flags:
            signals = step.retained(rules, value, released_at)
        else:
            signals = step.fresh(rules, value)
    after = DetectorState(
        watches=watches, health=state.health, muted_until=state.muted_until,
        interval_s=state.interval_s, group=state.group, away=state.away,
        paused_until=state.paused_until,
    )  # fmt: skip
    return after, signals


def _quiet(rules: Sequence[Rule], watches: dict[str, Watch], value: float) -> bool:
    """No rule has anything to do or to remember: what nearly every reading comes to."""
    for rule in rules:
        if rule.of is not Of.VALUE or judge(rule, value) is Verdict.OVER:
            return False
        own = watches.get(rule.key)
        if own is not None and (own.episode is not None or own.over_since is not None):
            return False
    return True


def _worked_on(
    state: DetectorState, reading: Reading, rules: Sequence[Rule], value: float
) -> DetectorState:
    """What a maintenance window's reading leaves behind: only whether the limit is exceeded.

    Nothing is raised and nothing counts as normal; but who still says alarm when the window ends,
    or said it last and then no more, raises at that moment, as after a mute.
    """
    at = reading.received_at if "clock" in reading.flags else reading.measured_at
    watches = state.watches
    for rule in rules:
        watch = watches.get(rule.key)
        if not _plain_alarm(rule) or (watch is not None and watch.episode is not None):
            continue
        over = judge(rule, value) is Verdict.OVER
        if over == (watch is not None and watch.over_since is not None):
            continue
        if over:
            now = msgspec.structs.replace(
                watch or Watch(), last_at=at, value=value, unit=reading.unit, flags=reading.flags,
                received_at=reading.received_at, over_since=at,
            )  # fmt: skip
        else:
            now = msgspec.structs.replace(watch or Watch(), over_since=None)
        watches = {**watches, rule.key: now}
    if watches is state.watches:
        return state
    return msgspec.structs.replace(state, watches=watches)


def _late(
    state: DetectorState, reading: Reading, rules: Sequence[Rule], value: float
) -> tuple[Signal, ...]:
    """An alarm of the past, for a person; nothing else untrusted is told."""
    flags = reading.flags
    if "late" not in flags or not UNSEEING.union(REHEARSED).isdisjoint(flags):
        return ()
    if state.muted(reading.received_at) or _alarm_on(state.watches, reading.quantity):
        return ()
    return _told_late(rules, reading, value)


def _told_late(rules: Sequence[Rule], reading: Reading, value: float) -> tuple[Signal, ...]:
    over = [rule for rule in rules if _plain_alarm(rule) and judge(rule, value) is Verdict.OVER]
    return (_signal(SignalType.LATE, over[-1], reading, Watch(), value),) if over else ()


def _plain_alarm(rule: Rule) -> bool:
    """It alarms on a reading alone, whatever came before it."""
    return rule.of is Of.VALUE and rule.alarms and not rule.off


def _alarm_on(watches: dict[str, Watch], quantity: str) -> bool:
    return any(watch.on for key, watch in watches.items() if quantity_of(key) == quantity)


class _Step:
    """One trusted reading on its way through the rules of its quantity."""

    __slots__ = ("at", "episode", "known_at", "reading", "state", "watches")

    def __init__(
        self,
        state: DetectorState,
        reading: Reading,
        at: datetime,
        known_at: datetime | None,
        watches: dict[str, Watch],
        episode: UUID,
    ) -> None:
        self.state = state
        self.reading = reading
        self.at = at
        self.known_at = known_at
        self.watches = watches
        self.episode = episode

    def retained(
        self, rules: Sequence[Rule], value: float, released_at: datetime | None
    ) -> tuple[Signal, ...]:
        """What the broker had kept: an alarm while we were away, or nothing."""
        rules = [rule for rule in rules if rule.of is Of.VALUE and not rule.off]
        if _alarm_on(self.watches, self.reading.quantity):
            return ()
        newer = self.reading.timed and (self.known_at is None or self.at > self.known_at)
        if newer and (released_at is None or self.at > released_at):
            over = [rule for rule in rules if judge(rule, value) is Verdict.OVER]
            return self.fresh(over, value)
        muted = self.state.muted(self.reading.received_at)
        if self.known_at is None and not self.reading.timed and not muted:
            return _told_late(rules, self.reading, value)
        return ()

    def fresh(self, rules: Sequence[Rule], value: float) -> tuple[Signal, ...]:
        """Every rule of the quantity, and the quantity's history."""
        told: dict[SignalType, Signal] = {}
        ripe: list[tuple[Rule, float]] = []
        span = 0.0
        for rule in rules:
            if rule.span_s > span:
                span = rule.span_s
            seen: float | None = value
            if rule.of is not Of.VALUE:
                seen = self._seen(rule, value)
            verdict = Verdict.NOTHING if seen is None else judge(rule, seen)
            watch = self.watches.get(rule.key)
            if verdict is not Verdict.OVER and (
                watch is None or (watch.over_since is None and watch.episode is None)
            ):
                continue
            if seen is None:
                continue
            self._move(rule, watch or Watch(), verdict, seen, told, ripe)
        if ripe:
            self.begin(ripe, told)
        if span:
            self._learn(rules, value, span)
        if not told:
            return ()
        if SignalType.RAISED in told:
            told.pop(SignalType.VALUE, None)  # the raise says the value too
        return tuple(told[kind] for kind in SignalType if kind in told)

    def _seen(self, rule: Rule, value: float) -> float | None:
        """What is held against the limit, where it is not the reading itself."""
        if rule.of in HOURS:
            own = self.watches.get(rule.key) or Watch()
            memory, seen = derived.counted(
                rule, own.memory or NOTHING, self.at, value, self.state.away,
                on=own.episode is not None,
            )  # fmt: skip
            if memory is not own.memory:
                self.watches[rule.key] = msgspec.structs.replace(own, memory=memory)
            return seen
        history = self.watches[self.reading.quantity].memory or NOTHING
        if rule.of is Of.CHANGE:
            return derived.changed(rule, history, value)
        if rule.of is Of.RATE:
            return derived.rate(rule, history, self.at, value)
        return derived.used(rule, history, self.at, value)

    def _move(
        self,
        rule: Rule,
        watch: Watch,
        verdict: Verdict,
        seen: float,
        told: dict[SignalType, Signal],
        ripe: list[tuple[Rule, float]],
    ) -> None:
        """One watch that is not quiet, or stops being so."""
        watch = _judged(rule, watch, seen, self.at)
        if watch.episode is None:
            if verdict is Verdict.OVER and not rule.off:
                watch = self._over(rule, watch, seen, ripe)
            else:
                watch = _overs(msgspec.structs.replace(watch, over_since=None), 0)
        elif verdict is Verdict.NORMAL:
            watch = self._normal(rule, watch, seen, told)
        elif verdict is not Verdict.NOTHING:
            watch = msgspec.structs.replace(watch, normals=0, normal_since=None)
            if verdict is Verdict.OVER and watch.on and _moved(watch, rule, seen, self.at):
                watch = msgspec.structs.replace(watch, told_value=seen, told_at=self.at)
                told[SignalType.VALUE] = self.signal(SignalType.VALUE, rule, watch, seen)
        self.watches[rule.key] = watch

    def _over(self, rule: Rule, watch: Watch, seen: float, ripe: list[tuple[Rule, float]]) -> Watch:
        since, overs = watch.over_since or self.at, 1
        if watch.over_since is not None:
            overs += watch.memory.overs if watch.memory else 1
            if self._after_silence():
                since, overs = self.at, 1
        waited = self.at >= ripe_at(rule, since) and overs >= rule.times
        if not waited:
            waited = _confirmed(self.state, rule, self.at)
        if waited and not self.state.muted(self.reading.received_at):
            ripe.append((rule, seen))
        watch = msgspec.structs.replace(watch, over_since=since)
        return _overs(watch, overs) if rule.times > 1 else watch

    def _normal(
        self, rule: Rule, watch: Watch, seen: float, told: dict[SignalType, Signal]
    ) -> Watch:
        normals, since = watch.normals + 1, watch.normal_since or self.at
        if self._after_silence():
            normals, since = 1, self.at
        watch = msgspec.structs.replace(watch, normals=normals, normal_since=since)
        if watch.on:
            told[SignalType.NORMAL] = self.signal(SignalType.NORMAL, rule, watch, seen)
        if not _may_clear(watch, rule, self.at):
            return watch
        if told_clear(self.watches, rule.key):
            told[SignalType.CLEARED] = self.signal(SignalType.CLEARED, rule, watch, seen)
        return cleared(watch)

    def _after_silence(self) -> bool:
        """The detector was silent for longer than its readings stand for the present."""
        if self.known_at is None:
            return False
        until = self.state.fresh_until(self.known_at)
        return until is not None and self.at > until

    def begin(self, ripe: list[tuple[Rule, float]], told: dict[SignalType, Signal]) -> None:
        """Everything that this reading raises is one episode, told by the gravest rule."""
        before = _alarm_on(self.watches, self.reading.quantity)
        for rule, seen in ripe:
            watch = raised(self.watches[rule.key], rule, self.at, seen, self.episode)
            if rule.of is Of.UNUSED and watch.memory:
                heard = self.watches[self.reading.quantity].value
                watch = msgspec.structs.replace(
                    watch, memory=msgspec.structs.replace(watch.memory, mark=heard)
                )
            self.watches[rule.key] = watch
        alarms = [one for one in ripe if one[0].alarms]
        if alarms:
            rule, seen = alarms[-1]
            kind = SignalType.RAISED
        elif before:
            return
        else:
            rule, seen = ripe[-1]
            kind = SignalType.NOTED
        told[kind] = self.signal(kind, rule, self.watches[rule.key], seen)

    def _learn(self, rules: Sequence[Rule], value: float, span: float) -> None:
        """The reading into the quantity's history, and the baseline from it when it is time."""
        key = self.reading.quantity
        watch = self.watches[key]
        before = watch.memory or NOTHING
        memory = derived.remembered(before, self.at, value, span)
        if watch.memory is None and (learn_s := max(rule.learn_s for rule in rules)):
            memory = msgspec.structs.replace(
                memory, learn_until=self.at + timedelta(seconds=learn_s)
            )
        ripe = memory.learn_until is not None and self.at >= memory.learn_until
        if ripe and not any(w.episode for k, w in self.watches.items() if quantity_of(k) == key):
            middle = derived.median([one for _, one in memory.past])
            memory = msgspec.structs.replace(memory, baseline=middle, learn_until=None)
        if memory is not watch.memory:
            self.watches[key] = msgspec.structs.replace(watch, memory=memory)

    def signal(self, kind: SignalType, rule: Rule, watch: Watch, seen: float) -> Signal:
        found = _signal(kind, rule, self.reading, watch, seen)
        if kind is not SignalType.CLEARED:
            return found
        still = any(one.on for key, one in self.watches.items() if key != rule.key)
        return msgspec.structs.replace(found, still=still) if still else found


def raised(watch: Watch, rule: Rule, at: datetime, seen: float, episode: UUID) -> Watch:
    """The watch with its alarm or note on. A note has an id of its own."""
    memory = watch.memory
    if not rule.alarms:
        memory = msgspec.structs.replace(memory or NOTHING, note=True)
        episode = uuid5(episode, rule.code)
    return msgspec.structs.replace(
        watch, over_since=None, episode=episode, raised_at=at, told_value=seen, told_at=at,
        normals=0, normal_since=None, memory=memory,
    )  # fmt: skip


def told_clear(watches: dict[str, Watch], key: str) -> bool:
    """The end of this watch is the end of what was told: an alarm, and the last of its episode."""
    watch = watches[key]
    return watch.on and not any(
        other.on and other.episode == watch.episode
        for name, other in watches.items()
        if name != key
    )


def cleared(watch: Watch) -> Watch:
    """Quiet again; the last value, the history and the baseline stay known."""
    memory = watch.memory
    if memory is not None:
        memory = msgspec.structs.replace(memory, overs=0, note=False)
    return Watch(
        last_at=watch.last_at,
        value=watch.value,
        unit=watch.unit,
        flags=watch.flags,
        received_at=watch.received_at,
        memory=None if memory == NOTHING else memory,
    )


def _judged(rule: Rule, watch: Watch, seen: float, at: datetime) -> Watch:
    """What was held against the limit, where the heard value does not say it."""
    if rule.first and rule.of is Of.VALUE:
        return watch
    if not rule.first:
        return msgspec.structs.replace(watch, last_at=at, value=seen)
    memory = msgspec.structs.replace(watch.memory or NOTHING, judged=seen)
    return msgspec.structs.replace(watch, memory=memory)


def _overs(watch: Watch, overs: int) -> Watch:
    if (watch.memory or NOTHING).overs == overs:
        return watch
    memory = msgspec.structs.replace(watch.memory or NOTHING, overs=overs)
    return msgspec.structs.replace(watch, memory=memory)


def _confirmed(state: DetectorState, rule: Rule, at: datetime) -> bool:
    """Another quantity of the same detector measured something just now."""
    other = state.watches.get(rule.confirmed_by) if rule.confirmed_by else None
    if other is None or other.last_at is None or not other.value:
        return False
    return other.value > 0 and abs((at - other.last_at).total_seconds()) <= CONFIRMED_WITHIN_S


def _moved(watch: Watch, rule: Rule, seen: float, at: datetime) -> bool:
    """Worth telling again: a number that moved by the dead band, or after a while."""
    if rule.form is Form.FLAG or watch.told_value is None:
        return False
    band = VALUE_MOVED * max(abs(rule.raise_at), 1e-9)
    if abs(seen - watch.told_value) >= band:
        return True
    waited = (at - (watch.told_at or at)).total_seconds()
    return seen != watch.told_value and waited >= VALUE_EVERY_S


def _may_clear(watch: Watch, rule: Rule, at: datetime) -> bool:
    since = watch.normal_since
    if since is None or watch.normals < rule.normals:
        return False
    return (at - since).total_seconds() >= rule.off_delay_s


def ripe_at(rule: Rule, since: datetime) -> datetime:
    """When a limit exceeded since then has been exceeded for its on-delay, by day or by night."""
    by_day = since + timedelta(seconds=rule.on_delay_s)
    if rule.night_on_delay_s is None:
        return by_day
    by_night = derived.night_from(since + timedelta(seconds=rule.night_on_delay_s))
    return min(by_day, by_night)


def due_at(state: DetectorState, rules: ByQuantity) -> datetime | None:
    """When the passing of time alone will change something; None when it will not.

    Args:
        state: the detector now.
        rules: by quantity, as they apply to this detector.
    """
    return min((at for at, _, _ in _due(state, rules)), default=None)


def _due(state: DetectorState, rules: ByQuantity) -> Iterator[tuple[datetime, bool, Rule]]:
    """When each watch is due, whether it is a note, and its rule."""
    for key, watch in state.watches.items():
        if watch.over_since is None and watch.episode is None and watch.memory is None:
            continue
        for rule in rules.get(quantity_of(key), ()):
            if rule.key == key and (at := _watch_due(state, watch, rule)) is not None:
                yield at, not rule.alarms, rule


def _watch_due(state: DetectorState, watch: Watch, rule: Rule) -> datetime | None:
    heard = state.watches.get(rule.quantity, watch).last_at
    if watch.episode is not None:
        if watch.normal_since is None or watch.normals < rule.normals:
            return None
        at = watch.normal_since + timedelta(seconds=rule.off_delay_s)
    elif rule.off:
        return None
    elif watch.over_since is not None:
        if rule.times > 1 and (watch.memory or NOTHING).overs < rule.times:
            return None
        at = ripe_at(rule, watch.over_since)
    elif rule.of is Of.STILL and watch.memory is not None and watch.memory.mark_at is not None:
        at = derived.reached(watch.memory.mark_at, rule.raise_at, state.away)
    else:
        return None
    until = state.fresh_until(heard) if heard else None
    if until is not None and at > until:
        return None
    if watch.episode is None:
        return max(at, state.muted_until or at, state.paused_until or at)
    return at


def elapse(
    state: DetectorState, rules: ByQuantity, now: datetime, *, episode: UUID
) -> tuple[DetectorState, tuple[Signal, ...]]:
    """Let time pass: a limit exceeded for its whole on-delay raises, a normal spell clears.

    Args:
        state: the detector before.
        rules: by quantity, as they apply to this detector.
        now: UTC.
        episode: the id that a raise gets; one call moves at most one watch (the first due, an
            alarm before a note).
    """
    due = [one for one in _due(state, rules) if one[0] <= now]
    if not due:
        return state, ()
    rule = min(due, key=lambda one: (one[0], one[1], one[2].key))[2]
    watch = state.watches[rule.key]
    heard = state.watches.get(rule.quantity, watch)
    seen = _last_seen(rule, watch, now, state)
    last = Reading(
        device="",
        kind=rule.kind,
        quantity=rule.quantity,
        value=seen,
        unit=rule.unit,
        measured_at=heard.last_at or now,
        received_at=heard.received_at or now,
        flags=heard.flags,
    )
    step = _Step(state, last, now, heard.last_at, dict(state.watches), episode)
    told: dict[SignalType, Signal] = {}
    if watch.episode is None:
        step.begin([(rule, seen)], told)
    else:
        if told_clear(step.watches, rule.key):
            told[SignalType.CLEARED] = step.signal(SignalType.CLEARED, rule, watch, seen)
        step.watches[rule.key] = cleared(watch)
    after = msgspec.structs.replace(state, watches=step.watches)
    return after, tuple(told.values())


def _last_seen(rule: Rule, watch: Watch, now: datetime, state: DetectorState) -> float:
    """What was last held against the limit."""
    memory = watch.memory
    if rule.of is Of.STILL and watch.episode is None and memory and memory.mark_at:
        return derived.hours(memory.mark_at, now, state.away, awake=False)
    if rule.first and rule.of is not Of.VALUE and memory and memory.judged is not None:
        return memory.judged
    return watch.value or 0.0


def _signal(kind: SignalType, rule: Rule, reading: Reading, watch: Watch, seen: float) -> Signal:
    return Signal(
        type=kind,
        rule=rule.code,
        kind=rule.kind,
        quantity=reading.quantity,
        value=seen,
        unit=reading.unit if rule.of is Of.VALUE else rule.unit,
        limit=rule.limit,
        flags=reading.flags,
        measured_at=reading.measured_at,
        received_at=reading.received_at,
        episode=watch.episode,
        normals=watch.normals,
        normals_needed=rule.normals,
        normal_since=watch.normal_since,
        version=rule.version,
    )
