"""An area left empty by an incident: seen, proposed, answered, told, and over by itself."""

from typing import Any
from uuid import UUID

import msgspec

from tests.journey.street import LAT, LON, PEOPLE, Person, Street

FAR = LAT + 0.01
"""1.1 km to the north: another area."""


async def two_areas(street: Street) -> tuple[Person, Person, Person]:
    """周建国 alone in the south; 李明 and 王芳 in the north."""
    south, *north = [await street.phone(name) for name in PEOPLE]
    for name in ("李明", "王芳"):
        await street.world.operations.execute(
            "UPDATE duty SET post_lat = $2, post_lon = $3 WHERE person_id = $1",
            PEOPLE[name][0], FAR, LON,
        )  # fmt: skip
    for phone in north:
        await street.stands(phone, lat=FAR)
    return south, north[0], north[1]


async def moves(desk: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await desk.get("/api/desk/moves"))["moves"]
    return found


async def said(street: Street, name: str) -> list[str]:
    found = await street.said_to(f"staff:{PEOPLE[name][0]}")
    return [one for one in found if one in {"move_up", "move_over"}]


async def answers(lead: Person, move: dict[str, Any], *, yes: bool, reason: str = "") -> Any:
    path = f"/api/desk/moves/{move['id']}/answer"
    answer = await lead.client.post(path, json={"yes": yes, "reason": reason})
    await lead.street.settle()
    return answer


async def test_the_lead_sends_somebody_to_an_area_left_empty_until_it_is_covered_again(
    street: Street,
) -> None:
    near, mover, _ = await two_areas(street)
    lead = await street.desk_lead()
    incident = await street.alarm()
    assert await moves(lead) == [], "asked is not yet away"
    await street.to_the_scene(near, incident)
    [move] = await moves(lead)
    assert (move["state"], move["staffName"]) == ("proposed", "李明")
    assert [(one["name"], one["no"][-4:]) for one in move["because"]] == [("周建国", "0001")]
    assert await street.told(lead, "move_proposed") == 1
    assert await said(street, "李明") == [], "nobody goes before the lead says so"
    assert (await mover.get("/api/field/home"))["move"] is None

    assert (await answers(lead, move, yes=True)).status_code == 200
    assert (await answers(lead, move, yes=True)).status_code == 200, "tapped twice"
    assert await said(street, "李明") == ["move_up"]
    shown = (await mover.get("/api/field/home"))["move"]
    assert (shown["id"], shown["lat"]) == (move["id"], move["lat"])
    board = await lead.get("/api/desk/board")
    assert [one["state"] for one in board["moves"]] == ["accepted"]

    street.world.clock.forward(seconds=5)
    await near.does(incident, "field_declares_false", noPhotoReason="看过")
    assert await moves(lead) == [], "its own people are free again"
    assert await said(street, "李明") == ["move_up", "move_over"]
    assert (await mover.get("/api/field/home"))["move"] is None


async def test_a_no_is_kept_with_its_reason_and_is_not_asked_again(street: Street) -> None:
    near, _, _ = await two_areas(street)
    lead = await street.desk_lead()
    incident = await street.alarm()
    await street.to_the_scene(near, incident)
    [move] = await moves(lead)
    assert (await answers(lead, move, yes=False, reason="马上回来")).status_code == 200
    assert (await answers(lead, move, yes=True)).json()["type"].endswith("move-answered")
    await near.does(incident, "confirm_real")
    [kept] = await moves(lead)
    assert (kept["state"], kept["reason"]) == ("declined", "马上回来")
    assert await said(street, "李明") == []
    rows = await street.world.operations.fetch(
        "SELECT action FROM audit_entry WHERE action LIKE 'move.%' ORDER BY at, id"
    )
    assert [row["action"] for row in rows] == ["move.proposed", "move.declined"]


async def test_everybody_looked_at_stands_in_the_table_with_the_reason(street: Street) -> None:
    near, _, _ = await two_areas(street)
    lead = await street.desk_lead()
    await street.to_the_scene(near, await street.alarm())
    [move] = await moves(lead)
    kept = await street.world.operations.fetch_value(
        "SELECT candidates FROM move_up WHERE id = $1", UUID(move["id"])
    )
    looked = {one["name"]: one["passed_over"] for one in msgspec.json.decode(kept)}
    assert looked == {"李明": None, "王芳": None, "周建国": "leads_elsewhere"}


async def test_only_the_lead_answers_and_only_once_it_is_still_open(street: Street) -> None:
    near, _, _ = await two_areas(street)
    lead, desk = await street.desk_lead(), await street.desk()
    incident = await street.alarm()
    await street.to_the_scene(near, incident)
    [move] = await moves(desk)
    assert (await answers(desk, move, yes=True)).status_code == 403
    await near.does(incident, "field_declares_false", noPhotoReason="看过")
    assert (await answers(lead, move, yes=True)).status_code == 409
    assert await said(street, "李明") == []
