"""Payloads written by others decode to the facts written beside them, whole files as they are."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from backend.sensing import decode
from backend.sensing.adapters.gb26875 import profile

SAMPLES = Path(__file__).parents[2] / "../shared/samples"
EAST_8 = timezone(timedelta(hours=8))
Line = dict[str, Any]


def sample(name: str) -> bytes:
    file = SAMPLES / name
    if not file.is_file():
        pytest.skip("the captured samples are not beside this repository")
    return file.read_bytes()


def said(protocol: str, raw: bytes | object, **more: Any) -> list[Line]:
    text = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return [json.loads(line) for line in decode.lines(protocol, text, **more)]


def readings(lines: list[Line]) -> list[Line]:
    return [line["reading"] for line in lines if "reading" in line]


def events(lines: list[Line], name: str) -> list[Line]:
    return [line["event"] for line in lines if line.get("event", {}).get("name") == name]


def reasons(lines: list[Line]) -> list[str]:
    return [line["rejected"]["reason"] for line in lines if "rejected" in line]


# ---- GB/T 26875.3 --------------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.2-b")
def test_every_captured_26875_frame_tells_its_header_first_and_then_its_objects() -> None:
    frames = json.loads(sample("gb26875/frames.json"))
    for frame in frames:
        facts, lines = frame["decoded"], said("gb26875", frame)
        first = lines[0]["event"]
        assert first["name"] == "frame", frame["id"]
        assert [first[k] for k in ("serial", "command", "type", "source", "destination")] == [
            *(facts["serial"], facts["cmd"], facts.get("type"), facts["src"], facts["dst"])
        ], frame["id"]
        assert first["checksum_ok"] is facts["sum_ok"]
        assert first["version"] == facts["ver"]
        assert len(events(lines, "frame")) == 1
        if frame["id"] == "B03":
            assert reasons(lines) == ["bad-checksum"]
            assert not readings(lines)
        elif frame["id"] == "G04":
            assert reasons(lines) == ["bad-layout"]
            assert not readings(lines)
        else:
            assert not reasons(lines), frame["id"]
    together = said("gb26875", frames)
    assert len(events(together, "frame")) == len(frames) == 24


@pytest.mark.clause("5.1.1.1-c")
def test_a_captured_smoke_alarm_with_the_test_bit_counts_as_real() -> None:
    frames = {f["id"]: f for f in json.loads(sample("gb26875/frames.json"))}
    for name, part, text in (
        ("A01", "0a000200", ""),
        ("B01", "d9000600", "Ａ区１层呷哺走廊"),
    ):
        lines = said("gb26875", frames[name])
        (alarm,) = readings(lines)
        assert (alarm["kind"], alarm["quantity"], alarm["value"]) == ("smoke", "smoke", True)
        assert {"alarm", "test_bit"} <= set(alarm["flags"])
        assert not {"test", "late", "fault"} & set(alarm["flags"])
        status = events(lines, "component_status")[0]
        assert status["component_address"] == part
        assert (status["status"], status["text"]) == (2, text)
        objects = frames[name]["decoded"]["objects"][0]
        assert (status["zone"], status["loop"]) == (objects["zone_le"], objects["loop_le"])
        assert status["component_type"] == objects["component_type"]


@pytest.mark.clause("5.1.1.2-c")
def test_a_captured_mains_fault_is_an_event_for_a_technician_and_no_hazard() -> None:
    frames = {f["id"]: f for f in json.loads(sample("gb26875/frames.json"))}
    for name in ("A04", "A09"):
        lines = said("gb26875", frames[name])
        assert events(lines, "mains_fault")
        assert not readings(lines)
    assert events(said("gb26875", frames["A05"]), "operation")[0]["duty_answer"] is True
    assert events(said("gb26875", frames["C01"]), "heartbeat")
    assert events(said("gb26875", frames["D01"]), "version")[0]["version"] == "1.0"


@pytest.mark.clause("5.1.1.1-a")
def test_captured_residual_currents_wait_for_a_profile_before_they_have_a_unit() -> None:
    frames = {f["id"]: f for f in json.loads(sample("gb26875/frames.json"))}
    wanted = [(o["analog_type"], o["analog_value"]) for o in frames["G01"]["decoded"]["objects"]]
    lines = said("gb26875", frames["G01"])
    told = events(lines, "analog")
    assert [(event["analog_type"], event["analog_value"]) for event in told] == wanted
    raw = readings(lines)
    assert [reading["value"] for reading in raw] == [value for _, value in wanted]
    assert {(r["kind"], r["quantity"], r["unit"]) for r in raw} == {
        ("electric", "residual_current", None)
    }
    assert all("unscaled" in reading["flags"] for reading in raw)
    known = said("gb26875", frames["G01"], of=profile.ELECTRIC_HOST)
    currents = [(r["value"], r["unit"]) for r in readings(known)]
    assert currents == [(value, "mA") for _, value in wanted if value != -500]
    assert reasons(known) == ["no-value"] * 4


# ---- LoRaWAN -------------------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.2-b")
def test_captured_chirpstack_events_keep_the_zeros_that_protobuf_leaves_out() -> None:
    up = said("chirpstack", sample("chirpstack/up.json"))
    heard = events(up, "uplink")[0]
    assert heard["device"] == "0101010101010101"
    assert (heard["data"], heard["f_port"], heard["f_cnt"], heard["rssi"]) == ("aa", 1, 0, -36)
    assert heard["at"] == "2022-07-18T09:34:15.775023Z"
    assert reasons(up) == ["unknown-model"]
    status = events(said("chirpstack", sample("chirpstack/status.json")), "battery")[0]
    assert (status["battery"], status["margin"]) == (88.3, 10)
    log = events(said("chirpstack", sample("chirpstack/log_uplink_mic.json")), "log")[0]
    assert (log["code"], log["level"]) == ("UPLINK_MIC", "ERROR")


@pytest.mark.clause("5.1.1.1-e", "5.1.1.1-g")
def test_captured_milesight_payloads_say_what_the_maker_says_of_them() -> None:
    vectors = {v["model"]: v for v in json.loads(sample("milesight/vectors.json"))["vectors"]}

    def of(model: str) -> list[Line]:
        return said("milesight", vectors[model])

    def values(lines: list[Line]) -> dict[str, Any]:
        return {r["quantity"]: r["value"] for r in readings(lines)}

    smoke = of("GS524N (smoke)")
    assert values(smoke) == {"smoke_density": 0, "smoke": True, "temperature": 28}
    assert all("test" in reading["flags"] for reading in readings(smoke))
    assert events(smoke, "battery")[0]["battery"] == 100
    door = of("EM300-MCS (door magnet)")
    assert values(door) == {"temperature": 30.8, "contact": False}
    assert events(door, "climate")[0]["humidity"] == 50.5
    past = of("EM300-MCS history")
    assert values(past) == {"temperature": 27.2, "contact": False}
    assert all("late" in reading["flags"] for reading in readings(past))
    assert readings(past)[0]["measured_at"] == "2022-10-12T08:02:38Z"
    assert values(of("EM300-SLD (leak)"))["water_leak"] is False
    tilt = of("EM310-TILT")
    assert values(tilt) == {"angle_x": 0, "angle_y": 0, "angle_z": 90}
    assert all(reading["flags"] == ["alarm"] for reading in readings(tilt))
    assert values(of("EM500-PP (pipe pressure)")) == {"pressure": 0.01}
    assert values(of("WS301 (door)")) == {"contact": False}
    assert events(of("WS301 (door)"), "health")[0]["tamper_status"] == "installed"
    assert values(of("WS303 (leak)")) == {"water_leak": True}
    current = of("CT101 (current) alarm")
    assert (readings(current)[0]["value"], readings(current)[0]["flags"]) == (25, ["alarm"])
    assert events(current, "current_alarm")[0]["current_max"] == 30
    failed = of("CT101 read failed")
    assert not readings(failed)
    assert reasons(failed) == ["no-value"]
    assert len(said("milesight", sample("milesight/vectors.json"))) > 25


@pytest.mark.clause("5.1.1.1-g")
def test_captured_dragino_doors_are_open_in_bytes_and_in_a_bridges_json() -> None:
    lines = said("dragino", sample("dragino/vectors.json"))
    assert [(r["quantity"], r["value"], r["flags"]) for r in readings(lines)] == [
        ("contact", False, ["open"]),
        ("contact", False, ["open"]),
    ]
    first, second = events(lines, "counter")
    assert (first["bat_v"], first["mod"], first["open_times"], first["last_open_minutes"]) == (
        *(3.18, 1, 59, 0),
    )
    assert (second["bat_v"], second["open_times"]) == (2.958, 29)


# ---- clouds and terminals ------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.2-b")
def test_captured_telecom_pushes_of_every_shape_are_understood_or_named() -> None:
    lines = said("ctwing", sample("ctwing/pushes.json"))
    (alarm,) = readings(lines)
    assert (alarm["device"], alarm["quantity"], alarm["flags"]) == (
        *("7b788951516907077d34cb4693bedaf6", "smoke", ["alarm"]),
    )
    assert alarm["measured_at"] == "2020-12-03T07:58:40.277000Z"
    transparent, binary = events(lines, "app_data")
    assert (transparent["c"], transparent["tm"]) == (27, 1609231209767)
    assert json.loads(transparent["b"]) == [{"id": "222", "v": "1"}]
    assert binary["hex"].startswith("010156312e30")
    assert reasons(lines) == ["unknown-shape"]
    assert events(lines, "availability")[0]["state"] == "online"
    assert events(lines, "command_response")[0]["result"] == "DELIVERED"


def test_a_captured_huawei_push_tells_service_properties_and_their_own_time() -> None:
    lines = said("huawei", sample("huawei_iotda/property_report.json"))
    assert events(lines, "push")[0]["device"] == "5f0000000000000000000001_fuyun-demo-001"
    told = events(lines, "unmapped")[0]
    assert (told["heartRate"], told["spo2"], told["at"]) == (78, 100, "2026-09-12T17:30:41Z")
    assert not reasons(lines)


@pytest.mark.clause("5.1.1.1-e")
def test_captured_hydrant_frames_give_their_cached_records_oldest_first() -> None:
    frames = json.loads(sample("meokon/frames.json"))
    for frame in frames:
        facts, lines = frame["expected"], said("meokon", frame)
        found = readings(lines)
        assert {r["device"] for r in found} == {facts["device"]}
        assert len(found) == facts["records"] + 1
        assert found[-1]["value"] == facts["current_MPa"]
        assert found[-1]["measured_at"] == facts["utc"]
        times = [r["measured_at"] for r in found]
        assert times == sorted(times)
        power = events(lines, "battery")[0]
        assert (power["battery"], power["rssi"]) == (100, facts["rssi_dbm"])
        settings = events(lines, "settings")[0]
        assert (settings["low_limit"], settings["high_limit"]) == (
            *(facts["low_limit"], facts["high_limit"]),
        )
        assert ("alarm" in found[-1]["flags"]) is (facts["alarm_bits"] != 0)
    assert readings(said("meokon", frames[0]))[0]["value"] == 0.537


def test_a_captured_sparkplug_payload_gives_its_metrics_with_their_times() -> None:
    raw = sample("sparkplug/emqx_example.json")
    facts, lines = json.loads(raw)["decoded_here"], said("sparkplug", raw)
    assert events(lines, "sparkplug")[0]["sequence"] == facts["seq"]
    told = [
        (m["metric"], m["value"], m["datatype"], m["timestamp"]) for m in events(lines, "metric")
    ]
    assert told == [
        (m["name"], m["int_value"], m["datatype"], m["timestamp"]) for m in facts["metrics"]
    ]
    bare = json.loads(raw)["base64"].rstrip("=")  # as the documents of its maker print it
    assert len(events(said("sparkplug", bare.encode()), "metric")) == 5


# ---- cameras -------------------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.1-c")
def test_captured_camera_events_are_fire_with_or_without_envelope_and_namespace() -> None:
    xml = sample("hikvision/fireDetection.xml")
    lines = said("hikvision", xml)
    (fire,) = readings(lines)
    assert (fire["quantity"], fire["value"], fire["flags"]) == ("smoke", True, ["alarm", "flame"])
    assert fire["measured_at"] == "2023-12-27T10:07:58Z"
    assert events(lines, "camera_event")[0]["channel_name"] == "#4汽机西南角枪机"
    heat = [
        (e["region"], e["max_temperature"], e["distance"]) for e in events(lines, "fire_region")
    ]
    assert heat == [(1, 68, None), (2, 65, None), (3, 69, None), (4, 101, None), (5, 63, None)]
    envelope = sample("hikvision/multipart_envelope.txt").replace(b"\n", b"\r\n")
    place, picture = b"<the XML of fireDetection.xml, CRLF line ends>", b"<jpeg bytes>"
    whole = envelope.replace(place, xml.replace(b"\n", b"\r\n"))
    whole = whole.replace(picture, b"\xff\xd8\xff\x00")
    assert readings(said("hikvision", whole)) == [fire]
    spaced = xml.replace(
        b"<EventNotificationAlert>",
        b'<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">',
    )
    assert readings(said("hikvision", spaced)) == [fire]
    (least,) = readings(said("hikvision", sample("hikvision/minimal_variants.json")))
    assert least["value"] is True


@pytest.mark.clause("5.1.1.1-c")
def test_captured_dahua_events_are_smoke_and_fire() -> None:
    (smoke,) = readings(said("dahua", sample("dahua/smoke_event_keyvalue.txt")))
    (fire,) = readings(said("dahua", sample("dahua/fire_event_keyvalue.txt")))
    assert (smoke["quantity"], smoke["value"]) == ("smoke", True)
    assert (fire["quantity"], fire["value"], "flame" in fire["flags"]) == ("smoke", True, True)
    assert fire["measured_at"] == "2023-03-07T01:16:57Z"
    assert "clock" in smoke["flags"]  # its RealUTC is of the year 1970


# ---- all of them ---------------------------------------------------------------------------------

FOLDERS = {"huawei_iotda": "huawei"}
OTHERS = {"cap", "coordinates"}
"""Not detectors: papers between offices, and positions."""


def test_every_captured_file_is_of_a_protocol_that_we_decode_and_says_something() -> None:
    sample("gb26875/frames.json")
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()} - OTHERS
    assert {FOLDERS.get(name, name) for name in folders} == set(decode.ADAPTERS) - {"jiean"}
    for name in sorted(folders):
        files = sorted(file for file in (SAMPLES / name).iterdir() if file.is_file())
        assert files, name
        for file in files:
            raw = file.read_bytes()
            if file.name == "multipart_envelope.txt":  # its parts are other files, see above
                continue
            lines = said(FOLDERS.get(name, name), raw)
            assert readings(lines) or any("event" in line for line in lines), file.name


def test_every_object_of_a_captured_26875_frame_has_the_facts_written_beside_it() -> None:
    seen = 0
    for frame in json.loads(sample("gb26875/frames.json")):
        facts = frame["decoded"]
        lines = said("gb26875", frame)
        local = datetime.strptime(facts["time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=EAST_8)
        at = local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert lines[0]["event"]["at"] == at, frame["id"]
        if not facts["sum_ok"] or not facts.get("object_layout_ok"):
            continue
        for place, thing in enumerate(facts.get("objects", [])):
            seen += 1
            if "analog_type" in thing:
                told = events(lines, "analog")[place]
                assert told["component_address"] == thing["component_addr_hex"]
                assert told["analog_value"] == thing["analog_value"]
            elif "status" in thing:
                told = events(lines, "component_status")[place]
                assert told["component_address"] == thing["component_addr_hex"]
                assert told["system_type"] == thing["system_type"]
                assert (told["status"], told["text"]) == (thing["status"], thing["text"].strip())
            elif "unit_status" in thing:
                assert events(lines, "unit_status")[place]["status"] == thing["unit_status"]
            elif "op_flags" in thing:
                told = events(lines, "operation")[place]
                assert told["operations"] == thing["op_flags"]
                assert told["operator"] == thing["operator"]
    assert seen > 20
