"""Two phones at one evacuation, a cordon and those inside it, and what the offices see of it."""

from typing import Any

import pytest

from tests.journey.street import HOMES, LAT, LON, OFFICES, Person, Street
from tests.journey.test_rescue import burning

ROUND = [
    [LON - 0.0004, LAT - 0.0004], [LON + 0.0004, LAT - 0.0004], [LON + 0.0004, LAT + 0.0004],
    [LON - 0.0004, LAT + 0.0004], [LON - 0.0004, LAT - 0.0004],
]  # fmt: skip
FENCE = {"type": "Polygon", "coordinates": [ROUND]}


async def beside(street: Street, incident: str) -> Person:
    """A second member of staff who is on the incident."""
    second = await street.phone("李明")
    await street.stands(second)
    await second.does(incident, "self_assign")
    return second


async def view(person: Person, incident: str) -> dict[str, Any]:
    found: dict[str, Any] = await person.get(f"/api/incidents/{incident}")
    return found


@pytest.mark.clause("6.3.5.1-a", "6.3.5.1-b", "6.3.5.1-c")
async def test_two_phones_tick_the_list_offline_and_nobody_counts_twice(street: Street) -> None:
    desk, phone, incident = await burning(street)
    second = await beside(street, incident)
    await phone.does(incident, "start_evacuation")
    drawn = await phone.get(f"/api/incidents/{incident}/roster")
    first, other = [soul["id"] for soul in drawn["people"]]
    assert [soul["needsHelp"] for soul in drawn["people"]] == ["轮椅", "轮椅"]
    assert (await view(desk, incident))["evacuation"]["unaccounted"] == 2

    def ticks(person: Person, *said: tuple[str | None, str, float]) -> list[dict[str, Any]]:
        return [
            person.envelope(incident, "person_out", ago_s=ago, personId=who, status=status)
            for who, status, ago in said
        ]

    street.world.clock.forward(seconds=300)
    mine = ticks(phone, (first, "out", 200), (other, "nobody_home", 190), (None, "out", 180))
    hers = ticks(second, (first, "out", 150), (other, "out", 100), (None, "out", 90))
    await second.batch(hers)
    await phone.batch(mine)
    await phone.batch(mine)
    counted = (await view(desk, incident))["evacuation"]
    assert (counted["out"], counted["absent"], counted["unaccounted"]) == (3, 0, 0)
    assert len(await street.events(incident, "PersonAccounted")) == 6
    await phone.does(incident, "person_out", personId=other, status="untick")
    missing = await phone.is_refused(incident, "close_evacuation", unaccounted=0)
    assert (missing["code"], missing["missing"]) == ("people_unaccounted", ["1"])


@pytest.mark.clause("6.3.5.1-a")
async def test_names_are_for_those_on_it_while_it_is_open_and_each_look_is_audited(
    street: Street,
) -> None:
    _desk, phone, incident = await burning(street)
    stranger = await street.phone("王芳")
    path = f"/api/incidents/{incident}/roster"
    assert {soul["name"] for soul in (await phone.get(path))["people"]} == {"陈阿婆"}
    assert (await stranger.client.get(path)).status_code == 403
    office = await street.office("fire")
    assert (await office.client.get(path)).status_code == 403
    looks = await street.world.identity.fetch_value(
        "SELECT count(*) FROM audit_entry WHERE action = 'residents.roster_viewed'"
    )
    assert looks == 1


@pytest.mark.clause("6.3.5.2")
async def test_neighbours_in_a_cordon_and_staff_near_it_hear_of_each_change_once(
    street: Street,
) -> None:
    desk, phone, incident = await burning(street)
    bystander = await street.phone("王芳")
    await street.stands(bystander)
    await phone.does(incident, "start_evacuation")
    await phone.does(incident, "set_cordon", shape=FENCE, postPlaces=[[LON, LAT]])
    for home in HOMES.values():
        told = await street.said_to(f"household:{home}")
        assert told.count("cordon") == 1, "all three homes stand at that spot"
    assert await street.told(bystander, "cordon") == 1
    assert await street.told(phone, "cordon") == 0, "who works there knows"
    assert (await view(desk, incident))["evacuation"]["unaccounted"] == 3, "the neighbour too"
    [near] = (await bystander.get("/api/field/home"))["cordons"]
    assert near["shape"] == FENCE

    crossed = {
        "type": "Polygon",
        "coordinates": [[ROUND[0], ROUND[2], ROUND[1], ROUND[3], ROUND[0]]],
    }
    refusal = await phone.is_refused(incident, "set_cordon", shape=crossed)
    assert refusal["code"] == "cordon_crosses"
    assert refusal["zh"]
    page = await street.resident("far")
    assert (await page.get(page.path))["cordon"] == "smoke", "no calm page inside a cordon"
    await desk.does(incident, "set_cordon", shape=FENCE, posts=3)
    told = await street.said_to(f"household:{HOMES['west']}")
    assert told.count("cordon") == 2


@pytest.mark.clause("6.3.4.1-a", "6.3.4.1-d", "6.3.4.2-b")
async def test_an_office_sees_the_place_in_both_datums_the_vehicles_and_the_cordon(
    street: Street,
) -> None:
    _desk, phone, incident = await burning(street)
    await phone.does(incident, "guide_posted", person="王芳", place="白塔东路口")
    await phone.does(incident, "vehicle_arrived", what="消防车")
    await phone.does(incident, "set_cordon", shape=FENCE, posts=2)
    await phone.does(incident, "report_to", situation="院里有煤气罐")
    fire = await street.office("fire")
    [report] = (await fire.get("/api/office/inbox"))["reports"]
    scene = report["scene"]
    assert scene["guide"] == "王芳 · 白塔东路口"
    assert [one["what"] for one in scene["vehicles"]] == ["消防车"]
    assert (scene["cordon"], scene["posts"], scene["more"]) == (FENCE, 2, ["院里有煤气罐"])
    said = await street.world.operations.fetch_value(
        "SELECT body ->> 'body' FROM message WHERE address = $1"
        " AND body ->> 'body' LIKE '%煤气罐%'",
        f"office:{OFFICES['fire']}",
    )
    for part in (
        "WGS-84（CGCS2000）31.31000, 120.63000",
        "GCJ-02",
        "黑漆大门进",
        "煤气罐",
        "巷宽 2.4 米",
    ):
        assert part in said


@pytest.mark.clause("6.3.4.1-a")
async def test_a_report_nobody_takes_is_sent_again_and_then_given_to_the_telephone(
    street: Street,
) -> None:
    desk, _phone, incident = await burning(street)
    address = f"office:{OFFICES['street']}"
    assert (await street.said_to(address)).count("report") == 1
    await street.forward(21)
    assert (await street.said_to(address)).count("report") == 2
    await street.forward(40)
    reports = (await view(desk, incident))["reports"]
    assert all(one["voiceAt"] for one in reports)
    assert await street.told(desk, "report_voice") >= 1
