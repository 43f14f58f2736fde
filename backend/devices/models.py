"""Makers' models and the certificates that 5.1.1.3 asks for."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from backend.audit import service as audit
from backend.devices import flow
from backend.devices.entries import ModelEntry, ModelView
from backend.devices.flow import CLASS_OF_KIND, Certificate
from backend.devices.registry import AREA, By, DeviceRefused, refused
from backend.shared.clock import Clock
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7
from backend.shared.problems import NotFound


async def models(clock: Clock) -> list[ModelView]:
    """Every model by kind, maker and name, with how many detectors it has."""
    today = clock.now().astimezone(AREA).date()
    rows = await OPERATIONS.fetch(
        "SELECT m.*, coalesce(n.detectors, 0) AS detectors FROM model m LEFT JOIN"
        " (SELECT model_id, count(*) AS detectors FROM detector GROUP BY model_id) n"
        " ON n.model_id = m.id ORDER BY m.kind, m.maker, m.name"
    )
    return [
        ModelView(
            **row,
            lacking=flow.lacking(
                Certificate(
                    number=row["certificate_number"],
                    until=row["certificate_until"],
                    waived_by=row["waived_by"],
                ),
                today,
            ),
        )
        for row in rows
    ]


async def save(model_id: UUID | None, entry: ModelEntry, by: By) -> UUID:
    """Write a model down, or change it; its detectors keep the name they show in step.

    Raises:
        NotFound: no such model.
        DeviceRefused: another model of this maker has the name, or detectors hang there that are
            of another kind.
    """
    facts: dict[str, Any] = msgspec.structs.asdict(entry)
    facts["sensing_class"] = entry.sensing_class or CLASS_OF_KIND[entry.kind]
    new = model_id is None
    model_id = model_id or uuid7()
    names = ", ".join(facts)
    values = ", ".join(f"${n}" for n in range(2, len(facts) + 2))
    async with OPERATIONS.transaction():
        try:
            if new:
                sql = f"INSERT INTO model (id, {names}) VALUES ($1, {values})"  # noqa: S608
            else:
                sql = (
                    f"UPDATE model SET version = version + 1, ({names}) = ({values}) WHERE id = $1"  # noqa: S608
                )
            done = await OPERATIONS.execute(sql, model_id, *facts.values())
        except asyncpg.UniqueViolationError as taken:
            raise DeviceRefused("已有这个型号 This model is here already", why="model") from taken
        if not done:
            raise NotFound("没有这个型号 No such model")
        if await OPERATIONS.fetch_value(
            "SELECT EXISTS (SELECT FROM detector WHERE model_id = $1 AND kind <> $2)",
            model_id,
            entry.kind,
        ):
            raise refused("kind")
        await OPERATIONS.execute(
            "UPDATE detector SET model = $2 WHERE model_id = $1 AND model <> $2",
            model_id,
            entry.name,
        )
        await audit.record(
            OPERATIONS,
            actor=by.account_id,
            role=by.role,
            action="devices.model_added" if new else "devices.model_changed",
            subject=model_id,
            after=msgspec.to_builtins(facts),
            at=by.at,
        )
    return model_id


async def waive(model_id: UUID, reason: str, by: By) -> None:
    """Let detectors of a model serve without a certificate, for a reason; an empty one ends that.

    Raises:
        NotFound: no such model.
    """
    reason = reason.strip()
    async with OPERATIONS.transaction():
        done = await OPERATIONS.execute(
            "UPDATE model SET version = version + 1, waived_by = $2, waived_reason = $3,"
            " waived_at = $4 WHERE id = $1",
            model_id,
            by.name if reason else None,
            reason or None,
            by.at if reason else None,
        )
        if not done:
            raise NotFound("没有这个型号 No such model")
        await audit.record(
            OPERATIONS,
            actor=by.account_id,
            role=by.role,
            action="devices.certificate_waived" if reason else "devices.waiver_ended",
            subject=model_id,
            after={"waived": bool(reason)},
            reason=reason or None,
            at=by.at,
        )
