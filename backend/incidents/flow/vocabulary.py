"""The words of the incident: states, kinds, roles and the people who act."""

from enum import StrEnum
from uuid import UUID

import msgspec


class Kind(StrEnum):
    """Alert type (预警类型), one per detector function of 5.1.1.1."""

    ELECTRIC = "electric"
    GAS = "gas"
    SMOKE = "smoke"
    STRUCTURE = "structure"
    HYDRANT = "hydrant"
    WATER = "water"
    DOOR = "door"


class State(StrEnum):
    """Main state of an incident; see ``docs/rules.md``."""

    NEW = "new"
    RAISED = "raised"
    DESK_HANDLING = "desk_handling"
    PARTY_HANDLED = "party_handled"
    DISPATCHING = "dispatching"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    HANDLING = "handling"
    RESCUE = "rescue"
    CLEARING = "clearing"
    MONITORED = "monitored"
    STOOD_DOWN = "stood_down"
    RELEASED = "released"
    ARCHIVED = "archived"


ALERTING = frozenset(
    {
        State.RAISED,
        State.DESK_HANDLING,
        State.PARTY_HANDLED,
        State.DISPATCHING,
        State.EN_ROUTE,
        State.ON_SCENE,
        State.HANDLING,
        State.RESCUE,
        State.CLEARING,
        State.MONITORED,
    }
)
"""States in which ``alert_active`` is true (invariant I16)."""

OPEN = ALERTING | {State.STOOD_DOWN}
"""Not yet released: whatever is learnt here can still change what is done."""

UNSEALED = OPEN | {State.RELEASED}


class Role(StrEnum):
    """Who may act. ``resident`` and ``office`` may come by link, without an account."""

    SYSTEM = "system"
    FIELD = "field"
    DESK = "desk"
    DESK_LEAD = "desk_lead"
    TECHNICIAN = "technician"
    MANAGER = "manager"
    RESIDENT = "resident"
    OFFICE = "office"
    AUDIT = "audit_admin"


class Handling(StrEnum):
    """May people act on it? CAP 1.2 ``status``."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


class Urgency(StrEnum):
    EMERGENCY = "emergency"
    NOTICE = "notice"
    INFO = "info"


class Control(StrEnum):
    """Figure 1's question 情况是否可控."""

    UNKNOWN = "unknown"
    CONTROLLABLE = "controllable"
    UNCONTROLLABLE = "uncontrollable"


class Offline(StrEnum):
    """What a command does to severity when it reaches the server late."""

    FACT = "fact"
    RAISES = "raises"
    LOWERS = "lowers"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who issued a command. ``staff`` is the staff member behind an account, if any."""

    id: str
    role: Role
    name: str = ""
    staff: UUID | None = None


SYSTEM = Actor(id="system", role=Role.SYSTEM, name="")


class Place(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where it is, as a person says it, and in degrees (lat, lon) of ``datum``."""

    address: str
    street: str = ""
    number: str = ""
    court: str = ""
    floor: str = ""
    room: str = ""
    entrance_note: str = ""
    lane_width_m: float | None = None
    engine_stop: str = ""
    storeys: int | None = None
    unit: str = ""
    unit_phone: str = ""
    """Who is responsible for it and their telephone: the hydrant's unit (B.5)."""
    lat: float = 0.0
    lon: float = 0.0
    datum: str = "WGS-84"
    household_id: UUID | None = None
    building_id: UUID | None = None

    def complete(self) -> bool:
        """G10: an address, for a home down to the room, and coordinates with their datum."""
        inside = self.household_id is None or self.floor or self.room
        return bool(self.address and inside and self.datum and (self.lat or self.lon))


class OfficeRef(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A community, street, fire or emergency office that serves an address."""

    id: UUID
    name: str
    kind: str


class Candidate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One person looked at for an offer, and why passed over (None for the one chosen)."""

    staff_id: UUID
    name: str
    badge: str = ""
    metres: float | None = None
    minutes: float | None = None
    basis: str = ""
    fix_age_s: float | None = None
    tier: int = 0
    chosen: bool = False
    passed_over: str | None = None
    load: int = 0
    handled: int = 0
    rested_s: float | None = None
    elsewhere: str | None = None
    """The number of the incident that they lead or are being asked about."""
