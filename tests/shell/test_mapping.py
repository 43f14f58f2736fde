"""Mapping templates: written against real messages, in force at once, withdrawn, put back."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from backend.devices.service import Register
from backend.sensing.adapters.templates import Template
from backend.sensing.deliveries import Arrived
from backend.sensing.mapping import cli, service
from backend.sensing.mapping.live import CHANNEL, Mappings
from backend.sensing.mapping.recent import PER_FAMILY, family_of
from backend.sensing.mapping.service import Who
from backend.sensing.rules import RuleBook, defaults
from backend.sensing.store import Store
from backend.shared.db import TELEMETRY
from backend.shared.listen import Listener
from tests.edge.detectors import plant
from tests.plugin.world import Server, World, made_world

ACME: dict[str, Any] = {
    "name": "acme",
    "title": "甲厂烟感",
    "topic": "acme/+/up",
    "device": "topic:1",
    "readings": [
        {"quantity": "smoke", "value": "s", "true_when": ["A"], "false_when": ["N"]},
    ],
}


def store_of(world: World, mappings: Mappings) -> Store:
    return Store(Register(), RuleBook(defaults()), world.clock, "t", mappings=mappings)


def said(world: World, topic: str, body: object) -> Arrived:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Arrived(topic=topic, payload=raw, received_at=world.clock.now())


async def begin(client: httpx.AsyncClient, template: dict[str, Any], why: str = "试运行") -> None:
    answer = await client.put("/api/mappings/draft", json={"template": template})
    assert answer.status_code == 200, answer.text
    name, version = template["name"], answer.json()["version"]
    answer = await client.post(f"/api/mappings/{name}/begin", json={"version": version, "why": why})
    assert answer.status_code == 204, answer.text


async def actions(world: World) -> list[str]:
    rows = await TELEMETRY.fetch(
        "SELECT action FROM audit_entry WHERE action LIKE 'mapping.%' ORDER BY id"
    )
    return [row["action"] for row in rows]


@pytest.mark.clause("5.1.1.2-b")
async def test_a_template_is_written_put_in_force_replaced_withdrawn_and_put_back(
    world: World,
) -> None:
    await plant(world)
    await world.operations.execute("UPDATE detector SET address = 'acme/d1'")
    listener = Listener(TELEMETRY)
    mappings = Mappings(world.clock, listener)
    notice = listener.event(CHANNEL)  # beside the consumer's own: when to look
    await listener.start()
    await notice.wait(5)
    store = store_of(world, mappings)

    async def reads(value: str) -> int:
        await store.write([said(world, "acme/d1/up", {"s": value})])
        found: int = await TELEMETRY.fetch_value("SELECT count(*) FROM reading")
        return found

    assert await reads("A") == 0  # nobody reads it yet: kept raw
    await mappings.recent.flush()
    async with world.client("technician") as client:
        page = (await client.get("/api/mappings")).json()
        assert [(f["family"], f["count"]) for f in page["unread"]] == [("acme/+/up", 1)]
        raw = (await client.get("/api/mappings/messages", params={"topic": "acme/+/up"})).json()
        assert json.loads(raw[0]["text"]) == {"s": "A"}
        half = {**ACME, "name": "", "readings": [*ACME["readings"], {"quantity": "", "value": "["}]}
        tried = (await client.post("/api/mappings/preview", json={"template": half})).json()
        assert {f["field"] for f in tried["faults"]} >= {"name", "readings.1.value"}
        assert tried["tried"][0]["said"][0]["reading"]["value"] is True
        await begin(client, ACME)
        assert await notice.wait(5)
        assert await reads("A") == 1
        assert mappings.wanted == ("acme/+/up",)  # what the broker is asked for
        # a second version: what was N is B now
        other = {**ACME, "readings": [{**ACME["readings"][0], "false_when": ["B"]}]}
        await begin(client, other, "厂家改了报文")
        assert await notice.wait(5)
        world.clock.forward(seconds=5)
        assert await reads("N") == 1
        assert await reads("B") == 2
        await mappings.recent.flush()
        (row,) = (await client.get("/api/mappings")).json()["templates"]
        assert (row["state"], row["version"], row["read"], row["refused"]) == ("in_force", 2, 2, 1)
        answer = await client.post("/api/mappings/acme/back", json={"version": 1, "why": "改错了"})
        assert answer.json() == {"version": 3}
        assert await notice.wait(5)
        assert await reads("N") == 3
        versions = (await client.get("/api/mappings/acme")).json()
        assert [(v["version"], v["state"], v["copiedFrom"]) for v in versions] == [
            *((3, "in_force", 1), (2, "ended", None), (1, "ended", None)),
        ]
        assert versions[0]["begunWhy"] == "改错了"
        answer = await client.post("/api/mappings/acme/withdraw", json={"why": "拆除"})
        assert answer.status_code == 204
        assert await notice.wait(5)
        assert await reads("A") == 3
        answer = await client.post("/api/mappings/acme/withdraw", json={"why": "拆除"})
        assert answer.json()["type"].endswith("mapping-stale")
    await listener.stop()
    assert await actions(world) == [
        *("mapping.messages_read", "mapping.drafted", "mapping.put_in_force"),
        *("mapping.drafted", "mapping.put_in_force", "mapping.put_in_force", "mapping.withdrawn"),
    ]


async def test_a_broken_or_overlapping_template_is_kept_as_a_draft_and_never_in_force(
    world: World,
) -> None:
    async with world.client("technician") as client:
        await begin(client, ACME)
        broken = {**ACME, "name": "other", "device": "a[", "readings": []}
        saved = await client.put("/api/mappings/draft", json={"template": broken})
        assert saved.status_code == 200  # unfinished work is not lost
        body = {"version": saved.json()["version"], "why": "x"}
        answer = await client.post("/api/mappings/other/begin", json=body)
        assert (answer.status_code, {f["field"] for f in answer.json()["faults"]}) == (
            *(422, {"device", "readings", "topic"}),
        )
        twin = {**ACME, "name": "other", "topic": "acme/#"}
        await client.put("/api/mappings/draft", json={"template": twin})
        (fault,) = (await client.post("/api/mappings/other/begin", json=body)).json()["faults"]
        assert (fault["field"], fault["code"], fault["what"]) == ("topic", "overlaps", "acme")
        shadow = {**ACME, "name": "ctwing"}
        answer = await client.put("/api/mappings/draft", json={"template": shadow})
        assert answer.json()["faults"][0]["code"] == "built-in"
        answer = await client.post("/api/mappings/other/discard")
        assert answer.status_code == 204
        states = {
            t["name"]: t["state"] for t in (await client.get("/api/mappings")).json()["templates"]
        }
        assert states == {"acme": "in_force", "other": "ended"}
    async with world.client("manager") as client:
        assert (await client.get("/api/mappings")).status_code == 200
        assert (await client.get("/api/mappings/acme")).status_code == 200
        for method, path in (
            ("PUT", "draft"),
            ("POST", "acme/withdraw"),
            ("GET", "messages?topic=a/b"),
        ):
            answer = await client.request(method, f"/api/mappings/{path}", json={})
            assert answer.status_code == 403, path


async def test_listening_shows_what_comes_and_stores_nothing_of_it(world: World) -> None:
    who = Who(account_id=None, name="t", role="technician", at=world.clock.now())
    mappings = Mappings(world.clock)
    store = store_of(world, mappings)
    await service.listen("new/#", timedelta(minutes=5), who, ())
    for taken in ("new/a", "zigbee2mqtt/#", "#"):
        with pytest.raises(service.MappingRefused):
            await service.listen(taken, timedelta(minutes=5), who, ())
    await store.write([said(world, "new/x9/up", {"v": n}) for n in range(100)])
    assert mappings.wanted == ("new/#",)
    await mappings.recent.flush()
    for table in ("raw_message", "alert_outbox", "detector_event"):
        assert await TELEMETRY.fetch_value(f"SELECT count(*) FROM {table}") == 0
    (family,) = await service.unread(world.clock.now())
    assert (family.family, family.outcome, family.count) == ("new/+/up", "unread", 100)
    world.clock.forward(seconds=301)
    await store.write([said(world, "new/x9/up", {"v": 1})])
    assert await TELEMETRY.fetch_value("SELECT count(*) FROM raw_message") == 1


async def test_few_messages_are_kept_no_pictures_and_what_tells_of_a_home_only_for_an_hour(
    world: World,
) -> None:
    mappings = Mappings(world.clock, templates=())
    store = store_of(world, mappings)
    for _ in range(3):
        await store.write([said(world, "zigbee2mqtt/door", {"contact": True})] * 50)
        await store.write([said(world, "nobody/1", b"\xff\xfe\x00" + b"x" * 20_000)] * 50)
    await store.write([said(world, "hikvision/gate", b"<a/>\xff\xd8\xff" + b"p" * 900)])
    await mappings.recent.flush()
    kept = await TELEMETRY.fetch(
        "SELECT family, count(*) AS n, max(length(payload)) AS size, min(forget_at) AS until"
        " FROM recent_message GROUP BY family ORDER BY family"
    )
    hour, day = (world.clock.now() + timedelta(hours=h) for h in (1, 24))
    assert [tuple(row) for row in kept] == [
        ("hikvision/gate", 1, 4, day),
        ("nobody/+", PER_FAMILY, 8192, day),
        ("zigbee2mqtt/door", 1, 17, hour),  # one a second, however many come
    ]
    world.clock.forward(seconds=3601)
    await store.write([said(world, "nobody/2", b"{}")])
    await mappings.recent.flush()
    assert (
        await TELEMETRY.fetch_value(
            "SELECT count(*) FROM recent_message WHERE family LIKE 'zigbee%'"
        )
        == 0
    )


def test_a_family_is_a_topic_without_the_names_of_its_devices() -> None:
    assert family_of("vendor/v1/860123/up") == "vendor/v1/+/up"
    assert family_of("vendor/A1:B2/厨房/up\0") == "vendor/+/厨房/up�"
    assert family_of("d7") == "d7"


async def test_importing_a_file_of_templates_twice_changes_nothing_the_second_time(
    world: World,
) -> None:
    who = Who(account_id=None, name="command-line", role="system", at=world.clock.now())
    template = Template(**{**ACME, "readings": ()})
    with pytest.raises(service.MappingRefused):
        await cli.put([template], "搬家", who)
    wanted = [msgspec.convert(ACME, Template)]
    assert await cli.put(wanted, "搬家", who) == ["acme"]
    assert await cli.put(wanted, "搬家", who) == []
    assert await service.in_force() == [(wanted[0], 1)]


async def test_another_makers_push_is_read_by_its_template(
    database_server: Server, tmp_path: Path
) -> None:
    secret = "p" * 20
    async with made_world(database_server, tmp_path, {"JIEAN_CLOUD_PUSH_SECRET": secret}) as world:
        await plant(world)
        await world.operations.execute("UPDATE detector SET address = 'acme/d1'")
        async with world.client("technician") as client:
            await begin(client, {**ACME, "topic": "push/acme", "device": "id"})
            door = f"/api/doors/push/{secret}/acme"
            assert (await client.post(door, json={"id": "d1", "s": "A"})).status_code == 200
            wrong = await client.post("/api/doors/push/wrong-secret-000000/acme", json={})
            assert wrong.status_code == 404
        assert await TELEMETRY.fetch_value("SELECT count(*) FROM reading") == 1
