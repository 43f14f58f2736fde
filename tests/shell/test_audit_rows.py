"""Every change has its audit row in its own transaction, and rows reach the log once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import httpx
import pytest
from litestar.handlers import HTTPRouteHandler

from backend.access import links
from backend.app import ROUTES
from backend.audit import service as audit
from backend.shared.db import Database
from backend.shared.ids import uuid7
from backend.staff import service as staff_service
from backend.staff.schemas import NewPerson
from tests.plugin.world import PASSWORD, World
from tests.shell.test_evidence import named, picture

PERSON, HOUSEHOLD = UUID(int=77), UUID(int=78)

Act = Callable[[World, httpx.AsyncClient], Awaitable[httpx.Response]]


async def signs_in(world: World, client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/session", json={"login": "field", "password": PASSWORD})


async def fails_to_sign_in(world: World, client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/session", json={"login": "field", "password": "wrong"})


async def signs_out(world: World, client: httpx.AsyncClient) -> httpx.Response:
    return await client.delete("/api/session")


async def goes_on_duty(world: World, client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(
        "/api/field/duty", json={"on": True, "deviceId": "phone", "reason": "顶班"}
    )


async def stores_a_photo(world: World, client: httpx.AsyncClient) -> httpx.Response:
    return await client.put(
        f"/api/evidence/{named(picture())}",
        content=picture(),
        headers={"Content-Type": "image/jpeg"},
    )


async def subscribes(world: World, client: httpx.AsyncClient) -> httpx.Response:
    keys = {"p256dh": "B" * 87, "auth": "A" * 22}
    body = {"endpoint": "https://push.example/1", "keys": keys, "deviceId": "phone"}
    return await client.post("/api/push/subscriptions", json=body)


async def mints_a_link(world: World, client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(f"/api/households/{HOUSEHOLD}/link")


ACTS: dict[str, list[Act]] = {
    "POST /api/session": [signs_in, fails_to_sign_in],
    "DELETE /api/session": [signs_out],
    "POST /api/field/duty": [goes_on_duty],
    "PUT /api/evidence/{sha256:str}": [stores_a_photo],
    "POST /api/push/subscriptions": [subscribes],
    "POST /api/households/{household_id:uuid}/link": [mints_a_link],
}
ELSEWHERE = {
    "POST /api/desk/moves/{move_id:uuid}/answer": "its audit row is read in test_moving_up.py",
    "POST /api/field/position": "measured, and replaced every few seconds",
    "POST /api/field/heartbeat": "the same",
    "POST /api/field/reach/test": "a message; the delivery ledger and the tests are the record",
    "POST /api/reach/{staff_id:uuid}/test": "the same",
    "POST /api/reach/{staff_id:uuid}/plan": "its audit row is read in test_reach.py",
    "POST /api/messages/{message_id:uuid}/look": "its audit row is read in test_why.py",
    "POST /api/dead-letters/{message_id:uuid}/again": "the same",
    "POST /api/dead-letters/{message_id:uuid}/give-up": "the same",
    "POST /api/providers/{provider:str}/try": "the same",
    "POST /api/faults/{fault_id:uuid}/take": "the three are read in test_faults.py",
    "POST /api/faults/{fault_id:uuid}/note": "the same",
    "POST /api/faults/{fault_id:uuid}/done": "the same",
    "POST /api/faults/{fault_id:uuid}/event-only": "its audit row is read in test_faults.py",
    "POST /api/detectors/{detector_id:uuid}/mute": "its audit row is read in test_mutes.py",
    "POST /api/devices": "history and audit rows are read in test_register.py",
    "PUT /api/devices/{device_id:uuid}": "the same",
    "POST /api/devices/{device_id:uuid}/do": "the same",
    "POST /api/devices/imports": "kept for two days, changes nothing of the register",
    "POST /api/devices/imports/{import_id:uuid}/advance": "each row as a change of its detector",
    "POST /api/models": "its audit row is read in test_register.py",
    "PUT /api/models/{model_id:uuid}": "the same code",
    "POST /api/models/{model_id:uuid}/waive": "the same",
    "POST /api/pauses": "its audit row is read in test_register.py",
    "POST /api/pauses/{pause_id:uuid}/end": "the same",
    "PUT /api/mappings/draft": "the seven are read in test_mapping.py",
    "POST /api/mappings/{name:str}/discard": "the same",
    "POST /api/mappings/{name:str}/begin": "the same",
    "POST /api/mappings/{name:str}/back": "the same",
    "POST /api/mappings/{name:str}/withdraw": "the same",
    "POST /api/mappings/listen": "the same",
    "POST /api/mappings/preview": "tries a template, changes nothing",
    "POST /api/receipts": "measured; the delivery ledger is the record",
    "POST /api/commands": "the journal, which only grows, is the record",
    "POST /api/link/{token:str}/commands": "the same",
    "POST /api/phone/commands": "the same; its refusals are audited, test_disabled_staff.py",
    "POST /api/reports/{report_id:uuid}/link": "mints as for a household",
    "DELETE /api/push/subscriptions": "the other half of subscribing",
    "POST /api/field/device": "its audit row is read in test_signed_commands.py",
    "POST /api/cards": "two persons and their audit rows are in test_cards.py",
    "POST /api/cards/{version:int}/approve": "the same",
    "POST /api/cards/{version:int}/decline": "the same",
    "POST /api/rules": "two persons and their audit rows are in test_rules.py",
    "POST /api/rules/{version:int}/approve": "the same",
    "POST /api/rules/{version:int}/decline": "the same",
    "POST /api/detectors/{detector_id:uuid}/baselines": "the same",
    "POST /api/rules/check": "changes nothing",
    "POST /api/rules/preview": "changes nothing",
    "POST /api/reports/{report_id:uuid}/acknowledge": "read in test_papers_to_offices.py",
    "POST /api/statistics/{year:int}/paper": "its audit row is read in test_statistics.py",
    "POST /api/drills": "recorded for training as well; test_drills.py",
    "POST /api/drills/{incident_id:uuid}/signal": "an event of the drill's journal",
    "POST /api/drills/{incident_id:uuid}/end": "the same",
    "PUT /api/roster/shifts/{shift_id:uuid}": "history and audit rows in test_roster.py",
    "DELETE /api/roster/shifts/{shift_id:uuid}": "the same",
    "PUT /api/roster/areas/{area_id:uuid}": "the same",
    "PUT /api/roster/patterns/{pattern_id:uuid}": "the same",
    "DELETE /api/roster/patterns/{pattern_id:uuid}": "the same",
    "POST /api/roster/generate": "the same",
    "POST /api/roster/copy": "the same",
    "POST /api/roster/import": "the same",
    "POST /api/roster/swaps/{swap_id:uuid}": "the same",
    "PUT /api/my/swaps/{swap_id:uuid}": "the same",
    "PUT /api/inspection/plans/{plan_id:uuid}": "its audit row is read in test_inspection.py",
    "POST /api/inspection/rounds/{round_id:uuid}/assign": "the same",
    "POST /api/repairs/{repair_id:uuid}/step": "its journal only grows, and the same",
    "POST /api/my/swaps/{swap_id:uuid}": "the same",
    "POST /api/doors/{vendor:str}/{secret:str}": "readings, kept as they came",
    "POST /api/push/reports/{provider:str}/{secret:str}": "measured; the delivery ledger",
    "PUT /api/link/{token:str}/preferences": "audit rows in test_preferences.py",
    "PUT /api/office/preferences": "the same",
    "POST /api/link/{token:str}/absences": "audit rows in test_absences.py",
    "DELETE /api/link/{token:str}/absences/{absence_id:uuid}": "the same",
    "POST /api/office/homes/{home:uuid}/absences": "the same",
    "DELETE /api/office/homes/{home:uuid}/absences/{absence_id:uuid}": "the same",
    "PUT /api/offices/{office_id:uuid}/room": "the same",
    "POST /api/doors/{vendor:str}/{secret:str}/{camera:str}": "the same",
}
"""Changing routes that are not tried here, and why."""


async def rows_of(world: World) -> dict[str, list[str]]:
    """Every row of the operations database as text, by table."""
    tables = await world.operations.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    return {
        name: sorted(
            row[0] for row in await world.operations.fetch(f'SELECT t::text FROM "{name}" t')
        )
        for (name,) in tables
    }


@asynccontextmanager
async def audit_broken(world: World) -> AsyncIterator[None]:
    """No audit row can be written."""
    superuser = await world.server.superuser("operations")
    try:
        await superuser.execute("ALTER TABLE audit_entry ADD CONSTRAINT no CHECK (false) NOT VALID")
        yield
    finally:
        await superuser.execute("ALTER TABLE audit_entry DROP CONSTRAINT no")
        await superuser.close()


def test_every_changing_route_is_tried_here_or_says_why_not() -> None:
    changing = {
        f"{method} {path}"
        for handler in ROUTES
        if isinstance(handler, HTTPRouteHandler)
        for method in handler.http_methods - {"GET", "HEAD", "OPTIONS"}
        for path in handler.paths
    }
    assert changing == ACTS.keys() | ELSEWHERE.keys()


@pytest.mark.clause("7.4.4-e")
@pytest.mark.parametrize("act", [act for acts in ACTS.values() for act in acts])
async def test_a_change_and_its_audit_row_happen_together_or_not_at_all(
    world: World, act: Act
) -> None:
    person = NewPerson(id=PERSON, name="李明", badge="G-07", post="field", phone="13800000000")
    await staff_service.register(person, actor="test", role="system", at=world.clock.now())
    await world.operations.execute(
        "INSERT INTO building (id, street, number, lat, lon) VALUES ($1, '平江路', '12', 31, 120)",
        HOUSEHOLD,
    )
    await world.operations.execute(
        "INSERT INTO household (id, building_id, door, lat, lon) VALUES ($1, $1, '201', 31, 120)",
        HOUSEHOLD,
    )
    await world.account("field", "desk", staff_id=PERSON)
    async with world.client("field") as client:
        before = await rows_of(world)
        async with audit_broken(world):
            answer = await act(world, client)
        assert answer.status_code == 500
        assert await rows_of(world) == before

        answer = await act(world, client)
        assert answer.status_code < 500
        after = await rows_of(world)
        assert len(after["audit_entry"]) == len(before["audit_entry"]) + 1
        assert {name for name in after if after[name] != before[name]} > {"audit_entry"}


async def test_an_audit_row_on_its_own_is_refused(world: World) -> None:
    with pytest.raises(audit.OutsideTransaction):
        await audit.record(
            world.operations, actor="x", role="x", action="x.y", subject="x", at=world.clock.now()
        )


@pytest.mark.parametrize("engine_name", ["operations", "identity"])
async def test_a_waiting_row_can_be_neither_changed_nor_removed(
    world: World, engine_name: str
) -> None:
    engine: Database = getattr(world, engine_name)
    await some_rows(world, engine, 1)
    for sql in (
        "UPDATE audit_entry SET actor = 'somebody else'",
        "UPDATE audit_entry SET actor = 'somebody else', shipped_at = now()",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await engine.execute(sql)
    await audit.ship(10, at=world.clock.now())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await engine.execute("UPDATE audit_entry SET shipped_at = NULL")


async def test_the_log_takes_rows_and_gives_none_back(world: World) -> None:
    await some_rows(world, world.operations, 1)
    await audit.ship(10, at=world.clock.now())
    for sql in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.records.execute(sql)
    assert await world.records.fetch_value("SELECT count(*) FROM audit_log") == 1


async def some_rows(world: World, engine: Database, count: int) -> None:
    async with engine.transaction():
        await audit.record_many(
            engine,
            actor=uuid7(),
            role="desk",
            action="test.done",
            subjects=[(uuid7(), {"n": n, "phone": "13812341234"}) for n in range(count)],
            reason="因为",
            at=world.clock.now(),
        )


async def test_rows_of_both_databases_reach_the_log_whole(world: World) -> None:
    await some_rows(world, world.operations, 3)
    await some_rows(world, world.identity, 2)
    assert await audit.ship(2, at=world.clock.now()) == 4
    assert await audit.ship(2, at=world.clock.now()) == 1
    assert await audit.ship(2, at=world.clock.now()) == 0
    columns = "id, at, actor, role, action, subject, before, after, reason"
    logged = await world.records.fetch(f"SELECT {columns} FROM audit_log ORDER BY id")
    waiting = [
        row
        for engine in (world.operations, world.identity)
        for row in await engine.fetch(f"SELECT {columns} FROM audit_entry")
    ]
    assert sorted(map(tuple, logged)) == sorted(map(tuple, waiting))
    assert "13812341234" not in str(logged)


async def test_a_crash_between_the_two_databases_logs_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some_rows(world, world.operations, 3)
    whole = Database.execute

    async def dies(self: Database, sql: str, *args: object) -> int:
        if sql.startswith("UPDATE audit_entry"):
            raise ConnectionResetError
        return await whole(self, sql, *args)

    monkeypatch.setattr(Database, "execute", dies)
    with pytest.raises(ConnectionResetError):
        await audit.ship(10, at=world.clock.now())
    monkeypatch.undo()
    assert await world.records.fetch_value("SELECT count(*) FROM audit_log") == 3
    assert await audit.ship(10, at=world.clock.now()) == 3
    assert await world.records.fetch_value("SELECT count(*) FROM audit_log") == 3


async def test_two_nodes_shipping_at_once_lose_and_double_nothing(world: World) -> None:
    await some_rows(world, world.operations, 40)
    counts = await asyncio.gather(*(audit.ship(15, at=world.clock.now()) for _ in range(4)))
    while await audit.ship(15, at=world.clock.now()):
        pass
    assert sum(counts) <= 40
    assert await world.records.fetch_value("SELECT count(*) FROM audit_log") == 40


async def test_a_link_and_its_audit_row_happen_together_or_not_at_all(world: World) -> None:
    before = await rows_of(world)
    async with audit_broken(world):
        with pytest.raises(asyncpg.CheckViolationError):
            await links.mint(
                "household", uuid7(), links.USE_AUDITED_EVERY, actor="t", at=world.clock.now()
            )
    assert await rows_of(world) == before
