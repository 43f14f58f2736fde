"""What a provider of texts and calls says later about something that it had taken. Pure.

Each provider's ``reports`` reads the body that it posts; ``push.telephony.Telephony`` names it.
"""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import msgspec

CONFIRMS = "1"
"""The key of 按 1 确认."""

_CHINA = timezone(timedelta(hours=8))
"""Both providers write wall time of China without saying so."""


class Word(StrEnum):
    """What became of it."""

    DELIVERED = "delivered"
    """The text is on the telephone; the call was answered."""
    PRESSED = "pressed"
    """Somebody listened and pressed a key that confirms nothing."""
    CONFIRMED = "confirmed"
    """Somebody listened and pressed the key that confirms."""
    FAILED = "failed"
    """The text never arrived; nobody answered the call."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a provider. The same may come twice, and in any order.

    Args:
        door: ``sms`` or ``voice``.
        reference: the provider's name for the message, as ``Result.reference`` had it.
        word: what became of it.
        code: the provider's own word, at most 39 characters; never a number.
        at: UTC, by the provider's clock; None when it does not say.
    """

    door: str
    reference: str
    word: Word
    code: str
    at: datetime | None = None


class GarbageError(ValueError):
    """A body that this provider would not post."""


def decoded(body: bytes, kind: Any) -> Any:
    """A body as the type that it should have.

    Raises:
        GarbageError: it is something else.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as broken:
        raise GarbageError(str(broken)[:200]) from None


def of_key(key: str) -> Word:
    """What a pressed key means."""
    return Word.CONFIRMED if key.strip() == CONFIRMS else Word.PRESSED


def instant(text: str) -> datetime | None:
    """``2025-06-01 20:00:00`` of China or Unix seconds, as UTC; None for anything else."""
    try:
        if text.isdecimal():
            return datetime.fromtimestamp(int(text[:12]), UTC)
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
