"""Dahua camera events. Pure.

Two forms: ``Events[0].Name=…`` lines, or ``Code=…;action=…;index=…;data={…}`` lines with
``Heartbeat`` between them; both may be the text parts of a multipart with pictures. ``Start`` (or
``Pulse``) is an alarm, ``Stop`` its end. ``MisReport=true`` is the camera's own doubt: shown, and
flagged as not to be trusted. ``RealUTC`` is the time; ``UTC`` is the camera's local clock.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from backend.sensing.body import Refused, parse
from backend.sensing.measure import kept, measured, named, printable, when
from backend.sensing.multipart import parts
from backend.sensing.reading import Decoded, Event, Rejected, plain

FIRE = {"SmokeDetection": (), "FireDetection": ("flame",), "FireWarning": ("flame",)}
ACTIONS = {"Start": True, "Pulse": True, "Stop": False}
MAX_TEXT = 64 * 1024
MAX_EVENTS = 100
NUMBERED = re.compile(r"Events\[(\d{1,4})\]\.(.{1,200})")


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one piece of the stream means; see ``reading.Adapter``.

    ``topic`` is ``dahua[/<camera>]``; the message itself does not name its camera.
    """
    camera = printable((topic or "").partition("/")[2]) or "unknown"
    try:
        said = tuple(islice(_texts(payload, camera, received_at), 4 * MAX_EVENTS))
    except Refused as refused:
        return (named(refused, camera),)
    if said:
        return kept(said, retained)
    return (Rejected(reason="unknown-shape", detail="no event in this text", device=camera),)


def _texts(payload: bytes, camera: str, received_at: datetime) -> Iterator[Decoded]:
    if payload.lstrip().startswith(b"--"):
        for part in parts(payload):
            if "image/" not in part.head:
                yield from _text(part.body, camera, received_at)
        return
    yield from _text(payload, camera, received_at)


def _text(raw: bytes, camera: str, received_at: datetime) -> Iterator[Decoded]:
    if len(raw) > MAX_TEXT:
        raise Refused("too-big", f"{len(raw)} bytes of text, at most {MAX_TEXT}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise Refused("not-utf8", str(wrong)) from wrong
    events: dict[str, dict[str, object]] = {}
    lines = text.splitlines()
    for place, line in enumerate(lines):
        line = line.strip()
        if found := NUMBERED.match(line.partition("=")[0]):
            if len(events) < MAX_EVENTS or found[1] in events:
                events.setdefault(found[1], {})[found[2]] = line.partition("=")[2]
        elif line == "Heartbeat":
            yield Event(name="heartbeat", at=received_at, device=camera)
        elif line.startswith("Code="):
            yield from _line(line, islice(lines, place + 1, place + 2001), camera, received_at)
    for fields in events.values():
        code, action = fields.get("EventBaseInfo.Code"), fields.get("EventBaseInfo.Action")
        index = fields.get("EventBaseInfo.Index")
        yield from _event(code, action, index, fields, camera, received_at)


def _line(line: str, after: Iterable[str], camera: str, received_at: datetime) -> Iterator[Decoded]:
    """``Code=…;action=…;index=…;data={…}``; the data may go on over the next lines."""
    head, _, data = line.partition(";data=")
    fields = dict(pair.partition("=")[::2] for pair in head.split(";") if "=" in pair)
    for more in after:
        if data.count("{") <= data.count("}") or more.startswith("Code="):
            break
        data += "\n" + more
    body: object = None
    if data:
        try:
            body = parse(data.encode())
        except Refused as refused:
            yield named(refused, camera)
    inner = body if isinstance(body, dict) else {}
    yield from _event(
        fields.get("Code"), fields.get("action"), fields.get("index"), inner, camera, received_at
    )


def _event(
    code: object,
    action: object,
    index: object,
    fields: Mapping[str, object],
    camera: str,
    received_at: datetime,
) -> Iterator[Decoded]:
    device = f"{camera}/{printable(str(index))[:20]}" if index not in (None, "") else camera
    real = _seconds(fields.get("RealUTC"))
    at = when(None if real is None else real * 1000, received_at)
    mistaken = str(fields.get("MisReport")).lower() == "true"
    facts = {
        "code": plain(code),
        "action": plain(action),
        "rule": plain(fields.get("Name")),
        "event_id": plain(fields.get("EventID")),
        "mis_report": mistaken,
    }
    yield Event(name="camera_event", at=at.at, device=device, facts=facts)
    if not isinstance(code, str) or code not in FIRE:
        yield Event(name="unmapped", at=at.at, device=device, facts={"code": plain(code)})
        return
    value = ACTIONS.get(action) if isinstance(action, str) else None
    flags = FIRE[code] if value else ()
    if mistaken:
        flags = (*flags, "misreport", "fault")
    yield measured(device, "smoke", value, at, received_at, flags)


def _seconds(found: object) -> int | None:
    if isinstance(found, int) and not isinstance(found, bool):
        return found if abs(found) < 1e12 else None
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 13:
        return int(found)
    return None
