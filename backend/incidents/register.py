"""The yearly register read from the journals: every incident of a year, drills with them."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from backend.incidents.flow import events as e
from backend.incidents.flow.vocabulary import State
from backend.incidents.yearly import AREA, COUNTED, Recorded, moved_by, recorded
from backend.shared.db import OPERATIONS, Row

_decoder = msgspec.json.Decoder(e.Event)
_TYPES = [e.type_name(fact) for fact in COUNTED]


async def register(year: int, *, handling: str) -> list[Recorded]:
    """Incidents emitted in the year, and older ones that a detector joined in it, by number.

    Args:
        year: calendar year of the service area.
        handling: what counts as no drill: ``actual``; in a demonstration ``exercise``.
    """
    begins = datetime(year, 1, 1, tzinfo=AREA)
    ends = datetime(year + 1, 1, 1, tzinfo=AREA)
    incidents = await OPERATIONS.fetch(
        "SELECT i.id, i.state, i.board ->> 'handling' <> $3 OR EXISTS (SELECT FROM drill d"
        " WHERE d.incident_id = i.id) AS drill FROM incident i WHERE i.emitted_at >= $1 AND"
        " i.emitted_at < $2 OR EXISTS (SELECT FROM event e WHERE e.incident_id = i.id"
        " AND e.type = 'EpisodeAdded' AND e.received_at >= $1 AND i.emitted_at < $1) ORDER BY i.no",
        begins,
        ends,
        handling,
    )
    rows = await OPERATIONS.fetch(
        "SELECT incident_id, body FROM event WHERE incident_id = ANY($1::uuid[])"
        " AND type = ANY($2::text[]) ORDER BY incident_id, version",
        [row["id"] for row in incidents],
        _TYPES,
    )
    splits = await OPERATIONS.fetch(
        "SELECT body FROM event WHERE type = 'SplitOff' AND received_at >= $1", begins
    )
    # a year is too much to decode between two alarms
    return await asyncio.to_thread(_lines, incidents, rows, splits)


def _lines(incidents: Sequence[Row], rows: Sequence[Row], splits: Sequence[Row]) -> list[Recorded]:
    journals: dict[UUID, list[e.Event]] = {}
    for row in rows:
        journals.setdefault(row["incident_id"], []).append(_decoder.decode(row["body"]))
    moved = moved_by(_decoder.decode(row["body"]) for row in splits)
    found = []
    for row in incidents:
        line = recorded(row["id"], State(row["state"]), journals.get(row["id"], []), moved=moved)
        if line is not None:
            found.append(msgspec.structs.replace(line, drill=True) if row["drill"] else line)
    return found


async def issued(year: int) -> dict[date, int]:
    """The last number given out, for each day of the year that has one."""
    rows = await OPERATIONS.fetch(
        "SELECT day, last FROM incident_number WHERE day >= $1 AND day <= $2",
        date(year, 1, 1),
        date(year, 12, 31),
    )
    return {row["day"]: row["last"] for row in rows}


async def years() -> list[int]:
    """The calendar years that have a record, newest first."""
    rows = await OPERATIONS.fetch(
        "SELECT DISTINCT extract(year FROM emitted_at AT TIME ZONE 'Asia/Shanghai')::int AS year"
        " FROM incident ORDER BY year DESC"
    )
    return [row["year"] for row in rows]


async def counted_events(year: int) -> int:
    """How many events the year's incidents have; grows with everything that can change a figure."""
    found: int = await OPERATIONS.fetch_value(
        "SELECT count(*) FROM event WHERE received_at >= $1",
        datetime(year, 1, 1, tzinfo=AREA),
    )
    return found
