"""How many messages may be in the hands of one provider at once.

A provider that hangs keeps what it has until its time is over; without a bound it would end up
with everything. Some places of each provider are kept for alarms to staff, so that ten thousand
residents being told never stand before the one person who must go.

    >>> lanes = Lanes(most=3, kept=1)
    >>> [lanes.take("sms", alarm=False) for _ in range(3)]
    [True, True, False]
    >>> lanes.take("sms", alarm=True), lanes.take("sms", alarm=True)
    (True, False)
    >>> lanes.give("sms")
    >>> lanes.take("sms", alarm=True)
    True
"""

from collections import Counter
from urllib.parse import urlsplit

import msgspec

MOST, KEPT = 96, 16
"""▲ Places of one provider at one node, and how many of them only alarms may take."""


class _Endpoint(msgspec.Struct, frozen=True):
    endpoint: str = ""


_endpoint = msgspec.json.Decoder(_Endpoint)


def provider_of(door: str, address: str) -> str:
    """Who is behind a door for this address, as breakers, lanes and the ledger call them.

    Args:
        door: ``Door.name``.
        address: in the door's own form.

    Returns:
        The door's name, with the push service of a browser or the kind of a room behind it.

    >>> provider_of("webpush", '{"endpoint": "https://web.push.apple.com/QK3"}')
    'webpush:web.push.apple.com'
    >>> provider_of("rooms", "wecombot://key"), provider_of("sms", "+8613800000000")
    ('rooms:wecombot', 'sms')
    """
    if door == "webpush":
        try:
            host = urlsplit(_endpoint.decode(address).endpoint).netloc
        except (msgspec.MsgspecError, ValueError):
            return door
        # A phone chose its endpoint: as a name it may not grow without end.
        return f"{door}:{host.rpartition('@')[2][:100]}" if host else door
    scheme, found, _ = address.partition("://")
    return f"{door}:{scheme[:20]}" if found else door


class Lanes:
    """Counts places; waits for nothing and knows no time.

    Args:
        most: places of each provider.
        kept: of them, for alarms only.
    """

    def __init__(self, *, most: int = MOST, kept: int = KEPT) -> None:
        if not 0 <= kept < most:
            raise ValueError("some places must be left for everybody")
        self.most, self.kept = most, kept
        self._taken: Counter[str] = Counter()

    def take(self, provider: str, *, alarm: bool) -> bool:
        """Take a place; False when there is none."""
        if self._taken[provider] >= self.most - (0 if alarm else self.kept):
            return False
        self._taken[provider] += 1
        return True

    def give(self, provider: str) -> None:
        """Give a place back that was taken."""
        self._taken[provider] -= 1
        if self._taken[provider] <= 0:
            del self._taken[provider]

    def room(self) -> int:
        """Places for anybody at whichever busy provider has the most of them."""
        for_all = self.most - self.kept
        return max((for_all - taken for taken in self._taken.values()), default=for_all)

    def taken(self) -> dict[str, int]:
        """Who has how many now."""
        return dict(self._taken)
