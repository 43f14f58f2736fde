"""From bytes to a JSON object, within bounds, or a named rejection. Shared by the JSON adapters."""

from datetime import UTC, datetime

import msgspec

from backend.sensing.quantities import Quantity
from backend.sensing.reading import MAX_NAME, Rejected, Value

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
MAX_ITEMS = 500
"""Readings that one message may carry."""

NO_VALUE = frozenset({65535, 6553.5, 655.35, -32768, 4294967295})
"""What fixed-width fields hold when a sensor has nothing to say (0xFFFF and its scaled forms)."""


class Refused(Exception):
    """The message cannot be used; ``reason`` is one of ``Rejected``'s."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.rejected = Rejected(reason=reason, detail=detail[:MAX_NAME].replace("\0", "�"))


def parse(payload: bytes) -> object:
    """The JSON value in ``payload``.

    Raises:
        Refused: too big, too deep, not UTF-8, not JSON (NaN and Infinity are not JSON).
    """
    if len(payload) > MAX_BYTES:
        raise Refused("too-big", f"{len(payload)} bytes, at most {MAX_BYTES}")
    try:
        found: object = msgspec.json.decode(payload)
    except RecursionError as deep:
        raise Refused("too-deep", "nested too deep to read") from deep
    except UnicodeDecodeError as wrong:
        raise Refused("not-utf8", str(wrong)) from wrong
    except msgspec.DecodeError as wrong:
        try:
            payload.decode()
        except UnicodeDecodeError as text:
            raise Refused("not-utf8", str(text)) from wrong
        raise Refused("not-json", str(wrong)) from wrong
    if payload.count(b"[") + payload.count(b"{") > MAX_DEPTH and _depth(found) > MAX_DEPTH:
        raise Refused("too-deep", f"nested deeper than {MAX_DEPTH}")
    return found


def _depth(found: object) -> int:
    """Levels of nesting, walked without recursion."""
    deepest, waiting = 0, [(found, 1)]
    while waiting:
        here, level = waiting.pop()
        deepest = max(deepest, level)
        if level > MAX_DEPTH:
            return level
        if isinstance(here, dict):
            waiting.extend((inner, level + 1) for inner in here.values())
        elif isinstance(here, list):
            waiting.extend((inner, level + 1) for inner in here)
    return deepest


def name_of(device: str) -> str:
    """A device name that can be stored and printed.

    Raises:
        Refused: empty, longer than ``MAX_NAME`` or holding control characters.
    """
    if not device or len(device) > MAX_NAME or not device.isprintable():
        raise Refused("bad-topic", f"no usable device name: {device!r}")
    return device


def value_of(quantity: str, found: object, rule: Quantity) -> Value:
    """The value in the quantity's own type and inside its physical range.

    Raises:
        Refused: wrong type (a text, a list), a "nothing to say" value, or out of range.
    """
    if rule.boolean:
        if isinstance(found, bool):
            return found
        raise Refused("bad-value", f"{quantity}: true or false expected, got {found!r}")
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Refused("bad-value", f"{quantity}: a number expected, got {found!r}")
    if found in NO_VALUE or found != found:
        raise Refused("no-value", f"{quantity}: {found} means that the sensor has no value")
    if not rule.low <= found <= rule.high:
        shown = f"{found:.4g}" if isinstance(found, float) else str(found)[:20]
        raise Refused("out-of-range", f"{quantity}: {shown} not in {rule.low} … {rule.high}")
    return found


def instant_of(found: object) -> datetime:
    """UTC from an ISO 8601 text with an offset, or from milliseconds since 1970.

    Raises:
        Refused: neither of the two, without an offset, or outside the years 1970–2199.
    """
    try:
        if isinstance(found, str):
            at = datetime.fromisoformat(found[:64])
            if at.tzinfo is None:
                raise Refused("bad-time", f"no offset: {found!r}")
            at = at.astimezone(UTC)
        elif isinstance(found, int | float) and not isinstance(found, bool):
            at = datetime.fromtimestamp(found / 1000, UTC)
        else:
            raise Refused("bad-time", f"neither a text nor a number: {found!r}")
    except (ValueError, OverflowError, OSError) as wrong:
        raise Refused("bad-time", f"{found!r}"[:80]) from wrong
    if not 1970 <= at.year < 2200:
        raise Refused("bad-time", f"year {at.year}")
    return at
