"""Rules in versions: proposed by one, in force by another, at once and for everybody."""

import json
from typing import Any

import asyncpg
import pytest

from backend.sensing import rulebook
from backend.sensing.rules import defaults
from backend.sensing.store import Store
from backend.shared.listen import Listener
from tests.edge.detectors import message
from tests.journey.street import DETECTORS, Person, Street

LOWER: dict[str, Any] = {"code": "E1", "raiseAt": 200, "clearAt": 150, "onDelayS": 0}


async def propose(person: Person, *changes: dict[str, Any], based_on: int = 0) -> Any:
    wish = {"basedOn": based_on, "changes": list(changes), "note": "老线路，先降下来"}
    return await person.client.post("/api/rules", json=wish)


async def test_a_version_is_in_force_at_once_only_after_somebody_else_approved_it(
    street: Street,
) -> None:
    manager, lead = await street.signed_in("manager"), await street.desk_lead()
    listener = Listener(street.world.telemetry)
    rules, word = rulebook.LiveRules(defaults(), listener), listener.event("rules")
    await listener.start()
    await word.wait()
    store = Store(street.store._register, rules, street.world.clock, "live")
    await store.start()

    async def measures(value: float) -> list[Any]:
        street.world.clock.forward(seconds=60)
        said = [{"quantity": "pressure", "value": value, "unit": "MPa"}]
        await store.write([message(street.world, said, "jiean/pressure/reading")])
        return await street.world.telemetry.fetch(
            "SELECT type, \"limit\", body->>'rule' AS rule, (body->>'rulesVersion')::int AS version"
            " FROM alert_outbox ORDER BY seq"
        )

    change = {"code": "H1", "raiseAt": 0.2, "clearAt": 0.25, "onDelayS": 0}
    assert await measures(0.19) == []
    assert (await propose(manager, change)).json() == {"version": 1}
    assert await measures(0.19) == []
    own = await manager.client.post("/api/rules/1/approve")
    assert (own.status_code, own.json()["type"]) == (409, "urn:jiean:problem:two-persons-needed")
    assert (await lead.client.post("/api/rules/1/approve")).status_code == 204
    assert await word.wait(20)
    await listener.stop()
    [raised] = await measures(0.19)
    assert tuple(raised) == ("raised", 0.2, "H1", 1)
    actions = await street.world.telemetry.fetch(
        "SELECT action, actor FROM audit_entry WHERE action LIKE 'rules.%' ORDER BY id"
    )
    assert [row["action"] for row in actions] == ["rules.proposed", "rules.approved"]
    assert len({row["actor"] for row in actions}) == 2
    page = await lead.get("/api/rules")
    assert (page["version"], page["changes"]) == (1, [change])
    then = {rule["code"]: rule for rule in await lead.get("/api/rules/1")}
    assert (then["H1"]["raise_at"], then["E1"]["raise_at"]) == (0.2, 500)


async def test_what_was_decided_stays_and_of_two_proposals_one_comes_into_force(
    street: Street,
) -> None:
    manager, lead = await street.signed_in("manager"), await street.desk_lead()
    await propose(manager, LOWER)
    await propose(manager, {**LOWER, "raiseAt": 300, "clearAt": 200})
    assert (await lead.client.post("/api/rules/2/approve")).status_code == 204
    stale = await lead.client.post("/api/rules/1/approve")
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:jiean:problem:rules-stale")
    put_away = await lead.client.post("/api/rules/1/decline", json={"why": "已有新版"})
    assert put_away.status_code == 204
    for change in ("DELETE FROM rule_set", "UPDATE rule_set SET note = 'x'"):
        with pytest.raises(asyncpg.RaiseError, match="never changed"):
            await street.world.telemetry.execute(change)


async def test_numbers_that_would_silence_a_fire_or_make_no_sense_are_refused_by_name(
    street: Street,
) -> None:
    manager = await street.signed_in("manager")
    said = await propose(
        manager,
        {"code": "S1", "off": True},
        {"code": "G1", "onDelayS": 16},
        {"code": "E1", "clearAt": 499},
        {"code": "H1", "group": "lives_alone", "raiseAt": 0.3},
        {"code": "X9", "raiseAt": 1},
    )
    assert said.status_code == 422
    faults = {(fault["at"], fault["what"]) for fault in said.json()["faults"]}
    assert faults == {
        ("S1", "life_off"),
        ("G1", "life_delayed"),
        ("E1", "dead_band"),
        ("H1 lives_alone", "unknown_group"),
        ("X9", "unknown_rule"),
    }
    field = await street.signed_in("field")
    assert (await propose(field, LOWER)).status_code == 403


async def tried(person: Person, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    wish = {"changes": list(changes), "days": 7}
    answer = await person.client.post("/api/rules/preview", json=wish)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_draft_is_tried_on_the_past_by_the_same_engine_and_says_what_people_found(
    street: Street,
) -> None:
    """One alarm of the past was called false; a higher limit would not have raised it."""
    desk, phone = await street.desk(), await street.phone("周建国")
    manager = await street.signed_in("manager")
    incident = await street.alarm("gas", gas=False, gas_value=9)
    raised = await street.world.operations.fetch_value(
        "SELECT body #>> '{fact,rule}' FROM event WHERE type = 'AlertRaised'"
    )
    assert raised == "G2", "the record says by which rule"
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过", note="杀虫剂")
    await street.quiet("gas", gas=False, gas_value=0)
    await desk.does(incident, "desk_release_false")
    lines = await tried(manager, {"code": "G2", "raiseAt": 10})
    result = lines[-1]["result"]
    assert (result["before"], result["after"], result["falseAvoided"]) == (1, 0, 1)
    [episode] = [line["episode"] for line in lines if "episode" in line]
    assert (episode["what"], episode["alarm"]["rule"]) == ("gone", "G2")
    assert (episode["incidentId"], episode["how"]) == (incident, "false")
    lower = (await tried(manager, {"code": "G2", "raiseAt": 6, "clearAt": 4}))[-1]["result"]
    assert (lower["before"], lower["after"], lower["added"]) == (1, 1, 0)
    smoke = await tried(manager, {"code": "S1", "offDelayS": 90})
    assert smoke[-1]["result"]["readings"] == 0, "no smoke was ever measured"
    refused = await manager.client.post(
        "/api/rules/preview", json={"changes": [{"code": "S1", "off": True}]}
    )
    assert refused.status_code == 422


@pytest.mark.clause("5.1.1.1-d")
async def test_a_technician_sets_a_baseline_with_a_reason_and_changes_count_from_there(
    street: Street,
) -> None:
    keeper = await street.signed_in("technician")
    crack = DETECTORS["crack"][0]
    at = f"/api/detectors/{crack}/baselines"

    async def width(value: float) -> int:
        street.world.clock.forward(seconds=60)
        await street.measures("crack", "crack", value)
        found: int = await street.world.operations.fetch_value("SELECT count(*) FROM incident")
        return found

    assert await width(0.4) == 0
    wish = {"quantity": "crack", "value": 0.6, "reason": "修补后重新贴标"}
    [said] = (await keeper.client.post(at, json=wish)).json()
    assert (said["value"], said["heard"], said["learnUntil"]) == (0.6, 0.4, None)
    assert await width(1.5) == 0
    learn = await keeper.client.post(at, json={**wish, "value": None})
    assert learn.json()[0]["value"] == 1.5
    assert await width(2.4) == 0
    assert await width(2.6) == 1
    nothing = await keeper.client.post(at, json={**wish, "quantity": "temperature"})
    assert nothing.json()["type"] == "urn:jiean:problem:no-baseline"
    row = await street.world.telemetry.fetch_one(
        "SELECT reason FROM audit_entry WHERE action = 'baseline.set' ORDER BY id"
    )
    assert row is not None
    assert row["reason"] == "修补后重新贴标"
