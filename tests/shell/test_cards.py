"""The wording of cards: edited by one, approved by another, never against Appendix B."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import convert, json, to_builtins

from backend.incidents.card_words import CardWords, defaults, faults, spoken
from backend.incidents.flow.facts import Policy
from backend.incidents.flow.kinds import KINDS
from backend.incidents.flow.vocabulary import Kind
from backend.incidents.rulebook import rulebook
from tests.journey.street import Person, Street

Edit = Callable[[dict[str, Any]], None]


def edited(edit: Edit) -> dict[str, Any]:
    words: dict[str, Any] = to_builtins(defaults())
    edit(words)
    return words


def whats(edit: Edit) -> set[str]:
    return {fault.what for fault in faults(convert(edited(edit), CardWords))}


def item(words: dict[str, Any], card: str, code: str) -> dict[str, Any]:
    found: dict[str, Any] = next(i for i in words["cards"][card] if i["code"] == code)
    return found


def remind(words: dict[str, Any]) -> None:
    item(words, "B.3", "B.3-4")["hint"]["zh"] = "先断电，再用干粉灭火器。"


# --- what an edit may not do ------------------------------------------------------------------


def test_the_core_s_own_words_have_no_fault_and_change_nothing() -> None:
    assert faults(defaults()) == ()
    book = json.decode(rulebook(Policy()))
    said = spoken(book, defaults(), 3)
    assert {**said, "version": book["version"], "cardsVersion": 0} == {**book, "cardsVersion": 0}


@pytest.mark.parametrize(
    "card", sorted({policy.card.card for policy in KINDS.values()}), ids=lambda card: str(card)
)
def test_no_action_of_appendix_b_can_be_dropped(card: str) -> None:
    for at in range(len(defaults().cards[card])):
        assert whats(lambda words, at=at: words["cards"][card].pop(at)) >= {"item_removed"}  # type: ignore[misc]
    assert whats(lambda words: words["cards"].pop(card)) == {"card_removed"}


def test_gas_is_shut_off_before_windows_are_opened_in_every_wording() -> None:
    def turned(words: dict[str, Any]) -> None:
        words["cards"]["B.2"].reverse()

    assert "order_loosened" in whats(turned)


def test_no_wording_asks_for_a_photograph_among_gas() -> None:
    def camera(words: dict[str, Any]) -> None:
        item(words, "B.2", "B.2-3")["photo"] = True

    assert whats(camera) == {"no_camera_in_gas"}


def test_words_are_never_empty_nor_in_one_language_only() -> None:
    def mute(words: dict[str, Any]) -> None:
        item(words, "B.3", "B.3-2")["en"] = "  "

    assert whats(mute) == {"words_missing"}


def test_equipment_is_added_dropped_and_renamed_but_never_all_of_it() -> None:
    smoke = Kind.SMOKE.value
    radio = {"code": "radio", "zh": "对讲机", "en": "Radio", "required": True}
    assert whats(lambda words: words["ppe"][smoke].pop()) == set()
    assert whats(lambda words: words["ppe"][smoke][0].update(zh="消防头盔")) == set()
    assert whats(lambda words: words["ppe"][smoke].append(radio)) == set()
    assert whats(lambda words: words["ppe"][smoke].extend([radio, radio])) == {"ppe_twice"}
    assert whats(lambda words: words["ppe"][smoke].clear()) == {"ppe_empty"}


# --- proposed, approved, in force -------------------------------------------------------------


async def propose(manager: Person, edit: Edit = remind, based_on: int = 0) -> Any:
    wish = {"basedOn": based_on, "words": edited(edit), "note": "按 3 月会议"}
    return await manager.client.post("/api/cards", json=wish)


async def hint(person: Person, query: str = "") -> str:
    book = await person.get(f"/api/rulebook{query}")
    items = book["cards"]["smoke"]["items"]
    return str(next(i for i in items if i["code"] == "B.3-4")["hint"]["zh"])


async def test_a_wording_is_in_force_only_after_somebody_else_approved_it(street: Street) -> None:
    manager, lead = await street.signed_in("manager"), await street.desk_lead()
    before, tag = await hint(lead), (await lead.get("/api/rulebook"))["version"]
    assert (await propose(manager)).json() == {"version": 1}
    assert await hint(lead) == before
    own = await manager.client.post("/api/cards/1/approve")
    assert (own.status_code, own.json()["type"]) == (409, "urn:jiean:problem:two-persons-needed")
    assert (await lead.client.post("/api/cards/1/approve")).status_code == 204
    assert await hint(lead) == "先断电，再用干粉灭火器。"
    assert (await lead.get("/api/rulebook"))["version"] == f"{tag}.1"
    state = await lead.get("/api/cards")
    assert (state["current"], state["sets"][0]["changed"]) == (1, ["B.3-4"])
    actions = await street.world.operations.fetch(
        "SELECT action, actor FROM audit_entry WHERE action LIKE 'cards.%' ORDER BY id"
    )
    assert [row["action"] for row in actions] == ["cards.proposed", "cards.approved"]
    assert len({row["actor"] for row in actions}) == 2


async def test_an_incident_keeps_the_wording_it_was_opened_under(street: Street) -> None:
    manager, lead = await street.signed_in("manager"), await street.desk_lead()
    old = await hint(lead)
    incident = await street.alarm()
    street.world.clock.forward(seconds=5)
    await propose(manager)
    await lead.client.post("/api/cards/1/approve")
    assert await hint(lead, f"?incident={incident}") == old
    assert await hint(lead, "?version=0") == old
    assert await hint(lead) != old
    assert (await lead.client.get("/api/rulebook?version=9")).status_code == 404


@pytest.mark.clause("6.3.3.1-a")
async def test_an_incident_keeps_the_equipment_list_it_was_raised_under(street: Street) -> None:
    manager, lead = await street.signed_in("manager"), await street.desk_lead()
    phone = await street.phone("周建国")

    def radio(words: dict[str, Any]) -> None:
        words["ppe"]["smoke"] = [{"code": "radio", "zh": "对讲机", "en": "Radio"}]

    await propose(manager, radio)
    await lead.client.post("/api/cards/1/approve")
    incident = await street.alarm()
    view = await lead.get(f"/api/incidents/{incident}")
    assert (view["cardsVersion"], view["equipment"]) == (1, {"smoke": ["radio"]})
    await propose(manager, remind, based_on=1)
    street.world.clock.forward(seconds=5)
    await lead.client.post("/api/cards/2/approve")
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "confirm_real")
    await phone.does(incident, "assess_controllable", controllable=True)
    await phone.does(incident, "confirm_ppe", items=[{"code": "radio", "has": True}])
    await phone.does(incident, "start_handling")


async def test_a_proposal_against_appendix_b_is_refused_with_its_faults(street: Street) -> None:
    manager = await street.signed_in("manager")
    answer = await propose(manager, lambda words: words["cards"]["B.3"].pop(0))
    assert answer.status_code == 422
    assert {"what": "item_removed", "at": "B.3-2"} in answer.json()["faults"]
    assert (await manager.get("/api/cards"))["sets"] == []


async def test_of_two_proposals_side_by_side_only_one_comes_into_force(street: Street) -> None:
    manager, lead = await street.signed_in("manager"), await street.desk_lead()
    await propose(manager)
    await propose(manager)
    assert (await lead.client.post("/api/cards/2/approve")).status_code == 204
    late = await lead.client.post("/api/cards/1/approve")
    assert (late.status_code, late.json()["type"]) == (409, "urn:jiean:problem:card-set-stale")
    assert (await propose(manager)).status_code == 409
    assert (await propose(manager, based_on=2)).status_code == 201
    put_away = await lead.client.post("/api/cards/3/decline", json={"why": "写得太长"})
    assert put_away.status_code == 204
    assert (await lead.get("/api/cards"))["current"] == 2


async def test_only_the_manager_proposes_and_the_field_sees_no_drafts(street: Street) -> None:
    lead, phone = await street.desk_lead(), await street.phone("周建国")
    assert (await propose(lead)).status_code == 403
    for path in ("/api/cards", "/api/cards/0"):
        assert (await phone.client.get(path)).status_code == 403
