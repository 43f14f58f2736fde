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


class Token(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One device that asked to be pushed to, without the secret by which it is reached.

    ``accepted_at``: when its provider last took a message for it. ``gone_why``: taken-back,
    replaced, too-many, provider, or what whoever closed it said; None while it is alive.
    """

    id: UUID
    door: str
    device_id: str
    created_at: datetime
    accepted_at: datetime | None
    gone_at: datetime | None
    gone_why: str | None


class Tried(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One attempt: from ``at`` to ``ended_at``; ``outcome`` None while nothing has come back."""

    door: str
    at: datetime
    ended_at: datetime | None
    outcome: str | None
    code: str
    provider: str


class Came(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One receipt: ``at`` by its source's clock, ``received_at`` by the server's.

    ``source``: the person's ``device``, the ``provider`` (a call that was answered), or the
    ``digest`` in which the message was told.
    """

    kind: str
    at: datetime
    received_at: datetime
    door: str | None
    source: str


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message: to whom, what was tried and what came back, oldest first.

    ``ended``: None while it climbs; received, acknowledged, expired (handed over, nobody
    answered), dead (never handed over), withdrawn, bundled (told by ``digest_id``), unreadable.
    ``ladder``: the version of the ladders by which it climbed.
    """

    message_id: UUID
    incident_id: UUID | None
    address: str
    urgency: Urgency | None
    handling: Handling | None
    title: str
    created_at: datetime
    expires_at: datetime
    ended: str | None
    ended_at: datetime | None
    told_person: bool
    ladder: str
    digest_id: UUID | None
    last_error: str | None
    deliveries: list[Tried]
    receipts: list[Came]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message that no door ever took: what the last one said, and whether it can go again."""

    message_id: UUID
    address: str
    incident_id: UUID | None
    title: str
    urgency: Urgency | None
    created_at: datetime
    dead_at: datetime
    last_error: str
    attempts: int
    told_person: bool
    requeued_as: UUID | None
    may_requeue: bool


class ProviderState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A provider's breaker at one node; open until ``open_until``, None when it is closed."""

    node: UUID
    name: str
    failures: int
    open_until: datetime | None
    last_code: str
    changed_at: datetime
