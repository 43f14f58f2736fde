"""The breaker of one provider: after several failures in a row it is left alone for a while.

Pure: time comes in as a value. While a breaker is open the ladder goes straight on to the next
rung, so that nobody waits for a provider that is down. Only whether the provider works counts
here: a refused address or message says that it does.

    >>> from datetime import UTC, datetime
    >>> noon = datetime(2025, 6, 1, 12, tzinfo=UTC)
    >>> breaker = Breaker()
    >>> for _ in range(FAILURES):
    ...     breaker = after(breaker, Result(Outcome.RETRY), noon)
    >>> closed_for_s(breaker, noon)
    10.0
"""

from datetime import datetime, timedelta

import msgspec

from push.port import Outcome, Result

FAILURES = 5
"""▲ So many failures in a row open it."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 120.0
"""▲ Open for 10 s, doubling each time the probe fails as well."""
LONGEST_WISH_S = 600.0
"""▲ A provider's own wish is kept up to here: after it we ask whether it still means it."""
PROBE_S = 30.0
"""▲ A probe of which nothing was heard counts as lost after this."""

NEUTRAL = {"room-limit", "breaker-open"}
"""Our own words, which say nothing about the provider."""


class Breaker(msgspec.Struct, frozen=True):
    """Closed when ``open_until`` is None.

    Args:
        failures: in a row.
        pauses: times it has opened without a success in between.
        open_until: UTC; after it one probe is let through (half-open).
        probing_since: UTC, while a probe is under way.
    """

    failures: int = 0
    pauses: int = 0
    open_until: datetime | None = None
    probing_since: datetime | None = None


def closed_for_s(breaker: Breaker, now: datetime) -> float:
    """For how many seconds nothing may pass; 0 when something may."""
    if breaker.open_until is None:
        return 0.0
    if now < breaker.open_until:
        return (breaker.open_until - now).total_seconds()
    if breaker.probing_since is not None:
        left_s = PROBE_S - (now - breaker.probing_since).total_seconds()
        return max(0.0, left_s)
    return 0.0


def before(breaker: Breaker, now: datetime) -> Breaker:
    """Something is about to pass: half-open, it is the probe."""
    if breaker.open_until is None:
        return breaker
    return msgspec.structs.replace(breaker, probing_since=now)


def after(breaker: Breaker, result: Result, now: datetime) -> Breaker:
    """What an attempt said about the provider.

    Args:
        breaker: as it is now, not as it was when the attempt began.
        result: of the attempt.
        now: UTC.
    """
    if result.provider_code in NEUTRAL:
        return breaker
    if result.outcome is not Outcome.RETRY:
        return Breaker()
    failures = breaker.failures + 1
    wish_s = min(result.retry_after_s or 0.0, LONGEST_WISH_S)
    probe_failed = breaker.probing_since is not None
    if not wish_s and not probe_failed and failures < FAILURES:
        return msgspec.structs.replace(breaker, failures=failures)
    if breaker.open_until is not None and now < breaker.open_until and not wish_s:
        # One that was under way when it opened says nothing new.
        return msgspec.structs.replace(breaker, failures=failures)
    pause_s = min(FIRST_PAUSE_S * 2.0 ** min(breaker.pauses, 10), LONGEST_PAUSE_S)
    until = now + timedelta(seconds=max(wish_s, pause_s))
    if breaker.open_until is not None:
        until = max(until, breaker.open_until)
    return Breaker(failures, breaker.pauses + 1, until)
