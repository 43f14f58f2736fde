"""Numbered papers on their way to an office: put into its inbox, seen, acknowledged, or silent.

A report for rescue is the incident's matter and stands in its journal; a paper may be
acknowledged long after the incident was sealed, so its way is kept here, and audited.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.offices.schemas import Office, Situation
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound

RESCUE = "rescue"
"""The purpose of what is no paper."""
_SENT = (
    "SELECT r.id, r.office_id, o.name AS office, o.kind, o.phone, r.purpose, r.paper_sha256,"
    " r.status, r.sent_at, r.delivered_at, r.acknowledged_at, r.acknowledged_by, r.reply"
    " FROM report r JOIN office o ON o.id = r.office_id"
)


class PaperSent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One paper to one office, and what became of it."""

    id: UUID
    office_id: UUID
    office: str
    kind: str
    phone: str
    purpose: str
    paper_sha256: str | None
    status: str
    sent_at: datetime
    delivered_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    reply: str | None


async def deliver(
    office: Office,
    situation: Situation,
    *,
    report_id: UUID,
    incident_id: UUID,
    sha256: str,
    version: int,
    at: datetime,
) -> bool:
    """Put a paper into an office's inbox; the same ``report_id`` again changes nothing.

    Args:
        situation: what the inbox shows, with ``purpose``, number and title of the paper.
        sha256: of the paper's PDF.
        version: the journal's, from which it was written.

    Returns:
        False where it was there already.
    """
    saved = await OPERATIONS.fetch(
        "INSERT INTO report (id, incident_id, office_id, situation, status, version, sent_at,"
        " purpose, paper_sha256, cursor)"
        " VALUES ($1, $2, $3, $4, 'sent', $5, $6, $7, $8, nextval('report_cursor'))"
        " ON CONFLICT (id) DO NOTHING RETURNING id",
        report_id, incident_id, office.id, situation, version, at, situation.purpose, sha256,
    )  # fmt: skip
    return bool(saved)


async def seen(report_ids: Sequence[UUID], *, at: datetime) -> None:
    """Papers that are on the office's screen are delivered."""
    await OPERATIONS.execute(
        "UPDATE report SET status = 'delivered', delivered_at = $2"
        " WHERE id = ANY($1::uuid[]) AND status = 'sent' AND purpose <> 'rescue'",
        list(report_ids),
        at,
    )


async def acknowledge(
    report_id: UUID,
    *,
    office_id: UUID | None,
    by: str,
    reply: str | None,
    actor: UUID | str,
    role: str,
    at: datetime,
) -> None:
    """Write down that an office has a paper; the first time stands, a reply may follow.

    Args:
        office_id: the office that says so; None where the desk heard it on the telephone.
        by: the person's name.

    Raises:
        NotFound: no such paper, or it went to another office.
    """
    async with OPERATIONS.transaction():
        changed = await OPERATIONS.fetch(
            "UPDATE report SET status = 'acknowledged', delivered_at = coalesce(delivered_at, $4),"
            " acknowledged_by = CASE WHEN acknowledged_at IS NULL THEN $3 ELSE acknowledged_by END,"
            " acknowledged_at = coalesce(acknowledged_at, $4), reply = coalesce($5, reply),"
            " cursor = nextval('report_cursor')"
            " WHERE id = $1 AND purpose <> 'rescue' AND ($2::uuid IS NULL OR office_id = $2)"
            " RETURNING incident_id",
            report_id, office_id, by, at, reply or None,
        )  # fmt: skip
        if not changed:
            raise NotFound("没有这份报告 no such report")
        await audit.record(
            OPERATIONS, actor=actor, role=role, action="paper.acknowledged", subject=report_id,
            after={"incident": str(changed[0]["incident_id"]), "telephoned": office_id is None},
            at=at,
        )  # fmt: skip


async def sent_for(incident_id: UUID) -> list[PaperSent]:
    """Every paper of an incident that went to an office, oldest first."""
    rows = await OPERATIONS.fetch(
        f"{_SENT} WHERE r.incident_id = $1 AND r.purpose <> 'rescue' ORDER BY r.sent_at, r.id",
        incident_id,
    )
    return [PaperSent(**dict(row)) for row in rows]


async def paper_of(report_id: UUID, *, office_id: UUID) -> str:
    """The hash of the paper behind a line of an office's own inbox.

    Raises:
        NotFound: no such paper, or it went to another office.
    """
    found = await OPERATIONS.fetch_value(
        "SELECT paper_sha256 FROM report WHERE id = $1 AND office_id = $2"
        " AND paper_sha256 IS NOT NULL",
        report_id,
        office_id,
    )
    if found is None:
        raise NotFound("没有这份文件 no such paper")
    return str(found)
