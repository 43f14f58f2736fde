"""The technicians' fault list: what is open, where, since when, who has it, and what was done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.devices.gateways import gateway_of
from backend.shared.db import OPERATIONS, Row
from backend.shared.ids import uuid7

OPEN_AT_MOST = 400
DONE_AT_MOST = 100
NAMED_AT_MOST = 6
"""Gateways, operators, streets and detectors that a fault of many names."""


class Note(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a technician wrote on a fault."""

    at: datetime
    by_name: str
    text: str


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A gateway, operator or street of an outage: how many of its detectors are still silent."""

    name: str
    silent: int
    total: int


class Outage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A fault of many. ``area`` is south, west, north, east in degrees WGS-84, of who is silent."""

    by: str
    of: str
    total: int
    silent: int
    gateways: list[Part]
    operators: list[Part]
    streets: list[Part]
    sample: list[str]
    area: tuple[float, float, float, float] | None


class Fault(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One ticket. ``done_how``: what was done, or of one that closed by itself ``device-well``,
    ``heard-again``, ``left-service``, ``outage``, ``known-now``; ``event-only``: it was none."""

    id: UUID
    kind: str
    reason: str
    detector_id: UUID | None
    detector_kind: str | None
    label: str | None
    place: str | None
    address: str | None
    detail: dict[str, Any]
    opened_at: datetime
    last_at: datetime
    ended_at: datetime | None
    times: int
    taken_at: datetime | None
    taken_by_name: str | None
    done_at: datetime | None
    done_by_name: str | None
    done_how: str | None
    notes: list[Note]
    outage: Outage | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``silent``: detectors that say nothing now; ``open``: faults nobody has ended."""

    silent: int
    open: int
    untaken: int


LIST = """
SELECT t.id, t.kind, t.reason, t.detector_id, t.address, t.detail, t.opened_at, t.last_at,
    t.ended_at, t.times, t.taken_at, t.taken_by_name, t.done_at, t.done_by_name, t.done_how,
    d.kind AS detector_kind, d.label, b.street, b.number, coalesce(b.court, b.name) AS court,
    h.door
FROM ticket t LEFT JOIN detector d ON d.id = t.detector_id
LEFT JOIN household h ON h.id = d.household_id
LEFT JOIN building b ON b.id = coalesce(d.building_id, h.building_id)
"""


async def faults(*, done: bool) -> list[Fault]:
    """Open faults, those of many first and then the newest; or the latest that are done."""
    if done:
        rows = await OPERATIONS.fetch(
            f"{LIST} WHERE t.done_at IS NOT NULL AND t.done_how IS DISTINCT FROM 'outage'"
            " ORDER BY t.done_at DESC LIMIT $1",
            DONE_AT_MOST,
        )
    else:
        rows = await OPERATIONS.fetch(
            f"{LIST} WHERE t.done_at IS NULL"
            " ORDER BY t.kind NOT IN ('outage', 'gateway-storm'), t.opened_at DESC LIMIT $1",
            OPEN_AT_MOST,
        )
    notes = await _notes([row["id"] for row in rows])
    many = await _outages([row["id"] for row in rows if row["kind"] == "outage"])
    return [_fault(row, notes.get(row["id"], []), many.get(row["id"])) for row in rows]


async def counts() -> Counts:
    """For whoever watches the board: a blind street must be visible to them."""
    row = await OPERATIONS.fetch_one(
        "SELECT (SELECT count(*) FROM silence WHERE back_at IS NULL) AS silent,"
        " count(*) AS open, count(*) FILTER (WHERE taken_at IS NULL) AS untaken"
        " FROM ticket WHERE done_at IS NULL"
    )
    assert row is not None
    return Counts(**row)


async def take(ticket_id: UUID, *, by: UUID, name: str, at: datetime) -> bool:
    """It is theirs now, also where somebody else had it; False when it is not open."""
    return bool(
        await OPERATIONS.execute(
            "UPDATE ticket SET taken_at = $4, taken_by = $2, taken_by_name = $3"
            " WHERE id = $1 AND done_at IS NULL",
            ticket_id, by, name, at,
        )
    )  # fmt: skip


async def note(ticket_id: UUID, *, text: str, by: UUID, name: str, at: datetime) -> bool:
    """A note on a fault, also after its end; False when there is none."""
    return bool(
        await OPERATIONS.execute(
            "INSERT INTO ticket_note (id, ticket_id, at, by_account, by_name, text)"
            " SELECT $2, id, $3, $4, $5, $6 FROM ticket WHERE id = $1",
            ticket_id, uuid7(), at, by, name, text,
        )
    )  # fmt: skip


async def done(ticket_id: UUID, *, how: str, by: UUID, name: str, at: datetime) -> bool:
    """Somebody did what was to be done; False when it is not open."""
    return bool(
        await OPERATIONS.execute(
            "UPDATE ticket SET done_at = $5, done_by = $2, done_by_name = $3, done_how = $4"
            " WHERE id = $1 AND done_at IS NULL",
            ticket_id, by, name, how, at,
        )
    )  # fmt: skip


async def close_known(at: datetime) -> int:
    """A device that nobody knew is in the register now; how many tickets that ends."""
    return await OPERATIONS.execute(
        "UPDATE ticket t SET done_at = $1, done_how = 'known-now', detector_id = d.id"
        " FROM detector d WHERE t.kind = 'unknown-device' AND t.done_at IS NULL"
        " AND d.address = t.address AND d.state NOT IN ('planned', 'replaced', 'retired')",
        at,
    )


async def end_storms(at: datetime, quiet_s: float) -> int:
    """A gateway that raised nothing for so long: its storm is over, its fault is still open."""
    return await OPERATIONS.execute(
        "UPDATE ticket SET ended_at = last_at WHERE kind = 'gateway-storm' AND done_at IS NULL"
        " AND ended_at IS NULL AND last_at < $1::timestamptz - make_interval(secs => $2)",
        at,
        quiet_s,
    )


class Storm(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's storm that is still going on."""

    ticket_id: UUID
    gateway: str
    times: int


async def storms() -> list[Storm]:
    """Gateways that raise too many just now."""
    rows = await OPERATIONS.fetch(
        "SELECT id AS ticket_id, coalesce(address, '') AS gateway, times FROM ticket"
        " WHERE kind = 'gateway-storm' AND done_at IS NULL AND ended_at IS NULL"
    )
    return [Storm(**row) for row in rows]


async def _notes(ids: Sequence[UUID]) -> dict[UUID, list[Note]]:
    found: dict[UUID, list[Note]] = {}
    for row in await OPERATIONS.fetch(
        "SELECT ticket_id, at, by_name, text FROM ticket_note WHERE ticket_id = ANY($1)"
        " ORDER BY at, id",
        list(ids),
    ):
        said = Note(at=row["at"], by_name=row["by_name"], text=row["text"])
        found.setdefault(row["ticket_id"], []).append(said)
    return found


def _fault(row: Row, notes: list[Note], outage: Mapping[str, Any] | None) -> Fault:
    facts = dict(row)
    where = [facts.pop(part) for part in ("street", "number", "court", "door")]
    detail = msgspec.json.decode(facts.pop("detail"))
    many = None
    if outage is not None:
        many = Outage(by=detail["by"], of=detail["of"], **outage)
    return Fault(
        **facts,
        detail=detail,
        place=" ".join(part for part in where if part) or None,
        notes=notes,
        outage=many,
    )


async def _outages(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """What each fault of many consists of, from one reading of its detectors."""
    found: dict[UUID, dict[str, Any]] = {}
    for ticket_id in ids:
        rows = await OPERATIONS.fetch(
            "SELECT split_part(d.address, '/', 1) AS level, min(d.address) AS address,"
            " d.protocol, coalesce(b.street, '') AS street, count(*) AS total,"
            " count(*) FILTER (WHERE s.back_at IS NULL) AS silent,"
            " (array_agg(concat_ws(' ', b.street, b.number, h.door, d.label) ORDER BY b.street,"
            " b.number, h.door, d.label) FILTER (WHERE s.back_at IS NULL))[:$2] AS some,"
            " min(d.lat) FILTER (WHERE s.back_at IS NULL) AS south,"
            " min(d.lon) FILTER (WHERE s.back_at IS NULL) AS west,"
            " max(d.lat) FILTER (WHERE s.back_at IS NULL) AS north,"
            " max(d.lon) FILTER (WHERE s.back_at IS NULL) AS east"
            " FROM silence s JOIN detector d ON d.id = s.detector_id"
            " LEFT JOIN household h ON h.id = d.household_id"
            " LEFT JOIN building b ON b.id = coalesce(d.building_id, h.building_id)"
            " WHERE s.ticket_id = $1 GROUP BY 1, d.protocol, b.street,"
            " CASE WHEN d.protocol IN ('gb26875', 'sparkplug') THEN split_part(d.address, '/', 2)"
            " || CASE WHEN d.protocol = 'sparkplug' THEN split_part(d.address, '/', 3) ELSE ''"
            " END END",
            ticket_id,
            NAMED_AT_MOST,
        )
        found[ticket_id] = _parts(rows)
    return found


def _parts(rows: Sequence[Row]) -> dict[str, Any]:
    silent = [row for row in rows if row["silent"]]
    sample = sorted(label for row in silent for label in row["some"])
    return {
        "total": sum(row["total"] for row in rows),
        "silent": sum(row["silent"] for row in rows),
        "gateways": _by(rows, lambda row: gateway_of(row["address"])),
        "operators": _by(rows, lambda row: row["protocol"]),
        "streets": _by(rows, lambda row: row["street"] or None),
        "sample": sample[:NAMED_AT_MOST],
        "area": (
            min(row["south"] for row in silent),
            min(row["west"] for row in silent),
            max(row["north"] for row in silent),
            max(row["east"] for row in silent),
        )
        if silent
        else None,
    }


def _by(rows: Sequence[Row], of: Any) -> list[Part]:
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        name = of(row)
        if name is not None:
            silent, total = found.get(name, (0, 0))
            found[name] = silent + row["silent"], total + row["total"]
    parts = [Part(name=name, silent=many[0], total=many[1]) for name, many in found.items()]
    return sorted(parts, key=lambda part: (-part.silent, -part.total, part.name))[:NAMED_AT_MOST]
