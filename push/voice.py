"""The door of automatic calls, the floor of the ladder: it rings on any telephone.

That a call was accepted says nothing about anybody listening: like every door's, its ``SENT``
is no receipt.
"""

from typing import Any

from push.telephony import PhoneDoor, Telephony


def voice(provider: Telephony, *, name: str = "voice", **words: Any) -> PhoneDoor:
    """Call mobile and landline numbers.

    Args:
        provider: of calls.
        name: ``family`` for the rung that rings at somebody else's when the person's own is in
            vain; it is a door of its own, so that a ladder and its ledger tell the two apart.
        words: reach, trust, timeout_s, now_s of ``PhoneDoor``.
    """
    return PhoneDoor(name, provider.call, provider.read, landlines=True, **words)
