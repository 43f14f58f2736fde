"""GB/T 26875.3: cutting, meaning, profiles, answers. The frames are built here, not captured."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sensing.adapters.gb26875 import meaning
from backend.sensing.adapters.gb26875.frame import (
    MAX_WAITING,
    Cutter,
    Frame,
    Junk,
    answer,
    build,
)
from backend.sensing.adapters.gb26875.profile import (
    ELECTRIC_HOST,
    STRICT,
    Gateways,
    Profile,
    Scale,
    read,
)
from backend.sensing.reading import Decoded, Event, Reading, Rejected

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SENT = (0, 0, 16, 2, 3, 26)  # 16:00 in China is 08:00 UTC
Six = tuple[int, int, int, int, int, int]


def frame(data: bytes = b"", command: int = 2, serial: int = 7, sent: Six = SENT) -> bytes:
    return build(serial=serial, sent=sent, source=889, destination=1, command=command, data=data)


def part(status: int, component: int = 40, text: str = "三楼东", sent: Six = SENT) -> bytes:
    body = bytes([1, 2, component]) + bytes.fromhex("0a000200") + status.to_bytes(2, "little")
    return b"\x02\x01" + body + text.encode("gb18030").ljust(31, b"\0") + bytes(sent)


def analog(kind: int, raw: int, component: int = 99) -> bytes:
    body = bytes([11, 1, component]) + bytes.fromhex("01000000") + bytes([kind])
    return b"\x03\x01" + body + raw.to_bytes(2, "little", signed=True) + bytes(SENT)


def cut(*segments: bytes) -> list[Frame | Junk]:
    cutter = Cutter()
    return [x for s in segments for x in cutter.feed(s)] + cutter.finish()


def said(raw: bytes, profile: Profile = STRICT, at: datetime = NOW) -> list[Decoded]:
    return list(meaning.reader(lambda _: profile)(None, raw, at, False))


def readings(items: list[Decoded]) -> list[Reading]:
    return [item for item in items if isinstance(item, Reading)]


def names(items: list[Decoded]) -> list[str]:
    return [item.name for item in items if isinstance(item, Event)]


def reasons(items: list[Decoded]) -> list[str]:
    return [item.reason for item in items if isinstance(item, Rejected)]


# ---- the wire ------------------------------------------------------------------------------------


def test_marks_inside_the_data_do_not_cut_a_frame() -> None:
    raw = frame(part(2, text="##@@##@@"))
    found = cut(raw + raw)
    assert [f.raw for f in found if isinstance(f, Frame)] == [raw, raw]


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 4))
def test_frames_come_out_whole_however_the_segments_fall(cuts: list[int], count: int) -> None:
    frames = [frame(part(2), serial=n) for n in range(count)]
    stream, segments = b"".join(frames), []
    for size in cuts:
        segments.append(stream[:size])
        stream = stream[size:]
    found = cut(*segments, stream)
    assert [f.raw for f in found if isinstance(f, Frame)] == frames
    assert len(found) == count


def test_noise_and_a_broken_frame_do_not_swallow_the_alarm_behind_them() -> None:
    good, broken = frame(part(2)), frame(part(2))[:50]
    found = cut(b"noise\x40", broken, good)
    assert [type(item) for item in found][-1] is Frame
    assert sum(isinstance(item, Frame) for item in found) == 1
    assert b"".join(item.raw for item in found) == b"noise\x40" + broken + good


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"hello", "bad-start"),
        (frame()[:20], "incomplete"),
        (frame()[:-2] + b"55", "bad-end"),
        (frame()[:24] + b"\x01\x04" + frame()[26:], "bad-length"),
        # command in byte 3, decimal time, no length and no sum: our marks, another protocol
        (bytes.fromhex("4040022359591231992600010203040506070809101112131415162323"), "look-alike"),
        (bytes.fromhex("40400219123023590102032323"), "look-alike"),
    ],
)
def test_what_is_no_frame_is_refused_by_name(raw: bytes, reason: str) -> None:
    assert reasons(said(raw)) == [reason]
    assert not readings(said(raw))


def test_a_wrong_sum_and_an_unknown_command_are_refused_after_their_header_is_told() -> None:
    raw = bytearray(frame(part(2)))
    raw[-3] ^= 1
    items = said(bytes(raw))
    assert (names(items), reasons(items)) == (["frame"], ["bad-checksum"])
    items = said(frame(part(2), command=9))
    assert (names(items), reasons(items)) == (["frame"], ["unknown-command"])


@given(st.lists(st.binary(max_size=1500), max_size=4))
def test_no_peer_makes_us_keep_more_than_one_frame(segments: list[bytes]) -> None:
    cutter = Cutter()
    total = sum(len(item.raw) for s in segments for item in cutter.feed(s))
    assert cutter.waiting <= MAX_WAITING
    total += sum(len(item.raw) for item in cutter.finish())
    assert total == sum(map(len, segments))  # every byte is in a frame or named as junk


@pytest.mark.parametrize("filling", [b"\x40", b"\x40\x40\x23\x23", b"@@" + b"\0" * 25, b"#"])
def test_a_flood_of_marks_ends_and_is_named(filling: bytes) -> None:
    stream = filling * (65_536 // len(filling))
    found = cut(stream)
    assert all(isinstance(item, Junk) for item in found)
    assert sum(len(item.raw) for item in found) == len(stream)


def test_a_confirmation_has_the_serial_number_and_the_addresses_turned_round() -> None:
    (asked,) = cut(frame(part(2), serial=513))
    assert isinstance(asked, Frame)
    for confirm, command in ((True, 3), (False, 6)):
        (reply,) = cut(answer(asked, datetime(2026, 3, 2, 16, 0, 5, tzinfo=UTC), confirm=confirm))
        assert isinstance(reply, Frame)
        assert (reply.serial, reply.command, reply.checksum_ok) == (513, command, True)
        assert (reply.source, reply.destination, reply.data) == (1, 889, b"")
        assert reply.sent == (5, 0, 16, 2, 3, 26)


def test_the_same_frame_again_is_known_and_the_next_one_is_another() -> None:
    first, again, other = (f for f in cut(frame(part(2)), frame(part(2)), frame(part(2), serial=8)))
    assert isinstance(first, Frame)
    assert isinstance(again, Frame)
    assert isinstance(other, Frame)
    assert first.repeat_key == again.repeat_key != other.repeat_key


# ---- meaning -------------------------------------------------------------------------------------


@pytest.mark.clause("5.1.1.1-b", "5.1.1.1-c")
@pytest.mark.parametrize(
    ("component", "quantity", "kind", "flag"),
    [
        (40, "smoke", "smoke", None),
        (0, "smoke", "smoke", None),
        (23, "smoke", "smoke", "manual"),
        (31, "smoke", "smoke", "heat"),
        (61, "smoke", "smoke", "flame"),
        (11, "gas", "gas", None),
        (17, "electric_alarm", "electric", None),
    ],
)
def test_the_fire_bit_raises_what_the_part_watches_and_a_status_without_it_is_normal(
    component: int, quantity: str, kind: str, flag: str | None
) -> None:
    (alarm,) = readings(said(frame(part(0b11, component))))
    assert (alarm.quantity, alarm.kind, alarm.value) == (quantity, kind, True)
    assert alarm.flags == (("alarm", flag) if flag else ("alarm",))
    assert alarm.measured_at == NOW
    (normal,) = readings(said(frame(part(0b01, component))))
    assert normal.value is False
    assert "alarm" not in normal.flags


def test_an_alarm_beside_the_test_bit_is_real_and_marked() -> None:
    (alarm,) = readings(said(frame(part(0b10))))
    assert alarm.flags == ("alarm", "test_bit")


@pytest.mark.parametrize(("status", "name"), [(0b101, "fault"), (0b1001, "shielded"), (257, None)])
def test_a_part_that_cannot_see_never_counts_as_normal(status: int, name: str | None) -> None:
    items = said(frame(part(status)))
    assert not readings(items)
    assert (name or "power_fault") in names(items)


def test_fire_beside_a_fault_is_fire() -> None:
    (alarm,) = readings(said(frame(part(0b111))))
    assert alarm.flags == ("alarm",)


def test_reset_and_mute_are_operations_and_no_normal_reading() -> None:
    system = b"\x01\x01" + bytes([1, 1]) + (1 | 1 << 13).to_bytes(2, "little") + bytes(SENT)
    assert not readings(said(frame(system)))
    assert "reset" in names(said(frame(system)))
    record = b"\x04\x01" + bytes([1, 1, 0b11, 9]) + bytes(SENT)
    (_, told) = said(frame(record))
    assert isinstance(told, Event)
    assert (told.name, told.facts["reset"], told.facts["mute"]) == ("operation", True, True)


@pytest.mark.clause("5.1.1.2-c")
def test_power_and_line_faults_of_the_unit_are_events_and_never_a_hazard() -> None:
    items = said(frame(b"\x15\x01" + bytes([0b1011001]) + bytes(SENT)))
    assert {"mains_fault", "backup_fault", "line_fault"} <= set(names(items))
    assert not readings(items)


@pytest.mark.clause("5.1.1.1-e")
@pytest.mark.parametrize(
    ("kind", "raw", "quantity", "value", "unit"),
    [
        (4, 2, "pressure", 0.2, "MPa"),
        (5, 1400, "pressure", 0.14, "MPa"),
        (3, -105, "temperature", -10.5, "°C"),
        (6, 82, "gas_value", 8.2, "%LEL"),
        (8, 2298, "mains_voltage", 229.8, "V"),
        (10, 15, "flow", 90.0, "L/min"),
    ],
)
def test_analog_values_come_out_in_our_units(
    kind: int, raw: int, quantity: str, value: float, unit: str
) -> None:
    (found,) = readings(said(frame(analog(kind, raw))))
    assert (found.quantity, found.value, found.unit) == (quantity, value, unit)


def test_no_value_stays_no_value_and_a_height_is_only_told() -> None:
    for raw in (-1, 32767, -32768):
        assert reasons(said(frame(analog(4, raw)))) == ["no-value"]
    items = said(frame(analog(2, 300, component=92)))
    assert (names(items), readings(items), reasons(items)) == (["frame", "analog"], [], [])


def test_a_makers_own_analog_type_has_no_unit_until_its_profile_gives_one() -> None:
    raw = frame(analog(130, 620, component=17))
    (found,) = readings(said(raw))
    assert (found.value, found.unit, found.flags) == (620, None, ("unscaled",))
    assert "profile_needed" in names(said(raw))
    (known,) = readings(said(raw, ELECTRIC_HOST))
    assert (known.value, known.unit, known.flags) == (620.0, "mA", ())
    own = Profile(name="x", analog={130: Scale(quantity="temperature", factor=0.1)})
    assert readings(said(raw, own))[0].value == 62.0


def test_a_gateway_without_a_profile_of_its_own_is_read_strictly() -> None:
    book = Gateways(gateways={5: "electric-host", 6: "unheard"})
    assert [book.of(n).name for n in (5, 6, 7)] == ["electric-host", "strict", "strict"]


@pytest.mark.parametrize("change", [b"\0", b""])
def test_an_object_of_another_length_is_refused_as_a_whole(change: bytes) -> None:
    data = part(2) + change if change else part(2)[:-1]
    assert reasons(said(frame(data))) == ["bad-layout"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\x02\x00", "bad-layout"), (b"\x02", "bad-layout"), (b"\x63\x01", "unknown-type"),
     (b"\x96\x01\x00", "unknown-type")],
)  # fmt: skip
def test_a_data_unit_that_is_none_is_named(data: bytes, reason: str) -> None:
    assert reasons(said(frame(data))) == [reason]


def test_a_gateway_with_a_wrong_clock_is_marked_and_its_fire_is_never_late() -> None:
    later = NOW + timedelta(days=900)
    (alarm,) = readings(said(frame(part(0b11)), at=later))
    assert alarm.flags == ("alarm", "clock")
    (value,) = readings(said(frame(analog(4, 2)), at=later))
    assert value.flags == ("clock",)  # its own clock says that it is fresh
    old = (0, 0, 1, 2, 3, 26)
    data = b"\x03\x01" + bytes([11, 1, 99, 1, 0, 0, 0, 4, 2, 0]) + bytes(old)
    (history,) = readings(said(frame(data)))
    assert history.flags == ("clock", "late")
    (fire,) = readings(said(frame(part(0b11, sent=old))))
    assert "late" not in fire.flags


def test_a_time_that_is_none_leaves_the_arrival() -> None:
    (alarm,) = readings(said(frame(part(0b11, sent=(99, 99, 99, 99, 99, 99)))))
    assert (alarm.measured_at, alarm.timed, alarm.flags) == (NOW, False, ("alarm", "clock"))


@given(
    data=st.binary(max_size=300),
    kind=st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 21, 24, 25, 26, 28, 99]),
    count=st.integers(0, 6),
    command=st.sampled_from([1, 2, 3, 5, 6, 200]),
)
def test_any_data_unit_is_told_or_refused_by_name(
    data: bytes, kind: int, count: int, command: int
) -> None:
    items = said(frame(bytes([kind, count]) + data, command=command))
    assert names(items)[0] == "frame"
    assert all(r.reason for r in items if isinstance(r, Rejected))
    assert len(items) < 1100


@pytest.mark.parametrize(
    "said",
    [
        {"gateways": {"889": "acme"}},
        {"profiles": [{"name": "a", "hours_east": 30}]},
        {"profiles": [{"name": "a", "extra_bytes": -1}]},
        {"profiles": [{"name": "a", "analog": {"130": {"quantity": "poem", "factor": 1}}}]},
        {"networks": {"889": ["10.8.0.0/99"]}},
        {"only": True},
    ],
)
def test_a_file_of_profiles_is_refused_where_it_says_what_there_is_not(
    said: object, tmp_path: Path
) -> None:
    file = tmp_path / "gateways.json"
    file.write_text(json.dumps(said))
    with pytest.raises(ValueError):
        read(file)


def test_a_gateway_may_call_from_its_own_network_only_and_others_from_anywhere() -> None:
    listed = Gateways(gateways={1: "strict"}, networks={1: ("10.8.0.0/24",)})
    assert listed.refuses(1, "10.8.0.7") is None
    assert listed.refuses(1, "10.9.0.7") == "wrong-address"
    assert listed.refuses(1, "unknown") == "wrong-address"
    assert listed.refuses(2, "10.9.0.7") is None
    assert Gateways(only_listed=True, gateways={1: "strict"}).refuses(2, "::1") == "unknown-gateway"
