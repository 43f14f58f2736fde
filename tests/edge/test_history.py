"""China Telecom asked for what it could not push: a fake of its gateway on the loopback."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from backend.devices.service import Register
from backend.sensing import history
from backend.sensing.doors import Doors
from backend.sensing.gaps import Marks
from backend.sensing.history import History, NoAnswer
from backend.sensing.store import Store
from backend.settings import Ctwing
from tests.edge.detectors import count, message, outbox, plant
from tests.edge.test_doors import OPEN, PUSH, SECRET
from tests.plugin.world import Server, World, made_world

MASTER = "m-key"


class Platform:
    """The platform's gateway: checks signatures, pages devices and reports."""

    def __init__(self, reports: dict[str, list[dict[str, Any]]], secret: str = "geheim") -> None:
        self.reports, self.secret = reports, secret
        self.asked: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *rest = head.strip().split("\r\n")
                headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = self.answer(first.split(" ")[1], headers, body.decode())
                raw = json.dumps(answer).encode()
                told = f"HTTP/1.1 {status} x\r\nContent-Length: {len(raw)}\r\n\r\n"
                writer.write(told.encode() + raw)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, path: str, headers: dict[str, str], body: str) -> tuple[int, object]:
        where = urlsplit(path)
        if where.path == "/echo":
            return 404, {}
        params = dict(parse_qsl(where.query, keep_blank_values=True))
        if "masterkey" in headers:
            params["MasterKey"] = headers["masterkey"]
        lines = [("application", headers["application"]), ("timestamp", headers["timestamp"])]
        text = "".join(f"{k}:{v}\n" for k, v in (*lines, *sorted(params.items())))
        text += f"{body}\n" if body else ""
        wanted = hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest()
        if headers["signature"] != base64.b64encode(wanted).decode():
            return 401, {"error_code": 401, "error_desc": "Signature not matched"}
        if where.path == "/aep_device_management/devices":
            first = (int(params["pageNow"]) - 1) * int(params["pageSize"])
            every = [{"deviceId": name} for name in [*self.reports, *(f"x{n}" for n in range(45))]]
            page = every[first : first + int(params["pageSize"])]
            return 200, {"code": 0, "result": {"list": page, "total": len(every)}}
        assert where.path == "/aep_device_status/getDeviceStatusHisInPage"
        wish = json.loads(body)
        self.asked.append(wish)
        rows = self.reports[wish["deviceId"]]
        at = int(wish.get("page_timestamp", "0"))
        following = str(at + 1) if at + 1 < len(rows) else ""
        return 200, {"code": 0, "page_timestamp": following, "deviceStatusList": rows[at : at + 1]}


@asynccontextmanager
async def asking(world: World, platform: Platform) -> AsyncIterator[History]:
    server = await asyncio.start_server(platform.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = Ctwing(url=url, app_key="key", app_secret="geheim", products=(f"p1:{MASTER}",))
    register = Register()
    door = History(Doors(world.ctx, register).intake, register, world.clock, settings)
    try:
        yield door
    finally:
        server.close()
        await server.wait_closed()


async def test_what_was_missed_is_asked_for_page_by_page_and_what_was_pushed_counts_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAUSE_S", 0)
    await plant(world)
    await world.operations.execute("UPDATE detector SET address = 'ctwing/d1'")
    now = round(world.clock.now().timestamp() * 1000)
    pushed = {"timestamp": now - 60_000, "smoke_state": 0}
    missed = {"timestamp": now - 30_000, "smoke_state": 1}
    body = {"messageType": "dataReport", "deviceId": "d1", "timestamp": now - 60_000,
            "payload": {"smoke_state": 0}}  # fmt: skip
    platform = Platform({"d1": [missed, pushed]})
    async with asking(world, platform) as door:
        await door._intake.take([message(world, body, "ctwing")])
        assert await door.look() == 2
        assert [wish.get("page_timestamp") for wish in platform.asked] == [None, "1"]
        assert {wish["deviceId"] for wish in platform.asked} == {"d1"}  # not the strangers
        assert await count(world, "reading") == 2
        assert await outbox(world, "raised") == ["raised"]
        assert await door.look() is None  # asked again only when the platform's pause is over
        world.clock.forward(seconds=121)
        assert await door.look() == 2
        assert await door.look() is None
    assert await count(world, "reading") == 2


async def test_a_platform_that_says_no_is_asked_for_the_same_time_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAUSE_S", 0)
    platform = Platform({"d1": []}, secret="another")
    async with asking(world, platform) as door:
        with pytest.raises(NoAnswer, match="Signature"):
            await door.look()
        platform.secret = "geheim"
        assert await door.look() == 0


async def test_a_refused_push_and_a_gap_between_pushes_are_remembered(world: World) -> None:
    marks, began = Marks("ctwing", world.clock, 900.0), world.clock.now()
    await marks.heard()
    world.clock.forward(seconds=30)
    marks.refused()
    await marks.heard()
    found = await marks.read()
    assert (found.missed_from, found.heard_at) == (began + timedelta(seconds=30),) * 2
    assert found.missed_to == began + timedelta(seconds=150)
    await marks.filled(began + timedelta(seconds=150))
    assert (await marks.read()).missed_from is None
    world.clock.forward(seconds=901)
    await marks.heard()
    found = await marks.read()
    assert found.missed_from == began + timedelta(seconds=30)


async def test_a_push_never_waits_for_a_database_that_is_away_and_its_time_is_asked_for(
    database_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with made_world(database_server, tmp_path, OPEN) as world:
        async with world.client() as client:

            async def away(*_: object) -> None:
                raise ConnectionRefusedError

            with monkeypatch.context() as broken:
                broken.setattr(Store, "write", away)
                answer = await client.post(f"/api/doors/ctwing/{SECRET}", json=PUSH)
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
            answer = await client.post(f"/api/doors/ctwing/{SECRET}", json=PUSH)
            assert answer.status_code == 200
        row = await world.telemetry.fetch_one("SELECT * FROM door_mark WHERE door = 'ctwing'")
        assert row is not None
        assert row["missed_from"] == world.clock.now()
