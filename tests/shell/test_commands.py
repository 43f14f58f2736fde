"""Whatever is sent to the one way in has a clear outcome, and nothing accepted is lost."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from backend.archive.seal import FIRST
from backend.audit import service as audit
from backend.shared.db import Database
from tests.journey.street import OFFICES, PEOPLE, Person, Street
from tests.plugin.world import World

COMMANDS = "/api/commands"


@pytest.fixture
async def desk(street: Street) -> Person:
    return await street.desk()


async def counts(world: World) -> dict[str, int]:
    """How much stands in the tables that a command may touch."""
    return {
        table: await world.operations.fetch_value(f"SELECT count(*) FROM {table}")
        for table in ("event", "command_answer", "audit_entry", "work", "deadline", "message")
    }


# --- twice, out of order, late ----------------------------------------------------------------


async def test_the_same_command_sent_twice_counts_once(street: Street, desk: Person) -> None:
    incident = await street.alarm()
    tap = desk.envelope(incident, "claim")
    [first] = await desk.batch([tap])
    before = await counts(street.world)
    [again] = await desk.batch([tap])
    assert again == first | {"repeated": True}
    assert await counts(street.world) == before


async def test_the_same_command_sent_many_times_at_once_counts_once(
    street: Street, desk: Person
) -> None:
    incident = await street.alarm()
    tap = desk.envelope(incident, "note", text="邻居说有烟味")
    body = {"commands": [tap]}
    replies = await asyncio.gather(*(desk.client.post(COMMANDS, json=body) for _ in range(8)))
    answers = [reply.json()["answers"][0] for reply in replies]
    assert {answer["outcome"] for answer in answers} == {"accepted"}
    assert {answer["version"] for answer in answers} == {answers[0]["version"]}
    assert sorted(answer["repeated"] for answer in answers) == [False, *[True] * 7]
    assert await street.events(incident, "NoteAdded") == ["NoteAdded"]


async def test_different_commands_at_once_are_all_kept(street: Street, desk: Person) -> None:
    incident = await street.alarm()
    taps = [desk.envelope(incident, "note", text=f"第 {n} 条") for n in range(8)]
    replies = await asyncio.gather(
        *(desk.client.post(COMMANDS, json={"commands": [tap]}) for tap in taps)
    )
    assert [r.json()["answers"][0]["outcome"] for r in replies] == ["accepted"] * 8
    assert len(await street.events(incident, "NoteAdded")) == 8


async def test_a_refusal_too_is_remembered(street: Street, desk: Person) -> None:
    incident = await street.alarm()
    tap = desk.envelope(incident, "desk_release_real", category="real_fire")
    [first] = await desk.batch([tap])
    assert (first["outcome"], first["refusal"]["code"]) == ("refused", "wrong_state")
    assert all(first["refusal"][words] for words in ("zh", "en", "doZh", "doEn"))
    [again] = await desk.batch([tap])
    assert again == first | {"repeated": True}


async def test_commands_out_of_order_are_each_answered_in_words(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    [offer] = (await phone.get("/api/field/home"))["offers"]
    answers = await phone.batch([
        phone.envelope(incident, "start_handling"),
        phone.envelope(incident, "arrived", metresOff=1),
        phone.envelope(incident, "accept", offerId=offer["id"]),
        phone.envelope(incident, "arrived", metresOff=1),
    ])  # fmt: skip
    outcomes = [(a["outcome"], (a["refusal"] or {}).get("code")) for a in answers]
    assert outcomes == [
        ("refused", "wrong_state"), ("refused", "not_assigned"), ("accepted", None),
        ("accepted", None),
    ]  # fmt: skip
    assert await street.state(incident) == "on_scene"


async def test_a_note_of_an_hour_ago_is_kept_with_both_times(street: Street, desk: Person) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await street.forward(4000)
    [answer] = await phone.batch([phone.envelope(incident, "note", ago_s=3600, text="门锁着")])
    assert answer["outcome"] == "accepted"
    view = (await phone.get("/api/field/home"))["incidents"][0]
    [kept] = [event for event in view["timeline"] if event["type"] == "NoteAdded"]
    assert kept["late"] is True
    assert kept["at"] < kept["receivedAt"]


async def test_a_tap_from_the_future_is_put_on_the_servers_clock(
    street: Street, desk: Person
) -> None:
    incident = await street.alarm()
    await desk.batch([desk.envelope(incident, "note", ago_s=-3600, text="时钟快一小时")])
    view = await desk.get(f"/api/incidents/{incident}")
    [kept] = [event for event in view["timeline"] if event["type"] == "NoteAdded"]
    assert kept["at"] == kept["receivedAt"]


async def test_nothing_in_an_incident_happened_before_it(street: Street, desk: Person) -> None:
    incident = await street.alarm()
    await desk.batch([desk.envelope(incident, "note", ago_s=30 * 86_400, text="一个月前")])
    view = await desk.get(f"/api/incidents/{incident}")
    [kept] = [event for event in view["timeline"] if event["type"] == "NoteAdded"]
    assert kept["at"] >= view["emittedAt"]


async def test_a_stale_view_does_not_stop_a_fact(street: Street, desk: Person) -> None:
    incident = await street.alarm()
    await desk.does(incident, "claim")
    tap = desk.envelope(incident, "note", text="还没刷新") | {"seenVersion": 1}
    [answer] = await desk.batch([tap])
    assert answer["outcome"] == "accepted"


async def test_a_desk_with_a_stale_view_cannot_release_over_a_new_alarm(
    street: Street, desk: Person
) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await street.handled(phone, incident)
    await street.quiet("smoke")
    await phone.does(incident, "final_check")
    await phone.does(incident, "field_confirm_eliminated")
    seen = (await desk.get(f"/api/incidents/{incident}"))["version"]
    await street.alarm()
    tap = desk.envelope(incident, "desk_release_real", category="real_fire")
    [answer] = await desk.batch([tap | {"seenVersion": seen}])
    assert answer["outcome"] == "refused"
    assert answer["version"] > seen, "the answer says that there is something newer"


# --- by the wrong person ----------------------------------------------------------------------


async def test_nobody_signed_in_no_command(street: Street) -> None:
    incident = await street.alarm()
    async with street.world.client() as nobody:
        stranger = Person(street, nobody)
        body = {"commands": [stranger.envelope(incident, "claim")]}
        answer = await nobody.post(COMMANDS, json=body)
    assert answer.status_code == 401


@pytest.mark.parametrize("role", ["office", "technician", "manager", "system_admin"])
async def test_a_role_that_may_not_is_told_so_and_changes_nothing(
    street: Street, role: str
) -> None:
    incident = await street.alarm()
    more: dict[str, Any] = {"office_id": OFFICES["community"]} if role == "office" else {}
    person = await street.signed_in(role, **more)
    before = await street.events(incident)
    for name, arguments in (
        ("claim", {}),
        ("confirm_real", {}),
        ("desk_release_real", {"category": "x"}),
        ("archive", {}),
        ("assess_controllable", {"controllable": False}),
    ):
        assert (await person.is_refused(incident, name, **arguments))["code"] == "not_your_role"
    assert await street.events(incident) == before


async def test_a_household_says_nothing_about_a_neighbours_alarm(street: Street) -> None:
    neighbour = await street.resident("far")
    incident = await street.alarm()
    refusal = await neighbour.is_refused(incident, "party_needs_rescue", speaker="x")
    assert refusal["code"] == "not_your_role"


async def test_nobody_speaks_as_the_platform(street: Street, desk: Person) -> None:
    incident = await street.alarm()
    stamp = street.world.clock.now().isoformat()
    for name, arguments in (
        ("data_normal", {"detectorId": str(uuid4()), "at": stamp, "normals": 9}),
        ("seal", {"hash": "0" * 64, "previous": "0" * 64, "sealedAt": stamp}),
        ("no_desk", {}),
        ("expire_offer", {"offerId": str(uuid4())}),
        ("remind", {"about": "archive"}),
    ):
        assert (await desk.is_refused(incident, name, **arguments))["code"] == "not_your_role"


@pytest.mark.clause("4.2.4.2")
async def test_who_is_not_qualified_takes_nothing_on(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    [offer] = (await phone.get("/api/field/home"))["offers"]
    await street.world.operations.execute(
        "UPDATE person SET qualified_until = '2026-01-01' WHERE id = $1", PEOPLE["周建国"][0]
    )
    refusal = await phone.is_refused(incident, "accept", offerId=offer["id"])
    assert refusal["code"] == "not_qualified"


async def test_who_is_off_shift_takes_nothing_on(street: Street) -> None:
    phone = await street.phone("周建国")
    incident = await street.alarm()
    [offer] = (await phone.get("/api/field/home"))["offers"]
    await phone.client.post("/api/field/duty", json={"on": False, "deviceId": "d1"})
    refusal = await phone.is_refused(incident, "accept", offerId=offer["id"])
    assert refusal["code"] == "off_shift"


async def test_an_offer_to_somebody_else_cannot_be_accepted(street: Street) -> None:
    near, other = await street.phone("周建国"), await street.phone("李明")
    incident = await street.alarm()
    [offer] = (await near.get("/api/field/home"))["offers"]
    refusal = await other.is_refused(incident, "accept", offerId=offer["id"])
    assert refusal["code"] == "no_such_offer"


async def test_an_incident_that_is_not_there_is_refused_in_words(desk: Person) -> None:
    refusal = await desk.is_refused(uuid4(), "claim")
    assert refusal["code"] == "no_such_incident"


# --- broken -----------------------------------------------------------------------------------


def spoilt(whole: dict[str, Any]) -> dict[str, Any]:
    """Bodies that are no batch of commands, each with the envelope that would have been one."""
    deep: Any = {"name": "note", "text": "x"}
    for _ in range(200):
        deep = [deep]
    return {
        "no batch": [],
        "nothing in it": {"commands": []},
        "too many": {"commands": [whole] * 501},
        "bad uuid": {"commands": [whole | {"commandId": "1"}]},
    }


def broken(whole: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One envelope that says whose it is and is wrong otherwise."""
    deep: Any = {"name": "note"}
    for _ in range(200):
        deep = {"a": deep}
    return {
        "no such command": whole | {"command": {"name": "burn_down"}},
        "no name": whole | {"command": {}},
        "no command": {k: v for k, v in whole.items() if k != "command"},
        "time without zone": whole | {"occurredAt": "2026-03-02T08:00:00"},
        "no time": whole | {"occurredAt": "gestern"},
        "nested": whole | {"command": deep},
        "no latitude": whole | {"position": {"lat": 91, "lon": 0}},
        "wrong type": whole | {"seenVersion": "three"},
    }


@pytest.mark.parametrize("wrong", sorted(broken({})))
async def test_a_broken_command_is_refused_and_holds_back_no_other(
    street: Street, desk: Person, wrong: str
) -> None:
    incident = await street.alarm()
    good, bad = (desk.envelope(incident, "note", text="x") for _ in range(2))
    first, second = await desk.batch([broken(bad)[wrong], good])
    assert (first["outcome"], first["refusal"]["code"]) == ("refused", "malformed")
    assert first["commandId"] == bad["commandId"]
    assert second["outcome"] == "accepted"


@pytest.mark.parametrize("wrong", sorted(spoilt({})))
async def test_a_broken_body_is_one_clear_problem_and_changes_nothing(
    street: Street, desk: Person, wrong: str
) -> None:
    incident = await street.alarm()
    whole = desk.envelope(incident, "note", text="x")
    before = await counts(street.world)
    answer = await desk.client.post(COMMANDS, json=spoilt(whole)[wrong])
    assert_problem(answer, 400)
    assert await counts(street.world) == before


def assert_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["type"].startswith("urn:jiean:problem:")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"\xff\xfe\x00", b'{"commands": [{"commandId": "\xff"}]}', b"null", b"1e400",
        b"[" * 100_000, b'{"commands": [{"command": {"name": "note", "text": "\\ud800"}}]}',
    ],
)  # fmt: skip
async def test_bytes_that_are_no_json_are_one_clear_problem(desk: Person, raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await desk.client.post(COMMANDS, content=raw, headers=headers)
    assert_problem(answer, 400)


async def test_a_huge_body_is_refused_by_its_size(street: Street, desk: Person) -> None:
    incident = await street.alarm()
    tap = desk.envelope(incident, "note", text="烟" * 2_000_000)
    answer = await desk.client.post(COMMANDS, json={"commands": [tap]})
    assert_problem(answer, 413)
    assert await street.events(incident, "NoteAdded") == []


async def test_a_text_with_a_nul_is_kept_without_it(street: Street, desk: Person) -> None:
    """PostgreSQL stores no NUL; a phone must not send the same fact for ever."""
    incident = await street.alarm()
    answers = await desk.batch([
        desk.envelope(incident, "note", text="a\0b"), desk.envelope(incident, "note", text="好"),
    ])  # fmt: skip
    assert [answer["outcome"] for answer in answers] == ["accepted", "accepted"]
    view = await desk.get(f"/api/incidents/{incident}")
    notes = [e["facts"]["text"] for e in view["timeline"] if e["type"] == "NoteAdded"]
    assert notes == ["a\ufffdb", "好"]


async def test_a_nul_where_no_fact_hangs_on_it_is_a_clear_problem(street: Street) -> None:
    async with street.world.client() as client:
        body = {"login": "de\0sk", "password": "x"}
        assert_problem(await client.post("/api/session", json=body), 400)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("skew", [-4_000_000_000_000, 0, 4_000_000_000_000])
async def test_a_phone_whose_clock_is_mad_is_heard(
    street: Street, desk: Person, at: str, skew: int
) -> None:
    incident = await street.alarm()
    tap = desk.envelope(incident, "note", text="x") | {"occurredAt": at, "skewMs": skew}
    nowhere = tap | {"incidentId": str(uuid4()), "commandId": str(uuid4())}
    answers = await desk.batch([tap, nowhere])
    assert [answer["outcome"] for answer in answers] == ["accepted", "refused"]


async def test_two_hundred_commands_in_one_body_are_all_answered(
    street: Street, desk: Person
) -> None:
    incident = await street.alarm()
    taps = [desk.envelope(incident, "note", text=str(n)) for n in range(200)]
    answers = await desk.batch(taps)
    assert [a["commandId"] for a in answers] == [t["commandId"] for t in taps]
    assert {a["outcome"] for a in answers} == {"accepted"}


# --- what is kept -----------------------------------------------------------------------------


@pytest.mark.clause("7.4.4-e")
async def test_every_accepted_command_has_its_audit_row(street: Street, desk: Person) -> None:
    incident = await street.alarm()
    await desk.does(incident, "claim")
    await desk.is_refused(incident, "archive")
    rows = await street.world.operations.fetch(
        "SELECT action, actor, reason FROM audit_entry WHERE subject = $1 ORDER BY at, id", incident
    )
    me = (await desk.get("/api/session"))["accountId"]
    mine = [(row["action"], row["reason"]) for row in rows if row["actor"] == me]
    assert mine == [("incident.claim", None), ("incident.archive", "wrong_state")]
    raised = [row for row in rows if row["action"] == "incident.raise_alert"]
    assert len(raised) == 1


async def test_without_its_audit_row_a_command_did_not_happen(
    street: Street, desk: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await street.alarm()
    tap = desk.envelope(incident, "claim")
    before = await counts(street.world)

    async def fails(*_: object, **__: object) -> None:
        raise asyncpg.CheckViolationError("no audit today")

    monkeypatch.setattr(audit, "record_all", fails)
    answer = await desk.client.post(COMMANDS, json={"commands": [tap]})
    assert answer.status_code == 500
    assert await counts(street.world) == before
    monkeypatch.undo()
    [again] = await desk.batch([tap])
    assert (again["outcome"], again["repeated"]) == ("accepted", False)


CHANGES = {
    "event": "UPDATE event SET type = 'x'",
    "event gone": "DELETE FROM event",
    "event emptied": "TRUNCATE event CASCADE",
}


@pytest.mark.clause("6.3.7.1-b")
@pytest.mark.parametrize("sql", CHANGES.values(), ids=CHANGES)
async def test_the_journal_can_be_neither_changed_nor_emptied(street: Street, sql: str) -> None:
    incident = await street.alarm()
    before = await street.events(incident)
    await refused(street.world.operations, sql)
    owner = await street.world.server.superuser("operations")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="insert-only"):
            await owner.execute(sql)
    finally:
        await owner.close()
    assert await street.events(incident) == before


async def refused(database: Database, sql: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(sql)


async def archived(street: Street, desk: Person, phone: Person) -> str:
    """One incident from alarm to seal, as a false alarm."""
    incident = await street.alarm()
    await street.to_the_scene(phone, incident)
    await phone.does(incident, "field_declares_false", noPhotoReason="看过")
    await desk.does(incident, "desk_release_false")
    await phone.does(
        incident, "submit_false_report", cause="cooking", analysis="油烟", measure="移位"
    )
    await desk.does(incident, "archive")
    assert await street.state(incident) == "archived"
    return incident


@pytest.mark.clause("6.3.7.1-b")
async def test_each_sealed_record_names_the_one_before_and_none_can_be_touched(
    street: Street, desk: Person
) -> None:
    phone = await street.phone("周建国")
    first = await archived(street, desk, phone)
    await street.quiet("smoke")
    second = await archived(street, desk, phone)
    records = street.world.records
    rows = {r["incident_id"]: r for r in await records.fetch("SELECT * FROM sealed")}
    a, b = rows[UUID(first)], rows[UUID(second)]
    assert (a["previous"], b["previous"]) == (FIRST, a["sha256"])
    view = await desk.get(f"/api/incidents/{second}")
    assert (view["archive"]["hash"], view["archive"]["previous"]) == (b["sha256"], a["sha256"])
    for sql in ("UPDATE sealed SET export = '{}'", "DELETE FROM sealed", "TRUNCATE sealed"):
        await refused(records, sql)


async def test_after_the_seal_only_an_addendum_by_two_persons(street: Street, desk: Person) -> None:
    phone = await street.phone("周建国")
    incident = await archived(street, desk, phone)
    assert (await desk.is_refused(incident, "claim"))["code"] == "archived"
    me = (await desk.get("/api/session"))["accountId"]
    text = {"reason": "更正", "text": "楼层应为二楼"}
    alone = await desk.is_refused(incident, "addendum", approvedBy=me, **text)
    assert alone["code"] == "two_persons_needed"
    nobody = await desk.is_refused(incident, "addendum", approvedBy="顾敏", **text)
    assert nobody["code"] == "two_persons_needed"
    lead = await street.desk_lead()
    other = (await lead.get("/api/session"))["accountId"]
    await desk.does(incident, "addendum", approvedBy=other, **text)
    assert await street.state(incident) == "archived"
