"""``jiean decode PROTOCOL FILE|-``: show what messages say, one JSON object per line.

FILE holds one message or a JSON array of ``{"topic", "payload"}``. A message is such an object,
or the bare payload. ``payload`` is an object, or a text as it was published; ``topic`` may be
missing or null (the device is then ``unknown``). A message may also say ``"retained": true`` and
``"received_at"``. A file has no time of arrival: without ``received_at`` a message counts as
arriving when it was measured, so nothing is called late, and one without a time is of now.

Exit: 0 when the messages were read, also when some were rejected; 2 when the words or FILE make
no sense.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from backend.sensing.adapters import jiean, zigbee2mqtt
from backend.sensing.body import Refused, instant_of
from backend.sensing.reading import Adapter, Decoded, Rejected, as_line

ADAPTERS: dict[str, Adapter] = {"zigbee2mqtt": zigbee2mqtt.decode, "jiean": jiean.decode}
TIME_FIELDS = ("last_seen", "measuredAt")
MAX_FILE = 64 * 1024 * 1024
USAGE = f"""usage: jiean decode PROTOCOL FILE|-
  PROTOCOL  {" ".join(ADAPTERS)}
  FILE      one message or a JSON array of {{"topic", "payload"}}; - reads standard input
  一条报文或报文数组；每行输出一个 JSON 对象"""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the file, as its adapter wants it."""

    topic: str | None
    payload: bytes
    received_at: datetime
    retained: bool = False


def messages(raw: bytes) -> Iterator[Message | Rejected]:
    """The messages of a file, in order; what is no message is a rejection in its place."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # no JSON at all: let the adapter say why
        yield Message(topic=None, payload=raw, received_at=datetime.now(UTC))
        return
    for item in found if isinstance(found, list) else [found]:
        yield _message(item)


def _message(item: object) -> Message | Rejected:
    topic, payload, retained = None, item, False
    received: object = None
    if isinstance(item, dict) and "payload" in item:
        topic, payload = item.get("topic"), item["payload"]
        retained, received = item.get("retained") is True, item.get("received_at")
        if topic is not None and not isinstance(topic, str):
            return Rejected(reason="bad-topic", detail="topic: a text or null expected")
    own = payload
    if isinstance(payload, str):
        raw = payload.encode(errors="replace")
        try:
            own = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            own = None
    else:
        raw = msgspec.json.encode(payload)
    if received is None and isinstance(own, dict):
        received = next((own[name] for name in TIME_FIELDS if own.get(name) is not None), None)
    try:
        at = datetime.now(UTC) if received is None else instant_of(received)
    except Refused:
        at = datetime.now(UTC)
    return Message(topic=topic, payload=raw, received_at=at, retained=retained)


def lines(protocol: str, raw: bytes) -> Iterator[bytes]:
    """Each decoded thing as one line of JSON."""
    for message in messages(raw):
        if isinstance(message, Rejected):
            said: tuple[Decoded, ...] = (message,)
        else:
            said = ADAPTERS[protocol](
                message.topic, message.payload, message.received_at, message.retained
            )
        for item in said:
            yield msgspec.json.encode(as_line(item))


def main(argv: list[str]) -> int:
    """Print what the messages say."""
    if argv in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if len(argv) != 2 or argv[0] not in ADAPTERS:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        raw = sys.stdin.buffer.read(MAX_FILE) if argv[1] == "-" else Path(argv[1]).read_bytes()
    except OSError as wrong:
        print(f"jiean decode: {argv[1]}: {wrong.strerror}", file=sys.stderr)
        return 2
    for line in lines(argv[0], raw):
        sys.stdout.write(line.decode() + "\n")
    return 0
