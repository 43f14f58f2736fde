"""Offices by building, and each office's inbox of reports."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.offices.flow import shown
from backend.offices.schemas import (
    Inbox,
    Office,
    OfficeName,
    ReportRow,
    ReportView,
    Situation,
)
from backend.shared.db import OPERATIONS, Row
from backend.shared.problems import NotFound

ORDER = ("community", "street", "fire", "emergency", "housing")
INBOX_ROWS = 200
"""How many reports an inbox shows at once; older ones are in the archive."""

_OFFICE = "o.id, o.name, o.kind, o.phone, o.area, o.exercise"
_REPORT = (
    "SELECT r.id, r.incident_id, r.office_id, r.situation, r.status, r.version, r.sent_at,"
    " r.delivered_at, r.acknowledged_at, r.reply, r.cursor, o.name, o.kind"
    " FROM report r JOIN office o ON o.id = r.office_id"
)


async def register(
    office: Office, *, buildings: Iterable[UUID], actor: UUID | str, role: str, at: datetime
) -> None:
    """Write an office down and the buildings it answers for; replaces both."""
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "INSERT INTO office (id, name, kind, phone, area, exercise)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET"
            " name = $2, kind = $3, phone = $4, area = $5, exercise = $6",
            office.id,
            office.name,
            office.kind,
            office.phone,
            office.area,
            office.exercise,
        )
        await OPERATIONS.execute("DELETE FROM office_area WHERE office_id = $1", office.id)
        await OPERATIONS.execute(
            "INSERT INTO office_area (building_id, office_id)"
            " SELECT DISTINCT building_id, $2::uuid FROM unnest($1::uuid[]) AS b (building_id)",
            list(buildings),
            office.id,
        )
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="offices.registered",
            subject=office.id,
            after={"kind": office.kind, "area": office.area},
            at=at,
        )


async def buildings_of(office_id: UUID) -> list[UUID]:
    """The buildings that an office answers for."""
    rows = await OPERATIONS.fetch(
        "SELECT building_id FROM office_area WHERE office_id = $1", office_id
    )
    return [row["building_id"] for row in rows]


async def offices_for(building_id: UUID) -> list[Office]:
    """Who must hear of an incident in a building: in the order of ``ORDER``."""
    rows = await OPERATIONS.fetch(
        f"SELECT {_OFFICE} FROM office o JOIN office_area a ON a.office_id = o.id"  # noqa: S608
        " WHERE a.building_id = $1"
        " ORDER BY array_position($2::text[], o.kind::text), o.name",
        building_id,
        list(ORDER),
    )
    return [Office(**dict(row)) for row in rows]


async def communities() -> dict[UUID, str]:
    """The community that each building belongs to, by name."""
    rows = await OPERATIONS.fetch(
        "SELECT DISTINCT ON (a.building_id) a.building_id, o.name FROM office o"
        " JOIN office_area a ON a.office_id = o.id WHERE o.kind = 'community'"
        " ORDER BY a.building_id, o.name"
    )
    return {row["building_id"]: row["name"] for row in rows}


async def offices(ids: Sequence[UUID]) -> dict[UUID, Office]:
    """Offices by id, for those who exist."""
    rows = await OPERATIONS.fetch(
        f"SELECT {_OFFICE} FROM office o WHERE o.id = ANY($1::uuid[])",  # noqa: S608
        list(ids),
    )
    return {row["id"]: Office(**dict(row)) for row in rows}


async def save_report(report: ReportRow) -> bool:
    """Put a report into its office's inbox, or renew it there; joins the caller's transaction.

    A projection of the incident's journal: the same or an older ``version`` changes nothing, so
    that events may be played again. No audit row of its own: the journal event is the record.

    Returns:
        False when the inbox had this version, or a newer one.
    """
    saved = await OPERATIONS.fetch(
        "INSERT INTO report AS kept (id, incident_id, office_id, situation, status, version,"
        " sent_at, delivered_at, acknowledged_at, reply, cursor)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, nextval('report_cursor'))"
        " ON CONFLICT (id) DO UPDATE SET situation = $4, status = $5, version = $6, sent_at = $7,"
        " delivered_at = $8, acknowledged_at = $9, reply = $10, cursor = nextval('report_cursor')"
        " WHERE kept.version < $6 RETURNING cursor",
        report.id,
        report.incident_id,
        report.office_id,
        report.situation,
        report.status,
        report.version,
        report.sent_at,
        report.delivered_at,
        report.acknowledged_at,
        report.reply,
    )
    return bool(saved)


async def inbox(office_id: UUID) -> Inbox:
    """An office's reports, newest first, and the cursor of the latest change."""
    rows = await OPERATIONS.fetch(
        f"{_REPORT} WHERE r.office_id = $1 ORDER BY r.cursor DESC LIMIT $2",
        office_id,
        INBOX_ROWS,
    )
    return Inbox(
        cursor=max((row["cursor"] for row in rows), default=0),
        reports=[_view(row) for row in sorted(rows, key=_newest_first)],
    )


async def report_view(report_id: UUID) -> ReportView | None:
    """One report, for its one-report link."""
    row = await OPERATIONS.fetch_one(f"{_REPORT} WHERE r.id = $1", report_id)
    return None if row is None else _view(row)


async def reports_of(incident_id: UUID) -> list[ReportRow]:
    """Every report of an incident as the inbox has it, by id."""
    rows = await OPERATIONS.fetch(
        f"{_REPORT} WHERE r.incident_id = $1 AND r.purpose = 'rescue' ORDER BY r.id", incident_id
    )
    return [_row(row) for row in rows]


def _newest_first(row: Row) -> tuple[bool, Any]:
    return row["sent_at"] is not None, -(row["sent_at"].timestamp() if row["sent_at"] else 0.0)


def _row(row: Row) -> ReportRow:
    return ReportRow(
        id=row["id"],
        incident_id=row["incident_id"],
        office_id=row["office_id"],
        situation=msgspec.json.decode(row["situation"], type=Situation),
        status=row["status"],
        version=row["version"],
        sent_at=row["sent_at"],
        delivered_at=row["delivered_at"],
        acknowledged_at=row["acknowledged_at"],
        reply=row["reply"],
    )


def _view(row: Row) -> ReportView:
    office = OfficeName(id=row["office_id"], name=row["name"], kind=row["kind"])
    return shown(_row(row), office)


async def ways(ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
    """Door → number or room of each office, for the platform's own messages. Holds secrets."""
    rows = await OPERATIONS.fetch(
        "SELECT id, phone, room FROM office WHERE id = ANY($1::uuid[])", list(ids)
    )
    found = {}
    for row in rows:
        ways = {"sms": row["phone"], "voice": row["phone"], "rooms": row["room"]}
        found[row["id"]] = {door: to for door, to in ways.items() if to}
    return found


async def give_room(
    office_id: UUID, room: str, *, actor: UUID | str, role: str, at: datetime
) -> None:
    """Write down an office's own group room; empty for none. The audit never holds the address.

    Args:
        room: an address of ``push.rooms``, such as ``dingtalk://secret@token``.

    Raises:
        NotFound: no such office.
    """
    async with OPERATIONS.transaction():
        changed = await OPERATIONS.execute(
            "UPDATE office SET room = $2 WHERE id = $1", office_id, room
        )
        if not changed:
            raise NotFound("没有此单位 no such office")
        await audit.record(
            OPERATIONS,
            actor=actor,
            role=role,
            action="offices.room_changed",
            subject=office_id,
            after={"room": room.partition("://")[0]},
            at=at,
        )
