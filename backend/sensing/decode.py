"""``jiean decode PROTOCOL FILE|-``: show what messages say, one JSON object per line.

Which shapes FILE may have is told in ``files.py``. A file has no time of arrival: without
``received_at`` a message counts as arriving when it was sent, so nothing is called late but what is
history in itself, and a message without a time is of now.

Exit: 0 when the messages were read, also when some were rejected; 2 when the words or FILE make
no sense.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from backend.sensing.adapters import (
    chirpstack,
    ctwing,
    dahua,
    dragino,
    hikvision,
    huawei,
    jiean,
    meokon,
    milesight,
    sparkplug,
    zigbee2mqtt,
)
from backend.sensing.adapters.gb26875 import meaning, profile
from backend.sensing.adapters.gb26875.frame import Cutter, Frame, Junk
from backend.sensing.adapters.templates import Template, Unfit, reader, serves
from backend.sensing.files import Form, Message, messages
from backend.sensing.reading import Adapter, Decoded, Event, Reading, Rejected, as_line

ADAPTERS: dict[str, tuple[Adapter, Form]] = {
    "gb26875": (meaning.decode, Form(binary=True)),
    "chirpstack": (chirpstack.decode, Form(own=frozenset({"deviceInfo"}))),
    "milesight": (milesight.decode, Form(binary=True)),
    "dragino": (
        dragino.decode,
        Form(binary=True, own=frozenset({"decoded", "DOOR_OPEN_STATUS", "WATER_LEAK_STATUS"})),
    ),
    "zigbee2mqtt": (zigbee2mqtt.decode, Form()),
    "ctwing": (ctwing.decode, Form(own=frozenset({"messageType", "deviceId"}))),
    "huawei": (huawei.decode, Form(own=frozenset({"notify_data"}))),
    "hikvision": (hikvision.decode, Form()),
    "dahua": (dahua.decode, Form()),
    "meokon": (meokon.decode, Form(binary=True)),
    "sparkplug": (sparkplug.decode, Form(binary=True)),
    "jiean": (jiean.decode, Form()),
}
TEMPLATE = "template"
"""What stands for a protocol where mapping templates read."""
MAX_FILE = 64 * 1024 * 1024


def lines(
    protocol: str, raw: bytes, model: str | None = None, of: profile.Profile = profile.STRICT
) -> Iterator[bytes]:
    """Each decoded thing as one line of JSON.

    Args:
        protocol: a name of ``ADAPTERS``.
        raw: the file.
        model: of the device, where the protocol needs one and the file names none.
        of: how a GB/T 26875 gateway is read.
    """
    adapter, form = ADAPTERS[protocol]
    found = messages(raw, form)
    if protocol == "gb26875":
        said = _frames(found, of)
    elif protocol == "sparkplug":
        said = _nodes(found)
    else:
        said = (
            item
            for message in found
            for item in (
                (message,)
                if isinstance(message, Rejected)
                else _read(adapter, message, topic_of(protocol, message, model))
            )
        )
    for item in said:
        yield msgspec.json.encode(as_line(item))


def by_templates(raw: bytes, templates: Iterable[Template]) -> Iterator[bytes]:
    """The same for messages of makers whom mapping templates read, by the first that fits.

    Raises:
        Unfit: a template cannot be used.
    """
    readers = [(template, reader(template)) for template in templates]
    for message in messages(raw, Form()):
        items: tuple[Decoded, ...] = (Rejected(reason="no-adapter", detail="no template fits"),)
        if isinstance(message, Rejected):
            items = (message,)
        else:
            for template, read in readers:
                if message.topic is None or serves(template, message.topic):
                    items = _read(read, message, message.topic)
                    break
        for item in items:
            yield msgspec.json.encode(as_line(item))


def topic_of(protocol: str, message: Message, model: str | None) -> str | None:
    """Where the message was published; for LoRaWAN payloads, what is known of the sender."""
    if message.topic is not None:
        return message.topic
    device = message.device or ""
    if protocol == "milesight":
        return f"milesight/{milesight.model_of(message.model or model or '') or ''}/{device}"
    if protocol == "dragino":
        return f"dragino/{dragino.PORT if message.port is None else message.port}/{device}"
    return None


def _read(adapter: Adapter, message: Message, topic: str | None) -> tuple[Decoded, ...]:
    now = message.received_at or datetime.now(UTC)
    said = adapter(topic, message.payload, now, message.retained)
    sent = None if message.received_at else _newest(said, now)
    return said if sent is None else adapter(topic, message.payload, sent, message.retained)


def _newest(said: Iterable[Decoded], now: datetime) -> datetime | None:
    """The newest time that the message itself tells."""
    told = []
    for item in said:
        if isinstance(item, Reading) and item.timed:
            told.append(item.measured_at)
        elif isinstance(item, Event) and item.at != now:
            told.append(item.at)
    return max(told, default=None)


def _frames(found: Iterable[Message | Rejected], of: profile.Profile) -> Iterator[Decoded]:
    """GB/T 26875: lines of hex are one stream, whose frames may begin and end anywhere."""
    stream = Cutter()
    for message in found:
        if isinstance(message, Rejected):
            yield message
        elif message.joined:
            yield from _cut(stream.feed(message.payload), message, of)
        else:
            own = Cutter()
            yield from _cut([*own.feed(message.payload), *own.finish()], message, of)
    yield from _cut(stream.finish(), None, of)


def _cut(
    pieces: Iterable[Frame | Junk], message: Message | None, of: profile.Profile
) -> Iterator[Decoded]:
    for piece in pieces:
        if isinstance(piece, Junk):
            yield meaning.rejected(piece)
            continue
        told = message.received_at if message else None
        yield from meaning.meaning(
            piece, told or meaning.sent_at(piece, of) or datetime.now(UTC), of
        )


def _nodes(found: Iterable[Message | Rejected]) -> Iterator[Decoded]:
    """Sparkplug: the births of the file are remembered for the messages behind them."""
    nodes: dict[str | None, sparkplug.Node | None] = {}
    for message in found:
        if isinstance(message, Rejected):
            yield message
            continue
        key = sparkplug.node_of(message.topic or "")
        node, payload = nodes.get(key), message.payload
        now = message.received_at or datetime.now(UTC)
        after, said = sparkplug.advance(node, message.topic, payload, now, message.retained)
        sent = None if message.received_at else _newest(said, now)
        if sent is not None:
            after, said = sparkplug.advance(node, message.topic, payload, sent, message.retained)
        nodes[key] = after
        yield from said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jiean decode",
        description="Show what messages say, one JSON object per line. 每行一个 JSON 对象",
    )
    names = [*ADAPTERS, TEMPLATE]
    parser.add_argument("protocol", choices=names, metavar="PROTOCOL", help=" ".join(names))
    parser.add_argument(
        "file", metavar="FILE|-", help="hex lines, JSON, XML or text; - reads standard input"
    )
    parser.add_argument("--model", help="of a LoRaWAN device, when the file does not say")
    parser.add_argument(
        "--profile", choices=profile.BUILT_IN, default="strict", help="of a GB/T 26875 gateway"
    )
    parser.add_argument(
        "--templates", type=Path, help="for template: a JSON file as `jiean mapping export` prints"
    )
    return parser


def _templates(file: Path | None) -> list[Template] | None:
    """The templates of a file; None, and a sentence on stderr, when there are none to use."""
    if file is None:
        print("jiean decode: template needs --templates FILE", file=sys.stderr)
        return None
    try:
        found = msgspec.json.decode(file.read_bytes(), type=list[Template])
        for one in found:
            reader(one)
    except (OSError, msgspec.DecodeError, Unfit) as wrong:
        print(f"jiean decode: {file}: {wrong}", file=sys.stderr)
        return None
    return found


def main(argv: list[str]) -> int:
    """Print what the messages say."""
    try:
        words = _parser().parse_args(argv)
    except SystemExit as end:
        return 0 if end.code == 0 else 2
    try:
        if words.file == "-":
            raw = sys.stdin.buffer.read(MAX_FILE)
        else:
            with Path(words.file).open("rb") as file:
                raw = file.read(MAX_FILE)
    except OSError as wrong:
        print(f"jiean decode: {words.file}: {wrong.strerror}", file=sys.stderr)
        return 2
    if words.protocol == TEMPLATE:
        found = _templates(words.templates)
        if found is None:
            return 2
        said = by_templates(raw, found)
    else:
        said = lines(words.protocol, raw, words.model, profile.BUILT_IN[words.profile])
    for line in said:
        sys.stdout.write(line.decode() + "\n")
    return 0
