"""Dragino door and leak sensors LDS02, LWL02: ten bytes on port 10. Pure.

Bytes 0–1: bit 15 door open, bit 14 leak, low 14 bits battery in mV. Byte 2: mode, 1 door, 2 leak.
3–5: how often it opened (leaked), 24 bits. 6–8: how long the last time took, in **minutes**.
9: time-out alarm bit. Some bridges pass the same on as JSON; its names are read too.
"""

from collections.abc import Mapping
from datetime import datetime

from backend.sensing.body import Refused, parse
from backend.sensing.measure import When, kept, measured, named, printable, when
from backend.sensing.reading import Decoded, Event, Rejected, plain

MODELS = ("LDS02", "LWL02", "LDS03", "LDS01", "LWL01")
PORT = 10
DOOR, LEAK = 1, 2


def model_of(text: str) -> str | None:
    """The model that a device profile, a tag or a file names, e.g. ``LDS02 door``."""
    return next((model for model in MODELS if model in text.upper()), None)


def decode(
    topic: str | None, payload: bytes, received_at: datetime, retained: bool
) -> tuple[Decoded, ...]:
    """Say what a payload means: the bytes, or a bridge's JSON.

    ``topic`` is ``dragino/<port>[/<device>]``; without one the port counts as 10.
    """
    _, _, rest = (topic or "").partition("/")
    port, _, device = rest.partition("/")
    device = device or "unknown"
    if payload[:1] in (b"{", b"["):
        try:
            return kept(_bridge(parse(payload), device, received_at), retained)
        except Refused as refused:
            return (named(refused, device),)
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 4 else PORT
    return kept(read(payload, number, device, When(received_at), received_at), retained)


def read(
    data: bytes, port: int, device: str, at: When, received_at: datetime
) -> tuple[Decoded, ...]:
    """All that one uplink says."""
    if port != PORT:
        detail = f"port {port}, {PORT} expected"
        return (Rejected(reason="unknown-type", detail=detail, device=device),)
    if len(data) not in (9, 10):
        detail = f"{len(data)} bytes, 10 expected"
        return (Rejected(reason="bad-length", detail=detail, device=device),)
    head = int.from_bytes(data[:2], "big")
    facts: dict[str, object] = {
        "BAT_V": (head & 0x3FFF) / 1000,
        "MOD": data[2],
        "DOOR_OPEN_STATUS": head >> 15,
        "WATER_LEAK_STATUS": head >> 14 & 1,
        "times": int.from_bytes(data[3:6], "big"),
        "minutes": int.from_bytes(data[6:9], "big"),
        "ALARM": data[9] & 1 if len(data) == 10 else 0,
    }
    return _said(facts, device, at, received_at)


def _bridge(body: object, device: str, received_at: datetime) -> tuple[Decoded, ...]:
    """``decoded`` of a bridge, or the same names at the top."""
    if not isinstance(body, dict):
        raise Refused("not-an-object", f"an object expected, got {type(body).__name__}")
    own = body.get("device_id") or body.get("id") or body.get("name")
    if isinstance(own, str) and own:
        device = printable(own)
    inner = body.get("decoded")
    facts = dict(inner) if isinstance(inner, dict) else dict(body)
    if "DOOR_OPEN_STATUS" not in facts and "WATER_LEAK_STATUS" not in facts:
        raise Refused("unknown-shape", "neither DOOR_OPEN_STATUS nor WATER_LEAK_STATUS")
    facts.setdefault("MOD", DOOR if "DOOR_OPEN_STATUS" in facts else LEAK)
    for ours, theirs in (
        ("times", ("DOOR_OPEN_TIMES", "WATER_LEAK_TIMES")),
        ("minutes", ("LAST_DOOR_OPEN_DURATION", "LAST_WATER_LEAK_DURATION")),
    ):
        facts[ours] = next((facts[name] for name in theirs if name in facts), None)
    at = when(body.get("received_at") or body.get("UTC_TIME"), received_at)
    return _said(facts, device, at, received_at)


def _said(
    facts: Mapping[str, object], device: str, at: When, received_at: datetime
) -> tuple[Decoded, ...]:
    mode = facts.get("MOD")
    flags = ("alarm",) if facts.get("ALARM") == 1 else ()
    said: list[Decoded] = []
    if mode == DOOR:
        open_ = facts.get("DOOR_OPEN_STATUS")
        value = {0: True, 1: False}.get(open_) if isinstance(open_, int) else None
        said.append(measured(device, "contact", value, at, received_at, flags))
    elif mode == LEAK:
        leak = facts.get("WATER_LEAK_STATUS")
        value = {0: False, 1: True}.get(leak) if isinstance(leak, int) else None
        said.append(measured(device, "water_leak", value, at, received_at, flags))
    else:
        detail = f"mode {plain(mode)}"
        return (Rejected(reason="unknown-type", detail=detail, device=device),)
    volts = facts.get("BAT_V")
    if isinstance(volts, int | float) and not isinstance(volts, bool) and abs(volts) < 100:
        battery = {"voltage_mv": round(volts * 1000)}
        said.append(Event(name="battery", at=at.at, device=device, facts=battery))
    counted = {
        "open_times" if mode == DOOR else "leak_times": plain(facts.get("times")),
        "last_open_minutes" if mode == DOOR else "last_leak_minutes": plain(facts.get("minutes")),
        "mod": plain(mode),
        "bat_v": plain(volts),
    }
    said.append(Event(name="counter", at=at.at, device=device, facts=counted))
    return tuple(said)
