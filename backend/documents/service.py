"""File a paper under the next number of its year, once, and hand papers out."""

import asyncio
import hashlib
from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from backend.documents.flow import TITLES, Paper, Print, number, series
from backend.documents.press import NO_PRINTS, pdf_of
from backend.documents.schemas import PaperLine
from backend.shared.db import OPERATIONS

AREA = ZoneInfo("Asia/Shanghai")


async def file(paper: Paper, prints: Mapping[str, Print] = NO_PRINTS) -> str:
    """Number, print and keep a paper, with the pictures that are there; its SHA-256.

    The same incident, version and kind again gives the paper that is there. The number is taken
    and the paper kept in one transaction: a failure in between takes no number.
    """
    name = series(paper.kind, paper.handling)
    year = paper.filed_at.astimezone(AREA).year
    async with OPERATIONS.transaction():
        seq: int = await OPERATIONS.fetch_value(
            "INSERT INTO paper_number (series, year, last) VALUES ($1, $2, 1)"
            " ON CONFLICT (series, year) DO UPDATE SET last = paper_number.last + 1 RETURNING last",
            name,
            year,
        )
        known: str | None = await OPERATIONS.fetch_value(
            "SELECT sha256 FROM paper WHERE incident_id = $1 AND version = $2 AND kind = $3",
            paper.incident_id,
            paper.version,
            paper.kind,
        )
        if known is not None:  # looked up under the series' lock: give the number back
            await OPERATIONS.execute(
                "UPDATE paper_number SET last = last - 1 WHERE series = $1 AND year = $2",
                name,
                year,
            )
            return known
        cited = number(name, year, seq)
        pdf = await asyncio.to_thread(pdf_of, paper, cited, prints)
        sha256 = hashlib.sha256(pdf).hexdigest()
        await OPERATIONS.execute(
            "INSERT INTO paper (sha256, incident_id, version, kind, handling, series, year, seq,"
            " number, title, author, filed_at, pdf)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            sha256, paper.incident_id, paper.version, paper.kind, paper.handling, name, year, seq,
            cited, TITLES[paper.kind], paper.author, paper.filed_at, pdf,
        )  # fmt: skip
        return sha256


async def papers_of(incident_id: UUID) -> list[PaperLine]:
    """Every paper of an incident, newest first."""
    rows = await OPERATIONS.fetch(
        "SELECT sha256, incident_id, kind, handling, number, title, author, filed_at,"
        " octet_length(pdf) AS size,"
        " row_number() OVER (PARTITION BY kind ORDER BY version DESC) > 1 AS replaced"
        " FROM paper WHERE incident_id = $1 ORDER BY filed_at DESC, version DESC",
        incident_id,
    )
    return [PaperLine(**dict(row)) for row in rows]


async def paper_line(sha256: str) -> PaperLine | None:
    """One paper without its bytes, or None."""
    incident_id = await OPERATIONS.fetch_value(
        "SELECT incident_id FROM paper WHERE sha256 = $1", sha256
    )
    if incident_id is None:
        return None
    return next(line for line in await papers_of(incident_id) if line.sha256 == sha256)


async def bytes_of(sha256: str) -> bytes:
    """The PDF of a paper that is there."""
    found: bytes = await OPERATIONS.fetch_value("SELECT pdf FROM paper WHERE sha256 = $1", sha256)
    return bytes(found)
