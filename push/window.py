"""A sliding window: never more than so many in any stretch of time. Pure."""

Left = tuple[float, ...]
"""When the last ones left, oldest first: seconds of a clock that only goes on."""


def take(left: Left, now_s: float, *, most: int, per_s: float) -> tuple[Left, float]:
    """Let one pass if fewer than ``most`` left within the last ``per_s`` seconds.

    A provider that counts its own minutes cannot find more than ``most`` in any of them, which a
    bucket that fills while it is emptied could not promise.

    Returns:
        Who left by now, and 0 when this one passed, else the seconds until one may.

    >>> left, wait_s = take((), 0.0, most=2, per_s=60)
    >>> left, wait_s = take(left, 50.0, most=2, per_s=60)
    >>> take(left, 55.0, most=2, per_s=60)
    ((0.0, 50.0), 5.0)
    """
    recent = tuple(at for at in left if now_s - at < per_s)
    if len(recent) < most:
        return (*recent, now_s), 0.0
    return recent, recent[-most] + per_s - now_s
