"""Offices and their inbox: other people's reports first."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from backend.offices import service
from backend.offices.schemas import Office, People, ReportPlace, ReportRow, Situation
from backend.shared.ids import uuid7
from tests.plugin.world import World

COMMUNITY, STREET, FIRE = UUID(int=11), UUID(int=12), UUID(int=13)
BUILDING, ELSEWHERE = UUID(int=21), UUID(int=22)


OFFICES = (
    (Office(id=FIRE, name="平江消防救援站", kind="fire", phone="119"), [BUILDING, ELSEWHERE]),
    (Office(id=COMMUNITY, name="历史街区社区", kind="community", phone="65220000"), [BUILDING]),
    (Office(id=STREET, name="平江街道", kind="street", phone="65220001"), [BUILDING, BUILDING]),
)


async def seeded(world: World) -> None:
    for office, buildings in OFFICES:
        await service.register(
            office, buildings=buildings, actor="t", role="system", at=world.clock.now()
        )


def report(office_id: UUID, **more: Any) -> ReportRow:
    facts: dict[str, Any] = {
        "id": uuid7(),
        "incident_id": UUID(int=31),
        "office_id": office_id,
        "situation": Situation(
            no="2026-0001",
            kind="smoke",
            urgency="emergency",
            state="rescue",
            handling="exercise",
            situation="二楼起火，两人被困",
            place=ReportPlace(address="平江路 12 号", lat=31.3150, lon=120.6330),
            people=People(trapped=2),
        ),
        "status": "sent",
        "version": 5,
    }
    return ReportRow(**(facts | more))


@pytest.mark.parametrize("role", ["field", "desk", "desk_lead", "technician", "audit_admin", None])
async def test_only_an_office_has_an_inbox(world: World, role: str | None) -> None:
    async with world.client(role) as client:
        answer = await client.get("/api/office/inbox")
    assert answer.status_code == (401 if role is None else 403)


async def test_an_office_account_without_an_office_sees_nothing(world: World) -> None:
    await seeded(world)
    await service.save_report(report(COMMUNITY))
    async with world.client("office") as client:
        assert (await client.get("/api/office/inbox")).status_code == 403


async def test_an_office_sees_its_own_reports_and_no_others(world: World) -> None:
    await seeded(world)
    mine, theirs = report(COMMUNITY), report(FIRE)
    await service.save_report(mine)
    await service.save_report(theirs)
    async with world.client("office", office_id=COMMUNITY) as client:
        answer = await client.get("/api/office/inbox")
    assert [row["id"] for row in answer.json()["reports"]] == [str(mine.id)]
    assert str(theirs.id) not in answer.text


async def test_a_report_reads_on_the_wire_as_agreed(world: World) -> None:
    await seeded(world)
    at: datetime = world.clock.now()
    await service.save_report(report(COMMUNITY, sent_at=at))
    async with world.client("office", office_id=COMMUNITY) as client:
        inbox = (await client.get("/api/office/inbox")).json()
    (row,) = inbox["reports"]
    assert inbox["cursor"] >= 1
    assert row["coordinates"] == {"wgs84": [31.315, 120.633], "gcj02": [31.312843, 120.637193]}
    assert (row["place"]["address"], row["place"]["datum"]) == ("平江路 12 号", "WGS-84")
    assert row["office"] == {"id": str(COMMUNITY), "name": "历史街区社区", "kind": "community"}
    assert row["people"] == {"trapped": 2, "injured": 0, "unaccounted": 0, "out": 0}
    assert datetime.fromisoformat(row["sentAt"]) == at
    assert (row["no"], row["handling"], row["status"]) == ("2026-0001", "exercise", "sent")
    assert (row["acknowledgedAt"], row["reply"], row["contact"]) == (None, None, None)
    assert row["mapLinks"]["amap"].startswith("https://uri.amap.com/")


async def test_an_older_or_repeated_version_changes_nothing(world: World) -> None:
    await seeded(world)
    now = world.clock.now()
    newest = report(COMMUNITY, status="acknowledged", acknowledged_at=now, version=9)
    assert await service.save_report(newest)
    cursor = (await service.inbox(COMMUNITY)).cursor
    for version in (9, 8):
        stale = report(COMMUNITY, id=newest.id, status="sent", version=version)
        assert not await service.save_report(stale)
    inbox = await service.inbox(COMMUNITY)
    assert inbox.cursor == cursor
    assert inbox.reports[0].status == "acknowledged"


async def test_whatever_the_order_of_arrival_the_newest_version_stays(world: World) -> None:
    await seeded(world)
    report_id = uuid7()
    versions = [report(COMMUNITY, id=report_id, version=n, reply=str(n)) for n in (3, 1, 5, 2, 4)]
    await asyncio.gather(*(service.save_report(one) for one in versions))
    view = await service.report_view(report_id)
    assert view is not None
    assert view.reply == "5"


async def test_a_change_moves_the_cursor(world: World) -> None:
    await seeded(world)
    first = report(COMMUNITY)
    await service.save_report(first)
    before = (await service.inbox(COMMUNITY)).cursor
    await service.save_report(report(COMMUNITY, id=first.id, version=6, status="delivered"))
    assert (await service.inbox(COMMUNITY)).cursor > before


async def test_an_undone_transaction_leaves_no_report(world: World) -> None:
    await seeded(world)

    async def undone() -> None:
        async with world.operations.transaction():
            assert await service.save_report(report(COMMUNITY))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()
    assert (await service.inbox(COMMUNITY)).reports == []


async def test_a_building_has_its_offices_nearest_authority_first(world: World) -> None:
    await seeded(world)
    kinds = [office.kind for office in await service.offices_for(BUILDING)]
    assert kinds == ["community", "street", "fire"]
    assert [office.id for office in await service.offices_for(ELSEWHERE)] == [FIRE]
    assert await service.offices_for(uuid7()) == []


async def test_a_report_that_is_not_there_has_no_view(world: World) -> None:
    assert await service.report_view(uuid7()) is None
    assert await service.reports_of(uuid7()) == []
