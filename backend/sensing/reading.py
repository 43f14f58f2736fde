"""What a message from a detector can say: a reading, an event, or nothing we can use.

Every adapter answers in these three words, so a protocol that is added later changes nothing
behind it. Pure: no clock; the time of arrival comes in as a value.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

CLOCK_TOLERANCE = timedelta(minutes=10)
"""A device's clock is believed over our own no further than this."""

MAX_NAME = 200
"""Characters of a device name or of one fact that are kept."""

Value = bool | int | float


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value of one quantity.

    ``device`` is the address inside its protocol; ``kind`` is the function of 5.1.1.1 that the
    quantity serves; ``measured_at`` is the device's own time, or the time of arrival when the
    device gives none (then ``timed`` is false). Both times are UTC.

    Flags: ``alarm`` the device itself says alarm · ``open`` a contact is open · ``test`` from a
    test button or in a test session · ``maintenance`` somebody is working on the device ·
    ``tamper`` · ``fault`` the sensor says that it cannot be trusted · ``retained`` the broker kept
    it, so it may be old · ``clock`` the device's time is more than ten minutes from ours ·
    ``late`` and that in the past · ``history`` the device itself says so · ``test_bit`` a panel's
    bit for "normal" is not set beside an alarm that counts as real · ``manual`` a person pressed a
    button · ``unscaled`` the raw number of a maker whose unit nobody told us.
    """

    device: str
    kind: str
    quantity: str
    value: Value
    unit: str | None
    measured_at: datetime
    received_at: datetime
    timed: bool = False
    flags: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What is no measurement: heartbeat, battery, announce, an operator's action, a bridge's state.

    ``device`` is None when the sender is a bridge or gateway, not a detector.
    """

    name: str
    at: datetime
    device: str | None = None
    facts: Mapping[str, object] = {}


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot be decoded, by a stable reason; the raw bytes are kept beside it.

    Reasons: ``too-big``, ``too-deep``, ``not-utf8``, ``not-json``, ``not-an-object``,
    ``bad-topic``, ``bad-value``, ``no-value``, ``out-of-range``, ``bad-time``,
    ``unknown-quantity``, ``wrong-unit``, ``too-many``; and of binary and vendor protocols
    ``incomplete``, ``look-alike``, ``bad-start``, ``bad-end``, ``bad-length``, ``bad-checksum``,
    ``bad-layout``, ``unknown-command``, ``unknown-type``, ``unknown-model``, ``unknown-shape``,
    ``not-hex``, ``not-base64``, ``not-xml``, ``unknown-alias``, ``no-birth``, ``out-of-sequence``;
    and of doors ``no-adapter``, ``unknown-gateway``, ``wrong-address``.
    """

    reason: str
    detail: str
    device: str | None = None


Decoded = Reading | Event | Rejected


class Adapter(Protocol):
    """The one function of an adapter. It never raises and its answer is bounded."""

    def __call__(
        self, topic: str | None, payload: bytes, received_at: datetime, retained: bool
    ) -> tuple[Decoded, ...]:
        """Say what a message means.

        Args:
            topic: where it was published; None when the source gives none.
            payload: as it arrived, any bytes.
            received_at: UTC.
            retained: the broker had kept it and it may be old.
        """
        ...


def time_flags(measured_at: datetime, received_at: datetime) -> tuple[str, ...]:
    """``clock`` when the two times disagree by more than ten minutes, ``late`` if in the past."""
    behind = received_at - measured_at
    if behind > CLOCK_TOLERANCE:
        return ("clock", "late")
    if -behind > CLOCK_TOLERANCE:
        return ("clock",)
    return ()


def plain(fact: object) -> object:
    """A fact that any store takes: no NUL, no long text, no nesting, no huge integer."""
    if fact is None or isinstance(fact, bool | float):
        return fact
    if isinstance(fact, int):
        return fact if abs(fact) < 2**53 else str(fact)[:MAX_NAME]
    text = fact if isinstance(fact, str) else repr(fact)
    return text[:MAX_NAME].replace("\0", "�")


def as_line(item: Decoded) -> dict[str, object]:
    """The documented JSON form of ``jiean decode``: one key that says which of the three it is."""
    if isinstance(item, Reading):
        return {
            "reading": {
                "device": item.device,
                "kind": item.kind,
                "quantity": item.quantity,
                "value": item.value,
                "unit": item.unit,
                "measured_at": item.measured_at,
                "flags": list(item.flags),
            }
        }
    if isinstance(item, Event):
        fixed = {"name": item.name, "device": item.device, "at": item.at}
        return {"event": {**fixed, **{k: v for k, v in item.facts.items() if k not in fixed}}}
    return {"rejected": {"reason": item.reason, "detail": item.detail, "device": item.device}}
