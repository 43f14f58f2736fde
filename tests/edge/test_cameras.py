"""Cameras that we call: a fake of both makers on the loopback, with digest, reconnect, silence."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.devices.service import Register
from backend.sensing import cameras
from backend.sensing.cameras import Camera, Cameras, read
from backend.sensing.doors import Doors
from tests.edge.detectors import count, outbox, plant
from tests.plugin.world import World

ALERT = (
    b"<EventNotificationAlert><eventType>fireDetection</eventType><eventState>active</eventState>"
    b"<channelID>1</channelID><dateTime>2026-03-02T16:00:00+08:00</dateTime>"
    b"</EventNotificationAlert>"
)
SMOKE = b'Code=SmokeDetection;action=Start;index=0;data={"RealUTC": 1772438400}'


def part(body: bytes, kind: str) -> bytes:
    return f"--b\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Fake:
    """A camera that asks for a digest, says one event and then holds or ends the line."""

    def __init__(self, password: str = "geheim") -> None:  # the camera's own
        self.password = password
        self.asked: list[tuple[str, int]] = []
        self.streams = 0
        self.hold = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self.answer(head.decode(), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        path = head.split(" ")[1]
        if not self.knows(head, path):
            self.asked.append((path, 401))
            writer.write(
                b'HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm="cam", nonce="n1", qop="auth"'
                b"\r\nContent-Length: 0\r\n\r\n"
            )
            return
        self.asked.append((path, 200))
        self.streams += 1
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\n"
            b"Connection: close\r\n\r\n"
        )
        body = part(ALERT, "application/xml") if "ISAPI" in path else part(SMOKE, "text/plain")
        writer.write(body[:60])
        await writer.drain()
        writer.write(body[60:])
        await writer.drain()
        if self.streams > 1:
            await self.hold.wait()
        raise ConnectionError  # the line ends

    def knows(self, head: str, path: str) -> bool:
        told = re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', head.partition("Authorization:")[2])
        found = {name: quoted or plain for name, quoted, plain in told}
        if not found:
            return False

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()  # as RFC 2617 wants it

        who, what = md5(f"admin:cam:{self.password}"), md5(f"GET:{path}")
        wanted = f"{who}:n1:{found['nc']}:{found['cnonce']}:auth:{what}"
        return bool(found["uri"] == path and found["response"] == md5(wanted))


@asynccontextmanager
async def called(world: World, maker: str, fake: Fake) -> AsyncIterator[Cameras]:
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    where = server.sockets[0].getsockname()[1]
    intake = Doors(world.ctx, Register()).intake
    camera = Camera(
        name="gate", maker=maker, url=f"http://127.0.0.1:{where}",  # type: ignore[arg-type]
        user="admin", password="geheim", channels=("0", "1"),
    )  # fmt: skip
    door = Cameras(intake, world.clock, [camera], 60.0)
    door.start()
    try:
        yield door
    finally:
        fake.hold.set()
        await door.stop()
        server.close()
        await server.wait_closed()


async def seen(what: object) -> None:
    """Until ``what()`` is true."""
    assert callable(what)
    async with asyncio.timeout(20):
        while True:
            found = what()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("maker", "address"), [("hikvision", "gate/1"), ("dahua", "gate/0")])
async def test_a_cameras_stream_is_read_with_digest_again_after_it_ended_and_counts_once(
    world: World, monkeypatch: pytest.MonkeyPatch, maker: str, address: str
) -> None:
    monkeypatch.setattr(cameras, "BACK_OFF_S", (0.01, 0.01, 0.01))
    await plant(world)
    await world.operations.execute("UPDATE detector SET address = $1", f"{maker}/{address}")
    fake = Fake()
    async with called(world, maker, fake) as door:
        await seen(lambda: fake.streams > 1)
        await seen(lambda: _raised(world))
        assert await door.look_for_silence() == []
        world.clock.forward(seconds=61)
        assert await door.look_for_silence() == [f"{maker}/gate"]
        assert await door.look_for_silence() == []
    assert fake.asked[:2] == [(fake.asked[0][0], 401), (fake.asked[0][0], 200)]
    assert await count(world, "reading") == 1
    assert await outbox(world, "raised") == ["raised"]


async def _raised(world: World) -> bool:
    return await count(world, "reading") > 0


async def test_a_camera_that_refuses_the_password_is_a_ticket_and_is_not_stormed(
    world: World,
) -> None:
    fake = Fake(password="another")
    async with called(world, "hikvision", fake) as door:
        await seen(lambda: door._lines[0].why == "password-refused")
        world.clock.forward(seconds=61)
        assert await door.look_for_silence() == ["hikvision/gate"]
    assert len(fake.asked) == 2  # the challenge and the one try
    rows = await world.telemetry.fetch("SELECT type, body FROM alert_outbox")
    assert json.loads(rows[0]["body"])["over"] is False
    (body,) = [json.loads(row["body"]) for row in rows]
    assert (rows[0]["type"], body["address"], body["reason"]) == (
        *("ticket", "hikvision/gate", "password-refused"),
    )


def test_a_file_of_cameras_is_refused_where_it_says_nonsense(tmp_path: Path) -> None:
    file = tmp_path / "cameras.json"
    one = {"name": "gate", "maker": "dahua", "url": "http://10.0.0.8"}
    file.write_text(json.dumps([one]))
    assert [camera.topic for camera in read(file)] == ["dahua/gate"]
    wrong: object
    for wrong in ([one, one], [{**one, "url": "http://a@b/"}], [{**one, "maker": "x"}], {}):
        file.write_text(json.dumps(wrong))
        with pytest.raises(ValueError):
            read(file)
