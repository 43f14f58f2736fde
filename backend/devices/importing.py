"""A table of detectors into the register: looked through first, then taken in part by part.

The dry run changes nothing of the register; it keeps the good rows. ``advance`` takes the next few
hundred in one transaction, so whoever imports sees how far it is, and a break loses nothing: the
same call goes on. A row whose number or address is known changes that detector, so the same table
twice changes nothing the second time.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.devices import flow, registry
from backend.devices.columns import COLUMNS, KEYS, Fault, Filled, cell_name, heading, read_row
from backend.devices.entries import Doing, Position
from backend.devices.flow import Act, Certificate
from backend.devices.places import Places, places_for
from backend.devices.registry import AREA, By, DeviceRefused
from backend.shared.db import OPERATIONS, Row
from backend.shared.ids import uuid7
from backend.shared.problems import NotFound

CHUNK = 200
FAULTS_SHOWN = 500
SAMPLE = 20
KEPT_FOR = timedelta(days=2)
"""How long a table that was looked through waits to be taken in."""


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One good row as it will be taken: ``create``, ``change`` or ``same``."""

    line: int
    outcome: str
    number: str | None
    address: str
    kind: str
    place: str


class DryRun(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an import would do. ``id`` is None where no row is good; ``wrong`` counts rows."""

    id: UUID | None
    file_name: str
    rows: int
    create: int
    change: int
    same: int
    wrong: int
    new_buildings: int
    new_homes: int
    faults: list[Fault]
    lines: list[Line]


class Progress(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far an import is; ``refused`` are rows of this part that the register did not take."""

    id: UUID
    total: int
    done: int
    created: int
    changed: int
    finished: bool
    refused: list[Fault]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the register holds of the rows' numbers, addresses and models."""

    by_number: Mapping[str, Row]
    by_address: Mapping[str, Row]
    models: Mapping[tuple[str, str], Row]


async def look(rows: Sequence[Sequence[str]], file_name: str, by: By) -> DryRun:
    """Look through a table, and keep its good rows for ``advance``.

    Ten thousand rows are seconds of work: they are done beside the loop, for which an alarm waits.
    """
    where, wrong_heads = heading(rows[0])
    if wrong_heads:
        faults = [Fault(line=1, cell="A1", column="", said="", why=why) for why in wrong_heads]
        return _nothing(file_name, len(rows) - 1, faults)
    good, faults = await asyncio.to_thread(_read, rows, where)
    known = await _known(good)
    places = await places_for(good)
    taken, lines, against = await asyncio.to_thread(_judged, good, known, places, where, by)
    faults += against
    counts = {
        outcome: sum(line.outcome == outcome for line in lines)
        for outcome in ("create", "change", "same")
    }
    import_id = await _keep(taken, file_name, rows, by) if taken else None
    return DryRun(
        id=import_id,
        file_name=file_name,
        rows=len(taken) + len({fault.line for fault in faults}),
        wrong=len({fault.line for fault in faults}),
        new_buildings=len(places.new_buildings),
        new_homes=len(places.new_homes),
        faults=sorted(faults, key=lambda fault: fault.line)[:FAULTS_SHOWN],
        lines=lines[:SAMPLE],
        **counts,
    )


def _read(
    rows: Sequence[Sequence[str]], where: Mapping[str, int]
) -> tuple[list[Filled], list[Fault]]:
    """The rows that can be read, and what is wrong with the others."""
    good: list[Filled] = []
    faults: list[Fault] = []
    for line, cells in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        filled, wrong = read_row(line, cells, where)
        faults += wrong
        if filled is not None:
            good.append(filled)
    return good, faults


def _judged(
    good: Sequence[Filled], known: Known, places: Places, where: Mapping[str, int], by: By
) -> tuple[list[Filled], list[Line], list[Fault]]:
    """The rows that the register would take, how, and what it has against the others."""
    taken: list[Filled] = []
    lines: list[Line] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for filled in good:
        wrong = _against(filled, known, places, seen, where, by)
        faults += wrong
        if not wrong:
            taken.append(filled)
            lines.append(_line(filled, known, places))
    return taken, lines, faults


def _nothing(file_name: str, rows: int, faults: list[Fault]) -> DryRun:
    return DryRun(
        id=None, file_name=file_name, rows=rows, create=0, change=0, same=0, wrong=rows,
        new_buildings=0, new_homes=0, faults=faults, lines=[],
    )  # fmt: skip


async def _keep(taken: list[Filled], name: str, rows: Sequence[Sequence[str]], by: By) -> UUID:
    import_id = uuid7()
    digest, entries = await asyncio.to_thread(_packed, rows, taken)
    async with OPERATIONS.transaction():
        await OPERATIONS.execute(
            "DELETE FROM device_import WHERE finished_at IS NULL AND made_at < $1",
            by.at - KEPT_FOR,
        )
        await OPERATIONS.execute(
            "INSERT INTO device_import (id, file_name, sha256, entries, total, by_account, by_name,"
            " made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            import_id, name, digest, entries, len(taken), by.account_id,
            by.name, by.at,
        )  # fmt: skip
    return import_id


def _packed(rows: Sequence[Sequence[str]], taken: Sequence[Filled]) -> tuple[str, bytes]:
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest(), msgspec.json.encode(taken)


async def _known(rows: Sequence[Filled]) -> Known:
    found = await OPERATIONS.fetch(
        "SELECT * FROM detector WHERE number = ANY($1::text[]) OR"
        " (address = ANY($2::text[]) AND state NOT IN ('replaced', 'retired'))",
        [row.number for row in rows if row.number],
        [row.address for row in rows],
    )
    models = await OPERATIONS.fetch("SELECT * FROM model")
    return Known(
        by_number={row["number"]: row for row in found if row["number"]},
        by_address={
            row["address"]: row for row in found if row["state"] not in ("replaced", "retired")
        },
        models={(row["maker"], row["name"]): row for row in models},
    )


def _against(
    row: Filled,
    known: Known,
    places: Places,
    seen: dict[str, int],
    where: Mapping[str, int],
    by: By,
) -> list[Fault]:
    """What the register, and the rows before, have against a row."""
    faults: list[Fault] = []

    def fault(key: str, why: str) -> None:
        said = str(getattr(row, key, None) or "")[:40]
        cell = cell_name(where.get(key, 0), row.line)
        faults.append(Fault(line=row.line, cell=cell, column=KEYS[key].head, said=said, why=why))

    for key in ("number", "address"):
        value = getattr(row, key)
        first = seen.setdefault(f"{key} {value}", row.line) if value else row.line
        if first != row.line:
            fault(key, f"与第 {first} 行重复")
    mine = known.by_number.get(row.number or "")
    there = known.by_address.get(row.address)
    if mine and there and mine["id"] != there["id"]:
        fault("address", f"这个地址是另一台设备（编号 {there['number'] or '无'}）的")
    was = mine or there
    if was and was["state"] in flow.OVER:
        fault("number", "这个编号的设备已更换或停用")
    if was and was["kind"] != row.kind:
        fault("kind", "与登记的类别不同，请先在设备页上更换")
    model = _model_of(row, known)
    if row.model and model is None:
        fault("model", "没有登记这个厂家的这个型号")
    elif model is not None and model["kind"] != row.kind:
        fault("kind", "与型号登记的类别不同")
    if row.state == "active" and (was is None or was["state"] == "planned"):
        why = flow.lacking(
            _certificate(model or (known_model(was, known) if was else None)),
            by.at.astimezone(AREA).date(),
        )
        if why:
            fault("state", registry.WORDS[why].split("（")[0] + "（5.1.1.3）")
    if was is None and row.lat is None and not places.knows(row):
        fault("lat", "新楼院要有经纬度，或先登记楼院")
    return faults


def known_model(was: Row, known: Known) -> Row | None:
    """The model that a detector has already."""
    return next((m for m in known.models.values() if m["id"] == was["model_id"]), None)


def _model_of(row: Filled, known: Known) -> Row | None:
    if not row.model:
        return None
    if row.maker:
        return known.models.get((row.maker, row.model))
    named = [model for (_, name), model in known.models.items() if name == row.model]
    return named[0] if len(named) == 1 else None


def _certificate(model: Row | None) -> Certificate | None:
    if model is None:
        return None
    return Certificate(
        number=model["certificate_number"],
        until=model["certificate_until"],
        waived_by=model["waived_by"],
    )


def _line(row: Filled, known: Known, places: Places) -> Line:
    was = known.by_number.get(row.number or "") or known.by_address.get(row.address)
    outcome = "create"
    if was is not None:
        after = _columns(row, known, *places.of(row))
        moved = any(was[name] != value for name, value in after.items())
        serves = row.state == "active" and was["state"] == "planned"
        outcome = "change" if moved or serves or places.makes(row) else "same"
    parts = (row.street, row.door_number, row.court, row.door, row.point)
    return Line(
        line=row.line, outcome=outcome, number=row.number, address=row.address, kind=row.kind,
        place=" ".join(part for part in parts if part),
    )  # fmt: skip


def _columns(
    row: Filled, known: Known, building_id: UUID | None, home_id: UUID | None
) -> dict[str, Any]:
    """The columns that a row fills; an empty cell leaves what stands there."""
    facts = {
        "address": row.address, "protocol": row.address.partition("/")[0], "kind": row.kind,
        "number": row.number, "point": row.point, "label": row.label, "link": row.link,
        "report_interval_s": row.report_interval_s, "rule_group": row.group,
        "unit_name": row.unit_name, "unit_phone": row.unit_phone, "note": row.note,
        "building_id": building_id, "household_id": home_id,
    }  # fmt: skip
    model = _model_of(row, known)
    if model is not None:
        facts |= {"model_id": model["id"], "model": model["name"]}
    columns = {name: value for name, value in facts.items() if value is not None}
    if row.lat is not None and row.lon is not None:
        position = Position(lat=row.lat, lon=row.lon, datum=row.datum)  # type: ignore[arg-type]
        columns |= registry.placed(position)
    return columns


async def advance(import_id: UUID, by: By) -> Progress:
    """Take in the next rows; called again until it is finished.

    Raises:
        NotFound: no such import, or it waited too long.
    """
    async with OPERATIONS.transaction():
        job = await OPERATIONS.fetch_one(
            "SELECT * FROM device_import WHERE id = $1 FOR UPDATE", import_id
        )
        if job is None:
            raise NotFound("没有这次导入，请重新选文件 No such import: choose the file again")
        entries = msgspec.json.decode(job["entries"], type=list[Filled])
        part = entries[job["done"] : job["done"] + CHUNK]
        known, places = await _known(part), await places_for(part)
        created = changed = 0
        refused: list[Fault] = []
        for row in part:
            try:
                async with OPERATIONS.savepoint():
                    outcome = await _take(row, known, places, by)
            except DeviceRefused as no:
                refused.append(
                    Fault(line=row.line, cell="", column="", said=row.address, why=no.detail)
                )
                continue
            created += outcome == "create"
            changed += outcome == "change"
        done = job["done"] + len(part)
        finished = done >= job["total"]
        await OPERATIONS.execute(
            "UPDATE device_import SET done = $2, created = created + $3, changed = changed + $4,"
            " finished_at = $5, entries = CASE WHEN $5::timestamptz IS NULL THEN entries"
            " ELSE '[]' END WHERE id = $1",
            import_id, done, created, changed, by.at if finished else None,
        )  # fmt: skip
        if finished and job["finished_at"] is None:
            await audit.record(
                OPERATIONS,
                actor=by.account_id,
                role=by.role,
                action="devices.imported",
                subject=import_id,
                after={"file_sha256": job["sha256"], "rows": job["total"],
                       "created": job["created"] + created, "changed": job["changed"] + changed},
                at=by.at,
            )  # fmt: skip
    return Progress(
        id=import_id, total=job["total"], done=done, created=job["created"] + created,
        changed=job["changed"] + changed, finished=finished, refused=refused,
    )  # fmt: skip


async def _take(row: Filled, known: Known, places: Places, by: By) -> str:
    """One row into the register."""
    building_id, home_id = await places.made(row, by)
    columns = _columns(row, known, building_id, home_id)
    was = known.by_number.get(row.number or "") or known.by_address.get(row.address)
    if was is None:
        if "lat" not in columns:
            lat, lon = places.position(row)
            columns |= {"lat": lat, "lon": lon}
        model = _model_of(row, known)
        if model is not None:
            usual = {name: model[name] for name in ("link", "report_interval_s") if model[name]}
            columns = usual | columns
        detector_id = await registry.write(columns, by, reason="导入")
        outcome = "create"
    else:
        detector_id = was["id"]
        after = {name: value for name, value in columns.items() if was[name] != value}
        if after:
            await registry.change_columns(was, after, "changed", by, "导入")
        outcome = "change" if after else "same"
    if row.state == "active" and (was is None or was["state"] == "planned"):
        await registry.do(detector_id, Doing(act=Act.COMMISSION, reason="导入"), by)
        outcome = outcome if outcome == "create" else "change"
    return outcome


HEAD = [column.head + ("*" if column.needed else "") for column in COLUMNS]
"""The heading of a table that is to be filled in."""
