"""The door of automatic calls, the floor of the ladder: it rings on any telephone.

That a call was accepted says nothing about anybody listening: like every door's, its ``SENT``
is no receipt.
"""

from typing import Any

from push.telephony import PhoneDoor, Telephony


def voice(provider: Telephony, **words: Any) -> PhoneDoor:
    """Call mobile and landline numbers. ``words``: reach, timeout_s, now_s of ``PhoneDoor``."""
    return PhoneDoor("voice", provider.call, provider.read, landlines=True, **words)
