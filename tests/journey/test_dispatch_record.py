"""Why this person? Answerable from the record, years later."""

import hashlib
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.journey.street import LAT, LON, PEOPLE, Street


def line(layer: str, *spots: tuple[float, float]) -> dict[str, Any]:
    """A feature of the base map through (lat, lon) spots."""
    coordinates = [[lon, lat] for lat, lon in spots]
    return {
        "type": "Feature",
        "properties": {"layer": layer},
        "geometry": {"type": "LineString", "coordinates": coordinates},
    }


async def load_map(street: Street, *features: dict[str, Any]) -> None:
    text = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    await street.world.operations.execute(
        "INSERT INTO area (id, name, geojson, etag) VALUES ($1, 'test', $2, $3)",
        uuid4(),
        text,
        hashlib.sha256(text).hexdigest(),
    )


async def offers_of(street: Street, incident: str) -> list[dict[str, Any]]:
    """The journal's offers, with everybody who was looked at."""
    rows = await street.world.operations.fetch(
        "SELECT body FROM event WHERE incident_id = $1 AND type = 'Offered' ORDER BY version",
        UUID(incident),
    )
    return [json.loads(row["body"])["fact"] for row in rows]


def reasons(offer: dict[str, Any]) -> dict[str, str | None]:
    return {one["name"]: one["passedOver"] for one in offer["candidates"]}


@pytest.mark.clause("6.2.3-c", "4.2.4.2")
async def test_every_offer_keeps_everybody_looked_at_and_why_they_were_passed_over(
    street: Street,
) -> None:
    for name in PEOPLE:
        await street.phone(name)
    await street.world.operations.execute(
        "UPDATE person SET qualified_until = '2026-01-01' WHERE id = $1", PEOPLE["周建国"][0]
    )
    incident = await street.alarm()
    await street.forward(26)
    first, second = await offers_of(street, incident)
    assert [o["staffName"] for o in (first, second)] == ["李明", "王芳"]
    assert reasons(first) == {"李明": None, "王芳": None, "周建国": "not_qualified"}
    assert reasons(second) == {"王芳": None, "李明": "asked_already", "周建国": "not_qualified"}
    chosen = [one for one in first["candidates"] if one["chosen"]]
    assert [one["name"] for one in chosen] == ["李明"]
    assert chosen[0]["metres"] > 0
    assert chosen[0]["fixAgeS"] is not None
    assert chosen[0]["basis"] == "straight-line"


async def test_who_leads_elsewhere_is_named_and_not_asked(street: Street) -> None:
    near, _second = await street.phone("周建国"), await street.phone("李明")
    first = await street.alarm()
    await street.to_the_scene(near, first)
    await street.hears("electric", temperature=90)
    street.world.clock.forward(seconds=31)
    second = await street.alarm("electric", temperature=90)
    await street.forward(3)
    assert second != first
    [offer] = await offers_of(street, second)
    assert offer["staffName"] == "李明"
    assert reasons(offer)["周建国"] == "leads_elsewhere"


async def test_who_is_off_duty_is_never_asked(street: Street) -> None:
    phone, _other = await street.phone("周建国"), await street.phone("李明")
    answer = await phone.client.post("/api/field/duty", json={"on": False, "deviceId": "d1"})
    assert answer.status_code == 200
    incident = await street.alarm()
    [offer] = await offers_of(street, incident)
    assert "周建国" not in reasons(offer)
    assert offer["staffName"] == "李明"


async def test_an_old_position_counts_less_than_a_fresh_one(street: Street) -> None:
    await street.phone("周建国")
    street.world.clock.forward(seconds=200)
    await street.phone("王芳")
    incident = await street.alarm()
    [offer] = await offers_of(street, incident)
    assert offer["staffName"] == "王芳", "near once, 200 s ago, is not near"
    tiers = {one["name"]: one["tier"] for one in offer["candidates"]}
    assert tiers["王芳"] < tiers["周建国"]


async def test_with_a_map_the_way_round_the_canal_decides_and_the_record_says_so(
    street: Street,
) -> None:
    bank = LAT + 0.0005
    await load_map(
        street,
        line("lane", (LAT, LON - 0.0001), (LAT, LON + 0.01)),
        line("canal", (LAT + 0.0002, LON - 0.02), (LAT + 0.0002, LON + 0.02)),
        line("lane", (bank, LON - 0.001), (bank, LON + 0.01)),
        line("bridge", (LAT, LON + 0.01), (bank, LON + 0.01)),
        line("lane", (LAT, LON - 0.0001), (LAT - 0.0018, LON - 0.0001)),
    )
    across, same_bank = await street.phone("周建国"), await street.phone("李明")
    await street.stands(across, lat=bank)
    await street.stands(same_bank, lat=LAT - 0.0018)
    incident = await street.alarm()
    [offer] = await offers_of(street, incident)
    by_name = {one["name"]: one for one in offer["candidates"]}
    assert offer["staffName"] == "李明"
    assert {one["basis"] for one in by_name.values()} == {"streets"}
    assert by_name["周建国"]["metres"] > 1500, "56 m over the water, two kilometres on foot"


@pytest.mark.clause("6.3.7.1-c")
async def test_the_sealed_record_answers_it_without_the_database(street: Street) -> None:
    near, second = await street.phone("周建国"), await street.phone("李明")
    desk = await street.desk()
    incident = await street.alarm()
    [offer] = (await near.get("/api/field/home"))["offers"]
    await near.does(incident, "decline", offerId=offer["id"], reason="unwell")
    await street.to_the_scene(second, incident)
    await street.handled(second, incident)
    await street.closed(second, desk, incident)
    kept = (await desk.get(f"/api/incidents/{incident}/archive"))["document"]
    assert [reasons(o) for o in kept["offers"]] == [
        {"周建国": None, "李明": None}, {"李明": None, "周建国": "asked_already"},
    ]  # fmt: skip
    assert [(o["name"], o["outcome"], o["reason"]) for o in kept["offerOutcomes"]] == [
        ("周建国", "declined", "unwell"), ("李明", "accepted", None),
    ]  # fmt: skip


async def test_the_desk_sees_everybody_before_it_chooses_and_its_choice_is_told_afterwards(
    street: Street,
) -> None:
    near, _second = await street.phone("周建国"), await street.phone("李明")
    desk = await street.desk()
    incident = await street.alarm()
    looked = (await desk.get(f"/api/incidents/{incident}/candidates"))["candidates"]
    assert [(c["name"], c["passedOver"], c["basis"]) for c in looked] == [
        ("李明", None, "straight-line"), ("周建国", "asked_already", "straight-line"),
    ]  # fmt: skip
    assert len(await offers_of(street, incident)) == 1, "looking asks nobody"
    chosen = looked[0]["staffId"]
    await desk.does(incident, "reassign", reason="懂吴语", to=chosen)
    first, second = (await desk.get(f"/api/incidents/{incident}/searches"))["searches"]
    assert [(one["name"], one["outcome"]) for one in first["asked"]] == [("周建国", "released")]
    assert (second["reason"], second["by"]) == ("懂吴语", "沈静")
    assert [(one["name"], one["deskChose"]) for one in second["asked"]] == [("李明", True)]
    for path in ("candidates", "searches"):
        answer = await near.client.get(f"/api/incidents/{incident}/{path}")
        assert answer.status_code == 403, "where everybody is, is for the desk"
