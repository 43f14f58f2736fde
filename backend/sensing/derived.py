"""What is held against a limit when it is not the reading itself: changes, rates, hours.

Pure. Times are UTC instants; inside ``past`` they are seconds since 1970. A quantity's ``past`` is
its history thinned to the first reading of each of ``SAMPLES`` spells, so that it stays small
enough to be stored with the detector's state.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from backend.sensing.rule import Of, Rule

SAMPLES = 48
"""Samples in the longest window of a quantity, ▲."""
SPELL_S = 15.0
"""No two samples are nearer, ▲."""
PAUSE_S = 1800.0
"""A counter that stands still for so long has stopped (protocols section 8: every half hour)."""
AGAIN = 0.005
"""m³ after which a home that used no water counts as using it again (protocols section 8: 5 L)."""
AREA_S = 8 * 3600
"""The service area's clock (Asia/Shanghai) is ahead of UTC by so much, without summer time."""
DAY_S = 86_400
AWAKE_FROM_S, AWAKE_TO_S = 6 * 3600, 22 * 3600
"""Hours in which somebody at home is expected to be awake, ▲; the rest is night."""

Spell = tuple[datetime, datetime]
Sample = tuple[float, float]


class Memory(msgspec.Struct, frozen=True, array_like=True):
    """What a watch remembers beyond its last value; the field order is stored: only append.

    ``judged`` is what was last held against the limit, where that is not the reading; ``overs``
    readings in a row were over it; ``note`` tells an open note from an alarm. ``baseline`` is
    learned until ``learn_until``. ``mark_at`` and ``mark`` are a counter's time and value from
    which hours are counted, ``moved_at`` when it last moved.
    """

    judged: float | None = None
    overs: int = 0
    note: bool = False
    past: tuple[Sample, ...] = ()
    baseline: float | None = None
    learn_until: datetime | None = None
    mark_at: datetime | None = None
    mark: float | None = None
    moved_at: datetime | None = None


NOTHING = Memory()


def median(values: Sequence[float]) -> float:
    """The middle value; of an even number the mean of the middle two.

    >>> median([3, 1, 2]), median([4, 1, 2, 3])
    (2, 2.5)
    """
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def remembered(memory: Memory, at: datetime, value: float, span_s: float) -> Memory:
    """The memory with one more sample, where a new spell has begun."""
    now = at.timestamp()
    past = memory.past
    if past and now - past[-1][0] < max(span_s / SAMPLES, SPELL_S):
        return memory
    kept = tuple(one for one in past if one[0] > now - span_s)
    return msgspec.structs.replace(memory, past=(*kept, (now, value)))


def changed(rule: Rule, memory: Memory, value: float) -> float:
    """The reading, or the median of the window, less the baseline."""
    if rule.window_s and memory.past:
        since = memory.past[-1][0] - rule.window_s
        value = median([one for t, one in memory.past if t > since] + [value])
    return value - (memory.baseline or 0.0)


def rate(rule: Rule, memory: Memory, at: datetime, value: float) -> float | None:
    """How far the value moved within the window, with its sign; None without any history."""
    now = at.timestamp()
    if not memory.past:
        return value if rule.zero else None
    if rule.smooth:
        half = now - rule.window_s
        lately = [one for t, one in memory.past if t > half]
        before = [one for t, one in memory.past if half - rule.window_s <= t <= half]
        if len(lately) < 2 or len(before) < 2:
            return None
        return median([*lately, value]) - median(before)
    window = [one for t, one in memory.past if t >= now - rule.window_s]
    if not window:
        return None
    up, down = value - min(window), value - max(window)
    return up if up >= -down else down


def used(rule: Rule, memory: Memory, at: datetime, value: float) -> float:
    """What a counter rose by within the window; a counter that fell was exchanged or reset."""
    since = at.timestamp() - rule.window_s
    least = value
    for t, one in reversed(memory.past):
        if t < since or one > least:
            break
        least = one
    return value - least


def awake_s(at: datetime) -> float:
    """Seconds of waking hours since 1970 until ``at``."""
    days, seconds = divmod(at.timestamp() + AREA_S, DAY_S)
    within = min(max(seconds - AWAKE_FROM_S, 0.0), AWAKE_TO_S - AWAKE_FROM_S)
    return days * (AWAKE_TO_S - AWAKE_FROM_S) + within


def is_night(at: datetime) -> bool:
    """Outside waking hours in the service area."""
    seconds = (at.timestamp() + AREA_S) % DAY_S
    return not AWAKE_FROM_S <= seconds < AWAKE_TO_S


def night_from(at: datetime) -> datetime:
    """``at`` if it is night, else when the coming night begins."""
    if is_night(at):
        return at
    seconds = (at.timestamp() + AREA_S) % DAY_S
    return at + timedelta(seconds=AWAKE_TO_S - seconds)


def hours(since: datetime, at: datetime, away: Sequence[Spell], *, awake: bool) -> float:
    """Hours between two instants in which somebody was at home, and awake where that is asked."""

    def length(start: datetime, end: datetime) -> float:
        if end <= start:
            return 0.0
        return awake_s(end) - awake_s(start) if awake else (end - start).total_seconds()

    gone = sum(length(max(since, start), min(at, end)) for start, end in away)
    return max(0.0, length(since, at) - gone) / 3600


def reached(since: datetime, wanted_h: float, away: Sequence[Spell]) -> datetime:
    """When so many hours at home will have passed since then."""
    at = since + timedelta(hours=wanted_h)
    for start, end in sorted(away):
        if start < at and end > since:
            at += end - max(start, since)
    return at


def counted(
    rule: Rule, memory: Memory, at: datetime, value: float, away: Sequence[Spell], *, on: bool
) -> tuple[Memory, float]:
    """Hours as ``rule.of`` counts them, and the memory from which they go on.

    Args:
        memory: of the rule's own watch.
        value: a counter in m³, or a flag.
        away: spells in which nobody is at home.
        on: the rule has raised and not cleared.
    """
    change = msgspec.structs.replace
    if rule.of is Of.STILL:
        if memory.mark_at is None or value == 0.0:
            memory = change(memory, mark_at=at)
        since = memory.mark_at or at
        return memory, hours(since, at, away, awake=False)
    if memory.mark_at is None or memory.mark is None or value < memory.mark:
        return change(memory, mark_at=at, mark=value, moved_at=at), 0.0
    if rule.of is Of.UNUSED:
        enough = min(AGAIN, rule.least) if on else rule.least
        if value - memory.mark >= enough - 1e-9:  # counters are decimal, floats are not
            memory = change(memory, mark_at=at, mark=value)
        return memory, hours(memory.mark_at or at, at, away, awake=True)
    # running: the mark is the value last seen, moved_at when it was last seen to move
    moved, heard = value > (memory.mark or 0.0), memory.moved_at or at
    stopped = (at - heard).total_seconds() >= PAUSE_S
    if stopped:
        memory = change(memory, mark_at=at)
    if moved or stopped:
        memory = change(memory, mark=value, moved_at=at)
    return memory, hours(memory.mark_at or at, at, (), awake=False)
