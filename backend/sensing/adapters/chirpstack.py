"""ChirpStack v4 over MQTT: ``application/<id>/device/<EUI>/event/<name>``. Pure.

The JSON is protobuf's: a field that is zero, false or empty is absent. What the device's own
bytes mean is the work of its maker's decoder, chosen by the model that the device profile or the
tag ``model`` names; ChirpStack may have more than one gateway hear an uplink, it says so once.
"""

import base64
import binascii
from datetime import datetime

from backend.sensing.adapters import dragino, milesight
from backend.sensing.body import Refused, name_of, parse
from backend.sensing.measure import When, kept, named, when
from backend.sensing.reading import Decoded, Event, Rejected, plain

UP, STATUS, LOG = "up", "status", "log"
EVENTS = {"join": "joined", "ack": "ack", "txack": "sent", "location": "location"}


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one integration event means; see ``reading.Adapter``."""
    levels = (topic or "").split("/")
    named_in_topic = levels[3] if len(levels) == 6 and levels[2] == "device" else None
    device = "unknown"
    try:
        if topic is not None and named_in_topic is None:
            raise Refused("bad-topic", f"application/…/device/…/event/… expected, got {topic!r}")
        body = parse(payload)
        if not isinstance(body, dict):
            raise Refused("not-an-object", f"an object expected, got {type(body).__name__}")
        info = body.get("deviceInfo")
        info = info if isinstance(info, dict) else {}
        own = info.get("devEui") or named_in_topic
        if not isinstance(own, str):
            raise Refused("bad-topic", "neither topic nor deviceInfo.devEui names the device")
        device = name_of(own.lower())
        at = when(body.get("time"), received_at)
        kind = levels[5] if named_in_topic else _kind(body)
        if kind == UP:
            said = _up(body, info, device, at, received_at)
        else:
            said = (_other(kind, body, device, at),)
    except Refused as refused:
        return (named(refused, device),)
    return kept(said, retained)


def _kind(body: dict[str, object]) -> str:
    """Which event a body without a topic is."""
    if "code" in body and "level" in body:
        return LOG
    if body.keys() & {"batteryLevel", "margin", "externalPowerSource"}:
        return STATUS
    if body.keys() & {"fPort", "data", "fCnt", "rxInfo", "object"}:
        return UP
    return "join" if "devAddr" in body else "unknown"


def _other(kind: str, body: dict[str, object], device: str, at: When) -> Event:
    if kind == STATUS:
        facts: dict[str, object] = {"margin": plain(body.get("margin", 0))}
        if body.get("externalPowerSource") is True:
            facts["external_power"] = True
        elif body.get("batteryLevelUnavailable") is not True:
            facts["battery"] = plain(body.get("batteryLevel", 0))
        return Event(name="battery", at=at.at, device=device, facts=facts)
    if kind == LOG:
        facts = {name: plain(body.get(name)) for name in ("level", "code", "description")}
        return Event(name="log", at=at.at, device=device, facts=facts)
    facts = {"event": plain(kind)}
    return Event(name=EVENTS.get(kind, "unmapped"), at=at.at, device=device, facts=facts)


def _up(
    body: dict[str, object],
    info: dict[str, object],
    device: str,
    at: When,
    received_at: datetime,
) -> tuple[Decoded, ...]:
    port = body.get("fPort", 0)
    port = port if isinstance(port, int) and not isinstance(port, bool) else 0
    data = _bytes(body.get("data", ""))
    heard = _uplink(body, info, data, port, device, at)
    if not data:
        return (heard, Event(name="heartbeat", at=at.at, device=device))
    tags = info.get("tags")
    tag = tags.get("model") if isinstance(tags, dict) else None
    for text in (tag, info.get("deviceProfileName")):
        if not isinstance(text, str):
            continue
        if model := milesight.model_of(text):
            return (heard, *milesight.read(data, model, device, at, received_at))
        if dragino.model_of(text):
            return (heard, *dragino.read(data, port, device, at, received_at))
    detail = f"no decoder for {plain(info.get('deviceProfileName'))}: set the tag 'model'"
    return (heard, Rejected(reason="unknown-model", detail=detail[:200], device=device))


def _bytes(found: object) -> bytes:
    if not isinstance(found, str):
        raise Refused("not-base64", "data: a text expected")
    try:
        return base64.b64decode(found, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise Refused("not-base64", f"data: {wrong}") from wrong


def _uplink(
    body: dict[str, object],
    info: dict[str, object],
    data: bytes,
    port: int,
    device: str,
    at: When,
) -> Event:
    """The radio's own facts; the best of the gateways that heard it."""
    heard = body.get("rxInfo")
    gateways = [g for g in heard if isinstance(g, dict)] if isinstance(heard, list) else []
    best = max(gateways, key=_rssi, default={})
    facts = {
        "label": plain(info.get("deviceName")),
        "profile": plain(info.get("deviceProfileName")),
        "deduplication_id": plain(body.get("deduplicationId")),
        "f_cnt": plain(body.get("fCnt", 0)),
        "f_port": port,
        "data": data.hex()[:200],
        "rssi": plain(best.get("rssi", 0)),
        "snr": plain(best.get("snr", 0)),
        "gateway": plain(best.get("gatewayId")),
    }
    return Event(name="uplink", at=at.at, device=device, facts=facts)


def _rssi(gateway: dict[str, object]) -> float:
    found = gateway.get("rssi", 0)
    return float(found) if isinstance(found, int | float) and abs(found) < 1e6 else -1e6
