"""What each detector says: slow ordinary values, an alarm's rise, and normal again. Pure.

Zigbee detectors speak as Zigbee2MQTT publishes them, the others our own documented JSON.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from backend.demo.town import Detector

PERSISTENCE_S = {"electric": 31.0, "hydrant": 121.0, "door": 598.5}
"""A rule that waits this long is met by a first message dated back: the demonstration shows the
alarm now, as if the watcher had come at its end. Below ten minutes, where a clock is doubted."""

KEYS = ("smoke", "gas", "electric", "structure", "hydrant", "water", "door")
"""Kinds in the order of the keys 1 to 7."""

NORMALS_AT_LEAST = 3
"""Normal messages that the strictest rule (gas) asks for before an alarm clears."""

NAMES = {
    "smoke": "烟雾", "gas": "可燃气体", "electric": "剩余电流", "structure": "房屋裂缝",
    "hydrant": "消火栓水压", "water": "漏水", "door": "门未关",
}  # fmt: skip


class Message(NamedTuple):
    """One MQTT message."""

    topic: str
    payload: bytes


def ordinary(detector: Detector, at: datetime, turn: int) -> Message:
    """A calm message; ``turn`` moves the value slowly round its mean."""
    wave = math.sin(turn / 7 + int(detector.id) % 97)
    match detector.kind:
        case "smoke":
            body: dict[str, Any] = {"smoke": False, "smoke_density": max(0, round(1 + wave))}
        case "gas":
            body = {"gas": False, "gas_value": round(0.6 + 0.5 * wave, 1)}
        case "electric":
            return _own(detector, at, "residual_current", round(48 + 22 * wave, 1), "mA")
        case "structure":
            return _own(detector, at, "crack", round(0.22 + 0.03 * wave, 3), "mm")
        case "hydrant":
            return _own(detector, at, "pressure", round(0.24 + 0.03 * wave, 3), "MPa")
        case "water":
            return _own(detector, at, "flow", round(max(0.0, 3.5 * wave), 1), "L/min")
        case _:
            # A door says nothing for hours but that it lives.
            body = {}
    return _zigbee(detector, at, body, turn)


def alarming(detector: Detector, at: datetime, turn: int = 0) -> Message:
    """A message over the limit; a higher ``turn`` is a worse value."""
    worse = 1 - math.exp(-(turn + 1) / 3)
    match detector.kind:
        case "smoke":
            body: dict[str, Any] = {"smoke": True, "smoke_density": round(12 + 60 * worse)}
        case "gas":
            # The flag would be a second rule of the same detector: the value alone decides.
            body = {"gas": False, "gas_value": round(9 + 20 * worse, 1)}
        case "electric":
            return _own(detector, at, "residual_current", round(520 + 90 * worse, 1), "mA")
        case "structure":
            return _own(detector, at, "crack", round(1.1 + 0.6 * worse, 3), "mm")
        case "hydrant":
            return _own(detector, at, "pressure", round(0.09 - 0.05 * worse, 3), "MPa")
        case "water":
            return _own(detector, at, "water_leak", value=True, unit=None)
        case _:
            body = {"contact": False}
    return _zigbee(detector, at, body, turn)


def raising(detector: Detector, at: datetime, quiet_since: datetime | None) -> Sequence[Message]:
    """The messages that raise an alarm now, whatever persistence its rule asks for.

    Args:
        detector: any kind.
        at: now, UTC.
        quiet_since: time of its last message; nothing is dated before it.
    """
    wait_s = PERSISTENCE_S.get(detector.kind)
    if wait_s is None:
        return (alarming(detector, at),)
    first = at - timedelta(seconds=wait_s)
    if quiet_since is not None and first <= quiet_since:
        first = quiet_since + timedelta(milliseconds=1)
    return (alarming(detector, first), alarming(detector, at, 1))


def normal(detector: Detector, at: datetime, turn: int) -> Message:
    """A message of the alarming quantity that is normal again."""
    if detector.kind == "water":
        return _own(detector, at, "water_leak", value=False, unit=None)
    if detector.kind == "door":
        return _zigbee(detector, at, {"contact": True}, turn)
    return ordinary(detector, at, turn)


def _zigbee(detector: Detector, at: datetime, body: dict[str, Any], turn: int) -> Message:
    seed = int(detector.id) % 1000
    said = {
        **body,
        "battery": 100 - seed % 37,
        "linkquality": 60 + (seed + turn * 13) % 150,
        "last_seen": at.isoformat(timespec="milliseconds"),
    }
    return Message(f"zigbee2mqtt/{detector.address}", msgspec.json.encode(said))


def _own(
    detector: Detector, at: datetime, quantity: str, value: float | bool, unit: str | None
) -> Message:
    body = {
        "quantity": quantity,
        "value": value,
        "unit": unit,
        "measuredAt": at.isoformat(timespec="milliseconds"),
    }
    return Message(f"jiean/{detector.address}/reading", msgspec.json.encode(body))
