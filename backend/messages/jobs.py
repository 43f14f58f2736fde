"""What a claim hands to the carrier, and what it must know of the doors."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from push.lanes import Lanes
from push.message import Audience, Message
from push.port import Reach

TELLING = "telling"
"""In the leases: how long telling a person may take."""
Directory = Callable[[Sequence[str]], Awaitable[Mapping[str, Mapping[str, str]]]]
"""``directory(addresses)``: address → door of ``NUMBERS`` → the address in that door's form."""


async def no_directory(_addresses: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """The default: nobody has a telephone."""
    return {}


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """The hours of the night in which residents and offices hear only what is urgent."""

    zone: ZoneInfo
    from_hour: int
    to_hour: int

    def until(self, audience: Audience, now: datetime) -> datetime | None:
        """When the quiet ends in which ``now`` (UTC) lies; None when it lies in none."""
        local = now.astimezone(self.zone)
        hours = (local.hour - self.from_hour) % 24
        night = (self.to_hour - self.from_hour) % 24
        if audience not in (Audience.RESIDENT, Audience.OFFICE) or hours >= night:
            return None
        end = local.replace(hour=self.to_hour, minute=0, second=0, microsecond=0)
        return (end if end > local else end + timedelta(days=1)).astimezone(UTC)


class Doors(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim must know of the doors.

    Args:
        reaches: every open door.
        leases: for how long a message is ours while a door, or ``plans.TELLING``, has it.
        lanes: the places of their providers.
        connected: whether an address has an open screen here; None where nobody can say.
        node: this process.
        directory: asked for telephones and rooms when there is a door to them.
        quiet: the night's hours; None for none.
    """

    reaches: Mapping[str, Reach]
    leases: Mapping[str, timedelta]
    lanes: Lanes
    node: UUID
    connected: Callable[[str], bool] | None = None
    directory: Directory = no_directory
    quiet: Quiet | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One claimed message, and what to do for it now.

    Args:
        alarm: it came by the lane of alarms.
        tell: a person must be told.
        door: to knock at; None when only ``tell``.
        delivery_id: the attempt's row.
        to: the address in the door's own form.
        devices: for a door of ``DEVICES``: the subscription's id, its address there and its
            provider; only those with a place.
        places: the providers' places that are held until the attempt is over.
        here: whether a screen of this node may have it, where the door is the live one.
        elsewhere: whether another node was asked to show it on a screen of its own.
        rest_until: UTC, when to look again if the door takes it.
    """

    message: Message
    address: str
    incident_id: UUID | None
    alarm: bool = False
    tell: bool = False
    door: str | None = None
    delivery_id: int | None = None
    to: str = ""
    devices: tuple[tuple[UUID, str, str], ...] = ()
    places: tuple[str, ...] = ()
    here: bool = True
    elsewhere: bool = False
    rest_until: datetime | None = None
