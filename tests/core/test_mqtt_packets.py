"""MQTT 5 as far as we speak it: whole packets from any pieces, and no byte that surprises us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sensing import mqtt_packets as packets
from backend.sensing.lanes import lane_of

topics = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def read(buffer: bytes, most: int = 1 << 20) -> tuple[list[tuple[str, bytes, int]], bytes]:
    """All whole publishes of a buffer, and what is left."""
    at, found = 0, []
    while (one := packets.frame(buffer, at)) and one[2] <= len(buffer):
        found.append(packets.published(buffer, one[0], one[1], one[2], most))
        at = one[2]
    return found, buffer[at:]


@given(
    st.lists(st.tuples(topics, st.binary(max_size=300), st.integers(1, 65_535)), max_size=6),
    st.data(),
)
def test_publishes_are_the_same_however_the_line_cuts_them(
    said: list[tuple[str, bytes, int]], data: st.DataObject
) -> None:
    stream = b"".join(packets.publish(*one) for one in said)
    cut = data.draw(st.integers(0, len(stream)))
    first, rest = read(stream[:cut])
    second, left = read(rest + stream[cut:])
    assert (first + second, left) == (said, b"")


@given(st.binary(max_size=60))
def test_any_bytes_are_packets_or_named_as_malformed(raw: bytes) -> None:
    try:
        read(raw)
        packets.connack(raw)
        packets.suback(raw)
    except packets.Malformed:
        pass


def test_properties_of_a_publish_are_stepped_over_and_the_payload_is_cut() -> None:
    user = b"\x26\x00\x01a\x00\x01b" * 30  # longer than one byte can count
    body = b"\x00\x01t\x00\x07" + bytes([len(user) & 127 | 128, len(user) >> 7]) + user + b"hello"
    raw = b"\x32" + bytes([len(body) & 127 | 128, len(body) >> 7]) + body
    assert read(raw, most=4) == ([("t", b"hell", 7)], b"")


def test_a_topic_that_is_no_utf8_is_one_message_and_no_end() -> None:
    raw = b"\x30\x06\x00\x02\xff/\x00x"
    assert read(raw) == ([("�/", b"x", 0)], b"")


@pytest.mark.parametrize("raw", [b"\x34\x05\x00\x01t\x00\x01", b"\x32\x05\x00\x01t\x00\x00"])
def test_quality_2_and_packet_id_0_were_never_agreed(raw: bytes) -> None:
    with pytest.raises(packets.Malformed):
        read(raw)


def test_the_brokers_keep_alive_goes_before_ours() -> None:
    assert packets.connack(b"\x01\x00\x06\x13\x00\x07\x21\x00\x14") == (0, True, 7)
    assert packets.connack(b"\x00\x87\x00") == (0x87, False, None)


def test_all_that_one_detector_says_goes_the_same_lane() -> None:
    for one in (
        ("zigbee2mqtt/d7", "zigbee2mqtt/d7/availability"),
        ("jiean/a/b/reading", "jiean/a/b/event"),
        ("application/1/device/ff/event/up", "application/1/device/ff/event/status"),
        ("spBv1.0/g/NBIRTH/n", "spBv1.0/g/DDATA/n/d"),
        ("maker/room/1", "maker/other"),
    ):
        assert len({lane_of(topic, 7) for topic in one}) == 1
    assert len({lane_of(f"jiean/d{n}/reading", 4) for n in range(100)}) == 4
