"""What a book of rules would have raised in the past: stored readings through the same engine.

Pure. One ``Replay`` per detector and book takes its readings in the order of their arrival; between
two of them time passes as it did then, so that delays and silences have their effect. Nobody was
at home or away, and nothing was muted: both are said on the screen.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.sensing.flow import DetectorState, Signal, SignalType, due_at, elapse, evaluate
from backend.sensing.reading import Reading
from backend.sensing.rule import Stage
from backend.sensing.rules import ByQuantity

MOVES_AT_ONCE = 100
"""Steps of time alone between two readings; a detector has no more watches than that."""
SAME_WITHIN = timedelta(hours=1)
"""▲ Raises of two books this near to each other are one event."""


class Raise(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One alarm or note that a book raises. ``ended_at`` is None while it lasts."""

    rule: str
    quantity: str
    stage: Stage
    at: datetime
    value: float
    unit: str | None
    limit: float | None
    ended_at: datetime | None = None


class Replay:
    """One detector under one book."""

    def __init__(
        self, rules: ByQuantity, *, interval_s: float | None = None, group: str | None = None
    ) -> None:
        self._rules = rules
        self._state = DetectorState(interval_s=interval_s, group=group)
        self._made = 0
        self._on: dict[UUID, Raise] = {}
        self.raises: list[Raise] = []

    def take(self, reading: Reading) -> None:
        """The next reading, in the order of arrival."""
        self.pass_time(reading.received_at)
        rules = self._rules.get(reading.quantity, ())
        self._state, told = evaluate(self._state, reading, rules, episode=self._episode())
        self._keep(told, reading.received_at)

    def pass_time(self, until: datetime) -> None:
        """What the clock alone does until then."""
        for _ in range(MOVES_AT_ONCE):
            due = due_at(self._state, self._rules)
            if due is None or due > until:
                return
            self._state, told = elapse(self._state, self._rules, due, episode=self._episode())
            self._keep(told, due)

    def finish(self, until: datetime) -> list[Raise]:
        """All that it raised, by time; what still lasts has no end."""
        self.pass_time(until)
        return sorted([*self.raises, *self._on.values()], key=lambda one: one.at)

    def _episode(self) -> UUID:
        self._made += 1
        return UUID(int=self._made)

    def _keep(self, told: Sequence[Signal], at: datetime) -> None:
        for signal in told:
            if signal.type in (SignalType.RAISED, SignalType.NOTED) and signal.episode is not None:
                stage = Stage.NOTE if signal.type is SignalType.NOTED else Stage.ALARM
                begun = Raise(
                    rule=signal.rule, quantity=signal.quantity, stage=stage, at=at,
                    value=signal.value, unit=signal.unit, limit=signal.limit,
                )  # fmt: skip
                if stage is Stage.NOTE:
                    self.raises.append(begun)
                else:
                    self._on[signal.episode] = begun
            elif signal.type is SignalType.CLEARED and signal.episode in self._on:
                ended = msgspec.structs.replace(self._on.pop(signal.episode), ended_at=at)
                self.raises.append(ended)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Raises of one detector under two books: in both, only before, only after."""

    kept: list[Raise]
    gone: list[Raise]
    new: list[Raise]


def compared(before: Sequence[Raise], after: Sequence[Raise], until: datetime) -> Difference:
    """Which of them are the same event: same quantity and stage, at overlapping times."""
    left = list(after)
    kept, gone = [], []
    for one in before:
        same = [other for other in left if _same(one, other, until)]
        if not same:
            gone.append(one)
            continue
        kept.append(one)
        left = [other for other in left if other not in same]
    return Difference(kept=kept, gone=gone, new=left)


def _same(one: Raise, other: Raise, until: datetime) -> bool:
    if (one.quantity, one.stage) != (other.quantity, other.stage):
        return False
    first, second = sorted((one, other), key=lambda each: each.at)
    end = first.at if first.stage is Stage.NOTE else (first.ended_at or until)
    return second.at <= end + SAME_WITHIN
