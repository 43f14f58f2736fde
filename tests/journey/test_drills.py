"""A drill runs like the real thing, and nobody but the chosen ever hears of it (I15)."""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from backend.incidents.scenarios import NOT_PLAYED, SCENARIOS
from backend.messages.carrier import Carrier
from push.port import Reach
from tests.journey.street import DETECTORS, PEOPLE, Person, Street
from tests.shell.test_messages_carrier import FakeDoor, browser_of

CHOSEN, OTHER = PEOPLE["周建国"][0], PEOPLE["李明"][0]
WISH: dict[str, Any] = {
    "detectorId": str(DETECTORS["smoke"][0]), "kind": "smoke", "staff": [str(CHOSEN)],
    "note": "东厢厨房起烟",
}  # fmt: skip


async def begun(lead: Person, **more: Any) -> str:
    answer = await lead.client.post("/api/drills", json=WISH | more)
    assert answer.status_code == 201, answer.text
    await lead.street.settle()
    return str(answer.json()["incidentId"])


async def addresses(street: Street) -> set[str]:
    rows = await street.world.operations.fetch(
        "SELECT DISTINCT address FROM message WHERE incident_id IS NOT NULL"
    )
    return {row["address"] for row in rows}


async def everybody(street: Street) -> tuple[Person, Person, Person]:
    """Lead, chosen phone, other phone; and a desk and the offices looking on."""
    lead = await street.desk_lead()
    await street.desk()
    await street.signed_in("manager")
    return lead, await street.phone("周建国"), await street.phone("李明")


@pytest.mark.clause("4.2.4.1-d")
async def test_a_drill_with_everything_in_it_tells_only_its_own_people(street: Street) -> None:
    lead, phone, other = await everybody(street)
    outside = FakeDoor("webpush", Reach.INTERNET)
    street.worker.carrier = Carrier(street.world.ctx, [FakeDoor(), outside])
    await browser_of(street.world, f"staff:{CHOSEN}")
    me = (await lead.get("/api/session"))["accountId"]
    incident = await begun(lead)
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "confirm_real")
    await phone.does(incident, "report_trapped", count=2, place="阁楼")
    await phone.does(incident, "report_injured", count=1, handedOver=0)
    await phone.does(incident, "assess_controllable", controllable=False, reason="火大")
    for _ in range(12):  # deadlines pass: reports unanswered, no 120, nobody left
        await street.forward(30)
    assert await addresses(street) == {f"staff:{CHOSEN}", f"account:{me}"}
    marked = await street.world.operations.fetch(
        "SELECT DISTINCT handling FROM message WHERE incident_id IS NOT NULL"
    )
    assert [row["handling"] for row in marked] == ["exercise"]
    # whether the person can be reached at all is tested outside of drills too, by its own message
    left = {said.data["kind"] for _, said in outside.sent if said.handling != "test"}
    assert left <= {"test"}
    assert (await other.get("/api/field/home"))["offers"] == []
    office = await street.office("fire")
    assert (await office.get("/api/office/inbox"))["reports"] == []
    view = await lead.get(f"/api/incidents/{incident}")
    assert {r["name"] for r in view["reports"]} >= {"fire（演练，不发送）"}


async def test_nobody_takes_the_drill_and_still_nobody_else_is_asked(street: Street) -> None:
    lead, phone, _ = await everybody(street)
    incident = await begun(lead)
    [offer] = (await phone.get("/api/field/home"))["offers"]
    await phone.does(incident, "decline", offerId=offer["id"], reason="busy")
    await street.forward(200)
    me = (await lead.get("/api/session"))["accountId"]
    assert await addresses(street) == {f"staff:{CHOSEN}", f"account:{me}"}


async def test_the_household_and_other_desks_see_no_drill(street: Street) -> None:
    lead, _, _ = await everybody(street)
    desk, home = await street.signed_in("desk", login="desk9"), await street.resident("east")
    incident = await begun(lead)
    assert (await home.get(home.path))["incidents"] == []
    assert (await desk.get("/api/desk/board"))["incidents"] == []
    assert (await desk.get("/api/desk/board"))["today"]["alerts"] == 0
    board = await lead.get("/api/desk/board")
    assert [row["id"] for row in board["incidents"]] == [incident]


async def test_a_real_alarm_of_the_same_detector_opens_its_own_incident(street: Street) -> None:
    lead, phone, _ = await everybody(street)
    drill = await begun(lead)
    await street.to_the_scene(phone, drill)
    real = await street.alarm()
    assert real != drill
    home = f"household:{UUID(int=200)}"
    assert home in await addresses(street), "the household is told of what is real"
    view = await lead.get(f"/api/incidents/{real}")
    assert view["offers"][0]["staffId"] == str(CHOSEN), "who is in a drill is still the nearest"
    [offer] = (await phone.get("/api/field/home"))["offers"]
    await phone.does(real, "accept", offerId=offer["id"])
    assert (await lead.is_refused(real, "merge", into=drill, reason="x"))["code"] == "not_mergeable"


async def test_what_comes_out_of_a_drill_is_the_same_drill(street: Street) -> None:
    lead, phone, _ = await everybody(street)
    incident = await begun(lead)
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过", note="演练")
    await lead.does(incident, "desk_release_false")
    late = phone.envelope(incident, "report_trapped", ago_s=1, count=1, place="阁楼")
    await phone.batch([late])
    await street.forward(200)
    linked = await street.newest()
    assert linked != incident
    me = (await lead.get("/api/session"))["accountId"]
    assert await addresses(street) <= {f"staff:{CHOSEN}", f"account:{me}"}


async def test_a_drill_is_done_to_the_release_and_recorded_for_training(street: Street) -> None:
    lead, phone, _ = await everybody(street)
    incident = await begun(lead)
    street.world.clock.forward(seconds=12)
    await street.to_the_scene(phone, incident)
    await street.handled(phone, incident)
    answer = await lead.client.post(f"/api/drills/{incident}/signal", json={"name": "normal"})
    assert answer.status_code == 204
    await phone.does(incident, "final_check")
    await phone.does(incident, "field_confirm_eliminated")
    await lead.does(incident, "desk_release_real", category="drill")
    [line] = await lead.get("/api/drills")
    assert (line["scenario"], line["state"], line["actionsDone"]) == ("东厢厨房起烟", "released", 4)
    [part] = line["staff"]
    assert (part["name"], part["answer"], part["entered"]) == ("周建国", "accepted", True)
    assert (part["offeredS"], part["acceptedS"]) == (0, 12)
    ended = await lead.client.post(f"/api/drills/{incident}/end", json={"outcome": "合格"})
    assert ended.status_code == 204
    assert (await lead.get("/api/drills"))[0]["outcome"] == "合格"
    assert (await phone.get("/api/field/home"))["incidents"] == []


@pytest.mark.clause("4.2.4.1-d", "4.2.2.3")
async def test_a_scripted_drill_plays_by_itself_and_ends_sealed_with_a_training_record(
    street: Street,
) -> None:
    lead, phone, other = await everybody(street)
    codes = {one["code"] for one in (await lead.get("/api/drills/choices"))["scenarios"]}
    assert {"kitchen_fire", "gas_again", "no_answer"} <= codes
    incident = await begun(lead, scenario="kitchen_fire", note="")
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "confirm_real")
    await street.forward(130)
    assert await street.told(phone, "drill") == 1
    assert await street.told(other, "drill") == 0
    await street.forward(210)
    view = await lead.get(f"/api/incidents/{incident}")
    assert len(view["detectors"]) == 2, "a second alarm came by itself"
    said = await lead.client.post(
        f"/api/drills/{incident}/signal", json={"name": "say", "said": "邻居在喊"}
    )
    assert said.status_code == 204
    seen = (await lead.get("/api/desk/board"))["cursor"]
    ended = await lead.client.post(
        f"/api/drills/{incident}/end", json={"outcome": "到场快，报告慢"}
    )
    assert ended.status_code == 204
    await street.settle()
    [row] = (await lead.get(f"/api/desk/board?since={seen}"))["incidents"]
    assert row["state"] == "archived", "it leaves the leader's board by itself"
    await street.forward(1300)  # what the script still had to say comes to nobody
    assert await street.state(incident) == "archived"
    assert await street.told(phone, "drill_ended") == 1
    assert (await phone.get("/api/field/home"))["incidents"] == []
    me = (await lead.get("/api/session"))["accountId"]
    assert await addresses(street) <= {f"staff:{CHOSEN}", f"account:{me}"}
    report = await lead.get(f"/api/drills/{incident}/report")
    steps = {step["code"]: step for step in report["steps"]}
    assert (steps["accepted"]["targetS"], steps["accepted"]["met"]) == (25, True)
    assert [s["zh"] for s in report["steps"] if s["code"] == "played"][-1] == "情景：邻居在喊"
    [paper] = await lead.get(f"/api/incidents/{incident}/documents")
    assert paper["number"].startswith("街安演练记录〔2026〕1号")
    assert (await lead.get("/api/desk/board"))["today"]["alerts"] == 0


async def test_no_way_out_of_the_house_carries_a_drill(street: Street) -> None:
    """I15 over every way: whatever doors there are, a drill stays on the live screens."""
    lead, phone, _ = await everybody(street)
    ways = ("webpush", "fcm", "apns", "sms", "voice", "wecom", "dingtalk")
    outside = [FakeDoor(way, Reach.INTERNET) for way in ways]

    async def directory(asked: Sequence[str]) -> dict[str, dict[str, str]]:
        return {address: dict.fromkeys(ways, "13800000000") for address in asked}

    street.worker.carrier = Carrier(street.world.ctx, [FakeDoor(), *outside], directory=directory)
    incident = await begun(lead, scenario="trapped")
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "report_trapped", count=1, place="阁楼")
    for _ in range(6):
        await street.forward(40)
    told = [(door.name, to) for door in outside for to, m in door.sent if m.handling != "test"]
    assert told == []


async def test_only_people_on_duty_are_chosen_and_only_leads_begin(street: Street) -> None:
    lead, phone, _ = await everybody(street)
    away = str(PEOPLE["王芳"][0])
    answer = await lead.client.post("/api/drills", json=WISH | {"staff": [str(CHOSEN), away]})
    assert (answer.status_code, answer.json()["missing"]) == (422, [away])
    for person in (phone, await street.desk()):
        assert (await person.client.post("/api/drills", json=WISH)).status_code == 403
    assert await street.world.operations.fetch_value("SELECT count(*) FROM incident") == 0


def test_an_incident_speaks_through_one_door() -> None:
    """Everything the pipeline says passes ``Pipeline.send``, where drills are held back."""
    source = Path(__file__).parents[2].joinpath("backend/pipeline.py").read_text("utf-8")
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr == "enqueue"
    ]
    assert len(calls) == 1


def test_every_scenario_of_the_list_can_be_drilled_or_says_why_not() -> None:
    played = {one.golden for one in SCENARIOS}
    left = {golden for golden, _ in NOT_PLAYED}
    assert played | left == set(range(1, 21))
    assert not played & left
    assert len({one.code for one in SCENARIOS}) == len(SCENARIOS)
