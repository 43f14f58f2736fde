"""The port that every door implements, and the words for what came of a message.

Four outcomes say what to do next, whatever the provider called it. Sent is not delivered,
delivered is not seen, seen is not acted upon: the later three come back as receipts from the
person's own device, and only those let a ladder rest.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from push.message import Handling, Message


class Outcome(StrEnum):
    """What a door says after trying."""

    SENT = "sent"
    """Handed over. Says nothing about the person."""
    RETRY = "retry"
    """Not now; the same message may pass later."""
    FORGET_DEVICE = "forget_device"
    """This address will never work again; delete it."""
    REJECTED = "rejected"
    """This message will never pass here; the address may be fine. Record it for a person."""


class ReceiptKind(StrEnum):
    """How far a message got, as told by the device."""

    DELIVERED = "delivered"
    SEEN = "seen"
    ACTED = "acted"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One word back from a device. The same one may come twice.

    Args:
        message_id: the ``Message.id``.
        kind: how far it got.
        at: UTC, by the device's corrected clock.
        address: whose device, such as ``account:<uuid>``.
    """

    message_id: UUID
    kind: ReceiptKind
    at: datetime
    address: str


class Reach(StrEnum):
    """How far a door's messages can travel."""

    LOOPBACK = "loopback"
    """No farther than this machine, or the screens that are signed in to it."""
    INTERNET = "internet"
    """To providers and real recipients."""


class Result(msgspec.Struct, frozen=True):
    """What came of one attempt.

    Args:
        outcome: what to do next.
        retry_after_s: the provider's own wish with ``RETRY``, seconds; None when it has none.
        provider_code: the provider's word or ours, for the delivery ledger; never an address.
        gone_since: UTC, with ``FORGET_DEVICE``: when the provider knew that the address was dead;
            an address registered again after it is alive. None when it does not say.
        reference: with ``SENT``, the provider's own name for this message, by which its later
            reports are known; empty where it gives none.
    """

    outcome: Outcome
    retry_after_s: float | None = None
    provider_code: str = ""
    gone_since: datetime | None = None
    reference: str = ""


class Door(Protocol):
    """One way to reach a device."""

    @property
    def name(self) -> str:
        """What ladders and the delivery ledger call it, such as ``live`` or ``webpush``."""

    @property
    def reach(self) -> Reach:
        """How far its messages can travel."""

    async def send(self, address: str, message: Message) -> Result:
        """Try once to hand a message over.

        Args:
            address: in the door's own form.
            message: what to hand over.

        Returns:
            The outcome. Never raises for anything a provider, a network or an address does;
            never takes longer than the door's own time limit.
        """


def kept_inside(reach: Reach, message: Message) -> Result | None:
    """The refusal with which an ``INTERNET`` door meets anything but an actual message.

    Returns:
        ``REJECTED`` when the message must not leave by such a door, else None.
    """
    if reach is Reach.INTERNET and message.handling is not Handling.ACTUAL:
        return Result(Outcome.REJECTED, None, f"{message.handling}-stays-inside")
    return None
