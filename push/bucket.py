"""A token bucket: how many in a minute. Pure: time comes in as a value.

>>> full = Bucket(tokens=2.0, at_s=0.0)
>>> bucket, wait_s = take(full, 0.0, most=2, per_s=60.0)
>>> bucket, wait_s = take(bucket, 0.0, most=2, per_s=60.0)
>>> wait_s
0.0
>>> take(bucket, 0.0, most=2, per_s=60.0)[1]
30.0
"""

import msgspec


class Bucket(msgspec.Struct, frozen=True):
    """``tokens`` left at ``at_s`` (seconds of any clock that only goes on)."""

    tokens: float
    at_s: float


def take(bucket: Bucket, now_s: float, *, most: int, per_s: float) -> tuple[Bucket, float]:
    """Take one.

    Args:
        bucket: as it was left.
        now_s: of the same clock.
        most: how many fit; all of them may go at once.
        per_s: seconds in which an empty bucket fills.

    Returns:
        The bucket, and 0 where one was taken, else in how many seconds there will be one.
    """
    filled = min(float(most), bucket.tokens + max(0.0, now_s - bucket.at_s) * most / per_s)
    if filled >= 1.0:
        return Bucket(filled - 1.0, now_s), 0.0
    return Bucket(filled, now_s), (1.0 - filled) * per_s / most
