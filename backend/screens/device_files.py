"""设备表: detectors come in as a table and go out as one, and labels are printed for them."""

import asyncio
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from backend.access.guards import requires
from backend.audit import service as audit
from backend.devices import importing, looking, sheets
from backend.devices.columns import COLUMNS
from backend.devices.exporting import EXPORT_MAX, table_of
from backend.devices.importing import DryRun, Progress
from backend.devices.labels import labels_for
from backend.devices.looking import Wanted
from backend.documents import labels as labels_sheet
from backend.screens.devices import KEEPERS, by_of
from backend.shared.context import Ctx
from backend.shared.db import OPERATIONS
from backend.shared.problems import NotFound, Problem

AnyRequest = Request[Any, Any, Any]
Form = Literal["csv", "xlsx"]
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TableRefused(Problem):
    """A file that is no table we read, or one made to do harm."""

    slug, status, title = "table-refused", 422, "This file cannot be read as a table"


@post("/api/devices/imports", guards=[requires(*KEEPERS)], operation_id="LookThroughImport",
      request_max_body_size=sheets.BYTES_MAX + 65_536)  # fmt: skip
async def look_through(request: AnyRequest, ctx: Ctx, name: FromQuery[str] = "") -> DryRun:
    """The dry run: the body is the file, CSV or XLSX. Nothing of the register changes.

    Raises:
        TableRefused: the file as a whole is not read.
    """
    data = await request.body()
    try:
        rows = await asyncio.to_thread(sheets.read, data)
    except sheets.Unreadable as no:
        raise TableRefused(str(no)) from no
    shown = name.replace("\0", "")[:200] or "表格"
    return await importing.look(rows, shown, by_of(request, ctx))


@post("/api/devices/imports/{import_id:uuid}/advance", status_code=200,
      guards=[requires(*KEEPERS)], operation_id="AdvanceImport")  # fmt: skip
async def advance(request: AnyRequest, import_id: FromPath[UUID], ctx: Ctx) -> Progress:
    """Take in the next rows of a table that was looked through; ask again until finished."""
    return await importing.advance(import_id, by_of(request, ctx))


def _file(data: bytes, name: str, form: str) -> Response[bytes]:
    return Response(
        data,
        media_type=TYPES.get(form, "application/pdf"),
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.{form}",
            "Cache-Control": "no-store",
        },
    )


async def _as_file(rows: list[list[object]], name: str, form: Form) -> Response[bytes]:
    if form == "csv":
        return _file(await asyncio.to_thread(sheets.csv_of, rows), name, form)
    return _file(await asyncio.to_thread(sheets.xlsx_of, rows, "设备"), name, form)


@get("/api/devices/template", guards=[requires(*KEEPERS)], operation_id="ImportTemplate")
async def template(form: FromQuery[Form] = "xlsx") -> Response[bytes]:
    """An empty table to fill in: heading, and a row that says what goes where."""
    hints: list[object] = [column.hint for column in COLUMNS]
    hints[0] = f"（说明，导入前删除本行）{hints[0]}"
    return await _as_file([[*importing.HEAD], hints], "设备导入模板", form)


@get("/api/devices/export", guards=[requires(*KEEPERS)], operation_id="ExportDevices")
async def export(
    request: AnyRequest,
    ctx: Ctx,
    form: FromQuery[Form] = "xlsx",
    q: FromQuery[str] = "",
    life: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    problem: FromQuery[str | None] = None,
    building: FromQuery[UUID | None] = None,
    street: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Every detector that matches, in the import's columns; on record, as it names homes."""
    wanted = Wanted(
        words=q[:200].replace("\0", ""), state=life or None, kind=kind or None,
        problem=problem or None, building_id=building, street=street or None,
    )  # fmt: skip
    by = by_of(request, ctx)
    ids = await looking.every(wanted, at=by.at, at_most=EXPORT_MAX)
    rows = await table_of(ids)
    async with OPERATIONS.transaction():
        await audit.record(
            OPERATIONS, actor=by.account_id, role=by.role, action="devices.exported",
            subject="devices", after={"detectors": len(ids)}, at=by.at,
        )  # fmt: skip
    return await _as_file([[*importing.HEAD], *rows], f"设备_{by.at:%Y%m%d}", form)


@get("/api/devices/labels", guards=[requires(*KEEPERS)], operation_id="DeviceLabels")
async def print_labels(
    ctx: Ctx,
    ids: FromQuery[str] = "",
    q: FromQuery[str] = "",
    life: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    building: FromQuery[UUID | None] = None,
    street: FromQuery[str | None] = None,
) -> Response[bytes]:
    """Labels with QR codes, 24 on a sheet: of ``ids`` (with commas), else of those that match.

    Raises:
        NotFound: none of them is here.
    """
    try:
        chosen = [UUID(each) for each in ids.split(",") if each]
    except ValueError as no:
        raise NotFound("没有这个探测器 no such detector") from no
    if not chosen:
        wanted = Wanted(
            words=q[:200].replace("\0", ""), state=life or "service", kind=kind or None,
            building_id=building, street=street or None,
        )  # fmt: skip
        chosen = await looking.every(wanted, at=ctx.clock.now(), at_most=labels_sheet.AT_MOST)
    found = await labels_for(chosen[: labels_sheet.AT_MOST], ctx.settings.public_url)
    if not found:
        raise NotFound("没有要打印的设备 Nothing to print")
    printed = await asyncio.to_thread(
        labels_sheet.sheet, [(one.number, one.kind, one.place, one.code) for one in found]
    )
    return _file(printed, "设备标签", "pdf")


ROUTES = [look_through, advance, template, export, print_labels]
