"""A phone's batch: packed on the way, one transaction per incident, nothing held back by one."""

import asyncio
import gzip
from typing import Any
from uuid import UUID

import msgspec
import pytest

from backend.incidents import service
from backend.incidents.flow import commands as c
from backend.incidents.flow.decide import decide
from tests.journey.street import Person, Street, street_of
from tests.plugin.world import World

COMMANDS = "/api/commands"
PACKED = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@pytest.fixture
async def street(world: World) -> Any:
    async with street_of(world) as made:
        yield made


@pytest.fixture
async def phone(street: Street) -> Person:
    who = await street.phone("周建国")
    await street.to_the_scene(who, await street.alarm())
    return who


async def notes(street: Street, phone: Person, *texts: str) -> list[dict[str, Any]]:
    incident = await street.newest()
    return [phone.envelope(incident, "note", text=text) for text in texts]


async def posts(phone: Person, body: bytes, headers: dict[str, str]) -> Any:
    return await phone.client.post(COMMANDS, content=body, headers=headers)


async def test_a_packed_batch_is_the_same_batch(street: Street, phone: Person) -> None:
    said = await notes(street, phone, *(f"第{n}次" for n in range(300)))
    body = msgspec.json.encode({"commands": said})
    packed = gzip.compress(body)
    assert len(packed) < len(body) / 3
    answer = await posts(phone, packed, PACKED)
    assert answer.status_code == 200, answer.text
    answers = answer.json()["answers"]
    assert [a["commandId"] for a in answers] == [s["commandId"] for s in said], "in their order"
    assert [a["version"] for a in answers] == sorted(a["version"] for a in answers)
    again = await posts(phone, body, {"Content-Type": "application/json"})
    assert all(a["repeated"] for a in again.json()["answers"])
    assert len(await street.events(await street.newest(), "NoteAdded")) == 300


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b" " * 30_000_000), 413),
        (b"not packed at all", 400),
        (gzip.compress(b'{"commands": []}')[:-6], 400),
    ],
    ids=["bomb", "no gzip", "torn"],
)
async def test_a_packed_body_that_is_too_large_or_broken_is_refused(
    phone: Person, body: bytes, status: int
) -> None:
    answer = await posts(phone, body, PACKED)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


async def test_a_command_that_breaks_something_of_ours_holds_back_no_other(
    street: Street, phone: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = decide

    def breaks(now: Any, order: c.Order, facts: Any) -> Any:
        if isinstance(order.command, c.Note) and order.command.text == "坏":
            raise ZeroDivisionError("a fault of ours")
        return real(now, order, facts)

    monkeypatch.setattr(service, "decide", breaks)
    said = await notes(street, phone, "一", "坏", "三")
    answer = await phone.client.post(COMMANDS, json={"commands": said})
    assert answer.status_code == 200, answer.text
    answered = [a["commandId"] for a in answer.json()["answers"]]
    assert answered == [said[0]["commandId"], said[2]["commandId"]], "the phone keeps the other"
    alone = await phone.client.post(COMMANDS, json={"commands": [said[1]]})
    assert alone.status_code == 500

    monkeypatch.undo()
    mended = await phone.client.post(COMMANDS, json={"commands": said})
    assert [a["repeated"] for a in mended.json()["answers"]] == [True, False, True]


async def test_the_same_command_twice_in_one_batch_counts_once(
    street: Street, phone: Person
) -> None:
    [said] = await notes(street, phone, "一")
    answer = await phone.client.post(COMMANDS, json={"commands": [said, said]})
    first, second = answer.json()["answers"]
    assert (first["repeated"], second["repeated"]) == (False, True)
    assert await street.events(await street.newest(), "NoteAdded") == ["NoteAdded"]


async def test_two_phones_that_send_at_once_lose_nothing_of_each_other(street: Street) -> None:
    lead, other = await street.phone("周建国"), await street.phone("李明")
    incident = await street.alarm()
    await street.to_the_scene(lead, incident)
    await street.stands(other)
    await other.does(incident, "self_assign")
    mine = [lead.envelope(incident, "note", text=f"甲{n}") for n in range(20)]
    theirs = [other.envelope(incident, "note", text=f"乙{n}") for n in range(20)]
    await asyncio.gather(lead.batch(mine), other.batch(theirs))
    rows = await street.world.operations.fetch(
        "SELECT body -> 'fact' ->> 'text' AS text FROM event WHERE type = 'NoteAdded'"
        " AND incident_id = $1 ORDER BY version", UUID(incident),
    )  # fmt: skip
    texts = [row["text"] for row in rows]
    assert [t for t in texts if t[0] == "甲"] == [f"甲{n}" for n in range(20)]
    assert [t for t in texts if t[0] == "乙"] == [f"乙{n}" for n in range(20)]
