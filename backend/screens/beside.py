"""旁边的警情: incidents that are one event with mine, as whoever works on mine may see them.

Read only. It goes to the phone with its page, so that it is there with no network.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from backend.incidents import journal
from backend.incidents.flow.evacuation import UNTICK
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.vocabulary import OPEN


class Counted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of an evacuation list: how many are on it, and those somebody has said something of."""

    state: str
    total: int
    done: list[str]


class BesideView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One linked incident; ``of`` is the incident it stands beside."""

    of: UUID
    incident_id: UUID
    no: str
    kind: str
    urgency: str
    state: str
    address: str
    lead: str | None
    reason: str
    metres: float
    evacuation: Counted


async def beside(mine: Iterable[Incident]) -> list[BesideView]:
    """What is linked with these, as it stands now; what was merged away is left out."""
    found = []
    for now in mine:
        for link in now.linked if now.id is not None and now.state in OPEN else ():
            other = await journal.load(link.incident_id)
            if other.merged_into is not None or now.id is None:
                continue
            evac = other.evacuation
            found.append(
                BesideView(
                    of=now.id,
                    incident_id=link.incident_id,
                    no=link.no,
                    kind=other.kind,
                    urgency=other.urgency,
                    state=other.state,
                    address=other.place.address,
                    lead=other.lead.name if other.lead else None,
                    reason=link.reason,
                    metres=link.metres,
                    evacuation=Counted(
                        state=evac.state,
                        total=len(evac.expected),
                        done=[
                            one
                            for one in evac.expected
                            if one in evac.marks and evac.marks[one].status != UNTICK
                        ],
                    ),
                )
            )
    return found


async def on_one_beside(now: Incident, staff_id: UUID | None) -> bool:
    """Whether somebody works on an open incident that is linked with this one."""
    for link in now.linked:
        other = await journal.load(link.incident_id)
        if other.state in OPEN and other.on_it(staff_id):
            return True
    return False
