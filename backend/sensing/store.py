"""One batch of messages into the telemetry database, in one transaction.

Decode, evaluate, write: readings, detector state, events, raw messages with their reason, the
alert outbox, and which broker deliveries these were. Either all of a batch is stored or nothing,
so whoever gave us the messages may be told after ``write`` returns and not before.

A message can come twice: redelivered by the broker (then its delivery is remembered here) or
sent twice by its source (then a device-timed reading is known by time and value). It counts once.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from backend.sensing import flow, upkeep
from backend.sensing.adapters import (
    chirpstack,
    ctwing,
    dahua,
    hikvision,
    huawei,
    jiean,
    meokon,
    zigbee2mqtt,
)
from backend.sensing.adapters.gb26875 import meaning
from backend.sensing.clocks import believed, known_by_time
from backend.sensing.deliveries import Arrived, Deliveries, pack
from backend.sensing.flow import DetectorState
from backend.sensing.mapping.live import Mappings
from backend.sensing.nodes import node_adapters
from backend.sensing.reading import Adapter, Event, Reading, Rejected
from backend.sensing.rows import Changed, Overtaken, Rows
from backend.sensing.rules import RuleBook
from backend.shared.clock import Clock
from backend.shared.db import TELEMETRY
from backend.shared.ids import uuid7

ADAPTERS: dict[str, tuple[str, Adapter]] = {
    "zigbee2mqtt": ("zigbee2mqtt", zigbee2mqtt.decode),
    "jiean": ("jiean", jiean.decode),
    "application": ("chirpstack", chirpstack.decode),
    "gb26875": ("gb26875", meaning.decode),
    "ctwing": ("ctwing", ctwing.decode),
    "huawei": ("huawei", huawei.decode),
    "hikvision": ("hikvision", hikvision.decode),
    "dahua": ("dahua", dahua.decode),
    "meokon": ("meokon", meokon.decode),
}
"""By the first level of the topic: the protocol's name in an address, and its adapter. What comes
by another door than the broker is given a topic by that door."""

HEALTH_EVENTS = frozenset({"battery", "health", "heartbeat"})
"""Kept as the latest state, not as history."""
REPEATS_KNOWN_FOR = timedelta(days=8)
"""A device-timed reading that comes again later than this is stored again, as late."""
QUIET_EVENTS = frozenset(
    {"bridge", "bridge_log", "unmapped", "no_value", "command", "frame", "analog", "uplink", "push",
     "service", "sparkplug", "metric", "host_state", "climate", "unread"}
)  # fmt: skip
"""Neither health nor news: not stored."""


class Known(Protocol):
    """What the register says of a detector."""

    @property
    def detector_id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def group(self) -> str | None: ...
    @property
    def interval_s(self) -> int: ...
    @property
    def paused_until(self) -> datetime | None: ...
    @property
    def paused_as(self) -> str | None: ...


class Register(Protocol):
    """The register of detectors, seen from sensing."""

    async def find(self, addresses: set[str]) -> Mapping[str, Known]:
        """The detectors at these addresses (``<protocol>/<device>``); unknown ones are missing."""
        ...


class Stored(msgspec.Struct, kw_only=True):
    """What became of a batch."""

    readings: int = 0
    repeats: int = 0
    raw: int = 0
    signals: int = 0


States = dict[UUID, DetectorState]
Versions = dict[UUID, int]


class Store:
    """Writes batches; one per consumer.

    Detectors' states are kept in memory, so that a batch need not read them again. The stored
    row has a version that every writer raises: a batch that was judged by a state which somebody
    else has changed since is not stored, but judged again by what is stored now.

    Args:
        client_id: names the broker session.
        lane: which of several stores that serve this session.
        states_kept: how many states stay in memory; 0 reads, and locks, each batch's.
        deliveries_kept: how many of the broker's deliveries are remembered.
    """

    def __init__(
        self,
        register: Register,
        rules: RuleBook,
        clock: Clock,
        client_id: str,
        adapters: Mapping[str, tuple[str, Adapter]] | None = None,
        mappings: Mappings | None = None,
        *,
        lane: int = 0,
        states_kept: int = 0,
        deliveries_kept: int = 0,
    ) -> None:
        self.mappings = mappings or Mappings(clock, templates=())
        self._adapters = {**ADAPTERS, **(adapters or {}), **node_adapters()}
        self._register = register
        self._rules = rules
        self._clock = clock
        self._deliveries = Deliveries(client_id, lane=lane, keep=deliveries_kept)
        self._states_kept = states_kept
        self._held: dict[UUID, tuple[int, DetectorState]] = {}
        self._days_made: date | None = None
        self._episode = uuid7()

    async def start(self) -> None:
        """Make the days' partitions, stop whoever stored before us, recall the last deliveries."""
        self._held.clear()
        await self._ensure_days()
        await self._deliveries.begin()
        await self._deliveries.recall()

    async def write(
        self, messages: Sequence[Arrived], token: bytes | None = None, *, again: bool = False
    ) -> Stored:
        """Store a batch.

        Args:
            token: names this batch; stored with it.
            again: this batch was given before, and what became of it then is not known.

        Raises:
            Superseded: nothing was stored, another process does so now; ``start`` again or end.
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: as far as we
                know, nothing of it was stored; give the same batch ``again``.
        """
        await self._ensure_days()
        stored = Stored()
        if again and token is not None and await self._deliveries.stored(token):
            self._deliveries.remember(pack(messages))
            stored.repeats = len(messages)
            return stored
        fresh = [m for m in messages if not m.dup or not self._deliveries.known(m)]
        repeats = len(messages) - len(fresh)
        if not fresh:
            stored.repeats = repeats
            return stored
        await self.mappings.fresh()
        said = [(message, *self._decode(message)) for message in fresh]
        addresses = {
            f"{protocol}/{item.device}" for _, protocol, items in said for item in items
            if item.device is not None
        }  # fmt: skip
        await self._rules.refresh()
        known = await self._register.find(addresses) if addresses else {}
        kinds = {k.detector_id: k.kind for k in known.values()}
        deliveries = pack(fresh)
        while True:
            rows, stored = Rows(self._clock.now()), Stored(repeats=repeats)
            changed: Changed = {}
            try:
                async with TELEMETRY.transaction():
                    states, versions = await self._states(kinds)
                    told = await self._told_before(said, known, states)
                    for message, protocol, items in said:
                        self._take(
                            message, protocol, items, known, states, told, changed, rows, stored
                        )
                    for of in rows.heard.keys() - changed.keys():
                        changed[of] = (kinds[of], states[of], None)
                    await rows.save(changed, self._rules, versions)
                    await self._deliveries.save(deliveries, token)
            except Overtaken:
                self._forget(kinds)  # read anew they are locked, so this happens once
                continue
            except BaseException:
                self._forget(kinds)  # perhaps it was committed, perhaps not
                raise
            break
        self._keep(changed, versions)
        self._deliveries.remember(deliveries)
        self.mappings.note(said)
        stored.raw, stored.signals = len(rows.raw), len(rows.outbox)
        return stored

    async def write_poison(self, message: Arrived, detail: str) -> None:
        """Keep a message that made its batch fail, so that it cannot block those behind it."""
        rows = Rows(self._clock.now())
        rows.keep_raw(message, "store-failed", detail[:500].replace("\0", "�"))
        rows.ticket("undecodable", message.topic[:200].replace("\0", "�"), "store-failed", {}, None)
        async with TELEMETRY.transaction():
            await rows.save({}, self._rules)

    async def keep_refused(self, message: Arrived, why: Rejected) -> None:
        """Keep a message that its door refused, with the reason, and ask for a technician."""
        rows = Rows(self._clock.now())
        rows.keep_raw(message, why.reason, why.detail)
        address = f"{message.topic.partition('/')[0]}/{why.device}"
        rows.ticket("undecodable", address, why.reason, {"detail": why.detail}, None)
        async with TELEMETRY.transaction():
            await rows.save({}, self._rules)

    async def ask_technician(
        self, kind: str, address: str, reason: str, *, over: bool = False
    ) -> None:
        """Ask for a technician for what no message says, such as a line that fell silent.

        Args:
            over: it is well again; what was asked is taken back.
        """
        rows = Rows(self._clock.now())
        rows.work(upkeep.Work(matter=kind, reason=reason, over=over), address, {}, None)
        async with TELEMETRY.transaction():
            await rows.save({}, self._rules)

    async def elapse(self) -> int:
        """Let time do its part: alerts whose delay is over, clears whose wait is over."""
        await self._rules.refresh()
        now = self._clock.now()
        rows = Rows(now)
        changed: Changed = {}
        async with TELEMETRY.transaction():
            due = await TELEMETRY.fetch(
                "SELECT detector_id, kind, state, version FROM detector_state WHERE due_at <= $1"
                " ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED",
                now,
            )
            for row in due:
                state = msgspec.json.decode(row["state"], type=DetectorState)
                rules = self._rules.of(row["kind"], state.group, row["detector_id"])
                state, signals = flow.elapse(state, rules, now, episode=uuid7())
                for signal in signals:
                    rows.tell(row["detector_id"], signal)
                changed[row["detector_id"]] = (row["kind"], state, None)
            versions = {row["detector_id"]: row["version"] for row in due}
            if changed:
                await rows.save(changed, self._rules, versions)
        for detector_id in changed.keys() & self._held.keys():
            self._keep({detector_id: changed[detector_id]}, versions)
        return len(due)

    # ---- one message -------------------------------------------------------------------------

    def _decode(self, message: Arrived) -> tuple[str, tuple[Reading | Event | Rejected, ...]]:
        level = message.topic.partition("/")[0]
        found = self._adapters.get(level) or self.mappings.of(message.topic, level)
        if found is None:
            if self.mappings.only_listening(message.topic):
                return level, (Event(name="unread", at=message.received_at),)
            return level, (Rejected(reason="no-adapter", detail=f"topic {message.topic[:100]}"),)
        protocol, adapter = found
        return protocol, adapter(
            message.topic, message.payload, message.received_at, message.retained
        )

    def _take(
        self,
        message: Arrived,
        protocol: str,
        items: Sequence[Reading | Event | Rejected],
        known: Mapping[str, Known],
        states: dict[UUID, DetectorState],
        told: set[tuple[UUID, str, datetime, float]],
        changed: Changed,
        rows: Rows,
        stored: Stored,
    ) -> None:
        """All that one message says, into rows and states."""
        raw_why: Rejected | None = None
        unknown = False
        for item in items:
            address = f"{protocol}/{item.device}" if item.device is not None else protocol
            found = known.get(address)
            if found is not None and not message.retained and not _says_away(item):
                rows.heard[found.detector_id] = message.received_at
            if isinstance(item, Rejected):
                raw_why = raw_why or item
                rows.ticket(
                    "undecodable",
                    address,
                    item.reason,
                    {"detail": item.detail, "topic": message.topic[:200].replace("\0", "�")},
                    found.detector_id if found else None,
                )
            elif isinstance(item, Event):
                self._event(item, address, found, states, changed, rows)
            elif found is None:
                unknown = True
            else:
                self._reading(item, address, found, states, told, changed, rows, stored)
        if raw_why is not None:
            rows.keep_raw(message, raw_why.reason, raw_why.detail)
        elif unknown:
            address = next(f"{protocol}/{i.device}" for i in items if isinstance(i, Reading))
            rows.keep_raw(message, "unknown-device", address)
            rows.ticket("unknown-device", address, "unknown-device", {"topic": message.topic}, None)

    def _reading(
        self,
        item: Reading,
        address: str,
        found: Known,
        states: dict[UUID, DetectorState],
        told: set[tuple[UUID, str, datetime, float]],
        changed: Changed,
        rows: Rows,
        stored: Stored,
    ) -> None:
        state = states[found.detector_id]
        if found.paused_until is not None and item.received_at < found.paused_until:
            paused_as = found.paused_as or "maintenance"
            item = msgspec.structs.replace(item, flags=(*item.flags, paused_as))
        if "late" in item.flags:
            item = believed(item)
        value = flow.number(item.value)
        if known_by_time(item):
            key = (found.detector_id, item.quantity, item.measured_at, value)
            if key in told or flow.is_repeat(state, item):
                stored.repeats += 1
                return
            told.add(key)
        if (
            state.interval_s != found.interval_s
            or state.group != found.group
            or state.paused_until != found.paused_until
        ):
            state = msgspec.structs.replace(
                state, interval_s=found.interval_s, group=found.group,
                paused_until=found.paused_until,
            )  # fmt: skip
        rules = self._rules.of(found.kind, found.group, found.detector_id).get(item.quantity, ())
        state, signals = flow.evaluate(state, item, rules, episode=self._episode)
        if signals:
            self._episode = uuid7()
        if "fault" in item.flags or upkeep.OPEN in state.health:
            state = self._sensor(item, state, address, found, rows)
        states[found.detector_id] = state
        changed[found.detector_id] = (found.kind, state, item)
        for signal in signals:
            rows.tell(found.detector_id, signal)
        rows.reading(found.detector_id, item, value)
        stored.readings += 1

    def _event(
        self,
        item: Event,
        address: str,
        found: Known | None,
        states: dict[UUID, DetectorState],
        changed: Changed,
        rows: Rows,
    ) -> None:
        of = found.detector_id if found else None
        if item.name not in HEALTH_EVENTS and item.name not in QUIET_EVENTS:
            rows.events.append((of, address, item.name, item.at, dict(item.facts)))
        if found is not None:
            self._health(item, address, found, states, changed, rows)
        elif item.device is None and item.name == "bridge_state":
            over = item.facts.get("state") == "online"
            if over or item.facts.get("state") == "offline":
                work = upkeep.Work(matter="bridge-offline", reason=item.name, over=over)
                rows.work(work, address, dict(item.facts), None)
        elif item.device is None and item.name in upkeep.FAULTS:
            rows.ticket("fault", address, item.name, dict(item.facts), None)

    def _health(
        self,
        item: Event,
        address: str,
        found: Known,
        states: dict[UUID, DetectorState],
        changed: Changed,
        rows: Rows,
    ) -> None:
        """What a detector says of itself: kept as its health, told where it needs a technician."""
        of, state = found.detector_id, states[found.detector_id]
        health = state.health
        if upkeep.says_away(item):
            rows.away[of] = rows.now  # the watch for silence looks into it
            return
        today = rows.now.date()
        works = upkeep.works(health, item, today)
        if found.paused_until is not None and rows.now < found.paused_until:
            works = tuple(work for work in works if work.over)  # somebody is at it and knows
        if works:
            for work in works:
                rows.work(work, address, dict(item.facts), of)
            health = upkeep.taken(health, works, today)
        if item.name in HEALTH_EVENTS and item.facts:
            health = {**health, **item.facts}
        if health != state.health:
            state = msgspec.structs.replace(state, health=health)
            states[of] = state
        last = changed.get(of)
        changed[of] = (found.kind, state, last[2] if last else None)

    def _sensor(
        self, item: Reading, state: DetectorState, address: str, found: Known, rows: Rows
    ) -> DetectorState:
        """The sensor's own fault opens a matter, and a good fresh reading ends it."""
        if not {"late", "retained", "test", "maintenance"}.isdisjoint(item.flags):
            return state
        today = rows.now.date()
        works = upkeep.sensor(state.health, faulty="fault" in item.flags, today=today)
        for work in works:
            rows.work(work, address, {"quantity": item.quantity}, found.detector_id)
        if not works:
            return state
        health = upkeep.taken(state.health, works, today)
        return msgspec.structs.replace(state, health=health)

    # ---- the database ------------------------------------------------------------------------

    async def _states(self, kinds: Mapping[UUID, str]) -> tuple[States, Versions]:
        """The detectors' states, from memory or locked in one order, so that no two writers block
        each other; those that were never heard get their row."""
        states: States = {}
        versions: Versions = {}
        held = self._held
        missing: list[UUID] = []
        for detector_id in kinds:
            kept = held.get(detector_id)
            if kept is None:
                missing.append(detector_id)
            else:
                versions[detector_id], states[detector_id] = kept
        if not missing:
            return states, versions
        sql = (
            "SELECT detector_id, state, version FROM detector_state WHERE detector_id = ANY($1)"
            " ORDER BY detector_id FOR UPDATE"
        )
        found = await TELEMETRY.fetch(sql, missing)
        if len(found) < len(missing):
            await TELEMETRY.execute(
                "INSERT INTO detector_state (detector_id, kind)"
                " SELECT * FROM unnest($1::uuid[], $2::text[]) ORDER BY 1 ON CONFLICT DO NOTHING",
                missing,
                [kinds[detector_id] for detector_id in missing],
            )
            found = await TELEMETRY.fetch(sql, missing)
        for row in found:
            states[row["detector_id"]] = _decode_state(row["state"])
            versions[row["detector_id"]] = row["version"]
        return states, versions

    def _keep(self, changed: Changed, versions: Versions) -> None:
        """After a commit: the states as they are stored now."""
        held = self._held
        if not self._states_kept:
            return
        for detector_id, (_, state, _) in changed.items():
            held[detector_id] = (versions[detector_id] + 1, state)
        while len(held) > self._states_kept:
            del held[next(iter(held))]

    def _forget(self, kinds: Mapping[UUID, str]) -> None:
        for detector_id in kinds:
            self._held.pop(detector_id, None)

    async def _told_before(
        self,
        said: Sequence[tuple[Arrived, str, Sequence[Reading | Event | Rejected]]],
        known: Mapping[str, Known],
        states: Mapping[UUID, DetectorState],
    ) -> set[tuple[UUID, str, datetime, float]]:
        """Of the readings older than the newest known, those that are stored already."""
        asked: list[tuple[UUID, str, datetime, float]] = []
        for _, protocol, items in said:
            for item in items:
                if not isinstance(item, Reading) or not known_by_time(item):
                    continue
                found = known.get(f"{protocol}/{item.device}")
                if found is None:
                    continue
                watch = states[found.detector_id].watches.get(item.quantity)
                newest = watch.last_at if watch else None
                if "late" in item.flags or (newest and item.measured_at <= newest):
                    value = flow.number(item.value)
                    asked.append((found.detector_id, item.quantity, item.measured_at, value))
        if not asked:
            return set()
        columns = list(zip(*asked, strict=True))
        rows = await TELEMETRY.fetch(
            "SELECT DISTINCT r.detector_id, r.quantity, r.measured_at, r.value FROM reading r"
            " JOIN unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::float8[])"
            " AS a (detector_id, quantity, measured_at, value)"
            " USING (detector_id, quantity, measured_at, value)"
            " WHERE r.received_at > $5",
            *[list(column) for column in columns],
            self._clock.now() - REPEATS_KNOWN_FOR,
        )
        return {(r["detector_id"], r["quantity"], r["measured_at"], r["value"]) for r in rows}

    async def _ensure_days(self) -> None:
        today = self._clock.now().astimezone(UTC).date()
        if self._days_made != today:
            await ensure_partitions(today)
            self._days_made = today


async def ensure_partitions(today: date, days: int = 8) -> None:
    """Make the partitions of ``days`` days, yesterday's first; those that exist stay."""
    first = date.fromordinal(today.toordinal() - 1)
    await TELEMETRY.fetch_value("SELECT ensure_reading_partitions($1, $2)", first, days)


def _decode_state(text: str) -> DetectorState:
    return msgspec.json.decode(text, type=DetectorState)


def _says_away(item: Reading | Event | Rejected) -> bool:
    return item.__class__ is Event and upkeep.says_away(item)
