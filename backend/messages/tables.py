"""The outbox's tables; indexes and constraints are in the migration."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    DoublePrecision,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
)
from piccolo.table import Table

from backend.shared.db import OPERATIONS


class Message(Table, db=OPERATIONS, tablename="message"):
    """One message to one address; ``next_at`` null = nothing more will be done, see ``ended``.

    ``ended``: received, acknowledged, expired (handed over, nobody answered), dead (never handed
    over, see ``last_error``), withdrawn, bundled (told by ``digest_id``) or unreadable. ``lane``
    is the order of claiming, see ``claims``; ``only_doors`` null = those of the ladder.
    """

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
    lane = SmallInt(default=1)
    only_doors = Array(base_column=Text(), null=True, default=None)
    digest_id = UUID(null=True, default=None)
    ladder = Text()
    ended_at = Timestamptz(null=True, default=None)
    last_error = Text(null=True, default=None)
    requeued_as = UUID(null=True, default=None)


class Delivery(Table, db=OPERATIONS, tablename="delivery"):
    """One attempt by one door; ``outcome`` null while nothing has come back.

    ``reference`` is the provider's own name for it, by which its reports come back.
    """

    id = BigInt(primary_key=True, default=None)
    message_id = UUID()
    door = Text()
    at = Timestamptz(default=None)
    outcome = Text(null=True, default=None)
    code = Text()
    retry_after_s = DoublePrecision(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    provider = Text()
    reference = Text()


class Receipt(Table, db=OPERATIONS, tablename="receipt"):
    """How far a message got; ``at`` is the time of its ``source``: device, provider or digest."""

    message_id = UUID(primary_key=True, default=None)
    kind = Text()
    at = Timestamptz(default=None)
    received_at = Timestamptz(default=None)
    door = Text(null=True, default=None)
    source = Text(default="device")


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
    gone_why = Text(null=True, default=None)
    accepted_at = Timestamptz(null=True, default=None)


class Provider(Table, db=OPERATIONS, tablename="provider"):
    """How one node finds one provider: its breaker as it last changed."""

    node = UUID(primary_key=True, default=None)
    name = Text()
    failures = Integer()
    open_until = Timestamptz(null=True, default=None)
    last_code = Text()
    changed_at = Timestamptz(default=None)


class LiveNode(Table, db=OPERATIONS, tablename="live_node"):
    """A process that holds open screens, and when it was last heard of."""

    id = UUID(primary_key=True, default=None)
    seen_at = Timestamptz(default=None)


class LiveScreen(Table, db=OPERATIONS, tablename="live_screen"):
    """Whose screens are open at which node."""

    address = Text(primary_key=True)
    node = UUID()


class LivePass(Table, db=OPERATIONS, tablename="live_pass"):
    """A message for a screen at another node; gone once that node has taken it."""

    id = BigInt(primary_key=True, default=None)
    node = UUID()
    message_id = UUID()
    delivery_id = BigInt(null=True, default=None)
