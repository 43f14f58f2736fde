"""A year's statistics as a table for spreadsheets and as a paper. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from backend.documents.flow import Grid, Paper, PaperKind
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import Kind
from backend.incidents.yearly import AREA, Figures, Recorded, Spread, Year

YEARS = UUID("6a696561-6e00-7000-8000-000000000002")
"""Name space of the years: a paper about one is filed under its id."""
COLUMNS = ("报警", "警情", "属实", "误报", "未结", "误报率", "已归档")
OUTCOMES = {"real": "属实", "false": "误报", "merged": "并入他案", "drill": "演练", "open": "未结"}
TIMES = {
    "presented": "呈现到值班台（2 秒）",
    "claimed": "值班员接手（15 秒）",
    "first": "首名人员到场（1 分钟）",
    "station": "第二人或首车到场（3 分钟）",
    "joint": "联合力量到场（5 分钟）",
    "released": "发布至解除",
}
NO_AREA = "未划区"


def kind_name(code: str) -> str:
    return KINDS[Kind(code)].zh


def area_name(area: str) -> str:
    return area or NO_AREA


def month_name(key: str) -> str:
    return f"{key} 月"


def share(part: int, whole: int) -> str:
    """A percentage with one decimal; a dash where there is nothing to divide by."""
    return f"{part / whole:.1%}" if whole else "—"


def duration(seconds: float | None) -> str:
    """Seconds as a person reads them.

    >>> [duration(s) for s in (None, 1.26, 75, 7260)]
    ['—', '1.3 秒', '1 分 15 秒', '2 小时 1 分']
    """
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.1f} 秒"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} 分 {whole % 60} 秒"
    return f"{whole // 3600} 小时 {whole % 3600 // 60} 分"


def _cells(name: str, row: Figures) -> tuple[str, ...]:
    figures = (row.episodes, row.incidents, row.real, row.false, row.open)
    rate = share(row.false, row.real + row.false)
    return (name, *(str(n) for n in figures), rate, str(row.sealed))


def _time_cells(row: Spread) -> tuple[str, ...]:
    kept = "—" if row.limit_s is None else share(row.within, row.count)
    return (
        TIMES[row.code],
        str(row.count),
        duration(row.median_s),
        duration(row.p90_s),
        kept,
    )


def grids(year: Year) -> tuple[Grid, ...]:
    """The year's tables, the whole year as the last row of each."""
    total = _cells("合计", year.total)

    def table(head: str, first: str, rows: Iterable[tuple[str, ...]]) -> Grid:
        return Grid(head=head, columns=(first, *COLUMNS), rows=(*rows, total))

    return (
        table("一、按预警类型", "类型", (_cells(kind_name(f.key), f) for f in year.kinds)),
        table("二、按区域", "区域", (_cells(area_name(f.key), f) for f in year.areas)),
        table("三、按月份", "月份", (_cells(month_name(f.key), f) for f in year.months)),
        Grid(
            head="四、用时",
            columns=("环节", "次数", "中位数", "九成以内", "达到"),
            rows=tuple(_time_cells(one) for one in year.times),
        ),
    )


def paper_of(year: Year, *, events: int, handling: str, author: str, at: datetime) -> Paper:
    """The printed statistics.

    Args:
        events: how many journal entries it was counted from; the same number, the same paper.
        handling: ``actual``, or ``exercise`` in a demonstration: printed with its mark.
        at: when it is printed, UTC.
    """
    local = at.astimezone(AREA)
    missing = f"缺 {len(year.gaps)} 个：{'、'.join(year.gaps[:8])}" if year.gaps else "连续，无缺号"
    return Paper(
        kind=PaperKind.YEARLY,
        incident_id=uuid5(YEARS, str(year.year)),
        version=events,
        handling=handling,
        addressee="",
        rows=(
            ("统计年度", f"{year.year} 年（1 月 1 日至 12 月 31 日，按预警发布时间）"),
            ("报警与警情", f"报警 {year.total.episodes} 次，警情 {year.total.incidents} 起"),
            ("编号", missing),
            ("未计入", f"演练 {year.drills} 起；并入他案 {year.merged} 起"),
        ),
        sections=(
            (
                "统计口径",
                "报警按探测器每次报警计，按其类型归类；警情按起计，合并的只计主警情，跨年的计入发布"
                "当年。到场 1、3、5 分钟为消防救援惯例，不是本标准的要求。",
            ),
        ),
        pictures=(),
        author=author,
        filed_at=at,
        filed_on=f"{local.year} 年 {local.month} 月 {local.day} 日",
        grids=grids(year),
    )


def csv_of(year: Year) -> str:
    """The year's tables as one file; it opens in spreadsheets in China (a mark of UTF-8 first)."""
    out = _Sheet()
    out.row(f"{year.year} 年预警统计")
    for grid in grids(year):
        out.row()
        out.row(grid.head)
        out.row(*grid.columns)
        for row in grid.rows:
            out.row(*row)
    out.row()
    out.row("缺号", *year.gaps)
    return out.text


def register_csv(lines: Sequence[Recorded], areas: Mapping[UUID, str]) -> str:
    """Every incident of the year with its number, without names and house numbers."""
    out = _Sheet()
    out.row("编号", "预警发布", "预警类型", "区域", "报警次数", "结果", "事件类别", "解除", "归档")
    for line in lines:
        building = line.place.building_id
        area = (areas.get(building) if building else None) or line.place.street
        out.row(
            line.no,
            _local(line.emitted_at),
            kind_name(line.kind),
            area_name(area),
            str(len(line.episodes)),
            OUTCOMES["drill" if line.drill else line.outcome],
            line.category,
            _local(line.released_at),
            "是" if line.sealed else "",
        )
    return out.text


def _local(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(AREA):%Y-%m-%d %H:%M:%S}"


class _Sheet:
    """Lines of CSV. A cell that a spreadsheet would calculate is kept a text."""

    def __init__(self) -> None:
        self._out = io.StringIO()
        self._out.write("\ufeff")
        self._write = csv.writer(self._out, lineterminator="\r\n")

    def row(self, *cells: str) -> None:
        self._write.writerow([f"'{c}" if c[:1] in "=+-@\t\r" else c for c in cells])

    @property
    def text(self) -> str:
        return self._out.getvalue()
