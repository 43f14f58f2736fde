"""A camera's event stream: however it is cut, the same events; nothing grows without bound."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sensing.adapters import dahua, hikvision
from backend.sensing.cameras import BEATS
from backend.sensing.event_stream import MAX_HEAD, MAX_TEXT, XML_END, EventStream, boundary_of
from backend.sensing.lines import Pace
from backend.sensing.reading import Event, Reading
from tests.core.test_vendor_adapters import alert, events, run

XML = alert()
JPEG = b"\xff\xd8" + bytes(range(256)) * 4 + b"\xff\xd9"


def part(body: bytes, kind: str, length: bool = True, end: str = "\r\n") -> bytes:
    head = f"--b{end}Content-Type: {kind}{end}"
    head += f"Content-Length: {len(body)}{end}" if length else ""
    return f"{head}{end}".encode() + body + end.encode()


TEXT = b"Code=SmokeDetection;action=Start;index=0"
WHOLE = (
    part(XML, "application/xml") + part(JPEG, "image/jpeg") + part(TEXT, "text/plain", end="\n")
    + part(JPEG, "image/jpeg", length=False) + part(XML, "application/xml", length=False)
)  # fmt: skip


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12), st.booleans())
def test_parts_are_the_same_however_the_stream_is_cut(cuts: list[int], told: bool) -> None:
    stream = EventStream(boundary_of('multipart/mixed; boundary="b"') if told else None)
    places = [0, *sorted(cuts), len(WHOLE)]
    found = [text for begin, end in pairwise(places) for text in stream.feed(WHOLE[begin:end])]
    assert found == [XML, TEXT, XML]


@given(st.lists(st.binary(max_size=2000), max_size=20), st.booleans())
def test_any_bytes_end_and_little_is_kept(chunks: list[bytes], told: bool) -> None:
    stream = EventStream(b"--b" if told else None)
    for chunk in chunks:
        stream.feed(chunk)
        stream.flush()
    assert stream.waiting <= MAX_TEXT + MAX_HEAD + 2000


def test_an_alarm_does_not_wait_for_the_next_boundary() -> None:
    stream = EventStream()
    assert stream.feed(part(XML, "application/xml")[:-2]) == [XML]
    assert stream.feed(b"\r\n" + part(XML, "application/xml", length=False)) == [XML]
    assert stream.feed(part(TEXT, "text/plain", length=False)) == []
    assert stream.flush() == [TEXT]
    assert stream.flush() == []


def test_a_stream_without_parts_is_read_by_the_end_of_its_xml_or_when_it_is_quiet() -> None:
    stream = EventStream()
    assert stream.feed(b"<?xml?>" + XML + b"\r\n" + XML[:50]) == [b"<?xml?>" + XML]
    assert stream.feed(XML[50:]) == [XML]
    lines = EventStream()
    assert lines.feed(TEXT + b"\r\n") == []
    assert lines.flush() == [TEXT]


def test_a_length_that_lies_is_not_believed_and_too_long_a_text_is_given_cut() -> None:
    lie = b"--b\r\nContent-Type: text/plain\r\nContent-Length: 99999\r\n\r\n" + TEXT + b"\r\n"
    assert EventStream(b"--b").feed(lie + part(XML, "application/xml")) == [TEXT, XML]
    endless = EventStream(b"--b")
    found = endless.feed(b"--b\r\nContent-Type: text/plain\r\n\r\n" + b"x" * (3 * MAX_TEXT))
    assert [len(text) for text in found] == [MAX_TEXT]
    assert endless.feed(part(XML, "application/xml")) == [XML]
    assert XML.endswith(XML_END)


@pytest.mark.clause("5.1.1.2-b")
def test_the_heartbeat_of_a_stream_says_nothing_and_lost_video_is_a_fault() -> None:
    said = run(hikvision.decode, alert("videoloss", "inactive"), "hikvision/gate")
    assert list(events(said)) == ["heartbeat"]
    said = run(hikvision.decode, alert("videoloss", "active"), "hikvision/gate")
    assert "fault" in events(said)
    assert not [item for item in said if isinstance(item, Reading)]


def test_the_life_of_a_stream_is_that_of_its_channels() -> None:
    for maker, read in (("hikvision", hikvision.decode), ("dahua", dahua.decode)):
        (beat,) = run(read, BEATS[maker], f"{maker}/gate/1")
        assert isinstance(beat, Event)
        assert (beat.name, beat.device) == ("heartbeat", "gate/1")


def test_a_line_that_floods_is_read_no_faster_than_it_may_and_a_burst_goes_through() -> None:
    pace = Pace(per_s=100)
    assert pace.wait_s(50.0, 100) == 0
    assert pace.wait_s(50.0, 50) == pytest.approx(0.5)
    assert pace.wait_s(60.0, 1) == 0
