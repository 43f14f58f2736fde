"""Somebody is disabled while their phone has no network: what they said before still counts."""

from datetime import timedelta
from typing import Any

import pytest

from backend.access import accounts
from tests.journey.street import Person, Street
from tests.plugin.phone import Phone

DEVICE = "d1"


async def scene(street: Street) -> tuple[Person, Phone, str]:
    """A phone that signs, with the lead at the scene."""
    zhou, phone = await street.phone("周建国"), Phone()
    incident = await street.alarm()
    await street.to_the_scene(zhou, incident)
    body = {"deviceId": DEVICE, "publicKeyJwk": phone.jwk}
    answer = await zhou.client.post("/api/field/device", json=body)
    assert answer.status_code == 204, answer.text
    return zhou, phone, incident


def said(zhou: Person, phone: Phone, incident: str, name: str, **more: Any) -> dict[str, Any]:
    made = zhou.envelope(incident, name, **more) | {"deviceId": DEVICE, "seq": 1}
    return phone.signed(made)


async def hands_in(street: Street, *envelopes: dict[str, Any]) -> Any:
    """The phone sends what it keeps; nobody is signed in on it."""
    async with street.world.client() as nobody:
        answer = await nobody.post("/api/phone/commands", json={"commands": envelopes})
    await street.settle()
    return answer


async def test_what_was_said_before_the_disabling_is_kept_and_marked_later_words_are_refused(
    street: Street,
) -> None:
    zhou, phone, incident = await scene(street)
    before = [
        said(zhou, phone, incident, "confirm_real"),
        said(zhou, phone, incident, "report_trapped", count=2, place="阁楼"),
    ]
    street.world.clock.forward(seconds=600)
    await accounts.disable("f1", actor="manager", at=street.world.clock.now())
    street.world.clock.forward(seconds=600)
    after = said(zhou, phone, incident, "report_trapped", count=9)
    signed_out = await zhou.client.post("/api/commands", json={"commands": [*before, after]})
    assert signed_out.status_code == 401, "the session ended with the account"

    answer = await hands_in(street, *before, after)
    assert answer.status_code == 200, answer.text
    real, trapped, late = answer.json()["answers"]
    assert (real["outcome"], trapped["outcome"]) == ("accepted", "accepted")
    assert (late["outcome"], late["refusal"]["code"]) == ("refused", "disabled")
    assert late["refusal"]["doZh"], "and what to do"
    view = await (await street.desk()).get(f"/api/incidents/{incident}")
    assert view["people"]["trapped"] == 2
    rows = await street.world.operations.fetch(
        "SELECT body ->> 'source' AS source FROM event WHERE type IN ('RealConfirmed',"
        " 'TrappedChanged') AND incident_id::text = $1", incident,
    )  # fmt: skip
    assert [row["source"] for row in rows] == ["disabled", "disabled"]
    audited = await street.world.operations.fetch(
        "SELECT subject, after ->> 'command' AS command FROM audit_entry"
        " WHERE action = 'incident.disabled_refused'"
    )
    assert [(row["subject"], row["command"]) for row in audited] == [(incident, "report_trapped")]

    again = await hands_in(street, *before, after)
    assert [a["repeated"] for a in again.json()["answers"]] == [True, True, False]


async def test_a_clock_turned_back_does_not_make_later_words_earlier_than_the_alarm(
    street: Street,
) -> None:
    zhou, phone, incident = await scene(street)
    await accounts.disable("f1", actor="manager", at=street.world.clock.now())
    street.world.clock.forward(seconds=600)
    future = said(zhou, phone, incident, "note", text="x", ago_s=-timedelta(days=1).total_seconds())
    [answer] = (await hands_in(street, future)).json()["answers"]
    assert answer["refusal"]["code"] == "disabled"


@pytest.mark.parametrize("spoilt", ["open", "unsigned", "unknown"])
async def test_only_a_closed_accounts_own_phone_comes_in_without_a_session(
    street: Street, spoilt: str
) -> None:
    zhou, phone, incident = await scene(street)
    envelope = said(zhou, phone, incident, "note", text="x")
    if spoilt != "open":
        await accounts.disable("f1", actor="manager", at=street.world.clock.now())
        envelope |= {"signature": "A" * 86} if spoilt == "unsigned" else {"deviceId": "other"}
    answer = await hands_in(street, envelope)
    assert answer.status_code == 401
    assert await street.events(incident, "NoteAdded") == []
