"""The year in figures, through the manager's own addresses."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.journey.street import OFFICES, Person, Street
from tests.pdf import text_of

EVE = datetime(2026, 12, 31, 15, 59, 50, tzinfo=UTC)
"""Ten seconds to midnight in Suzhou."""


async def _figures(person: Person, year: int) -> dict[str, Any]:
    found: dict[str, Any] = (await person.get(f"/api/statistics?year={year}"))["year"]
    return found


@pytest.mark.clause("6.3.7.3-a", "6.3.7.3-b")
async def test_new_years_eve_is_counted_in_the_old_year_by_kind_and_community(
    street: Street,
) -> None:
    street.world.clock.forward(seconds=(EVE - street.world.clock.now()).total_seconds())
    phone, lead = await street.phone("周建国"), await street.desk_lead()
    false = await street.alarm()
    await street.to_the_scene(phone, false)
    street.world.clock.forward(seconds=20)
    await street.alarm("smoke_far")
    await phone.does(false, "field_declares_false", noPhotoReason="看过")
    await lead.does(false, "desk_release_false")
    old, new = await _figures(lead, 2026), await _figures(lead, 2027)
    assert [(f["key"], f["episodes"], f["incidents"], f["false"]) for f in old["kinds"]] == [
        ("smoke", 1, 1, 1)
    ]
    assert [(f["key"], f["incidents"], f["open"]) for f in new["kinds"]] == [("smoke", 1, 1)]
    assert old["months"][11]["incidents"] == new["months"][0]["incidents"] == 1
    assert [f["key"] for f in old["areas"]] == ["community"], "the office's own name"
    assert (old["gaps"], new["gaps"]) == ([], [])
    both = await lead.get("/api/statistics?year=2026")
    assert both["years"] == [2027, 2026]


@pytest.mark.clause("6.3.7.3-b")
async def test_an_incident_that_was_merged_counts_once_and_its_alarm_still_counts(
    street: Street,
) -> None:
    lead = await street.desk_lead()
    first = await street.alarm()
    second = await street.alarm("smoke_far")
    assert first != second
    await lead.does(second, "merge", into=first, reason="同一场火")
    year = await _figures(lead, 2026)
    [smoke] = year["kinds"]
    assert (smoke["incidents"], smoke["episodes"], year["merged"]) == (1, 2, 1)


@pytest.mark.clause("6.3.7.3-a")
async def test_a_record_that_is_missing_is_told_as_a_gap(street: Street) -> None:
    lead = await street.desk_lead()
    await street.alarm()
    await street.world.operations.execute("UPDATE incident_number SET last = last + 1")
    assert (await _figures(lead, 2026))["gaps"] == ["20260302-0002"]


async def test_the_year_is_printed_once_numbered_and_again_when_it_changed(
    street: Street,
) -> None:
    lead = await street.desk_lead()
    await street.alarm()
    lines = [(await lead.client.post("/api/statistics/2026/paper")).json() for _ in range(2)]
    assert [line["number"] for line in lines] == ["街安统计〔2026〕1号"] * 2
    pdf = await lead.client.get(f"/api/documents/{lines[0]['sha256']}")
    assert pdf.headers["content-type"] == "application/pdf"
    assert "年度预警统计" in text_of(pdf.content)
    await street.alarm("smoke_far")
    again = (await lead.client.post("/api/statistics/2026/paper")).json()
    assert again["number"] == "街安统计〔2026〕2号"


async def test_tables_come_as_files_and_taking_one_is_written_down(street: Street) -> None:
    lead = await street.desk_lead()
    await street.alarm()
    table = await lead.client.get("/api/statistics/2026/statistics.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "烟雾" in table.text
    register = await lead.client.get("/api/statistics/2026/register.csv")
    assert "20260302-0001" in register.text
    assert "陈阿婆" not in register.text
    assert (await lead.client.get("/api/statistics/2026/other.csv")).status_code == 404
    taken = await street.world.operations.fetch_value(
        "SELECT count(*) FROM audit_entry WHERE action = 'statistics.taken' AND subject = '2026'"
    )
    assert taken == 2


async def test_only_the_manager_and_the_lead_read_a_years_figures(street: Street) -> None:
    paths = (
        ("GET", "/api/statistics"),
        ("GET", "/api/statistics/2026/register.csv"),
        ("POST", "/api/statistics/2026/paper"),
    )
    for role in ("field", "desk", "office", "technician", None):
        more = {"office_id": OFFICES["community"]} if role == "office" else {}
        async with street.world.client(role, **more) as client:
            for method, path in paths:
                answer = await client.request(method, path)
                assert answer.status_code == (401 if role is None else 403), (role, path)


async def test_a_printed_year_is_not_for_everybody(street: Street) -> None:
    lead, desk = await street.desk_lead(), await street.desk()
    line = (await lead.client.post("/api/statistics/2026/paper")).json()
    assert (await desk.client.get(f"/api/documents/{line['sha256']}")).status_code == 403
    assert UUID(line["incidentId"]).version == 5
