"""Percentiles of what was measured, and whether they meet the limits. Pure."""

import math
from collections.abc import Mapping, Sequence

LIMITS: Mapping[str, float] = {
    "desk_p99_ms": 300.0,
    "offer_p99_ms": 300.0,
    "start_ms": 2000.0,
    "rss_mb": 250.0,
}
"""Upper limits of the product's own promise; ``background_per_s`` has a lower one: 500."""

APP_LIMITS: Mapping[str, float] = {
    "warm_offline_alarm_ms": 500.0,
    "warm_offline_incident_ms": 500.0,
    "cold_fcp_ms": 1400.0,
    "cold_lcp_ms": 2940.0,
}
"""Upper limits of opening the field app on a phone slowed four times; cold on fast 3G."""


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: a value that was really measured.

    Args:
        values: at least one.
        share: 0 to 1.
    """
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def met(figures: Mapping[str, float]) -> dict[str, bool]:
    """For each limit, whether it holds; the background must reach 99 % of what was asked."""
    found = within(figures, LIMITS)
    found["background_per_s"] = figures["background_per_s"] >= 495.0
    return found


def within(figures: Mapping[str, float], limits: Mapping[str, float]) -> dict[str, bool]:
    """For each upper limit, whether it holds."""
    return {name: figures[name] <= limit for name, limit in limits.items()}
