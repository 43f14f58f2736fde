"""The roster of the invented neighbourhood. Pure: who is on when follows from when it is started.

The day team's shift has just begun, so that whoever tries a phone is on shift; the night team is
one short on some nights, so that the roster has a gap to show.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from backend.demo.homes import NAMESPACE
from backend.demo.people import Company
from backend.demo.town import Town

DAYS = 14
LONG = timedelta(hours=12)
DAY_TEAM = {"zhou": "east", "wang": "east", "li": "west", "zhao": "west", "chen": "west"}
NIGHT_TEAM = {"qian": "east", "sun": "east", "wu": "west"}
DESK = {"desk": 0, "desk2": 1, "lead": 0}
"""Login → half of the day; the lead works days."""
NAMES = {"east": "河东片", "west": "河西片"}


class Area(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    streets: tuple[str, ...]
    desk_min: int
    field_min: int


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    person_id: UUID
    role: str
    area_id: UUID
    from_at: datetime
    until_at: datetime


def areas(town: Town) -> tuple[Area, ...]:
    """Two, divided by how far east a street lies; the one desk of both stands in the first."""
    east: dict[str, list[float]] = {}
    for building in town.buildings:
        east.setdefault(building.street, []).append(building.at.lon)
    in_order = sorted(east, key=lambda street: sum(east[street]) / len(east[street]))
    street_of = {b.id: b.street for b in town.buildings}
    homes = Counter(street_of[h.building_id] for h in town.households)
    west: list[str] = []
    for street in in_order:
        if 2 * sum(homes[each] for each in west) < len(town.households):
            west.append(street)
    rest = tuple(street for street in in_order if street not in west)
    return (
        Area(id=_area(town, "east"), name=NAMES["east"], streets=rest, desk_min=1, field_min=1),
        Area(
            id=_area(town, "west"), name=NAMES["west"], streets=tuple(west), desk_min=0, field_min=1
        ),
    )


def shifts(town: Town, company: Company, *, start: datetime) -> Iterator[Shift]:
    """Two weeks of them from the hour before ``start``; everybody has each fourth day off."""
    first = start.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    by_login = {person.login: person for person in company.staff}
    turns = [
        *((login, area, "field", 0) for login, area in DAY_TEAM.items()),
        *((login, area, "field", 1) for login, area in NIGHT_TEAM.items()),
        *(
            (login, "east", "desk_lead" if login == "lead" else "desk", half)
            for login, half in DESK.items()
        ),
        ("tech", "east", "technician", 0),
    ]
    for n, (login, area, role, half) in enumerate(turns):
        for day in range(DAYS):
            # nobody is away on the first day, and the desk never is
            if role == "field" and day and (day + n) % 4 == 3:
                continue
            begins = first + timedelta(days=day) + half * LONG
            yield Shift(
                id=uuid5(NAMESPACE, f"{town.seed}/shift/{login}/{begins.isoformat()}"),
                person_id=by_login[login].id,
                role=role,
                area_id=_area(town, area),
                from_at=begins,
                until_at=begins + LONG,
            )


def _area(town: Town, name: str) -> UUID:
    return uuid5(NAMESPACE, f"{town.seed}/roster area/{name}")
