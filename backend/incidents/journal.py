"""The journal in the operations database: load, append, and what is kept beside it.

An append is one transaction: events, the incident's board row, deadlines, reactions to do, the
command's answer and its audit row. ``(incident_id, version)`` is unique, so two writers can
never both be second.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from backend.incidents.flow import events as e
from backend.incidents.flow.deadlines import started_by
from backend.incidents.flow.decide import replay
from backend.incidents.flow.facts import Policy
from backend.incidents.flow.grouping import Standing
from backend.incidents.flow.incident import Incident
from backend.incidents.flow.rules import ANSWERING
from backend.incidents.flow.vocabulary import OPEN, Kind, Place, State
from backend.incidents.schemas import Answer
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7

AREA = ZoneInfo("Asia/Shanghai")
CURSOR_LOCK = 0x6A69_6501
"""Advisory lock under which cursors are given out: they become visible in their order."""
BUILDING_LOCK = 0x6A69_6502
PERSON_LOCK = 0x6A69_6503
WAITING_AT_MOST = 3
"""Incidents looked at again when one person becomes free: one of them can have that person."""
BUSY_STATES = frozenset(
    {State.EN_ROUTE, State.ON_SCENE, State.HANDLING, State.RESCUE, State.CLEARING}
)

_decoder = msgspec.json.Decoder(e.Event)
_answers = msgspec.json.Decoder(Answer)
_cache: dict[UUID, Incident] = {}
"""Folded prefixes of journals. A pure cache: newer rows are always read from the table."""
CACHED = 512


class BoardRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One card of the desk's queue, written in the event's own transaction."""

    id: UUID
    no: str
    version: int
    kind: str
    urgency: str
    state: str
    handling: str
    address: str
    lat: float
    lon: float
    emitted_at: datetime
    presented_ms: int | None
    claimed_by: str | None
    claimed_name: str
    claimed_at: datetime | None
    lead_name: str | None
    lead_minutes: float | None
    value: float | None
    unit: str
    quantity: str
    detectors: int
    alert_active: bool
    nobody_left: bool
    trapped: int
    injured: int
    owed: int
    late_statements: int
    c1: bool
    c2: bool
    after_seal: int = 0


def board_row(now: Incident) -> BoardRow:
    """The queue card of an incident; pure."""
    newest = max(now.detectors.values(), key=lambda d: d.raised_at)
    return BoardRow(
        id=now.id or UUID(int=0),
        no=now.no,
        version=now.version,
        kind=now.kind,
        urgency=now.urgency,
        state=now.state,
        handling=now.handling,
        address=now.place.address,
        lat=now.place.lat,
        lon=now.place.lon,
        emitted_at=now.emitted_at or datetime.min.replace(tzinfo=UTC),
        presented_ms=now.presented_ms,
        claimed_by=now.claimed_by,
        claimed_name=now.claimed_name,
        claimed_at=now.claimed_at,
        lead_name=now.lead.name if now.lead else None,
        lead_minutes=now.lead.minutes if now.lead else None,
        value=newest.raised_value,
        unit=newest.unit,
        quantity=newest.quantity,
        detectors=len(now.detectors),
        alert_active=now.alert_active,
        nobody_left=now.nobody_left,
        trapped=now.people.trapped,
        injured=now.people.injured,
        owed=sum(not o.settled for o in now.obligations),
        late_statements=len(now.late_statements),
        c1=now.c1 is not None,
        c2=now.c2 is not None,
        after_seal=len(now.after_seal),
    )


async def load(incident_id: UUID) -> Incident:
    """The incident folded from its journal; NEW (version 0) where there is none."""
    known = _cache.get(incident_id, Incident())
    rows = await OPERATIONS.fetch(
        "SELECT body FROM event WHERE incident_id = $1 AND version > $2 ORDER BY version",
        incident_id,
        known.version,
    )
    now = replay((_decoder.decode(row["body"]) for row in rows), known)
    if not OPERATIONS.transaction_exists():  # only what is committed is worth keeping
        remember(now)
    return now


async def lock(incident_id: UUID) -> None:
    """Hold the incident against other writers until the transaction ends."""
    await OPERATIONS.execute("SELECT 1 FROM incident WHERE id = $1 FOR UPDATE", incident_id)


async def events_of(incident_id: UUID) -> list[e.Event]:
    """The whole journal of an incident, oldest first."""
    rows = await OPERATIONS.fetch(
        "SELECT body FROM event WHERE incident_id = $1 ORDER BY version", incident_id
    )
    return [_decoder.decode(row["body"]) for row in rows]


async def event_at(seq: int) -> e.Event | None:
    body = await OPERATIONS.fetch_value("SELECT body FROM event WHERE seq = $1", seq)
    return None if body is None else _decoder.decode(body)


async def answer_of(command_id: UUID) -> Answer | None:
    """What was answered to this command before, or None."""
    body = await OPERATIONS.fetch_value(
        "SELECT answer FROM command_answer WHERE command_id = $1", command_id
    )
    return None if body is None else _answers.decode(body)


async def answers_of(command_ids: Sequence[UUID]) -> dict[UUID, Answer]:
    """What was answered to these commands before, by command; those never heard of are left out."""
    rows = await OPERATIONS.fetch(
        "SELECT command_id, answer FROM command_answer WHERE command_id = ANY($1::uuid[])",
        list(command_ids),
    )
    return {row["command_id"]: _answers.decode(row["answer"]) for row in rows}


async def keep_answers(incident_id: UUID, answers: Sequence[Answer], at: datetime) -> None:
    """Keep what was answered; an answer that is there already stays."""
    await OPERATIONS.execute(
        "INSERT INTO command_answer (command_id, incident_id, at, answer)"
        " SELECT c, $2, $3, a FROM unnest($1::uuid[], $4::jsonb[]) AS row (c, a)"
        " ON CONFLICT (command_id) DO NOTHING",
        [answer.command_id for answer in answers],
        incident_id,
        at,
        [msgspec.json.encode(answer) for answer in answers],
    )


async def next_number(at: datetime) -> str:
    """The next incident number of the day in the service area, ``YYYYMMDD-NNNN``, no gaps."""
    day = at.astimezone(AREA).date()
    last = await OPERATIONS.fetch_value(
        "INSERT INTO incident_number (day, last) VALUES ($1, 1)"
        " ON CONFLICT (day) DO UPDATE SET last = incident_number.last + 1 RETURNING last",
        day,
    )
    return f"{day:%Y%m%d}-{last:04d}"


async def lock_building(building_id: UUID) -> None:
    """Alerts of one building are grouped one after the other."""
    await OPERATIONS.execute(
        "SELECT pg_advisory_xact_lock($1, hashtext($2))", BUILDING_LOCK, str(building_id)
    )


async def standing_in(
    building_id: UUID, detector_id: UUID, home: Sequence[UUID], *, at: datetime
) -> list[Standing]:
    """Incidents that an alert emitted ``at`` could join or follow: those of its building, and real
    ones elsewhere that hold a detector of the same household (``home``), as a storm's does."""
    rows = await OPERATIONS.fetch(
        "SELECT id, kind, household_id, state, emitted_at, board ->> 'releasedAt' AS released_at,"
        " $2 = ANY(detector_ids) AS has_detector, detector_ids && $4 AS holds_home FROM incident"
        " WHERE (building_id = $1 OR (detector_ids && $4"
        " AND NOT EXISTS (SELECT FROM drill d WHERE d.incident_id = incident.id)))"
        " AND (state NOT IN ('released', 'archived')"
        " OR (board ->> 'releasedAt')::timestamptz > $3::timestamptz - interval '1 day')",
        building_id,
        detector_id,
        at,
        list(home),
    )
    return [
        Standing(
            id=row["id"],
            kind=Kind(row["kind"]),
            household_id=row["household_id"],
            open=State(row["state"]) in OPEN,
            emitted_at=row["emitted_at"],
            released_at=datetime.fromisoformat(row["released_at"]) if row["released_at"] else None,
            has_detector=row["has_detector"],
            holds_home=row["holds_home"],
        )
        for row in rows
    ]


async def open_around(incident_id: UUID, place: Place, box_deg: float) -> list[Incident]:
    """Open incidents of the same building, or whose place is within so many degrees of it."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM incident WHERE state NOT IN ('released', 'archived') AND id <> $1"
        " AND (building_id = $2 OR (abs((board ->> 'lat')::float8 - $3) <= $5::float8"
        " AND abs((board ->> 'lon')::float8 - $4) <= $5::float8)) ORDER BY emitted_at LIMIT 50",
        incident_id,
        place.building_id,
        place.lat,
        place.lon,
        box_deg,
    )
    return [await load(row["id"]) for row in rows]


async def storm_of(gateway: UUID) -> UUID | None:
    """The open incident that holds what this gateway raises in a storm."""
    found: UUID | None = await OPERATIONS.fetch_value(
        "SELECT i.id FROM incident i JOIN event e ON e.incident_id = i.id AND e.type = 'Reminded'"
        " AND e.body -> 'fact' ->> 'about' = 'gateway_storm' AND e.body -> 'fact' ->> 'ref' = $1"
        " WHERE i.state NOT IN ('released', 'archived') ORDER BY i.emitted_at DESC LIMIT 1",
        str(gateway),
    )
    return found


async def open_with(detector_id: UUID) -> list[UUID]:
    """Incidents not yet released that hold this detector."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM incident WHERE detector_ids @> ARRAY[$1::uuid]"
        " AND state NOT IN ('released', 'archived')",
        detector_id,
    )
    return [row["id"] for row in rows]


async def released_with(detector_id: UUID) -> UUID | None:
    """The newest incident that held this detector, where it is released and not yet sealed."""
    row = await OPERATIONS.fetch_one(
        "SELECT id, state FROM incident WHERE detector_ids @> ARRAY[$1::uuid]"
        " ORDER BY emitted_at DESC LIMIT 1",
        detector_id,
    )
    return row["id"] if row is not None and row["state"] == State.RELEASED else None


async def concerning(staff_id: UUID) -> list[UUID]:
    """Incidents not yet archived that somebody is on, or is being offered, and those that ended
    with nobody on them; newest first. Drills that were ended are gone."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM incident WHERE state <> 'archived' AND NOT EXISTS (SELECT FROM drill d"
        " WHERE d.incident_id = incident.id AND d.ended_at IS NOT NULL) AND"
        " (responders @> ARRAY[$1::uuid] OR board ->> 'asked' = $2 OR (state IN ('stood_down',"
        " 'released') AND responders = '{}' AND NOT EXISTS (SELECT FROM drill d"
        " WHERE d.incident_id = incident.id))) ORDER BY emitted_at DESC",
        staff_id,
        str(staff_id),
    )
    return [row["id"] for row in rows]


async def open_to_join(staff_id: UUID) -> list[BoardRow]:
    """Queue cards of active incidents for which field staff is wanted or there, and this person is
    not. Drills are left out: whoever was not chosen must not hear of them."""
    rows = await OPERATIONS.fetch(
        "SELECT board FROM incident WHERE alert_active AND state NOT IN ('raised',"
        " 'desk_handling') AND NOT responders @> ARRAY[$1::uuid] AND NOT EXISTS"
        " (SELECT FROM drill d WHERE d.incident_id = incident.id)",
        staff_id,
    )
    return [msgspec.json.decode(row["board"], type=BoardRow) for row in rows]


async def cordoned() -> list[UUID]:
    """Incidents whose cordon may stand: one was set, and the record is not sealed. Drills are left
    out: their cordons concern those who are in them."""
    rows = await OPERATIONS.fetch(
        "SELECT i.id FROM incident i WHERE i.state <> 'archived' AND EXISTS (SELECT FROM event e"
        " WHERE e.incident_id = i.id AND e.type = 'CordonSet')"
        " AND NOT EXISTS (SELECT FROM drill d WHERE d.incident_id = i.id)"
    )
    return [row["id"] for row in rows]


async def moved(incident_ids: Sequence[UUID], *, since: int) -> list[UUID]:
    """Which of these changed after a cursor."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM incident WHERE id = ANY($1::uuid[]) AND cursor > $2",
        list(incident_ids),
        since,
    )
    return [row["id"] for row in rows]


async def on_photo(staff_id: UUID, sha256: str) -> bool:
    """Whether somebody is or was on an incident that names this photograph."""
    found = await OPERATIONS.fetch_value(
        "SELECT true FROM event e JOIN incident i ON i.id = e.incident_id"
        " WHERE e.type = 'PhotoAdded' AND (e.body -> 'fact' ->> 'sha256' = $2"
        " OR e.body -> 'fact' ->> 'burntSha256' = $2"
        " OR e.body -> 'fact' ->> 'previewSha256' = $2)"
        " AND i.responders @> ARRAY[$1::uuid] LIMIT 1",
        staff_id,
        sha256,
    )
    return bool(found)


async def at_home(household_id: UUID) -> list[UUID]:
    """The newest incidents of a home, newest first."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM incident WHERE household_id = $1 ORDER BY emitted_at DESC LIMIT 5",
        household_id,
    )
    return [row["id"] for row in rows]


async def dealt_with(detector_id: UUID, since: datetime) -> bool:
    """Whether an alarm of this detector from ``since`` on is in an incident already."""
    found = await OPERATIONS.fetch_value(
        "SELECT true FROM incident WHERE detector_ids @> ARRAY[$1::uuid] AND"
        " (state NOT IN ('released', 'archived')"
        " OR (board ->> 'releasedAt')::timestamptz >= $2) LIMIT 1",
        detector_id,
        since,
    )
    return bool(found)


async def leading(besides: UUID) -> dict[UUID, str]:
    """Staff who lead an incident other than ``besides``, and its number."""
    rows = await OPERATIONS.fetch(
        "SELECT lead_staff, no FROM incident WHERE lead_staff IS NOT NULL AND id <> $1", besides
    )
    return {row["lead_staff"]: row["no"] for row in rows}


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is on besides one incident: numbers of others, or None.

    ``on`` is one that they lead or help at now, ``load`` counts active incidents that they help at
    or are held ready for; ``were_on`` are the times at which those they were on were raised, UTC.
    """

    leads: str | None = None
    asked: str | None = None
    on: str | None = None
    load: int = 0
    were_on: tuple[datetime, ...] = ()


async def busy(besides: UUID, *, since: datetime) -> dict[UUID, Busy]:
    """Everybody who is on something else, or was since; drills hold nobody back."""
    rows = await OPERATIONS.fetch(
        "SELECT no, lead_staff, asked_staff, responders, alert_active, emitted_at,"
        " board -> 'ready' AS ready, board -> 'on' AS now_on FROM incident WHERE id <> $1"
        " AND (lead_staff IS NOT NULL OR asked_staff IS NOT NULL"
        " OR (emitted_at > $2 AND responders <> '{}'))"
        " AND NOT EXISTS (SELECT FROM drill d WHERE d.incident_id = incident.id)",
        besides,
        since,
    )
    found: dict[UUID, Busy] = {}
    for row in rows:
        lead, asked = row["lead_staff"], row["asked_staff"]
        ready, now_on = (
            msgspec.json.decode(row[key], type=list[UUID]) if row[key] else []
            for key in ("ready", "now_on")
        )
        for who in {*row["responders"], *ready, lead, asked} - {None}:
            was = found.get(who, Busy())
            on_it = who in row["responders"]
            held = who in now_on or who in ready
            helps = row["alert_active"] and held and who not in {lead, asked}
            found[who] = Busy(
                leads=row["no"] if who == lead else was.leads,
                asked=row["no"] if who == asked else was.asked,
                on=row["no"] if row["alert_active"] and who in now_on else was.on,
                load=was.load + helps,
                were_on=(*was.were_on, row["emitted_at"]) if on_it else was.were_on,
            )
    return found


async def waiting(besides: UUID) -> list[UUID]:
    """Incidents that look for a lead and ask nobody at present, the most urgent first."""
    rows = await OPERATIONS.fetch(
        "SELECT id FROM incident WHERE state = 'dispatching' AND asked_staff IS NULL"
        " AND lead_staff IS NULL AND id <> $1"
        " AND NOT EXISTS (SELECT FROM drill d WHERE d.incident_id = incident.id)"
        " ORDER BY urgency <> 'emergency', emitted_at LIMIT $2",
        besides,
        WAITING_AT_MOST,
    )
    return [row["id"] for row in rows]


async def lock_person(staff_id: UUID) -> None:
    """Wait until nobody else decides what this person is given; held to the transaction's end."""
    await OPERATIONS.execute(
        "SELECT pg_advisory_xact_lock($1, hashtext($2))", PERSON_LOCK, str(staff_id)
    )


async def start_deadline(deadline_id: UUID, incident_id: UUID, name: str, due_at: datetime) -> None:
    """A deadline that is no command; the same id again changes nothing."""
    await OPERATIONS.execute(
        "INSERT INTO deadline (id, incident_id, name, due_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (id) DO NOTHING",
        deadline_id,
        incident_id,
        name,
        due_at,
    )


async def leads_elsewhere(staff_id: UUID, incident_id: UUID) -> bool:
    """Whether somebody leads another active incident."""
    found = await OPERATIONS.fetch_value(
        "SELECT true FROM incident WHERE lead_staff = $1 AND id <> $2 LIMIT 1",
        staff_id,
        incident_id,
    )
    return bool(found)


async def asked_elsewhere(staff_id: UUID, incident_id: UUID) -> bool:
    """Whether an offer of another incident is open on somebody's phone."""
    found = await OPERATIONS.fetch_value(
        "SELECT true FROM incident WHERE asked_staff = $1 AND id <> $2 LIMIT 1",
        staff_id,
        incident_id,
    )
    return bool(found)


async def append(
    before: Incident, events: Sequence[e.Event], *, policy: Policy, reacts_to: frozenset[str]
) -> Incident:
    """Write events and everything that is read from them, inside the caller's transaction.

    Args:
        before: the incident at the version the events follow.
        events: at least one, of one command or of several, versions consecutive.
        policy: gives deadlines their lengths.
        reacts_to: event types that the pipeline has reactions for.

    Returns:
        The incident after the events.

    Raises:
        asyncpg.UniqueViolationError: somebody else wrote these versions first.
    """
    after = replay(events, before)
    first = events[0]
    await _write_projection(after)
    rows = await OPERATIONS.fetch(
        "INSERT INTO event (incident_id, version, type, command_id, received_at, body)"
        " SELECT $1, v, t, c, r, b FROM"
        " unnest($2::uuid[], $3::timestamptz[], $4::int[], $5::text[], $6::jsonb[])"
        " AS row (c, r, v, t, b) ORDER BY v RETURNING seq, type",
        first.incident_id,
        [event.command_id for event in events],
        [event.received_at for event in events],
        [event.version for event in events],
        [e.type_of(event.fact) for event in events],
        [msgspec.json.encode(event) for event in events],
    )
    waiting = [
        (first.incident_id, r["seq"], first.received_at) for r in rows if r["type"] in reacts_to
    ]
    if waiting:
        await OPERATIONS.execute_many(
            "INSERT INTO work (incident_id, event_seq, available_at) VALUES ($1, $2, $3)", waiting
        )
    due = [
        (uuid7(), first.incident_id, d.name, d.due_at, d.command)
        for event in events
        for d in started_by(event, policy)
    ]
    if due:
        await OPERATIONS.execute_many(
            "INSERT INTO deadline (id, incident_id, name, due_at, command)"
            " VALUES ($1, $2, $3, $4, $5)",
            due,
        )
    await OPERATIONS.notify("work")
    return after


async def _write_projection(now: Incident) -> None:
    await OPERATIONS.execute("SELECT pg_advisory_xact_lock($1)", CURSOR_LOCK)
    cursor = await OPERATIONS.fetch_value("SELECT nextval('board_cursor')")
    row = msgspec.to_builtins(board_row(now), builtin_types=(datetime, UUID))
    row["releasedAt"] = now.released_at
    offer = now.open_offer
    row["asked"] = offer.staff_id if offer else None
    row["ready"] = offer.pre_alerted if offer else ()
    row["on"] = [one.staff_id for one in (now.lead, *now.helpers) if one is not None]
    asked = offer.staff_id if offer and now.state in ANSWERING else None
    leads = now.lead.staff_id if now.lead is not None and now.state in BUSY_STATES else None
    people = [r.staff_id for r in (now.lead, *now.helpers) if r is not None]
    await OPERATIONS.execute(
        "INSERT INTO incident AS i (id, no, kind, handling, urgency, state, alert_active, version,"
        " household_id, building_id, emitted_at, presented_ms, claimed_at, lead_staff, responders,"
        " detector_ids, cursor, board, asked_staff)"
        # a drill holds nobody back from a real alarm
        " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,"
        " CASE WHEN NOT EXISTS (SELECT FROM drill WHERE incident_id = $1) THEN $14::uuid END,"
        " $15,$16,$17,$18,"
        " CASE WHEN NOT EXISTS (SELECT FROM drill WHERE incident_id = $1) THEN $19::uuid END)"
        " ON CONFLICT (id) DO UPDATE SET urgency = $5, state = $6, alert_active = $7, version = $8,"
        " presented_ms = $12, claimed_at = $13, lead_staff = excluded.lead_staff,"
        " responders = ARRAY(SELECT DISTINCT p FROM unnest(i.responders || $15::uuid[]) p),"
        " detector_ids = $16, cursor = $17, board = $18, asked_staff = excluded.asked_staff",
        now.id, now.no, now.kind, now.handling, now.urgency, now.state, now.alert_active,
        now.version, now.place.household_id, now.place.building_id, now.emitted_at,
        now.presented_ms, now.claimed_at, leads, people, list(now.detectors), cursor, row,
        asked,
    )  # fmt: skip
    await OPERATIONS.notify("news", str(cursor))


def remember(now: Incident) -> None:
    """Keep a committed state for the next load; the oldest entry goes when full."""
    if now.id is None:
        return
    _cache.pop(now.id, None)
    _cache[now.id] = now
    while len(_cache) > CACHED:
        _cache.pop(next(iter(_cache)))
