"""What any bytes may lead to, per target: readings, events or a named rejection, bounded. Pure.

A target takes one text of bytes and raises ``Broken`` (or lets an exception of the code through)
where the promise is not kept. Its first byte chooses topic and flags, so that a fuzzer can change
them too; ``seeds`` are the project's own vectors in that form.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from backend.sensing import decode, multipart, protobuf, xml
from backend.sensing.adapters import sparkplug
from backend.sensing.adapters.gb26875 import meaning
from backend.sensing.adapters.gb26875.frame import MAX_WAITING, Cutter, Frame
from backend.sensing.adapters.templates import Template, reader
from backend.sensing.body import Refused
from backend.sensing.files import Form, messages
from backend.sensing.quantities import KINDS, QUANTITIES
from backend.sensing.reading import MAX_NAME, Adapter, Decoded, Reading, Rejected, as_line

VECTORS = Path(__file__).resolve().parents[2] / "tests" / "vectors"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MAX_SAID = 1100
"""Things that one message may say."""
MAX_LINE = 4096
"""Bytes of one said thing as JSON, and 16 for each byte that came."""
REASON = re.compile(r"[a-z]+(-[a-z0-9]+)*")


class Broken(AssertionError):
    """A promise is not kept; the text says which."""


class Target(NamedTuple):
    """What is tried, and what to begin with."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def hold(said: Iterable[Decoded], came: int) -> None:
    """Check what an adapter said of ``came`` bytes.

    Raises:
        Broken: a promise of ``reading.Adapter`` is not kept.
    """
    items = tuple(said)
    if not 1 <= len(items) <= MAX_SAID:
        raise Broken(f"{len(items)} things said")
    for item in items:
        line = msgspec.json.encode(as_line(item))
        if len(line) > MAX_LINE + 16 * came:
            raise Broken(f"{len(line)} bytes said of {came}")
        if b"\\u0000" in line:
            raise Broken("a NUL, which no store takes")
        if isinstance(item, Reading):
            _reading(item)
        elif isinstance(item, Rejected) and not REASON.fullmatch(item.reason):
            raise Broken(f"reason {item.reason!r}")
        if item.device is not None and not (
            0 < len(item.device) <= 2 * MAX_NAME and item.device.isprintable()
        ):
            raise Broken(f"device {item.device!r}")


def _reading(item: Reading) -> None:
    rule = QUANTITIES.get(item.quantity)
    if rule is None or item.kind not in KINDS:
        raise Broken(f"quantity {item.quantity!r} of {item.kind!r}")
    if not math.isfinite(item.value):
        raise Broken(f"{item.quantity}: {item.value}")
    if item.received_at != NOW or item.measured_at.tzinfo is None:
        raise Broken("times without a zone, or not of the arrival")
    if not 1970 <= item.measured_at.year < 2200:
        raise Broken(f"measured in {item.measured_at.year}")


def _adapter(name: str, adapter: Adapter, topics: tuple[str | None, ...]) -> Target:
    def run(raw: bytes) -> None:
        choice, payload = raw[:1], raw[1:]
        at = choice[0] if choice else 0
        hold(adapter(topics[at % len(topics)], payload, NOW, at >= 128), len(payload))

    def seeds() -> list[bytes]:
        return [bytes([_place(topics, topic)]) + payload for topic, payload in vectors(name)]

    return Target(run, seeds)


def _place(topics: tuple[str | None, ...], topic: str | None) -> int:
    return topics.index(topic) if topic in topics else 0


def vectors(protocol: str) -> Iterator[tuple[str | None, bytes]]:
    """Topic and payload of each of the project's own messages of a protocol."""
    file = VECTORS / f"{protocol}.json"
    form = decode.ADAPTERS[protocol][1] if protocol in decode.ADAPTERS else Form()
    for message in messages(file.read_bytes(), form):
        if not isinstance(message, Rejected):
            yield decode.topic_of(protocol, message, None), message.payload


def _cutter(raw: bytes) -> None:
    """The same stream cut at other places gives the same frames, and little of it is kept."""
    steps, stream = raw[:8], raw[8:]
    whole, parts = Cutter(), Cutter()
    once = [*whole.feed(stream), *whole.finish()]
    at, piece, found = 0, 0, []
    while at < len(stream):
        size = 1 + (steps[piece % len(steps)] if steps else 0)
        found += parts.feed(stream[at : at + size])
        if parts.waiting > MAX_WAITING:
            raise Broken(f"{parts.waiting} bytes kept")
        at, piece = at + size, piece + 1
    found += parts.finish()
    if [x.raw for x in once if isinstance(x, Frame)] != [
        x.raw for x in found if isinstance(x, Frame)
    ]:
        raise Broken("other frames when the stream is cut at other places")
    for one in found:
        if isinstance(one, Frame):
            hold(meaning.meaning(one, NOW), len(one.raw))
        else:
            hold((meaning.rejected(one),), len(one.raw))


def _nodes(raw: bytes) -> None:
    """Sparkplug with its memory: several messages of one node, births and deaths among them."""
    topics = TOPICS["sparkplug"]
    node: sparkplug.Node | None = None
    for piece in raw.split(b"\xf7\xf8", 20):
        topic = topics[(piece[0] if piece else 0) % len(topics)]
        node, said = sparkplug.advance(node, topic, piece[1:], NOW, False)
        hold(said, len(piece))


def _file(raw: bytes) -> None:
    names = sorted(decode.ADAPTERS)
    protocol = names[(raw[0] if raw else 0) % len(names)]
    for line in decode.lines(protocol, raw[1:]):
        msgspec.json.decode(line)


def _parts(raw: bytes) -> None:
    found = list(multipart.parts(raw))
    if len(found) > multipart.MAX_PARTS or sum(len(part.body) for part in found) > len(raw):
        raise Broken("more parts than came")


def _xml(raw: bytes) -> None:
    try:
        count = sum(1 for _ in xml.read(raw).walk())
    except Refused:
        return
    if count > xml.MAX_NODES:
        raise Broken(f"{count} elements")


def _protobuf(raw: bytes) -> None:
    try:
        size = sum(len(value) for _, value in protobuf.fields(raw) if isinstance(value, bytes))
    except Refused:
        return
    if size > len(raw):
        raise Broken("more bytes than came")


def _template(raw: bytes) -> None:
    for template in TEMPLATES:
        read = reader(template)
        hold(read("vendor/d7/up", raw[1:], NOW, bool(raw[:1] > b"\x7f")), len(raw))


TOPICS: dict[str, tuple[str | None, ...]] = {
    "gb26875": (None, "gb26875/889"),
    "chirpstack": tuple(
        f"application/1/device/a8404100000000ff/event/{e}"
        for e in ("up", "status", "log", "join", "ack", "x")
    ),
    "milesight": tuple(
        f"milesight/{model}/a"
        for model in ("", "GS524N", "GS101", "EM300-MCS", "EM300-SLD", "EM310-TILT", "EM500-PP",
                      "WS301", "WS303", "CT101")
    ),
    "dragino": ("dragino/10/a", "dragino/2/a", None),
    "zigbee2mqtt": ("zigbee2mqtt/smoke", "zigbee2mqtt/bridge/state", "zigbee2mqtt/bridge/event",
                    "zigbee2mqtt/a/availability", "zigbee2mqtt/", None),
    "ctwing": ("ctwing", None),
    "huawei": ("huawei", None),
    "hikvision": ("hikvision/gate", None),
    "dahua": ("dahua/gate", None),
    "meokon": ("meokon", None),
    "sparkplug": tuple(
        f"spBv1.0/g/{what}"
        for what in ("NBIRTH/n", "NDATA/n", "DBIRTH/n/d", "DDATA/n/d", "NDEATH/n", "DDEATH/n/d",
                     "NCMD/n", "STATE/h", "x")
    ),
    "jiean": ("jiean/d1/reading", "jiean/d1/event", "jiean/reading", None),
}  # fmt: skip
TEMPLATES = msgspec.json.decode((VECTORS / "templates.json").read_bytes(), type=list[Template])


def _stream() -> list[bytes]:
    whole = b"".join(payload for _, payload in vectors("gb26875"))
    return [bytes(range(8)) + whole[:2000], b"\x00" * 8 + whole[-1500:]]


def _node_stream() -> list[bytes]:
    topics = TOPICS["sparkplug"]
    pieces = [bytes([_place(topics, topic)]) + raw for topic, raw in vectors("sparkplug")]
    return [b"\xf7\xf8".join(pieces)]


def _files() -> list[bytes]:
    names = sorted(decode.ADAPTERS)
    return [bytes([at]) + (VECTORS / f"{n}.json").read_bytes()[:4000] for at, n in enumerate(names)]


def _of(protocol: str) -> Callable[[], list[bytes]]:
    return lambda: [payload for _, payload in vectors(protocol)]


TARGETS: dict[str, Target] = {
    **{
        name: _adapter(name, adapter, TOPICS[name])
        for name, (adapter, _form) in decode.ADAPTERS.items()
    },
    "template": Target(_template, lambda: [b"\0" + raw for _, raw in vectors("template")]),
    "cutter": Target(_cutter, _stream),
    "nodes": Target(_nodes, _node_stream),
    "file": Target(_file, _files),
    "multipart": Target(_parts, _of("hikvision")),
    "xml": Target(_xml, _of("hikvision")),
    "protobuf": Target(_protobuf, _of("sparkplug")),
}
