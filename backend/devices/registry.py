"""Changes of the register: each with its history and its audit row, in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
from msgspec import UNSET

from backend.audit import service as audit
from backend.devices import flow
from backend.devices.entries import Doing, Edit, Entry, Position
from backend.devices.flow import Act, Certificate, State
from backend.shared.db import OPERATIONS, Row
from backend.shared.ids import uuid7
from backend.shared.problems import NotFound, Problem
from geo.datum import convert
from geo.point import Datum, Point

AREA = ZoneInfo("Asia/Shanghai")

COLUMNS = {
    "address": "address", "kind": "kind", "number": "number", "label": "label",
    "model_id": "model_id", "group": "rule_group", "link": "link",
    "household_id": "household_id", "building_id": "building_id", "point": "point",
    "report_interval_s": "report_interval_s", "unit_name": "unit_name",
    "unit_phone": "unit_phone", "note": "note", "photo": "photo",
}  # fmt: skip
"""Fields of an entry that are one column each; ``position`` is five of them."""
PLACED = (
    "label", "kind", "model", "model_id", "rule_group", "link", "household_id", "building_id",
    "point", "lat", "lon", "datum", "entered_lat", "entered_lon", "report_interval_s",
    "unit_name", "unit_phone",
)  # fmt: skip
"""What a detector passes on to the one that takes its place."""


class DeviceRefused(Problem):
    """A change of the register that breaks one of its rules; ``why`` says which."""

    slug, status, title = "device-refused", 422, "The register does not take this"


class DeviceChanged(Problem):
    """Somebody else changed it since it was looked at."""

    slug, status, title = "device-changed", 409, "It has changed meanwhile"


class By(msgspec.Struct, frozen=True, kw_only=True):
    """Who does it, in which role, and when (UTC)."""

    account_id: UUID
    name: str
    role: str
    at: datetime


WORDS = {
    "step": "现在的状态不能这样做 Not from the present state",
    "reason": "请写明原因 Say why",
    "successor": "请写明新设备的地址 Name the new device's address",
    "no-model": "没有选型号，不能投用（5.1.1.3） No model: it may not be put in service",
    "no-certificate": "型号没有检验证书，不能投用（5.1.1.3）"
    " The model has no certificate: it may not be put in service",
    "certificate-over": "型号的检验证书已过期，不能投用（5.1.1.3）"
    " The model's certificate is over: it may not be put in service",
    "address": "这个地址已被另一台在用设备占用 Another device in service has this address",
    "number": "这个编号已被占用 Another device has this number",
    "place": "没有这一户或这栋楼 No such home or building",
    "model": "没有这个型号 No such model",
    "position": "没有位置：选楼院或填坐标 No position: choose a building or give one",
    "needed": "地址和类别必须填写 Address and kind are needed",
    "kind": "类别与型号不符 The kind is not the model's",
    "nothing": "没有改动 Nothing changes",
}


def refused(why: str, **facts: Any) -> DeviceRefused:
    return DeviceRefused(WORDS[why], why=why, **facts)


async def create(entry: Entry, by: By) -> UUID:
    """Plan a detector.

    Raises:
        DeviceRefused: something is missing, or its address or number is another's.
    """
    async with OPERATIONS.transaction():
        return await write(await columns_of(entry, None), by, reason=None)


async def write(columns: dict[str, Any], by: By, *, reason: str | None) -> UUID:
    """Write down a planned detector with its history; inside the caller's transaction.

    Raises:
        DeviceRefused: as ``create``.
    """
    if not columns.get("address") or not columns.get("kind"):
        raise refused("needed")
    if columns.get("lat") is None:
        raise refused("position")
    detector_id = uuid7()
    fields = {"id": detector_id, "state": State.PLANNED, **columns}
    await _written(
        f"INSERT INTO detector ({', '.join(fields)})"  # noqa: S608
        f" VALUES ({', '.join(f'${n}' for n in range(1, len(fields) + 1))})",
        *fields.values(),
    )
    await note(detector_id, "created", {}, columns, by, reason)
    return detector_id


async def edit(detector_id: UUID, change: Edit, by: By) -> None:
    """Change a detector.

    Raises:
        NotFound, DeviceChanged, DeviceRefused: see there.
    """
    async with OPERATIONS.transaction():
        was = await locked(detector_id)
        if was["version"] != change.version:
            raise DeviceChanged(
                "已被别人修改，请刷新 Changed by somebody else", version=was["version"]
            )
        columns = await columns_of(change.entry, was)
        after = {name: value for name, value in columns.items() if was[name] != value}
        if not after:
            raise refused("nothing")
        await change_columns(was, after, "changed", by, change.reason)


async def change_columns(
    was: Row, after: Mapping[str, Any], action: str, by: By, reason: str | None
) -> None:
    """Write these columns with their history; inside the caller's transaction."""
    assignments = ", ".join(f"{name} = ${n}" for n, name in enumerate(after, 2))
    await _written(
        f"UPDATE detector SET version = version + 1, {assignments} WHERE id = $1",  # noqa: S608
        was["id"],
        *after.values(),
    )
    before = {name: was[name] for name in after}
    await note(was["id"], action, before, dict(after), by, reason)


async def do(detector_id: UUID, doing: Doing, by: By) -> UUID | None:
    """One step of a detector's life; the id of the detector that takes its place, if any.

    Raises:
        NotFound: no such detector.
        DeviceRefused: the step is not allowed, or something that it needs is missing.
    """
    reason = doing.reason.strip()
    async with OPERATIONS.transaction():
        was = await locked(detector_id)
        certificate = await _certificate(was["model_id"])
        try:
            then = flow.step(
                State(was["state"]),
                doing.act,
                certificate=certificate,
                today=by.at.astimezone(AREA).date(),
                reason=reason,
                successor=bool(doing.successor),
            )
        except flow.Refused as no:
            raise refused(no.why, state=was["state"], act=doing.act) from no
        after: dict[str, Any] = {"state": str(then)}
        if doing.act is Act.COMMISSION:
            after["commissioned_at"] = by.at
        await change_columns(was, after, doing.act, by, reason or None)
        if doing.act is not Act.REPLACE or doing.successor is None:
            return None
        columns = {name: was[name] for name in PLACED}
        columns |= {"address": doing.successor, "protocol": doing.successor.partition("/")[0]}
        successor = await write(columns, by, reason=reason)
        await OPERATIONS.execute(
            "UPDATE detector SET replaced_by = $2 WHERE id = $1", detector_id, successor
        )
        return successor


async def locked(detector_id: UUID) -> Row:
    """The detector's row, locked until the transaction ends.

    Raises:
        NotFound: no such detector.
    """
    row = await OPERATIONS.fetch_one(
        "SELECT * FROM detector WHERE id = $1 FOR NO KEY UPDATE", detector_id
    )
    if row is None:
        raise NotFound(f"没有这个探测器 no detector {detector_id}")
    return row


async def columns_of(entry: Entry, was: Row | None) -> dict[str, Any]:
    """What an entry means for the table; what follows from it (protocol, position) included."""
    columns: dict[str, Any] = {
        column: (value.strip() or None if isinstance(value, str) else value)
        for field, column in COLUMNS.items()
        if (value := getattr(entry, field)) is not UNSET
    }
    if "label" in columns:
        columns["label"] = columns["label"] or ""
    if columns.get("address"):
        columns["protocol"] = columns["address"].partition("/")[0]
    await _model_into(columns, was)
    await _place_into(columns, entry.position, was)
    return columns


async def _model_into(columns: dict[str, Any], was: Row | None) -> None:
    model_id = columns.get("model_id")
    if model_id is None:
        return
    model = await OPERATIONS.fetch_one("SELECT * FROM model WHERE id = $1", model_id)
    if model is None:
        raise refused("model")
    kind = columns.get("kind") or (was["kind"] if was else model["kind"])
    if kind != model["kind"]:
        raise refused("kind")
    columns["kind"] = kind
    columns["model"] = model["name"]
    if was is None:
        columns.setdefault("link", model["link"])
        if model["report_interval_s"]:
            columns.setdefault("report_interval_s", model["report_interval_s"])


async def _place_into(
    columns: dict[str, Any], position: Position | msgspec.UnsetType, was: Row | None
) -> None:
    """The home's building, and a position: the one given, else the home's or the building's."""
    near = None
    if columns.get("household_id") is not None:
        near = await OPERATIONS.fetch_one(
            "SELECT building_id, lat, lon FROM household WHERE id = $1", columns["household_id"]
        )
        if near is None:
            raise refused("place")
        columns["building_id"] = near["building_id"]
    elif columns.get("building_id") is not None:
        near = await OPERATIONS.fetch_one(
            "SELECT lat, lon FROM building WHERE id = $1", columns["building_id"]
        )
        if near is None:
            raise refused("place")
    if isinstance(position, Position):
        columns |= placed(position)
    elif near is not None and was is None:
        columns |= {"lat": near["lat"], "lon": near["lon"]}


def placed(position: Position) -> dict[str, Any]:
    """The five columns of a position: WGS-84, and as it was given."""
    at = convert(Point(position.lat, position.lon, Datum(position.datum)), Datum.WGS84)
    return {
        "lat": at.lat, "lon": at.lon, "datum": position.datum,
        "entered_lat": position.lat, "entered_lon": position.lon,
    }  # fmt: skip


async def _certificate(model_id: UUID | None) -> Certificate | None:
    row = await OPERATIONS.fetch_one(
        "SELECT certificate_number, certificate_until, waived_by FROM model WHERE id = $1", model_id
    )
    if row is None:
        return None
    return Certificate(
        number=row["certificate_number"],
        until=row["certificate_until"],
        waived_by=row["waived_by"],
    )


async def _written(sql: str, *args: Any) -> None:
    try:
        await OPERATIONS.execute(sql, *args)
    except asyncpg.UniqueViolationError as taken:
        why = "number" if taken.constraint_name == "detector_number" else "address"
        raise refused(why) from taken


async def note(
    detector_id: UUID,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
    by: By,
    reason: str | None,
) -> None:
    """The history and the audit row of one change, inside its transaction."""
    plain = [msgspec.to_builtins(each) for each in (before, after)]
    await OPERATIONS.execute(
        "INSERT INTO detector_change (id, detector_id, action, before, after, reason, by_account,"
        " by_name, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        uuid7(), detector_id, action, plain[0], plain[1], reason, by.account_id, by.name, by.at,
    )  # fmt: skip
    await audit.record(
        OPERATIONS,
        actor=by.account_id,
        role=by.role,
        action=f"devices.{action}",
        subject=detector_id,
        before=plain[0],
        after=plain[1],
        reason=reason,
        at=by.at,
    )
