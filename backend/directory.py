"""By which telephone and in which room an address can be reached, asked anew for each message.

Nothing is copied: a number that is corrected counts from the next message on. A person without a
number has no such rung, and the ladder goes on without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from backend.offices import service as offices
from backend.residents import service as residents
from backend.settings import Settings
from backend.staff import service as staff

Ways = Mapping[str, Mapping[str, str]]
"""address → door → the address in that door's own form."""


class Directory:
    """What ``messages.carrier`` asks; see ``messages.jobs.Directory``."""

    def __init__(self, settings: Settings) -> None:
        self._room = settings.push.room

    async def __call__(self, addresses: Sequence[str]) -> Ways:
        """Telephones and rooms of each address; an address that has none may be left out."""
        found: dict[str, dict[str, str]] = {}
        kinds = _by_kind(addresses)
        for kind, ask in (
            ("staff", _staff),
            ("household", residents.ways),
            ("office", offices.ways),
        ):
            if ids := kinds.get(kind):
                for each, ways in (await ask(list(ids))).items():
                    found[ids[each]] = dict(ways)
        if self._room:
            for address in kinds.get("office", {}).values():
                found.setdefault(address, {}).setdefault("rooms", self._room)
        return found


async def _staff(ids: list[UUID]) -> dict[UUID, dict[str, str]]:
    found = await staff.telephones(ids)
    return {each: {"sms": number, "voice": number} for each, number in found.items() if number}


def _by_kind(addresses: Iterable[str]) -> dict[str, dict[UUID, str]]:
    """Kind → id → address; what is no ``kind:<uuid>`` has no telephone."""
    kinds: dict[str, dict[UUID, str]] = {}
    for address in addresses:
        kind, _, name = address.partition(":")
        try:
            kinds.setdefault(kind, {})[UUID(name)] = address
        except ValueError:
            continue
    return kinds
