"""What the rest of the platform may ask of sensing: latest values, series, and waiting alerts."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend.sensing import muting
from backend.sensing.flow import DetectorState, Watch, due_at
from backend.sensing.rule import Of, Rule
from backend.sensing.rules import RuleBook
from backend.shared.db import TELEMETRY

DRAIN_LOCK = 7_310_002
"""Advisory lock: one worker drains at a time, so a clear never overtakes a raise."""


FEW = 25
"""▲ Tickets or late history taken together, while an alarm may come in behind them."""


class Alert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of the outbox.

    ``type``: ``raised`` · ``value`` (still on, the number moved) · ``normal`` (one more fresh
    normal reading) · ``cleared`` (its rule is met) · ``late`` (an alarm that happened in the past
    or was kept by the broker: for a person, never an alert by itself) · ``ticket``.
    ``body`` of a ticket: kind, address, reason, detail; else rule, episode, normals,
    normalsNeeded, normalSince. ``alert_id`` of ``raised`` is the episode.
    """

    alert_id: UUID
    type: str
    detector_id: UUID | None
    kind: str | None
    quantity: str | None
    value: float | None
    unit: str | None
    limit: float | None
    flags: tuple[str, ...]
    measured_at: datetime | None
    received_at: datetime
    emitted_at: datetime
    body: dict[str, Any]


class Latest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One quantity of a detector now. ``received_at`` is None until something was heard."""

    detector_id: UUID
    quantity: str
    value: float | None
    unit: str | None
    measured_at: datetime | None
    received_at: datetime | None
    flags: tuple[str, ...]
    alarming: bool
    limit: float | None
    normals: int
    normals_needed: int
    normal_since: datetime | None
    muted_until: datetime | None = None


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One stored reading."""

    detector_id: UUID
    quantity: str
    value: float
    unit: str | None
    measured_at: datetime
    received_at: datetime
    flags: tuple[str, ...]


@asynccontextmanager
async def take_alerts(limit: int = 200) -> AsyncIterator[list[Alert]]:
    """The oldest waiting alerts, in order; they count as taken when the block ends well.

    Late history and technicians' tickets come when nothing else waits, and few at a time: a fire
    that is raised among ten thousand of them is next.

    The block commits its own work in other databases before it ends. If it raises, or the
    process dies, the same alerts come again: whoever acts on them does so once per ``alert_id``.
    Empty when nothing waits, or while another worker is draining (it will see the new rows).
    """
    async with TELEMETRY.transaction():
        if not await TELEMETRY.fetch_value("SELECT pg_try_advisory_xact_lock($1)", DRAIN_LOCK):
            yield []
            return
        rows = await TELEMETRY.fetch(
            'SELECT alert_id, type, detector_id, kind, quantity, value, unit, "limit", flags,'
            " measured_at, received_at, emitted_at, body FROM alert_outbox"
            " WHERE taken_at IS NULL ORDER BY type = 'ticket', type = 'late', seq LIMIT $1",
            limit,
        )
        alarms = [row for row in rows if row["type"] not in ("ticket", "late")]
        rows = alarms or rows[:FEW]
        yield [
            Alert(
                **{
                    **row,
                    "flags": tuple(row["flags"]),
                    "body": msgspec.json.decode(row["body"]),
                }
            )
            for row in rows
        ]
        if rows:
            await TELEMETRY.execute(
                "UPDATE alert_outbox SET taken_at = now() WHERE alert_id = ANY($1)",
                [row["alert_id"] for row in rows],
            )


async def raised_by(alert_id: UUID, within_s: float) -> list[UUID]:
    """The detectors of this raised alert and of those raised before it, within so many seconds."""
    rows = await TELEMETRY.fetch(
        "SELECT DISTINCT past.detector_id FROM alert_outbox now JOIN alert_outbox past"
        " ON past.type = 'raised' AND past.detector_id IS NOT NULL AND past.seq <= now.seq"
        " AND past.emitted_at > now.emitted_at - make_interval(secs => $2)"
        " WHERE now.alert_id = $1",
        alert_id,
        within_s,
    )
    return [row["detector_id"] for row in rows]


async def latest(detector_ids: Sequence[UUID], rules: RuleBook) -> list[Latest]:
    """Every quantity of these detectors as last heard, with where its alarm stands."""
    await rules.refresh()
    rows = await TELEMETRY.fetch(
        "SELECT detector_id, kind, state FROM detector_state WHERE detector_id = ANY($1)",
        list(detector_ids),
    )
    found: list[Latest] = []
    for row in rows:
        state = msgspec.json.decode(row["state"], type=DetectorState)
        book = rules.of(row["kind"], state.group, row["detector_id"])
        for quantity, watch in state.watches.items():
            if "/" not in quantity:
                held = book.get(quantity, ())
                found.append(_latest(row["detector_id"], quantity, watch, held, state))
    return found


def _latest(
    detector_id: UUID, quantity: str, heard: Watch, rules: Sequence[Rule], state: DetectorState
) -> Latest:
    """A quantity as last heard, with the rule that alarms or, when all is quiet, the first."""
    on = [rule for rule in rules if (own := state.watches.get(rule.key)) and own.on]
    rule = on[-1] if on else next((rule for rule in rules if rule.first), None)
    watch = state.watches.get(rule.key, heard) if rule else heard
    return Latest(
        detector_id=detector_id,
        quantity=quantity,
        value=heard.value,
        unit=heard.unit,
        measured_at=heard.last_at,
        received_at=heard.received_at,
        flags=heard.flags,
        alarming=bool(on),
        limit=rule.limit if rule and rule.of is Of.VALUE else None,
        normals=watch.normals,
        normals_needed=rule.normals if rule else 0,
        normal_since=watch.normal_since,
        muted_until=state.muted_until,
    )


class AlarmComing(Exception):
    """An alarm of the detector is raised and nobody has acted on it yet."""


async def mute(
    detector_id: UUID,
    kind: str,
    until: datetime,
    rules: RuleBook,
    agreed: Callable[[], Awaitable[None]],
) -> None:
    """Let a detector raise nothing until then; ``until`` now or past lifts the mute.

    Args:
        until: UTC.
        agreed: called while nothing of this detector can be raised; refuses by raising, else
            commits who muted it and why. Only then does the mute hold.

    Raises:
        AlarmComing: see there.
    """
    async with TELEMETRY.transaction():
        await TELEMETRY.execute(
            "INSERT INTO detector_state (detector_id, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            detector_id,
            kind,
        )
        found = await TELEMETRY.fetch_value(
            "SELECT state FROM detector_state WHERE detector_id = $1 FOR UPDATE", detector_id
        )
        if await TELEMETRY.fetch_value(
            "SELECT EXISTS (SELECT FROM alert_outbox WHERE detector_id = $1 AND type = 'raised'"
            " AND taken_at IS NULL)",
            detector_id,
        ):
            raise AlarmComing
        await agreed()
        state = muting.muted(msgspec.json.decode(found, type=DetectorState), until)
        await TELEMETRY.execute(
            "UPDATE detector_state SET state = $2, alarming = $3, due_at = $4,"
            " version = version + 1 WHERE detector_id = $1",
            detector_id,
            msgspec.json.encode(state).decode(),
            state.alarming,
            due_at(state, rules.of(kind, state.group, detector_id)),
        )


async def series(
    detector_ids: Sequence[UUID],
    since: datetime,
    limit: int = 2000,
    until: datetime | None = None,
) -> list[Point]:
    """The newest ``limit`` readings received from ``since`` to ``until``, oldest first."""
    rows = await TELEMETRY.fetch(
        "SELECT detector_id, quantity, value, unit, measured_at, received_at, flags FROM reading"
        " WHERE detector_id = ANY($1) AND received_at >= $2"
        " AND received_at <= coalesce($4::timestamptz, 'infinity')"
        " ORDER BY received_at DESC LIMIT $3",
        list(detector_ids),
        since,
        limit,
        until,
    )
    return [Point(**{**row, "flags": tuple(row["flags"])}) for row in reversed(rows)]
