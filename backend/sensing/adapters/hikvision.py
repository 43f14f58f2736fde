"""Hikvision ISAPI events (``EventNotificationAlert``): XML alone or as part of a multipart. Pure.

With and without namespace. ``eventState`` ``active`` is an alarm and ``inactive`` its end; the
camera repeats an active event (``activePostCount``). Behind a recorder the camera is
``dynChannelID``, else ``channelID``. A flame seen by a camera is ``smoke`` with the flag ``flame``.
``videoloss`` that is inactive is the heartbeat of a stream; active it is a fault. Pictures are
counted, not read. The heat of each region is told; it is no cable temperature.
"""

from collections.abc import Iterator
from datetime import datetime

from backend.sensing.body import Refused, name_of
from backend.sensing.measure import When, kept, measured, named, printable, when
from backend.sensing.multipart import parts
from backend.sensing.reading import Decoded, Event, Rejected, plain
from backend.sensing.xml import Node, read

FIRE = {
    "firedetection": ("flame",),
    "smokedetection": (),
    "smokeandfiredetection": ("flame",),
    "firesmokedetection": ("flame",),
    "smokeandfire": ("flame",),
}
HEARTBEAT = frozenset({"videoloss", "heartbeat"})
MAX_REGIONS = 50


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one post means; see ``reading.Adapter``.

    ``topic`` is ``hikvision[/<camera>]``; without a camera the message's own address names it.
    """
    camera = (topic or "").partition("/")[2]
    try:
        if not payload.lstrip().startswith(b"--"):
            return kept(_said(read(payload.strip()), camera, received_at, 0), retained)
        said: list[Decoded] = []
        pieces = list(parts(payload))
        pictures = sum("image/" in part.head for part in pieces)
        for part in pieces:
            if "image/" not in part.head and part.body:
                said.extend(_said(read(part.body.strip()), camera, received_at, pictures))
        if not said:
            raise Refused("not-xml", "no part holds an event")
        return kept(said, retained)
    except Refused as refused:
        return (named(refused, camera or None),)


def _said(root: Node, camera: str, received_at: datetime, pictures: int) -> Iterator[Decoded]:
    if root.name != "EventNotificationAlert":
        raise Refused("unknown-shape", f"EventNotificationAlert expected, got {root.name[:80]}")
    own = camera or root.find("macAddress") or root.find("ipAddress") or "unknown"
    channel = root.find("dynChannelID") or root.find("channelID")
    device = name_of(printable(f"{own}/{channel}" if channel else own))
    kind, state = root.find("eventType"), root.find("eventState")
    at = when(root.find("dateTime"), received_at)
    beat = (kind or "").lower() in HEARTBEAT
    if beat and (state or "inactive").lower() == "inactive":
        yield Event(name="heartbeat", at=at.at, device=device)
        return
    facts = {
        "event_type": plain(kind),
        "state": plain(state),
        "post_count": plain(_number(root.find("activePostCount"))),
        "channel_name": plain(root.find("channelName")),
        "pictures": pictures,
    }
    yield Event(name="camera_event", at=at.at, device=device, facts=facts)
    flags = FIRE.get((kind or "").lower())
    if flags is None:
        if beat:
            yield Event(name="fault", at=at.at, device=device, facts={"fault": "video lost"})
            return
        if kind is None:
            yield Rejected(reason="unknown-shape", detail="no eventType", device=device)
            return
        yield Event(name="unmapped", at=at.at, device=device, facts={"event_type": plain(kind)})
        return
    value = {"active": True, "inactive": False}.get((state or "").lower())
    yield measured(device, "smoke", value, at, received_at, flags if value else ())
    yield from _regions(root, device, at)


def _regions(root: Node, device: str, at: When) -> Iterator[Event]:
    """The heat that the camera sees, per region."""
    entries = [node for node in root.walk() if node.name == "DetectionRegionEntry"]
    for entry in entries[:MAX_REGIONS]:
        inner = next((node for node in entry.children if node.name == "FireDetection"), None)
        if inner is None:
            continue
        distance = _number(inner.find("targetDistance"))
        facts = {
            "region": plain(_number(entry.find("regionID"))),
            "max_temperature": plain(_number(inner.find("fireMaxTemperature"))),
            "unit": plain(inner.find("temperatureUnit")),
            "distance": None if distance is None or distance < 0 else plain(distance),
        }
        yield Event(name="fire_region", at=at.at, device=device, facts=facts)


def _number(text: str | None) -> int | float | None:
    """A whole or broken number; None for anything else."""
    if text is None or len(text) > 20:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) < 1e12 else None
