"""Finding whom to ask: brings people on duty, what they are on and the map before the pure choice.

Nothing is decided or written here. The pipeline offers what is chosen; the desk looks at the same
candidates before it chooses somebody itself.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.devices import service as devices
from backend.dispatch.flow import choosing
from backend.dispatch.flow.moving_up import Member
from backend.incidents import drills, journal
from backend.incidents.flow.grouping import follows_at_once
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.vocabulary import Candidate
from backend.reach import service as reach
from backend.shared.context import Context
from backend.shared.streets import network_of
from backend.staff import service as staff
from backend.staff.schemas import OnDuty
from geo.point import Point
from geo.streets import StreetNetwork

SHIFT_AT_MOST = timedelta(hours=24)
"""▲ Incidents raised longer ago count neither for rest nor for a shift's fair share."""

NO_INCIDENT = UUID(int=0)
Unreachable = Callable[[datetime], Awaitable[frozenset[UUID]]]


class Finding:
    """Stateless but for a cache of the street network.

    Args:
        unreachable: at an instant (UTC), staff whose phones are known not to answer.
    """

    def __init__(self, ctx: Context, *, unreachable: Unreachable = reach.away) -> None:
        self.ctx = ctx
        self.unreachable = unreachable
        self._streets: tuple[str, StreetNetwork | None] = ("", None)

    async def choice(
        self, now: Incident, at: datetime, *, preferred: UUID | None = None
    ) -> tuple[choosing.Choice, list[choosing.Person]]:
        """Whom to ask next about this incident, and everybody as they stood when looked at.

        Args:
            at: UTC.
            preferred: whom the desk wants to see first; else what the journal says.
        """
        assert now.id is not None
        people = await self.people(at, now.id)
        because = choosing.DESK_CHOSE
        first = preferred or now.preferred
        if first is None:
            first, because = await _led_before(now), choosing.LED_BEFORE
        on_it = {r.staff_id for r in (now.lead, *now.helpers) if r is not None}
        choice = choosing.choose(
            Point(now.place.lat, now.place.lon),
            people,
            tried=now.tried | on_it,
            preferred=first,
            because=because,
            now=at,
            policy=self.policy(),
            streets=await self.network(),
        )
        return choice, people

    async def people(self, at: datetime, incident_id: UUID) -> list[choosing.Person]:
        """Field staff on duty, as dispatch needs them; of a drill only those who are in it."""
        drill = await drills.drill_of(incident_id)
        if drill is not None and drill.ended_at is not None:
            return []
        on_duty = await staff.on_duty_people(at, early=self._early)
        busy = await journal.busy(incident_id, since=at - SHIFT_AT_MOST)
        away = await self.unreachable(at)
        return [
            _person(one, busy.get(one.person_id, journal.Busy()), away)
            for one in on_duty
            if one.post == "field" and (drill is None or one.person_id in drill.staff)
        ]

    async def members(self, at: datetime) -> list[Member]:
        """Field staff on duty with the area they belong to and what they are on; no drill."""
        on_duty = await staff.on_duty_people(at, early=self._early)
        busy = await journal.busy(NO_INCIDENT, since=at - SHIFT_AT_MOST)
        away = await self.unreachable(at)
        return [
            Member(
                person=_person(one, busy.get(one.person_id, journal.Busy()), away),
                area=area_of(one.post_lat, one.post_lon),
                on=busy.get(one.person_id, journal.Busy()).on,
            )
            for one in on_duty
            if one.post == "field"
        ]

    def policy(self) -> choosing.Policy:
        """Dispatch's numbers from the settings."""
        ours = self.ctx.settings.dispatch
        shared = set(choosing.Policy.__struct_fields__) & set(ours.__struct_fields__)
        return choosing.Policy(**{name: getattr(ours, name) for name in shared})

    @property
    def _early(self) -> timedelta:
        return timedelta(minutes=self.ctx.settings.roster.early_min)

    async def network(self) -> StreetNetwork | None:
        """The streets that a setting names, else those of the map in force; None without both."""
        if self.ctx.settings.streets.file:
            return network_of(self.ctx.settings.streets)
        etag = await devices.map_etag()
        if etag != self._streets[0]:
            area = msgspec.json.decode(await devices.map_area())
            features = area.get("features") or []
            self._streets = (etag, StreetNetwork.from_geojson(features) if features else None)
        return self._streets[1]


def _person(one: OnDuty, busy: journal.Busy, away: frozenset[UUID]) -> choosing.Person:
    since = one.on_since
    return choosing.Person(
        staff_id=one.person_id,
        name=one.name,
        badge=one.badge,
        qualified=one.qualified,
        on_shift=one.on_shift,
        reachable=one.person_id not in away,
        leads=busy.leads,
        asked=busy.asked,
        fix=point(one.lat, one.lon),
        accuracy_m=one.accuracy_m,
        fix_at=one.at,
        post=point(one.post_lat, one.post_lon),
        load=busy.load,
        handled=sum(since is not None and at >= since for at in busy.were_on),
        last_at=max(busy.were_on, default=None),
    )


async def _led_before(now: Incident) -> UUID | None:
    """Who led the incident that this one follows at once: asked first, they know the place."""
    before = await journal.load(now.follows) if now.follows else None
    if before is None or before.lead is None or not follows_at_once(before, now):
        return None
    return before.lead.staff_id


def area_of(lat: float | None, lon: float | None) -> str | None:
    """The area of a post, by its place to about ten metres."""
    return None if lat is None or lon is None else f"{lat:.4f},{lon:.4f}"


def point(lat: float | None, lon: float | None) -> Point | None:
    """A place that is known, or None."""
    return None if lat is None or lon is None else Point(lat, lon)


def as_recorded(one: choosing.Candidate) -> Candidate:
    """A candidate as the journal keeps it."""
    return Candidate(**{name: getattr(one, name) for name in Candidate.__struct_fields__})
