"""Questions about the register, the base map, and the opening of technicians' tickets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.devices.register import Register as Register  # sensing asks both here
from backend.devices.schemas import DetectorView, Home, Muted, Place
from backend.devices.tickets import close_ticket as close_ticket  # so are these
from backend.devices.tickets import open_ticket as open_ticket
from backend.devices.tickets import tickets as tickets
from backend.shared.db import OPERATIONS, Row
from backend.shared.ids import uuid7
from backend.shared.problems import NotFound
from geo.point import Point, metres

DETECTOR_COLUMNS = (
    "d.id, d.address, d.protocol, d.kind, d.model, d.label, d.household_id, d.building_id,"
    " d.lat, d.lon, d.report_interval_s, d.state"
)

PLACE_SQL = """
SELECT d.id AS detector_id, d.kind, d.label, coalesce(b.street, '') AS street,
    coalesce(b.number, '') AS number, b.court, h.floor, h.room, h.entrance_note, b.lane_width_m,
    b.engine_stop, b.storeys, d.unit_name AS unit, d.unit_phone, d.lat, d.lon,
    h.id AS household_id, b.id AS building_id,
    b.community_office_id, h.door, b.name AS building_name
FROM detector d
LEFT JOIN household h ON h.id = d.household_id
LEFT JOIN building b ON b.id = coalesce(d.building_id, h.building_id)
WHERE d.id = ANY($1)
"""


async def places_of(detector_ids: Sequence[UUID]) -> dict[UUID, Place]:
    """Where these detectors are; unknown ids are missing."""
    rows = await OPERATIONS.fetch(PLACE_SQL, list(detector_ids))
    return {row["detector_id"]: _place(row) for row in rows}


async def place_of(detector_id: UUID) -> Place:
    """Where one detector is.

    Raises:
        NotFound: no such detector.
    """
    found = await places_of([detector_id])
    if detector_id not in found:
        raise NotFound(f"没有这个探测器 no detector {detector_id}")
    return found[detector_id]


def spoken(street: str, number: str, court: str, door: str) -> str:
    """An address as a person says it: nothing twice, though a court's name often holds both.

    >>> spoken("栀子弄", "14", "栀子弄 14 号", "2 楼")
    '栀子弄 14 号 2 楼'
    >>> spoken("织锦街", "11", "11 号院 3 进", "正房")
    '织锦街 11 号院 3 进 正房'
    """
    numbered = f"{number} 号" if number.isdigit() else number
    if court and street and court.startswith(street):
        parts = [court, door]
    elif court and number and court.startswith(number):
        parts = [street, court, door]
    else:
        parts = [street, numbered, court, door]
    return " ".join(part for part in parts if part)


def _place(row: Row) -> Place:
    facts = dict(row)
    door, name = facts.pop("door"), facts.pop("building_name")
    address = spoken(facts["street"], facts["number"], facts["court"] or name or "", door or "")
    address = address or facts["label"]
    return Place(address=address, **facts)


async def buildings_near(
    at: Point, besides: UUID | None, *, within_m: float, at_most: int
) -> tuple[str, ...]:
    """Buildings around a point as people call them, nearest first, each name once."""
    degrees = within_m / 80_000.0  # no shorter than the metres in east and north below 44°
    rows = await OPERATIONS.fetch(
        "SELECT street, number, coalesce(court, name) AS court, lat, lon FROM building"
        " WHERE abs(lat - $1::float8) <= $3::float8 AND abs(lon - $2::float8) <= $3::float8"
        " AND id IS DISTINCT FROM $4",
        at.lat,
        at.lon,
        degrees,
        besides,
    )
    near = sorted(
        (away, spoken(row["street"], row["number"], row["court"] or "", ""))
        for row in rows
        if (away := metres(at, Point(row["lat"], row["lon"]))) <= within_m
    )
    return tuple(dict.fromkeys(name for _, name in near if name))[:at_most]


async def some_of_each_kind(at_most: int) -> list[UUID]:
    """Detectors of every kind, as evenly as there are, in a stable order."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM (SELECT id, kind, row_number() OVER (PARTITION BY kind ORDER BY id) AS n"
        " FROM detector) d ORDER BY n, kind LIMIT $1",
        at_most,
    )
    return [row["id"] for row in rows]


async def household_label(household_id: UUID) -> str:
    """A home as its people say it: street, number, court, door.

    Raises:
        NotFound: no such household.
    """
    row = await OPERATIONS.fetch_one(
        "SELECT b.street, b.number, coalesce(b.court, b.name) AS court, h.door FROM household h"
        " JOIN building b ON b.id = h.building_id WHERE h.id = $1",
        household_id,
    )
    if row is None:
        raise NotFound(f"没有这一户 no household {household_id}")
    return spoken(*(part or "" for part in row.values()))


async def homes_in(
    building_id: UUID | None, box: tuple[float, float, float, float] | None
) -> list[Home]:
    """The homes of a building, and every other within a box, by label.

    Args:
        box: south, west, north, east in degrees WGS-84; None for the building alone.
    """
    south, west, north, east = box or (1.0, 1.0, 0.0, 0.0)
    rows = await OPERATIONS.fetch(
        "SELECT h.id, h.building_id, h.floor, h.lat, h.lon, b.street, b.number,"
        " coalesce(b.court, b.name, '') AS court, h.door FROM household h"
        " JOIN building b ON b.id = h.building_id WHERE b.id = $1"
        " OR (h.lat BETWEEN $2 AND $4 AND h.lon BETWEEN $3 AND $5)"
        " ORDER BY b.street, b.number, h.door, h.id",
        building_id, south, west, north, east,
    )  # fmt: skip
    return [_home(row) for row in rows]


async def is_home_of(household_id: UUID, building_ids: Sequence[UUID]) -> bool:
    """Whether this home is in one of these buildings."""
    return bool(
        await OPERATIONS.fetch_value(
            "SELECT true FROM household WHERE id = $1 AND building_id = ANY($2::uuid[])",
            household_id,
            list(building_ids),
        )
    )


def _home(row: Row) -> Home:
    facts = dict(row)
    door = facts["door"] or ""
    street, number, court = (facts.pop(part) or "" for part in ("street", "number", "court"))
    return Home(label=spoken(street, number, court, door), **{**facts, "door": door})


async def homes_of(building_ids: Sequence[UUID], words: str, *, at_most: int = 50) -> list[Home]:
    """Homes of these buildings whose spoken address has all of ``words``, by label."""
    rows = await OPERATIONS.fetch(
        "SELECT h.id, h.building_id, h.floor, h.lat, h.lon, b.street, b.number,"
        " coalesce(b.court, b.name, '') AS court, h.door FROM household h"
        " JOIN building b ON b.id = h.building_id WHERE b.id = ANY($1::uuid[])"
        " AND NOT EXISTS (SELECT FROM unnest($2::text[]) w WHERE position(w IN"
        " concat_ws(' ', b.street, b.number, b.court, b.name, h.door)) = 0)"
        " ORDER BY b.street, b.number, h.door, h.id LIMIT $3",
        list(building_ids),
        words.split(),
        at_most,
    )
    return [_home(row) for row in rows]


async def detectors_of(ids: Sequence[UUID]) -> list[DetectorView]:
    """These detectors, in no order; unknown ids are missing."""
    rows = await OPERATIONS.fetch(
        f"SELECT {DETECTOR_COLUMNS} FROM detector d WHERE d.id = ANY($1)",  # noqa: S608
        list(ids),
    )
    return [DetectorView(**row) for row in rows]


async def detectors_of_home(household_id: UUID | None) -> tuple[UUID, ...]:
    """The detectors that serve a household; none outside homes."""
    if household_id is None:
        return ()
    rows = await OPERATIONS.fetch("SELECT id FROM detector WHERE household_id = $1", household_id)
    return tuple(row["id"] for row in rows)


async def detectors_near(building_id: UUID) -> list[DetectorView]:
    """Every detector of a building or court, its households' included, by label."""
    rows = await OPERATIONS.fetch(
        f"SELECT {DETECTOR_COLUMNS} FROM detector d"  # noqa: S608
        " LEFT JOIN household h ON h.id = d.household_id"
        " WHERE coalesce(d.building_id, h.building_id) = $1 ORDER BY d.label, d.id",
        building_id,
    )
    return [DetectorView(**row) for row in rows]


async def addresses_of(detector_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The address of each of these detectors."""
    rows = await OPERATIONS.fetch(
        "SELECT id, address FROM detector WHERE id = ANY($1)", list(detector_ids)
    )
    return {row["id"]: row["address"] for row in rows}


async def record_mute(
    detector_id: UUID, *, until: datetime, reason: str, by: UUID, name: str, at: datetime
) -> UUID:
    """Write down who muted a detector; ``until`` at or before ``at`` says that a mute is lifted."""
    mute_id = uuid7()
    await OPERATIONS.execute(
        "INSERT INTO mute (id, detector_id, until, reason, by_account, by_name, muted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        mute_id,
        detector_id,
        until,
        reason,
        by,
        name,
        at,
    )
    return mute_id


async def muted(at: datetime) -> list[Muted]:
    """Detectors that are muted now, the first to end first."""
    rows = await OPERATIONS.fetch(
        "SELECT m.detector_id, d.label, d.kind, m.until, m.reason, m.by_name, m.muted_at"
        " FROM (SELECT DISTINCT ON (detector_id) * FROM mute WHERE muted_at > $1::timestamptz"
        " - interval '2 days' ORDER BY detector_id, muted_at DESC, id DESC) m"
        " JOIN detector d ON d.id = m.detector_id WHERE m.until > $1 ORDER BY m.until",
        at,
    )
    return [Muted(**row) for row in rows]


async def map_etag() -> str:
    """The entity tag of the base map; the empty map has one too."""
    found: str | None = await OPERATIONS.fetch_value(
        "SELECT string_agg(etag, '-' ORDER BY name) FROM area"
    )
    return f'"{found or "empty"}"'


async def map_area() -> bytes:
    """The base map of all areas as one GeoJSON FeatureCollection, WGS-84, lon then lat."""
    rows = await OPERATIONS.fetch("SELECT geojson FROM area ORDER BY name")
    if len(rows) == 1:
        text: str = rows[0]["geojson"]
        return text.encode()
    features = [
        feature for row in rows for feature in msgspec.json.decode(row["geojson"])["features"]
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})
