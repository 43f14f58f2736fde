"""The duty desk's board: what changed since a cursor, who is where, and how old all this is."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, get
from litestar.params import Parameter

from backend.access.guards import requires
from backend.dispatch import service as moves
from backend.dispatch.schemas import Move
from backend.incidents import journal
from backend.shared.context import Ctx
from backend.shared.db import OPERATIONS, TELEMETRY
from backend.staff import service as staff

AREA = ZoneInfo("Asia/Shanghai")
CHANGED_AT_MOST = 200
QUIET_AFTER = timedelta(seconds=60)


class StaffDot(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody on duty on the map, degrees WGS-84."""

    staff_id: UUID
    name: str
    badge: str
    lat: float
    lon: float
    accuracy_m: float | None
    at: datetime
    on_duty: bool
    busy_with: str | None


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """Since midnight in the service area. ``presented2sPct`` is of 6.2.1's 2 s."""

    alerts: int
    presented_2s_pct: float | None = msgspec.field(name="presented2sPct")
    claim_median_s: float | None = msgspec.field(name="claimMedianS")


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """4.2.3: field staff on duty to households; 1:400 is the advice."""

    staff: int
    households: int


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    ok: bool
    detail: str


class Board(msgspec.Struct, frozen=True, kw_only=True):
    cursor: int
    now: datetime
    full: bool
    incidents: list[msgspec.Raw]
    staff: list[StaffDot]
    today: Today
    ratio: Ratio
    layers: list[Layer]
    moves: list[Move]


ROWS = (
    "SELECT cursor, board FROM incident WHERE NOT EXISTS (SELECT FROM drill d"
    " WHERE d.incident_id = incident.id"
    " AND NOT (d.started_by = $1 OR coalesce($2::uuid = ANY(d.staff), false)))"
)
"""A drill stands on no board but its leader's and its people's."""


@get("/api/desk/board", guards=[requires("desk", "desk_lead", "manager")], operation_id="Board")
async def board(
    request: Request[Any, Any, Any],
    ctx: Ctx,
    since: Annotated[int, Parameter(ge=0)] = 0,
) -> Board:
    """Everything open (``since`` 0 or too old), or only the rows changed after the cursor."""
    at = ctx.clock.now()
    me = (request.user.account_id, request.user.staff_id)
    # read first: what comes meanwhile is told again; cursors become visible in their order
    top = await OPERATIONS.fetch_value("SELECT coalesce(max(cursor), 0) FROM incident")
    rows = (
        await OPERATIONS.fetch(
            f"{ROWS} AND cursor > $3 ORDER BY cursor LIMIT $4",
            *me,
            since,
            CHANGED_AT_MOST + 1,
        )
        if since
        else []
    )
    full = not since or len(rows) > CHANGED_AT_MOST
    if full:
        rows = await OPERATIONS.fetch(
            f"{ROWS} AND (state <> 'archived' OR (board ->> 'afterSeal')::int > 0) ORDER BY cursor",
            *me,
        )
    cursor = max(top, max((row["cursor"] for row in rows), default=since))
    return Board(
        cursor=cursor,
        now=at,
        full=full,
        incidents=[_row(row["board"], row["cursor"]) for row in rows],
        staff=await _people(at),
        today=await _today(at),
        ratio=await _ratio(),
        layers=await _layers(at),
        moves=await moves.standing(),
    )


def _row(board_json: str, cursor: int) -> msgspec.Raw:
    return msgspec.Raw(f'{{"cursor":{cursor},{board_json[1:]}'.encode())


async def _people(at: datetime) -> list[StaffDot]:
    leading = await journal.leading(UUID(int=0))
    return [
        StaffDot(
            staff_id=one.person_id,
            name=one.name,
            badge=one.badge,
            lat=one.lat,
            lon=one.lon,
            accuracy_m=one.accuracy_m,
            at=one.at or at,
            on_duty=True,
            busy_with=leading.get(one.person_id),
        )
        for one in await staff.on_duty_people(at)
        if one.post == "field" and one.lat is not None and one.lon is not None
    ]


async def _today(at: datetime) -> Today:
    start = at.astimezone(AREA).replace(hour=0, minute=0, second=0, microsecond=0)
    row = await OPERATIONS.fetch_one(
        "SELECT count(*) AS alerts,"
        " 100.0 * count(*) FILTER (WHERE presented_ms <= 2000)"
        " / nullif(count(*) FILTER (WHERE presented_ms IS NOT NULL"
        " OR emitted_at < $2), 0) AS in_time,"
        " percentile_cont(0.5) WITHIN GROUP"
        " (ORDER BY extract(epoch FROM claimed_at - emitted_at)) AS claim"
        " FROM incident WHERE emitted_at >= $1"
        " AND NOT EXISTS (SELECT FROM drill d WHERE d.incident_id = incident.id)",
        start,
        at - timedelta(seconds=2),
    )
    assert row is not None
    in_time, claim = row["in_time"], row["claim"]
    return Today(
        alerts=row["alerts"],
        presented_2s_pct=None if in_time is None else round(float(in_time), 1),
        claim_median_s=None if claim is None else round(float(claim), 1),
    )


async def _ratio() -> Ratio:
    row = await OPERATIONS.fetch_one(
        "SELECT (SELECT count(*) FROM duty d JOIN person p ON p.id = d.person_id"
        " WHERE d.on_since IS NOT NULL AND p.post = 'field') AS staff,"
        " (SELECT count(*) FROM household) AS households"
    )
    assert row is not None
    return Ratio(staff=row["staff"], households=row["households"])


async def _layers(at: datetime) -> list[Layer]:
    """7.1.7 in small: do readings still come, and is anything left undone."""
    newest = await TELEMETRY.fetch_value("SELECT max(received_at) FROM detector_state")
    stuck = await OPERATIONS.fetch_value("SELECT count(*) FROM work WHERE dead_at IS NOT NULL")
    heard = newest is not None and at - newest <= QUIET_AFTER
    age = "" if newest is None else f"{max(0, round((at - newest).total_seconds()))} s"
    return [
        Layer(name="sensing", ok=heard, detail=age),
        Layer(name="pipeline", ok=not stuck, detail=str(stuck or "")),
    ]


ROUTES = [board]
