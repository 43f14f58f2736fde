"""The rows of one batch and the statements that write them, inside the caller's transaction."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from backend.sensing import flow
from backend.sensing.deliveries import Arrived
from backend.sensing.flow import DetectorState, Signal, SignalType
from backend.sensing.reading import Reading
from backend.sensing.rules import RuleBook
from backend.sensing.upkeep import Work
from backend.shared.db import TELEMETRY
from backend.shared.ids import uuid7

Changed = dict[UUID, tuple[str, DetectorState, Reading | None]]
"""Detectors whose state moved: kind, state now, last reading of the batch if there was one."""


class Overtaken(Exception):
    """A state that was kept in memory is not the stored one any more: nothing of this is stored."""


BEGINS = (SignalType.RAISED, SignalType.NOTED)
READING = ("detector_id", "quantity", "value", "unit", "flags", "measured_at", "received_at")
EVENT = ("detector_id", "address", "name", "at", "facts")
RAW = ("topic", "payload", "reason", "detail", "received_at", "retained")

COPY_FROM = 40
"""Readings; below that a pipelined INSERT costs less than setting up a COPY."""

INSERT_READING = """
INSERT INTO reading (detector_id, quantity, value, unit, flags, measured_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

INSERT_OUTBOX = """
INSERT INTO alert_outbox (alert_id, type, detector_id, kind, quantity, value, unit, "limit", flags,
    measured_at, received_at, emitted_at, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING
"""

UPDATE_STATES = """
UPDATE detector_state s SET
    state = n.state::jsonb,
    quantity = coalesce(n.quantity, s.quantity),
    value = coalesce(n.value, s.value),
    measured_at = coalesce(n.measured_at, s.measured_at),
    received_at = coalesce(n.received_at, s.received_at),
    alarming = n.alarming,
    due_at = n.due_at,
    heard_at = coalesce(n.heard_at, s.heard_at),
    version = n.version + 1
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::timestamptz[],
    $7::timestamptz[], $8::bool[], $9::timestamptz[], $10::timestamptz[])
    AS n (id, version, state, quantity, value, measured_at, received_at, alarming, due_at, heard_at)
WHERE s.detector_id = n.id AND s.version = n.version
"""
"""Whoever writes ``state`` raises ``version``: by this two writers notice each other."""

CALLED_AWAY = """
UPDATE silence_watch w SET away_at = n.at, check_at = n.at
FROM unnest($1::uuid[], $2::timestamptz[]) AS n (id, at) WHERE w.detector_id = n.id
"""


class Rows:
    """What one batch adds. ``now`` is the instant at which its alerts are emitted."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.readings: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.raw: list[tuple[Any, ...]] = []
        self.outbox: list[tuple[Any, ...]] = []
        self.heard: dict[UUID, datetime] = {}
        """Signs of life; those of detectors that did not change are not written by themselves."""
        self.away: dict[UUID, datetime] = {}
        """Detectors that their bridge or network calls away."""

    def reading(self, detector_id: UUID, item: Reading, value: float) -> None:
        """Store a reading."""
        self.readings.append(
            (
                detector_id,
                item.quantity,
                value,
                item.unit,
                item.flags,
                item.measured_at,
                item.received_at,
            )
        )

    def keep_raw(self, message: Arrived, reason: str, detail: str) -> None:
        """Store a message as it came, with the reason why it could not be used."""
        topic = message.topic[:1000].replace("\0", "�")
        self.raw.append(
            (topic, message.payload, reason, detail, message.received_at, message.retained)
        )

    def ticket(self, kind: str, address: str, reason: str, detail: object, of: UUID | None) -> None:
        """Ask for a technician: one per kind, address and day; the same again is the same."""
        day = self.now.astimezone(UTC).date().isoformat()
        alert_id = uuid5(NAMESPACE_URL, f"jiean:ticket:{kind}:{address}:{day}")
        body = {"kind": kind, "address": address, "reason": reason, "detail": detail}
        self._tell(alert_id, "ticket", of, body)

    def work(self, work: Work, address: str, detail: object, of: UUID | None) -> None:
        """Tell that a matter for a technician opened, goes on, or is over: once for each change."""
        body = {
            "kind": work.matter,
            "address": address,
            "reason": work.reason,
            "over": work.over,
            "detail": detail,
        }
        self._tell(uuid7(), "ticket", of, body)

    def tell(self, detector_id: UUID, signal: Signal) -> None:
        """Tell the platform one signal. A raise is told under its episode's id."""
        raised = signal.type in BEGINS and signal.episode
        body = {
            "rule": signal.rule,
            "rulesVersion": signal.version,
            "still": signal.still,
            "episode": signal.episode,
            "normals": signal.normals,
            "normalsNeeded": signal.normals_needed,
            "normalSince": signal.normal_since,
        }
        self._tell(raised or uuid7(), signal.type.value, detector_id, body, signal)

    def _tell(
        self,
        alert_id: UUID,
        kind: str,
        of: UUID | None,
        body: Mapping[str, object],
        signal: Signal | None = None,
    ) -> None:
        facts: tuple[Any, ...] = (None, None, None, None, None, [], None, self.now)
        if signal is not None:
            facts = (
                signal.kind,
                signal.quantity,
                signal.value,
                signal.unit,
                signal.limit,
                signal.flags,
                signal.measured_at,
                signal.received_at,
            )
        self.outbox.append((alert_id, kind, of, *facts, self.now, body))

    async def save(
        self, changed: Changed, rules: RuleBook, versions: Mapping[UUID, int] | None = None
    ) -> None:
        """Write everything; the caller's transaction makes it one.

        Args:
            versions: of the states that were changed, as they were read.

        Raises:
            Overtaken: somebody else has changed one of the states since it was read.
        """
        if len(self.readings) > COPY_FROM:
            await TELEMETRY.copy("reading", READING, self.readings)
        elif self.readings:
            await TELEMETRY.execute_many(INSERT_READING, self.readings)
        if changed:
            columns = _state_columns(changed, rules, self.heard, versions or {})
            if await TELEMETRY.execute(UPDATE_STATES, *columns) < len(changed):
                raise Overtaken
        if self.away:
            await TELEMETRY.execute(CALLED_AWAY, list(self.away), list(self.away.values()))
        if self.events:
            await TELEMETRY.copy("detector_event", EVENT, self.events)
        if self.raw:
            await TELEMETRY.copy("raw_message", RAW, self.raw)
        if self.outbox:
            await TELEMETRY.execute_many(INSERT_OUTBOX, self.outbox)
            await TELEMETRY.notify("alerts")


def _state_columns(
    changed: Changed,
    rules: RuleBook,
    heard: Mapping[UUID, datetime],
    versions: Mapping[UUID, int],
) -> list[list[Any]]:
    table = []
    for detector_id, (kind, state, last) in changed.items():
        table.append(
            (
                detector_id,
                versions[detector_id],
                msgspec.json.encode(state).decode(),
                last.quantity if last else None,
                flow.number(last.value) if last else None,
                last.measured_at if last else None,
                last.received_at if last else None,
                state.alarming,
                flow.due_at(state, rules.of(kind, state.group, detector_id)),
                heard.get(detector_id),
            )
        )
    return [list(column) for column in zip(*table, strict=True)]
