"""What stands on a paper, and how it is numbered. Pure.

Sources:
    Which papers: 6.2.4 (written report of a false alarm), B.6 (report to the community),
    B.4 (report to the authority), B.1 (the user is told to put it right), 6.3.7.3 (statistics of
    a calendar year). Their headings are ours; the standard sets none.
    Number: the form of official papers in China, series〔year〕number.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class PaperKind(StrEnum):
    FALSE_ALARM = "false_alarm"
    COMMUNITY = "community"
    AUTHORITY = "authority"
    RECTIFICATION = "rectification"
    DRILL = "drill"
    YEARLY = "yearly"


TITLES = {
    PaperKind.FALSE_ALARM: "误报原因报告",
    PaperKind.COMMUNITY: "社区情况报告",
    PaperKind.AUTHORITY: "建筑安全隐患报告",
    PaperKind.RECTIFICATION: "用电隐患整改通知书",
    PaperKind.DRILL: "应急处置演练记录",
    PaperKind.YEARLY: "年度预警统计",
}
SERIES = {
    PaperKind.FALSE_ALARM: "误报",
    PaperKind.COMMUNITY: "社区",
    PaperKind.AUTHORITY: "建安",
    PaperKind.RECTIFICATION: "整改",
    PaperKind.DRILL: "记录",
    PaperKind.YEARLY: "统计",
}
CLAUSES = {
    PaperKind.FALSE_ALARM: "6.2.4",
    PaperKind.COMMUNITY: "附录 B.6",
    PaperKind.AUTHORITY: "附录 B.4",
    PaperKind.RECTIFICATION: "附录 B.1",
    PaperKind.DRILL: "4.2.4.1 d)",
    PaperKind.YEARLY: "6.3.7.3",
}


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A photograph that belongs to the paper, named by the hash of its clean original."""

    taken_at: str
    by: str
    caption: str
    sha256: str


class Print(msgspec.Struct, frozen=True, kw_only=True):
    """The copy of a photograph that may leave the incident, a JPEG, and what is said below it."""

    jpeg: bytes
    note: str


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """A table below the text: every row has as many cells as ``columns``; the first is its name."""

    head: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """All that is printed but the number. Times in ``rows`` are local, already in words.

    ``version`` is the journal's version that the paper was written from: the same journal gives
    the same paper, byte for byte. ``incident_id`` stands for the year where that is its matter.
    """

    kind: PaperKind
    incident_id: UUID
    version: int
    handling: str
    addressee: str
    rows: tuple[tuple[str, str], ...]
    sections: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    author: str
    filed_at: datetime
    filed_on: str
    grids: tuple[Grid, ...] = ()


def series(kind: PaperKind, handling: str) -> str:
    """Drills count apart, so that the numbers of real papers have no gaps."""
    return SERIES[kind] if handling == "actual" else f"演练{SERIES[kind]}"


def number(name: str, year: int, seq: int) -> str:
    """How a paper is cited.

    >>> number("误报", 2026, 7)
    '街安误报〔2026〕7号'
    """
    return f"街安{name}〔{year}〕{seq}号"
