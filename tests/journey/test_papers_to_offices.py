"""A filed paper reaches the office that it concerns, is acknowledged there, or the desk hears."""

from typing import Any
from uuid import UUID

import pytest

from backend.offices import service as offices
from backend.offices.schemas import Office
from tests.journey.street import COURT, OFFICES, OTHER_COURT, Person, Street

HOUSING = UUID(int=304)
ACK_S = 7_200


async def _housing(street: Street) -> Person:
    """The authority for housing and building, registered for both courts."""
    office = Office(id=HOUSING, name="住建局", kind="housing", phone="65220009")
    await offices.register(
        office,
        buildings=[COURT, OTHER_COURT],
        actor="t",
        role="system",
        at=street.world.clock.now(),
    )
    return await street.signed_in("office", login="housing", name="顾工", office_id=HOUSING)


async def _false_alarm(street: Street, phone: Person) -> str:
    """A false alarm with its report filed."""
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过", note="油烟")
    await phone.does(
        incident, "submit_false_report", cause="cooking", analysis="离灶台太近", measure="换位置"
    )
    return incident


async def _inbox(clerk: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await clerk.get("/api/office/inbox"))["reports"]
    return found


async def _ledger(desk: Person, incident: str) -> list[dict[str, Any]]:
    [line] = await desk.get(f"/api/incidents/{incident}/documents")
    sent: list[dict[str, Any]] = line["sent"]
    return sent


async def _acknowledges(person: Person, report: str, status: int = 204, reply: str = "") -> None:
    answer = await person.client.post(f"/api/reports/{report}/acknowledge", json={"reply": reply})
    assert answer.status_code == status, answer.text


@pytest.mark.clause("6.2.4-d")
async def test_the_community_reads_the_false_alarms_report_and_says_it_has_it(
    street: Street,
) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    community, fire = await street.office("community"), await street.office("fire")
    incident = await _false_alarm(street, phone)
    [sent] = await _ledger(desk, incident)
    assert (sent["office"], sent["status"]) == ("community", "sent")
    [paper] = await _inbox(community)
    assert (paper["purpose"], paper["paper"]) == ("false_alarm", "街安误报〔2026〕1号")
    assert "离灶台太近" in paper["situation"]
    assert await _inbox(fire) == []
    assert f"office:{OFFICES['community']}" in await _addresses(street, "paper")
    assert (await _ledger(desk, incident))[0]["status"] == "delivered"
    pdf = await community.client.get(f"/api/reports/{paper['id']}/paper")
    assert pdf.content.startswith(b"%PDF-")
    await _acknowledges(community, paper["id"], reply="已上门")
    [sent] = await _ledger(desk, incident)
    assert (sent["status"], sent["acknowledgedBy"], sent["reply"]) == (
        "acknowledged", "community", "已上门",
    )  # fmt: skip


async def _addresses(street: Street, kind: str) -> list[str]:
    rows = await street.world.operations.fetch(
        "SELECT address FROM message WHERE body -> 'data' ->> 'kind' = $1 ORDER BY address", kind
    )
    return [row["address"] for row in rows]


async def test_another_office_neither_reads_nor_acknowledges_it(street: Street) -> None:
    phone, fire = await street.phone("周建国"), await street.office("fire")
    incident = await _false_alarm(street, phone)
    desk = await street.desk()
    [sent] = await _ledger(desk, incident)
    await _acknowledges(fire, sent["id"], 404)
    await _acknowledges(phone, sent["id"], 403)
    answer = await fire.client.get(f"/api/reports/{sent['id']}/paper")
    assert answer.status_code == 404
    assert (await _ledger(desk, incident))[0]["acknowledgedAt"] is None


async def test_the_desk_hears_again_and_again_until_somebody_has_it(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await _false_alarm(street, phone)
    desk = await street.desk()
    assert await street.told(desk, "office_silent") == 0
    await street.forward(ACK_S + 1)
    assert await street.told(desk, "office_silent") == 1
    await street.forward(ACK_S + 1)
    assert await street.told(desk, "office_silent") == 2
    desk = await street.desk()
    [sent] = await _ledger(desk, incident)
    await _acknowledges(desk, sent["id"], reply="电话告知王主任")
    await street.forward(ACK_S + 1)
    desk = await street.desk()
    assert await street.told(desk, "office_silent") == 2
    [sent] = await _ledger(desk, incident)
    assert (sent["acknowledgedBy"], sent["reply"]) == ("沈静", "电话告知王主任")


async def test_a_sealed_incidents_paper_can_still_be_acknowledged(street: Street) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    community = await street.office("community")
    incident = await _false_alarm(street, phone)
    await desk.does(incident, "desk_release_false")
    await street.settled_debts(phone, incident)
    await desk.does(incident, "archive")
    before = await street.record(desk, incident)
    [paper] = await _inbox(community)
    await _acknowledges(community, paper["id"])
    assert (await _ledger(desk, incident))[0]["status"] == "acknowledged"
    assert await street.record(desk, incident) == before, "the sealed part never changes"


@pytest.mark.clause("B.4-3")
async def test_a_buildings_hazard_goes_to_the_housing_authority_and_a_rescue_does_not(
    street: Street,
) -> None:
    housing, phone = await _housing(street), await street.phone("周建国")
    desk = await street.desk()
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await desk.does(incident, "report_to", offices=None, situation="墙体外倾")
    assert await _inbox(housing) == []
    await phone.does(
        incident, "authority_report", authority="住建局", by="顾工", situation="墙体外倾"
    )
    [paper] = await _inbox(housing)
    assert (paper["purpose"], paper["paperTitle"]) == ("authority", "建筑安全隐患报告")
    assert "墙体外倾" in paper["situation"]


async def test_where_no_such_office_is_registered_the_desk_is_told_to_telephone(
    street: Street,
) -> None:
    desk, phone = await street.desk(), await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "authority_report", authority="住建局", by="顾工", situation="裂缝")
    assert await street.told(desk, "no_office") == 1


async def test_acknowledging_and_its_audit_row_are_one(street: Street) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    incident = await _false_alarm(street, phone)
    [sent] = await _ledger(desk, incident)
    await _acknowledges(desk, sent["id"])
    row = await street.world.operations.fetch_one(
        "SELECT actor, subject FROM audit_entry WHERE action = 'paper.acknowledged'"
    )
    assert row is not None
    assert row["subject"] == sent["id"]
