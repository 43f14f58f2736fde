"""Many detectors silent at once are one fault for the technicians, not one each. Pure.

Twenty within ten minutes are an outage: a gateway, a network operator, a street without power.
Three of one gateway are that gateway's fault. Everybody else has a ticket of their own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

OUTAGE_FROM = 20  # ▲
GATEWAY_FROM = 3  # ▲
TOGETHER = timedelta(minutes=10)  # ▲
JOINS_WITHIN = timedelta(hours=1)  # ▲ a gateway's detectors fall due over their whole interval
MOST_OF = 0.8  # ▲ so large a part of an outage names it

By = Literal["gateway", "operator", "street", "area"]


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A silent detector with what it may have in common with others."""

    detector_id: UUID
    gateway: str | None
    operator: str
    street: str
    found_at: datetime


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """An open fault of many. ``by`` gateway: of that gateway only; else of any detector."""

    ticket_id: UUID
    by: By
    of: str
    last_at: datetime


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """These belong to one fault: the open one ``ticket_id``, or a new one named by ``by`` and
    ``of``."""

    ticket_id: UUID | None
    by: By
    of: str
    detector_ids: tuple[UUID, ...]


class Sorted(msgspec.Struct, frozen=True, kw_only=True):
    """Where silent detectors belong: to faults of many, or to themselves."""

    joined: tuple[Joined, ...]
    alone: tuple[UUID, ...]


def sort(
    new: Sequence[Gone], loose: Sequence[Gone], standing: Sequence[Outage], at: datetime
) -> Sorted:
    """Where detectors belong that were just found silent.

    Args:
        new: found now.
        loose: found within ``TOGETHER`` before, still silent, each with a ticket of its own; a
            fault of many that begins now takes them in.
        standing: faults of many that are open.
        at: now, UTC.

    Returns:
        Every one of ``new`` exactly once; of ``loose`` those that a new fault takes in.
    """
    joined: list[Joined] = []
    gateways = {
        one.of: one for one in standing if one.by == "gateway" and at - one.last_at <= JOINS_WITHIN
    }
    rest = [one for one in new if one.gateway not in gateways]
    for gateway, one in gateways.items():
        theirs = tuple(gone.detector_id for gone in new if gone.gateway == gateway)
        if theirs:
            joined.append(
                Joined(ticket_id=one.ticket_id, by="gateway", of=gateway, detector_ids=theirs)
            )
    wide = [one for one in standing if one.by != "gateway" and at - one.last_at <= TOGETHER]
    if wide and rest:
        newest = max(wide, key=lambda one: one.last_at)
        ids = tuple(gone.detector_id for gone in rest)
        joined.append(
            Joined(ticket_id=newest.ticket_id, by=newest.by, of=newest.of, detector_ids=ids)
        )
        return Sorted(joined=tuple(joined), alone=())
    together = [*rest, *(gone for gone in loose if at - gone.found_at <= TOGETHER)]
    if rest and len(together) >= OUTAGE_FROM:
        by, of = shared(together)
        ids = tuple(gone.detector_id for gone in together)
        return Sorted(
            joined=(*joined, Joined(ticket_id=None, by=by, of=of, detector_ids=ids)), alone=()
        )
    alone: list[UUID] = []
    by_gateway: dict[str | None, list[Gone]] = {}
    for gone in together:
        by_gateway.setdefault(gone.gateway, []).append(gone)
    fresh = {gone.detector_id for gone in rest}
    for name, those in by_gateway.items():
        ids = tuple(gone.detector_id for gone in those)
        if name is not None and len(those) >= GATEWAY_FROM and fresh.intersection(ids):
            joined.append(Joined(ticket_id=None, by="gateway", of=name, detector_ids=ids))
        else:
            alone += [one for one in ids if one in fresh]
    return Sorted(joined=tuple(joined), alone=tuple(alone))


def shared(gone: Sequence[Gone]) -> tuple[By, str]:
    """What names an outage: the narrowest thing that most of its detectors share."""
    ways: tuple[tuple[By, Callable[[Gone], str | None]], ...] = (
        ("gateway", lambda one: one.gateway),
        ("street", lambda one: one.street or None),
        ("operator", lambda one: one.operator),
    )
    for by, of in ways:
        name, many = most(of(one) for one in gone)
        if name is not None and many >= MOST_OF * len(gone):
            return by, name
    return "area", ""


def most(names: Iterable[str | None]) -> tuple[str | None, int]:
    """The name that comes most often, and how often."""
    counted = Counter(names).most_common(1)
    return counted[0] if counted else (None, 0)
