"""The register as sensing needs it for every message: detectors by address, in memory."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from backend.devices.gateways import gateway_of
from backend.devices.schemas import Known
from backend.shared.clock import Clock, SystemClock
from backend.shared.db import OPERATIONS, Row
from backend.shared.listen import Listener

FIND_SQL = """
SELECT d.address, d.id, d.kind, d.rule_group, d.report_interval_s, d.household_id, d.model_id,
    coalesce(d.building_id, h.building_id) AS building_id
FROM detector d LEFT JOIN household h ON h.id = d.household_id
WHERE d.address = ANY($1) AND d.state NOT IN ('planned', 'replaced', 'retired')
"""
MISSING_AT_MOST = 100_000


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A maintenance window or a test session, and whom it is for: one of the four. Times UTC."""

    flag: str
    detector_id: UUID | None
    building_id: UUID | None
    model_id: UUID | None
    gateway: str | None
    begins_at: datetime
    ends_at: datetime


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a detector stands among its pauses; ``turns_at`` is when that has to be asked again."""

    until: datetime | None = None
    flag: str | None = None
    turns_at: datetime | None = None


def standing(pauses: Iterable[Pause], at: datetime) -> Standing:
    """Whether a detector with these pauses is paused at a moment. Pure.

    A test session says more than the maintenance around it, so its flag is the one that readings
    get; the pause lasts until the last of those that run now ends.
    """
    ahead = [pause for pause in pauses if at < pause.ends_at]
    running = [pause for pause in ahead if pause.begins_at <= at]
    turns = [pause.begins_at for pause in ahead if at < pause.begins_at]
    turns += [pause.ends_at for pause in running]
    if not running:
        return Standing(turns_at=min(turns, default=None))
    return Standing(
        until=max(pause.ends_at for pause in running),
        flag="test" if any(pause.flag == "test" for pause in running) else "maintenance",
        turns_at=min(turns),
    )


class Register:
    """Detectors by address, kept in memory as a cache of the register.

    A change of the register empties the cache (channel ``devices``, a hint); an address that was
    not found is asked for again after ``retry_s``, so a lost hint costs no more than that. A pause
    that begins or ends concerns only its detectors: they are asked for again at that moment.
    """

    def __init__(
        self,
        listener: Listener | None = None,
        *,
        retry_s: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self._known: dict[str, Known] = {}
        self._missing: dict[str, float] = {}
        self._retry_s = retry_s
        self._changed = listener.event("devices") if listener else None
        self._clock = clock or SystemClock()
        self._turns: dict[str, datetime] = {}
        self._next_turn: datetime | None = None
        self._words: dict[str | None, str | None] = {}

    async def find(self, addresses: set[str]) -> Mapping[str, Known]:
        """The detectors in service at these addresses; unknown ones are missing."""
        self._forget_what_changed()
        known, now = self._known, time.monotonic()
        asked = [a for a in addresses if a not in known and self._missing.get(a, 0.0) <= now]
        if asked:
            await self._ask(asked, now)
        return {address: known[address] for address in addresses if address in known}

    async def _ask(self, asked: list[str], now: float) -> None:
        rows = await OPERATIONS.fetch(FIND_SQL, asked)
        if rows:
            at = self._clock.now()
            pauses = await open_pauses(at)
            for row in rows:
                self._remember(row, pauses, at)
        if len(self._missing) > MISSING_AT_MOST:
            self._missing.clear()
        self._missing.update({a: now + self._retry_s for a in asked if a not in self._known})

    def _remember(self, row: Row, pauses: list[Pause], at: datetime) -> None:
        address = row["address"]
        stands = standing(that_concern(row, pauses), at)
        if stands.turns_at is not None:
            self._turns[address] = stands.turns_at
            self._next_turn = min(self._next_turn or stands.turns_at, stands.turns_at)
        self._known[address] = Known(
            detector_id=row["id"],
            kind=self._word(row["kind"]) or "",
            group=self._word(row["rule_group"]),
            interval_s=row["report_interval_s"],
            household_id=row["household_id"],
            paused_until=stands.until,
            paused_as=stands.flag,
        )

    def _word(self, word: str | None) -> str | None:
        """The one copy of a word that a hundred thousand detectors share."""
        return self._words.setdefault(word, word)

    def _forget_what_changed(self) -> None:
        if self._changed is not None and self._changed.take():
            self._known.clear()
            self._missing.clear()
            self._turns.clear()
            self._next_turn = None
        if self._next_turn is not None and self._next_turn <= (now := self._clock.now()):
            for address in [a for a, turns_at in self._turns.items() if turns_at <= now]:
                del self._turns[address]
                self._known.pop(address, None)
            self._next_turn = min(self._turns.values(), default=None)


async def open_pauses(at: datetime) -> list[Pause]:
    """Pauses that run or are ahead at a moment (UTC)."""
    rows = await OPERATIONS.fetch(
        "SELECT flag, detector_id, building_id, model_id, gateway, begins_at, ends_at FROM pause"
        " WHERE ends_at > $1 AND ended_at IS NULL",
        at,
    )
    return [Pause(**row) for row in rows]


def that_concern(row: Row, pauses: Iterable[Pause]) -> list[Pause]:
    """Those of a detector, by its row: id, building_id, model_id and address."""
    return [pause for pause in pauses if _concerns(pause, row)]


def _concerns(pause: Pause, row: Row) -> bool:
    if pause.detector_id is not None:
        return bool(pause.detector_id == row["id"])
    if pause.building_id is not None:
        return bool(pause.building_id == row["building_id"])
    if pause.model_id is not None:
        return bool(pause.model_id == row["model_id"])
    return pause.gateway == gateway_of(row["address"])
