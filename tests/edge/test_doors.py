"""Doors for pushes of clouds and cameras: closed, secret, stored before they answer."""

import base64
import json
from pathlib import Path

import pytest

from backend.devices.service import Register
from backend.sensing.adapters.templates import Mapping, Template
from backend.sensing.mapping.live import Mappings
from backend.sensing.rules import RuleBook, defaults
from backend.sensing.store import Store
from tests.edge.detectors import count, message, outbox, plant
from tests.plugin.world import Server, World, made_world

SECRET = "a-secret-of-its-own-26"
PUSH = {
    "messageType": "dataReport", "deviceId": "d1", "timestamp": 1772438400000,
    "payload": {"smoke_state": 1},
}  # fmt: skip
ALERT = (
    b"<EventNotificationAlert><eventType>fireDetection</eventType><eventState>active</eventState>"
    b"<channelID>1</channelID><dateTime>2026-03-02T16:00:00+08:00</dateTime>"
    b"</EventNotificationAlert>"
)
OPEN = {f"JIEAN_CLOUD_{v}_SECRET": SECRET for v in ("CTWING", "HUAWEI", "HIKVISION", "DAHUA")}


async def test_every_door_is_closed_until_it_has_a_secret(world: World) -> None:
    async with world.client() as client:
        for vendor in ("ctwing", "huawei", "hikvision", "dahua", "nobody"):
            answer = await client.post(f"/api/doors/{vendor}/{SECRET}", json=PUSH)
            assert answer.status_code == 404
    assert await count(world, "raw_message") == 0


@pytest.mark.clause("5.1.1.2-b")
async def test_a_push_with_the_secret_is_stored_and_counts_once(
    database_server: Server, tmp_path: Path
) -> None:
    async with made_world(database_server, tmp_path, OPEN) as world:
        await plant(world)
        await world.operations.execute("UPDATE detector SET address = 'ctwing/d1'")
        async with world.client() as client:
            del client.headers["X-Jiean"]
            wrong = await client.post("/api/doors/ctwing/another-secret-0000", json=PUSH)
            assert wrong.status_code == 404
            for _ in range(2):
                answer = await client.post(f"/api/doors/ctwing/{SECRET}", json=PUSH)
                assert answer.status_code == 200
        assert await count(world, "reading") == 1
        assert await outbox(world, "raised") == ["raised"]


async def test_a_cameras_post_is_named_by_its_door_and_nonsense_is_kept_with_200(
    database_server: Server, tmp_path: Path
) -> None:
    async with made_world(database_server, tmp_path, OPEN) as world:
        await plant(world)
        await world.operations.execute("UPDATE detector SET address = 'hikvision/gate/1'")
        async with world.client() as client:
            picture = base64.b64decode("/9j/")
            parts = (
                b"--b\r\nContent-Type: application/xml\r\n\r\n" + ALERT
                + b"\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n--b--\r\n"
            )  # fmt: skip
            answer = await client.post(f"/api/doors/hikvision/{SECRET}/gate", content=parts)
            assert answer.status_code == 200
            for raw in (b"", b"\xff\x00", json.dumps({"a": 1}).encode()):
                answer = await client.post(f"/api/doors/huawei/{SECRET}", content=raw)
                assert answer.status_code == 200
        assert await count(world, "reading") == 1
        assert await count(world, "raw_message") == 3


async def test_a_mapped_vendors_message_is_stored_like_any_other(world: World) -> None:
    template = Template(
        name="acme",
        topic="acme/+/up",
        device="topic:1",
        readings=(Mapping(quantity="smoke", value="s", true_when=("A",), false_when=("N",)),),
    )
    await plant(world)
    await world.operations.execute("UPDATE detector SET address = 'acme/d1'")
    mappings = Mappings(world.clock, templates=[template])
    store = Store(Register(), RuleBook(defaults()), world.clock, "t", mappings=mappings)
    await store.write([message(world, {"s": "A"}, "acme/d1/up")])
    assert await count(world, "reading") == 1
    assert await outbox(world, "raised") == ["raised"]
