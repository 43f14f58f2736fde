"""What messages say: the captured samples, our own vectors, and any bytes at all."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sensing import decode
from backend.sensing.adapters import jiean, zigbee2mqtt
from backend.sensing.quantities import KINDS, QUANTITIES
from backend.sensing.reading import Adapter, Decoded, Event, Reading, Rejected, as_line

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parents[2] / "../shared/samples/zigbee2mqtt/payloads.json"


def z2m(
    payload: object, topic: str = "zigbee2mqtt/dev", *, retained: bool = False
) -> list[Decoded]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return list(zigbee2mqtt.decode(topic, raw, NOW, retained))


def own(payload: object, topic: str = "jiean/dev/reading") -> list[Decoded]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return list(jiean.decode(topic, raw, NOW, False))


def readings(said: list[Decoded]) -> dict[str, Reading]:
    return {item.quantity: item for item in said if isinstance(item, Reading)}


def events(said: list[Decoded]) -> dict[str, Event]:
    return {item.name: item for item in said if isinstance(item, Event)}


def reasons(said: list[Decoded]) -> list[str]:
    return [item.reason for item in said if isinstance(item, Rejected)]


def test_a_property_with_a_topic_of_its_own_is_read_as_that_property() -> None:
    said = z2m(b"true", "zigbee2mqtt/kitchen/smoke")
    (found,) = readings(said).values()
    assert (found.device, found.quantity, found.value, found.flags) == (
        *("kitchen", "smoke", True, ("alarm",)),
    )
    assert events(z2m(b"78.43", "zigbee2mqtt/a/b/battery"))["battery"].device == "a/b"
    assert events(z2m(b"ON", "zigbee2mqtt/valve 1/state"))["valve"].facts == {"state": "ON"}
    assert reasons(z2m(b"true", "zigbee2mqtt/kitchen/poem")) == ["not-an-object"]
    assert readings(z2m({"smoke": False}, "zigbee2mqtt/hall/smoke"))["smoke"].device == "hall/smoke"


def test_a_state_said_as_a_word_is_the_flag_it_stands_for_and_a_flag_beside_it_wins() -> None:
    assert readings(z2m({"smoke_state": "alarm"}))["smoke"].value is True
    assert readings(z2m({"gas_state": "normal"}))["gas"].value is False
    assert readings(z2m({"smoke_state": "alarm", "smoke": False}))["smoke"].value is False
    assert readings(z2m({"smoke_state": "detecting"})) == {}


def test_the_bridges_old_log_tells_who_came_and_went() -> None:
    old = {"type": "device_announced", "message": "announce", "meta": {"friendly_name": "d1"}}
    assert events(z2m(old, "zigbee2mqtt/bridge/log"))["announce"].device == "d1"
    gone = {"type": "device_removed", "message": "d1"}
    assert events(z2m(gone, "zigbee2mqtt/bridge/log"))["left"].device == "d1"
    assert "bridge_log" in events(z2m({"type": "pairing"}, "zigbee2mqtt/bridge/log"))


@pytest.mark.clause("7.2-c")
def test_every_captured_zigbee2mqtt_message_decodes_to_the_facts_written_beside_it() -> None:
    if not SAMPLES.is_file():
        pytest.skip("the captured samples are not beside this repository")
    expected = {
        "z01": {"water_leak": (True, "water", ("alarm",))},
        "z02": {"contact": (False, "door", ("open",))},
        "z05": {"smoke": (False, "smoke", ()), "smoke_density": (2, "smoke", ())},
        "z08": {"gas": (False, "gas", ()), "gas_density": (0, "gas", ())},
        "z09": {},
        "z10": {"water_leak": (True, "water", ("alarm",))},
    }
    seen = 0
    for sample in json.loads(SAMPLES.read_bytes()):
        found = [
            json.loads(line) for line in decode.lines("zigbee2mqtt", json.dumps(sample).encode())
        ]
        got = {
            r["quantity"]: (r["value"], r["kind"], tuple(r["flags"]))
            for r in (line["reading"] for line in found if "reading" in line)
        }
        if sample["id"] == "z03":
            assert got["angle_x"] == (5, "structure", ())
            assert got["angle_y"] == (-71, "structure", ())
            assert got["vibration"] == (True, "structure", ())
        else:
            assert got == expected[sample["id"]], sample["id"]
        assert not any("rejected" in line for line in found)
        if "last_seen" in sample["payload"]:
            at = datetime.fromisoformat(sample["payload"]["last_seen"])
            assert {datetime.fromisoformat(line["reading"]["measured_at"])
                    for line in found if "reading" in line} == {at}  # fmt: skip
        seen += 1
    assert seen == 7


def test_contact_false_is_an_open_door_and_contact_true_is_a_closed_one() -> None:
    assert readings(z2m({"contact": False}))["contact"].flags == ("open",)
    assert readings(z2m({"contact": True}))["contact"].flags == ()


@pytest.mark.parametrize("name", ["smoke", "gas", "water_leak", "carbon_monoxide"])
def test_a_detector_that_says_alarm_is_flagged_and_one_that_does_not_is_not(name: str) -> None:
    assert readings(z2m({name: True}))[name].flags == ("alarm",)
    assert readings(z2m({name: False}))[name].flags == ()


def test_battery_facts_are_one_event_and_never_a_reading() -> None:
    said = z2m({"battery": 78.43, "battery_low": True, "voltage": 2900, "smoke": False})
    assert set(readings(said)) == {"smoke"}
    facts = events(said)["battery"].facts
    assert facts == {"battery": 78.43, "battery_low": True, "voltage_mv": 2900}


def test_voltage_without_a_battery_is_the_mains() -> None:
    found = readings(z2m({"voltage": 229.8, "power": 40}))
    assert (found["mains_voltage"].value, found["mains_voltage"].unit) == (229.8, "V")
    assert found["power"].unit == "W"


@pytest.mark.parametrize(
    "last_seen",
    ["2026-03-02T07:59:30+00:00", "2026-03-02T15:59:30+08:00", 1772438370000],
)
def test_last_seen_is_understood_as_text_with_an_offset_and_as_milliseconds(
    last_seen: object,
) -> None:
    found = readings(z2m({"smoke": False, "last_seen": last_seen}))["smoke"]
    assert found.measured_at == NOW - timedelta(seconds=30)
    assert found.timed
    assert found.flags == ()


def test_a_message_without_a_time_was_measured_when_it_arrived() -> None:
    found = readings(z2m({"smoke": False}))["smoke"]
    assert (found.measured_at, found.timed) == (NOW, False)


@pytest.mark.parametrize(
    ("minutes", "flags"),
    [
        (-60 * 24 * 900, ("clock", "late")),
        (-11, ("clock", "late")),
        (-10, ()),
        (10, ()),
        (11, ("clock",)),
    ],
)
def test_a_device_clock_more_than_ten_minutes_off_is_flagged_and_both_times_are_kept(
    minutes: int, flags: tuple[str, ...]
) -> None:
    at = NOW + timedelta(minutes=minutes)
    found = readings(z2m({"smoke": False, "last_seen": at.isoformat()}))["smoke"]
    assert (found.measured_at, found.received_at, found.flags) == (at, NOW, flags)


@pytest.mark.parametrize("last_seen", ["yesterday", "2026-03-02T08:00:00", True, [1], 1e300, -1])
def test_an_unreadable_time_leaves_the_time_of_arrival_and_says_so(last_seen: object) -> None:
    found = readings(z2m({"smoke": True, "last_seen": last_seen}))["smoke"]
    assert (found.measured_at, found.timed) == (NOW, False)
    assert found.flags == ("alarm", "clock")


@pytest.mark.parametrize("pressed", [{"test": True}, {"self_test": True}, {"action": "test"}])
def test_the_test_button_marks_every_reading_of_its_message(pressed: dict[str, Any]) -> None:
    said = z2m({"smoke": True, "smoke_density": 3, **pressed})
    assert all("test" in reading.flags for reading in readings(said).values())


def test_tamper_fault_and_retained_are_flags() -> None:
    said = z2m({"water_leak": False, "tamper": True, "trouble": True}, retained=True)
    assert readings(said)["water_leak"].flags == ("retained", "tamper", "fault")
    assert {"tamper", "fault"} <= set(events(said))


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("zigbee2mqtt/sensore perdita gas", "sensore perdita gas"),
        ("zigbee2mqtt/平江路/12号/烟感", "平江路/12号/烟感"),
        ("zigbee2mqtt/0x00158d00deadbe02", "0x00158d00deadbe02"),
    ],
)
def test_friendly_names_may_hold_spaces_slashes_and_chinese(topic: str, device: str) -> None:
    assert readings(z2m({"smoke": False}, topic))["smoke"].device == device


@pytest.mark.parametrize(
    ("topic", "payload", "name"),
    [
        ("zigbee2mqtt/bridge/state", b"offline", "bridge_state"),
        ("zigbee2mqtt/bridge/state", {"state": "offline"}, "bridge_state"),
        ("zigbee2mqtt/bridge/event", {"type": "device_announce", "data": {}}, "announce"),
        ("zigbee2mqtt/bridge/logging", {"level": "error", "message": "x"}, "bridge_log"),
        ("zigbee2mqtt/bridge/devices", [{"smoke": True}], "bridge"),
        ("zigbee2mqtt/bridge/health", {}, "heartbeat"),
        ("zigbee2mqtt/dev/availability", b"online", "availability"),
        ("zigbee2mqtt/dev/availability", {"state": "offline"}, "availability"),
        ("zigbee2mqtt/dev/set", {"state": "ON"}, "command"),
        ("zigbee2mqtt/dev", {"action": "mute"}, "action"),
        ("zigbee2mqtt/dev", {"linkquality": 3}, "health"),
        ("zigbee2mqtt/dev", {"valve_state": "CLOSED"}, "valve"),
        ("zigbee2mqtt/dev", {"smoke": None}, "no_value"),
        ("zigbee2mqtt/dev", {"color": "red"}, "unmapped"),
        ("zigbee2mqtt/dev", {}, "heartbeat"),
        ("zigbee2mqtt/dev", b"", "retained_cleared"),
        ("zigbee2mqtt/dev", b"null", "retained_cleared"),
    ],
)
def test_what_is_no_measurement_is_an_event_and_never_a_reading(
    topic: str, payload: object, name: str
) -> None:
    said = z2m(payload, topic)
    assert [type(item) for item in said] == [Event]
    assert set(events(said)) == {name}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not-json"),
        (b'{"smoke": NaN}', "not-json"),
        (b'{"temperature": Infinity}', "not-json"),
        (b"\xff\xfe{}", "not-utf8"),
        (b'{"a":"\xb0"}', "not-utf8"),
        (b'"ON"', "not-an-object"),
        (b"[1]", "not-an-object"),
        (b'{"smoke": "yes"}', "bad-value"),
        (b'{"smoke": 1}', "bad-value"),
        (b'{"temperature": true}', "bad-value"),
        (b'{"temperature": {"x": 1}}', "bad-value"),
        (b'{"smoke_density": 65535}', "no-value"),
        (b'{"temperature": 6553.5}', "no-value"),
        (b'{"temperature": 1e308}', "out-of-range"),
        (b'{"temperature": 1' + b"0" * 400 + b"}", "out-of-range"),
        (b'{"smoke": false, "pad": "' + b"x" * 70_000 + b'"}', "too-big"),
        (b"[" * 20_000 + b"]" * 20_000, "too-deep"),
        (b'{"a":' * 13 + b"1" + b"}" * 13, "too-deep"),
    ],
)
def test_each_kind_of_broken_message_has_its_own_reason(payload: bytes, reason: str) -> None:
    found = reasons(z2m(payload))
    assert found == [reason], found


def test_one_broken_value_does_not_hide_the_alarm_beside_it() -> None:
    said = z2m({"smoke": True, "smoke_density": "?"})
    assert readings(said)["smoke"].flags == ("alarm",)
    assert reasons(said) == ["bad-value"]


@pytest.mark.parametrize("device", ["x" * 300, "a\0b", "a\nb"])
def test_a_name_that_cannot_be_stored_is_refused(device: str) -> None:
    assert reasons(z2m({"smoke": True}, f"zigbee2mqtt/{device}")) == ["bad-topic"]


def test_our_own_json_carries_any_quantity_in_its_unit_with_its_time_and_flags() -> None:
    body = {"quantity": "pressure", "value": 0.09, "unit": "MPa", "flags": ["fault"],
            "measuredAt": "2026-03-02T15:59:00+08:00"}  # fmt: skip
    found = readings(own(body, "jiean/桃花坞/H-7/reading"))["pressure"]
    assert (found.device, found.kind, found.value) == ("桃花坞/H-7", "hydrant", 0.09)
    assert found.measured_at == NOW - timedelta(minutes=1)
    assert found.flags == ("fault",)


def test_our_own_json_takes_a_list_and_an_event() -> None:
    body = [
        {"quantity": "gas", "value": True},
        {"quantity": "gas_value", "value": 9, "unit": "%LEL"},
    ]
    assert {k: r.flags for k, r in readings(own(body)).items()} == {
        "gas": ("alarm",),
        "gas_value": (),
    }
    said = own({"name": "operator_action", "what": "mute"}, "jiean/dev/event")
    assert events(said)["operator_action"].facts == {"what": "mute"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"quantity": "colour", "value": 1}, "unknown-quantity"),
        ({"quantity": "pressure", "value": 90, "unit": "kPa"}, "wrong-unit"),
        ({"quantity": "pressure", "value": 11, "unit": "MPa"}, "out-of-range"),
        ({"quantity": "pressure", "value": None, "unit": "MPa"}, "bad-value"),
        ({"quantity": "smoke", "value": True, "extra": 1}, "bad-value"),
        ({"quantity": "smoke", "value": True, "flags": ["late"]}, "bad-value"),
        ({"quantity": "smoke", "value": True, "measuredAt": "noon"}, "bad-time"),
        ([{"quantity": "smoke", "value": True}] * 501, "too-many"),
        (7, "not-an-object"),
    ],
)
def test_our_own_json_refuses_by_name_what_it_does_not_know(body: object, reason: str) -> None:
    assert reasons(own(body)) == [reason]


def test_decode_prints_one_json_object_per_line_and_ends_well_with_rejections(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "messages.json"
    file.write_text(
        json.dumps(
            [
                {"topic": "zigbee2mqtt/a b", "payload": {"smoke": True}},
                {"topic": None, "payload": '{"contact": false}'},
                {"topic": "zigbee2mqtt/c", "payload": "no json"},
                {"topic": 5, "payload": {}},
                {"topic": "zigbee2mqtt/d", "payload": {"smoke": True}, "retained": True},
            ]
        )
    )
    assert decode.main(["zigbee2mqtt", str(file)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [next(iter(line)) for line in lines] == [
        *("reading", "reading", "rejected", "rejected", "reading"),
    ]
    assert lines[0]["reading"]["device"] == "a b"
    assert lines[1]["reading"]["device"] == "unknown"
    assert lines[2]["rejected"]["reason"] == "not-json"
    assert lines[4]["reading"]["flags"] == ["alarm", "retained"]
    assert set(lines[0]["reading"]) == {
        *("device", "kind", "quantity", "value", "unit", "measured_at", "flags"),
    }


@pytest.mark.parametrize(
    "words", [[], ["zigbee2mqtt"], ["morse", "-"], ["zigbee2mqtt", "a", "b"], ["jiean", "/nowhere"]]
)
def test_decode_ends_with_2_when_the_words_or_the_file_make_no_sense(words: list[str]) -> None:
    assert decode.main(words) == 2


def test_a_file_that_is_no_json_is_one_rejection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"\xff\x00 nothing")
    assert decode.main(["zigbee2mqtt", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["rejected"]["reason"] == "not-utf8"


def test_the_protocol_page_lists_every_quantity_with_its_unit() -> None:
    page = (Path(__file__).parents[2] / "docs/protocol-jiean.md").read_text()
    rows = {
        line.split("|")[1].strip(): line.split("|")[2]
        for line in page.splitlines()
        if line.count("|") == 3
    }
    for name, quantity in QUANTITIES.items():
        row = rows[quantity.kind]
        assert f"`{name}`" in row, name
        after = row.partition(f"`{name}`")[2].partition("·")[0]
        wanted = "flag" if quantity.boolean else (quantity.unit or "")
        assert wanted in after, (name, wanted)


# ---- any bytes at all ----------------------------------------------------------------------------

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from([*QUANTITIES, "last_seen", "battery", "voltage", "action", "test", "state",
                         "quantity", "value", "unit", "measuredAt", "flags", "name"])  # fmt: skip
bodies = st.dictionaries(
    names | st.text(max_size=5),
    st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    max_size=12,
)
topics = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.sampled_from(
        [
            "zigbee2mqtt/a",
            "zigbee2mqtt/bridge/event",
            "jiean/a/reading",
            "jiean/a/event",
            "zigbee2mqtt/a/availability",
        ]
    ),
)


@given(
    adapter=st.sampled_from([zigbee2mqtt.decode, jiean.decode]),
    topic=topics,
    payload=st.binary(max_size=200) | bodies.map(lambda b: json.dumps(b).encode()),
    retained=st.booleans(),
)
def test_any_bytes_are_readings_events_or_a_named_rejection_that_can_be_stored(
    adapter: Adapter, topic: str | None, payload: bytes, retained: bool
) -> None:
    said = adapter(topic, payload, NOW, retained)
    assert 1 <= len(said) <= 100
    for item in said:
        line = msgspec.json.encode(as_line(item))
        assert b"\\u0000" not in line
        if isinstance(item, Reading):
            assert item.kind in KINDS
            assert item.received_at == NOW
            assert item.device
            assert abs(float(item.value)) <= 1e9
            assert retained == ("retained" in item.flags)
        if isinstance(item, Rejected):
            assert item.reason
            assert len(item.detail) <= 200


@given(st.binary(max_size=300))
def test_decode_never_fails_on_any_file(raw: bytes) -> None:
    assert all(msgspec.json.decode(line) for line in decode.lines("zigbee2mqtt", raw))
