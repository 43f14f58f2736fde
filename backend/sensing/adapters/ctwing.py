"""China Telecom CTWing / AEP push. Pure.

One JSON object per push. ``payload`` comes in three shapes: named properties (``serviceId``,
``serviceData``), a flat object, or ``{"APPdata": base64}``, which holds whatever the device itself
sent: JSON, a GB/T 26875 frame, a MEOKON frame, or bytes that nobody here knows. ``timestamp`` is in
milliseconds; ``upPacketSN`` may be a number or "", ``IMSI`` the word "undefined".
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec

from backend.sensing.adapters import meokon
from backend.sensing.adapters.fields import properties
from backend.sensing.adapters.gb26875 import meaning
from backend.sensing.body import Refused, name_of, parse
from backend.sensing.measure import When, kept, named, when
from backend.sensing.reading import Adapter, Decoded, Event, Rejected, plain

NOTHING = frozenset({"", "undefined", "null"})
NESTED: tuple[tuple[bytes, Adapter], ...] = (
    (b"\x40\x40", meaning.decode),
    (b"\xa5\x5a", meokon.decode),
)


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one push means; see ``reading.Adapter``."""
    device = "unknown"
    try:
        body = parse(payload)
        if not isinstance(body, dict):
            raise Refused("not-an-object", f"an object expected, got {type(body).__name__}")
        own = _text(body.get("deviceId")) or _text(body.get("IMEI"))
        if own is None:
            raise Refused("unknown-shape", "neither deviceId nor IMEI")
        device = name_of(own)
        kind = body.get("messageType")
        read = MESSAGES.get(kind) if isinstance(kind, str) else None
        if read is None:
            raise Refused("unknown-type", f"messageType {kind!r}")
        at = when(body.get("timestamp"), received_at)
        return kept(read(body, device, at, received_at), retained)
    except Refused as refused:
        return (named(refused, device),)


Message = dict[object, object]


def _text(found: object) -> str | None:
    """A text that says something; the platform also writes "undefined"."""
    return found if isinstance(found, str) and found not in NOTHING else None


def _report(body: Message, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    names = ("productId", "protocol", "IMEI", "upPacketSN", "serviceId", "topic")
    facts = {name: plain(body[name]) for name in names if _has(body, name)}
    yield Event(name="push", at=at.at, device=device, facts=facts)
    found = body.get("payload")
    if isinstance(found, str):
        found = parse(found.encode(errors="replace"))
    if not isinstance(found, Mapping):
        raise _shape(found)
    if "APPdata" in found:
        yield from _app_data(found["APPdata"], device, at, received_at)
        return
    inner = next((found[n] for n in ("serviceData", "params", "data") if n in found), found)
    if not isinstance(inner, Mapping):
        raise _shape(inner)
    yield from properties(device, inner, at, received_at)


def _shape(found: object) -> Refused:
    return Refused("unknown-shape", f"payload: an object expected, got {type(found).__name__}")


def _has(body: Message, name: str) -> bool:
    found = body.get(name)
    return isinstance(found, str | int) and found not in NOTHING


def _app_data(found: object, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    """What the device itself sent, through a product that changes nothing."""
    if not isinstance(found, str):
        raise Refused("not-base64", "APPdata: a text expected")
    try:
        raw = base64.b64decode(found, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise Refused("not-base64", f"APPdata: {wrong}") from wrong
    for mark, adapter in NESTED:
        if raw.startswith(mark):
            yield from adapter(None, raw, received_at, False)
            return
    try:
        body = parse(raw)
    except Refused:
        facts: dict[str, object] = {"hex": raw[:200].hex()}
        yield Event(name="app_data", at=at.at, device=device, facts=facts)
        detail = f"{len(raw)} bytes of the maker's own: a template or decoder is needed"
        yield Rejected(reason="unknown-shape", detail=detail, device=device)
        return
    if not isinstance(body, dict):
        raise Refused("unknown-shape", "APPdata: an object expected")
    flat = {str(plain(name)): _flat(value) for name, value in list(body.items())[:40]}
    yield Event(name="app_data", at=at.at, device=device, facts=flat)
    for item in properties(device, body, at, received_at):
        if not (isinstance(item, Event) and item.name == "unmapped"):
            yield item


def _flat(found: object) -> object:
    """A nested value as the JSON text that it was."""
    nested = isinstance(found, dict | list)
    return plain(msgspec.json.encode(found).decode() if nested else found)


def _online(body: Message, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    states = {1: "online", 0: "offline"}
    found = body.get("eventType")
    state = states.get(found) if isinstance(found, int) else None
    if state is None:
        raise Refused("bad-value", f"eventType {found!r}")
    yield Event(name="availability", at=at.at, device=device, facts={"state": state})


def _response(body: Message, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    result = body.get("result")
    result = result if isinstance(result, dict) else {}
    facts = {"task": plain(body.get("taskId")), "result": plain(result.get("resultCode"))}
    yield Event(name="command_response", at=at.at, device=device, facts=facts)


def _event(body: Message, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    found = body.get("eventContent")
    if not isinstance(found, Mapping):
        raise _shape(found)
    facts = {"service": plain(body.get("serviceId")), "event_type": plain(body.get("eventType"))}
    yield Event(name="push", at=at.at, device=device, facts=facts)
    yield from properties(device, found, at, received_at)


def _other(body: Message, device: str, at: When, received_at: datetime) -> Iterator[Decoded]:
    kind = plain(body.get("messageType"))
    yield Event(name="platform", at=at.at, device=device, facts={"message": kind})


MESSAGES: dict[str, Callable[[Message, str, When, datetime], Iterator[Decoded]]] = {
    "dataReport": _report,
    "dataReportTupTransparent": _report,
    "eventReport": _event,
    "deviceOnlineOfflineReport": _online,
    "commandResponse": _response,
    "infoReport": _other,
    "deviceAdd": _other,
    "deviceDelete": _other,
}
