"""Which devices are walked to, when, in what order and by whom. Pure.

Dates are of the service area. The standard says 定期 and gives no number (T31): the cycles and
their defaults are ours (▲).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from math import cos, hypot, radians
from typing import Literal
from uuid import UUID, uuid5

import msgspec

Cycle = Literal["week", "month", "quarter", "half_year", "year"]
MONTHS: Mapping[str, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
NEAREST_UP_TO = 500
"""▲ Entrances of one street."""
SPACE = UUID("6a696561-6e00-7000-8000-000000000012")
"""Name space of rounds and checks: the same round made twice is the same round."""
AT_LEAST = timedelta(days=6)
"""▲ A plan that begins with fewer days left than a week begins with the next period."""
GONE = frozenset({"planned", "replaced", "retired"})
"""States of a device that nobody walks to."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One cycle. Empty ``kinds``, ``models`` or ``streets`` mean every one."""

    id: UUID
    name: str
    cycle: Cycle
    kinds: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    streets: tuple[str, ...] = ()
    active: bool = True
    first_on: date

    def fits(self, device: "Device") -> bool:
        return (
            (not self.kinds or device.kind in self.kinds)
            and (not self.models or device.model in self.models)
            and (not self.streets or device.street in self.streets)
        )

    @property
    def narrowness(self) -> tuple[bool, bool, bool]:
        """Greater means more exactly meant: a model before a street before a kind."""
        return bool(self.models), bool(self.streets), bool(self.kinds)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the register as a round needs it; degrees WGS-84."""

    id: UUID
    kind: str
    model: str
    street: str
    building: str
    """Whatever tells one entrance from another."""
    floor: str
    label: str
    lat: float
    lon: float
    state: str


class Period(msgspec.Struct, frozen=True):
    """One turn of a cycle; both days belong to it."""

    key: str
    first_on: date
    last_on: date


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A round to be made; ``devices`` in walking order."""

    id: UUID
    plan: Plan
    period: Period
    street: str
    devices: tuple[UUID, ...]


def period_of(cycle: Cycle, on: date) -> Period:
    """The period of a cycle that holds a day.

    >>> period_of("month", date(2026, 2, 9))
    Period(key='2026-02', first_on=datetime.date(2026, 2, 1), last_on=datetime.date(2026, 2, 28))
    >>> period_of("week", date(2027, 1, 1)).key
    '2026-W53'
    """
    if cycle == "week":
        year, week, weekday = on.isocalendar()
        first = on - timedelta(days=weekday - 1)
        return Period(f"{year}-W{week:02}", first, first + timedelta(days=6))
    months = MONTHS[cycle]
    turn = (on.month - 1) // months
    first = date(on.year, turn * months + 1, 1)
    after = first.month + months
    last = date(first.year + (after > 12), (after - 1) % 12 + 1, 1) - timedelta(days=1)
    key = {1: f"{on.year}-{on.month:02}", 12: f"{on.year}"}.get(
        months, f"{on.year}-{'Q' if months == 3 else 'H'}{turn + 1}"
    )
    return Period(key, first, last)


def runs(plan: Plan, on: date) -> Period | None:
    """The period to be walked on this day; None while the plan has not begun or is off."""
    period = period_of(plan.cycle, on)
    late = plan.first_on > period.first_on and plan.first_on > period.last_on - AT_LEAST
    return None if not plan.active or on < plan.first_on or late else period


def plan_of(device: Device, plans: Iterable[Plan]) -> Plan | None:
    """The one plan by which a device is inspected: the most exactly meant, then the oldest."""
    fitting = [plan for plan in plans if plan.active and plan.fits(device)]
    return max(fitting, key=lambda plan: (plan.narrowness, -plan.id.int), default=None)


def drafts(plan: Plan, plans: Sequence[Plan], devices: Iterable[Device], on: date) -> list[Draft]:
    """The rounds of a plan for the period of this day: one for each street, by street."""
    period = runs(plan, on)
    if period is None:
        return []
    streets: dict[str, list[Device]] = defaultdict(list)
    for device in devices:
        if device.state not in GONE and plan_of(device, plans) == plan:
            streets[device.street].append(device)
    return [
        Draft(
            id=uuid5(SPACE, f"{plan.id} {period.key} {street}"),
            plan=plan,
            period=period,
            street=street,
            devices=tuple(one.id for one in walking_order(found)),
        )
        for street, found in sorted(streets.items())
    ]


def check_id(round_id: UUID, device_id: UUID) -> UUID:
    """The id of one device's check in one round."""
    return uuid5(round_id, str(device_id))


def walking_order(devices: Iterable[Device]) -> list[Device]:
    """Entrance by entrance, each next the nearest one left, from the westernmost; then upwards.

    Good for the length of a street; the phone turns it round where that is the shorter way. Of
    more entrances than ``NEAREST_UP_TO`` (devices without a street are one list) it is from west
    to east: to look for the nearest of so many would hold up the service.
    """
    doors: dict[str, list[Device]] = defaultdict(list)
    for device in devices:
        doors[device.building or str(device.id)].append(device)
    left = {key: min((one.lon, one.lat) for one in found) for key, found in doors.items()}
    ordered: list[Device] = []
    if len(left) > NEAREST_UP_TO:
        for key in sorted(left, key=lambda k: (left[k], k)):
            ordered += _upwards(doors[key])
        return ordered
    here: tuple[float, float] | None = None
    while left:
        start = here or min(left.values())
        narrow = cos(radians(start[1]))
        key = min(
            left, key=lambda k: (hypot((left[k][0] - start[0]) * narrow, left[k][1] - start[1]), k)
        )
        here = left.pop(key)
        ordered += _upwards(doors[key])
    return ordered


def _upwards(devices: Iterable[Device]) -> list[Device]:
    return sorted(devices, key=lambda one: (_storey(one.floor), one.label, one.id))


def _storey(floor: str) -> tuple[int, str]:
    digits = "".join(sign for sign in floor if sign.isdigit())
    return int(digits or 0) * (-1 if floor.startswith(("B", "-", "地下")) else 1), floor


def shared_out(
    sizes: Mapping[UUID, int], hours: Mapping[UUID, Mapping[UUID, float]]
) -> dict[UUID, UUID]:
    """Who walks which round: those with shifts in its area, the least laden first.

    Args:
        sizes: devices of each round.
        hours: for each round, hours of field duty in its area by person; who has none is left out.

    Returns:
        A person for each round that anybody can walk; the rest waits for the lead.
    """
    load: dict[UUID, int] = defaultdict(int)
    found: dict[UUID, UUID] = {}
    for round_id in sorted(sizes, key=lambda one: (-sizes[one], one.int)):
        able = {who: h for who, h in hours.get(round_id, {}).items() if h > 0}
        if able:
            who = min(able, key=lambda p: (load[p] / able[p], -able[p], p.int))
            found[round_id] = who
            load[who] += sizes[round_id]
    return found
