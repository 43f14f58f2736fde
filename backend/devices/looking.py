"""Questions about the register: lists with filters, the tree of places, one detector's page."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from backend.devices import flow
from backend.devices.entries import Branch, Change, Detail, Listed, Page
from backend.devices.flow import Certificate, State
from backend.devices.gateways import gateway_of
from backend.devices.register import open_pauses, standing, that_concern
from backend.devices.registry import AREA
from backend.devices.schemas import TicketView
from backend.devices.service import spoken
from backend.shared.db import OPERATIONS, Row
from backend.shared.problems import NotFound

FROM_PLACES = (
    " FROM detector d LEFT JOIN household h ON h.id = d.household_id"
    " LEFT JOIN building b ON b.id = coalesce(d.building_id, h.building_id)"
)
LISTED = (
    "SELECT d.id, d.number, d.label, d.kind, d.state, d.address, d.model, d.model_id, d.point,"
    " b.street, b.number AS door_number, coalesce(b.court, b.name) AS court, h.door,"
    " coalesce(d.building_id, h.building_id) AS building_id"
)
SORTED = " ORDER BY b.street, b.number, h.door, d.label, d.id"
PAGE = 50
TROUBLES = ("battery", "tamper", "fault", "offline")
"""Kinds of open tickets that are a detector's own trouble."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which detectors: all that is given must hold. ``problem`` is one of ``TROUBLES``, or
    ``any``, ``muted``, ``paused``, ``no-certificate``, ``no-photo``."""

    words: str = ""
    state: str | None = None
    kind: str | None = None
    model_id: UUID | None = None
    building_id: UUID | None = None
    street: str | None = None
    problem: str | None = None


def _where(wanted: Wanted, at: datetime) -> tuple[str, list[object]]:
    """The condition and its arguments, numbered from 1."""
    args: list[object] = []
    parts: list[str] = []

    def must(sql: str, *values: object) -> None:
        for value in values:
            args.append(value)
            sql = sql.replace("$?", f"${len(args)}", 1)
        parts.append(sql)

    for word in wanted.words.split()[:8]:
        must(
            "position(lower($?) IN lower(concat_ws(' ', d.number, d.address, d.label, d.model,"
            " d.point, b.area, b.street, b.number, b.court, b.name, h.door, h.room))) > 0",
            word,
        )
    for column, value in (
        ("d.kind", wanted.kind),
        ("d.model_id", wanted.model_id),
        ("coalesce(d.building_id, h.building_id)", wanted.building_id),
        ("b.street", wanted.street),
    ):
        if value is not None:
            must(f"{column} = $?", value)
    if wanted.state == "service":
        must("d.state NOT IN ('planned', 'replaced', 'retired')")
    elif wanted.state is not None and wanted.state != State.MUTED:
        must("d.state = $?", wanted.state)
    problem = State.MUTED if wanted.state == State.MUTED else wanted.problem
    if problem == State.MUTED:
        must(
            "(SELECT m.until FROM mute m WHERE m.detector_id = d.id"
            " ORDER BY m.muted_at DESC, m.id DESC LIMIT 1) > $?",
            at,
        )
    elif problem == "paused":
        must(
            "EXISTS (SELECT FROM pause p WHERE p.ended_at IS NULL AND p.begins_at <= $?"
            " AND p.ends_at > $? AND (p.detector_id = d.id OR p.model_id = d.model_id"
            " OR p.building_id = coalesce(d.building_id, h.building_id)"
            " OR starts_with(d.address, p.gateway || '/')))",
            at,
            at,
        )
    elif problem == "no-certificate":
        must(
            "NOT EXISTS (SELECT FROM model x WHERE x.id = d.model_id AND (x.waived_by IS NOT NULL"
            " OR (x.certificate_number <> '' AND coalesce(x.certificate_until >= $?, true))))",
            at.astimezone(AREA).date(),
        )
    elif problem == "no-photo":
        must("d.photo IS NULL")
    elif problem is not None:
        kinds = list(TROUBLES) if problem == "any" else [problem]
        ticketed = (
            "d.id IN (SELECT t.detector_id FROM ticket t WHERE t.done_at IS NULL"
            " AND t.kind = ANY($?::text[]))"
        )
        faulty = problem in ("any", "fault")
        must(f"({ticketed} OR d.state = 'faulty')" if faulty else ticketed, kinds)
    return " WHERE " + " AND ".join(parts or ["true"]), args


async def page(wanted: Wanted, *, offset: int, at: datetime) -> Page:
    """One page of the detectors that match, by place."""
    where, args = _where(wanted, at)
    total = await OPERATIONS.fetch_value(f"SELECT count(*){FROM_PLACES}{where}", *args)
    rows = await OPERATIONS.fetch(
        f"{LISTED}{FROM_PLACES}{where}{SORTED} LIMIT {PAGE} OFFSET ${len(args) + 1}",
        *args,
        offset,
    )
    return Page(devices=await _listed(rows, at), total=total, offset=offset)


async def every(wanted: Wanted, *, at: datetime, at_most: int) -> list[UUID]:
    """The ids of the first ``at_most`` that match, by place."""
    where, args = _where(wanted, at)
    rows = await OPERATIONS.fetch(
        f"SELECT d.id{FROM_PLACES}{where}{SORTED} LIMIT ${len(args) + 1}", *args, at_most
    )
    return [row["id"] for row in rows]


async def listed(ids: Sequence[UUID], *, at: datetime) -> list[Listed]:
    """These detectors, by place."""
    rows = await OPERATIONS.fetch(f"{LISTED}{FROM_PLACES} WHERE d.id = ANY($1){SORTED}", list(ids))
    return await _listed(rows, at)


async def _listed(rows: Sequence[Row], at: datetime) -> list[Listed]:
    ids = [row["id"] for row in rows]
    mutes = await OPERATIONS.fetch(
        "SELECT DISTINCT ON (detector_id) detector_id, until FROM mute"
        " WHERE detector_id = ANY($1) ORDER BY detector_id, muted_at DESC, id DESC",
        ids,
    )
    until = {row["detector_id"]: row["until"] for row in mutes if row["until"] > at}
    tickets = await OPERATIONS.fetch(
        "SELECT detector_id, array_agg(DISTINCT kind) AS kinds FROM ticket"
        " WHERE done_at IS NULL AND detector_id = ANY($1) GROUP BY detector_id",
        ids,
    )
    troubles = {row["detector_id"]: tuple(sorted(row["kinds"])) for row in tickets}
    pauses = await open_pauses(at)
    found = []
    for row in rows:
        stands = standing(that_concern(row, pauses), at)
        muted = until.get(row["id"])
        in_service = row["state"] in (State.ACTIVE, State.FAULTY)
        found.append(
            Listed(
                id=row["id"],
                number=row["number"],
                label=row["label"],
                kind=row["kind"],
                state=State.MUTED if muted and in_service else row["state"],
                address=row["address"],
                place=_place(row),
                model=row["model"],
                street=row["street"] or "",
                building_id=row["building_id"],
                muted_until=muted,
                paused_until=stands.until,
                paused_as=stands.flag,
                troubles=troubles.get(row["id"], ()),
            )
        )
    return found


def _place(row: Row) -> str:
    said = spoken(*(row[part] or "" for part in ("street", "door_number", "court", "door")))
    return " ".join(part for part in (said, row["point"]) if part)


async def tree() -> list[Branch]:
    """Every building with its street and area, in that order, with what hangs there."""
    rows = await OPERATIONS.fetch(
        "SELECT coalesce(b.area, '') AS area, b.street, b.id AS building_id, b.number,"
        " coalesce(b.court, b.name, '') AS court, coalesce(n.detectors, 0) AS detectors,"
        " coalesce(n.troubled, 0) AS troubled FROM building b LEFT JOIN ("
        "SELECT coalesce(d.building_id, h.building_id) AS id, count(*) AS detectors,"
        " count(*) FILTER (WHERE d.state = 'faulty' OR t.detector_id IS NOT NULL) AS troubled"
        " FROM detector d LEFT JOIN household h ON h.id = d.household_id"
        " LEFT JOIN (SELECT DISTINCT detector_id FROM ticket WHERE done_at IS NULL"
        " AND kind = ANY($1::text[])) t ON t.detector_id = d.id"
        " WHERE d.state NOT IN ('replaced', 'retired') GROUP BY 1) n ON n.id = b.id"
        " ORDER BY 1, b.street, b.number, court",
        list(TROUBLES),
    )
    return [
        Branch(
            area=row["area"],
            street=row["street"],
            building_id=row["building_id"],
            name=spoken("", row["number"], row["court"], ""),
            detectors=row["detectors"],
            troubled=row["troubled"],
        )
        for row in rows
    ]


async def tickets_of(detector_id: UUID, *, limit: int = 50) -> list[TicketView]:
    """A detector's tickets, open ones first, then the latest."""
    rows = await OPERATIONS.fetch(
        "SELECT t.id, t.kind, t.detector_id, d.label, t.address, t.reason, t.detail, t.opened_at,"
        " t.opened_on, t.times, t.done_at FROM ticket t JOIN detector d ON d.id = t.detector_id"
        " WHERE t.detector_id = $1 ORDER BY t.done_at IS NOT NULL, t.opened_at DESC LIMIT $2",
        detector_id,
        limit,
    )
    return [TicketView(**{**row, "detail": msgspec.json.decode(row["detail"])}) for row in rows]


async def by_tag(tag: str) -> UUID | None:
    """The detector whose label carries this word."""
    found: UUID | None = await OPERATIONS.fetch_value("SELECT id FROM detector WHERE tag = $1", tag)
    return found


DETAIL = f"""
SELECT d.*, b.street, b.number AS door_number, b.area, h.door,
    coalesce(b.court, b.name) AS court, coalesce(d.building_id, h.building_id) AS building,
    m.certificate_number, m.certificate_until, m.waived_by,
    (SELECT id FROM detector o WHERE o.replaced_by = d.id LIMIT 1) AS replaces
{FROM_PLACES} LEFT JOIN model m ON m.id = d.model_id WHERE d.id = $1
"""  # noqa: S608


async def detail(detector_id: UUID, *, at: datetime) -> Detail:
    """One detector with its history, newest first.

    Raises:
        NotFound: no such detector.
    """
    row = await OPERATIONS.fetch_one(
        DETAIL,
        detector_id,
    )
    if row is None:
        raise NotFound(f"没有这个探测器 no detector {detector_id}")
    changes = await OPERATIONS.fetch(
        "SELECT action, before, after, reason, by_name, at FROM detector_change"
        " WHERE detector_id = $1 ORDER BY at DESC, id DESC LIMIT 200",
        detector_id,
    )
    certificate = Certificate(
        number=row["certificate_number"],
        until=row["certificate_until"],
        waived_by=row["waived_by"],
    )
    state = State(row["state"])
    wants = flow.lacking(certificate if row["model_id"] else None, at.astimezone(AREA).date())
    same = {name: row[name] for name in SAME}
    return Detail(
        **same,
        group=row["rule_group"],
        building_id=row["building"],
        place=_place(row),
        gateway=gateway_of(row["address"]),
        acts=flow.acts_from(state),
        lacking=wants if state is State.PLANNED else None,
        history=[
            Change(
                **{
                    **change,
                    "before": msgspec.json.decode(change["before"]),
                    "after": msgspec.json.decode(change["after"]),
                }
            )
            for change in changes
        ],
    )


SAME = (
    "id", "version", "number", "tag", "address", "protocol", "kind", "state", "label", "model",
    "model_id", "link", "household_id", "area", "point", "lat", "lon", "datum", "entered_lat",
    "entered_lon", "report_interval_s", "unit_name", "unit_phone", "note", "photo",
    "commissioned_at", "replaced_by", "replaces",
)  # fmt: skip
"""Columns that the page shows as they are."""
