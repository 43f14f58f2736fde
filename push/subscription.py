"""What a browser hands over to be reached: its push service's address and its keys."""

import msgspec


class Keys(msgspec.Struct, frozen=True):
    """A browser's keys, base64url: its public point (65 bytes) and a secret (16 bytes)."""

    p256dh: str
    auth: str


class Subscription(msgspec.Struct, frozen=True):
    """A browser's push subscription; members we do not know are passed over."""

    endpoint: str
    keys: Keys
