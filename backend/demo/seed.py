"""Writes the invented neighbourhood into the databases of the demonstration's own data folder.

Idempotent: what is there stays. It refuses a database in which somebody real works, so nobody
can sow an exercise into a running service.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec

from backend import migrate
from backend.access import accounts, links
from backend.demo import shifts
from backend.demo.homes import NAMESPACE
from backend.demo.people import Company
from backend.demo.town import Household, Town
from backend.devices.flow import CLASS_OF_KIND
from backend.offices import service as offices
from backend.offices.schemas import Office
from backend.settings import Settings
from backend.shared.db import ALL, IDENTITY, OPERATIONS, Database
from backend.shared.postgres import EmbeddedPostgres
from backend.shared.where import configured
from backend.staff import service as staff
from backend.staff.schemas import NewPerson

ACTOR = "demo"
ROLE = "system"
HYDRANT_UNIT = ("平江供水服务所（演示）", "0512-00000045")
"""Who looks after the hydrants of the demonstration; the number is nobody's."""
LINK_TTL = timedelta(days=30)


class SomebodyReal(Exception):
    """The database holds staff who are not part of an exercise."""


@asynccontextmanager
async def databases(settings: Settings) -> AsyncIterator[None]:
    """The four databases, migrated and open, without the rest of the service."""
    server = None
    if settings.database.url:
        where = configured(settings.database)
    else:
        server = EmbeddedPostgres(settings.data.folder, port=settings.database.port)
        server.launch()
        await server.ready()
        where = server.where(settings.database)
    try:
        await migrate.up(where)
        where.configure(settings.database)
        for database in ALL:
            await database.start()
        yield
    finally:
        for database in ALL:
            await database.stop()
        if server is not None:
            await server.stop()


async def sow(town: Town, company: Company, *, password: str) -> None:
    """Write everything that is missing.

    Raises:
        SomebodyReal: this is no database of a demonstration.
    """
    if await OPERATIONS.fetch_value("SELECT count(*) FROM person WHERE NOT exercise"):
        raise SomebodyReal("有真实人员，拒绝写入演示数据 Real staff here: no exercise is sown")
    now = datetime.now(UTC)
    await _staff(company, now)
    await _roster(town, company, now)
    await _places(town, company, now)
    await _offices(town, company, now)
    await _residents(company, now)
    await _accounts(company, password, now)


async def _staff(company: Company, now: datetime) -> None:
    known = {row["id"] for row in await OPERATIONS.fetch("SELECT id FROM person")}
    for person in company.staff:
        if person.id in known:
            continue
        await staff.register(
            NewPerson(
                id=person.id,
                name=person.name,
                badge=person.badge,
                post=person.post,
                phone=person.phone,
                qualified_from=date(2024, 1, 1),
                qualified_until=date(2099, 12, 31),
                exercise=True,
            ),
            actor=ACTOR,
            role=ROLE,
            at=now,
        )


async def _roster(town: Town, company: Company, now: datetime) -> None:
    """Shifts from this start on; those of an earlier start that are not over make room."""
    async with OPERATIONS.transaction():
        for area in shifts.areas(town):
            await OPERATIONS.execute(
                "INSERT INTO roster_area (id, name, streets, desk_min, field_min)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
                area.id, area.name, list(area.streets), area.desk_min, area.field_min,
            )  # fmt: skip
        await OPERATIONS.execute("DELETE FROM shift WHERE until_at > $1", now)
        columns = ("id", "person_id", "role", "area_id", "from_at", "until_at")
        rows = [
            tuple(getattr(one, name) for name in columns)
            for one in shifts.shifts(town, company, start=now)
        ]
        await OPERATIONS.copy("shift", columns, rows)


async def _places(town: Town, company: Company, now: datetime) -> None:
    community = next(o.id for o in company.offices if o.kind == "community")
    text = msgspec.json.encode(town.area)
    await OPERATIONS.execute(
        "INSERT INTO area (id, name, geojson, etag) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (name) DO UPDATE SET geojson = $3, etag = $4",
        uuid5(NAMESPACE, f"{town.seed}/area"),
        "demo",
        text,
        hashlib.sha256(text).hexdigest(),
    )
    await _fill(
        OPERATIONS,
        "building",
        ("id", "street", "number", "court", "name", "storeys", "lane_width_m", "engine_stop",
         "lat", "lon", "community_office_id"),
        [
            (b.id, b.street, b.number, b.court or None, b.name, b.storeys, b.lane_width_m,
             b.engine_stop, b.at.lat, b.at.lon, community)
            for b in town.buildings
        ],
    )  # fmt: skip
    await _fill(
        OPERATIONS,
        "household",
        ("id", "building_id", "door", "floor", "room", "entrance_note", "lat", "lon"),
        [
            (h.id, h.building_id, h.door, h.floor, h.room or None, h.entrance_note or None,
             h.at.lat, h.at.lon)
            for h in town.households
        ],
    )  # fmt: skip
    models = {(d.kind, d.model): uuid5(NAMESPACE, f"{d.kind}/{d.model}") for d in town.detectors}
    await _fill(
        OPERATIONS,
        "model",
        ("id", "maker", "name", "kind", "sensing_class", "link", "certificate_standard",
         "certificate_number", "certificate_note"),
        [
            (id_, "演示厂家", name, kind, CLASS_OF_KIND[kind], "lpwan", "GB 16796-2022",
             f"DEMO-{n:03d}", "演示用，不是真证书 for show, no real certificate")
            for n, ((kind, name), id_) in enumerate(models.items(), 1)
        ],
    )  # fmt: skip
    await _fill(
        OPERATIONS,
        "detector",
        ("id", "address", "protocol", "kind", "model", "label", "household_id", "building_id",
         "lat", "lon", "report_interval_s", "state", "unit_name", "unit_phone", "number",
         "model_id", "link", "commissioned_at"),
        [
            (d.id, f"{d.protocol}/{d.address}", d.protocol, d.kind, d.model, d.label,
             d.household_id, d.building_id, d.at.lat, d.at.lon, d.report_interval_s, "active",
             *(HYDRANT_UNIT if d.kind == "hydrant" else (None, None)), f"GS-{n:05d}",
             models[d.kind, d.model], "lpwan", now)
            for n, d in enumerate(town.detectors, 1)
        ],
    )  # fmt: skip


async def _offices(town: Town, company: Company, now: datetime) -> None:
    known = {row["id"] for row in await OPERATIONS.fetch("SELECT id FROM office")}
    buildings = [b.id for b in town.buildings]
    for office in company.offices:
        if office.id not in known:
            await offices.register(
                Office(
                    id=office.id,
                    name=office.name,
                    kind=office.kind,
                    phone=office.phone,
                    area=office.area,
                    exercise=True,
                ),
                buildings=buildings,
                actor=ACTOR,
                role=ROLE,
                at=now,
            )


async def _residents(company: Company, now: datetime) -> None:
    await _fill(
        IDENTITY,
        "contact",
        ("id", "household_id", "name", "relation", "phone", "position", "needs_help",
         "consent_at", "speaks", "lives_here"),
        [
            (c.id, c.household_id, c.name, c.relation, c.phone, c.position, c.needs_help,
             now if c.needs_help else None, c.speaks, c.lives_here)
            for c in company.contacts
        ],
    )  # fmt: skip


async def _accounts(company: Company, password: str, now: datetime) -> None:
    known = {row["login"] for row in await OPERATIONS.fetch("SELECT login FROM account")}
    people: list[tuple[Any, tuple[str, ...], UUID | None, UUID | None]] = [
        *((s, s.roles, s.id, None) for s in company.staff),
        *((o, ("office",), None, o.id) for o in company.offices),
    ]
    for who, roles, staff_id, office_id in people:
        if who.login in known:
            continue
        await accounts.create(
            login=who.login,
            name=who.name,
            password=password,
            roles=roles,
            staff_id=staff_id,
            office_id=office_id,
            exercise=True,
            actor=ACTOR,
            at=now,
            account_id=who.account_id,
        )


async def _fill(
    database: Database, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """COPY the rows whose id (first column) is not there yet."""
    known = {row["id"] for row in await database.fetch(f"SELECT id FROM {table}")}  # noqa: S608
    fresh = [row for row in rows if row[0] not in known]
    if fresh:
        async with database.transaction():
            await database.copy(table, columns, fresh)


async def mint_links(homes: Iterable[Household]) -> dict[str, str]:
    """A link for each household: id → token. A new one each time; only its hash is stored."""
    now = datetime.now(UTC)
    return {
        str(home.id): await links.mint("household", home.id, LINK_TTL, actor=ACTOR, at=now)
        for home in homes
    }


def password_of(folder: Path) -> str:
    """The demonstration's password, made once per installation and kept readable by us only."""
    path = folder / "demo-password"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(f"Xiangzi-{secrets.randbelow(9000) + 1000}")
    return path.read_text().strip()
