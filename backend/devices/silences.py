"""Spells of silence in the register: whom to watch, who is silent, who is back; all set-based.

Ten thousand at once are a handful of statements here, and one ticket (``outage``).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from backend.devices.gateways import gateway_of
from backend.devices.outage import TOGETHER, Gone, Joined, Outage, sort
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7

NOT_IN_SERVICE = ("planned", "replaced", "retired")
CHANGES_AT_ONCE = 20_000
PAUSES_PAST = timedelta(days=2)
"""A pause that ended longer ago than this moves nobody's time any more."""
ACTIVE_AGAIN = "UPDATE detector SET state = 'active' WHERE id = ANY($1) AND state = 'faulty'"


class ToWatch(msgspec.Struct, frozen=True, kw_only=True):
    """A detector whose watch changed; ``in_service`` false: watch it no longer."""

    detector_id: UUID
    protocol: str
    interval_s: int | None
    in_service: bool


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A detector found silent. ``why``: ``silent`` or ``away``; ``heard_at`` None: never heard."""

    detector_id: UUID
    why: str
    interval_s: int | None
    heard_at: datetime | None


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A detector heard again at ``at``, after ``away_s`` seconds; None: it never was heard."""

    detector_id: UUID
    at: datetime
    away_s: float | None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A new fault of many: what people are told of it."""

    ticket_id: UUID
    by: str
    of: str
    count: int


class Excused(msgspec.Struct, frozen=True, kw_only=True):
    """Silent for a reason: gone from service, or paused until (or lately paused until) then."""

    gone: tuple[UUID, ...]
    paused: dict[UUID, datetime]


@asynccontextmanager
async def changes() -> AsyncIterator[list[ToWatch]]:
    """Detectors whose watch has to change; they count as told when the block ends well."""
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "SELECT c.detector_id, coalesce(d.protocol, '') AS protocol,"
            " CASE WHEN NOT d.event_only THEN d.report_interval_s END AS interval_s,"
            " d.id IS NOT NULL AND d.state <> ALL($2::text[]) AS in_service"
            " FROM watch_change c LEFT JOIN detector d ON d.id = c.detector_id"
            " LIMIT $1 FOR UPDATE OF c SKIP LOCKED",
            CHANGES_AT_ONCE,
            list(NOT_IN_SERVICE),
        )
        yield [ToWatch(**row) for row in rows]
        if rows:
            await OPERATIONS.execute(
                "DELETE FROM watch_change WHERE detector_id = ANY($1)",
                [row["detector_id"] for row in rows],
            )


async def excused(detector_ids: Sequence[UUID], at: datetime) -> Excused:
    """Which of these need not speak now."""
    rows = await OPERATIONS.fetch(
        "SELECT d.id, d.state = ANY($2::text[]) AS gone, (SELECT max(coalesce(p.ended_at,"
        " p.ends_at)) FROM pause p WHERE p.begins_at <= $3::timestamptz AND p.ends_at > $4"
        " AND (p.detector_id = d.id OR p.building_id = coalesce(d.building_id, h.building_id)"
        " OR p.model_id = d.model_id OR starts_with(d.address, p.gateway || '/'))) AS until"
        " FROM detector d LEFT JOIN household h ON h.id = d.household_id WHERE d.id = ANY($1)",
        list(detector_ids),
        list(NOT_IN_SERVICE),
        at,
        at - PAUSES_PAST,
    )
    known = {row["id"] for row in rows}
    gone = [row["id"] for row in rows if row["gone"]]
    gone += [one for one in detector_ids if one not in known]
    paused = {row["id"]: row["until"] for row in rows if row["until"] and not row["gone"]}
    return Excused(gone=tuple(gone), paused=paused)


async def silent(found: Sequence[Gap], at: datetime) -> list[Opened]:
    """Write down who is silent, grouped. Again with the same changes nothing.

    Returns:
        The faults of many that began with this.
    """
    async with OPERATIONS.transaction():
        held = await OPERATIONS.fetch(
            "SELECT detector_id FROM silence WHERE detector_id = ANY($1) AND back_at IS NULL",
            [one.detector_id for one in found],
        )
        known = {row["detector_id"] for row in held}
        gaps = {one.detector_id: one for one in found if one.detector_id not in known}
        if not gaps:
            return []
        new = await _gone(list(gaps), at)
        placed = sort(list(new.values()), await _loose(at), await _outages(), at)
        opened: list[Opened] = []
        tickets: dict[UUID, UUID] = {}
        for one in placed.joined:
            ticket_id = one.ticket_id or await _open_outage(one, at)
            if one.ticket_id is None:
                opened.append(
                    Opened(ticket_id=ticket_id, by=one.by, of=one.of, count=len(one.detector_ids))
                )
            tickets.update(dict.fromkeys(one.detector_ids, ticket_id))
        await _take_in({of: to for of, to in tickets.items() if of not in gaps}, at)
        await _touch(set(tickets.values()), at)
        tickets.update(await _open_alone([gaps[of] for of in placed.alone], at))
        await _record([(gaps[of], tickets[of]) for of in gaps if of in tickets], at)
        return opened


async def _gone(ids: list[UUID], at: datetime) -> dict[UUID, Gone]:
    rows = await OPERATIONS.fetch(
        "SELECT d.id, d.address, d.protocol, coalesce(b.street, '') AS street FROM detector d"
        " LEFT JOIN household h ON h.id = d.household_id"
        " LEFT JOIN building b ON b.id = coalesce(d.building_id, h.building_id)"
        " WHERE d.id = ANY($1)",
        ids,
    )
    return {row["id"]: _as_gone(row, at) for row in rows}


def _as_gone(row: object, at: datetime) -> Gone:
    facts: dict[str, str] = dict(row)  # type: ignore[call-overload]
    return Gone(
        detector_id=facts["id"],  # type: ignore[arg-type]
        gateway=gateway_of(facts["address"]),
        operator=facts["protocol"],
        street=facts["street"],
        found_at=at,
    )


async def _loose(at: datetime) -> list[Gone]:
    """Those with a ticket of their own that a fault of many may still take in."""
    rows = await OPERATIONS.fetch(
        "SELECT d.id, d.address, d.protocol, coalesce(b.street, '') AS street, s.found_at"
        " FROM silence s JOIN ticket t ON t.id = s.ticket_id AND t.kind = 'offline'"
        " AND t.done_at IS NULL AND t.taken_at IS NULL JOIN detector d ON d.id = s.detector_id"
        " LEFT JOIN household h ON h.id = d.household_id"
        " LEFT JOIN building b ON b.id = coalesce(d.building_id, h.building_id)"
        " WHERE s.back_at IS NULL AND s.found_at > $1",
        at - TOGETHER,
    )
    return [_as_gone(row, row["found_at"]) for row in rows]


async def _outages() -> list[Outage]:
    rows = await OPERATIONS.fetch(
        "SELECT id, detail ->> 'by' AS by, detail ->> 'of' AS of, last_at FROM ticket"
        " WHERE kind = 'outage' AND done_at IS NULL"
    )
    return [
        Outage(ticket_id=row["id"], by=row["by"], of=row["of"], last_at=row["last_at"])
        for row in rows
    ]


async def _open_outage(one: Joined, at: datetime) -> UUID:
    ticket_id: UUID = await OPERATIONS.fetch_value(
        "INSERT INTO ticket (id, kind, address, reason, detail, opened_at, opened_on, last_at)"
        " VALUES ($1, 'outage', $2, $3, $4, $5, $6, $5) RETURNING id",
        uuid7(),
        f"{one.by}:{one.of} {at.isoformat()}",
        one.by,
        {"by": one.by, "of": one.of},
        at,
        at.date(),
    )
    return ticket_id


async def _take_in(moved: dict[UUID, UUID], at: datetime) -> None:
    """Tickets of single detectors go into the fault of many that they turned out to be part of."""
    if not moved:
        return
    await OPERATIONS.execute(
        "UPDATE ticket t SET done_at = $2, done_how = 'outage' FROM silence s"
        " WHERE s.detector_id = ANY($1) AND s.back_at IS NULL AND t.id = s.ticket_id",
        list(moved),
        at,
    )
    await OPERATIONS.execute(
        "UPDATE silence s SET ticket_id = n.ticket_id FROM unnest($1::uuid[], $2::uuid[])"
        " AS n (id, ticket_id) WHERE s.detector_id = n.id AND s.back_at IS NULL",
        list(moved),
        list(moved.values()),
    )


async def _touch(ticket_ids: set[UUID], at: datetime) -> None:
    if ticket_ids:
        await OPERATIONS.execute(
            "UPDATE ticket SET last_at = $2 WHERE id = ANY($1)", list(ticket_ids), at
        )


async def _open_alone(gaps: list[Gap], at: datetime) -> dict[UUID, UUID]:
    """A ticket for each; one that is open for the same detector goes on."""
    if not gaps:
        return {}
    rows = await OPERATIONS.fetch(
        "INSERT INTO ticket (id, kind, detector_id, address, reason, detail, opened_at, opened_on,"
        " last_at) SELECT n.ticket_id, 'offline', d.id, d.address, n.why,"
        " jsonb_build_object('heardAt', n.heard_at, 'intervalS', n.interval_s), $6::timestamptz,"
        " $7::date, $6 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[],"
        " $5::int[]) AS n (ticket_id, id, why, heard_at, interval_s) JOIN detector d ON d.id = n.id"
        " ON CONFLICT (kind, coalesce(address, '')) WHERE done_at IS NULL"
        " DO UPDATE SET times = ticket.times + 1, last_at = excluded.last_at"
        " RETURNING id, detector_id",
        [uuid5(one.detector_id, f"silent {at.isoformat()}") for one in gaps],
        [one.detector_id for one in gaps],
        [one.why for one in gaps],
        [one.heard_at for one in gaps],
        [one.interval_s for one in gaps],
        at,
        at.date(),
    )
    return {row["detector_id"]: row["id"] for row in rows}


async def _record(silent_now: list[tuple[Gap, UUID]], at: datetime) -> None:
    """The spells begin; who was in service without a fault is faulty in the register."""
    ids = [gap.detector_id for gap, _ in silent_now]
    made = await OPERATIONS.fetch(
        "UPDATE detector SET state = 'faulty' WHERE id = ANY($1) AND state = 'active' RETURNING id",
        ids,
    )
    faulty = {row["id"] for row in made}
    await OPERATIONS.copy(
        "silence",
        ("detector_id", "ticket_id", "why", "heard_at", "found_at", "made_faulty"),
        [
            (gap.detector_id, ticket, gap.why, gap.heard_at, at, gap.detector_id in faulty)
            for gap, ticket in silent_now
        ],
    )


async def back(again: Sequence[Again]) -> None:
    """They are heard again: the register and their tickets say so by themselves."""
    if not again:
        return
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "UPDATE silence s SET back_at = n.at, away_s = n.away_s FROM unnest($1::uuid[],"
            " $2::timestamptz[], $3::float8[]) AS n (id, at, away_s)"
            " WHERE s.detector_id = n.id AND s.back_at IS NULL"
            " RETURNING s.detector_id, s.ticket_id, s.made_faulty",
            [one.detector_id for one in again],
            [one.at for one in again],
            [one.away_s for one in again],
        )
        await OPERATIONS.execute(
            ACTIVE_AGAIN, [row["detector_id"] for row in rows if row["made_faulty"]]
        )
        await _close_over({row["ticket_id"] for row in rows}, "heard-again")


async def event_only(ticket_id: UUID, *, by: UUID, name: str, at: datetime) -> UUID | None:
    """The detector of an open ticket speaks only when something happens: it was never silent.

    Returns:
        The detector; None when there is no such ticket of one silent detector.
    """
    async with OPERATIONS.transaction():
        of: UUID | None = await OPERATIONS.fetch_value(
            "UPDATE ticket SET done_at = $4, done_by = $2, done_by_name = $3,"
            " done_how = 'event-only' WHERE id = $1 AND kind = 'offline' AND done_at IS NULL"
            " AND detector_id IS NOT NULL RETURNING detector_id",
            ticket_id, by, name, at,
        )  # fmt: skip
        if of is None:
            return None
        await OPERATIONS.execute("UPDATE detector SET event_only = true WHERE id = $1", of)
        await back([Again(detector_id=of, at=at, away_s=None)])
    return of


async def left_service(detector_ids: Sequence[UUID], at: datetime) -> None:
    """Retired or replaced while silent: the spell is over, whatever becomes of the device."""
    if not detector_ids:
        return
    async with OPERATIONS.transaction():
        rows = await OPERATIONS.fetch(
            "UPDATE silence SET back_at = $2 WHERE detector_id = ANY($1) AND back_at IS NULL"
            " RETURNING ticket_id",
            list(detector_ids),
            at,
        )
        await _close_over({row["ticket_id"] for row in rows}, "left-service")


async def _close_over(ticket_ids: set[UUID], how: str) -> None:
    """Tickets none of whose detectors is silent any more, at the moment of the last one."""
    if ticket_ids:
        await OPERATIONS.execute(
            "UPDATE ticket t SET done_at = s.back_at, done_how = $2, detail = t.detail ||"
            " jsonb_build_object('backAt', s.back_at, 'awayS', s.away_s) FROM ("
            " SELECT DISTINCT ON (ticket_id) ticket_id, back_at, away_s FROM silence"
            " WHERE ticket_id = ANY($1) ORDER BY ticket_id, back_at DESC) s"
            " WHERE t.id = s.ticket_id AND t.done_at IS NULL AND NOT EXISTS ("
            " SELECT FROM silence o WHERE o.ticket_id = t.id AND o.back_at IS NULL)",
            list(ticket_ids),
            how,
        )
