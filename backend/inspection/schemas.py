"""Rounds, checks and repairs as the apps and the screens read them."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.inspection.flow import check, repair
from backend.inspection.flow.refused import Refused


class RoundView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A round with how far it is; ``due_on`` is the last day, of the service area."""

    id: UUID
    plan_name: str
    period: str
    street: str
    area_id: UUID | None
    starts_on: date
    due_on: date
    assignee: UUID | None
    total: int
    done: int
    left: int
    bad: int
    handed: int

    @property
    def open(self) -> int:
        return self.total - self.done - self.left


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One device of one round and where it stands."""

    id: UUID
    round_id: UUID
    detector_id: UUID
    place: int
    version: int
    now: check.Check


class RepairRow(msgspec.Struct, frozen=True, kw_only=True):
    """A repair and where it stands."""

    id: UUID
    check_id: UUID
    detector_id: UUID
    opened_by: UUID | None
    items: tuple[str, ...]
    version: int
    what: str
    now: repair.Repair


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one command. ``refusal`` None: it was accepted, now or before."""

    command_id: UUID
    version: int
    refusal: Refused | None = None
    repeated: bool = False


class PlanWish(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A cycle as a lead writes it."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    cycle: Annotated[str, Meta(pattern="^(week|month|quarter|half_year|year)$")]
    kinds: Annotated[list[str], Meta(max_length=10)] = []
    models: Annotated[list[str], Meta(max_length=50)] = []
    streets: Annotated[list[str], Meta(max_length=200)] = []
    active: bool = True
