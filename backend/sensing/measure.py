"""A value that an adapter found, as a reading or a rejection: one place for the checks.

Every adapter says device, quantity and value; kind, unit, range, the alarm and open flags and the
reading's times come out the same way for all of them. Pure.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from backend.sensing.body import Refused, instant_of, value_of
from backend.sensing.quantities import QUANTITIES
from backend.sensing.reading import MAX_NAME, Decoded, Reading, Rejected, time_flags

ALARM_WHEN_TRUE = frozenset(
    {"smoke", "gas", "water_leak", "carbon_monoxide", "short_circuit", "electric_alarm"}
)


class When(NamedTuple):
    """A measurement's time: the instant, whether the device gave it, and what is odd about it."""

    at: datetime
    timed: bool = False
    flags: tuple[str, ...] = ()


def when(found: object, received_at: datetime) -> When:
    """The device's own time (an instant, ISO 8601 or milliseconds), else that of arrival."""
    if found is None or found == "":
        return When(received_at)
    try:
        at = found if isinstance(found, datetime) else instant_of(found)
    except Refused:
        return When(received_at, flags=("clock",))
    if not 2000 <= at.year < 2200:  # a clock that begins at 1970 after a power cut
        return When(received_at, flags=("clock",))
    return When(at, timed=True, flags=time_flags(at, received_at))


def measured(
    device: str,
    quantity: str,
    value: object,
    at: When,
    received_at: datetime,
    flags: Iterable[str] = (),
) -> Reading | Rejected:
    """One reading.

    Args:
        device: address inside the protocol.
        quantity: a name of ``quantities.QUANTITIES``, in its unit.
        value: as the device gave it, in our unit already.
        at: from ``when``.
        received_at: UTC.
        flags: what the device says beside the value, in order.
    """
    rule = QUANTITIES[quantity]
    try:
        good = value_of(quantity, value, rule)
    except Refused as refused:
        return named(refused, device)
    said: dict[str, None] = {}
    if good is True and quantity in ALARM_WHEN_TRUE:
        said["alarm"] = None
    if good is False and quantity == "contact":
        said["open"] = None
    said.update(dict.fromkeys(flags))
    said.update(dict.fromkeys(at.flags))
    return Reading(
        device=device,
        kind=rule.kind,
        quantity=quantity,
        value=good,
        unit=rule.unit,
        measured_at=at.at,
        received_at=received_at,
        timed=at.timed,
        flags=tuple(said),
    )


def kept(said: Iterable[Decoded], retained: bool) -> tuple[Decoded, ...]:
    """The same with the flag ``retained`` on every reading, if the broker had kept the message."""
    if not retained:
        return tuple(said)
    return tuple(
        msgspec.structs.replace(item, flags=(*item.flags, "retained"))
        if isinstance(item, Reading)
        else item
        for item in said
    )


def named(refused: Refused, device: str | None) -> Rejected:
    """The rejection, with the device it is about as far as it can be printed."""
    shown = printable(device) if device else None
    return Rejected(
        reason=refused.rejected.reason, detail=refused.rejected.detail, device=shown or None
    )


def printable(text: str) -> str:
    """The text without what cannot be printed, cut to what a name may hold."""
    return "".join(x if x.isprintable() else "�" for x in text[:MAX_NAME])


def scaled(raw: int, factor: float) -> float:
    """``raw`` × ``factor`` without the tail that binary fractions leave."""
    return round(raw * factor, 9)
