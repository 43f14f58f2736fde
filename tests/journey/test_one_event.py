"""Incidents beside each other are one event: linked in both journals, seen by both teams."""

from typing import Any
from uuid import UUID

import msgspec

from tests.journey.street import DETECTORS, HOMES, PEOPLE, Person, Street


async def links(street: Street, incident: str) -> list[tuple[str, str]]:
    """Other incident and reason of each link in an incident's journal."""
    rows = await street.world.operations.fetch(
        "SELECT body -> 'fact' AS fact FROM event WHERE incident_id = $1"
        " AND type = 'IncidentsLinked' ORDER BY version",
        UUID(incident),
    )
    facts = [msgspec.json.decode(row["fact"]) for row in rows]
    return [(fact["other"], fact["reason"]) for fact in facts]


async def other_than(street: Street, *known: str) -> str:
    rows = await street.world.operations.fetch("SELECT id FROM incident")
    [found] = {str(row["id"]) for row in rows} - set(known)
    return found


async def accepted(phone: Person) -> str:
    """Whatever this phone is asked for, it goes there; the incident's id."""
    [offer] = (await phone.get("/api/field/home"))["offers"]
    incident: str = offer["incidentId"]
    await phone.street.to_the_scene(phone, incident)
    return incident


async def test_two_courts_at_once_are_linked_and_neither_team_fetches_anybody_twice(
    street: Street,
) -> None:
    phones = [await street.phone(name) for name in PEOPLE]
    one = await street.alarm("smoke")
    await street.alarm("smoke_far")
    other = await other_than(street, one)
    assert await links(street, one) == [(other, "near")]
    assert await links(street, other) == [(one, "near")]

    teams: dict[str, Person] = {}
    idle = []
    for phone in phones:
        offers = (await phone.get("/api/field/home"))["offers"]
        if offers:
            teams[await accepted(phone)] = phone
        else:
            idle.append(phone)
    mine, theirs = teams[one], teams[other]
    await theirs.does(other, "confirm_real")
    await theirs.does(other, "assess_controllable", controllable=False, reason="火大")
    await theirs.does(other, "start_evacuation")

    [beside] = (await mine.get("/api/field/home"))["beside"]
    assert (beside["of"], beside["incidentId"], beside["reason"]) == (one, other, "near")
    assert (beside["kind"], beside["state"]) == ("smoke", "rescue")
    assert beside["lead"] == (await theirs.get("/api/session"))["name"]
    assert "平江路" in beside["address"]
    assert (beside["evacuation"]["state"], beside["evacuation"]["done"]) == ("running", [])

    roster: dict[str, Any] = await mine.get(f"/api/incidents/{other}/roster")
    assert [soul["needsHelp"] for soul in roster["people"]] == ["轮椅"]
    assert roster["people"][0]["householdId"] == str(HOMES["far"])
    found = roster["people"][0]["id"]
    await theirs.does(other, "person_out", personId=found, household="far", status="out")
    [beside] = (await mine.get("/api/field/home"))["beside"]
    assert (beside["evacuation"]["done"], beside["evacuation"]["total"]) == ([found], 1)
    [bystander] = idle
    answer = await bystander.client.get(f"/api/incidents/{other}/roster")
    assert answer.status_code == 403
    assert (await bystander.get("/api/field/home"))["beside"] == []


async def test_unlike_kinds_of_one_building_are_linked_once_however_often_it_is_looked_at(
    street: Street,
) -> None:
    one = await street.alarm("smoke")
    await street.measures("pressure", "pressure", 0.05)
    street.world.clock.forward(seconds=700)
    await street.measures("pressure", "pressure", 0.05)
    other = await other_than(street, one)
    assert await links(street, other) == [(one, "same_building")]
    seqs = await street.world.operations.fetch("SELECT seq FROM event WHERE type = 'AlertRaised'")
    for row in seqs:
        await street.worker.pipeline.react(row["seq"])
    assert await links(street, one) == [(other, "same_building")]
    assert await links(street, other) == [(one, "same_building")]


async def test_a_drill_is_linked_with_nothing_real(street: Street) -> None:
    lead = await street.desk_lead()
    phone = await street.phone("周建国")
    drill = {
        "detectorId": str(DETECTORS["smoke"][0]), "kind": "smoke",
        "staff": [str(PEOPLE["周建国"][0])],
    }  # fmt: skip
    answer = await lead.client.post("/api/drills", json=drill)
    assert answer.status_code == 201, answer.text
    await street.settle()
    drilled = answer.json()["incidentId"]
    await street.alarm("smoke")
    real = await other_than(street, drilled)
    assert await links(street, drilled) == await links(street, real) == []
    assert (await phone.get("/api/field/home"))["beside"] == []


async def test_ten_minutes_later_another_court_is_another_event(street: Street) -> None:
    one = await street.alarm("smoke")
    await street.forward(601)
    await street.alarm("smoke_far")
    assert await links(street, one) == []
