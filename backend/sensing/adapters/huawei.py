"""Huawei IoTDA push: ``resource``, ``event``, ``notify_data``. Pure.

``event_time`` is UTC as ``yyyyMMddTHHmmssZ``; each service carries its own, which wins over the
push's.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice

from backend.sensing.adapters.fields import properties
from backend.sensing.body import MAX_ITEMS, Refused, name_of, parse
from backend.sensing.measure import kept, named, when
from backend.sensing.reading import Decoded, Event, plain

MAX_SERVICES = 50


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one push means; see ``reading.Adapter``."""
    device = "unknown"
    try:
        body = parse(payload)
        if not isinstance(body, dict):
            raise Refused("not-an-object", f"an object expected, got {type(body).__name__}")
        data = _object(body.get("notify_data"), "notify_data")
        header = _object(data.get("header"), "notify_data.header")
        own = header.get("device_id") or header.get("node_id")
        if not isinstance(own, str):
            raise Refused("unknown-shape", "no device_id")
        device = name_of(own)
        return kept(islice(_said(body, data, header, device, received_at), MAX_ITEMS), retained)
    except Refused as refused:
        return (named(refused, device),)


def _object(found: object, name: str) -> Mapping[object, object]:
    if not isinstance(found, Mapping):
        raise Refused("unknown-shape", f"{name}: an object expected")
    return found


def _said(
    push: Mapping[object, object],
    data: Mapping[object, object],
    header: Mapping[object, object],
    device: str,
    received_at: datetime,
) -> Iterator[Decoded]:
    told = push.get("event_time_ms") or push.get("event_time")
    resource, event = push.get("resource"), push.get("event")
    body = _object(data.get("body"), "notify_data.body")
    at = when(told, received_at)
    facts = {
        "resource": plain(resource),
        "event": plain(event),
        "node": plain(header.get("node_id")),
        "product": plain(header.get("product_id")),
    }
    if resource == "device.status":
        state = str(plain(body.get("status"))).lower()
        yield Event(name="availability", at=at.at, device=device, facts={"state": state})
        return
    yield Event(name="push", at=at.at, device=device, facts=facts)
    if resource != "device.property":
        return
    services = body.get("services")
    if not isinstance(services, list) or len(services) > MAX_SERVICES:
        raise Refused("unknown-shape", f"services: a list of at most {MAX_SERVICES} expected")
    for service in services:
        found = _object(service, "a service")
        own = when(found.get("event_time") or told, received_at)
        inner = _object(found.get("properties"), "properties")
        name = plain(found.get("service_id"))
        yield Event(name="service", at=own.at, device=device, facts={"service": name})
        yield from properties(device, inner, own, received_at)
