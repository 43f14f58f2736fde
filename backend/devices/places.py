"""Buildings and homes as a table of detectors names them: found, or made when a row is taken in."""

from collections.abc import Sequence
from uuid import UUID

from backend.audit import service as audit
from backend.devices.columns import Filled
from backend.devices.entries import Position
from backend.devices.registry import By, placed
from backend.shared.db import OPERATIONS
from backend.shared.ids import uuid7

BuildingKey = tuple[str, str, str]
HomeKey = tuple[str, str, str, str]


class Places:
    """The places that some rows name. A court counts only where the row writes one."""

    def __init__(self) -> None:
        self.buildings: dict[BuildingKey, tuple[UUID, float, float]] = {}
        self.homes: dict[HomeKey, UUID] = {}
        self.new_buildings: set[BuildingKey] = set()
        self.new_homes: set[HomeKey] = set()
        self.positioned: set[BuildingKey] = set()

    def key(self, row: Filled) -> BuildingKey | None:
        """The building's key; None where a row names no street."""
        if not row.street:
            return None
        return (row.street, row.door_number or "", row.court or "")

    def knows(self, row: Filled) -> bool:
        """Whether the row's building has a position already, or will have one by an earlier row."""
        key = self.key(row)
        return key is not None and (key in self.buildings or key in self.positioned)

    def of(self, row: Filled) -> tuple[UUID | None, UUID | None]:
        """Building and home where they are known already."""
        key = self.key(row)
        if key is None or key not in self.buildings:
            return None, None
        home = self.homes.get((*key, row.door)) if row.door else None
        return self.buildings[key][0], home

    def makes(self, row: Filled) -> bool:
        """Whether taking the row makes a place."""
        key = self.key(row)
        if key is None:
            return False
        return key not in self.buildings or bool(row.door and (*key, row.door) not in self.homes)

    def position(self, row: Filled) -> tuple[float, float]:
        """Degrees WGS-84 of the row's building, which ``made`` has seen."""
        key = self.key(row)
        assert key is not None
        _, lat, lon = self.buildings[key]
        return lat, lon

    async def made(self, row: Filled, by: By) -> tuple[UUID | None, UUID | None]:
        """Building and home of a row, made where they are missing; inside a transaction."""
        key = self.key(row)
        if key is None:
            return None, None
        if key not in self.buildings:
            if row.lat is None or row.lon is None:
                return None, None
            at = placed(Position(lat=row.lat, lon=row.lon, datum=row.datum))  # type: ignore[arg-type]
            building_id = uuid7()
            await OPERATIONS.execute(
                "INSERT INTO building (id, street, number, court, area, lat, lon)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                building_id, row.street, row.door_number or "", row.court, row.area, at["lat"],
                at["lon"],
            )  # fmt: skip
            await _audited("devices.building_added", building_id, by)
            self.buildings[key] = (building_id, at["lat"], at["lon"])
        building_id, lat, lon = self.buildings[key]
        if not row.door:
            return building_id, None
        home = (*key, row.door)
        if home not in self.homes:
            home_id = uuid7()
            await OPERATIONS.execute(
                "INSERT INTO household (id, building_id, door, floor, room, lat, lon)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                home_id, building_id, row.door, row.floor, row.room, lat, lon,
            )  # fmt: skip
            await _audited("devices.home_added", home_id, by)
            self.homes[home] = home_id
        return building_id, self.homes[home]


async def _audited(action: str, subject: UUID, by: By) -> None:
    await audit.record(
        OPERATIONS, actor=by.account_id, role=by.role, action=action, subject=subject,
        reason="导入", at=by.at,
    )  # fmt: skip


async def places_for(rows: Sequence[Filled]) -> Places:
    """The buildings and homes that these rows name, and which of them would be new."""
    places = Places()
    keys = [key for row in rows if (key := places.key(row))]
    found = await OPERATIONS.fetch(
        "SELECT id, street, number, coalesce(court, '') AS court, coalesce(name, '') AS name,"
        " lat, lon FROM building WHERE (street, number) IN"
        " (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY id DESC",
        [key[0] for key in keys],
        [key[1] for key in keys],
    )
    ids: dict[UUID, BuildingKey] = {}
    for row in found:
        at = (row["id"], row["lat"], row["lon"])
        for court in {row["court"] or row["name"], ""}:
            places.buildings[(row["street"], row["number"], court)] = at
        ids[row["id"]] = (row["street"], row["number"], row["court"] or row["name"])
    homes = await OPERATIONS.fetch(
        "SELECT id, building_id, door FROM household WHERE building_id = ANY($1)", list(ids)
    )
    for home in homes:
        street, number, court = ids[home["building_id"]]
        for each in {court, ""}:
            places.homes[(street, number, each, home["door"])] = home["id"]
    places.positioned = {key for row in rows if (key := places.key(row)) and row.lat is not None}
    places.new_buildings = {key for key in keys if key not in places.buildings}
    places.new_homes = {
        (*key, row.door)
        for row in rows
        if row.door and (key := places.key(row)) and (*key, row.door) not in places.homes
    }
    return places
