"""Moves that stand: proposed, answered, ended. Each change has its audit row."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.audit import service as audit
from backend.dispatch.flow.moving_up import Busy, Propose, Refused, Standing, answered
from backend.dispatch.schemas import Move
from backend.shared.db import OPERATIONS, Row
from backend.shared.ids import uuid7
from backend.shared.problems import NotFound, Problem
from geo.datum import convert
from geo.point import Datum, Point

LOOK_LOCK = 0x6A69_6504
"""One node at a time looks whether an area was left empty."""

_MOVES = (
    "SELECT id, area, area_name, lat, lon, staff_id, staff_name, metres, minutes, because, state,"
    " proposed_at, answered_at, answered_name, reason FROM move_up"
)


class MoveAnswered(Problem):
    """Somebody else answered otherwise, or the move ended by itself."""

    slug, status, title = "move-answered", 409, "This move is not open any more"


async def alone() -> bool:
    """Whether this transaction may look; false while another node does."""
    got = await OPERATIONS.fetch_value("SELECT pg_try_advisory_xact_lock($1)", LOOK_LOCK)
    return bool(got)


async def standing() -> list[Move]:
    """Moves that have not ended, oldest first."""
    rows = await OPERATIONS.fetch(f"{_MOVES} WHERE ended_at IS NULL ORDER BY proposed_at, id")
    return [_move(row) for row in rows]


async def of(staff_id: UUID) -> Move | None:
    """The move that somebody was told to make and that has not ended."""
    row = await OPERATIONS.fetch_one(
        f"{_MOVES} WHERE staff_id = $1 AND state = 'accepted' AND ended_at IS NULL", staff_id
    )
    return None if row is None else _move(row)


def _move(row: Row) -> Move:
    known = {name: row[name] for name in Move.__struct_fields__ if name in row}
    known["because"] = msgspec.json.decode(row["because"], type=list[Busy])
    drawn = convert(Point(row["lat"], row["lon"]), Datum.GCJ02)
    return Move(**known, gcj02=(drawn.lat, drawn.lon))


async def propose(found: Propose, *, area_name: str, at: datetime) -> Move:
    """Write a proposal down with everybody who was looked at."""
    move_id = uuid7()
    who = found.chosen
    await OPERATIONS.execute(
        "INSERT INTO move_up (id, area, area_name, lat, lon, staff_id, staff_name, metres, minutes,"
        " because, candidates, state, proposed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'proposed', $12)",
        move_id, found.area.key, area_name, found.area.centre.lat, found.area.centre.lon,
        who.staff_id, who.name, who.metres, who.minutes, found.because, found.candidates, at,
    )  # fmt: skip
    await audit.record(
        OPERATIONS, actor="system", role="system", action="move.proposed", subject=move_id,
        after={"area": area_name, "staff": str(who.staff_id)}, at=at,
    )  # fmt: skip
    return next(one for one in await standing() if one.id == move_id)


async def end(move_ids: Sequence[tuple[UUID, str]], *, at: datetime) -> list[Move]:
    """End moves, each with how; what had ended already is left as it was."""
    before = {one.id: one for one in await standing()}
    for move_id, how in move_ids:
        await OPERATIONS.execute(
            "UPDATE move_up SET ended_at = $2, ended_how = $3 WHERE id = $1 AND ended_at IS NULL",
            move_id, at, how,
        )  # fmt: skip
        await audit.record(
            OPERATIONS, actor="system", role="system", action="move.ended", subject=move_id,
            after={"how": how}, at=at,
        )  # fmt: skip
    return [before[move_id] for move_id, _ in move_ids if move_id in before]


async def answer(
    move_id: UUID, *, yes: bool, reason: str, actor: UUID, name: str, role: str, at: datetime
) -> tuple[Move, bool]:
    """The desk lead's answer; the same again changes nothing.

    Returns:
        The move after it, and whether anything changed.

    Raises:
        NotFound: there is no such move.
        MoveAnswered: it ended, or was answered otherwise.
    """
    async with OPERATIONS.transaction():
        row = await OPERATIONS.fetch_one(
            "SELECT area, staff_id, state, ended_at FROM move_up WHERE id = $1 FOR UPDATE", move_id
        )
        if row is None:
            raise NotFound("没有这条建议 No such move")
        before = Standing(
            id=move_id, area=row["area"], staff_id=row["staff_id"], state=row["state"]
        )
        try:
            state = answered(before, yes=yes)
        except Refused as refused:
            raise MoveAnswered("已有人答复 Answered already", state=str(refused)) from refused
        if row["ended_at"] is not None:
            raise MoveAnswered("已不需要 Not needed any more", state="ended")
        if state != before.state:
            await OPERATIONS.execute(
                "UPDATE move_up SET state = $2, answered_at = $3, answered_name = $4, reason = $5"
                " WHERE id = $1",
                move_id, state, at, name, reason,
            )  # fmt: skip
            await audit.record(
                OPERATIONS, actor=actor, role=role, action=f"move.{state}", subject=move_id,
                after={"reason": reason}, at=at,
            )  # fmt: skip
        found = next(one for one in await standing() if one.id == move_id)
    return found, state != before.state
