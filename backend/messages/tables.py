"""The outbox's tables; indexes and constraints are in the migration."""

from piccolo.columns import JSONB, UUID, BigInt, Boolean, DoublePrecision, Text, Timestamptz
from piccolo.table import Table

from backend.shared.db import OPERATIONS


class Message(Table, db=OPERATIONS, tablename="message"):
    """One message to one address; ``next_at`` null = nothing more will be done, see ``ended``."""

    id = UUID(primary_key=True, default=None)
    address = Text()
    audience = Text()
    urgency = Text()
    handling = Text()
    body = JSONB()
    collapse_key = Text()
    incident_id = UUID(null=True, default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    next_at = Timestamptz(null=True, default=None)
    ended = Text(null=True, default=None)
    told_person = Boolean(default=False)


class Delivery(Table, db=OPERATIONS, tablename="delivery"):
    """One attempt by one door; ``outcome`` null while nothing has come back."""

    id = BigInt(primary_key=True, default=None)
    message_id = UUID()
    door = Text()
    at = Timestamptz(default=None)
    outcome = Text(null=True, default=None)
    code = Text()
    retry_after_s = DoublePrecision(null=True, default=None)


class Receipt(Table, db=OPERATIONS, tablename="receipt"):
    """How far a message got on the person's own device; ``at`` is the device's time."""

    message_id = UUID(primary_key=True, default=None)
    kind = Text()
    at = Timestamptz(default=None)
    received_at = Timestamptz(default=None)
    door = Text(null=True, default=None)


class Subscription(Table, db=OPERATIONS, tablename="subscription"):
    """A browser or an app that asked to be pushed to. The endpoint is a secret.

    ``door`` is webpush, fcm or apns; of the last two the endpoint is the token, without keys.
    """

    id = UUID(primary_key=True, default=None)
    address = Text()
    device_id = Text()
    endpoint = Text(unique=True)
    p256dh = Text()
    auth = Text()
    created_at = Timestamptz(default=None)
    gone_at = Timestamptz(null=True, default=None)
    door = Text()
