"""Time comes in as a value: whoever needs "now" is given a Clock."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The present instant."""

    def now(self) -> datetime:
        """UTC, with tzinfo."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """UTC, microseconds."""
        return datetime.now(UTC)


class HandClock:
    """A clock moved by hand, for tests and for demonstrations that must repeat."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)) -> None:
        """Start at ``start``, which must have a zone."""
        if start.tzinfo is None:
            raise ValueError("a HandClock starts at an instant with a zone")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was moved to."""
        return self._now

    def forward(self, seconds: float = 0.0, **more: float) -> datetime:
        """Move on by ``seconds`` and whatever ``timedelta`` takes; never back.

        Raises:
            ValueError: the step is negative.
        """
        step = timedelta(seconds=seconds, **more)
        if step < timedelta():
            raise ValueError("time does not run backwards")
        self._now += step
        return self._now
