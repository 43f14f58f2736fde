"""A roster out of a spreadsheet (CSV): every row becomes a shift or says why not. Pure.

Columns by name, Chinese or English, in any order; others are ignored. Times are local; an end at
or before its start is on the next day, and ``24:00`` is the end of the day.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from io import StringIO
from uuid import UUID

import msgspec

from backend.staff.flow.planning import planned
from backend.staff.flow.shifts import Role, Shift

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "badge": ("工号", "badge"),
    "role": ("岗位", "role"),
    "area": ("片区", "area"),
    "day": ("日期", "date"),
    "begins": ("开始", "from"),
    "ends": ("结束", "until"),
}
ROLE_WORDS: Mapping[str, Role] = {
    "内勤": "desk", "desk": "desk", "值班长": "desk_lead", "desk_lead": "desk_lead",
    "现场": "field", "field": "field", "技术": "technician", "technician": "technician",
}  # fmt: skip
ROWS_MOST = 5_000


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the sheet, numbered as a spreadsheet shows it."""

    line: int
    text: str
    shift: Shift | None = None
    zh: str = ""
    en: str = ""


class WrongSheet(ValueError):
    """No row can be read: ``zh`` and ``en`` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} {en}")
        self.zh, self.en = zh, en


class _Wrong(ValueError):
    """A cell that cannot be read: Chinese, English."""


def read(
    text: str, *, people: Mapping[str, UUID], areas: Mapping[str, UUID], zone: tzinfo
) -> list[Row]:
    """Every row that is not empty.

    Args:
        text: the sheet, separated by commas, semicolons or tabs, with a heading.
        people: badge → person.
        areas: name → area; where there is only one the column may be empty.

    Raises:
        WrongSheet: a column is missing, or there are too many rows.
    """
    text = text.removeprefix("\ufeff")
    heading = text.splitlines()[0] if text.strip() else ""
    between = max(",;\t", key=heading.count)
    lines = list(csv.reader(StringIO(text, newline=""), delimiter=between))
    if len(lines) > ROWS_MOST + 1:
        raise WrongSheet(f"超过 {ROWS_MOST} 行", f"more than {ROWS_MOST} rows")
    at = _places([cell.strip().lower() for cell in (lines[0] if lines else [])])
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        found = {
            name: cells[n].strip() if n is not None and n < len(cells) else ""
            for name, n in at.items()
        }
        said = between.join(cells)[:200]
        try:
            shift = _shift(found, people, areas, zone)
        except _Wrong as wrong:
            rows.append(Row(line=number, text=said, zh=wrong.args[0], en=wrong.args[1]))
        else:
            rows.append(Row(line=number, text=said, shift=shift))
    return rows


def _places(heading: Sequence[str]) -> dict[str, int | None]:
    found: dict[str, int | None] = {
        name: next((heading.index(word) for word in words if word in heading), None)
        for name, words in COLUMNS.items()
    }
    missing = [COLUMNS[name] for name, n in found.items() if n is None and name != "area"]
    if missing:
        raise WrongSheet(
            "缺少列：" + "、".join(zh for zh, _ in missing),
            "columns missing: " + ", ".join(en for _, en in missing),
        )
    return found


def _shift(
    cells: Mapping[str, str], people: Mapping[str, UUID], areas: Mapping[str, UUID], zone: tzinfo
) -> Shift:
    person = people.get(cells["badge"])
    if person is None:
        raise _Wrong(f"没有工号 {cells['badge']}", f"no badge {cells['badge']}")
    role = ROLE_WORDS.get(cells["role"].lower())
    if role is None:
        raise _Wrong(
            f"岗位“{cells['role']}”不认识，应为 内勤、值班长、现场、技术",
            f"unknown role {cells['role']!r}: desk, desk_lead, field, technician",
        )
    only = next(iter(areas.values())) if len(areas) == 1 and not cells["area"] else None
    area = only or areas.get(cells["area"])
    if area is None:
        raise _Wrong(f"没有片区“{cells['area']}”", f"no area {cells['area']!r}")
    day = _day(cells["day"])
    begins, ends = _clock(day, cells["begins"], zone), _clock(day, cells["ends"], zone)
    if ends <= begins:
        ends += timedelta(days=1)
    return planned(person, role, area, begins.astimezone(UTC), ends.astimezone(UTC))


def _day(said: str) -> date:
    parts = said.replace("/", "-").replace(".", "-").split("-")
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError:
        raise _Wrong(f"日期“{said}”应如 2026-11-22", f"date {said!r}: write 2026-11-22") from None


def _clock(day: date, said: str, zone: tzinfo) -> datetime:
    parts = said.replace("：", ":").split(":")
    try:
        hour, minute = (int(part) for part in parts[:2])
        begin = datetime.combine(day, time(), tzinfo=zone)
        if (hour, minute) == (24, 0):
            return begin + timedelta(days=1)
        return datetime.combine(day, time(hour, minute), tzinfo=zone)
    except ValueError:
        raise _Wrong(f"时间“{said}”应如 08:00", f"time {said!r}: write 08:00") from None
