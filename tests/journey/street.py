"""A short street for journeys: two courts, three homes, three people, a desk and four offices.

Everybody acts through HTTP, as the apps do; the clock is moved by hand and ``settle`` lets the
platform do what is due.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from backend.access import links
from backend.archive.seal import verify
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import Kind
from backend.offices import service as offices
from backend.offices.schemas import Office
from backend.residents import service as residents
from backend.residents.schemas import NewContact
from backend.sensing.quantities import QUANTITIES
from backend.sensing.store import Store
from backend.shared.db import OPERATIONS
from backend.staff import service as staff
from backend.staff.schemas import NewPerson
from backend.worker import Worker
from tests.edge.detectors import message, store_of
from tests.plugin.shifts import always_on
from tests.plugin.world import PASSWORD, World

COURT, OTHER_COURT = UUID(int=100), UUID(int=101)
HOMES = {"east": UUID(int=200), "west": UUID(int=201), "far": UUID(int=202)}
DETECTORS = {
    "smoke": (UUID(int=1000), "smoke", "east"),
    "smoke2": (UUID(int=1001), "smoke", "west"),
    "gas": (UUID(int=1002), "gas", "east"),
    "electric": (UUID(int=1003), "electric", "far"),
    "door": (UUID(int=1004), "door", "far"),
    "hydrant": (UUID(int=1005), "hydrant", None),
    "smoke_far": (UUID(int=1006), "smoke", "far"),
    "crack": (UUID(int=1007), "structure", "east"),
    "pressure": (UUID(int=1008), "hydrant", None),
    "leak": (UUID(int=1009), "water", "far"),
    "smoke_own": (UUID(int=1010), "smoke", "far"),
}
OWN_PROTOCOL = {"crack", "pressure", "leak", "smoke_own"}
"""These speak our own documented JSON; the others are behind a Zigbee bridge."""
PEOPLE = {
    "周建国": (UUID(int=1), 31.3101),
    "李明": (UUID(int=2), 31.3110),
    "王芳": (UUID(int=3), 31.3130),
}
LAT, LON = 31.31, 120.63
PPE = ("helmet", "hood", "gloves", "torch", "extinguisher")
OFFICES = {
    "community": UUID(int=300),
    "fire": UUID(int=301),
    "street": UUID(int=302),
    "emergency": UUID(int=303),
}


class Person:
    """Somebody signed in, who can look and send commands."""

    def __init__(self, street: "Street", client: httpx.AsyncClient, path: str = "/api") -> None:
        self.street, self.client, self.path = street, client, path

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, incident: UUID | str, name: str, **arguments: Any) -> dict[str, Any]:
        """One command now; its answer. The platform then settles."""
        [answer] = await self.batch([self.envelope(incident, name, **arguments)])
        return answer

    def envelope(
        self, incident: UUID | str, name: str, *, ago_s: float = 0.0, **arguments: Any
    ) -> dict[str, Any]:
        at = self.street.world.clock.now() - timedelta(seconds=ago_s)
        return {
            "commandId": str(uuid4()),
            "incidentId": str(incident),
            "occurredAt": at.isoformat(),
            "command": {"name": name, **arguments},
        }

    async def batch(self, envelopes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        answer = await self.client.post(f"{self.path}/commands", json={"commands": envelopes})
        assert answer.status_code == 200, answer.text
        await self.street.settle()
        found: list[dict[str, Any]] = answer.json()["answers"]
        return found

    async def does(self, incident: UUID | str, name: str, **arguments: Any) -> None:
        """A command that must be accepted."""
        answer = await self.send(incident, name, **arguments)
        assert answer["outcome"] == "accepted", (name, answer)

    async def is_refused(self, incident: UUID | str, name: str, **arguments: Any) -> dict[str, Any]:
        answer = await self.send(incident, name, **arguments)
        assert answer["outcome"] == "refused", (name, answer)
        refusal: dict[str, Any] = answer["refusal"]
        return refusal


class Street:
    """The whole place. Made by ``street_of``."""

    def __init__(self, world: World, store: Store, stack: AsyncExitStack) -> None:
        self.world, self.store, self.stack = world, store, stack
        self.worker = Worker(world.ctx)

    async def settle(self) -> None:
        await self.worker.run_until_idle()

    async def forward(self, seconds: float) -> None:
        """Move the clock and do what is due; people keep sending positions."""
        self.world.clock.forward(seconds=seconds)
        await self.settle()

    async def hears(self, detector: str, **payload: Any) -> None:
        """A Zigbee2MQTT message of that detector arrives."""
        await self.store.write([message(self.world, payload, f"zigbee2mqtt/{detector}")])
        await self.store.elapse()
        await self.settle()

    async def measures(self, detector: str, quantity: str, value: float | bool) -> None:
        """A message of a detector that speaks our own JSON arrives."""
        unit = QUANTITIES[quantity].unit
        said = [{"quantity": quantity, "value": value, "unit": unit}]
        await self.store.write([message(self.world, said, f"jiean/{detector}/reading")])
        await self.store.elapse()
        await self.settle()

    async def alarm(self, detector: str = "smoke", **payload: Any) -> str:
        """The detector alarms; the newest incident's id."""
        await self.hears(detector, **(payload or {"smoke": True}))
        return await self.newest()

    async def newest(self) -> str:
        found = await self.world.operations.fetch_value(
            "SELECT id FROM incident ORDER BY emitted_at DESC, no DESC LIMIT 1"
        )
        assert found is not None, "no incident was opened"
        return str(found)

    async def quiet(self, detector: str = "smoke", **payload: Any) -> None:
        """Fresh normal readings until the alarm's rule is met."""
        for _ in range(4):
            self.world.clock.forward(seconds=40)
            await self.hears(detector, **(payload or {"smoke": False}))
        await self.settle()

    async def state(self, incident: str) -> str:
        found: str = await self.world.operations.fetch_value(
            "SELECT state FROM incident WHERE id = $1", UUID(incident)
        )
        return found

    async def events(self, incident: str, *types: str) -> list[str]:
        """The types of the incident's events in order; only these where some are named."""
        rows = await self.world.operations.fetch(
            "SELECT type FROM event WHERE incident_id = $1 ORDER BY version", UUID(incident)
        )
        return [row["type"] for row in rows if not types or row["type"] in types]

    async def told(self, person: Person, about: str) -> int:
        """How many messages of this kind (``about`` or ``kind``) the platform has for somebody."""
        me = await person.get("/api/session")
        addresses = [f"staff:{me['staffId']}", f"account:{me['accountId']}"]
        found: int = await self.world.operations.fetch_value(
            "SELECT count(*) FROM message WHERE address = ANY($1::text[])"
            " AND $2 IN (body -> 'data' ->> 'about', body -> 'data' ->> 'kind')",
            addresses,
            about,
        )
        return found

    async def said_to(self, address: str) -> list[str]:
        """What the platform told an address, by kind (or by what a reminder is about), in order."""
        rows = await self.world.operations.fetch(
            "SELECT coalesce(body -> 'data' ->> 'about', body -> 'data' ->> 'kind') AS said"
            " FROM message WHERE address = $1 ORDER BY created_at, id",
            address,
        )
        return [row["said"] for row in rows if row["said"] != "test"]

    async def record(self, desk: Person, incident: str) -> dict[str, Any]:
        """The sealed record, as anybody with the file can check it."""
        assert await self.state(incident) == "archived"
        answer = await desk.client.get(f"/api/incidents/{incident}/archive")
        assert answer.status_code == 200, answer.text
        assert verify(answer.content).fault is None
        document: dict[str, Any] = answer.json()["document"]
        return document

    async def signed_in(self, role: str, login: str = "", **more: Any) -> Person:
        client = await self.stack.enter_async_context(self.world.client())
        await self.world.login(client, role, login=login or role, **more)
        return Person(self, client)

    async def desk(self) -> Person:
        return await self.signed_in("desk", name="沈静")

    async def desk_lead(self) -> Person:
        return await self.signed_in("desk_lead", name="顾敏")

    async def phone(self, name: str) -> Person:
        """Somebody of the field staff, on duty at their usual spot."""
        person_id, lat = PEOPLE[name]
        person = await self.signed_in(
            "field", login=f"f{person_id.int}", name=name, staff_id=person_id
        )
        at = self.world.clock.now().isoformat()
        spot = {"lat": lat, "lon": LON, "accuracyM": 8, "at": at}
        answer = await person.client.post(
            "/api/field/duty", json={"on": True, "deviceId": f"d{person_id.int}", "position": spot}
        )
        assert answer.status_code == 200, answer.text
        await self.settle()
        return person

    async def stands(self, phone: Person, lat: float = LAT, lon: float = LON) -> None:
        """The phone sends where it is, a second after whatever it sent before."""
        self.world.clock.forward(seconds=1)
        at = self.world.clock.now().isoformat()
        fix = {"lat": lat, "lon": lon, "accuracyM": 8, "at": at}
        answer = await phone.client.post("/api/field/position", json=fix)
        assert answer.status_code == 204, answer.text

    async def link(self, home: str = "east") -> str:
        """The token of a household's link."""
        at = self.world.clock.now()
        return await links.mint("household", HOMES[home], timedelta(days=1), actor="t", at=at)

    async def resident(self, home: str = "east") -> Person:
        """The household's page, by its link."""
        client = await self.stack.enter_async_context(self.world.client())
        return Person(self, client, f"/api/link/{await self.link(home)}")

    async def office(self, kind: str = "community") -> Person:
        return await self.signed_in("office", login=kind, name=kind, office_id=OFFICES[kind])

    async def to_the_scene(self, phone: Person, incident: str) -> None:
        """Accept the standing offer and arrive."""
        home = await phone.get("/api/field/home")
        [offer] = [one for one in home["offers"] if one["incidentId"] == incident]
        await phone.does(incident, "accept", offerId=offer["id"])
        await self.stands(phone)
        await phone.does(incident, "arrived", metresOff=3)

    async def wears(self, phone: Person, incident: str, kind: str, *, without: str = "") -> None:
        """Everything that this kind needs on, but for one thing."""
        items = [{"code": one.code, "has": one.code != without} for one in KINDS[Kind(kind)].ppe]
        await phone.does(incident, "confirm_ppe", items=items)

    async def ticks(self, phone: Person, incident: str, *items: str, **more: Any) -> None:
        """Actions of the card, done."""
        for item in items:
            card, _, _ = item.partition("-")
            await phone.does(incident, "tick", card=card, item=item, result="done", **more)

    async def real(self, phone: Person, incident: str) -> None:
        """Real, and under control."""
        await phone.does(incident, "confirm_real")
        await phone.does(incident, "assess_controllable", controllable=True)

    async def finished(self, phone: Person, incident: str) -> None:
        """The last look, and the field's own condition; a second after the last alarm."""
        self.world.clock.forward(seconds=1)
        await phone.does(incident, "final_check")
        await phone.does(incident, "field_confirm_eliminated")

    async def handled(self, phone: Person, incident: str) -> None:
        """Confirm, equip, and do the whole card of smoke."""
        await phone.does(incident, "confirm_real")
        await phone.does(incident, "assess_controllable", controllable=True)
        items = [{"code": code, "has": True} for code in PPE]
        await phone.does(incident, "confirm_ppe", items=items)
        await phone.does(incident, "start_handling")
        for item in ("B.3-2", "B.3-3", "B.3-4", "B.3-5"):
            await phone.does(incident, "tick", card="B.3", item=item, result="done")

    async def closed(self, phone: Person, desk: Person, incident: str) -> None:
        """From a handled scene to the sealed record."""
        await self.quiet("smoke")
        await phone.does(incident, "final_check")
        await phone.does(incident, "field_confirm_eliminated")
        await desk.does(incident, "desk_release_real", category="real_fire")
        await self.settled_debts(phone, incident)
        await desk.does(incident, "archive")

    async def settled_debts(self, phone: Person, incident: str) -> None:
        for kind in ("handling", "prevention"):
            await phone.does(incident, "party_advised", kind=kind, way="spoken")


@asynccontextmanager
async def street_of(world: World) -> AsyncIterator[Street]:
    """Build the place in an empty world."""
    await furnish(world.clock.now())
    async with AsyncExitStack() as stack:
        yield Street(world, await store_of(world), stack)


async def furnish(now: datetime) -> None:
    """Write the place into the open databases."""
    run = OPERATIONS.execute
    for building, lat in ((COURT, LAT), (OTHER_COURT, LAT + 0.002)):
        await run(
            "INSERT INTO building (id, street, number, court, storeys, lane_width_m, engine_stop,"
            " lat, lon) VALUES ($1, '平江路', $2, '潘宅', 2, 2.4, '白塔东路口', $3, $4)",
            building, f"{building.int}号", lat, LON,
        )  # fmt: skip
    for home, home_id in HOMES.items():
        building = OTHER_COURT if home == "far" else COURT
        await run(
            "INSERT INTO household (id, building_id, door, floor, room, entrance_note, lat, lon)"
            " VALUES ($1, $2, $3, '1', '厨房', '黑漆大门进，右转', $4, $5)",
            home_id, building, home, LAT, LON,
        )  # fmt: skip
        contact = NewContact(
            id=uuid4(), household_id=home_id, name="陈阿婆", relation="户主",
            phone="13800001234", needs_help="轮椅", consent_at=now,
        )  # fmt: skip
        await residents.register([contact], actor="t", role="system", at=now)
    for name, (detector, kind, where) in DETECTORS.items():
        building = OTHER_COURT if where == "far" else COURT
        protocol = "jiean" if name in OWN_PROTOCOL else "zigbee2mqtt"
        await run(
            "INSERT INTO detector (id, address, protocol, kind, label, household_id, building_id,"
            " lat, lon) VALUES ($1, $2, $3, $4, '厨房', $5, $6, $7, $8)",
            detector, f"{protocol}/{name}", protocol, kind, HOMES.get(where or ""), building,
            LAT, LON,
        )  # fmt: skip
    for name, (person_id, lat) in PEOPLE.items():
        person = NewPerson(
            id=person_id, name=name, badge=f"GS-{person_id.int:04d}", post="field",
            phone="13800000000", qualified_from=date(2025, 1, 1), post_lat=lat, post_lon=LON,
        )  # fmt: skip
        await staff.register(person, actor="t", role="system", at=now)
        await always_on(person_id, at=now)
    for kind, office_id in OFFICES.items():
        office = Office(id=office_id, name=kind, kind=kind, phone="0512-0000")  # type: ignore[arg-type]
        await offices.register(
            office, buildings=[COURT, OTHER_COURT], actor="t", role="system", at=now
        )


__all__ = ["PASSWORD", "Person", "Street", "furnish", "street_of"]
