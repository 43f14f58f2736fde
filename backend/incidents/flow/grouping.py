"""One incident per place that one team handles (lifecycle section 10). Pure."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.incidents.flow.incident import Incident
from backend.incidents.flow.vocabulary import Kind

FIRE_LIKE = frozenset({Kind.SMOKE, Kind.GAS, Kind.ELECTRIC})
WITHIN = timedelta(minutes=10)  # ▲
FOLLOWS_WITHIN = timedelta(minutes=30)  # ▲ who led before is asked first
LINKED_WITHIN = timedelta(days=1)  # ▲ linked for whoever looks at it, no more


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that an alert may belong to, as far as grouping needs it."""

    id: UUID
    kind: Kind
    household_id: UUID | None
    open: bool
    emitted_at: datetime
    released_at: datetime | None
    has_detector: bool
    holds_home: bool = False
    """A detector of the same household is in it, whoever's home it began in."""


class Grouped(msgspec.Struct, frozen=True, kw_only=True):
    """``joins``: the incident to add to; else a new one, linked to ``follows`` if any."""

    joins: UUID | None = None
    follows: UUID | None = None


def group(
    standing: list[Standing], *, kind: Kind, household_id: UUID | None, at: datetime
) -> Grouped:
    """Where a raised alert belongs.

    Args:
        standing: incidents of the same building or that hold the same household, any order.
        kind: the alert type.
        household_id: where the detector serves, None outside homes.
        at: emission, UTC.

    Returns:
        The same device or household joins always; fire-like kinds of one building join within
        10 minutes; otherwise a new incident, linked to a release of the last day.
    """
    newest = sorted(standing, key=lambda s: s.emitted_at, reverse=True)
    active = [one for one in newest if one.open]
    theirs = [one for one in newest if _theirs(one, household_id)]
    for one in theirs:
        if one.open:
            return Grouped(joins=one.id)
    for one in active:
        if kind in FIRE_LIKE and one.kind in FIRE_LIKE and at - one.emitted_at <= WITHIN:
            return Grouped(joins=one.id)
    for one in theirs:
        if one.released_at is not None and at - one.released_at <= LINKED_WITHIN:
            return Grouped(follows=one.id)
    return Grouped()


def _theirs(one: Standing, household_id: UUID | None) -> bool:
    """Whether it is an incident of the same device or household."""
    if one.has_detector or one.holds_home:
        return True
    return household_id is not None and one.household_id == household_id


def follows_at_once(before: Incident, now: Incident) -> bool:
    """Whether ``now`` began so soon after the release of ``before`` that the same people go."""
    if before.released_at is None or now.emitted_at is None:
        return True
    return now.emitted_at - before.released_at <= FOLLOWS_WITHIN
