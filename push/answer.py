"""What an HTTP answer of a provider says: how it went, and when to come back. Pure."""

import ipaddress
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from push.port import Outcome, Result

MOST_RETRY_AFTER_S = 24 * 3600.0


def result_of(status: int, retry_after: str | None, now_s: Callable[[], float]) -> Result:
    """What to do after an answer known by its status; one that we do not know is ``REJECTED``.

    Args:
        status: of HTTP.
        retry_after: the header, in either of its forms, or None.
        now_s: Unix time.
    """
    code = str(status)
    if status in (200, 201, 202):
        return Result(Outcome.SENT, None, code)
    if status in (404, 410):
        return Result(Outcome.FORGET_DEVICE, None, code)
    if status in (408, 425, 429) or status >= 500:
        return Result(Outcome.RETRY, retry_after_s(retry_after, now_s), code)
    return Result(Outcome.REJECTED, None, code)


def retry_after_s(retry_after: str | None, now_s: Callable[[], float]) -> float | None:
    """``Retry-After`` in seconds, from either of its forms, at most a day."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return min(float(retry_after[:12]), MOST_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, at.timestamp() - now_s()), MOST_RETRY_AFTER_S)


def is_loopback(host: str) -> bool:
    """Whether a host, written as an address, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
