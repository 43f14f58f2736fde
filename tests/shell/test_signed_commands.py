"""A phone with a key is believed only with its signature; everybody else goes on as before."""

from typing import Any

import pytest

from tests.journey.street import Person, Street
from tests.plugin.phone import DEVICE, Phone, registers


async def note(street: Street, who: Person, text: str = "门锁着") -> dict[str, Any]:
    """An unsigned envelope from the registered phone, with numbers of every sort in it."""
    made = who.envelope(await street.newest(), "note", text=text)
    at = {"lat": 31.31, "lon": 120.6300001, "accuracyM": 8.0, "at": None}
    return made | {"deviceId": DEVICE, "seq": 7, "skewMs": -3, "position": at}


async def outcome(who: Person, envelope: dict[str, Any]) -> tuple[str, str | None]:
    [answer] = await who.batch([envelope])
    return answer["outcome"], (answer["refusal"] or {}).get("code")


async def test_a_command_with_the_phones_signature_is_taken(
    street: Street, zhou: Person, phone: Phone
) -> None:
    assert await outcome(zhou, phone.signed(await note(street, zhou))) == ("accepted", None)


@pytest.mark.parametrize(
    "tampered",
    [
        {"command": {"name": "note", "text": "门开着"}},
        {"occurredAt": "1999-12-31T23:59:59+00:00"},
        {"seq": 8},
        {"seenVersion": 1},
        {"invented": "later"},
    ],
)
async def test_whatever_was_changed_after_signing_is_refused(
    street: Street, zhou: Person, phone: Phone, tampered: dict[str, Any]
) -> None:
    sent = phone.signed(await note(street, zhou)) | tampered
    assert await outcome(zhou, sent) == ("refused", "signature")
    assert await street.events(await street.newest(), "NoteAdded") == []


@pytest.mark.parametrize("signature", [None, "", "x", "!" * 86, "A" * 86, 7])
async def test_a_command_without_a_readable_signature_is_refused_in_words(
    street: Street, zhou: Person, signature: Any
) -> None:
    sent = await note(street, zhou)
    if signature is not None:
        sent["signature"] = signature
    [answer] = await zhou.batch([sent])
    code = "malformed" if signature == 7 else "signature"
    assert (answer["outcome"], answer["refusal"]["code"]) == ("refused", code)
    assert all(answer["refusal"][words] for words in ("zh", "en", "doZh", "doEn"))


async def test_another_phones_key_does_not_do(street: Street, zhou: Person) -> None:
    assert await outcome(zhou, Phone().signed(await note(street, zhou))) == ("refused", "signature")


async def test_a_forged_command_does_not_stand_in_the_way_of_the_true_one(
    street: Street, zhou: Person, phone: Phone
) -> None:
    true = phone.signed(await note(street, zhou))
    assert await outcome(zhou, true | {"seq": 9}) == ("refused", "signature")
    assert await outcome(zhou, true) == ("accepted", None)
    refused = await street.world.operations.fetch_value(
        "SELECT count(*) FROM audit_entry WHERE action = 'incident.signature_refused'"
    )
    assert refused == 1


async def test_the_same_signed_command_again_is_answered_as_the_first_time(
    street: Street, zhou: Person, phone: Phone
) -> None:
    tap = await note(street, zhou)
    [first] = await zhou.batch([phone.signed(tap)])
    [again] = await zhou.batch([phone.signed(tap)])  # each signature of a key differs
    assert again == first | {"repeated": True}
    assert await outcome(zhou, phone.signed(tap) | {"seq": 9}) == ("refused", "signature")


async def test_one_bad_signature_holds_back_nothing_else_of_the_batch(
    street: Street, zhou: Person, phone: Phone
) -> None:
    good, bad = phone.signed(await note(street, zhou, "甲")), await note(street, zhou, "乙")
    answers = await zhou.batch([bad, good])
    assert [answer["outcome"] for answer in answers] == ["refused", "accepted"]


async def test_who_has_no_key_goes_on_as_before(street: Street, zhou: Person) -> None:
    li, desk = await street.phone("李明"), await street.desk()
    incident = await street.newest()
    for who in (li, desk):  # somebody else's key on a phone of the same name binds nobody
        sent = who.envelope(incident, "note", text="x") | {"deviceId": DEVICE}
        assert await outcome(who, sent) == ("accepted", None)


async def test_a_cleared_phone_registers_a_new_key_and_the_old_one_ends(
    street: Street, zhou: Person, phone: Phone
) -> None:
    new = Phone()
    await registers(zhou, phone)  # again the same: nothing to write down
    await registers(zhou, new)
    assert await outcome(zhou, phone.signed(await note(street, zhou))) == ("refused", "signature")
    assert await outcome(zhou, new.signed(await note(street, zhou))) == ("accepted", None)
    written = await street.world.operations.fetch_value(
        "SELECT count(*) FROM audit_entry WHERE action = 'staff.phone_registered'"
    )
    assert written == 2


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"x": "A" * 43}, 422),
        ({"x": "short"}, 400),
        ({"crv": "P-384"}, 400),
        ({"kty": "RSA"}, 400),
        ({"y": None}, 400),
    ],
)
async def test_a_key_that_is_none_is_refused(
    street: Street, phone: Phone, wrong: dict[str, Any], status: int
) -> None:
    who = await street.phone("周建国")
    body = {"deviceId": DEVICE, "publicKeyJwk": phone.jwk | wrong}
    answer = await who.client.post("/api/field/device", json=body)
    assert answer.status_code == status, answer.text


async def test_only_field_staff_register_a_phone(street: Street, phone: Phone) -> None:
    desk = await street.desk()
    body = {"deviceId": DEVICE, "publicKeyJwk": phone.jwk}
    assert (await desk.client.post("/api/field/device", json=body)).status_code == 403
