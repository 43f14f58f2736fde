"""What a file given to ``jiean decode`` holds: messages in the shapes that people keep them. Pure.

- JSON: one message or an array, or an object with the array under ``vectors``, ``messages``,
  ``frames``, ``samples`` or ``items``; or one JSON object per line.
- A message is the bare payload, or an object around it: ``payload``, ``json``, ``hex``, ``base64``,
  ``xml``, ``text``, with ``topic``, ``retained``, ``received_at``, and for LoRaWAN ``model``,
  ``fPort`` and ``device``.
- Binary protocols: hex with or without spaces, a line each, a model's name before it if wanted;
  base64; or the bytes themselves.
- Text protocols: the whole file is one message.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from backend.sensing.body import Refused, instant_of
from backend.sensing.reading import Rejected

ARRAYS = ("vectors", "messages", "frames", "samples", "items")
AROUND = ("payload", "json", "hex", "base64", "xml", "text", "data")
HEX = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{2}(?:[\s:,-]*(?:0[xX])?[0-9A-Fa-f]{2})*")


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """How a protocol's messages are written. ``own`` are names that only a bare payload has."""

    binary: bool = False
    own: frozenset[str] = frozenset()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the file, as its adapter wants it; no time of arrival when the file has none.

    ``joined`` says that it follows the one before in the same stream of bytes.
    """

    topic: str | None = None
    payload: bytes
    received_at: datetime | None = None
    retained: bool = False
    model: str | None = None
    port: int | None = None
    device: str | None = None
    joined: bool = False


def messages(raw: bytes, form: Form) -> Iterator[Message | Rejected]:
    """The messages of a file, in order; what is no message is a rejection in its place."""
    if form.binary:
        lines = _hex_lines(raw)
        if lines:
            yield from lines
            return
    items = _items(raw)
    if items is None:
        yield _bytes_of_file(raw, form)
        return
    for item in items:
        yield _message(item, form)


def _items(raw: bytes) -> list[object] | None:
    """The JSON values of the file; None when it is no JSON."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _json_lines(raw)
    if isinstance(found, dict):
        array = next((found[n] for n in ARRAYS if isinstance(found.get(n), list)), None)
        if array is not None and not any(name in found for name in AROUND):
            return list(array)
    return list(found) if isinstance(found, list) else [found]


def _json_lines(raw: bytes) -> list[object] | None:
    lines = [line for line in raw.splitlines() if line.strip()]
    if len(lines) < 2:
        return None
    try:
        return [msgspec.json.decode(line) for line in lines]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _hex_lines(raw: bytes) -> list[Message]:
    """The lines of a file of hex, joined as one stream; empty when some line is something else."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        return []
    found: list[Message] = []
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        label, _, last = line.rpartition(" ")
        if HEX.fullmatch(line):
            found.append(Message(payload=_unhex(line), joined=True))
        elif HEX.fullmatch(last):
            found.append(Message(payload=_unhex(last), model=label, joined=True))
        else:
            return []
    return found


def _unhex(text: str) -> bytes:
    return bytes.fromhex(re.sub(r"0[xX]|[\s:,-]", "", text))


def _bytes_of_file(raw: bytes, form: Form) -> Message:
    """A file that is no JSON and no hex: base64 for a binary protocol, else the payload itself."""
    if form.binary and (decoded := _unbase64(raw.strip())):
        return Message(payload=decoded)
    return Message(payload=raw)


def _unbase64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _message(item: object, form: Form) -> Message | Rejected:
    if not isinstance(item, dict) or form.own & item.keys():
        return _made(item, None, {}, form)
    name = next((name for name in AROUND if name in item), None)
    if name is None:
        return _made(item, None, {}, form)
    topic = item.get("topic")
    if topic is not None and not isinstance(topic, str):
        return Rejected(reason="bad-topic", detail="topic: a text or null expected")
    return _made(item[name], name, item, form)


def _made(
    payload: object, name: str | None, around: dict[str, object], form: Form
) -> Message | Rejected:
    raw = _payload(payload, name, form)
    if isinstance(raw, Rejected):
        return raw
    try:
        told = around.get("received_at")
        received_at = None if told is None else instant_of(told)
    except Refused:
        received_at = None
    topic, model, port = around.get("topic"), around.get("model"), around.get("fPort")
    device = around.get("device") or around.get("devEui")
    return Message(
        topic=topic if isinstance(topic, str) else None,
        payload=raw,
        received_at=received_at,
        retained=around.get("retained") is True,
        model=model if isinstance(model, str) else None,
        port=port if isinstance(port, int) and not isinstance(port, bool) else None,
        device=device if isinstance(device, str) else None,
    )


def _payload(found: object, name: str | None, form: Form) -> bytes | Rejected:
    if not isinstance(found, str):
        return msgspec.json.encode(found)
    if name == "base64":
        decoded = _unbase64(found.strip().encode(errors="replace"))
        return (
            Rejected(reason="not-base64", detail="base64 expected") if decoded is None else decoded
        )
    if name == "hex" or form.binary:
        if HEX.fullmatch(found.strip()):
            return _unhex(found)
        decoded = _unbase64(found.strip().encode(errors="replace"))
        if name == "hex" or not decoded:
            return Rejected(reason="not-hex", detail=f"hex expected: {found[:40]!r}")
        return decoded
    return found.encode(errors="replace")
