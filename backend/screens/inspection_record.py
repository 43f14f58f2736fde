"""The record of a year's rounds and repairs: figures, and a table with one line for each device."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from backend.access.guards import requires
from backend.audit import service as audit
from backend.devices import service as devices
from backend.devices import walked
from backend.inspection import rounds, service, year
from backend.inspection.flow.check import ITEMS, ZONE
from backend.inspection.schemas import CheckRow, RepairRow, RoundView
from backend.inspection.year import InspectionYear
from backend.screens.inspection import LEADS, SEEN
from backend.screens.inspection_steps import policy_of
from backend.shared.context import Context, Ctx
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound

AnyRequest = Request[Any, Any, Any]
AT_ONCE = 20
"""Rounds read together for the table."""
ITEM_WORDS = {
    "clean": "外观", "wiring": "布线", "battery": "电池", "works": "运行", "place": "点位",
    "fixed": "固定",
}  # fmt: skip
RESULTS = {"ok": "正常", "bad": "异常", "na": "不适用"}
STATES = {"open": "未巡检", "begun": "进行中", "done": "完成", "left": "已停用"}
REPAIR_STATES = {
    "noticed": "已通知", "planned": "已有方案", "done": "待复测", "closed": "已关闭",
    "dropped": "设备停用",
}  # fmt: skip


class YearPage(msgspec.Struct, frozen=True, kw_only=True):
    """One year, and which others have a record."""

    year: InspectionYear
    years: list[int]


@get("/api/inspection/years/{wanted:int}", guards=[requires(*SEEN)], operation_id="InspectionYear")
async def figures(wanted: FromPath[int], ctx: Ctx) -> YearPage:
    """A calendar year's rounds and repairs."""
    now = ctx.clock.now().astimezone(ZONE)
    return YearPage(year=await year.figures(_known(wanted)), years=await year.years(now))


@get("/api/inspection/years/{wanted:int}/{what:str}", guards=[requires(*LEADS)],
     operation_id="InspectionFile")  # fmt: skip
async def table(
    request: AnyRequest, wanted: FromPath[int], what: FromPath[str], ctx: Ctx
) -> Response[str]:
    """``rounds.csv`` with one line for each device of each round, or ``repairs.csv``."""
    if what not in {"rounds.csv", "repairs.csv"}:
        raise NotFound("没有这个文件 no such file", path=what)
    wanted = _known(wanted)
    lines = await (_checks(wanted, ctx) if what == "rounds.csv" else _repairs(wanted))
    async with OPERATIONS.transaction():
        await audit.record(
            OPERATIONS, actor=request.user.account_id, role=request.user.role,
            action="inspection.record_exported", subject=f"{wanted}/{what}", at=ctx.clock.now(),
        )  # fmt: skip
    name = quote(f"街安{'巡检' if what == 'rounds.csv' else '报修'}记录-{wanted}.csv")
    return Response(
        _csv(lines),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f"attachment; filename=\"{what}\"; filename*=UTF-8''{name}"
        },
    )


def _known(wanted: int) -> int:
    if not 2000 <= wanted <= 2200:
        raise NotFound("没有这一年 no such year")
    return wanted


def _csv(lines: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    out.write("\ufeff")  # spreadsheets take it for UTF-8 by this
    writer = csv.writer(out, lineterminator="\r\n")
    for line in lines:
        writer.writerow(["" if cell is None else _safe(str(cell)) for cell in line])
    return out.getvalue()


def _safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _local(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"


async def _checks(wanted: int, ctx: Context) -> list[list[object]]:
    head: list[object] = [
        "计划", "周期", "街道", "地址", "设备", "编号", "类别", "到期", "状态",
        *ITEM_WORDS.values(), "说明", "处理", "照片", "测试信号", "完成时间", "完成人",
    ]  # fmt: skip
    lines = [head]
    views = {one.id: one for one in await rounds.views()}
    ids = [one for one in await year.round_ids(wanted) if one in views]
    for at in range(0, len(ids), AT_ONCE):
        rows = await rounds.checks(ids[at : at + AT_ONCE], policy_of(ctx.settings))
        found = [row.detector_id for row in rows]
        places, register = await devices.places_of(found), await walked.these(found)
        for row in rows:
            place, device = places.get(row.detector_id), register.get(row.detector_id)
            if place is not None and device is not None:
                where = [place.address, place.label, device.number, device.kind]
                lines.append(_line(row, views[row.round_id], where))
    return lines


def _line(row: CheckRow, one: RoundView, where: list[Any]) -> list[object]:
    now = row.now
    answers = [now.items.get(item) for item in ITEMS]
    notes = "；".join(
        f"{ITEM_WORDS[item]}：{answer.note}"
        for item, answer in zip(ITEMS, answers, strict=True)
        if answer is not None and answer.note
    )
    dealt = f"当场修复：{now.repaired}" if now.repaired else ""
    if now.handed is not None:
        dealt = "；".join(part for part in (dealt, f"转技术人员：{now.handed}") if part)
    return [
        one.plan_name, one.period, one.street, *where, one.due_on, STATES[now.state],
        *(_result(item, now.was_bad, answer.result if answer else None)
          for item, answer in zip(ITEMS, answers, strict=True)),
        notes, dealt, len(now.photos), _local(now.proved_at), _local(now.over_at), now.over_by,
    ]  # fmt: skip


def _result(item: str, was_bad: tuple[str, ...], result: str | None) -> str:
    if item in was_bad and result != "bad":
        return "异常，后正常"
    return RESULTS.get(result or "", "")


async def _repairs(wanted: int) -> list[list[object]]:
    head: list[object] = [
        "通知时间", "地址", "设备", "异常项", "说明", "状态", "方案", "方案时间", "完成",
        "完成时间", "超过24小时", "超时原因", "新日期", "关闭时间",
    ]  # fmt: skip
    start = datetime(wanted, 1, 1, tzinfo=ZONE)
    rows = await service.repairs(since=start, limit=100_000)
    ours = [row for row in rows if row.now.noticed_at and _year(row) == wanted]
    places = await devices.places_of([row.detector_id for row in ours])
    lines = [head]
    for row in sorted(ours, key=lambda one: (str(one.now.noticed_at), one.id)):
        now, place = row.now, places.get(row.detector_id)
        if place is None:
            continue
        lines.append([
            _local(now.noticed_at), place.address, place.label,
            "、".join(ITEM_WORDS[item] for item in row.items), row.what, REPAIR_STATES[now.state],
            now.plan, _local(now.planned_at), now.done, _local(now.done_at),
            "是" if now.breached_at else "否", now.overrun, now.new_on, _local(now.over_at),
        ])  # fmt: skip
    return lines


def _year(row: RepairRow) -> int:
    assert row.now.noticed_at is not None
    return row.now.noticed_at.astimezone(ZONE).year


ROUTES = [figures, table]
