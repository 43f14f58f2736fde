"""Golden scenarios 4, 5, 6 and 8: real, and dealt with by our own people or not at all."""

import pytest

from tests.journey.golden.reading import in_order
from tests.journey.street import Person, Street


@pytest.mark.clause("6.2.3-a", "6.3.6.1-a", "6.3.6.1-b", "6.3.6.2-a", "6.3.6.2-b")
async def test_4_an_overload_the_party_unplugged_is_visited_before_it_is_released(
    street: Street,
) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    await street.hears("electric", temperature=90)
    street.world.clock.forward(seconds=31)
    incident = await street.alarm("electric", temperature=90)
    await desk.does(incident, "claim")
    await desk.does(incident, "log_call", contact="户主", result="reached", phrase="A.1")
    await desk.does(incident, "party_handled", speaker="陈阿婆", note="拔了电暖器")
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["alertActive"], view["verification"]) == (True, True), "a word is no release"

    await street.to_the_scene(phone, incident)
    await street.finished(phone, incident)
    closed = await desk.is_refused(incident, "desk_release_real", category="hidden_danger")
    assert (closed["code"], closed["missing"]) == ("locks_closed", ["c1"])
    await street.quiet("electric", temperature=40)
    await desk.does(incident, "desk_release_real", category="hidden_danger")
    owed = (await desk.is_refused(incident, "archive"))["missing"]
    assert {"advice_handling", "advice_prevention"} <= set(owed)
    await street.settled_debts(phone, incident)
    await phone.does(incident, "cause_found", code="overload")
    await street.ticks(phone, incident, "B.1-3", value=3)
    await desk.does(incident, "archive")
    record = await street.record(desk, incident)
    assert record["conditions"]["c1"]["how"] == "normal"
    in_order(
        await street.events(incident),
        "PartySaidHandled", "VerificationVisitDue", "DispatchRequested", "ArrivedOnScene",
        "HazardEliminated", "NormalConditionMet", "Released", "Advised", "Archived",
    )  # fmt: skip


async def leaking(street: Street) -> tuple[Person, Person, str]:
    """Desk, lead with the gas shut off and the windows open, and the incident."""
    phone, desk = await street.phone("周建国"), await street.desk()
    incident = await street.alarm("gas", gas=True, gas_density=20)
    await desk.does(incident, "claim")
    await street.to_the_scene(phone, incident)
    await street.real(phone, incident)
    await street.wears(phone, incident, "gas")
    await phone.does(incident, "start_handling")
    order = await phone.is_refused(incident, "tick", card="B.2", item="B.2-3", result="done")
    assert order["missing"] == ["B.2-2"], "the gas is shut off before anything else"
    await street.ticks(phone, incident, "B.2-2", "B.2-3")
    await street.ticks(phone, incident, "B.2-4", value=2)
    return phone, desk, incident


@pytest.mark.clause("B.2-2", "B.2-3", "B.2-4", "B.2-5", "6.3.6.1-a")
async def test_5_gas_is_shut_off_aired_normal_confirmed_released_and_then_explained(
    street: Street,
) -> None:
    phone, desk, incident = await leaking(street)
    await phone.does(incident, "final_check")
    high = await phone.is_refused(incident, "field_confirm_eliminated")
    assert "gas_value" in high["missing"]
    for _ in range(2):
        await street.quiet("gas", gas=False, gas_density=0)
    await phone.does(incident, "field_confirm_eliminated")
    early = await phone.is_refused(incident, "cause_found", code="hose")
    assert early["code"] == "after_release_only"
    await desk.does(incident, "desk_release_real", category="gas_hose")
    assert "leak_cause" in (await desk.is_refused(incident, "archive"))["missing"]
    await phone.does(incident, "cause_found", code="hose", note="软管老化")
    await street.settled_debts(phone, incident)
    await desk.does(incident, "archive")
    await street.record(desk, incident)
    in_order(
        await street.events(incident),
        "HandlingStarted", "ItemDone", "ItemDone", "ItemDone", "NormalConditionMet",
        "HazardEliminated", "Released", "CauseEstablished", "Advised", "Archived",
    )  # fmt: skip


@pytest.mark.clause("6.3.6.1-0")
async def test_6_gas_that_comes_back_while_waiting_for_release_voids_both_conditions(
    street: Street,
) -> None:
    phone, desk, incident = await leaking(street)
    for _ in range(2):
        await street.quiet("gas", gas=False, gas_density=0)
    await street.finished(phone, incident)
    assert await street.state(incident) == "clearing"
    assert await street.alarm("gas", gas=True, gas_density=30) == incident
    view = await desk.get(f"/api/incidents/{incident}")
    assert (view["state"], view["c1"], view["c2"]) == ("on_scene", None, None)
    refused = await desk.is_refused(incident, "desk_release_real", category="gas_hose")
    assert refused["code"] == "wrong_state"

    await phone.does(incident, "assess_controllable", controllable=True)
    await phone.does(incident, "start_handling")
    for _ in range(2):
        await street.quiet("gas", gas=False, gas_density=0)
    await street.finished(phone, incident)
    await desk.does(incident, "desk_release_real", category="gas_hose")
    in_order(
        await street.events(incident),
        "NormalConditionMet", "HazardEliminated", "EpisodeAdded", "NormalConditionMet",
        "HazardEliminated", "Released",
    )  # fmt: skip


@pytest.mark.clause("6.3.3.1-a", "6.3.3.1-b", "6.3.4.1-a")
async def test_8_with_equipment_missing_nobody_enters_and_rescue_is_reported(
    street: Street,
) -> None:
    phone, desk = await street.phone("周建国"), await street.desk()
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await street.real(phone, incident)
    await street.wears(phone, incident, "smoke", without="hood")
    refused = await phone.is_refused(incident, "start_handling")
    assert (refused["code"], refused["missing"]) == ("entry_refused", ["ppe", "hood"])
    assert "Entered" not in await street.events(incident)
    await phone.does(incident, "assess_controllable", controllable=False, reason="缺少逃生面罩")
    view = await desk.get(f"/api/incidents/{incident}")
    assert view["state"] == "rescue"
    assert {report["kind"] for report in view["reports"]} == {
        "community", "fire", "street", "emergency",
    }  # fmt: skip
    again = await phone.is_refused(incident, "start_handling")
    assert again["code"] == "wrong_state"
