"""Why this person? Each search for somebody, with everybody looked at, from the journal alone.

Pure: events in, searches out; so the answer is the same years later as on the day.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from backend.incidents.flow import events as e
from backend.incidents.flow.vocabulary import Candidate, Role


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of the parts."""


class Asked(Part, frozen=True, kw_only=True, rename="camel"):
    """One offer: what was known when it was made, and what came of it.

    ``outcome`` is open, accepted, declined, expired or released; ``reason`` belongs to it.
    ``desk_chose``: the desk named this person. ``candidates`` are in the order of asking, the
    chosen one first and those who could not be asked last.
    """

    offer_id: UUID
    staff_id: UUID
    name: str
    badge: str
    at: datetime
    expires_at: datetime
    helper: bool
    desk_chose: bool
    metres: float | None
    minutes: float | None
    basis: str
    outcome: str = "open"
    reason: str | None = None
    answered_at: datetime | None = None
    candidates: tuple[Candidate, ...] = ()


class Nobody(Part, frozen=True, kw_only=True, rename="camel"):
    """Everybody was looked at and nobody could be asked."""

    at: datetime
    candidates: tuple[Candidate, ...]


class Joined(Part, frozen=True, kw_only=True, rename="camel"):
    """Somebody was at the door and took it on without being asked."""

    at: datetime
    staff_id: UUID
    name: str
    metres: float | None
    lead: bool


class Search(Part, frozen=True, kw_only=True, rename="camel"):
    """A call for people and what it led to.

    ``round`` is None for a helper. ``reason`` is a code of the platform or the desk's own words;
    ``by`` the person who called for people, empty where the platform did by itself.
    """

    round: int | None
    reason: str
    by: str
    at: datetime
    preferred: UUID | None = None
    asked: tuple[Asked, ...] = ()
    nobody: tuple[Nobody, ...] = ()
    joined: tuple[Joined, ...] = ()


put = msgspec.structs.replace
OUTCOMES: dict[type[e.Fact], str] = {
    e.OfferDeclined: "declined",
    e.OfferExpired: "expired",
    e.OfferReleased: "released",
}


def searches_of(journal: Iterable[e.Event]) -> tuple[Search, ...]:
    """Every search of an incident, oldest first."""
    found: list[Search] = []
    for event in journal:
        _take(found, event)
    return tuple(found)


def _take(found: list[Search], event: e.Event) -> None:
    fact, at = event.fact, event.received_at
    match fact:
        case e.DispatchRequested():
            found.append(
                Search(round=fact.round, reason=fact.reason, by=_by(event), at=at,
                       preferred=fact.preferred)
            )  # fmt: skip
        case e.HelperWanted():
            found.append(Search(round=None, reason=fact.reason, by=_by(event), at=at))
        case e.Offered() if found:
            now = found[-1]
            asked = Asked(
                offer_id=fact.offer_id,
                staff_id=fact.staff_id,
                name=fact.staff_name,
                badge=fact.badge,
                at=at,
                expires_at=fact.expires_at,
                helper=fact.helper,
                desk_chose=now.preferred == fact.staff_id and bool(now.by),
                metres=fact.metres,
                minutes=fact.minutes,
                basis=fact.basis,
                candidates=fact.candidates,
            )
            found[-1] = put(now, asked=(*now.asked, asked))
        case e.OfferDeclined() | e.OfferExpired() | e.OfferReleased():
            reason = getattr(fact, "reason", None)
            _settle(found, fact.offer_id, OUTCOMES[type(fact)], at, reason)
        case e.Accepted(offer_id=UUID()):
            _settle(found, fact.offer_id, "accepted", at, None)
        case e.Accepted() if found:
            joined = Joined(at=at, staff_id=fact.staff_id, name=fact.staff_name,
                            metres=fact.metres, lead=fact.lead)  # fmt: skip
            found[-1] = put(found[-1], joined=(*found[-1].joined, joined))
        case e.NobodyLeftToAsk() if found:
            nobody = Nobody(at=at, candidates=fact.candidates)
            found[-1] = put(found[-1], nobody=(*found[-1].nobody, nobody))
        case _:
            pass


def _by(event: e.Event) -> str:
    return "" if event.actor.role is Role.SYSTEM else event.actor.name or event.actor.id


def _settle(
    found: list[Search], offer_id: UUID | None, outcome: str, at: datetime, reason: str | None
) -> None:
    """What came of an offer stands in the search that made it, even if another began since."""
    for n, search in enumerate(found):
        if any(one.offer_id == offer_id for one in search.asked):
            asked = tuple(
                put(one, outcome=outcome, answered_at=at, reason=reason)
                if one.offer_id == offer_id
                else one
                for one in search.asked
            )
            found[n] = put(search, asked=asked)
