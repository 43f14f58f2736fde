"""Maintenance windows and test sessions: made, ended early, listed. They end by themselves."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.devices import flow
from backend.devices.entries import NewPause, PauseView
from backend.devices.flow import LIFE
from backend.devices.looking import FROM_PLACES
from backend.devices.registry import By
from backend.devices.service import spoken
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.shared.problems import NotFound, Problem


class PauseNotAllowed(Problem):
    """Longer than its detectors' kinds allow, in the past, or while one of them has an alarm."""

    slug, status, title = "pause-not-allowed", 422, "Such a window cannot be made"


WORDS = {
    "backwards": "结束要晚于开始 It ends before it begins",
    "past": "已经结束 It is over already",
    "too-long": "超过最长时间：{h} 小时 At most {h} h",
    "too-far": "最多提前 30 天安排 At most 30 days ahead",
    "alarm": "警情解除后才能开始 Only after the incident is released",
    "one": "请选一个范围 Choose one: a device, a building, a model or a gateway",
    "nobody": "这个范围内没有在用设备 No device in service there",
}
SCOPES = ("detector_id", "building_id", "model_id", "gateway")

CONCERNED = (
    f"SELECT d.id, d.kind{FROM_PLACES} WHERE d.state IN ('active', 'faulty', 'planned', 'muted')"
    " AND (d.id = $1 OR coalesce(d.building_id, h.building_id) = $2 OR d.model_id = $3"
    " OR starts_with(d.address, $4::text || '/'))"
)


def no(why: str, **facts: object) -> PauseNotAllowed:
    return PauseNotAllowed(WORDS[why].format(**facts), why=why)


async def make(new: NewPause, by: By) -> UUID:
    """Begin or plan a pause.

    Raises:
        PauseNotAllowed: it may not be.
    """
    scope = {name: getattr(new, name) for name in SCOPES}
    if sum(value is not None for value in scope.values()) != 1:
        raise no("one")
    begins_at = max(new.begins_at or by.at, by.at)
    ends_at = new.ends_at or begins_at + timedelta(minutes=new.lasts_min or 0)
    async with OPERATIONS.transaction():
        found = await OPERATIONS.fetch(CONCERNED, *scope.values())
        if not found:
            raise no("nobody")
        kinds = {row["kind"] for row in found}
        try:
            flow.check_pause(new.flag, kinds, begins_at, ends_at, by.at)
        except flow.PauseRefused as refused:
            raise no(refused.why, h=flow.most_hours(new.flag, kinds)) from refused
        if await OPERATIONS.fetch_value(
            "SELECT EXISTS (SELECT FROM incident WHERE detector_ids && $1::uuid[]"
            " AND state NOT IN ('released', 'archived'))",
            [row["id"] for row in found],
        ):
            raise no("alarm")
        pause_id = uuid7()
        await OPERATIONS.execute(
            "INSERT INTO pause (id, flag, detector_id, building_id, model_id, gateway, begins_at,"
            " ends_at, reason, by_account, by_name, made_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            pause_id, new.flag, *scope.values(), begins_at, ends_at, new.reason.strip(),
            by.account_id, by.name, by.at,
        )  # fmt: skip
        await audit.record(
            OPERATIONS,
            actor=by.account_id,
            role=by.role,
            action=f"devices.{new.flag}_planned",
            subject=pause_id,
            after={
                **msgspec.to_builtins(scope),
                "begins_at": begins_at.isoformat(),
                "ends_at": ends_at.isoformat(),
                "detectors": len(found),
            },
            reason=new.reason.strip(),
            at=by.at,
        )
    return pause_id


async def end(pause_id: UUID, by: By) -> None:
    """End a pause before its time; one that is over stays as it is.

    Raises:
        NotFound: no such pause.
    """
    async with OPERATIONS.transaction():
        row = await OPERATIONS.fetch_one(
            "SELECT flag, ends_at, ended_at FROM pause WHERE id = $1 FOR UPDATE", pause_id
        )
        if row is None:
            raise NotFound("没有这个维护时段 No such window")
        if row["ended_at"] is not None or row["ends_at"] <= by.at:
            return
        await OPERATIONS.execute(
            "UPDATE pause SET ended_at = $2, ended_by = $3 WHERE id = $1", pause_id, by.at, by.name
        )
        await audit.record(
            OPERATIONS,
            actor=by.account_id,
            role=by.role,
            action=f"devices.{row['flag']}_ended",
            subject=pause_id,
            at=by.at,
        )


async def detectors_in(pause_id: UUID) -> tuple[PauseView, list[UUID]]:
    """A pause and the detectors that it concerns.

    Raises:
        NotFound: no such pause.
    """
    row = await OPERATIONS.fetch_one(
        "SELECT detector_id, building_id, model_id, gateway FROM pause WHERE id = $1", pause_id
    )
    if row is None:
        raise NotFound("没有这个维护时段 No such window")
    found = await OPERATIONS.fetch(CONCERNED, *row.values())
    [view] = await _views("p.id = $1", pause_id)
    return view, [each["id"] for each in found]


async def running(at: datetime) -> list[PauseView]:
    """Pauses that run now, then those ahead, the first to end first."""
    return await _views("p.ended_at IS NULL AND p.ends_at > $1", at)


async def of_detector(detector_id: UUID, *, limit: int = 20) -> list[PauseView]:
    """A detector's own pauses, past ones too, the newest first."""
    views = await _views("p.detector_id = $1", detector_id)
    return sorted(views, key=lambda one: one.begins_at, reverse=True)[:limit]


async def _views(where: str, *args: object) -> list[PauseView]:
    rows = await OPERATIONS.fetch(
        "SELECT p.*, d.label, m.maker, m.name AS model, b.street, b.number AS door_number,"  # noqa: S608
        " coalesce(b.court, b.name, '') AS court, n.detectors, n.life FROM pause p"
        " LEFT JOIN detector d ON d.id = p.detector_id LEFT JOIN model m ON m.id = p.model_id"
        " LEFT JOIN building b ON b.id = p.building_id CROSS JOIN LATERAL"
        " (SELECT count(*) AS detectors, coalesce(bool_or(e.kind = ANY($2::text[])), false) AS life"
        " FROM detector e LEFT JOIN household f ON f.id = e.household_id"
        " WHERE e.state IN ('active', 'faulty') AND (e.id = p.detector_id"
        " OR e.model_id = p.model_id OR coalesce(e.building_id, f.building_id) = p.building_id"
        f" OR starts_with(e.address, p.gateway || '/'))) n WHERE {where}"
        " ORDER BY p.begins_at > now(), p.ends_at",
        *args,
        sorted(LIFE),
    )
    return [_view(dict(row)) for row in rows]


def _view(row: dict[str, object]) -> PauseView:
    scope = next(name for name in SCOPES if row[name] is not None)
    words = {
        "detector_id": str(row["label"]),
        "building_id": spoken(
            str(row["street"] or ""), str(row["door_number"] or ""), str(row["court"] or ""), ""
        ),
        "model_id": f"{row['maker']} {row['model']}",
        "gateway": str(row["gateway"]),
    }
    same = {name: row[name] for name in PauseView.__struct_fields__ if name in row}
    return PauseView(scope=scope.removesuffix("_id"), of=words[scope], **same)  # type: ignore[arg-type]
