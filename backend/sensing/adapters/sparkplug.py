"""Sparkplug B: ``spBv1.0/<group>/<NBIRTH|DDATA|…>/<node>[/<device>]`` with protobuf. Pure.

What a node said at its birth (names behind aliases, types, units) and its last sequence number
come in as a value and go out changed, so the same messages always mean the same. Without the birth
an alias has no name: the message is refused as ``no-birth``, and whoever keeps the states asks the
node to be born again. A gap in the sequence is told, and the message still counts.

A metric becomes a reading when its own name (behind the last slash) is one of our quantities and
its ``engUnit`` is our unit; any other is told in the event ``metric``. A death is an event of
every device that the node had: their values are no longer true.
"""

import struct
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from backend.sensing.body import MAX_BYTES, MAX_ITEMS, Refused, name_of
from backend.sensing.measure import kept, measured, named, when
from backend.sensing.protobuf import fields
from backend.sensing.quantities import QUANTITIES
from backend.sensing.reading import Decoded, Event, plain

TYPES = frozenset({"BIRTH", "DATA", "DEATH", "CMD"})
SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
"""Of the data types Int8 … Int64: sent as two's complement."""
MAX_METRICS = 500
MAX_ALIASES = 5000


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric as it was sent; ``value`` is None when it is null or of a kind we do not read."""

    name: str | None = None
    alias: int | None = None
    at_ms: int | None = None
    datatype: int | None = None
    historical: bool = False
    value: int | float | bool | str | None = None
    unit: str | None = None


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """What an alias stands for."""

    name: str
    datatype: int | None = None
    unit: str | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one node: aliases per device (``""``: its own), last sequence, and the
    ``bdSeq`` of its birth, by which a death of an earlier session is told from one of this."""

    born: bool = False
    sequence: int | None = None
    session: int | None = None
    aliases: Mapping[str, Mapping[int, Birth]] = {}


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded payload."""

    at_ms: int | None
    sequence: int | None
    metrics: tuple[Metric, ...]


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what one message means without knowing any birth; see ``reading.Adapter``."""
    return advance(None, topic, payload, received_at, retained)[1]


def node_of(topic: str) -> str | None:
    """``<group>/<node>`` of a topic, the key of a node's state."""
    levels = topic.split("/")
    return f"{levels[1]}/{levels[3]}" if len(levels) in (4, 5) else None


def advance(
    node: Node | None, topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Node | None, tuple[Decoded, ...]]:
    """Take one message into a node's state.

    Args:
        node: what is remembered; None for a node that was never heard.
        topic: where it was published; without one the message is data of ``unknown``.
        payload: protobuf.
        received_at: UTC.
        retained: the broker had kept it.

    Returns:
        The state after it, and all that the message says.
    """
    levels = (topic or "spBv1.0/unknown/NDATA/unknown").split("/")
    device = "unknown"
    try:
        if len(levels) == 3 and levels[1] == "STATE":
            return node, (Event(name="host_state", at=received_at, facts={"host": levels[2]}),)
        if len(levels) not in (4, 5) or levels[0] != "spBv1.0":
            raise Refused("bad-topic", f"spBv1.0/group/TYPE/node expected, got {topic!r}")
        kind = levels[2]
        if kind[:1] not in ("N", "D") or kind[1:] not in TYPES:
            raise Refused("bad-topic", f"message type {kind!r}")
        part = levels[4] if len(levels) == 5 else ""
        device = name_of("/".join((levels[1], *levels[3:])))
        found = read(payload)
        node = node or Node()
        if kind[1:] == "CMD":
            return node, (Event(name="command", at=received_at, device=device),)
        changed, said = _take(node, kind, part, device, found, received_at)
    except Refused as refused:
        return node, (named(refused, device),)
    return changed, kept(said, retained)


def read(payload: bytes) -> Payload:
    """The payload's fields.

    Raises:
        Refused: no protobuf, too big, or too many metrics.
    """
    if len(payload) > MAX_BYTES:
        raise Refused("too-big", f"{len(payload)} bytes, at most {MAX_BYTES}")
    at_ms = sequence = None
    metrics: list[Metric] = []
    for number, value in fields(payload):
        if number == 1 and isinstance(value, int):
            at_ms = value
        elif number == 2 and isinstance(value, bytes):
            if len(metrics) >= MAX_METRICS:
                raise Refused("too-many", f"over {MAX_METRICS} metrics")
            metrics.append(_metric(value))
        elif number == 3 and isinstance(value, int):
            sequence = value
    return Payload(at_ms=at_ms, sequence=sequence, metrics=tuple(metrics))


def _metric(data: bytes) -> Metric:
    raw = dict(fields(data))  # of a repeated field the last one counts, as protobuf says
    datatype = _whole(raw.get(4))
    value: int | float | bool | str | None = None
    if not raw.get(7):
        value = _value(raw, datatype)
    name, unit = raw.get(1), raw.get(9)
    return Metric(
        name=name.decode("utf-8", errors="replace") if isinstance(name, bytes) else None,
        alias=_whole(raw.get(2)),
        at_ms=_whole(raw.get(3)),
        datatype=datatype,
        historical=bool(raw.get(5)),
        value=value,
        unit=_unit(unit) if isinstance(unit, bytes) else None,
    )


def _whole(found: int | bytes | None) -> int | None:
    return found if isinstance(found, int) else None


def _value(raw: Mapping[int, int | bytes], datatype: int | None) -> int | float | bool | str | None:
    """int 10, long 11, float 12, double 13, boolean 14, text 15; no other kind is read."""
    for number in (10, 11):
        found = raw.get(number)
        if isinstance(found, int):
            bits = SIGNED_BITS.get(datatype or 0)
            if bits is None:
                return bool(found) if datatype == 11 else found
            found &= (1 << bits) - 1
            return found - (1 << bits) if found >> (bits - 1) else found
    for number, form, size in ((12, "<f", 4), (13, "<d", 8)):
        found = raw.get(number)
        if isinstance(found, bytes) and len(found) == size:
            number_: float = struct.unpack(form, found)[0]
            return number_
    found = raw.get(14)
    if isinstance(found, int):
        return bool(found)
    found = raw.get(15)
    return found.decode("utf-8", errors="replace") if isinstance(found, bytes) else None


def _unit(data: bytes) -> str | None:
    """``engUnit`` of a property set: keys (1) and values (2) side by side."""
    keys: list[bytes] = []
    values: list[bytes] = []
    for number, value in fields(data):
        if isinstance(value, bytes) and number in (1, 2):
            (keys if number == 1 else values).append(value)
    for key, held in zip(keys, values, strict=False):
        if key.lower() == b"engunit":
            text = dict(fields(held)).get(8)
            return text.decode("utf-8", errors="replace") if isinstance(text, bytes) else None
    return None


def _take(
    node: Node, kind: str, part: str, device: str, found: Payload, received_at: datetime
) -> tuple[Node, tuple[Decoded, ...]]:
    at = when(found.at_ms, received_at)
    facts: dict[str, object] = {
        "message": kind,
        "sequence": found.sequence,
        "sent_at": at.at.isoformat() if at.timed else None,
        "metrics": len(found.metrics),
    }
    said: list[Decoded] = [Event(name="sparkplug", at=at.at, device=device, facts=facts)]
    if (
        kind == "NDEATH"
        and node.session is not None
        and session_of(found)
        not in (
            None,
            node.session,
        )
    ):
        stale = {"birth": node.session, "death": session_of(found)}
        return node, (*said, Event(name="stale_death", at=received_at, device=device, facts=stale))
    if kind[1:] == "DEATH":
        gone = [name for name in node.aliases if name] if kind == "NDEATH" else []
        for name in ("", *gone):
            whose = f"{device}/{name}" if name else device
            said.append(_offline(whose, received_at))
        if kind == "NDEATH":
            return Node(), tuple(said)
        return _without(node, part), tuple(said)
    node = _sequence(node, kind, device, found, received_at, said)
    if kind[1:] == "BIRTH":
        node = _born(node, kind, part, found)
        online = {"state": "online"}
        said.append(Event(name="availability", at=received_at, device=device, facts=online))
    for metric in found.metrics:
        said.extend(_metric_said(node, part, device, metric, found, received_at))
        if len(said) > 2 * MAX_ITEMS:
            break
    return node, tuple(said)


def _offline(device: str, at: datetime) -> Event:
    return Event(name="availability", at=at, device=device, facts={"state": "offline"})


def _without(node: Node, part: str) -> Node:
    left = {name: found for name, found in node.aliases.items() if name != part}
    return msgspec.structs.replace(node, aliases=left)


def _sequence(
    node: Node,
    kind: str,
    device: str,
    found: Payload,
    received_at: datetime,
    said: list[Decoded],
) -> Node:
    """Sequence numbers run 0–255 per node; a birth of the node starts them anew."""
    if kind != "NBIRTH" and node.sequence is not None and found.sequence is not None:
        expected = (node.sequence + 1) % 256
        if found.sequence not in (expected, node.sequence):  # the same one again is a repeat
            facts = {"expected": expected, "got": plain(found.sequence)}
            said.append(Event(name="sequence_gap", at=received_at, device=device, facts=facts))
    if found.sequence is None:
        return node
    return msgspec.structs.replace(node, sequence=found.sequence % 256)


def _born(node: Node, kind: str, part: str, found: Payload) -> Node:
    named_: dict[int, Birth] = {}
    for metric in found.metrics:
        if metric.alias is not None and metric.name and len(named_) < MAX_ALIASES:
            named_[metric.alias] = Birth(
                name=metric.name, datatype=metric.datatype, unit=metric.unit
            )
    if kind == "NBIRTH":
        return Node(
            born=True,
            sequence=node.sequence,
            session=session_of(found),
            aliases={"": named_},
        )
    # a device's birth does not stand for its node's: the node's own aliases are still unknown
    return msgspec.structs.replace(node, aliases={**node.aliases, part: named_})


def session_of(found: Payload) -> int | None:
    """The number of the node's session with the broker, in its birth and in its death."""
    for metric in found.metrics:
        if metric.name == "bdSeq" and isinstance(metric.value, int):
            return int(metric.value)
    return None


def rebirth(at_ms: int) -> bytes:
    """The payload of an NCMD that asks a node to be born again.

    Args:
        at_ms: now, ms since 1970.
    """
    name = b"Node Control/Rebirth"
    metric = b"\x0a" + bytes((len(name),)) + name
    metric += b"\x18" + _varint(at_ms) + b"\x20\x0b" + b"\x70\x01"  # time, Boolean, true
    return b"\x08" + _varint(at_ms) + b"\x12" + _varint(len(metric)) + metric


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def _metric_said(
    node: Node, part: str, device: str, metric: Metric, found: Payload, received_at: datetime
) -> Iterator[Decoded]:
    birth = _birth(node, part, metric)
    name = metric.name or (birth.name if birth else None)
    if name is None:
        reason = "unknown-alias" if node.born and part in node.aliases else "no-birth"
        yield named(Refused(reason, f"alias {metric.alias} of no birth that we heard"), device)
        return
    at = when(metric.at_ms if metric.at_ms is not None else found.at_ms, received_at)
    value = metric.value
    if birth is not None and metric.datatype is None and isinstance(value, int):
        value = _retyped(value, birth.datatype)
    facts = {
        "metric": plain(name),
        "value": plain(value),
        "datatype": metric.datatype or (birth.datatype if birth else None),
        "timestamp": plain(metric.at_ms),
    }
    yield Event(name="metric", at=at.at, device=device, facts=facts)
    quantity = name.rpartition("/")[2]
    rule = QUANTITIES.get(quantity)
    unit = metric.unit or (birth.unit if birth else None)
    if rule is None or value is None or isinstance(value, str) or unit != rule.unit:
        return
    flags = ("late", "history") if metric.historical else ()
    yield measured(device, quantity, value, at, received_at, flags)


def _birth(node: Node, part: str, metric: Metric) -> Birth | None:
    return node.aliases.get(part, {}).get(metric.alias) if metric.alias is not None else None


def _retyped(value: int, datatype: int | None) -> int | bool:
    """A number whose type only the birth told."""
    bits = SIGNED_BITS.get(datatype or 0)
    if datatype == 11:
        return bool(value)
    if bits is None or isinstance(value, bool):
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
