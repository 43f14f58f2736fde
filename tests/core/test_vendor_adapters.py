"""Vendors' payloads, built here: what each says, what is refused, and any bytes at all."""

import base64
import json
import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sensing import decode
from backend.sensing.adapters import (
    chirpstack,
    ctwing,
    dahua,
    dragino,
    hikvision,
    huawei,
    meokon,
    milesight,
    sparkplug,
)
from backend.sensing.adapters.gb26875 import meaning
from backend.sensing.adapters.gb26875.frame import build
from backend.sensing.clocks import believed
from backend.sensing.deliveries import Arrived
from backend.sensing.nodes import Rebirths
from backend.sensing.quantities import KINDS
from backend.sensing.reading import Adapter, Decoded, Event, Reading, Rejected, as_line

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)


def run(adapter: Adapter, payload: object, topic: str | None = None) -> list[Decoded]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return list(adapter(topic, raw, NOW, False))


def values(said: list[Decoded]) -> dict[str, Any]:
    return {item.quantity: item.value for item in said if isinstance(item, Reading)}


def flags(said: list[Decoded]) -> list[tuple[str, ...]]:
    return [item.flags for item in said if isinstance(item, Reading)]


def events(said: list[Decoded]) -> dict[str, Event]:
    return {item.name: item for item in said if isinstance(item, Event)}


def reasons(said: list[Decoded]) -> list[str]:
    return [item.reason for item in said if isinstance(item, Rejected)]


# ---- LoRaWAN -------------------------------------------------------------------------------------


def smoke_bytes(message: int, battery: int = 90, density: int = 0, heat: int = 21) -> bytes:
    body = bytes([0x22, 0x10 | message, battery, density, heat])
    return body + bytes([-sum(body) % 256])


@pytest.mark.parametrize(
    ("message", "smoke", "more"),
    [
        (1, True, ("alarm",)),
        (2, True, ("alarm",)),
        (7, False, ()),
        (14, True, ("alarm", "test")),
        (15, True, ("alarm", "test")),
        (5, False, ("fault",)),
    ],
)
def test_a_smoke_detectors_message_type_says_alarm_normal_test_or_fault(
    message: int, smoke: bool, more: tuple[str, ...]
) -> None:
    said = run(milesight.decode, smoke_bytes(message), "milesight/GS524N/a")
    (found,) = (r for r in said if isinstance(r, Reading) and r.quantity == "smoke")
    assert (found.value, found.flags) == (smoke, more)


def test_a_removed_smoke_detector_sees_nothing_and_a_wrong_sum_is_refused() -> None:
    said = run(milesight.decode, smoke_bytes(10), "milesight/GS524N/a")
    assert "smoke" not in values(said)
    assert "tamper" in events(said)
    broken = smoke_bytes(1)[:-1] + b"\x00"
    assert reasons(run(milesight.decode, broken, "milesight/GS524N/a")) == ["bad-checksum"]


def test_a_channel_that_means_two_things_is_not_guessed_without_the_model() -> None:
    payload = bytes.fromhex("030001")
    assert reasons(run(milesight.decode, payload)) == ["unknown-model"]
    assert values(run(milesight.decode, payload, "milesight/WS303/a")) == {"water_leak": True}
    assert values(run(milesight.decode, payload, "milesight/WS301/a")) == {"contact": False}


def test_gas_of_a_milesight_detector_alarms_and_its_sensor_fault_is_an_event() -> None:
    said = run(milesight.decode, bytes.fromhex("058e01060101ff3f02"), "milesight/GS101/a")
    assert (values(said), flags(said)) == ({"gas": True}, [("alarm",)])
    assert {"valve", "fault"} <= set(events(said))


def test_history_is_late_even_when_its_clock_says_now() -> None:
    at = int(NOW.timestamp()).to_bytes(4, "little")
    payload = b"\x20\xce" + at + (150).to_bytes(2, "little")
    said = run(milesight.decode, payload, "milesight/EM500-PP/a")
    assert (values(said), flags(said)) == ({"pressure": 0.15}, [("late", "history")])


def test_what_a_device_calls_history_never_becomes_news_however_old_it_is() -> None:
    for when in (NOW - timedelta(days=900), datetime(1970, 1, 1, tzinfo=UTC)):
        at = int(when.timestamp()).to_bytes(4, "little")
        said = run(milesight.decode, b"\x20\xce" + at + b"\x64\x00", "milesight/EM500-PP/a")
        (found,) = (item for item in said if isinstance(item, Reading))
        assert "late" in believed(found).flags
    old = msgspec.structs.replace(found, measured_at=NOW - timedelta(days=900), flags=("late",))
    assert "late" not in believed(old).flags  # by itself, a clock that is wrong holds no alarm


def test_a_payload_that_ends_early_keeps_what_came_before() -> None:
    said = run(milesight.decode, bytes.fromhex("017550037b0a"), "milesight/EM500-PP/a")
    assert "battery" in events(said)
    assert reasons(said) == ["incomplete"]


@pytest.mark.clause("5.1.1.1-g")
def test_a_dragino_door_and_leak_are_told_by_their_mode() -> None:
    closed = bytes.fromhex("0bb801000005000002") + b"\x00"
    assert (values(run(dragino.decode, closed)), flags(run(dragino.decode, closed))) == (
        *({"contact": True}, [()]),
    )
    leak = bytes.fromhex("4bb802000001000007") + b"\x00"
    said = run(dragino.decode, leak)
    assert values(said) == {"water_leak": True}
    assert events(said)["counter"].facts["last_leak_minutes"] == 7
    assert events(said)["battery"].facts == {"voltage_mv": 3000}
    assert reasons(run(dragino.decode, leak, "dragino/2/a")) == ["unknown-type"]
    assert reasons(run(dragino.decode, leak[:4])) == ["bad-length"]


def up(profile: str, data: bytes, **more: object) -> dict[str, object]:
    info = {"devEui": "A8404100000000FF", "deviceProfileName": profile, "deviceName": "门"}
    body = {"deviceInfo": info, "time": NOW.isoformat(), "data": base64.b64encode(data).decode()}
    return {**body, **more}


@pytest.mark.clause("5.1.1.2-b")
def test_chirpstack_gives_the_payload_to_its_makers_decoder() -> None:
    topic = "application/1/device/a8404100000000ff/event/up"
    said = run(chirpstack.decode, up("Milesight GS524N", smoke_bytes(1)), topic)
    (alarm,) = (r for r in said if isinstance(r, Reading) and r.quantity == "smoke")
    assert (alarm.device, alarm.flags, alarm.measured_at) == (
        *("a8404100000000ff", ("alarm",), NOW),
    )
    assert alarm.timed
    door = up("Dragino LDS02", bytes.fromhex("8bb80100000500000200"), fPort=10)
    assert values(run(chirpstack.decode, door, topic)) == {"contact": False}
    tagged = up("bought at the market", smoke_bytes(7))
    tagged["deviceInfo"] = {**tagged["deviceInfo"], "tags": {"model": "GS524N"}}  # type: ignore[dict-item]
    assert values(run(chirpstack.decode, tagged, topic))["smoke"] is False
    kept = chirpstack.decode(topic, json.dumps(tagged).encode(), NOW, True)
    assert all("retained" in item.flags for item in kept if isinstance(item, Reading))


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        ("application/1/device/x", {}, "bad-topic"),
        (None, {"data": "qg=="}, "bad-topic"),
        (None, {"deviceInfo": {"devEui": "a"}, "data": "?"}, "not-base64"),
        (None, [1], "not-an-object"),
    ],
)
def test_a_broken_uplink_is_refused_by_name(topic: str | None, body: object, reason: str) -> None:
    assert reasons(run(chirpstack.decode, body, topic)) == [reason]


# ---- clouds --------------------------------------------------------------------------------------


def push(payload: object, **more: object) -> dict[str, object]:
    body = {"messageType": "dataReport", "deviceId": "d1", "timestamp": MS, "payload": payload}
    return {**body, **more}


@pytest.mark.clause("5.1.1.2-b")
def test_a_telecom_push_carries_properties_flat_nested_or_as_text() -> None:
    inner = {"smoke_state": 1, "battery_percentage": 80}
    for payload in (inner, {"serviceData": inner}, {"params": inner}, json.dumps(inner)):
        said = run(ctwing.decode, push(payload))
        assert (values(said), flags(said)) == ({"smoke": True}, [("alarm",)])
        assert events(said)["battery"].facts == {"battery": 80}
    assert values(run(ctwing.decode, push({"smoke_state": 0}))) == {"smoke": False}


def test_a_device_behind_a_transparent_product_is_read_in_its_own_protocol() -> None:
    sent = (0, 0, 16, 2, 3, 26)
    status = b"\x02\x01\x01\x01\x28" + bytes(4) + b"\x03\x00" + bytes(31) + bytes(sent)
    raw = build(serial=1, sent=sent, source=5, destination=0, command=2, data=status)
    said = run(ctwing.decode, push({"APPdata": base64.b64encode(raw).decode()}))
    assert values(said) == {"smoke": True}
    assert "frame" in events(said)


def test_a_word_for_nothing_is_no_device_and_a_message_of_no_known_kind_is_named() -> None:
    body = push({"smoke_state": 1}, deviceId="undefined", IMEI="undefined")
    assert reasons(run(ctwing.decode, body)) == ["unknown-shape"]
    body = push({"smoke_state": 1}, deviceId="undefined", IMEI="867", upPacketSN="")
    assert [r.device for r in run(ctwing.decode, body) if isinstance(r, Reading)] == ["867"]
    assert reasons(run(ctwing.decode, push({}, messageType="poem"))) == ["unknown-type"]
    for payload, reason in ((7, "unknown-shape"), ({"APPdata": "%"}, "not-base64")):
        assert reasons(run(ctwing.decode, push(payload))) == [reason]


def test_each_huawei_service_keeps_its_own_time() -> None:
    services = [
        {"service_id": "a", "properties": {"smoke_state": 1}, "event_time": "20260302T075900Z"},
        {"service_id": "b", "properties": {"gas_state": 0}},
    ]
    body = {
        "resource": "device.property", "event": "report", "event_time": "20260302T080000Z",
        "notify_data": {"header": {"device_id": "p_d"}, "body": {"services": services}},
    }  # fmt: skip
    smoke, gas = (r for r in run(huawei.decode, body) if isinstance(r, Reading))
    assert (smoke.measured_at, gas.measured_at) == (NOW - timedelta(minutes=1), NOW)
    assert (smoke.value, gas.value) == (True, False)
    status = {**body, "resource": "device.status"}
    status["notify_data"] = {"header": {"device_id": "p_d"}, "body": {"status": "OFFLINE"}}
    said = run(huawei.decode, status)
    assert events(said)["availability"].facts == {"state": "offline"}
    assert reasons(run(huawei.decode, {"notify_data": 1})) == ["unknown-shape"]


# ---- MEOKON --------------------------------------------------------------------------------------


def terminal(
    *values_: int, kind: int = 1, bits: int = 0, power: int = 0x34, interval: int = 600
) -> bytes:
    body = (
        b"\xa5\x5a\x00"
        + (35 + 2 * len(values_) + 4).to_bytes(2, "big")
        + b"SHMK26030001"
        + bytes([power, 0xC8])
        + interval.to_bytes(2, "big")
        + len(values_).to_bytes(2, "big")
        + bytes([kind, bits])
        + struct.pack(">hhh", 100, 500, values_[-1] if values_ else 0)
        + int(NOW.timestamp()).to_bytes(4, "big")
        + b"".join(struct.pack(">h", value) for value in values_)
    )
    return body + meokon.crc16(body).to_bytes(2, "big") + b"\x55\xaa"


@pytest.mark.clause("5.1.1.1-e")
def test_a_hydrants_cached_pressures_are_late_and_its_present_one_alarms() -> None:
    said = run(meokon.decode, terminal(210, 180, 90, bits=1))
    found = [r for r in said if isinstance(r, Reading)]
    assert [r.value for r in found] == [0.21, 0.18, 0.09, 0.09]
    assert [r.flags for r in found] == [("clock", "late"), (), (), ("alarm",)]
    assert found[0].measured_at == NOW - timedelta(minutes=20)
    assert {r.unit for r in found} == {"MPa"}


def tilting(*pairs: tuple[int, int], bits: int = 0) -> bytes:
    """A hydrant with tilt: pressure and degrees side by side."""
    body = b"\xa5\x5a\x00" + (45 + 4 * len(pairs)).to_bytes(2, "big") + b"SHMK26030001"
    body += struct.pack(">BBHHBB", 0x34, 0xC8, 600, len(pairs), 24, bits)
    body += struct.pack(">hhhh", 100, 500, 0, 30) + struct.pack(">hh", *pairs[-1])
    body += int(NOW.timestamp()).to_bytes(4, "big")
    body += b"".join(struct.pack(">hh", *pair) for pair in pairs)
    return body + meokon.crc16(body).to_bytes(2, "big") + b"\x55\xaa"


def test_water_drawn_tilt_and_impact_of_a_hydrant_are_told() -> None:
    opened = run(meokon.decode, terminal(200, kind=34, bits=128))
    assert values(opened) == {"hydrant_opened": True, "pressure": 0.2}
    assert "water_released" in events(opened)
    tilted = run(meokon.decode, tilting((210, 3), (200, 41), bits=0b01100000))
    assert {"tilted", "impact"} <= set(events(tilted))
    assert events(tilted)["tilt"].facts == {"degrees": 41}
    pressures = [r.value for r in tilted if isinstance(r, Reading) and r.quantity == "pressure"]
    assert pressures == [0.21, 0.2, 0.2]
    assert (values(tilted)["hydrant_tilted"], values(tilted)["hydrant_opened"]) == (True, False)
    # a frame of the other layout under this type is refused, not guessed
    assert reasons(run(meokon.decode, terminal(200, kind=24))) == ["bad-layout"]
    assert "water_released" not in events(run(meokon.decode, terminal(200, bits=128)))


def test_an_answer_to_a_terminal_is_itself_a_whole_frame_and_no_upload() -> None:
    told = meokon.acknowledge(b"SHMK26030001", NOW)
    assert (len(told), told[2]) == (27, 0xFF)
    assert meokon.Cutter().feed(told) == [told]
    assert reasons(run(meokon.decode, told)) == ["unknown-command"]


UPLOADS = terminal(200) + b"noise\xa5" + terminal(210, 180, bits=1)


@given(st.lists(st.integers(0, len(UPLOADS)), max_size=8))
def test_uploads_are_the_same_however_a_terminals_line_is_cut(cuts: list[int]) -> None:
    cutter, places = meokon.Cutter(), [0, *sorted(cuts), len(UPLOADS)]
    found = [piece for a, b in pairwise(places) for piece in cutter.feed(UPLOADS[a:b])]
    assert [piece for piece in found if isinstance(piece, bytes)] == [
        terminal(200),
        terminal(210, 180, bits=1),
    ]
    assert b"".join(p if isinstance(p, bytes) else p.raw for p in found) == UPLOADS


@given(st.lists(st.binary(max_size=300) | st.just(b"\xa5\x5a\x00\x1f\xff"), max_size=30))
def test_of_any_bytes_a_line_keeps_no_more_than_one_frame(chunks: list[bytes]) -> None:
    cutter = meokon.Cutter()
    for chunk in chunks:
        cutter.feed(chunk)
        assert cutter.waiting <= meokon.LONGEST
    cutter.finish()
    assert cutter.waiting == 0


def test_a_sensor_fault_keeps_the_pressure_from_being_believed() -> None:
    said = run(meokon.decode, terminal(0, bits=0b1000))
    assert flags(said) == [("fault",), ("fault",)]
    assert "fault" in events(said)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f[1:], "bad-start"),
        (lambda f: f[:-1], "incomplete"),
        (lambda f: f + b"\0", "bad-length"),
        (lambda f: f[:-1] + b"\0", "bad-end"),
        (lambda f: f[:20] + b"\xff" + f[21:], "bad-checksum"),
    ],
)
def test_a_broken_terminal_frame_is_refused_by_name(change: Any, reason: str) -> None:
    assert reasons(run(meokon.decode, change(terminal(200)))) == [reason]


# ---- cameras -------------------------------------------------------------------------------------


def alert(kind: str = "fireDetection", state: str = "active", more: str = "") -> bytes:
    return (
        f"<EventNotificationAlert><macAddress>m</macAddress><channelID>1</channelID>"
        f"<dateTime>2026-03-02T16:00:00+08:00</dateTime><eventType>{kind}</eventType>"
        f"<eventState>{state}</eventState>{more}</EventNotificationAlert>"
    ).encode()


def test_a_cameras_fire_begins_and_ends_and_a_recorders_channel_names_it() -> None:
    (begun,) = (r for r in run(hikvision.decode, alert()) if isinstance(r, Reading))
    assert (begun.value, begun.flags, begun.measured_at) == (True, ("alarm", "flame"), NOW)
    assert values(run(hikvision.decode, alert(state="inactive"))) == {"smoke": False}
    behind = alert(more="<dynChannelID>33</dynChannelID>")
    assert {r.device for r in run(hikvision.decode, behind, "hikvision/nvr")} == {"nvr/33"}
    assert "heartbeat" in events(run(hikvision.decode, alert("videoloss", "inactive")))
    assert values(run(hikvision.decode, alert("linedetection"))) == {}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<a", "not-xml"),
        (b"", "not-xml"),
        (b"<other/>", "unknown-shape"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "not-xml"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "not-xml"),
        (b"<a>" * 40 + b"</a>" * 40, "too-deep"),
        (b"<a>" + b"<b/>" * 6000 + b"</a>", "too-deep"),
        (b"<a>" + b"x" * 300_000 + b"</a>", "too-big"),
        (b"--b\r\nContent-Type: image/jpeg\r\n\r\nxx\r\n--b--", "not-xml"),
        (alert(state="maybe"), "bad-value"),
    ],
)
def test_a_camera_message_that_is_none_is_refused_by_name(raw: bytes, reason: str) -> None:
    assert reasons(run(hikvision.decode, raw)) == [reason]


def test_both_forms_of_a_dahua_event_say_start_and_stop() -> None:
    line = (
        'Code=SmokeDetection;action=Start;index=0;data={\n "RealUTC" : 1772438400\n}\nHeartbeat\n'
    )
    said = run(dahua.decode, line.encode(), "dahua/gate")
    (found,) = (r for r in said if isinstance(r, Reading))
    assert (found.device, found.value, found.measured_at) == ("gate/0", True, NOW)
    assert "heartbeat" in events(said)
    assert values(run(dahua.decode, line.replace("Start", "Stop").encode())) == {"smoke": False}
    block = "Events[0].EventBaseInfo.Code=FireDetection\r\nEvents[0].EventBaseInfo.Action=Start\r\n"
    assert flags(run(dahua.decode, block.encode())) == [("alarm", "flame")]
    doubted = run(dahua.decode, (block + "Events[0].MisReport=true").encode())
    assert "fault" in flags(doubted)[0]
    parts = f"--myboundary\r\nContent-Type: text/plain\r\n\r\n{line}\r\n--myboundary\r\n"
    picture = b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\r\n--myboundary--\r\n"
    assert values(run(dahua.decode, parts.encode() + picture)) == {"smoke": True}
    assert reasons(run(dahua.decode, b"nothing at all")) == ["unknown-shape"]


# ---- Sparkplug -----------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def metric(
    value: bytes, name: str = "", alias: int = 0, unit: str = "", more: bytes = b""
) -> bytes:
    body = field(1, name.encode()) if name else b""
    body += field(2, alias) if alias else b""
    if unit:
        held = field(1, 12) + field(8, unit.encode())
        body += field(9, field(1, b"engUnit") + field(2, held))
    return field(2, body + more + value)


def payload(*metrics: bytes, seq: int | None = 0) -> bytes:
    return field(1, MS) + b"".join(metrics) + (b"" if seq is None else field(3, seq))


FLOAT = field(4, 9)


def half(value: float) -> bytes:
    return varint(12 << 3 | 5) + struct.pack("<f", value)


def test_an_alias_has_the_name_and_unit_of_its_birth_and_none_without_it() -> None:
    born = payload(metric(half(0.5), "hydrant/pressure", 3, "MPa", FLOAT))
    data = payload(metric(half(0.25), alias=3), seq=1)
    node, said = sparkplug.advance(None, "spBv1.0/g/NDATA/n", data, NOW, False)
    assert reasons(list(said)) == ["no-birth"]
    node, said = sparkplug.advance(node, "spBv1.0/g/NBIRTH/n", born, NOW, False)
    assert values(list(said)) == {"pressure": 0.5}
    node, said = sparkplug.advance(node, "spBv1.0/g/NDATA/n", data, NOW, False)
    (found,) = (r for r in said if isinstance(r, Reading))
    assert (found.device, found.quantity, found.value, found.unit) == (
        *("g/n", "pressure", 0.25, "MPa"),
    )
    other = payload(metric(half(1), alias=9), seq=2)
    _, said = sparkplug.advance(node, "spBv1.0/g/NDATA/n", other, NOW, False)
    assert reasons(list(said)) == ["unknown-alias"]


def test_a_gap_is_told_the_sequence_turns_at_256_and_a_death_ends_every_alias() -> None:
    topic = "spBv1.0/g/NDATA/n"
    node, _ = sparkplug.advance(
        None, "spBv1.0/g/NBIRTH/n", payload(metric(half(1), "a", 1, "", FLOAT), seq=255), NOW, False
    )
    node, said = sparkplug.advance(node, topic, payload(seq=0), NOW, False)
    assert "sequence_gap" not in events(list(said))
    node, said = sparkplug.advance(node, topic, payload(seq=2), NOW, False)
    assert events(list(said))["sequence_gap"].facts == {"expected": 1, "got": 2}
    node, _ = sparkplug.advance(
        node, "spBv1.0/g/DBIRTH/n/d", payload(metric(half(1), "a", 1, "", FLOAT), seq=3), NOW, False
    )
    node, said = sparkplug.advance(node, "spBv1.0/g/NDEATH/n", payload(seq=None), NOW, False)
    gone = {i.device for i in said if isinstance(i, Event) and i.name == "availability"}
    assert gone == {"g/n", "g/n/d"}
    _, said = sparkplug.advance(node, topic, payload(metric(half(1), alias=1), seq=4), NOW, False)
    assert reasons(list(said)) == ["no-birth"]


def bd(number: int) -> bytes:
    return metric(field(4, 4) + field(11, number), "bdSeq")


def test_a_death_of_an_earlier_session_ends_nothing() -> None:
    born = payload(bd(7), metric(half(1), "a", 1, "", FLOAT))
    node, _ = sparkplug.advance(None, "spBv1.0/g/NBIRTH/n", born, NOW, False)
    death = "spBv1.0/g/NDEATH/n"
    node, said = sparkplug.advance(node, death, payload(bd(6), seq=None), NOW, False)
    assert "stale_death" in events(list(said))
    assert "availability" not in events(list(said))
    node, said = sparkplug.advance(node, death, payload(bd(7), seq=None), NOW, False)
    assert events(list(said))["availability"].facts == {"state": "offline"}


def arrived(kind: str, *metrics_: bytes, seq: int | None = 0, after_s: float = 0) -> Arrived:
    at = NOW + timedelta(seconds=after_s)
    return Arrived(topic=f"spBv1.0/g/{kind}", payload=payload(*metrics_, seq=seq), received_at=at)


def test_a_node_is_asked_for_its_birth_when_it_is_missing_and_after_a_gap_but_seldom() -> None:
    asks = Rebirths()
    assert asks.asked([arrived("NDEATH/n", bd(1), seq=None)]) == []
    ((topic, command),) = asks.asked([arrived("NDATA/n", seq=5), arrived("NDATA/n", seq=6)])
    assert topic == "spBv1.0/g/NCMD/n"
    (wish,) = sparkplug.read(command).metrics
    assert (wish.name, wish.datatype, wish.value) == ("Node Control/Rebirth", 11, True)
    assert asks.asked([arrived("NDATA/n", seq=7, after_s=59)]) == []
    assert len(asks.asked([arrived("NDATA/n", seq=8, after_s=61)])) == 1
    assert asks.asked([arrived("NDATA/n", seq=9, after_s=150)]) == []  # twice as long each time
    born = [arrived("NBIRTH/n", bd(2), seq=0, after_s=200), arrived("DBIRTH/n/d", seq=1)]
    assert asks.asked([*born, arrived("DDATA/n/d", seq=2, after_s=999)]) == []
    assert asks.asked([arrived("NDEATH/n", bd(1), seq=None, after_s=999)]) == []  # a stale one
    assert asks.asked([arrived("NDATA/n", seq=3, after_s=999)]) == []
    assert len(asks.asked([arrived("NDATA/n", seq=9, after_s=999)])) == 1
    assert len(asks.asked([arrived("DDATA/n/other", seq=10, after_s=9999)])) == 1


def test_metrics_are_signed_null_historical_and_of_other_units() -> None:
    minus = metric(field(4, 3) + field(10, 2**32 - 5), "angle", unit="°")
    past = metric(half(0.2), "pressure", unit="MPa", more=FLOAT + field(5, 1))
    null = metric(b"", "flow", unit="L/min", more=field(7, 1))
    bar = metric(half(2), "x/pressure", unit="bar", more=FLOAT)
    said = list(sparkplug.decode(None, payload(minus, past, null, bar), NOW, False))
    assert {r.quantity: (r.value, r.flags) for r in said if isinstance(r, Reading)} == {
        "angle": (-5, ()),
        "pressure": (pytest.approx(0.2), ("late", "history")),
    }


# ---- any bytes at all ----------------------------------------------------------------------------

ALL = [
    meaning.decode, chirpstack.decode, milesight.decode, dragino.decode, ctwing.decode,
    huawei.decode, hikvision.decode, dahua.decode, meokon.decode, sparkplug.decode,
]  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
names = st.sampled_from(
    ["deviceInfo", "devEui", "time", "data", "fPort", "rxInfo", "tags", "model", "object", "level",
     "code", "messageType", "deviceId", "payload", "APPdata", "serviceData", "timestamp", "result",
     "eventType", "eventContent", "smoke_state", "resource", "event", "notify_data", "header",
     "device_id", "body", "services", "properties", "event_time", "decoded", "DOOR_OPEN_STATUS",
     "MOD", "BAT_V", "Events[0].EventBaseInfo.Code", "batteryLevel"]
)  # fmt: skip
words = st.sampled_from(
    ["dataReport", "eventReport", "deviceOnlineOfflineReport", "device.property", "device.status",
     "GS524N", "LDS02", "commandResponse", "QEA="]
)  # fmt: skip
bodies = st.recursive(
    leaves | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=8),
    max_leaves=20,
)
topics = st.none() | st.text(max_size=30) | st.sampled_from(
    ["application/1/device/a/event/up", "milesight/EM300-MCS/a", "dragino/10/b",
     "milesight/CT101/a", "spBv1.0/g/NBIRTH/n", "spBv1.0/g/NDEATH/n", "hikvision/c", "dahua/c"]
)  # fmt: skip
starts = st.sampled_from([b"", b"@@", b"\xa5\x5a", b"--b\r\n", b"<EventNotificationAlert>",
                          b"Code=", b"Events[0].a=", b"\x20\xce", b"\x03\xcf"])  # fmt: skip


@given(
    adapter=st.sampled_from(ALL),
    topic=topics,
    raw=st.tuples(starts, st.binary(max_size=200)).map(b"".join)
    | bodies.map(lambda b: json.dumps(b).encode()),
    retained=st.booleans(),
)
def test_any_bytes_are_readings_events_or_a_named_rejection_that_can_be_stored(
    adapter: Adapter, topic: str | None, raw: bytes, retained: bool
) -> None:
    said = adapter(topic, raw, NOW, retained)
    assert 1 <= len(said) <= 1100
    for item in said:
        line = msgspec.json.encode(as_line(item))
        assert b"\\u0000" not in line
        if isinstance(item, Reading):
            assert item.kind in KINDS
            assert item.received_at == NOW
            assert item.device
            assert retained == ("retained" in item.flags)
        if isinstance(item, Rejected):
            assert item.reason
            assert len(item.detail) <= 300


@given(
    st.sampled_from(list(decode.ADAPTERS)),
    st.binary(max_size=200) | bodies.map(lambda b: json.dumps(b).encode()),
)
def test_decode_never_fails_on_any_file(protocol: str, raw: bytes) -> None:
    assert all(msgspec.json.decode(line) for line in decode.lines(protocol, raw))


# ---- the shapes of a file ------------------------------------------------------------------------


def lines(protocol: str, raw: bytes | str, **more: Any) -> list[dict[str, Any]]:
    text = raw.encode() if isinstance(raw, str) else raw
    return [json.loads(line) for line in decode.lines(protocol, text, **more)]


def test_a_binary_message_may_come_as_hex_base64_bytes_or_inside_json() -> None:
    raw = terminal(200)
    spaced = " ".join(f"{byte:02X}" for byte in raw)
    files: list[bytes | str] = [
        raw, raw.hex(), spaced, f"# a note\n0x{raw.hex()}\n", base64.b64encode(raw),
        json.dumps({"hex": raw.hex()}), json.dumps([{"payload": spaced}]),
        json.dumps({"frames": [{"base64": base64.b64encode(raw).decode()}]}),
        json.dumps([raw.hex()]), json.dumps({"hex": raw.hex()}) + "\n" + json.dumps({"hex": ""}),
    ]  # fmt: skip
    for file in files:
        found = [line for line in lines("meokon", file) if "reading" in line]
        assert [line["reading"]["value"] for line in found] == [0.2, 0.2], file


def test_lines_of_hex_are_one_stream_for_26875_and_a_model_may_stand_before_a_payload() -> None:
    raw = build(serial=1, sent=(0, 0, 16, 2, 3, 26), source=5, destination=0, command=2).hex()
    joined = lines("gb26875", f"{raw[:20]}\n{raw[20:]}{raw}\n")
    assert [line["event"]["name"] for line in joined] == ["frame", "heartbeat"] * 2
    assert joined[0]["event"]["at"] == "2026-03-02T08:00:00Z"
    found = lines("milesight", "WS303 030001\nWS301 030001\n")
    assert [line["reading"]["quantity"] for line in found] == ["water_leak", "contact"]
    assert lines("milesight", "030001", model="WS303")[0]["reading"]["value"] is True


def test_decode_takes_its_options_and_refuses_words_that_make_no_sense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x"
    file.write_text("030001")
    assert decode.main(["milesight", str(file), "--model", "WS303"]) == 0
    assert json.loads(capsys.readouterr().out)["reading"]["quantity"] == "water_leak"
    assert decode.main(["gb26875", str(file), "--profile", "nobody"]) == 2
    assert decode.main(["--help"]) == 0
    assert set(decode.ADAPTERS) == {
        *("gb26875", "chirpstack", "milesight", "dragino", "zigbee2mqtt", "ctwing", "huawei"),
        *("hikvision", "dahua", "meokon", "sparkplug", "jiean"),
    }
