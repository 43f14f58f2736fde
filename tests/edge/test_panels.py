"""The TCP door of GB/T 26875.3 gateways, over real sockets on the loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from backend.devices.service import Register
from backend.sensing.adapters.gb26875.frame import CONFIRM, DENY, Cutter, Frame, build
from backend.sensing.panels import MAX_JUNK, PanelDoor
from tests.edge.detectors import count, outbox, plant
from tests.plugin.world import Server, World, made_world

SENT = (0, 0, 16, 2, 3, 26)


def alarm(serial: int = 1, status: int = 3) -> bytes:
    part = bytes([1, 1, 40]) + bytes.fromhex("0a000200") + status.to_bytes(2, "little")
    data = b"\x02\x01" + part + bytes(31) + bytes(SENT)
    return build(serial=serial, sent=SENT, source=889, destination=1, command=2, data=data)


def heartbeat(serial: int = 9) -> bytes:
    return build(serial=serial, sent=SENT, source=889, destination=1, command=2)


async def registered(world: World) -> None:
    await plant(world)
    await world.operations.execute(
        "UPDATE detector SET address = 'gb26875/889/1.1/0a000200', protocol = 'gb26875'"
    )


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[PanelDoor]:
    door = PanelDoor(world.ctx, Register())
    await door.start(0)
    try:
        yield door
    finally:
        await door.stop()


class Gateway:
    """One line to the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.cutter = reader, writer, Cutter()

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def answers(self, wanted: int) -> list[Frame]:
        found: list[Frame] = []
        while len(found) < wanted:
            segment = await asyncio.wait_for(self.reader.read(4096), 10)
            if not segment:
                break
            found += [f for f in self.cutter.feed(segment) if isinstance(f, Frame)]
        return found

    async def closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 10) is not None


@asynccontextmanager
async def line(door: PanelDoor) -> AsyncIterator[Gateway]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        yield Gateway(reader, writer)
    finally:
        writer.close()


@pytest.mark.clause("5.1.1.2-b")
async def test_an_alarm_in_two_segments_is_stored_before_it_is_confirmed(world: World) -> None:
    await registered(world)
    async with opened(world) as door, line(door) as gateway:
        raw = alarm()
        await gateway.say(raw[:31])
        await gateway.say(raw[31:] + heartbeat())
        first, second = await gateway.answers(2)
        assert [(first.serial, first.command), (second.serial, second.command)] == [
            *((1, CONFIRM), (9, CONFIRM))
        ]
        assert (first.source, first.destination) == (1, 889)
        assert await count(world, "reading") == 1
        assert await outbox(world, "raised") == ["raised"]


async def test_the_same_frame_again_is_confirmed_and_counts_once(world: World) -> None:
    await registered(world)
    async with opened(world) as door, line(door) as gateway:
        await gateway.say(alarm())
        await gateway.answers(1)
        await gateway.say(alarm())
        (again,) = await gateway.answers(1)
        assert again.command == CONFIRM
    async with opened(world) as door, line(door) as gateway:  # and after a restart
        await gateway.say(alarm())
        (again,) = await gateway.answers(1)
        assert again.command == CONFIRM
    assert await count(world, "reading") == 1
    assert await outbox(world, "raised") == ["raised"]


async def test_a_wrong_sum_is_denied_and_kept_and_the_line_goes_on(world: World) -> None:
    await registered(world)
    broken = bytearray(alarm(5))
    broken[-3] ^= 1
    async with opened(world) as door, line(door) as gateway:
        await gateway.say(bytes(broken) + alarm(6))
        first, second = await gateway.answers(2)
        assert (first.serial, first.command) == (5, DENY)
        assert (second.serial, second.command) == (6, CONFIRM)
    rows = await world.telemetry.fetch("SELECT reason, payload FROM raw_message")
    assert [(row["reason"], row["payload"]) for row in rows] == [("bad-checksum", bytes(broken))]


async def test_nothing_is_confirmed_that_is_not_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registered(world)
    async with opened(world) as door:

        async def away(*_: object) -> None:
            raise asyncpg.InterfaceError("the pool is closed")

        with monkeypatch.context() as broken:
            broken.setattr(door._store, "write", away)
            async with line(door) as gateway:
                await gateway.say(alarm())
                assert await gateway.answers(1) == []
        async with line(door) as gateway:
            await gateway.say(alarm())
            assert [f.command for f in await gateway.answers(1)] == [CONFIRM]
    assert await count(world, "reading") == 1


async def test_a_peer_that_sends_no_frames_is_cut_off_and_its_bytes_are_kept(world: World) -> None:
    async with opened(world) as door, line(door) as gateway:
        for _ in range(MAX_JUNK):
            with_pause = b"GET / HTTP/1.1\r\n"
            gateway.writer.write(with_pause * 300)
            await asyncio.sleep(0)
        assert await gateway.closed()
    assert await count(world, "raw_message") >= 1
    assert await outbox(world, "ticket")


async def test_a_frame_that_never_ends_and_a_silent_line_are_cut_off(
    database_server: Server, tmp_path: Path
) -> None:
    quick = {"JIEAN_GB26875_UNFINISHED_S": "0.2", "JIEAN_GB26875_SILENCE_S": "0.4"}
    async with (
        made_world(database_server, tmp_path, quick) as world,
        opened(world) as door,
        line(door) as loris,
        line(door) as mute,
    ):
        await loris.say(alarm()[:40])
        assert await loris.closed()
        assert await mute.closed()
        rows = await world.telemetry.fetch("SELECT reason FROM raw_message")
        assert [row["reason"] for row in rows] == ["incomplete"]


async def test_three_missed_heartbeats_are_a_link_fault_for_a_technician_and_no_alarm(
    world: World,
) -> None:
    await registered(world)
    async with opened(world) as door, line(door) as gateway:
        await gateway.say(heartbeat())
        await gateway.answers(1)
        world.clock.forward(seconds=89)
        assert await door.look_for_silence() == []
        world.clock.forward(seconds=2)
        assert await door.look_for_silence() == [889]
        assert await door.look_for_silence() == []
    rows = await world.telemetry.fetch("SELECT type, body FROM alert_outbox")
    assert [row["type"] for row in rows] == ["ticket"]
    body = json.loads(rows[0]["body"])
    assert (body["kind"], body["address"], body["reason"]) == (
        *("offline", "gb26875/889", "link-fault"),
    )


async def test_the_door_is_closed_unless_it_has_a_port(world: World) -> None:
    door = PanelDoor(world.ctx, Register())
    await door.start()
    assert door.port == 0
    await door.stop()
