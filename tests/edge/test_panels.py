"""The TCP doors of GB/T 26875.3 gateways and MEOKON terminals, over sockets on the loopback."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from backend.devices.service import Register
from backend.sensing.adapters import meokon
from backend.sensing.adapters.gb26875.frame import CONFIRM, CONTROL, DENY, Cutter, Frame, build
from backend.sensing.adapters.gb26875.profile import Gateways, Profile
from backend.sensing.doors import Doors
from backend.sensing.lines import KEPT_RAW_PER_HOUR, MAX_BAD, Limits, Lines
from backend.sensing.panels import Panels
from tests.edge.detectors import count, outbox, plant
from tests.plugin.world import Server, World, made_world

SENT = (0, 0, 16, 2, 3, 26)
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def alarm(serial: int = 1, status: int = 3) -> bytes:
    part = bytes([1, 1, 40]) + bytes.fromhex("0a000200") + status.to_bytes(2, "little")
    data = b"\x02\x01" + part + bytes(31) + bytes(SENT)
    return build(serial=serial, sent=SENT, source=889, destination=1, command=2, data=data)


def heartbeat(serial: int = 9, minute: int = 0) -> bytes:
    return build(serial=serial, sent=(0, minute, *SENT[2:]), source=889, destination=1, command=2)


async def registered(world: World) -> None:
    await plant(world)
    await world.operations.execute(
        "UPDATE detector SET address = 'gb26875/889/1.1/0a000200', protocol = 'gb26875'"
    )


class PanelDoor(Panels):
    """The door as ``Doors`` makes it, on a free port."""

    def __init__(self, world: World, gateways: Gateways, **limits: object) -> None:
        doors = Doors(world.ctx, Register())
        ours = world.settings.gb26875
        super().__init__(doors.intake, world.clock, gateways, ours.silence_s)
        self.intake = doors.intake
        known = {
            "connections_max": ours.connections_max,
            "per_address_max": ours.per_address_max,
            "silence_s": ours.silence_s,
            "unfinished_s": ours.unfinished_s,
        }
        self.lines = Lines(self, Limits(**{**known, **limits}))  # type: ignore[arg-type]

    @property
    def port(self) -> int:
        return self.lines.port


@asynccontextmanager
async def opened(
    world: World, gateways: Gateways | None = None, **limits: object
) -> AsyncIterator[PanelDoor]:
    door = PanelDoor(world, gateways or Gateways(), **limits)
    await door.intake.store.start()
    await door.lines.start("127.0.0.1", 0)
    try:
        yield door
    finally:
        await door.lines.stop()


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
            broken.setattr(door.intake.store, "write", away)
            async with line(door) as gateway:
                await gateway.say(alarm())
                assert await gateway.answers(1) == []
        async with line(door) as gateway:
            await gateway.say(alarm())
            assert [f.command for f in await gateway.answers(1)] == [CONFIRM]
    assert await count(world, "reading") == 1


async def test_a_peer_that_sends_no_frames_is_cut_off_and_its_bytes_are_kept(world: World) -> None:
    async with opened(world) as door, line(door) as gateway:
        for _ in range(MAX_BAD):
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
        await gateway.say(heartbeat())
        await gateway.answers(1)
        assert await door.look_for_silence() == []
    rows = await world.telemetry.fetch("SELECT type, body FROM alert_outbox ORDER BY seq")
    assert {row["type"] for row in rows} == {"ticket"}
    told = [json.loads(row["body"]) for row in rows]
    assert {(body["kind"], body["address"], body["reason"]) for body in told} == {
        ("offline", "gb26875/889", "link-fault")
    }
    # what an earlier process may have left open is taken back at the first frame, too
    assert [body["over"] for body in told] == [True, False, True]


async def test_a_gateway_that_fell_silent_while_we_were_away_is_missed_once(world: World) -> None:
    async with opened(world) as door, line(door) as gateway:
        await gateway.say(heartbeat())
        await gateway.answers(1)
        assert await door.look_for_silence() == []  # and it is written down who was heard
    for missed in ([889], []):
        world.clock.forward(seconds=3600)
        later = PanelDoor(world, Gateways())
        await later.start()
        assert await later.look_for_silence() == []
        world.clock.forward(seconds=91)
        assert await later.look_for_silence() == missed
        await later.stop()


async def test_the_doors_are_closed_unless_they_have_a_port(world: World) -> None:
    doors = Doors(world.ctx, Register())
    await doors.start()
    assert (doors.panel_lines.port, doors.terminal_lines.port) == (0, 0)
    await doors.stop()


async def test_who_never_reads_is_cut_off_and_others_go_on(world: World) -> None:
    async with (
        opened(world, unread_s=0.1, per_s=1e6) as door,
        line(door) as deaf,
        line(door) as other,
    ):
        deaf.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with suppress(ConnectionError):
            while not door.lines.cut_off:
                deaf.writer.write(heartbeat() * 500)
                await deaf.writer.drain()
        assert door.lines.cut_off == 1
        await other.say(heartbeat())
        assert [f.command for f in await other.answers(1)] == [CONFIRM]


async def test_lines_are_bounded_in_all_per_address_and_to_networks_that_may(world: World) -> None:
    async with opened(world, per_address_max=1) as door, line(door) as first:
        await first.say(heartbeat())
        assert await first.answers(1)
        async with line(door) as second:
            assert await second.closed()
    async with opened(world, allow=("10.8.0.0/16",)) as door, line(door) as stranger:
        assert await stranger.closed()
    async with opened(world, connections_max=1) as door, line(door) as first:
        await first.say(heartbeat())
        assert await first.answers(1)
        async with line(door) as second:
            assert await second.closed()


async def test_a_gateway_that_may_not_call_is_denied_by_name_and_kept_raw(world: World) -> None:
    await registered(world)
    elsewhere = Gateways(gateways={889: "strict"}, networks={889: ("10.8.0.0/16",)})
    for gateways in (Gateways(only_listed=True), elsewhere):
        async with opened(world, gateways) as door, line(door) as gateway:
            await gateway.say(alarm())
            assert [f.command for f in await gateway.answers(1)] == [DENY]
    rows = await world.telemetry.fetch("SELECT reason FROM raw_message ORDER BY id")
    assert [row["reason"] for row in rows] == ["unknown-gateway", "wrong-address"]
    assert await count(world, "reading") == 0


async def test_a_gateway_with_a_wrong_clock_is_told_the_time_once_if_it_may_be(
    world: World,
) -> None:
    takes = Gateways(profiles=(Profile(name="clock", set_clock=True),), gateways={889: "clock"})
    async with opened(world, takes) as door, line(door) as gateway:
        await gateway.say(heartbeat(1, minute=2) + heartbeat(2, minute=2))
        found = await gateway.answers(3)
        (told,) = (f for f in found if f.command == CONTROL)
        assert (told.data[:2], told.checksum_ok, told.destination) == (b"\x5a\x01", True, 889)
        assert told.data[2:] == bytes(told.sent)
    async with opened(world) as door, line(door) as gateway:
        await gateway.say(heartbeat(1, minute=2) + heartbeat(2))
        assert [f.command for f in await gateway.answers(2)] == [CONFIRM, CONFIRM]


async def test_of_what_is_no_message_only_so_much_is_kept_and_frames_still_come_through(
    world: World,
) -> None:
    await registered(world)
    async with opened(world) as door:
        for n in range(KEPT_RAW_PER_HOUR):
            assert door._allowance.spend("127.0.0.1", world.clock.now()), n
        async with line(door) as gateway:
            await gateway.say(b"nonsense" + alarm())
            assert [f.command for f in await gateway.answers(1)] == [CONFIRM]
    assert await count(world, "raw_message") == 0
    assert await count(world, "reading") == 1


# ---- MEOKON --------------------------------------------------------------------------------------


def upload(*values: int) -> bytes:
    """A hydrant's upload, its newest record now."""
    body = b"\xa5\x5a\x00" + (39 + 2 * len(values)).to_bytes(2, "big") + b"SHMK26030001"
    body += bytes([0x34, 0xC8]) + struct.pack(">HHBB", 600, len(values), 34, 0)
    body += struct.pack(">hhhI", 100, 500, values[-1], int(NOW.timestamp()))
    body += b"".join(struct.pack(">h", value) for value in values)
    return body + meokon.crc16(body).to_bytes(2, "big") + b"\x55\xaa"


async def test_a_terminals_upload_is_stored_answered_and_its_repeat_counts_once(
    world: World,
) -> None:
    await plant(world, kind="hydrant")
    await world.operations.execute("UPDATE detector SET address = 'meokon/SHMK26030001'")
    doors = Doors(world.ctx, Register())
    await doors.intake.store.start()
    await doors.terminal_lines.start("127.0.0.1", 0)
    raw = upload(210, 200)
    broken = raw[:30] + b"\xff" + raw[31:]
    wanted = meokon.acknowledge(b"SHMK26030001", world.clock.now())
    try:
        for sent in (raw, broken + raw):  # the second time behind a broken one
            reader, writer = await asyncio.open_connection("127.0.0.1", doors.terminal_lines.port)
            for half in (sent[:17], sent[17:]):
                writer.write(half)
                await writer.drain()
            assert await asyncio.wait_for(reader.readexactly(len(wanted)), 10) == wanted
            writer.close()
    finally:
        await doors.terminal_lines.stop()
    assert await count(world, "reading") == 3  # two pressures, and that no water is drawn
    rows = await world.telemetry.fetch("SELECT reason FROM raw_message")
    assert [row["reason"] for row in rows] == ["bad-checksum"]
