"""What crosses the wire about messages, and what the ledger says."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from push.message import Handling, Urgency
from push.port import ReceiptKind

DeviceTime = Annotated[datetime, Meta(tz=True)]

OnReceipt = Callable[[str, UUID, ReceiptKind, str | None, datetime], Awaitable[None]]
"""``on_receipt(address, message_id, kind, door, at)``: a receipt came for the first time.

``door`` is ``live``, ``push`` or None when not known; ``at`` is the server's time, UTC. Called
inside the transaction that keeps the receipt: what it writes to operations is kept with it.
"""


class ReceiptGiven(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One word back from a phone; ``at`` by the phone's corrected clock."""

    message_id: UUID
    kind: ReceiptKind
    at: DeviceTime


class Receipts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /api/receipts``."""

    receipts: Annotated[list[ReceiptGiven], Meta(min_length=1, max_length=200)]


class PushKey(msgspec.Struct, frozen=True):
    """The installation's public VAPID key, base64url; None where nothing leaves the house."""

    key: str | None


class BrowserKeys(msgspec.Struct, frozen=True):
    """A browser's keys, base64url without padding: a point of P-256, and 16 bytes."""

    p256dh: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{87}=?$")]
    auth: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}={0,2}$")]


class NewSubscription(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What lets one device be pushed to, and the phone that it belongs to.

    A browser gives ``PushSubscription.toJSON()``. Our own apps name their ``door`` and give
    their token as ``endpoint``, without keys; a token that changed is simply given again.
    """

    endpoint: Annotated[str, Meta(min_length=20, max_length=2048)]
    keys: BrowserKeys | None = None
    device_id: Annotated[str, Meta(min_length=1, max_length=100)]
    door: Literal["webpush", "fcm", "apns"] = "webpush"

    def __post_init__(self) -> None:
        browser = self.door == "webpush"
        if browser != (self.keys is not None):
            raise ValueError("keys are a browser's")
        if browser != self.endpoint.startswith(("http://", "https://")):
            raise ValueError("endpoint is a browser's address or an app's token")


class OldSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """``DELETE /api/push/subscriptions``."""

    endpoint: Annotated[str, Meta(max_length=2048)]


class Tried(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One attempt; ``outcome`` None while nothing has come back."""

    door: str
    at: datetime
    outcome: str | None
    code: str


class Came(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One receipt: ``at`` by the device, ``received_at`` by the server."""

    kind: str
    at: datetime
    received_at: datetime
    door: str | None


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message of an incident: to whom, what was tried and what came back, oldest first."""

    message_id: UUID
    address: str
    urgency: Urgency
    handling: Handling
    title: str
    created_at: datetime
    expires_at: datetime
    ended: str | None
    told_person: bool
    deliveries: list[Tried]
    receipts: list[Came]
