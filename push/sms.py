"""The door of text messages: ``sms(provider)`` with any ``push.telephony.Telephony``."""

from typing import Any

from push.telephony import PhoneDoor, Telephony


def sms(provider: Telephony, **words: Any) -> PhoneDoor:
    """Text mobile numbers. ``words``: reach, trust, timeout_s, now_s of ``PhoneDoor``."""
    return PhoneDoor("sms", provider.text, provider.read, landlines=False, **words)
