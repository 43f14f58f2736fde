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
    found = {name: figures[name] <= limit for name, limit in LIMITS.items()}
    found["background_per_s"] = figures["background_per_s"] >= 495.0
    return found
